// The same elements under another shape, and shapes as values.
#include <limits>

#include "runtime/import/onnx/table.h"

namespace aneref::onnx {
namespace {

// Opset 1 has the shape as an attribute.
void Reshape(Lowering& node) {
  fbs::ReshapeT reshape;
  reshape.allow_zero = node.Int("allowzero", 0) != 0;
  if (node.HasIn(1)) return node.EmitOut(std::move(reshape), node.Ins(0, 2));
  node.Require("shape");
  node.EmitOut(std::move(reshape),
               {node.In(0), node.ConstantInts(node.Ints("shape"))});
}

void Flatten(Lowering& node) {
  fbs::ReshapeT reshape;
  reshape.kind = fbs::ReshapeKind::flatten;
  reshape.axis = node.Int32("axis", 1);
  node.EmitOut(std::move(reshape), {node.In(0)});
}

template <fbs::ReshapeKind kind>
void Squeeze(Lowering& node) {
  fbs::ReshapeT reshape;
  reshape.kind = kind;
  reshape.axes = node.Ints32("axes");
  node.EmitOut(std::move(reshape), node.Ins(0, 2));
}

void Transpose(Lowering& node) {
  fbs::TransposeT transpose;
  transpose.perm = node.Ints32("perm");
  node.EmitOut(std::move(transpose), {node.In(0)});
}

void ShapeOf(Lowering& node) {
  fbs::GenerateT shape;
  shape.kind = fbs::GenerateKind::shape;
  shape.start = node.Int("start", 0);
  shape.end = node.Int("end", std::numeric_limits<int64_t>::max());
  node.EmitOut(std::move(shape), {node.In(0)});
}

void Size(Lowering& node) {
  fbs::GenerateT size;
  size.kind = fbs::GenerateKind::size;
  node.EmitOut(std::move(size), {node.In(0)});
}

void DepthSpace(Lowering& node, fbs::DepthSpaceKind kind) {
  fbs::DepthSpaceT table;
  table.kind = kind;
  node.Require("blocksize");
  table.block = node.Int32("blocksize", 1);
  const std::string mode = node.String("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    node.Fail(InvalidFile("", "attribute 'mode' is '" + mode + "'"));
  table.column_row_depth = mode == "CRD";
  node.EmitOut(std::move(table), {node.In(0)});
}
void DepthToSpace(Lowering& node) {
  DepthSpace(node, fbs::DepthSpaceKind::depth_to_space);
}
void SpaceToDepth(Lowering& node) {
  DepthSpace(node, fbs::DepthSpaceKind::space_to_depth);
}

void Expand(Lowering& node) {
  fbs::TileT tile;
  tile.kind = fbs::TileKind::expand;
  node.EmitOut(std::move(tile), node.Ins(0, 2));
}

// Opset 1 repeats along one axis: inputs tiles and axis.
void Tile(Lowering& node) {
  if (node.opset() >= 6) return node.EmitOut(fbs::TileT(), node.Ins(0, 2));
  const auto tiles = node.KnownInts(node.In(1)),
             axis = node.KnownInts(node.In(2));
  const std::optional<size_t> rank = node.Rank(node.In(0));
  if (!tiles.has_value() || !axis.has_value() || !rank.has_value() ||
      tiles->size() != 1 || axis->size() != 1)
    return node.Refuse(
        "in the form of opset 1 when its tiles, axis or rank are not known");
  const Expected<size_t> position = NormalizeAxis(axis->front(), *rank);
  if (!position.ok()) return node.Fail(position.status());
  std::vector<int64_t> repeats(*rank, 1);
  repeats[*position] = tiles->front();
  node.EmitOut(fbs::TileT(), {node.In(0), node.ConstantInts(repeats)});
}

constexpr LoweringRow kRows[] = {
    {"Reshape", Reshape},
    {"Flatten", Flatten},
    {"Squeeze", Squeeze<fbs::ReshapeKind::squeeze>},
    {"Unsqueeze", Squeeze<fbs::ReshapeKind::unsqueeze>},
    {"Transpose", Transpose},
    {"Shape", ShapeOf},
    {"Size", Size},
    {"DepthToSpace", DepthToSpace},
    {"SpaceToDepth", SpaceToDepth},
    {"Expand", Expand},
    {"Tile", Tile},
};

}  // namespace

std::span<const LoweringRow> ShapeRows() { return kRows; }

}  // namespace aneref::onnx
