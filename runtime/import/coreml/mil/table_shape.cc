// Shapes: reshaping, joining, splitting, and tensors made of shapes.
#include <algorithm>

#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

using GK = fbs::GenerateKind;

// Zeros copy the input's extent: at the same position, or counted from the back
// where the lengths differ (then a zero without partner means 1).
std::vector<int64_t> ResolveZeros(Lowering& node, int32_t x,
                                  std::vector<int64_t> shape) {
  const bool has_zero = std::find(shape.begin(), shape.end(), 0) != shape.end();
  if (!has_zero) return shape;
  const size_t rank = node.NeedRank(x);
  if (rank == shape.size()) return shape;  // the IR copies by itself
  const Shape from = node.NeedStatic(x);
  for (size_t i = 0; i < shape.size() && node.status().ok(); ++i) {
    if (shape[i] != 0) continue;
    const size_t behind = shape.size() - i;
    shape[i] = behind <= from.rank() ? from[from.rank() - behind] : 1;
  }
  return shape;
}

void Reshape(Lowering& node) {
  const int32_t x = node.Need("x"), shape = node.Need("shape");
  fbs::ReshapeT table;
  const auto known = node.KnownInts(shape);
  if (!known.has_value()) return node.EmitOut(table, {x, shape});
  table.shape = ResolveZeros(node, x, *known);
  node.EmitOut(table, {x});
}

void ExpandDims(Lowering& node) {
  fbs::ReshapeT table;
  table.kind = fbs::ReshapeKind::unsqueeze;
  table.axes = node.Ints32("axes");
  node.EmitOut(table, {node.Need("x")});
}

void Squeeze(Lowering& node) {
  fbs::ReshapeT table;
  table.kind = fbs::ReshapeKind::squeeze;
  table.axes = node.Ints32("axes");
  node.EmitOut(table, {node.Need("x")});
}

void Flatten2d(Lowering& node) {
  fbs::ReshapeT table;
  table.kind = fbs::ReshapeKind::flatten;
  const int32_t x = node.Need("x");
  const int64_t axis = node.Int("axis", 1);
  // The rank itself is no axis: it counts from the back, as -rank .. -1 do.
  table.axis =
      axis < 0 ? node.Axis(axis, node.NeedRank(x)) : static_cast<int32_t>(axis);
  node.EmitOut(table, {x});
}

void Transpose(Lowering& node) {
  fbs::TransposeT table;
  const int32_t x = node.Need("x");
  const size_t rank = node.NeedRank(x);
  for (int64_t axis : node.Ints("perm"))
    table.perm.push_back(node.Axis(axis, rank));
  node.EmitOut(table, {x});
}

// Element i of every value next to each other.
void Interleave(Lowering& node, const std::vector<int32_t>& values,
                int32_t axis) {
  std::vector<int32_t> stacked;
  Shape shape = node.NeedStatic(values[0]);
  if (!node.status().ok()) return;
  for (int32_t value : values)
    stacked.push_back(node.Unsqueeze(value, {axis + 1}));
  fbs::ConcatT table;
  table.axis = axis + 1;
  const int32_t joined = node.EmitTemp(table, stacked);
  shape[static_cast<size_t>(axis)] *= static_cast<int64_t>(values.size());
  fbs::ReshapeT reshape;
  reshape.shape = shape.ToVector();
  reshape.allow_zero = true;
  node.EmitOut(reshape, {joined});
}

void Concat(Lowering& node) {
  const std::vector<int32_t> values = node.All("values");
  if (values.empty())
    return node.Fail(InvalidFile("", "operand 'values' is missing"));
  const auto axis = node.Int32("axis", 0);
  if (node.Bool("interleave", false) && values.size() > 1)
    return Interleave(node, values, node.Axis(axis, node.NeedRank(values[0])));
  fbs::ConcatT table;
  table.axis = axis;
  node.EmitOut(table, values);
}

void Stack(Lowering& node) {
  std::vector<int32_t> values;
  const std::vector<int32_t> given = node.All("values");
  if (given.empty())
    return node.Fail(InvalidFile("", "operand 'values' is missing"));
  const int32_t axis =
      node.Axis(node.Int("axis", 0), node.NeedRank(given[0]) + 1);
  for (int32_t value : given) values.push_back(node.Unsqueeze(value, {axis}));
  fbs::ConcatT table;
  table.axis = axis;
  node.EmitOut(table, values);
}

void Split(Lowering& node) {
  fbs::SplitT table;
  table.axis = node.Int32("axis", 0);
  table.sizes = node.Ints("split_sizes");
  const int64_t parts = node.Int("num_splits", 0);
  const size_t num_outputs = node.num_outputs();
  if (table.sizes.empty() && parts != static_cast<int64_t>(num_outputs))
    return node.Fail(InvalidFile("", "has " + std::to_string(num_outputs) +
                                         " outputs for num_splits " +
                                         std::to_string(parts)));
  std::vector<int32_t> outputs;
  for (size_t i = 0; i < num_outputs; ++i) outputs.push_back(node.Out(i));
  node.Emit(table, {node.Need("x")}, outputs);
}

// ---- tensors made of shapes ----

void ShapeOf(Lowering& node) {
  fbs::GenerateT table;
  table.kind = GK::shape;
  node.EmitOut(table, {node.Need("x")});
}

void FillShape(Lowering& node, int32_t shape) {
  fbs::GenerateT table;
  table.kind = GK::fill;
  DataType type = node.Declared(DataType::kFloat32);
  const int32_t value = node.In("value");
  if (value >= 0) {
    type = node.TypeOf(value);
    if (IsFloating(type)) {
      table.value = static_cast<double>(node.Float("value", 0));
    } else {
      table.int_value = node.Int("value", 0);
    }
  }
  table.dtype = static_cast<fbs::DataType>(type);
  node.EmitOut(table, {node.Cast(shape, DataType::kInt64)});
}

void Fill(Lowering& node) { FillShape(node, node.Need("shape")); }

void FillLike(Lowering& node) {
  fbs::GenerateT table;
  table.kind = GK::shape;
  FillShape(node, node.EmitTemp(table, {node.Need("ref_tensor")}));
}

void Range(Lowering& node) {
  fbs::GenerateT table;
  table.kind = GK::range;
  node.EmitOut(table,
               {node.Need("start"), node.Need("end"), node.Need("step")});
}

void Tile(Lowering& node) {
  fbs::TileT table;
  const int32_t x = node.Need("x"), reps = node.Need("reps");
  const auto known = node.KnownInts(reps);
  if (!known.has_value())
    return node.EmitOut(table, {x, node.Cast(reps, DataType::kInt64)});
  table.repeats = *known;
  node.EmitOut(table, {x});
}

// The axes begins[i] .. ends[i] of x take the shape of ref_tensors[i] there.
void ReshapeLike(Lowering& node) {
  const int32_t x = node.Need("x");
  const std::vector<int32_t> references = node.All("ref_tensors");
  const std::vector<int64_t> begins = node.Ints("begins"),
                             ends = node.Ints("ends"),
                             masks = node.Ints("end_masks");
  std::vector<int64_t> shape;
  for (size_t i = 0; i < references.size(); ++i) {
    const Shape from = node.NeedStatic(references[i]);
    if (!node.status().ok()) return;
    if (i >= begins.size() || i >= ends.size())
      return node.Fail(InvalidFile("", "begins and ends are too short"));
    const auto rank = static_cast<int64_t>(from.rank());
    const bool open = i < masks.size() && masks[i] != 0;
    int64_t first = begins[i] < 0 ? begins[i] + rank : begins[i];
    int64_t last = open ? rank : ends[i] < 0 ? ends[i] + rank : ends[i];
    first = std::clamp<int64_t>(first, 0, rank);
    last = std::clamp<int64_t>(last, first, rank);
    shape.insert(shape.end(), from.begin() + first, from.begin() + last);
  }
  fbs::ReshapeT table;
  table.shape = shape;
  table.allow_zero = true;
  node.EmitOut(table, {x});
}

constexpr OperationRow kRows[] = {
    {"concat", Concat},      {"expand_dims", ExpandDims},   {"fill", Fill},
    {"fill_like", FillLike}, {"flatten2d", Flatten2d},      {"range_1d", Range},
    {"reshape", Reshape},    {"reshape_like", ReshapeLike}, {"shape", ShapeOf},
    {"split", Split},        {"squeeze", Squeeze},          {"stack", Stack},
    {"tile", Tile},          {"transpose", Transpose},
};

}  // namespace

std::span<const OperationRow> ShapeRows() { return kRows; }

}  // namespace aneref::coreml::mil
