// Ops that pick or place elements at computed positions: joins the kinds, which
// are in sampling_grid.cc, sampling_window.cc and sampling_place.cc. All follow
// P17.
#include "ops/sampling.h"

namespace aneref {
namespace {

const SamplingKindDef* KindOf(const OpView& op) {
  switch (op.attributes<fbs::Sampling>().kind()) {
    case fbs::SamplingKind::grid_sample:
      return &kGridSample;
    case fbs::SamplingKind::affine_grid:
      return &kAffineGrid;
    case fbs::SamplingKind::roi_align:
      return &kRoiAlign;
    case fbs::SamplingKind::max_unpool:
      return &kMaxUnpool;
    case fbs::SamplingKind::deform_conv:
      return &kDeformConv;
    case fbs::SamplingKind::col2im:
      return &kColToImage;
    case fbs::SamplingKind::center_crop_pad:
      return &kCenterCropPad;
    case fbs::SamplingKind::reverse_sequence:
      return &kReverseSequence;
    case fbs::SamplingKind::det:
      return &kDeterminant;
  }
  return nullptr;
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  const SamplingKindDef* kind = KindOf(op);
  if (kind == nullptr) return Unsupported("unknown kind of sampling");
  return kind->infer(op);
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  const SamplingKindDef* kind = KindOf(op);
  if (kind == nullptr) return Unsupported("unknown kind of sampling");
  return kind->reference(op, tensors);
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef sampling_op = {
    "sampling", "Ops that pick or place elements at computed positions.", Infer,
    Lower, Reference};

}  // namespace aneref
