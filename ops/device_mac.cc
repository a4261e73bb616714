// See device_mac.h.
#include "ops/device_mac.h"

#include <algorithm>
#include <cstring>

#include "ops/kernels/device_conv.h"
#include "ops/kernels/mac_device.h"
#include "runtime/core/half.h"

namespace aneref {

std::vector<uint16_t> LoadHalves(const TensorView& view) {
  std::vector<uint16_t> bits(static_cast<size_t>(view.shape.NumElements()));
  const auto width = static_cast<size_t>(view.width());
  for (int64_t row = 0; width > 0 && row < view.num_rows(); ++row)
    std::memcpy(bits.data() + static_cast<size_t>(row) * width,
                view.Row<uint16_t>(row), width * sizeof(uint16_t));
  return bits;
}

void StoreHalves(const std::vector<uint16_t>& bits, const TensorView& view) {
  const auto width = static_cast<size_t>(view.width());
  for (int64_t row = 0; width > 0 && row < view.num_rows(); ++row)
    std::memcpy(view.Row<uint16_t>(row),
                bits.data() + static_cast<size_t>(row) * width,
                width * sizeof(uint16_t));
}

std::vector<float> LoadDeviceBias(const OpView& op, size_t i,
                                  const TensorView& in_memory) {
  if (!op.HasInput(i)) return {};
  if (op.IsKnown(i)) return op.KnownFloats(i).value();
  std::vector<float> bias;
  for (const uint16_t bits : LoadHalves(in_memory))
    bias.push_back(static_cast<float>(EngineHalfToDouble(bits)));
  return bias;
}

MacEpilogue EpilogueOfChannel(const std::vector<float>& bias, size_t channel) {
  MacEpilogue epilogue;
  epilogue.has_bias = !bias.empty();
  if (epilogue.has_bias) epilogue.bias = static_cast<double>(bias[channel]);
  return epilogue;
}

bool HasDeviceWeights(const OpView& op) {
  return op.IsKnown(1) && (!op.HasInput(2) || op.IsKnown(2));
}

bool FitsDeviceConv(const ConvArgs& conv) {
  constexpr int64_t kMost = int64_t{1} << 24;
  return conv.Depth() <= kMost && conv.in_width <= kMost &&
         conv.out_channels <= kMost && conv.in_step.column <= kMaxConvStep;
}

void AddDeviceConvTask(const OpView& op, ConvArgs conv,
                       const DenseKernel& kernel,
                       const std::vector<int64_t>& positions,
                       TaskBuilder* builder) {
  auto args = std::make_shared<DeviceConvArgs>();
  args->profile = &op.device()->profile();
  args->conv = std::move(conv);
  const ConvArgs& c = args->conv;
  const auto depth = static_cast<size_t>(c.Depth());
  const auto rows = static_cast<size_t>(c.groups * c.out_channels);
  args->single_tap = !kernel.transposed && depth == 1;
  args->weights = AlignedBytes(rows * depth * sizeof(float));
  std::vector<uint16_t> list(depth);
  const auto* from = kernel.dense->as<uint16_t>();
  for (size_t row = 0; row < rows; ++row) {
    const int64_t group = static_cast<int64_t>(row) / c.out_channels;
    const int64_t m = static_cast<int64_t>(row) % c.out_channels;
    size_t k = 0;
    for (const int64_t position : positions) {
      for (int64_t channel = 0; channel < c.in_channels; ++channel) {
        const int64_t pair =
            kernel.transposed
                ? (group * c.in_channels + channel) * c.out_channels + m
                : static_cast<int64_t>(row) * c.in_channels + channel;
        list[k++] = from[pair * kernel.num_positions + position];
      }
    }
    DecodeOperandsSimd(*args->profile, list.data(), depth,
                       args->weights.as<float>() + row * depth);
  }
  PlanDeviceConv(args.get());
  TaskSpec task;
  task.kernel = &device_conv_kernel;
  task.in = {InputOperand(0)};
  task.out = {OutputOperand(0)};
  task.num_units = args->NumUnits();
  task.scratch_bytes = DeviceConvScratchBytes(*args);
  task.flops = 2.0 * static_cast<double>(c.batch * c.groups) *
               static_cast<double>(c.out_channels * c.Pixels()) *
               static_cast<double>(c.Depth());
  task.args = std::move(args);
  builder->Add(std::move(task));
}

AlignedBytes DecodeMatmulWeights(const Profile& profile,
                                 const AlignedBytes& dense, bool transpose,
                                 const MatmulArgs& args) {
  const auto depth = static_cast<size_t>(args.depth);
  const auto columns = static_cast<size_t>(args.columns);
  const size_t stride =
      (columns + kMacColumnGranule - 1) / kMacColumnGranule * kMacColumnGranule;
  AlignedBytes weights(depth * stride * sizeof(float));
  std::vector<uint16_t> row(stride, 0);
  const auto* from = dense.as<uint16_t>();
  for (size_t k = 0; k < depth; ++k) {
    for (size_t n = 0; n < columns; ++n)
      row[n] = transpose ? from[n * depth + k] : from[k * columns + n];
    DecodeOperandsSimd(profile, row.data(), stride,
                       weights.as<float>() + k * stride);
  }
  return weights;
}

}  // namespace aneref
