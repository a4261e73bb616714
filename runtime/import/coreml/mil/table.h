// The one table of ML Programs: operation to lowering function. What it does
// not list is refused by name. (const, constexpr_*, states, classify, cond and
// while_loop are handled by the program converter.)
#ifndef ANEREF_RUNTIME_IMPORT_COREML_MIL_TABLE_H_
#define ANEREF_RUNTIME_IMPORT_COREML_MIL_TABLE_H_

#include <span>
#include <string>

#include "runtime/import/coreml/mil/lowering.h"

namespace aneref::coreml::mil {

struct OperationRow {
  const char* type;
  void (*lower)(Lowering& node);
};

// Null when there is no row.
const OperationRow* FindRow(const std::string& type);
// Operations that are known and cannot be run: the reason; null for others.
const char* WhyRefused(const std::string& type);

// One part per family; table.cc joins them.
std::span<const OperationRow> ConvRows();
std::span<const OperationRow> PoolRows();
std::span<const OperationRow> UnaryRows();
std::span<const OperationRow> BinaryRows();
std::span<const OperationRow> NormRows();
std::span<const OperationRow> ReduceRows();
std::span<const OperationRow> ShapeRows();
std::span<const OperationRow> SliceRows();
std::span<const OperationRow> MovementRows();
std::span<const OperationRow> ResizeRows();
std::span<const OperationRow> SamplingRows();
std::span<const OperationRow> IndexRows();
std::span<const OperationRow> ScatterRows();
std::span<const OperationRow> MatrixRows();
std::span<const OperationRow> RecurrentRows();
std::span<const OperationRow> QuantizeRows();
std::span<const OperationRow> ListRows();
std::span<const OperationRow> BoxRows();
std::span<const OperationRow> CropRows();

}  // namespace aneref::coreml::mil

#endif  // ANEREF_RUNTIME_IMPORT_COREML_MIL_TABLE_H_
