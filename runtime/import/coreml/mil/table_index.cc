// Gathering, sorting and selecting by index.
#include <algorithm>

#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

// batch_dims axes at the front belong to x and indices alike: tuples of length
// one along the moved axis say the same.
void GatherBatched(Lowering& node, int32_t x, int32_t indices, int32_t axis,
                   int32_t batch) {
  const size_t rank = node.NeedRank(x);
  const size_t index_rank = node.NeedRank(indices);
  if (!node.status().ok()) return;
  if (batch > axis || static_cast<size_t>(batch) > index_rank)
    return node.Refuse("with batch_dims " + std::to_string(batch));
  // x: the gathered axis directly behind the batch axes.
  std::vector<int32_t> perm;
  for (size_t i = 0; i < rank; ++i) {
    if (static_cast<int32_t>(i) == batch) perm.push_back(axis);
    if (static_cast<int32_t>(i) != axis)
      perm.push_back(static_cast<int32_t>(i));
  }
  fbs::GatherT table;
  table.kind = fbs::GatherKind::nd;
  table.batch_dims = batch;
  const int32_t tuples =
      node.Unsqueeze(indices, {static_cast<int32_t>(index_rank)});
  const int32_t moved = axis == batch ? x : node.TransposeTo(x, perm);
  const int32_t found = node.EmitTemp(table, {moved, tuples});
  // Result: batch, indices, axes between batch and axis, axes behind.
  const auto own = static_cast<int32_t>(index_rank) - batch;
  fbs::TransposeT back;
  for (int32_t i = 0; i < batch; ++i) back.perm.push_back(i);
  for (int32_t i = 0; i < axis - batch; ++i)
    back.perm.push_back(batch + own + i);
  for (int32_t i = 0; i < own; ++i) back.perm.push_back(batch + i);
  for (auto i = static_cast<int32_t>(back.perm.size());
       i < static_cast<int32_t>(rank - 1) + own; ++i)
    back.perm.push_back(i);
  node.EmitOut(back, {found});
}

void Gather(Lowering& node) {
  const int32_t x = node.Need("x"), indices = node.Need("indices");
  const int64_t axis = node.Int("axis", 0);
  const int32_t batch = node.Int32("batch_dims", 0);
  if (batch > 0)
    return GatherBatched(node, x, indices, node.Axis(axis, node.NeedRank(x)),
                         batch);
  if (batch < 0) return node.Refuse("with a negative batch_dims");
  fbs::GatherT table;
  table.axis = static_cast<int32_t>(axis);
  node.EmitOut(table, {x, indices});
}

void GatherAlongAxis(Lowering& node) {
  fbs::GatherT table;
  table.kind = fbs::GatherKind::elements;
  table.axis = node.Int32("axis", 0);
  node.EmitOut(table, {node.Need("x"), node.Need("indices")});
}

void GatherNd(Lowering& node) {
  fbs::GatherT table;
  table.kind = fbs::GatherKind::nd;
  table.batch_dims = node.Int32("batch_dims", 0);
  node.EmitOut(table, {node.Need("x"), node.Need("indices")});
}

// Keeps i - j <= lower and j - i <= upper; negative: no limit.
void BandPart(Lowering& node) {
  int32_t value = node.Need("x");
  const int64_t lower = node.Int("lower", -1), upper = node.Int("upper", -1);
  fbs::TriluT table;
  if (lower >= 0) {
    table.upper = true;
    table.k = -lower;
    value = node.EmitTemp(table, {value});
  }
  if (upper >= 0) {
    table.upper = false;
    table.k = upper;
    value = node.EmitTemp(table, {value});
  }
  node.Copy(value);
}

fbs::TopKT SortTable(Lowering& node, int32_t x, int64_t k) {
  fbs::TopKT table;
  table.axis = node.Int32("axis", -1);
  table.largest = !node.Bool("ascending", false);
  table.sorted = true;
  table.k = k;
  if (k >= 0) return table;
  const size_t rank = node.NeedRank(x);
  const auto axis = static_cast<size_t>(node.Axis(table.axis, rank));
  const fbs::TensorT& tensor = TensorAt(node.draft(), std::max(x, 0));
  if (!node.status().ok()) return table;
  table.k = tensor.shape[axis];
  if (table.k < 0) node.Refuse("where the extent of the axis is not known");
  return table;
}

void TopK(Lowering& node) {
  const int32_t x = node.Need("x");
  const int32_t k = node.In("k");
  const auto known = node.KnownInts(k);
  const bool computed = k >= 0 && !known.has_value();
  const int64_t count = known.has_value() && !known->empty() ? (*known)[0] : 1;
  const fbs::TopKT table = SortTable(node, x, computed ? 1 : count);
  node.Emit(
      table,
      {x, computed ? node.ReshapeTo(node.Cast(k, DataType::kInt64), {1}) : -1},
      {node.Out(0), node.Out(1)});
}

void ArgSort(Lowering& node) {
  const int32_t x = node.Need("x");
  const fbs::TopKT table = SortTable(node, x, -1);
  node.Emit(table, {x}, {node.NewTensor(), node.Out(0)});
}

void OneHot(Lowering& node) {
  fbs::OneHotT table;
  table.axis = node.Int32("axis", -1);
  const int32_t depth =
      node.Cast(node.Need("one_hot_vector_size"), DataType::kInt64);
  const auto value = [&](const char* name, double otherwise) {
    const int32_t given = node.In(name);
    return node.ReshapeTo(
        given >= 0 ? given : node.Scalar(DataType::kInt32, otherwise), {1});
  };
  const int32_t on = value("on_value", 1), off = value("off_value", 0);
  fbs::ConcatT join;
  const int32_t values =
      node.EmitTemp(join, {node.Cast(off, node.TypeOf(on)), on});
  node.EmitOut(table, {node.Need("indices"), depth, values});
}

void NonZero(Lowering& node) {
  fbs::TransposeT table;
  table.perm = {1, 0};
  node.EmitOut(table, {node.EmitTemp(fbs::SelectionT(), {node.Need("x")})});
}

constexpr OperationRow kRows[] = {
    {"argsort", ArgSort},    {"band_part", BandPart},
    {"gather", Gather},      {"gather_along_axis", GatherAlongAxis},
    {"gather_nd", GatherNd}, {"non_zero", NonZero},
    {"one_hot", OneHot},     {"topk", TopK},
};

}  // namespace

std::span<const OperationRow> IndexRows() { return kRows; }

}  // namespace aneref::coreml::mil
