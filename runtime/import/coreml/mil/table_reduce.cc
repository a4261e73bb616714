// Reductions and running sums.
#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

using RK = fbs::ReduceKind;

template <RK kind>
void Reduce(Lowering& node) {
  fbs::ReduceT table;
  table.kind = kind;
  table.axes = node.Ints32("axes");
  table.keep_dims = node.Bool("keep_dims", false);
  node.EmitOut(table, {node.Need("x")});
}

template <RK kind>
void ArgReduce(Lowering& node) {
  fbs::ReduceT table;
  table.kind = kind;
  table.axes = {node.Int32("axis", -1)};
  table.keep_dims = node.Bool("keep_dims", false);
  node.EmitOut(table, {node.Need("x")});
}

void Cumsum(Lowering& node) {
  fbs::CumulativeT table;
  table.axis = node.Int32("axis", 0);
  table.exclusive = node.Bool("exclusive", false);
  table.reverse = node.Bool("reverse", false);
  node.EmitOut(table, {node.Need("x")});
}

constexpr OperationRow kRows[] = {
    {"cumsum", Cumsum},
    {"reduce_argmax", ArgReduce<RK::arg_max>},
    {"reduce_argmin", ArgReduce<RK::arg_min>},
    {"reduce_l1_norm", Reduce<RK::l1>},
    {"reduce_l2_norm", Reduce<RK::l2>},
    {"reduce_log_sum", Reduce<RK::log_sum>},
    {"reduce_log_sum_exp", Reduce<RK::log_sum_exp>},
    {"reduce_max", Reduce<RK::max>},
    {"reduce_mean", Reduce<RK::mean>},
    {"reduce_min", Reduce<RK::min>},
    {"reduce_prod", Reduce<RK::prod>},
    {"reduce_sum", Reduce<RK::sum>},
    {"reduce_sum_square", Reduce<RK::sum_square>},
};

}  // namespace

std::span<const OperationRow> ReduceRows() { return kRows; }

}  // namespace aneref::coreml::mil
