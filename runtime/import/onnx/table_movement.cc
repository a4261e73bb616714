// Joining, cutting, padding, picking.
#include <limits>

#include "runtime/import/onnx/table.h"

namespace aneref::onnx {
namespace {

void Concat(Lowering& node) {
  fbs::ConcatT concat;
  if (node.opset() >= 4) node.Require("axis");
  concat.axis = node.Int32("axis", 1);
  node.EmitOut(std::move(concat), node.Ins(0, node.num_inputs()));
}

// All outputs count, named or not: they decide the parts.
void Split(Lowering& node) {
  fbs::SplitT split;
  split.axis = node.Int32("axis", 0);
  split.sizes = node.Ints("split");
  const int64_t parts =
      node.Int("num_outputs", static_cast<int64_t>(node.num_outputs()));
  if (parts != static_cast<int64_t>(node.num_outputs())) {
    return node.Fail(
        InvalidFile("", "attribute 'num_outputs' is " + std::to_string(parts) +
                            ", the node has " +
                            std::to_string(node.num_outputs()) + " outputs"));
  }
  std::vector<int32_t> outputs;
  for (size_t i = 0; i < node.num_outputs(); ++i)
    outputs.push_back(node.Out(i));
  node.Emit(std::move(split), node.Ins(0, 2), std::move(outputs));
}

void Slice(Lowering& node) {
  fbs::SliceT slice;
  if (node.opset() >= 10) return node.EmitOut(std::move(slice), node.Ins(0, 5));
  node.Require("starts");
  node.Require("ends");
  slice.starts = node.Ints("starts");
  slice.ends = node.Ints("ends");
  slice.axes = node.Ints32("axes");
  node.EmitOut(std::move(slice), {node.In(0)});
}

// Of 2017: `border` = [left, top, right, bottom] cut off, or a window of
// `scale` = [height, width] at (top, left).
void Crop(Lowering& node) {
  const std::vector<int64_t> border = node.Ints("border"),
                             scale = node.Ints("scale");
  if (border.size() != 4 || (!scale.empty() && scale.size() != 2))
    return node.Fail(
        InvalidFile("", "attributes 'border' and 'scale' need 4 and 2 values"));
  constexpr int64_t kMost = int64_t{1} << 40;
  for (int64_t value : border) {
    if (value < 0 || value > kMost)
      return node.Fail(InvalidFile("", "attribute 'border' is out of range"));
  }
  fbs::SliceT slice;
  slice.axes = {2, 3};
  slice.starts = {border[1], border[0]};
  for (size_t i = 0; i < 2; ++i) {
    const int64_t cut = border[i == 0 ? 3 : 2];
    if (!scale.empty() && (scale[i] < 0 || scale[i] > kMost))
      return node.Fail(InvalidFile("", "attribute 'scale' is out of range"));
    const int64_t end = cut == 0 ? std::numeric_limits<int64_t>::max() : -cut;
    slice.ends.push_back(scale.empty() ? end : slice.starts[i] + scale[i]);
  }
  node.EmitOut(std::move(slice), {node.In(0)});
}

fbs::PadFill FillOf(Lowering& node) {
  const std::string mode = node.String("mode", "constant");
  if (mode == "reflect") return fbs::PadFill::reflect;
  if (mode == "edge") return fbs::PadFill::edge;
  if (mode == "wrap") return fbs::PadFill::wrap;
  if (mode != "constant")
    node.Fail(InvalidFile("", "attribute 'mode' is '" + mode + "'"));
  return fbs::PadFill::constant;
}

void Pad(Lowering& node) {
  fbs::PadT pad;
  pad.fill = FillOf(node);
  if (node.opset() >= 11) return node.EmitOut(std::move(pad), node.Ins(0, 4));
  const std::string name = node.Has("paddings") ? "paddings" : "pads";
  node.Require(name);
  pad.pads = node.Ints(name);
  pad.value = node.Float("value", 0.0f);
  node.EmitOut(std::move(pad), {node.In(0)});
}

void GatherOf(Lowering& node, fbs::GatherKind kind) {
  fbs::GatherT gather;
  gather.kind = kind;
  if (kind == fbs::GatherKind::nd) {
    gather.batch_dims = node.Int32("batch_dims", 0);
  } else {
    gather.axis = node.Int32("axis", 0);
  }
  node.EmitOut(std::move(gather), node.Ins(0, 2));
}
void Gather(Lowering& node) { GatherOf(node, fbs::GatherKind::gather); }
void GatherElements(Lowering& node) {
  GatherOf(node, fbs::GatherKind::elements);
}
void GatherNd(Lowering& node) { GatherOf(node, fbs::GatherKind::nd); }

constexpr LoweringRow kRows[] = {
    {"Concat", Concat},
    {"Split", Split},
    {"Slice", Slice},
    {"Crop", Crop},
    {"Pad", Pad},
    {"Gather", Gather},
    {"GatherElements", GatherElements},
    {"GatherND", GatherNd},
};

}  // namespace

std::span<const LoweringRow> MovementRows() { return kRows; }

}  // namespace aneref::onnx
