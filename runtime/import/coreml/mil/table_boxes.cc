// Non-maximum suppression with results padded to a fixed number of boxes:
// boxes and scores with zeros, indices with -1.
#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

using EK = fbs::ElementwiseKind;
constexpr DataType kWide = DataType::kFloat32;

struct Suppression {
  int64_t batch = 1, boxes = 0, classes = 0, most = 0;
  bool per_class = false;
  int32_t iou = -1, score = -1;
};

int32_t Element(Lowering& node, int32_t tensor, int64_t i) {
  fbs::GatherT table;
  const int32_t row = node.EmitTemp(table, {tensor, node.ConstantInts({i})});
  return row;
}

// Boxes of different classes are moved so far apart that they cannot overlap.
int32_t MovedByClass(Lowering& node, int32_t boxes, int32_t scores) {
  fbs::ReduceT best;
  best.kind = fbs::ReduceKind::arg_max;
  best.axes = {2};
  const int32_t kind =
      node.Cast(node.EmitTemp(best, {scores}), kWide);  // [1, B, 1]
  fbs::ReduceT widest;
  widest.kind = fbs::ReduceKind::max;
  const int32_t most = node.EmitTemp(
      widest, {node.EmitTemp(Unary(fbs::ActivationKind::abs), {boxes})});
  const int32_t span =
      node.EmitTemp(Unary(fbs::ActivationKind::linear, 4, 1), {most});
  const int32_t shift = node.Op(EK::mul, kind, span);
  const int32_t centre_x =
      node.ConstantFloats(kWide, Shape{1, 1, 4}, {1.0f, 0.0f, 0.0f, 0.0f});
  return node.Op(EK::add, boxes, node.Op(EK::mul, shift, centre_x));
}

// Rows of `from` [B, C] at `indices` [m], then `fill` up to [most, C].
int32_t Padded(Lowering& node, int32_t rows, int32_t count, int64_t most,
               int64_t columns, DataType type, double fill) {
  const int32_t missing = node.Op(EK::sub, node.ConstantInts({most}), count);
  fbs::GenerateT table;
  table.kind = fbs::GenerateKind::fill;
  table.dtype = static_cast<fbs::DataType>(type);
  table.value = fill;
  table.int_value = static_cast<int64_t>(fill);
  const int32_t shape =
      node.EmitTemp(fbs::ConcatT(), {missing, node.ConstantInts({columns})});
  const int32_t rest = node.EmitTemp(table, {shape});
  const int32_t joined = node.EmitTemp(fbs::ConcatT(), {rows, rest});
  return node.ReshapeTo(joined, {1, most, columns});
}

struct Survivors {
  std::vector<int32_t> boxes, scores, indices, counts;
};

void SuppressImage(Lowering& node, const Suppression& how, int32_t boxes,
                   int32_t scores, Survivors* out) {
  const int32_t wide_boxes = node.Cast(boxes, kWide),
                wide_scores = node.Cast(scores, kWide);
  fbs::ReduceT best;
  best.kind = fbs::ReduceKind::max;
  best.axes = {2};
  best.keep_dims = false;
  const int32_t score = node.Unsqueeze(node.EmitTemp(best, {wide_scores}), {1});
  fbs::SelectionT table;
  table.kind = fbs::SelectionKind::non_max_suppression;
  table.center_point_box = true;
  const int32_t placed =
      how.per_class ? MovedByClass(node, wide_boxes, wide_scores) : wide_boxes;
  const int32_t chosen = node.EmitTemp(
      table,
      {placed, score, node.ConstantInts({how.most}), how.iou, how.score});
  fbs::GatherT last;
  last.axis = 1;
  const int32_t indices = node.ReshapeTo(
      node.EmitTemp(last, {chosen, node.ConstantInts({2})}), {-1});
  fbs::GenerateT shape;
  shape.kind = fbs::GenerateKind::shape;
  const int32_t count = node.EmitTemp(shape, {indices});
  const auto rows = [&](int32_t from, int64_t columns) {
    const int32_t flat = node.ReshapeTo(from, {how.boxes, columns});
    return Padded(node, node.EmitTemp(fbs::GatherT(), {flat, indices}), count,
                  how.most, columns, node.TypeOf(from), 0);
  };
  out->boxes.push_back(rows(boxes, 4));
  out->scores.push_back(rows(scores, how.classes));
  out->indices.push_back(Padded(node, node.Unsqueeze(indices, {1}), count,
                                how.most, 1, DataType::kInt64, -1));
  out->counts.push_back(count);
}

void Suppress(Lowering& node) {
  int32_t boxes = node.Need("boxes"), scores = node.Need("scores");
  // The form of iOS 17 has the boxes on the last axis and no count.
  const bool boxes_last =
      node.num_outputs() == 3 && !node.Has("score_threshold");
  if (boxes_last) {
    boxes = node.TransposeTo(boxes, {0, 2, 1});
    scores = node.TransposeTo(scores, {0, 2, 1});
  }
  const Shape shape = node.NeedStatic(boxes), rated = node.NeedStatic(scores);
  Suppression how;
  how.most = node.Int("max_boxes", 0);
  how.per_class = node.Bool("per_class_suppression", false);
  const auto threshold = [&](const char* name, float otherwise) {
    return node.ConstantFloats(kWide, Shape{1}, {node.Float(name, otherwise)});
  };
  how.iou = threshold("iou_threshold", 0);
  how.score =
      node.Has("score_threshold") ? threshold("score_threshold", 0) : -1;
  if (!node.status().ok()) return;
  if (shape.rank() != 3 || rated.rank() != 3 || shape[2] != 4 ||
      rated[0] != shape[0] || rated[1] != shape[1] || how.most < 1 ||
      how.most > (1 << 20) || shape[0] < 1 || shape[0] > 1024)
    return node.Fail(InvalidFile("", "boxes " + shape.ToString() +
                                         " and scores " + rated.ToString() +
                                         " do not fit"));
  how.batch = shape[0];
  how.boxes = shape[1];
  how.classes = rated[2];
  Survivors out;
  for (int64_t i = 0; i < how.batch; ++i)
    SuppressImage(node, how, Element(node, boxes, i), Element(node, scores, i),
                  &out);
  const auto join = [&](const std::vector<int32_t>& parts, size_t i) {
    const int32_t all =
        parts.size() == 1 ? parts[0] : node.EmitTemp(fbs::ConcatT(), parts);
    return i == 2 ? node.Squeeze(all, {2}) : all;
  };
  node.Copy(boxes_last ? node.TransposeTo(join(out.boxes, 0), {0, 2, 1})
                       : join(out.boxes, 0),
            0);
  node.Copy(boxes_last ? node.TransposeTo(join(out.scores, 1), {0, 2, 1})
                       : join(out.scores, 1),
            1);
  node.Copy(join(out.indices, 2), 2);
  if (node.num_outputs() > 3) node.Copy(join(out.counts, 3), 3);
}

constexpr OperationRow kRows[] = {
    {"non_maximum_suppression", Suppress},
};

}  // namespace

std::span<const OperationRow> BoxRows() { return kRows; }

}  // namespace aneref::coreml::mil
