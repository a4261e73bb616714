// Quantised activations of iOS 17 and later.
#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

// Vectors run along `axis`; one value needs none.
fbs::QuantizeT TableOf(Lowering& node, fbs::QuantizeKind kind) {
  fbs::QuantizeT table;
  table.kind = kind;
  table.axis = node.Int32("axis", 0);
  return table;
}

void Quantize(Lowering& node) {
  fbs::QuantizeT table = TableOf(node, fbs::QuantizeKind::quantize);
  table.to = static_cast<fbs::DataType>(
      node.DeclaredNamed(node.String("output_dtype", "int8")));
  node.EmitOut(table,
               {node.Need("input"), node.Need("scale"), node.In("zero_point")});
}

void Dequantize(Lowering& node) {
  fbs::QuantizeT table = TableOf(node, fbs::QuantizeKind::dequantize);
  const int32_t scale = node.Need("scale");
  table.to = static_cast<fbs::DataType>(node.TypeOf(scale));
  node.EmitOut(table, {node.Need("input"), scale, node.In("zero_point")});
}

constexpr OperationRow kRows[] = {
    {"dequantize", Dequantize},
    {"quantize", Quantize},
};

}  // namespace

std::span<const OperationRow> QuantizeRows() { return kRows; }

}  // namespace aneref::coreml::mil
