// Slices with bounds that are known, or computed in the run.
#include <climits>
#include <cstdint>

#include "runtime/import/coreml/mil/slices.h"
#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {

SliceBounds ReadSlice(Lowering& node, size_t rank) {
  SliceBounds bounds;
  bounds.rank = rank;
  bounds.begin = node.Need("begin");
  bounds.end = node.In("end");
  bounds.stride = node.Ints("stride");
  if (bounds.stride.empty()) bounds.stride.assign(rank, 1);
  const auto mask = [&](const char* name) {
    std::vector<bool> flags;
    for (int64_t value : node.Ints(name)) flags.push_back(value != 0);
    flags.resize(rank, false);
    return flags;
  };
  bounds.open_begin = mask("begin_mask");
  bounds.open_end = mask("end_mask");
  bounds.squeezed = mask("squeeze_mask");
  for (size_t i = 0; i < rank; ++i) {
    if (bounds.squeezed[i])
      bounds.squeezed_axes.push_back(static_cast<int32_t>(i));
  }
  if (bounds.stride.size() != rank)
    node.Fail(InvalidFile("", "operand 'stride' has " +
                                  std::to_string(bounds.stride.size()) +
                                  " entries for rank " + std::to_string(rank)));
  return bounds;
}

namespace {

using EK = fbs::ElementwiseKind;

// Known bounds as the IR's attributes.
fbs::SliceT KnownSlice(Lowering& node, const SliceBounds& bounds) {
  fbs::SliceT table;
  table.starts = *node.KnownInts(bounds.begin);
  table.ends = bounds.end >= 0 ? *node.KnownInts(bounds.end)
                               : std::vector<int64_t>(bounds.rank, INT64_MAX);
  table.steps = bounds.stride;
  if (table.starts.size() != bounds.rank || table.ends.size() != bounds.rank) {
    node.Fail(InvalidFile(
        "", "bounds do not fit rank " + std::to_string(bounds.rank)));
    return table;
  }
  for (size_t i = 0; i < bounds.rank; ++i) {
    table.axes.push_back(static_cast<int32_t>(i));
    const bool back = table.steps[i] < 0;
    if (bounds.squeezed[i]) {
      table.steps[i] = 1;
      table.ends[i] = table.starts[i] == -1 ? INT64_MAX : table.starts[i] + 1;
      continue;
    }
    if (bounds.open_begin[i]) table.starts[i] = back ? INT64_MAX : 0;
    if (bounds.open_end[i]) table.ends[i] = back ? INT64_MIN : INT64_MAX;
  }
  return table;
}

int32_t Flags(Lowering& node, const std::vector<bool>& flags) {
  std::vector<int64_t> values;
  for (bool flag : flags) values.push_back(flag ? 1 : 0);
  return node.Cast(node.ConstantInts(values), DataType::kBool);
}

// Bounds that are computed in the run, masks applied.
void ComputedSlice(Lowering& node, const SliceBounds& bounds, int32_t x,
                   int32_t to) {
  std::vector<int64_t> first, last, steps = bounds.stride;
  for (size_t i = 0; i < bounds.rank; ++i) {
    if (bounds.squeezed[i]) steps[i] = 1;
    first.push_back(steps[i] < 0 ? INT64_MAX : 0);
    last.push_back(steps[i] < 0 ? INT64_MIN : INT64_MAX);
  }
  std::vector<bool> open_begin = bounds.open_begin, open_end = bounds.open_end;
  for (size_t i = 0; i < bounds.rank; ++i) {
    if (!bounds.squeezed[i]) continue;
    open_begin[i] = open_end[i] = false;
  }
  const int32_t begin = node.Cast(bounds.begin, DataType::kInt64);
  const int32_t all = node.ConstantInts(last);
  const int32_t given =
      bounds.end >= 0 ? node.Cast(bounds.end, DataType::kInt64) : all;
  const int32_t starts =
      node.EmitTemp(fbs::SelectT(),
                    {Flags(node, open_begin), node.ConstantInts(first), begin});
  int32_t ends =
      node.EmitTemp(fbs::SelectT(), {Flags(node, open_end), all, given});
  if (!bounds.squeezed_axes.empty()) {
    const int32_t next =
        node.Op(EK::add, begin, node.Scalar(DataType::kInt64, 1));
    const int32_t is_last =
        node.Op(EK::equal, begin, node.Scalar(DataType::kInt64, -1));
    const int32_t behind = node.EmitTemp(fbs::SelectT(), {is_last, all, next});
    ends = node.EmitTemp(fbs::SelectT(),
                         {Flags(node, bounds.squeezed), behind, ends});
  }
  std::vector<int64_t> axes;
  for (size_t i = 0; i < bounds.rank; ++i)
    axes.push_back(static_cast<int64_t>(i));
  node.Emit(
      fbs::SliceT(),
      {x, starts, ends, node.ConstantInts(axes), node.ConstantInts(steps)},
      {to});
}

void SliceByIndex(Lowering& node) {
  const int32_t x = node.Need("x");
  const SliceBounds bounds = ReadSlice(node, node.NeedRank(x));
  if (!node.status().ok()) return;
  const bool known = node.IsKnown(bounds.begin) &&
                     (bounds.end < 0 || node.IsKnown(bounds.end));
  const bool squeezes = !bounds.squeezed_axes.empty();
  const int32_t cut = squeezes ? node.NewTensor() : node.Out(0);
  if (known) {
    const fbs::SliceT table = KnownSlice(node, bounds);
    node.Emit(table, {x}, {cut});
  } else {
    ComputedSlice(node, bounds, x, cut);
  }
  if (!squeezes) return;
  fbs::ReshapeT table;
  table.kind = fbs::ReshapeKind::squeeze;
  table.axes = bounds.squeezed_axes;
  node.EmitOut(table, {cut});
}

// A computed begin and known sizes: one gather per axis keeps shapes static.
void GatherBySize(Lowering& node, int32_t x, int32_t begin,
                  const std::vector<int64_t>& size) {
  const fbs::TensorT& tensor = TensorAt(node.draft(), x);
  const std::vector<int64_t> extents = tensor.shape;
  for (size_t i = 0; i < size.size(); ++i) {
    if (i < extents.size() && extents[i] == size[i]) continue;
    std::vector<int64_t> offsets;
    for (int64_t k = 0; k < size[i]; ++k) offsets.push_back(k);
    fbs::GatherT element;
    const int32_t start =
        node.EmitTemp(element, {node.Cast(begin, DataType::kInt64),
                                node.ConstantInts({static_cast<int64_t>(i)})});
    const int32_t indices = node.Op(EK::add, start, node.ConstantInts(offsets));
    fbs::GatherT gather;
    gather.axis = static_cast<int32_t>(i);
    x = node.EmitTemp(gather, {x, indices});
  }
  node.Copy(x);
}

void SliceBySize(Lowering& node) {
  const int32_t x = node.Need("x"), begin = node.Need("begin");
  const std::vector<int64_t> size = node.Ints("size");
  const size_t rank = node.NeedRank(x);
  if (!node.status().ok()) return;
  if (size.size() != rank)
    return node.Fail(InvalidFile(
        "", "operand 'size' does not fit rank " + std::to_string(rank)));
  constexpr int64_t kMostGathered = 1 << 20;
  const auto known = node.KnownInts(begin);
  bool fixed = true;
  for (int64_t s : size) fixed = fixed && s >= 0 && s <= kMostGathered;
  if (!known.has_value() && fixed) return GatherBySize(node, x, begin, size);
  std::vector<int64_t> axes;
  for (size_t i = 0; i < rank; ++i) axes.push_back(static_cast<int64_t>(i));
  if (!known.has_value()) {
    std::vector<bool> rest;
    for (int64_t s : size) rest.push_back(s < 0);
    const int32_t start = node.Cast(begin, DataType::kInt64);
    const int32_t last = node.Op(EK::add, start, node.ConstantInts(size));
    const int32_t all =
        node.ConstantInts(std::vector<int64_t>(rank, INT64_MAX));
    const int32_t ends =
        node.EmitTemp(fbs::SelectT(), {Flags(node, rest), all, last});
    return node.EmitOut(fbs::SliceT(),
                        {x, start, ends, node.ConstantInts(axes)});
  }
  fbs::SliceT table;
  table.starts = *known;
  if (known->size() != rank)
    return node.Fail(InvalidFile(
        "", "operand 'begin' does not fit rank " + std::to_string(rank)));
  for (size_t i = 0; i < rank; ++i) {
    const int64_t end = table.starts[i] + size[i];
    const bool to_end = size[i] < 0 || (table.starts[i] < 0 && end >= 0);
    table.ends.push_back(to_end ? INT64_MAX : end);
    table.axes.push_back(static_cast<int32_t>(i));
  }
  node.EmitOut(table, {x});
}

void Reverse(Lowering& node) {
  const int32_t x = node.Need("x");
  std::vector<int32_t> axes = node.Ints32("axes");
  if (axes.empty()) {
    for (size_t i = 0; i < node.NeedRank(x); ++i)
      axes.push_back(static_cast<int32_t>(i));
  }
  fbs::SliceT table;
  table.axes = axes;
  table.starts.assign(axes.size(), INT64_MAX);
  table.ends.assign(axes.size(), INT64_MIN);
  table.steps.assign(axes.size(), -1);
  node.EmitOut(table, {x});
}

void Crop(Lowering& node) {
  const std::vector<int64_t> rows = node.Ints("crop_height"),
                             columns = node.Ints("crop_width");
  if (rows.size() != 2 || columns.size() != 2)
    return node.Fail(
        InvalidFile("", "crop_height and crop_width need two entries"));
  fbs::PadT table;
  table.axes = {-2, -1};
  table.pads = {-rows[0], -columns[0], -rows[1], -columns[1]};
  node.EmitOut(table, {node.Need("x")});
}

constexpr OperationRow kRows[] = {
    {"crop", Crop},
    {"reverse", Reverse},
    {"slice_by_index", SliceByIndex},
    {"slice_by_size", SliceBySize},
};

}  // namespace

std::span<const OperationRow> SliceRows() { return kRows; }

}  // namespace aneref::coreml::mil
