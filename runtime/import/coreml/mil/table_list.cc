// Lists of tensors of one shape: tensors with the elements along a new first
// axis. A list that may grow is padded with zeros where it is written; an
// extent that only the elements will tell is 1 until then.
#include <algorithm>

#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

using EK = fbs::ElementwiseKind;

int32_t AsVector(Lowering& node, int32_t scalar) {
  return node.ReshapeTo(node.Cast(scalar, DataType::kInt64), {1});
}

void MakeList(Lowering& node) {
  std::vector<int32_t> extents = {node.Has("init_length")
                                      ? AsVector(node, node.In("init_length"))
                                      : node.ConstantInts({1})};
  for (size_t i = 0; i < node.Count("elem_shape"); ++i) {
    if (node.IsText("elem_shape", i)) {
      extents.push_back(node.ConstantInts({1}));
      continue;
    }
    const int32_t extent = node.Part("elem_shape", i);
    if (!node.status().ok()) return;
    const auto known = node.KnownInts(extent);
    if (known.has_value()) {
      for (int64_t value : *known)
        extents.push_back(node.ConstantInts({value < 0 ? 1 : value}));
    } else {
      extents.push_back(node.Rank(extent).value_or(0) == 0
                            ? AsVector(node, extent)
                            : node.Cast(extent, DataType::kInt64));
    }
  }
  const int32_t shape = node.EmitTemp(fbs::ConcatT(), extents);
  fbs::GenerateT table;
  table.kind = fbs::GenerateKind::fill;
  table.dtype = static_cast<fbs::DataType>(
      node.DeclaredNamed(node.String("dtype", "fp32")));
  node.EmitOut(table, {shape});
}

int32_t LengthOf(Lowering& node, int32_t list) {
  fbs::GenerateT table;
  table.kind = fbs::GenerateKind::shape;
  table.end = 1;
  return node.EmitTemp(table, {list});
}

void ListLength(Lowering& node) {
  fbs::ReshapeT table;
  table.kind = fbs::ReshapeKind::squeeze;
  table.axes = {0};
  node.EmitOut(table, {LengthOf(node, node.Need("ls"))});
}

void ListRead(Lowering& node) {
  fbs::GatherT table;
  node.EmitOut(table, {node.Need("ls"), node.Need("index")});
}

void ListGather(Lowering& node) {
  fbs::GatherT table;
  node.EmitOut(table, {node.Need("ls"), node.Need("indices")});
}

// The list, long enough for every index; indices are an int64 vector.
int32_t Grown(Lowering& node, int32_t list, int32_t indices) {
  const auto known = node.KnownInts(indices);
  const fbs::TensorT& tensor = TensorAt(node.draft(), std::max(list, 0));
  const bool has_length =
      tensor.has_shape && !tensor.shape.empty() && tensor.shape[0] >= 0;
  if (known.has_value() && has_length) {
    int64_t most = 0;
    for (int64_t index : *known) most = std::max(most, index + 1);
    if (most <= tensor.shape[0]) return list;
  }
  const int32_t length = LengthOf(node, list);
  fbs::ReduceT max;
  max.kind = fbs::ReduceKind::max;
  max.axes = {0};
  const int32_t needed =
      node.Op(EK::add, node.EmitTemp(max, {indices}), node.ConstantInts({1}));
  const int32_t more = node.Op(EK::maximum, node.Op(EK::sub, needed, length),
                               node.ConstantInts({0}));
  fbs::GenerateT rest;
  rest.kind = fbs::GenerateKind::shape;
  rest.start = 1;
  const int32_t shape =
      node.EmitTemp(fbs::ConcatT(), {more, node.EmitTemp(rest, {list})});
  fbs::GenerateT zeros;
  zeros.kind = fbs::GenerateKind::fill;
  zeros.dtype = static_cast<fbs::DataType>(node.TypeOf(list));
  return node.EmitTemp(fbs::ConcatT(), {list, node.EmitTemp(zeros, {shape})});
}

// The list with elements of the extents of `values` [n, ...].
int32_t Widened(Lowering& node, int32_t list, int32_t values) {
  const std::optional<Shape> have = node.Static(list),
                             need = node.Static(values);
  if (have.has_value() && need.has_value() && have->rank() == need->rank()) {
    Shape same = *need;
    if (same.rank() > 0) same[0] = (*have)[0];
    if (same == *have) return list;
  }
  fbs::GenerateT rest;
  rest.kind = fbs::GenerateKind::shape;
  rest.start = 1;
  fbs::TileT expand;
  expand.kind = fbs::TileKind::expand;
  const int32_t shape = node.EmitTemp(
      fbs::ConcatT(), {LengthOf(node, list), node.EmitTemp(rest, {values})});
  return node.EmitTemp(expand, {list, shape});
}

// Elements `values` [n, ...] at the places `indices` [n].
void Write(Lowering& node, int32_t list, int32_t indices, int32_t values) {
  fbs::ScatterT table;
  table.kind = fbs::ScatterKind::nd;
  const int32_t grown = Grown(node, Widened(node, list, values), indices);
  node.EmitOut(table, {grown, node.Unsqueeze(indices, {1}), values});
}

void ListWrite(Lowering& node) {
  const int32_t list = node.Need("ls");
  const int32_t value = node.Cast(node.Need("value"), node.TypeOf(list));
  const int32_t index = AsVector(node, node.Need("index"));
  Write(node, list, index, node.Unsqueeze(value, {0}));
}

void ListScatter(Lowering& node) {
  const int32_t list = node.Need("ls");
  const int32_t values = node.Cast(node.Need("value"), node.TypeOf(list));
  Write(node, list, node.Cast(node.Need("indices"), DataType::kInt64), values);
}

constexpr OperationRow kRows[] = {
    {"list_gather", ListGather}, {"list_length", ListLength},
    {"list_read", ListRead},     {"list_scatter", ListScatter},
    {"list_write", ListWrite},   {"make_list", MakeList},
};

}  // namespace

std::span<const OperationRow> ListRows() { return kRows; }

}  // namespace aneref::coreml::mil
