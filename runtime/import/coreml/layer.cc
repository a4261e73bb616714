// See layer.h.
#include "runtime/import/coreml/layer.h"

#include <climits>

#include "runtime/import/coreml/weights.h"

namespace aneref::coreml {

std::string DescribeLayer(const NeuralNetworkLayer& layer,
                          const std::string& kind) {
  return "layer \"" + layer.name() + "\" (" + kind + ")";
}

Layer::Layer(NetworkContext* context, const NeuralNetworkLayer& proto,
             std::string kind, std::vector<int32_t> inputs)
    : Emitter(context, std::move(kind), proto.name()),
      context_(context),
      proto_(proto),
      inputs_(std::move(inputs)),
      outputs_(static_cast<size_t>(proto.output_size()), -1) {}

int32_t Layer::Raw(size_t i) {
  if (i < inputs_.size()) return inputs_[i];
  Fail(InvalidFile("", "has " + std::to_string(inputs_.size()) +
                           " inputs, needs " + std::to_string(i + 1)));
  return -1;
}

std::vector<int32_t> Layer::AllIn() {
  std::vector<int32_t> all;
  for (size_t i = 0; i < inputs_.size(); ++i) all.push_back(In(i));
  if (all.empty()) Fail(InvalidFile("", "has no inputs"));
  return all;
}

bool Layer::NeedInputs(size_t least, size_t most) {
  if (inputs_.size() >= least && inputs_.size() <= most) return true;
  Fail(InvalidFile("",
                   "has " + std::to_string(inputs_.size()) + " inputs, takes " +
                       std::to_string(least) +
                       (most == least ? "" : " to " + std::to_string(most))));
  return false;
}

void Layer::SetOut(size_t i, int32_t tensor) {
  if (i < outputs_.size()) outputs_[i] = tensor;
}

int32_t Layer::AsFloat(int32_t tensor) {
  if (tensor < 0 || TypeOf(tensor) == FloatType()) return tensor;
  return EmitTemp(CastTo(FloatType()), {tensor});
}

int32_t Layer::AsInts(int32_t tensor) {
  if (tensor < 0 || TypeOf(tensor) == DataType::kInt64) return tensor;
  return EmitTemp(CastTo(DataType::kInt64), {tensor});
}

int32_t Layer::AsBool(int32_t tensor) {
  if (tensor < 0 || TypeOf(tensor) == DataType::kBool) return tensor;
  return EmitTemp(CastTo(DataType::kBool), {tensor});
}

size_t Layer::RankOf(int32_t tensor) {
  const std::optional<size_t> rank = Rank(tensor);
  if (rank.has_value()) return *rank;
  if (status().ok())
    Refuse("where the rank of a blob is known only while it runs");
  return 0;
}

int32_t Layer::Axis(int64_t axis, int32_t tensor) {
  const auto rank = static_cast<int64_t>(RankOf(tensor));
  if (axis >= -rank && axis < rank)
    return static_cast<int32_t>(axis < 0 ? axis + rank : axis);
  Fail(ShapeError("axis " + std::to_string(axis) +
                  " is outside of the blob's " + std::to_string(rank) +
                  " axes"));
  return 0;
}

int64_t Layer::Extent(int32_t tensor, int64_t axis) {
  if (tensor < 0) return -1;
  const fbs::TensorT& value = TensorAt(draft(), tensor);
  if (!value.has_shape) return -1;
  const auto rank = static_cast<int64_t>(value.shape.size());
  if (axis < 0) axis += rank;
  return axis >= 0 && axis < rank ? value.shape[static_cast<size_t>(axis)] : -1;
}

int32_t Layer::Extents(int32_t tensor, int64_t from, int64_t to) {
  const auto rank = static_cast<int64_t>(RankOf(tensor));
  if (from < 0) from += rank;
  if (to <= 0) to += rank;
  std::vector<int64_t> known;
  for (int64_t axis = from; axis < to; ++axis)
    known.push_back(Extent(tensor, axis));
  bool all = true;
  for (int64_t extent : known) all = all && extent >= 0;
  if (all) return ConstantInts(known);
  fbs::GenerateT shape;
  shape.kind = fbs::GenerateKind::shape;
  shape.dtype = fbs::DataType::int64;
  shape.start = from;
  shape.end = to;
  const int32_t vector = EmitTemp(shape, {tensor});
  extents_[vector] = known;
  return vector;
}

int32_t Layer::Reshape(int32_t tensor, const std::vector<int64_t>& shape) {
  fbs::ReshapeT reshape;
  reshape.shape = shape;
  return EmitTemp(std::move(reshape), {tensor});
}

std::vector<int64_t> Layer::KnownExtents(int32_t vector) {
  const auto given = extents_.find(vector);
  if (given != extents_.end()) return given->second;
  const std::optional<std::vector<int64_t>> known = KnownInts(vector);
  if (known.has_value()) return *known;
  const int64_t length = Extent(vector, 0);
  const bool fits = length >= 0 && length <= static_cast<int64_t>(kMaxRank);
  return std::vector<int64_t>(fits ? static_cast<size_t>(length) : 0, -1);
}

// Inference knows nothing of a shape that is computed: what its parts say is
// noted here.
int32_t Layer::ReshapeTo(int32_t tensor, const std::vector<int32_t>& parts) {
  fbs::ReshapeT reshape;
  reshape.allow_zero = true;
  const int32_t result =
      EmitTemp(std::move(reshape), {tensor, Concat(parts, 0)});
  if (!status().ok() || Rank(result).has_value()) return result;
  std::vector<int64_t> shape;
  for (int32_t part : parts) {
    const std::vector<int64_t> extents = KnownExtents(part);
    if (extents.empty()) return result;
    shape.insert(shape.end(), extents.begin(), extents.end());
  }
  fbs::TensorT& value = TensorAt(*context_->draft, result);
  value.shape = shape;
  value.has_shape = true;
  return result;
}

void Layer::KeepShape(int32_t result, int32_t like) {
  if (!status().ok() || result < 0 || like < 0) return;
  fbs::TensorT& value = TensorAt(*context_->draft, result);
  value.shape = TensorAt(draft(), like).shape;
  value.has_shape = TensorAt(draft(), like).has_shape;
}

int32_t Layer::Unsqueeze(int32_t tensor, const std::vector<int32_t>& axes) {
  fbs::ReshapeT reshape;
  reshape.kind = fbs::ReshapeKind::unsqueeze;
  reshape.axes = axes;
  return EmitTemp(std::move(reshape), {tensor});
}

int32_t Layer::Squeeze(int32_t tensor, const std::vector<int32_t>& axes) {
  fbs::ReshapeT reshape;
  reshape.kind = fbs::ReshapeKind::squeeze;
  reshape.axes = axes;
  return EmitTemp(std::move(reshape), {tensor});
}

int32_t Layer::Transpose(int32_t tensor, const std::vector<int32_t>& perm) {
  fbs::TransposeT transpose;
  transpose.perm = perm;
  return EmitTemp(std::move(transpose), {tensor});
}

int32_t Layer::ToBatch(int32_t tensor, size_t tail) {
  const size_t rank = RankOf(tensor);
  if (!status().ok() || rank == tail + 1) return tensor;
  if (rank < tail) {
    Fail(ShapeError("a blob of rank " + std::to_string(rank) +
                    " is too small, at least " + std::to_string(tail) +
                    " is needed"));
    return tensor;
  }
  if (rank == tail) return Unsqueeze(tensor, {0});
  return ReshapeTo(tensor, {ConstantInts({-1}),
                            Extents(tensor, -static_cast<int64_t>(tail))});
}

int32_t Layer::FromBatch(int32_t result, int32_t like, size_t tail) {
  const size_t rank = RankOf(like);
  if (!status().ok() || rank == tail + 1) return result;
  if (rank == tail) return Squeeze(result, {0});
  return ReshapeTo(result, {Extents(like, 0, -static_cast<int64_t>(tail)),
                            Extents(result, 1)});
}

Shape Layer::CheckedShape(const std::vector<int64_t>& dims) {
  Expected<Shape> shape = MakeShape(dims);
  if (shape.ok()) return *shape;
  Fail(shape.status());
  return Shape();
}

std::vector<float> Layer::WeightValues(const WeightParams& weights,
                                       const char* what, const Shape& shape,
                                       size_t channel_axis) {
  if (!status().ok()) return {};
  Expected<std::vector<float>> values =
      ReadWeights(weights, shape, channel_axis);
  if (values.ok()) return std::move(values).value();
  Fail(values.status().WithContext(what));
  return {};
}

int32_t Layer::Weights(const WeightParams& weights, const char* what,
                       const Shape& shape, size_t channel_axis) {
  if (!status().ok()) return -1;
  Expected<DraftConstant> constant = ReadConstant(weights, shape, channel_axis);
  if (!constant.ok()) {
    Fail(constant.status().WithContext(what));
    return -1;
  }
  const int32_t tensor = NewTensor();
  DefineConstant(tensor, std::move(constant).value(), FloatType());
  return tensor;
}

std::vector<int32_t> Layer::EdgePads(const BorderAmounts& amounts) {
  const EdgeSizes& h = amounts.borderamounts(0);
  const EdgeSizes& w = amounts.borderamounts(1);
  return {Small(h.startedgesize(), "padding"),
          Small(w.startedgesize(), "padding"),
          Small(h.endedgesize(), "padding"), Small(w.endedgesize(), "padding")};
}

int32_t Layer::Small(uint64_t value, const char* what) {
  if (value <= INT_MAX) return static_cast<int32_t>(value);
  Fail(InvalidFile("", std::string(what) + " " + std::to_string(value) +
                           " is out of range"));
  return 0;
}

int32_t Layer::Reduce(fbs::ReduceKind kind, int32_t x,
                      const std::vector<int32_t>& axes, bool keep_dims) {
  fbs::ReduceT reduce;
  reduce.kind = kind;
  reduce.axes = axes;
  reduce.keep_dims = keep_dims;
  return EmitTemp(std::move(reduce), {x});
}

int32_t Layer::Concat(const std::vector<int32_t>& parts, int32_t axis) {
  if (parts.size() == 1) return parts[0];
  fbs::ConcatT concat;
  concat.axis = axis;
  return EmitTemp(concat, parts);
}

int32_t Layer::Slice(int32_t x, int32_t axis, int64_t start, int64_t end,
                     int64_t step) {
  fbs::SliceT slice;
  slice.starts = {start};
  slice.ends = {end};
  slice.axes = {axis};
  slice.steps = {step};
  return EmitTemp(std::move(slice), {x});
}

}  // namespace aneref::coreml
