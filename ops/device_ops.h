// The families' engine datapaths as the table in device.cc reads them, and what
// several of them share. Sessions see device.h only.
#ifndef ANEREF_OPS_DEVICE_OPS_H_
#define ANEREF_OPS_DEVICE_OPS_H_

#include <array>

#include "ops/device.h"
#include "ops/kernels/device_groups.h"
#include "ops/kernels/unary.h"

namespace aneref {

// For DeviceOp::applies: the first operand is fp16 in memory.
bool IsHalfOp(const OpView& op);

// Adds a lookup of every element of `from`, which has the type of output 0.
void AddDeviceLookup(const uint16_t* table, const TensorType& type,
                     Operand from, TaskBuilder* builder);

// The kind of an activation node on the engine (N40-N57), as one function from
// bits to bits; false where the host decides (tests of NaN, logic).
bool HasDeviceActivation(const OpView& op);
uint16_t EvaluateDeviceActivation(const OpView& op, uint16_t x);
uint16_t EvaluateDeviceUnary(const Profile& profile,
                             const UnaryFunction& function, uint16_t x);
// Its 65,536 results, shared by the session.
const uint16_t* DeviceUnaryTable(const DeviceContext& device,
                                 const UnaryFunction& function);

// Which axes of input 0 a reduction folds.
Expected<std::array<bool, kMaxRank>> ReducedAxes(const OpView& op);

// Groups over whole axes of a shape.
DeviceGroups GroupsOver(const Shape& shape,
                        const std::array<bool, kMaxRank>& folded);
// The same for references: the elements of each group, in order, of dense row
// major `bits`; and back.
std::vector<std::vector<uint16_t>> GatherGroups(
    const std::vector<uint16_t>& bits, const Shape& shape,
    const std::array<bool, kMaxRank>& folded);
std::vector<uint16_t> ScatterGroups(
    const std::vector<std::vector<uint16_t>>& groups, const Shape& shape,
    const std::array<bool, kMaxRank>& folded);

// One task over groups of input 0.
template <class Args>
void AddGroupsTask(const Kernel& kernel, std::shared_ptr<Args> args,
                   const OpView& op, TaskBuilder* builder) {
  TaskSpec task;
  task.kernel = &kernel;
  task.in = {InputOperand(0)};
  for (size_t i = 0; i < op.num_outputs(); ++i)
    task.out.push_back(op.HasOutput(i) ? OutputOperand(i) : Operand{});
  task.num_units = args->groups.Plan();
  task.scratch_bytes = DeviceGroupsScratchBytes(args->groups);
  task.flops = static_cast<double>(op.In(0).shape.NumElements());
  task.args = std::move(args);
  builder->Add(std::move(task));
}

extern const DeviceOp conv_device, conv_transpose_device, matmul_device,
    einsum_device, elementwise_device, activation_device, pool_device,
    softmax_device, norm_device, reduce_device, slice_device, attention_device,
    integer_mac_device, recurrent_device, signal_device, deform_conv_device;

// Whether the ops that the engine's compiler refuses run from its pieces here
// (N37): fp16, and no option against it.
bool RunsFromPieces(const OpView& op);

}  // namespace aneref

#endif  // ANEREF_OPS_DEVICE_OPS_H_
