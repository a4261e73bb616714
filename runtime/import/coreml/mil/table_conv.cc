// Convolutions of ML Programs, forward and transposed.
#include "runtime/import/coreml/mil/table.h"
#include "runtime/import/coreml/mil/windows.h"

namespace aneref::coreml::mil {

fbs::PadMode PadModeOf(Lowering& node) {
  const std::string type = node.String("pad_type", "valid");
  if (type == "valid") return fbs::PadMode::valid;
  if (type == "custom") return fbs::PadMode::explicit_;
  if (type == "same") return fbs::PadMode::same_upper;
  if (type == "same_lower") return fbs::PadMode::same_lower;
  node.Refuse("with pad_type \"" + type + "\"");
  return fbs::PadMode::valid;
}

namespace {

void EmitConv(Lowering& node, int32_t weight) {
  fbs::ConvT table;
  ReadWindow(node, &table);
  table.dilations = node.Ints32("dilations");
  table.groups = node.Int32("groups", 1);
  node.EmitOut(table, {node.Need("x"), weight, node.In("bias")});
}

void Conv(Lowering& node) { EmitConv(node, node.Need("weight")); }

// Before compressed weights: w = q * scale + bias, both per output channel.
void ConvQuantized(Lowering& node) {
  const std::string kind = node.String("quantization_type", "linear");
  if (kind != "linear")
    return node.Refuse("with quantization_type \"" + kind + "\"");
  if (node.Int("nbits", 8) != 8) return node.Refuse("with other than 8 bits");
  const int32_t packed = node.Need("weight");
  const size_t rank = node.NeedRank(packed);
  const DataType type = node.TypeOf(node.Need("x"));
  const auto per_output = [&](int32_t vector) {
    if (node.Rank(vector).value_or(1) == 0 || rank < 1) return vector;
    std::vector<int32_t> axes;
    for (size_t i = 1; i < rank; ++i) axes.push_back(static_cast<int32_t>(i));
    return node.Unsqueeze(node.Cast(vector, type), axes);
  };
  int32_t weight = node.Cast(packed, type);
  weight = node.Op(fbs::ElementwiseKind::mul, weight,
                   per_output(node.Need("quant_scale")));
  weight = node.Op(fbs::ElementwiseKind::add, weight,
                   per_output(node.Need("quant_bias")));
  EmitConv(node, weight);
}

// What SAME crops of a full size that does not depend on the input: the
// kernel's extent minus the stride, the smaller half first.
void CropSame(const std::vector<int32_t>& extents, bool lower,
              fbs::ConvTransposeT* table) {
  std::vector<int32_t> begins, ends;
  for (size_t i = 0; i < extents.size(); ++i) {
    const int32_t surplus = extents[i] - table->strides[i];
    const int32_t half = surplus >= 0 ? surplus / 2 : 0;
    begins.push_back(lower ? surplus - half : half);
    ends.push_back(surplus - begins.back());
  }
  table->pads = begins;
  table->pads.insert(table->pads.end(), ends.begin(), ends.end());
}

// output_shape overrides the size; the start stays.
void CropToShape(Lowering& node, const std::vector<int32_t>& extents,
                 fbs::ConvTransposeT* table) {
  const std::vector<int64_t> sizes = node.Ints("output_shape");
  if (sizes.empty()) return;
  const Shape x = node.NeedStatic(node.In("x"));
  const size_t spatial = extents.size();
  if (!node.status().ok()) return;
  if (sizes.size() < spatial || x.rank() != spatial + 2)
    return node.Fail(InvalidFile("", "operand 'output_shape' has " +
                                         std::to_string(sizes.size()) +
                                         " entries"));
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t full = (x[i + 2] - 1) * table->strides[i] + extents[i];
    const int64_t end =
        full - table->pads[i] - sizes[sizes.size() - spatial + i];
    if (end < INT32_MIN || end > INT32_MAX)
      return node.Fail(
          InvalidFile("", "operand 'output_shape' is out of range"));
    table->pads[spatial + i] = static_cast<int32_t>(end);
  }
}

void ConvTranspose(Lowering& node) {
  const int32_t weight = node.Need("weight");
  const Shape shape = node.NeedStatic(weight);
  if (!node.status().ok()) return;
  if (shape.rank() < 3)
    return node.Fail(InvalidFile("", "the weight is " + shape.ToString()));
  const size_t spatial = shape.rank() - 2;
  fbs::ConvTransposeT table;
  table.groups = node.Int32("groups", 1);
  table.strides = node.Ints32("strides");
  table.dilations = node.Ints32("dilations");
  if (table.strides.empty()) table.strides.assign(spatial, 1);
  if (table.dilations.empty()) table.dilations.assign(spatial, 1);
  const fbs::PadMode mode = PadModeOf(node);
  if (mode == fbs::PadMode::explicit_)
    table.pads = BeginsThenEnds(node.Ints32("pad"));
  if (table.pads.empty()) table.pads.assign(2 * spatial, 0);
  if (!node.status().ok()) return;
  if (table.strides.size() != spatial || table.dilations.size() != spatial ||
      table.pads.size() != 2 * spatial)
    return node.Fail(InvalidFile(
        "", "strides, dilations or pad do not fit " + shape.ToString()));
  std::vector<int32_t> extents;
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t extent = (shape[i + 2] - 1) * table.dilations[i] + 1;
    if (extent < 1 || extent > INT32_MAX)
      return node.Fail(InvalidFile("", "the kernel is out of range"));
    extents.push_back(static_cast<int32_t>(extent));
  }
  if (mode == fbs::PadMode::same_upper || mode == fbs::PadMode::same_lower)
    CropSame(extents, mode == fbs::PadMode::same_lower, &table);
  CropToShape(node, extents, &table);
  node.EmitOut(table, {node.Need("x"), weight, node.In("bias")});
}

constexpr OperationRow kRows[] = {
    {"conv", Conv},
    {"conv_quantized", ConvQuantized},
    {"conv_transpose", ConvTranspose},
};

}  // namespace

std::span<const OperationRow> ConvRows() { return kRows; }

}  // namespace aneref::coreml::mil
