// See device.h.
#include "ops/device.h"

#include <cstdio>

#include "ops/chosen_families.h"
#include "ops/device_float.h"
#include "ops/device_ops.h"
#include "ops/kernels/device_planar.h"

namespace aneref {
namespace {

Status RunDeviceReference(const OpView& op, const RefTensors& tensors) {
  return FindDeviceOp(op)->reference(op, tensors);
}

std::string KeyOf(const Activation& activation) {
  char text[96];
  std::snprintf(text, sizeof text, "%d %a %a %04x",
                static_cast<int>(activation.function), activation.alpha,
                activation.beta, unsigned{activation.epsilon});
  return text;
}

// Nothing is to be computed, and tables of kernels grow with extents, which may
// be of any size beside one of 0.
bool HasNoResult(const OpView& op) {
  for (size_t i = 0; i < op.num_outputs(); ++i) {
    if (op.HasOutput(i) && op.Out(i).shape.NumElements() != 0) return false;
  }
  return true;
}

bool AnyHalf(const OpView& op) {
  for (size_t i = 0; i < op.num_inputs(); ++i) {
    if (op.HasInput(i) && op.In(i).dtype == DataType::kFloat16) return true;
  }
  return false;
}

// Nearest-neighbour resampling and scattering without arithmetic move bits.
bool Interpolates(const OpView& op) {
  return IsHalfOp(op) &&
         op.attributes<fbs::Resample>().mode() != fbs::ResampleMode::nearest;
}
bool ScattersSums(const OpView& op) {
  return IsHalfOp(op) && op.attributes<fbs::Scatter>().reduction() !=
                             fbs::ScatterReduction::none;
}

// Unpooling, reversing and cropping move bits.
bool ComputesSamples(const OpView& op) {
  switch (op.attributes<fbs::Sampling>().kind()) {
    case fbs::SamplingKind::grid_sample:
    case fbs::SamplingKind::affine_grid:
    case fbs::SamplingKind::roi_align:
    case fbs::SamplingKind::col2im:
    case fbs::SamplingKind::det:
      return AnyHalf(op);
    default:
      return false;
  }
}

bool IsDeformConv(const OpView& op) {
  return op.attributes<fbs::Sampling>().kind() ==
         fbs::SamplingKind::deform_conv;
}

constexpr DeviceOp kThroughFloat = {AnyHalf, LowerThroughFloat,
                                    ReferenceThroughFloat};
constexpr DeviceOp kResample = {Interpolates, LowerThroughFloat,
                                ReferenceThroughFloat};
constexpr DeviceOp kSampling = {ComputesSamples, LowerThroughFloat,
                                ReferenceThroughFloat};
constexpr DeviceOp kScatter = {ScattersSums, LowerThroughFloat,
                               ReferenceThroughFloat};

// Families that are not here move bits, compute integers or have no engine
// form: host numerics.
const DeviceOp* TableRow(const OpView& op) {
#define ANEREF_DEVICE(family)        \
  if constexpr (IsChosen(#family)) { \
    return &family##_device;         \
  } else {                           \
    return nullptr;                  \
  }
  switch (op.node().op_type()) {
    case fbs::Op::Conv:
      ANEREF_DEVICE(conv);
    case fbs::Op::ConvTranspose:
      ANEREF_DEVICE(conv_transpose);
    case fbs::Op::Matmul:
      ANEREF_DEVICE(matmul);
    case fbs::Op::Einsum:
      ANEREF_DEVICE(einsum);
    case fbs::Op::Elementwise:
      ANEREF_DEVICE(elementwise);
    case fbs::Op::Activation:
      ANEREF_DEVICE(activation);
    case fbs::Op::Pool:
      ANEREF_DEVICE(pool);
    case fbs::Op::Softmax:
      ANEREF_DEVICE(softmax);
    case fbs::Op::Norm:
      ANEREF_DEVICE(norm);
    case fbs::Op::Reduce:
      ANEREF_DEVICE(reduce);
    case fbs::Op::Slice:
      ANEREF_DEVICE(slice);
    case fbs::Op::Attention:
      ANEREF_DEVICE(attention);
    case fbs::Op::IntegerMac:
      ANEREF_DEVICE(integer_mac);
    case fbs::Op::Recurrent:
      ANEREF_DEVICE(recurrent);
    case fbs::Op::Signal:
      ANEREF_DEVICE(signal);
    case fbs::Op::Resample:
      return &kResample;
    case fbs::Op::Sampling:
      if (IsDeformConv(op)) return &deform_conv_device;
      return &kSampling;
    case fbs::Op::Scatter:
      return &kScatter;
    case fbs::Op::Cumulative:
    case fbs::Op::Quantize:
    case fbs::Op::RotaryEmbedding:
      return &kThroughFloat;
    default:
      return nullptr;
  }
#undef ANEREF_DEVICE
}

}  // namespace

const uint16_t* DeviceContext::Table(
    const std::string& key,
    const std::function<uint16_t(uint16_t)>& evaluate) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto& table = tables_[key];
  if (table == nullptr) {
    auto built = std::make_unique<std::vector<uint16_t>>(65536);
    for (uint32_t bits = 0; bits < 65536; ++bits)
      (*built)[bits] = evaluate(static_cast<uint16_t>(bits));
    table = std::move(built);
  }
  return table->data();
}

const uint16_t* DeviceContext::Table(const Activation& activation) const {
  return Table(KeyOf(activation), [&](uint16_t x) {
    return EvaluateActivation(profile_, activation, x);
  });
}

const DeviceOp* FindDeviceOp(const OpView& op) {
  if (op.device() == nullptr) return nullptr;
  const DeviceOp* device = TableRow(op);
  return device != nullptr && device->applies(op) ? device : nullptr;
}

bool RunsFromPieces(const OpView& op) {
  return IsHalfOp(op) && op.device()->profile().refused_from_pieces;
}

bool IsHalfOp(const OpView& op) {
  return op.num_inputs() > 0 && op.HasInput(0) &&
         op.In(0).dtype == DataType::kFloat16;
}

void AddDeviceLookup(const uint16_t* table, const TensorType& type,
                     Operand from, TaskBuilder* builder) {
  auto args = std::make_shared<DeviceLookupArgs>();
  args->table = table;
  args->blocks = MakeRowBlocks(type);
  TaskSpec task;
  task.kernel = &device_lookup_kernel;
  task.in = {from};
  task.out = {OutputOperand(0)};
  task.num_units = std::max<int64_t>(args->blocks.num_units(), 1);
  task.flops = static_cast<double>(type.shape.NumElements());
  task.in_place = true;
  task.args = std::move(args);
  builder->Add(std::move(task));
}

Status LowerOp(const OpDef& def, const OpView& op, TaskBuilder* builder) {
  if (HasNoResult(op)) return Status();
  const DeviceOp* device = FindDeviceOp(op);
  return device == nullptr ? def.lower(op, builder)
                           : device->lower(op, builder);
}

Status LowerOpToReference(const OpDef& def, const OpView& op,
                          TaskBuilder* builder) {
  if (HasNoResult(op)) return Status();
  return LowerToReference(
      op, FindDeviceOp(op) == nullptr ? def.reference : &RunDeviceReference,
      builder);
}

Status ReferenceOp(const OpDef& def, const OpView& op,
                   const RefTensors& tensors) {
  const DeviceOp* device = FindDeviceOp(op);
  return device == nullptr ? def.reference(op, tensors)
                           : device->reference(op, tensors);
}

}  // namespace aneref
