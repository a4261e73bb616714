// N-d layers that take parts of a blob: slices, windows, reversals.
#include <climits>

#include "runtime/import/coreml/table.h"

namespace aneref::coreml {
namespace {

using EK = fbs::ElementwiseKind;
using Case = NeuralNetworkLayer;

constexpr int64_t kOpenEnd = INT64_MAX, kOpenBackwards = INT64_MIN + 1;

// What a slice says of each axis, from fields or from known inputs.
struct SliceSpec {
  std::vector<int64_t> begins, ends, strides;
  std::vector<bool> begin_masks, end_masks, squeezes;
};

template <class List>
std::vector<bool> Flags(const List& list, size_t rank) {
  std::vector<bool> flags(list.begin(), list.end());
  flags.resize(rank, false);
  return flags;
}

void EmitSlice(Layer& layer, int32_t x, const SliceSpec& spec) {
  const size_t rank = layer.RankOf(x);
  if (!layer.status().ok()) return;
  if (spec.begins.size() != rank || spec.ends.size() != rank ||
      spec.strides.size() != rank)
    return layer.Fail(InvalidFile("", "needs begin, end and stride for " +
                                          std::to_string(rank) + " axes"));
  fbs::SliceT slice;
  std::vector<int32_t> squeezed;
  for (size_t axis = 0; axis < rank; ++axis) {
    int64_t begin = spec.begins[axis], end = spec.ends[axis];
    int64_t stride = spec.strides[axis];
    if (spec.squeezes[axis]) {  // the element at `begin` alone
      stride = 1;
      end = begin == -1 ? kOpenEnd : begin + 1;
      squeezed.push_back(static_cast<int32_t>(axis));
    } else {
      if (spec.begin_masks[axis]) begin = stride < 0 ? kOpenEnd : 0;
      if (spec.end_masks[axis]) end = stride < 0 ? kOpenBackwards : kOpenEnd;
    }
    slice.starts.push_back(begin);
    slice.ends.push_back(end);
    slice.steps.push_back(stride);
  }
  const int32_t y = layer.EmitTemp(std::move(slice), {x});
  if (squeezed.empty()) return layer.SetOut(0, y);
  if (squeezed.size() == rank) return layer.SetOut(0, layer.Reshape(y, {1}));
  layer.SetOut(0, layer.Squeeze(y, squeezed));
}

void SliceStatic(Layer& layer) {
  const SliceStaticLayer& source = layer.proto().slicestatic();
  const int32_t x = layer.Raw(0);
  const size_t rank = layer.RankOf(x);
  SliceSpec spec;
  spec.begins.assign(source.beginids().begin(), source.beginids().end());
  spec.ends.assign(source.endids().begin(), source.endids().end());
  spec.strides.assign(source.strides().begin(), source.strides().end());
  spec.begin_masks = Flags(source.beginmasks(), rank);
  spec.end_masks = Flags(source.endmasks(), rank);
  spec.squeezes = Flags(source.squeezemasks(), rank);
  EmitSlice(layer, x, spec);
}

// Numbers that are computed: only the plain form, where they are an input.
void EmitComputedSlice(Layer& layer, const SliceStaticLayer& source) {
  const int32_t x = layer.Raw(0);
  const size_t rank = layer.RankOf(x);
  bool masked = layer.num_inputs() > 4;
  for (bool flag : Flags(source.beginmasks(), rank)) masked = masked || flag;
  for (bool flag : Flags(source.endmasks(), rank)) masked = masked || flag;
  for (bool flag : Flags(source.squeezemasks(), rank)) masked = masked || flag;
  if (masked) return layer.Refuse("with masks beside computed numbers");
  const int32_t ends = layer.HasIn(2)
                           ? layer.Index(2)
                           : layer.ConstantInts({source.endids().begin(),
                                                 source.endids().end()});
  std::vector<int64_t> ones(rank, 1), axes;
  if (source.strides_size() > 0)
    ones.assign(source.strides().begin(), source.strides().end());
  for (size_t axis = 0; axis < rank; ++axis)
    axes.push_back(static_cast<int64_t>(axis));
  const int32_t steps =
      layer.HasIn(3) ? layer.Index(3) : layer.ConstantInts(ones);
  layer.SetOut(
      0, layer.EmitTemp(fbs::SliceT(), {x, layer.Index(1), ends,
                                        layer.ConstantInts(axes), steps}));
}

void SliceDynamic(Layer& layer) {
  const SliceStaticLayer& source = layer.proto().slicedynamic();
  if (!layer.NeedInputs(2, 7)) return;
  const int32_t x = layer.Raw(0);
  const size_t rank = layer.RankOf(x);
  SliceSpec spec;
  spec.ends.assign(source.endids().begin(), source.endids().end());
  spec.strides.assign(source.strides().begin(), source.strides().end());
  spec.begin_masks = Flags(source.beginmasks(), rank);
  spec.end_masks = Flags(source.endmasks(), rank);
  spec.squeezes = Flags(source.squeezemasks(), rank);
  for (size_t i = 1; i < layer.num_inputs(); ++i) {
    const auto known = layer.KnownInts(layer.Index(i));
    if (!known.has_value()) return EmitComputedSlice(layer, source);
    if (i == 1) spec.begins = *known;
    if (i == 2) spec.ends = *known;
    if (i == 3) spec.strides = *known;
    if (i == 4) spec.begin_masks = Flags(*known, rank);
    if (i == 5) spec.end_masks = Flags(*known, rank);
    if (i == 6) spec.squeezes = Flags(*known, rank);
  }
  if (spec.strides.empty()) spec.strides.assign(rank, 1);
  if (spec.ends.empty()) spec.ends.assign(rank, kOpenEnd);
  EmitSlice(layer, x, spec);
}

void SliceBySize(Layer& layer) {
  const SliceBySizeLayer& source = layer.proto().slicebysize();
  if (!layer.NeedInputs(2, 2)) return;
  const int32_t x = layer.Raw(0);
  const int32_t begin = layer.EmitTemp(
      [] {
        fbs::ReshapeT vector;
        vector.shape = {1};
        return vector;
      }(),
      {layer.Index(1)});
  const int32_t size = layer.ConstantInts({source.size()});
  const int32_t end = layer.Apply(EK::add, begin, size);
  const int32_t axes = layer.ConstantInts({layer.Axis(source.axis(), x)});
  layer.SetOut(0, layer.EmitTemp(fbs::SliceT(), {x, begin, end, axes}));
}

// Windows lie in an axis of their own behind `axis`: a gather of all their
// positions.
void SlidingWindows(Layer& layer) {
  const SlidingWindowsLayer& source = layer.proto().slidingwindows();
  const int32_t x = layer.Raw(0);
  const int32_t axis = layer.Axis(source.axis(), x);
  const int64_t length = layer.Extent(x, axis);
  const int64_t size = layer.Small(source.windowsize(), "window size");
  const int64_t step = layer.Small(source.step(), "step");
  if (!layer.status().ok()) return;
  if (length < 0) return layer.Refuse("along an open extent");
  if (size < 1 || step < 1 || size > length)
    return layer.Fail(ShapeError("windows of " + std::to_string(size) +
                                 " every " + std::to_string(step) +
                                 " do not fit into " + std::to_string(length)));
  const int64_t count = (length - size) / step + 1;
  const Shape shape = layer.CheckedShape(std::vector<int64_t>{count, size});
  constexpr int64_t kMaxPositions = 1 << 24;
  if (shape.NumElements() > kMaxPositions)
    return layer.Fail(LimitError("has over 2^24 positions"));
  std::vector<int64_t> positions;
  for (int64_t window = 0; window < count; ++window) {
    for (int64_t i = 0; i < size; ++i) positions.push_back(window * step + i);
  }
  fbs::GatherT gather;
  gather.axis = axis;
  const int32_t indices =
      layer.Reshape(layer.ConstantInts(positions), {count, size});
  layer.SetOut(0, layer.EmitTemp(gather, {x, indices}));
}

void Reverse(Layer& layer) {
  const auto& flags = layer.proto().reverse().flags();
  int32_t x = layer.Raw(0);
  const size_t rank = layer.RankOf(x);
  if (static_cast<size_t>(flags.size()) != rank)
    return layer.Fail(InvalidFile("", "needs one flag per axis"));
  fbs::SliceT slice;
  for (size_t axis = 0; axis < rank; ++axis) {
    if (!flags.Get(static_cast<int>(axis))) continue;
    slice.axes.push_back(static_cast<int32_t>(axis));
    slice.starts.push_back(kOpenEnd);
    slice.ends.push_back(kOpenBackwards);
    slice.steps.push_back(-1);
  }
  if (slice.axes.empty())
    return layer.SetOut(
        0, layer.EmitTemp(Unary(fbs::ActivationKind::identity), {x}));
  layer.SetOut(0, layer.EmitTemp(std::move(slice), {x}));
}

void ReverseSequence(Layer& layer) {
  const ReverseSeqLayer& source = layer.proto().reverseseq();
  if (!layer.NeedInputs(2, 2)) return;
  const int32_t x = layer.Raw(0);
  fbs::SamplingT sampling;
  sampling.kind = fbs::SamplingKind::reverse_sequence;
  sampling.batch_axis = layer.Axis(source.batchaxis(), x);
  sampling.time_axis = layer.Axis(source.sequenceaxis(), x);
  layer.SetOut(0, layer.EmitTemp(std::move(sampling), {x, layer.Index(1)}));
}

constexpr LayerRow kRows[] = {
    {Case::kSliceStatic, "sliceStatic", SliceStatic},
    {Case::kSliceDynamic, "sliceDynamic", SliceDynamic},
    {Case::kSliceBySize, "sliceBySize", SliceBySize},
    {Case::kSlidingWindows, "slidingWindows", SlidingWindows},
    {Case::kReverse, "reverse", Reverse},
    {Case::kReverseSeq, "reverseSeq", ReverseSequence},
};

}  // namespace

std::span<const LayerRow> SliceLayers() { return kRows; }

}  // namespace aneref::coreml
