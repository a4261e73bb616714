// The one table of the ONNX importer: op type to lowering function. What it
// does not list is refused by name.
#ifndef ANEREF_RUNTIME_IMPORT_ONNX_TABLE_H_
#define ANEREF_RUNTIME_IMPORT_ONNX_TABLE_H_

#include <span>
#include <string>

#include "runtime/import/onnx/lowering.h"

namespace aneref::onnx {

struct LoweringRow {
  const char* op_type;  // of domain ai.onnx
  void (*lower)(Lowering& node);
};

// Null when there is no row.
const LoweringRow* FindRow(const std::string& op_type);

// One part per family; table.cc joins them.
std::span<const LoweringRow> ConvRows();
std::span<const LoweringRow> NormRows();
std::span<const LoweringRow> UnaryRows();
std::span<const LoweringRow> BinaryRows();
std::span<const LoweringRow> ReduceRows();
std::span<const LoweringRow> ShapeRows();
std::span<const LoweringRow> MovementRows();
std::span<const LoweringRow> ConstantRows();
std::span<const LoweringRow> ResampleRows();
std::span<const LoweringRow> QuantizeRows();
std::span<const LoweringRow> SelectionRows();
std::span<const LoweringRow> SamplingRows();
std::span<const LoweringRow> SequenceRows();

// ---- shared by several parts ----

// Attribute auto_pad.
fbs::PadMode PadModeOf(Lowering& node);
// strides, dilations, pads: the same fields in every table of windows.
template <class Table>
void ReadWindow(Lowering& node, Table* table) {
  table->strides = node.Ints32("strides");
  table->dilations = node.Ints32("dilations");
  table->pad_mode = PadModeOf(node);
  if (table->pad_mode == fbs::PadMode::explicit_)
    table->pads = node.Ints32("pads");
}

// Copies an input through.
void EmitIdentity(Lowering& node, int32_t input, int32_t output);

// Before opset 7 operands broadcast by attributes: B is laid over A's axes from
// `axis` on. Gives B in a shape that numpy's rules broadcast the same way.
int32_t LegacyOperand(Lowering& node);

}  // namespace aneref::onnx

#endif  // ANEREF_RUNTIME_IMPORT_ONNX_TABLE_H_
