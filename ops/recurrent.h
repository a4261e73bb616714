// What the recurrent layers of host numerics (recurrent.cc) and those of the
// engine (device_recurrent.cc) share: reading a node.
#ifndef ANEREF_OPS_RECURRENT_H_
#define ANEREF_OPS_RECURRENT_H_

#include "ops/kernels/recurrent.h"
#include "ops/op.h"

namespace aneref {

// Positions of the inputs; b, lengths, h, c and peepholes are optional.
inline constexpr size_t kRecurrentBias = 3, kRecurrentLengths = 4,
                        kRecurrentHidden = 5, kRecurrentCell = 6,
                        kRecurrentPeepholes = 7, kNumRecurrentInputs = 8;

// All but the weights.
Expected<RecurrentArgs> RecurrentArgsOf(const OpView& op);

// One task of `kernel` over the node's operands, its arguments to come. The
// inputs in `packed` are part of the arguments.
TaskSpec RecurrentTask(const Kernel& kernel, const OpView& op,
                       const RecurrentArgs& args,
                       const std::vector<size_t>& packed);

}  // namespace aneref

#endif  // ANEREF_OPS_RECURRENT_H_
