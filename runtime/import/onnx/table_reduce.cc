// Reductions and arg-extremes.
#include "runtime/import/onnx/table.h"

namespace aneref::onnx {
namespace {

using RK = fbs::ReduceKind;

// Axes are an attribute first, an input later (ReduceSum from 13, the others
// from 18); each form is taken where it stands.
template <RK kind>
void Reduce(Lowering& node) {
  fbs::ReduceT reduce;
  reduce.kind = kind;
  reduce.axes = node.Ints32("axes");
  reduce.keep_dims = node.Int("keepdims", 1) != 0;
  reduce.noop_with_empty_axes = node.Int("noop_with_empty_axes", 0) != 0;
  node.EmitOut(std::move(reduce), node.Ins(0, 2));
}

template <RK kind>
void Arg(Lowering& node) {
  fbs::ReduceT reduce;
  reduce.kind = kind;
  reduce.axes = {node.Int32("axis", 0)};
  reduce.keep_dims = node.Int("keepdims", 1) != 0;
  reduce.select_last_index = node.Int("select_last_index", 0) != 0;
  node.EmitOut(std::move(reduce), {node.In(0)});
}

constexpr LoweringRow kRows[] = {
    {"ReduceSum", Reduce<RK::sum>},
    {"ReduceMean", Reduce<RK::mean>},
    {"ReduceMax", Reduce<RK::max>},
    {"ReduceMin", Reduce<RK::min>},
    {"ReduceProd", Reduce<RK::prod>},
    {"ReduceL1", Reduce<RK::l1>},
    {"ReduceL2", Reduce<RK::l2>},
    {"ReduceSumSquare", Reduce<RK::sum_square>},
    {"ReduceLogSum", Reduce<RK::log_sum>},
    {"ReduceLogSumExp", Reduce<RK::log_sum_exp>},
    {"ArgMax", Arg<RK::arg_max>},
    {"ArgMin", Arg<RK::arg_min>},
};

}  // namespace

std::span<const LoweringRow> ReduceRows() { return kRows; }

}  // namespace aneref::onnx
