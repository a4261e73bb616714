// A run of a network against somebody's dump of it: the steps that the verb
// compare and the C interface have in common. Readers of dumps, options and
// reports are theirs.
#ifndef ANEREF_RUNTIME_EXPLAIN_COMPARE_RUN_H_
#define ANEREF_RUNTIME_EXPLAIN_COMPARE_RUN_H_

#include <cstdint>
#include <map>
#include <vector>

#include "runtime/core/chip.h"
#include "runtime/explain/compare.h"
#include "runtime/explain/replay.h"

namespace aneref {

// The arithmetic of a profile by name ("h13").
Expected<Arithmetic> ProfileArithmetic(const char* name);

// The named values of a run in its order, and which value each one is.
Status CollectValues(const Replay& replay, TensorSet* set,
                     std::vector<int32_t>* values);

// The network of a run for the report's page: its ops and how values link them.
std::vector<CompareReport::Node> GraphOf(const Replay& replay);

// The other side's tensors that belong to values of the network. `ours` and
// `values` are those of CollectValues.
std::map<int32_t, OwnedTensor> GivenValues(const CompareReport& report,
                                           const TensorSet& ours,
                                           const std::vector<int32_t>& values);

// The first op that differs on the given operands, and why. The other side may
// follow `chip`'s engine, but not under fp32, where it is a reference. The
// replay has its inputs.
Status AddBisection(const Chip& chip,
                    const std::map<int32_t, OwnedTensor>& given, Replay* replay,
                    CompareReport* report);

// Without tolerances the bounds of the rounding rules decide. Needs the
// bisection.
void JudgeByBounds(CompareReport* report);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_COMPARE_RUN_H_
