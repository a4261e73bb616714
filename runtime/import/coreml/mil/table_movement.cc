// Padding and the rearrangement of pixels.
#include "runtime/import/coreml/mil/table.h"
#include "runtime/import/coreml/mil/windows.h"

namespace aneref::coreml::mil {
namespace {

void Pad(Lowering& node) {
  fbs::PadT table;
  const std::string mode = node.String("mode", "constant");
  if (mode == "reflect") {
    table.fill = fbs::PadFill::reflect;
  } else if (mode == "replicate") {
    table.fill = fbs::PadFill::edge;
  } else if (mode != "constant") {
    return node.Refuse("with mode \"" + mode + "\"");
  }
  const int32_t x = node.Need("x");
  table.value = node.Float("constant_val", 0);
  const auto pads = node.KnownInts(node.Need("pad"));
  if (!pads.has_value()) return node.Refuse("with a computed 'pad'");
  // Pairs for the last axes.
  const auto axes = static_cast<int32_t>(pads->size() / 2);
  for (int32_t i = 0; i < axes; ++i) table.axes.push_back(i - axes);
  table.pads = BeginsThenEnds(*pads);
  if (axes == 0) return node.Copy(x);
  node.EmitOut(table, {x});
}

template <fbs::DepthSpaceKind kind>
void DepthSpace(Lowering& node) {
  fbs::DepthSpaceT table;
  table.kind = kind;
  table.block = node.Int32("block_size", 1);
  node.EmitOut(table, {node.Need("x")});
}

void PixelShuffle(Lowering& node) {
  fbs::DepthSpaceT table;
  table.block = node.Int32("upscale_factor", 1);
  table.column_row_depth = true;
  node.EmitOut(table, {node.Need("x")});
}

void PixelUnshuffle(Lowering& node) {
  fbs::DepthSpaceT table;
  table.kind = fbs::DepthSpaceKind::space_to_depth;
  table.block = node.Int32("downscale_factor", 1);
  table.column_row_depth = true;
  node.EmitOut(table, {node.Need("x")});
}

struct Blocks {
  Shape x;
  std::vector<int64_t> sides;
  std::vector<int64_t> borders;  // begin and end of each side
};

// x [N, C, H, W], two block sides, two pairs of borders.
bool ReadBlocks(Lowering& node, const char* borders, Blocks* blocks) {
  blocks->x = node.NeedStatic(node.Need("x"));
  blocks->sides = node.Ints("block_shape");
  blocks->borders = node.Ints(borders);
  if (!node.status().ok()) return false;
  bool fits = blocks->x.rank() == 4 && blocks->sides.size() == 2 &&
              blocks->borders.size() == 4;
  for (size_t i = 0; fits && i < 2; ++i)
    fits = blocks->sides[i] >= 1 && blocks->sides[i] <= (1 << 20);
  for (size_t i = 0; fits && i < 4; ++i)
    fits = blocks->borders[i] >= 0 && blocks->borders[i] <= (1 << 30);
  if (!fits)
    node.Fail(
        InvalidFile("", std::string("x ") + blocks->x.ToString() +
                            ": rank 4, two block sides and two pairs of " +
                            borders + " are needed"));
  return fits;
}

void SpaceToBatch(Lowering& node) {
  Blocks b;
  if (!ReadBlocks(node, "paddings", &b)) return;
  fbs::PadT pad;
  pad.axes = {2, 3};
  pad.pads = BeginsThenEnds(b.borders);
  const int32_t padded = node.EmitTemp(pad, {node.In("x")});
  const int64_t n = b.x[0], c = b.x[1],
                rows = (b.x[2] + b.borders[0] + b.borders[1]) / b.sides[0],
                columns = (b.x[3] + b.borders[2] + b.borders[3]) / b.sides[1];
  const int32_t split =
      node.ReshapeTo(padded, {n, c, rows, b.sides[0], columns, b.sides[1]});
  const int32_t moved = node.TransposeTo(split, {3, 5, 0, 1, 2, 4});
  fbs::ReshapeT table;
  table.shape = {b.sides[0] * b.sides[1] * n, c, rows, columns};
  table.allow_zero = true;
  node.EmitOut(table, {moved});
}

void BatchToSpace(Lowering& node) {
  Blocks b;
  if (!ReadBlocks(node, "crops", &b)) return;
  const int64_t area = b.sides[0] * b.sides[1], n = b.x[0] / area, c = b.x[1];
  const int32_t split = node.ReshapeTo(
      node.In("x"), {b.sides[0], b.sides[1], n, c, b.x[2], b.x[3]});
  const int32_t moved = node.TransposeTo(split, {2, 3, 4, 0, 5, 1});
  const int32_t joined =
      node.ReshapeTo(moved, {n, c, b.x[2] * b.sides[0], b.x[3] * b.sides[1]});
  fbs::PadT crop;
  crop.axes = {2, 3};
  for (int64_t border : BeginsThenEnds(b.borders)) crop.pads.push_back(-border);
  node.EmitOut(crop, {joined});
}

// Inserts an axis of windows behind the axis that they slide along.
void SlidingWindows(Lowering& node) {
  const int32_t x = node.Need("x");
  const int32_t axis = node.Axis(node.Int("axis", 0), node.NeedRank(x));
  const int64_t size = node.Int("size", 1), stride = node.Int("stride", 1);
  const Shape shape = node.NeedStatic(x);
  if (!node.status().ok()) return;
  const int64_t extent = shape[static_cast<size_t>(axis)];
  if (size < 1 || stride < 1 || size > extent)
    return node.Fail(InvalidFile("", "windows of " + std::to_string(size) +
                                         " do not fit " + shape.ToString()));
  const int64_t count = (extent - size) / stride + 1;
  if (count > (int64_t{1} << 22) / size)
    return node.Fail(LimitError("too many windows"));
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t k = 0; k < size; ++k) indices.push_back(i * stride + k);
  }
  fbs::GatherT table;
  table.axis = axis;
  node.EmitOut(table,
               {x, node.ReshapeTo(node.ConstantInts(indices), {count, size})});
}

constexpr OperationRow kRows[] = {
    {"batch_to_space", BatchToSpace},
    {"depth_to_space", DepthSpace<fbs::DepthSpaceKind::depth_to_space>},
    {"pad", Pad},
    {"pixel_shuffle", PixelShuffle},
    {"pixel_unshuffle", PixelUnshuffle},
    {"sliding_windows", SlidingWindows},
    {"space_to_batch", SpaceToBatch},
    {"space_to_depth", DepthSpace<fbs::DepthSpaceKind::space_to_depth>},
};

}  // namespace

std::span<const OperationRow> MovementRows() { return kRows; }

}  // namespace aneref::coreml::mil
