// Evaluators of mistakes that show in the result alone, whatever the op:
// shifts, flips, factors, exchanged channels.
#ifndef ANEREF_RUNTIME_EXPLAIN_QUIRK_PATTERN_H_
#define ANEREF_RUNTIME_EXPLAIN_QUIRK_PATTERN_H_

#include "runtime/explain/quirks.h"

namespace aneref {

Expected<Candidates> ChannelsLastFlatten(const QuirkContext& context);
Expected<Candidates> SpatialShift(const QuirkContext& context);
Expected<Candidates> Mirrored(const QuirkContext& context);
Expected<Candidates> ConstantFactor(const QuirkContext& context);
Expected<Candidates> ConstantOffset(const QuirkContext& context);
Expected<Candidates> PermutedChannels(const QuirkContext& context);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_QUIRK_PATTERN_H_
