// Deformable convolution from the engine's pieces (N37): samples by the planar
// engine (N38), times the mask (N23), then one sum of the accumulator (N10-N22)
// in the order of a convolution. The reference is the only form.
#include <algorithm>

#include "ops/device_mac.h"
#include "ops/device_ops.h"
#include "ops/movement.h"
#include "ops/sampling.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

using Halves = std::vector<uint16_t>;

// The engine's values of an fp16 operand.
std::vector<double> LoadEngine(const TensorView& view) {
  std::vector<double> values;
  for (const uint16_t bits : LoadHalves(view))
    values.push_back(EngineHalfToDouble(bits));
  return values;
}

class DeformRun {
 public:
  DeformRun(const OpView& op, const RefTensors& tensors,
            const DeformGeometry& geometry)
      : profile_(op.device()->profile()),
        geometry_(geometry),
        x_shape_(tensors.in[0].shape),
        weight_shape_(tensors.in[1].shape),
        x_(LoadEngine(tensors.in[0])),
        weight_(LoadHalves(tensors.in[1])),
        offset_(LoadEngine(tensors.in[2])) {
    if (op.HasInput(3)) bias_ = LoadDeviceBias(op, 3, tensors.in[3]);
    if (op.HasInput(4)) mask_ = LoadHalves(tensors.in[4]);
  }

  // Masked samples, [channel][tap].
  Halves ColumnAt(const std::array<int64_t, 3>& at) const {
    const DeformColumn column =
        DeformColumnAt(geometry_, x_, offset_, x_shape_, weight_shape_, at);
    Halves bits;
    for (size_t k = 0; k < column.samples.size(); ++k) {
      bits.push_back(StoreEngine(profile_.rounding, column.samples[k]));
      if (!mask_.empty())
        bits[k] =
            Planar(profile_, PlanarOp::kMul, bits[k], mask_[column.mask_at[k]]);
    }
    return bits;
  }

  // Kernel position outer, input channel inner.
  uint16_t Sum(const Halves& column, int64_t channel) const {
    const int64_t taps = geometry_.taps, inner = weight_shape_[1];
    const int64_t group = channel / (weight_shape_[0] / geometry_.groups);
    Accumulator sum(profile_, taps * inner == 1);
    sum.Start(EpilogueOfChannel(bias_, static_cast<size_t>(channel)));
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t c = 0; c < inner; ++c)
        sum.Add(
            column[static_cast<size_t>((group * inner + c) * taps + tap)],
            weight_[static_cast<size_t>((channel * inner + c) * taps + tap)]);
    }
    return sum.Finish();
  }

 private:
  const Profile& profile_;
  const DeformGeometry& geometry_;
  const Shape x_shape_, weight_shape_;
  const std::vector<double> x_;
  const Halves weight_;
  const std::vector<double> offset_;
  std::vector<float> bias_;
  Halves mask_;
};

Status Reference(const OpView& op, const RefTensors& tensors) {
  const Shape& out = tensors.out[0].shape;
  if (out.NumElements() == 0) return Status();
  ANEREF_ASSIGN(const DeformGeometry geometry,
                DeformGeometryOf(op, tensors.in[0].shape, tensors.in[1].shape));
  const DeformRun run(op, tensors, geometry);
  Halves result(static_cast<size_t>(out.NumElements()));
  ForEachIndex(Shape{out[0], out[2], out[3]}, [&](const Index& to) {
    const Halves column = run.ColumnAt({to[0], to[1], to[2]});
    for (int64_t m = 0; m < out[1]; ++m) {
      const int64_t at =
          ((to[0] * out[1] + m) * out[2] + to[1]) * out[3] + to[2];
      result[static_cast<size_t>(at)] = run.Sum(column, m);
    }
  });
  StoreHalves(result, tensors.out[0]);
  return Status();
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

// All floating operands are fp16.
bool Applies(const OpView& op) {
  for (size_t i = 0; i < op.num_inputs(); ++i) {
    if (op.HasInput(i) && op.In(i).dtype != DataType::kFloat16) return false;
  }
  return RunsFromPieces(op);
}

}  // namespace

const DeviceOp deform_conv_device = {Applies, Lower, Reference};

}  // namespace aneref
