// Evaluators of what the engine's accumulators, tables and roundings do to a
// result: whole evaluations in the engine's arithmetic and parts of them.
#ifndef ANEREF_RUNTIME_EXPLAIN_QUIRK_SUMS_H_
#define ANEREF_RUNTIME_EXPLAIN_QUIRK_SUMS_H_

#include "runtime/explain/quirks.h"

namespace aneref {

Expected<Candidates> SumSquareRounds(const QuirkContext& context);       // N25
Expected<Candidates> DenormalOperands(const QuirkContext& context);      // N13
Expected<Candidates> SmallProductsDropped(const QuirkContext& context);  // N16
Expected<Candidates> MacCeiling(const QuirkContext& context);    // N18, N20
Expected<Candidates> HalfAway(const QuirkContext& context);      // N19, N23
Expected<Candidates> EngineH13(const QuirkContext& context);     // N10-N12
Expected<Candidates> EngineH16(const QuirkContext& context);     // N15-N19
Expected<Candidates> EngineTables(const QuirkContext& context);  // N40-N55

// Shared by two kinds of quirks.
Expected<Candidates> EvaluateMaskBeyondHalf(const QuirkContext& context);
Expected<Candidates> EvaluateRmsScaledEpsilon(const QuirkContext& context);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_QUIRK_SUMS_H_
