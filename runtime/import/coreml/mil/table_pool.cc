// Pools of ML Programs.
#include "runtime/import/coreml/mil/table.h"
#include "runtime/import/coreml/mil/windows.h"

namespace aneref::coreml::mil {
namespace {

template <fbs::PoolKind kind>
void Pool(Lowering& node) {
  fbs::PoolT table;
  table.kind = kind;
  table.kernel = node.Ints32("kernel_sizes");
  if (table.kernel.empty())
    node.Fail(InvalidFile("", "operand 'kernel_sizes' is missing"));
  ReadWindow(node, &table);
  table.ceil_mode = node.Bool("ceil_mode", false);
  // Core ML writes "valid" with a pad that means nothing; rounding up needs the
  // explicit form.
  if (table.ceil_mode && table.pad_mode == fbs::PadMode::valid)
    table.pad_mode = fbs::PadMode::explicit_;
  table.count_include_pad = !node.Bool("exclude_padding_from_average", false);
  node.EmitOut(table, {node.Need("x")});
}

constexpr OperationRow kRows[] = {
    {"avg_pool", Pool<fbs::PoolKind::average>},
    {"l2_pool", Pool<fbs::PoolKind::lp>},
    {"max_pool", Pool<fbs::PoolKind::max>},
};

}  // namespace

std::span<const OperationRow> PoolRows() { return kRows; }

}  // namespace aneref::coreml::mil
