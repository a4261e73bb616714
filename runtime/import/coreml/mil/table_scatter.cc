// Scattering and slice updates: copies with some elements replaced or combined.
#include "runtime/import/coreml/mil/slices.h"
#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

using EK = fbs::ElementwiseKind;
using SR = fbs::ScatterReduction;

// What to do with the operands of one scatter so that the IR's modes suffice.
struct Mode {
  SR reduction = SR::add;
  bool negate = false;   // sub: adds the negated updates
  bool divides = false;  // div: divides by the product of the updates
};

Mode ReadMode(Lowering& node) {
  const std::string mode = node.String("mode", "add");
  if (mode == "add") return {};
  if (mode == "update") return {SR::none, false, false};
  if (mode == "sub") return {SR::add, true, false};
  if (mode == "mul") return {SR::mul, false, false};
  if (mode == "div") return {SR::mul, false, true};
  if (mode == "max") return {SR::max, false, false};
  if (mode == "min") return {SR::min, false, false};
  node.Refuse("with mode \"" + mode + "\"");
  return {};
}

// data op= updates at indices; gives the result.
int32_t EmitScatter(Lowering& node, fbs::ScatterT table, int32_t data,
                    int32_t indices, int32_t updates) {
  const Mode mode = ReadMode(node);
  table.reduction = mode.reduction;
  if (mode.negate)
    updates = node.EmitTemp(Unary(fbs::ActivationKind::neg), {updates});
  if (!mode.divides) return node.EmitTemp(table, {data, indices, updates});
  const int32_t ones =
      node.Op(EK::add, node.Op(EK::sub, data, data), node.ScalarLike(data, 1));
  const int32_t product = node.EmitTemp(table, {ones, indices, updates});
  return node.Op(EK::div, data, product);
}

void ScatterAlongAxis(Lowering& node) {
  fbs::ScatterT table;
  table.axis = node.Int32("axis", 0);
  node.Copy(EmitScatter(node, table, node.Need("data"), node.Need("indices"),
                        node.Need("updates")));
}

void ScatterNd(Lowering& node) {
  fbs::ScatterT table;
  table.kind = fbs::ScatterKind::nd;
  node.Copy(EmitScatter(node, table, node.Need("data"), node.Need("indices"),
                        node.Need("updates")));
}

// data[.., indices, ..] op= updates: tuples of length one address the axis once
// it is the first one.
void Scatter(Lowering& node) {
  const int32_t data = node.Need("data"), indices = node.Need("indices");
  const int32_t updates = node.Need("updates");
  const size_t rank = node.NeedRank(data);
  const auto index_rank = static_cast<int32_t>(node.NeedRank(indices));
  const int32_t axis = node.Axis(node.Int("axis", 0), rank);
  if (!node.status().ok()) return;
  fbs::ScatterT table;
  table.kind = fbs::ScatterKind::nd;
  const int32_t tuples = node.Unsqueeze(indices, {index_rank});
  if (axis == 0)
    return node.Copy(EmitScatter(node, table, data, tuples, updates));
  const auto axes = static_cast<int32_t>(rank);
  std::vector<int32_t> to_front = {axis}, back, updates_front;
  for (int32_t i = 0; i < index_rank; ++i) updates_front.push_back(axis + i);
  for (int32_t i = 0; i < axis; ++i) {
    to_front.push_back(i);
    back.push_back(i + 1);
    updates_front.push_back(i);
  }
  back.push_back(0);
  for (int32_t i = axis + 1; i < axes; ++i) {
    to_front.push_back(i);
    back.push_back(i);
    updates_front.push_back(i - 1 + index_rank);
  }
  const int32_t result =
      EmitScatter(node, table, node.TransposeTo(data, to_front), tuples,
                  node.TransposeTo(updates, updates_front));
  fbs::TransposeT transpose;
  transpose.perm = back;
  node.EmitOut(transpose, {result});
}

// ---- slice_update ----

// Where axis i begins, as an int64 vector of one element; counted from the
// front.
int32_t FirstOf(Lowering& node, const SliceBounds& bounds, size_t i,
                int64_t extent) {
  if (bounds.open_begin[i] && !bounds.squeezed[i])
    return node.ConstantInts({bounds.stride[i] < 0 ? extent - 1 : 0});
  const int32_t begin = node.EmitTemp(
      fbs::GatherT(), {node.Cast(bounds.begin, DataType::kInt64),
                       node.ConstantInts({static_cast<int64_t>(i)})});
  const int32_t from_back = node.Op(EK::less, begin, node.ConstantInts({0}));
  const int32_t wrapped = node.Op(EK::add, begin, node.ConstantInts({extent}));
  return node.EmitTemp(fbs::SelectT(), {from_back, wrapped, begin});
}

void SliceUpdate(Lowering& node) {
  const int32_t x = node.Need("x"), update = node.Need("update");
  const Shape shape = node.NeedStatic(x), given = node.NeedStatic(update);
  const SliceBounds bounds = ReadSlice(node, shape.rank());
  if (!node.status().ok()) return;
  if (given.rank() + bounds.squeezed_axes.size() != shape.rank())
    return node.Fail(InvalidFile("", "update " + given.ToString() +
                                         " does not fit " + shape.ToString()));
  // The flat position of every element of the update.
  int32_t flat = node.ConstantInts({0});
  size_t next = 0;
  for (size_t i = 0; i < shape.rank(); ++i) {
    const int64_t count = bounds.squeezed[i] ? 1 : given[next++];
    const int64_t stride = bounds.squeezed[i] ? 1 : bounds.stride[i];
    if (count > shape[i] || count > (1 << 24))
      return node.Fail(InvalidFile(
          "",
          "update " + given.ToString() + " does not fit " + shape.ToString()));
    const int64_t pitch = shape.NumElements(i + 1, shape.rank());
    std::vector<int64_t> offsets;
    for (int64_t k = 0; k < count; ++k) offsets.push_back(k * stride * pitch);
    const int32_t base = node.Op(EK::mul, FirstOf(node, bounds, i, shape[i]),
                                 node.ConstantInts({pitch}));
    const int32_t positions =
        node.Op(EK::add, base, node.ConstantInts(offsets));
    std::vector<int64_t> laid_out(shape.rank(), 1);
    laid_out[i] = count;
    flat = node.Op(EK::add, flat, node.ReshapeTo(positions, laid_out));
  }
  fbs::ScatterT table;
  const int32_t result =
      node.EmitTemp(table, {node.ReshapeTo(x, {shape.NumElements()}),
                            node.ReshapeTo(flat, {given.NumElements()}),
                            node.ReshapeTo(update, {given.NumElements()})});
  fbs::ReshapeT reshape;
  reshape.shape = shape.ToVector();
  reshape.allow_zero = true;
  node.EmitOut(reshape, {result});
}

constexpr OperationRow kRows[] = {
    {"scatter", Scatter},
    {"scatter_along_axis", ScatterAlongAxis},
    {"scatter_nd", ScatterNd},
    {"slice_update", SliceUpdate},
};

}  // namespace

std::span<const OperationRow> ScatterRows() { return kRows; }

}  // namespace aneref::coreml::mil
