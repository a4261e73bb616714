// Five axes and none, for families whose own tests stay between: each case
// begins with the name of the family that it counts for (.ci/op_tests.py).
// Expected values are worked out by hand.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

TEST_CASE("matmul: five axes are three of matrices") {
  // Matrices [1 2] * [k] with k = 10, 20 along the fourth axis from the back.
  CheckOnly(RunOp(matmul_op, fbs::MatmulT(),
                  {Half({1, 1, 2, 1, 2}, {1, 2, 3, 4}),
                   Half({2, 1, 1, 2, 1}, {10, 1, 20, 2})}),
            {2, 1, 2, 1, 1}, {12, 34, 24, 68});
}

TEST_CASE("elementwise: five axes broadcast each against each") {
  fbs::ElementwiseT table;
  table.kind = fbs::ElementwiseKind::add;
  CheckOnly(RunOp(elementwise_op, table,
                  {Half({2, 1, 2, 1, 1}, {1, 2, 3, 4}),
                   Half({1, 2, 1, 1, 2}, {10, 20, 30, 40})}),
            {2, 2, 2, 1, 2},
            {11, 21, 12, 22, 31, 41, 32, 42, 13, 23, 14, 24, 33, 43, 34, 44});
}

TEST_CASE("activation: five axes and none") {
  fbs::ActivationT table;
  table.kind = fbs::ActivationKind::relu;
  CheckOnly(
      RunOp(activation_op, table, {Half({1, 2, 1, 2, 1}, {-1, 2, -3, 4})}),
      {1, 2, 1, 2, 1}, {0, 2, 0, 4});
  CheckOnly(RunOp(activation_op, table, {Half({}, {-5})}), {}, {0});
}

TEST_CASE("softmax: any of five axes") {
  fbs::SoftmaxT table;
  const TestTensor x = Half({1, 2, 1, 2, 1}, {3, 3, 3, 3});
  for (const int axis : {1, 3, -2}) {
    table.axis = axis;
    CheckOnly(RunOp(softmax_op, table, {x}), {1, 2, 1, 2, 1},
              {0.5, 0.5, 0.5, 0.5});
  }
  table.axis = 1;
  table.to_end = true;
  CheckOnly(RunOp(softmax_op, table, {x}), {1, 2, 1, 2, 1},
            {0.25, 0.25, 0.25, 0.25});
}

TEST_CASE("norm: three spatial axes and the last of five") {
  fbs::NormT table;
  table.epsilon = 0;
  table.kind = fbs::NormKind::instance;
  const TestTensor x = Half({1, 2, 1, 2, 1}, {1, 3, 10, 30});
  CheckOnly(RunOp(norm_op, table, {x, Half({2}, {1, 2}), Half({2}, {0, 5})}),
            {1, 2, 1, 2, 1}, {-1, 1, 3, 7});
  table.kind = fbs::NormKind::layer;
  table.axis = 3;
  CheckOnly(RunOp(norm_op, table, {x}), {1, 2, 1, 2, 1}, {-1, 1, -1, 1});
}

TEST_CASE("reshape: five axes become one and back") {
  fbs::ReshapeT table;
  table.shape = {-1};
  CheckOnly(RunOp(reshape_op, table, {Counted({2, 1, 2, 1, 2})}), {8},
            {0, 1, 2, 3, 4, 5, 6, 7});
  table.shape = {1, 2, 2, 1, -1};
  CheckOnly(RunOp(reshape_op, table, {Counted({4})}), {1, 2, 2, 1, 1},
            {0, 1, 2, 3});
}

TEST_CASE("split: five axes and a scalar that has none") {
  fbs::SplitT table;
  table.axis = 3;
  table.sizes = {1, 1};
  const RunResult result =
      RunOp(split_op, table, {Counted({1, 2, 1, 2, 1})}, 2);
  CheckOutput(result, 0, {1, 2, 1, 1, 1}, {0, 2});
  CheckOutput(result, 1, {1, 2, 1, 1, 1}, {1, 3});
  table.axis = 0;
  CHECK_FALSE(RunOp(split_op, table, {Ints({}, {1})}, 2).status.ok());
}

TEST_CASE("select: conditions and values of five axes") {
  CheckOnly(RunOp(select_op, fbs::SelectT(),
                  {Make(DataType::kBool, {2, 1, 1, 1, 1}, {1, 0}),
                   Half({1, 1, 1, 2, 1}, {1, 2}), Half({}, {9})}),
            {2, 1, 1, 2, 1}, {1, 2, 9, 9});
}

TEST_CASE("cast: five axes") {
  fbs::CastT table;
  table.to = fbs::DataType::int32;
  CheckOnly(RunOp(cast_op, table, {Half({1, 2, 1, 2, 1}, {1.5, -2, 0, 7})}),
            {1, 2, 1, 2, 1}, {1, -2, 0, 7});
}

TEST_CASE("depth_space: only four axes have columns and rows") {
  fbs::DepthSpaceT table;
  table.block = 2;
  CHECK_FALSE(
      RunOp(depth_space_op, table, {Counted({1, 4, 1, 1, 1})}).status.ok());
  CHECK_FALSE(RunOp(depth_space_op, table, {Ints({}, {1})}).status.ok());
}

TEST_CASE("generate: a fill of five axes and their extents") {
  fbs::GenerateT table;
  table.dtype = fbs::DataType::int32;
  table.int_value = 7;
  CheckOnly(RunOp(generate_op, table, {Known(Ints({5}, {1, 2, 1, 2, 1}))}),
            {1, 2, 1, 2, 1}, {7, 7, 7, 7});
  table.kind = fbs::GenerateKind::shape;
  CheckOnly(RunOp(generate_op, table, {Half({1, 2, 1, 2, 1}, {0, 0, 0, 0})}),
            {5}, {1, 2, 1, 2, 1});
}

TEST_CASE("scatter: elements and slices of five axes") {
  fbs::ScatterT table;
  table.axis = 3;
  CheckOnly(RunOp(scatter_op, table,
                  {Counted({1, 2, 1, 2, 1}), Ints({1, 2, 1, 1, 1}, {1, 0}),
                   Make(DataType::kInt32, {1, 2, 1, 1, 1}, {8, 9})}),
            {1, 2, 1, 2, 1}, {0, 8, 9, 3});
  table.kind = fbs::ScatterKind::nd;
  CheckOnly(RunOp(scatter_op, table,
                  {Counted({2, 1, 1, 2, 1}), Ints({1, 1}, {1}),
                   Make(DataType::kInt32, {1, 1, 1, 2, 1}, {8, 9})}),
            {2, 1, 1, 2, 1}, {0, 1, 8, 9});
}

TEST_CASE("top_k: a middle axis of five and a scalar that has none") {
  fbs::TopKT table;
  table.axis = 1;
  table.k = 1;
  const RunResult result =
      RunOp(top_k_op, table, {Half({1, 2, 1, 2, 1}, {1, 5, 3, 4})}, 2);
  CheckOutput(result, 0, {1, 1, 1, 2, 1}, {3, 5});
  CheckOutput(result, 1, {1, 1, 1, 2, 1}, {1, 0});
  CHECK_FALSE(RunOp(top_k_op, table, {Half({}, {1})}, 2).status.ok());
}

TEST_CASE("cumulative: a middle axis of five") {
  fbs::CumulativeT table;
  table.axis = -4;
  CheckOnly(RunOp(cumulative_op, table, {Half({1, 2, 1, 2, 1}, {1, 2, 3, 4})}),
            {1, 2, 1, 2, 1}, {1, 2, 4, 6});
}

TEST_CASE("trilu: matrices of five axes and none of a scalar") {
  CheckOnly(RunOp(trilu_op, fbs::TriluT(), {Counted({2, 1, 1, 2, 2})}),
            {2, 1, 1, 2, 2}, {0, 1, 0, 3, 4, 5, 0, 7});
  CHECK_FALSE(RunOp(trilu_op, fbs::TriluT(), {Ints({}, {1})}).status.ok());
}

TEST_CASE("one_hot: a fifth axis in the middle of four") {
  fbs::OneHotT table;
  table.axis = 2;
  CheckOnly(RunOp(one_hot_op, table,
                  {Ints({1, 2, 1, 1}, {1, 0}), Known(Ints({}, {2})),
                   Half({2}, {2, 5})}),
            {1, 2, 2, 1, 1}, {2, 5, 5, 2});
}

TEST_CASE("selection: places and slices of five axes") {
  fbs::SelectionT table;
  CheckOnly(
      RunOp(selection_op, table, {Known(Half({1, 2, 1, 2, 1}, {0, 1, 0, 0}))}),
      {5, 1}, {0, 0, 0, 1, 0});
  // A scalar counts as a vector of one element.
  CheckOnly(RunOp(selection_op, table, {Known(Half({}, {3}))}), {1, 1}, {0});
}

TEST_CASE("quantize: one of five axes and none") {
  fbs::QuantizeT table;
  table.axis = 3;
  CheckOnly(RunOp(quantize_op, table,
                  {Half({1, 2, 1, 2, 1}, {2, 4, 6, 8}), Half({2}, {1, 2}),
                   Make(DataType::kUint8, {2}, {0, 1})}),
            {1, 2, 1, 2, 1}, {2, 3, 6, 5});
  CheckOnly(RunOp(quantize_op, table, {Half({}, {3}), Half({}, {1})}), {}, {3});
}

TEST_CASE("integer_mac: three spatial axes and five of matrices") {
  fbs::IntegerMacT table;
  table.kind = fbs::IntegerMacKind::conv;
  CheckOnly(RunOp(integer_mac_op, table,
                  {Make(DataType::kInt8, {1, 1, 2, 1, 2}, {1, 2, 3, 4}),
                   Make(DataType::kInt8, {1, 1, 2, 1, 1}, {10, 1})}),
            {1, 1, 1, 1, 2}, {13, 24});
  table.kind = fbs::IntegerMacKind::matmul;
  CheckOnly(RunOp(integer_mac_op, table,
                  {Make(DataType::kInt8, {1, 1, 2, 1, 2}, {1, 2, 3, 4}),
                   Make(DataType::kInt8, {2, 1, 1, 2, 1}, {10, 1, 20, 2})}),
            {2, 1, 2, 1, 1}, {12, 34, 24, 68});
}

TEST_CASE("einsum: five letters") {
  fbs::EinsumT table;
  table.equation = "abcde->dbe";
  CheckOnly(RunOp(einsum_op, table, {Half({2, 1, 1, 2, 1}, {1, 2, 3, 4})}),
            {2, 1, 1}, {4, 6});
}

TEST_CASE("sampling: a scalar has no rows to turn or to crop") {
  fbs::SamplingT table;
  for (const auto kind :
       {fbs::SamplingKind::det, fbs::SamplingKind::grid_sample,
        fbs::SamplingKind::max_unpool, fbs::SamplingKind::reverse_sequence}) {
    table.kind = kind;
    CHECK_FALSE(
        RunOp(sampling_op, table, {Half({}, {1}), Ints({}, {1})}).status.ok());
  }
}

TEST_CASE("signal: a transform along the fourth of five axes") {
  fbs::SignalT table;
  table.dtype = fbs::DataType::float32;
  table.axis = 3;
  CheckOnly(RunOp(signal_op, table, {Half({1, 2, 1, 2, 1}, {1, 2, 3, 5})}),
            {1, 2, 1, 2, 2}, {3, 0, -1, 0, 8, 0, -2, 0});
}

}  // namespace
}  // namespace aneref::test
