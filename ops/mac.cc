// See mac.h.
#include "ops/mac.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "ops/kernels/pack.h"
#include "runtime/core/convert.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

bool HasKernelType(const TensorType& type) {
  return type.dtype == DataType::kFloat16 || type.dtype == DataType::kFloat32;
}

template <class T>
void PackRows(const DenseKernel& kernel, const std::vector<int64_t>& positions,
              ConvArgs* a) {
  const T* src = kernel.dense->as<T>();
  T* dst = a->weights.as<T>();
  for (int64_t row = 0; row < a->groups * a->out_channels; ++row) {
    const int64_t g = row / a->out_channels, m = row % a->out_channels;
    T* next = nullptr;
    int64_t k = 0;
    for (const int64_t position : positions) {
      for (int64_t c = 0; c < a->in_channels; ++c, ++k) {
        if (k % kBlockDepth == 0) next = dst + a->WeightIndex(row, k);
        const int64_t pair =
            kernel.transposed ? (g * a->in_channels + c) * a->out_channels + m
                              : row * a->in_channels + c;
        *next++ = src[pair * kernel.num_positions + position];
      }
    }
  }
}

// The same as panels [k][64 channels] of a kernel [Cout, Cin/groups, ...]: a
// channel's weights are a row, whose columns (input channel, position) go to
// their k.
void PackPanels(const DenseKernel& kernel,
                const std::vector<int64_t>& positions, ConvArgs* a) {
  const int64_t columns = a->in_channels * kernel.num_positions;
  std::vector<int64_t> place(static_cast<size_t>(columns), -1);
  for (size_t t = 0; t < positions.size(); ++t) {
    for (int64_t c = 0; c < a->in_channels; ++c) {
      place[static_cast<size_t>(c * kernel.num_positions + positions[t])] =
          static_cast<int64_t>(t) * a->in_channels + c;
    }
  }
  for (int64_t g = 0; g < a->groups; ++g) {
    for (int64_t m = 0; m < a->out_channels; m += kPanelWidth) {
      const int64_t channel = g * a->out_channels + m;
      const PanelSource source = {
          kernel.dense->as<uint16_t>() + channel * columns, columns,
          std::min(kPanelWidth, a->out_channels - m), columns};
      TransposeToPanel(source, place.data(),
                       a->weights.as<uint16_t>() + a->WeightIndex(channel, 0));
    }
  }
}

// The same of a kernel [Cin, Cout/groups, ...], 64 k at a time.
void PackTransposedPanels(const DenseKernel& kernel,
                          const std::vector<int64_t>& positions, ConvArgs* a) {
  const uint16_t* src = kernel.dense->as<uint16_t>();
  uint16_t* dst = a->weights.as<uint16_t>();
  const auto square = [&](int64_t channel, int64_t count, size_t t, int64_t c,
                          int64_t end) {
    uint16_t* first =
        dst + a->WeightIndex(channel, static_cast<int64_t>(t) * a->in_channels);
    const int64_t g = channel / a->out_channels, m = channel % a->out_channels;
    for (int64_t k = c; k < end; ++k) {
      const int64_t pair = (g * a->in_channels + k) * a->out_channels + m;
      const uint16_t* from = src + pair * kernel.num_positions + positions[t];
      for (int64_t i = 0; i < count; ++i)
        first[k * kPanelWidth + i] = from[i * kernel.num_positions];
      for (int64_t i = count; i < kPanelWidth; ++i)
        first[k * kPanelWidth + i] = 0;
    }
  };
  for (int64_t g = 0; g < a->groups; ++g) {
    for (int64_t m = 0; m < a->out_channels; m += kPanelWidth) {
      const int64_t count = std::min(kPanelWidth, a->out_channels - m);
      for (int64_t c = 0; c < a->in_channels; c += 64) {
        const int64_t end = std::min(c + 64, a->in_channels);
        for (size_t t = 0; t < positions.size(); ++t)
          square(g * a->out_channels + m, count, t, c, end);
      }
    }
  }
}

}  // namespace

Status CheckMacTypes(const OpView& op, int64_t bias_length) {
  const DataType type = op.In(0).dtype;
  if (!IsFloating(type)) {
    return Unsupported(std::string("element type ") + DataTypeName(type) +
                       "; floating types are supported");
  }
  for (size_t i = 1; i < 3; ++i) {
    if (op.HasInput(i) && op.In(i).dtype != type) {
      return ShapeError("input " + std::to_string(i) + " is " +
                        op.In(i).ToString() + ", its type must be " +
                        DataTypeName(type));
    }
  }
  if (op.HasInput(2) && op.In(2).shape != Shape({bias_length})) {
    return ShapeError("bias is " + op.In(2).ToString() +
                      ", its shape must be " + Shape({bias_length}).ToString());
  }
  return Status();
}

bool HasPackableWeights(const OpView& op) {
  return HasKernelType(op.In(0)) && HasKernelType(op.In(1)) && op.IsKnown(1) &&
         (!op.HasInput(2) || op.IsKnown(2));
}

AlignedBytes LoadKnown(const OpView& op, size_t i) {
  const DataType type = op.In(i).dtype;
  const auto count = static_cast<size_t>(op.In(i).shape.NumElements());
  const size_t bytes = count * ElementSize(type);
  if (count == 0) return {};
  const TensorView& known = op.Known(i);
  if (known.dtype == type) return AlignedBytes::View(known.data, bytes);
  AlignedBytes dense(bytes);
  if (type == DataType::kFloat16 && known.dtype == DataType::kFloat32) {
    ConvertConstantToHalf(reinterpret_cast<const float*>(known.data),
                          dense.as<uint16_t>(), count,
                          static_cast<int64_t>(count));
  } else {
    ConvertElements(known.dtype, known.data, type, dense.as<std::byte>(),
                    count);
  }
  return dense;
}

std::vector<float> LoadBias(const OpView& op, size_t i,
                            const TensorView& in_memory) {
  if (!op.HasInput(i)) return {};
  if (!op.IsKnown(i)) return LoadFloats(in_memory);
  return op.KnownFloats(i).value();
}

bool IsFinite(DataType type, const AlignedBytes& dense) {
  const size_t count = dense.size() / ElementSize(type);
  // No early end: a loop that runs through is a loop of vectors.
  bool finite = true;
  if (type == DataType::kFloat16) {
    const auto* bits = dense.as<uint16_t>();
    for (size_t i = 0; i < count; ++i)
      finite &= (bits[i] & kHalfInfinity) != kHalfInfinity;
  } else {
    const auto* values = dense.as<float>();
    for (size_t i = 0; i < count; ++i) finite &= std::isfinite(values[i]);
  }
  return finite;
}

void PackConvWeights(const DenseKernel& kernel,
                     const std::vector<int64_t>& positions, ConvArgs* args) {
  SetConvLanes(kernel.type, args);
  args->weights = AlignedBytes(static_cast<size_t>(args->NumWeights()) *
                               ElementSize(kernel.type));
  if (args->channels_in_lanes) {
    return kernel.transposed ? PackTransposedPanels(kernel, positions, args)
                             : PackPanels(kernel, positions, args);
  }
  if (kernel.type == DataType::kFloat16) {
    PackRows<uint16_t>(kernel, positions, args);
  } else {
    PackRows<float>(kernel, positions, args);
  }
}

bool AddConvTask(ConvArgs args, TaskBuilder* builder) {
  const bool whole_grid = args.out_step.row == 1 && args.out_step.column == 1;
  if (whole_grid) {
    args.tile_rows = builder->cut().rows;
    args.pass_channels = args.groups == 1 ? builder->cut().channels : 0;
  }
  const ConvPlan plan = PlanConv(&args);
  if (plan.kernel == nullptr) return false;
  TaskSpec task;
  task.kernel = plan.kernel;
  task.in = {InputOperand(0)};
  task.out = {OutputOperand(0)};
  task.num_units = args.NumUnits();
  task.scratch_bytes = plan.scratch_bytes;
  task.flops = args.Flops();
  task.args = std::make_shared<const ConvArgs>(std::move(args));
  builder->Add(std::move(task));
  return true;
}

}  // namespace aneref
