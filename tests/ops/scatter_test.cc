// Scatter: elements and tuples, every reduction, order of duplicates, errors.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

using Reduction = fbs::ScatterReduction;

RunResult Run(fbs::ScatterKind kind, int axis, Reduction reduction,
              const std::vector<TestTensor>& inputs) {
  fbs::ScatterT attributes;
  attributes.kind = kind;
  attributes.axis = axis;
  attributes.reduction = reduction;
  return RunOp(scatter_op, attributes, inputs);
}
constexpr auto kElements = fbs::ScatterKind::elements;
constexpr auto kTuples = fbs::ScatterKind::nd;

TEST_CASE("scatter: elements of every size along either axis") {
  for (DataType type : kOneTypePerSize) {
    const TestTensor x = Counted(type, {2, 3});
    CheckOnly(Run(kElements, 1, Reduction::none,
                  {x, Ints({1, 2}, {2, -3}), Make(type, {1, 2}, {7, 8})}),
              {2, 3}, {8, 1, 7, 3, 4, 5});
    CheckOnly(Run(kElements, 0, Reduction::none,
                  {x, Ints({1, 2}, {1, 0}), Make(type, {1, 2}, {7, 8})}),
              {2, 3}, {0, 8, 2, 7, 4, 5});
  }
}

TEST_CASE("scatter: tuples name slices or single elements") {
  const TestTensor x = Counted({2, 3});
  const DataType type = DataType::kInt32;
  CheckOnly(Run(kTuples, 0, Reduction::none,
                {x, Ints({1, 1}, {-1}), Make(type, {1, 3}, {7, 8, 9})}),
            {2, 3}, {0, 1, 2, 7, 8, 9});
  CheckOnly(Run(kTuples, 0, Reduction::none,
                {x, Ints({2, 2}, {0, 2, 1, 0}), Make(type, {2}, {7, 8})}),
            {2, 3}, {0, 1, 7, 8, 4, 5});
}

TEST_CASE("scatter: duplicates apply in order") {
  const auto run = [](Reduction reduction) {
    return Run(kElements, 0, reduction,
               {Half({2}, {5, 1}), Ints({3}, {0, 0, 0}), Half({3}, {2, 7, 3})});
  };
  CheckOnly(run(Reduction::none), {2}, {3, 1});
  CheckOnly(run(Reduction::add), {2}, {17, 1});
  CheckOnly(run(Reduction::mul), {2}, {210, 1});
  CheckOnly(run(Reduction::max), {2}, {7, 1});
  CheckOnly(run(Reduction::min), {2}, {2, 1});
}

TEST_CASE("P2: sums of several updates round once") {
  CheckOnly(Run(kElements, 0, Reduction::add,
                {Half({1}, {2048}), Ints({2}, {0, 0}), Half({2}, {1, 1})}),
            {1}, {2050});
}

TEST_CASE("P13: integer reductions wrap and compare by sign") {
  CheckOnly(Run(kElements, 0, Reduction::add,
                {Make(DataType::kInt8, {1}, {100}), Ints({1}, {0}),
                 Make(DataType::kInt8, {1}, {100})}),
            {1}, {-56});
  CheckOnly(Run(kElements, 0, Reduction::max,
                {Make(DataType::kInt8, {1}, {-1}), Ints({1}, {0}),
                 Make(DataType::kInt8, {1}, {-2})}),
            {1}, {-1});
}

TEST_CASE("scatter: refuses what does not fit") {
  const TestTensor x = Counted({2, 3}), one = Counted({1, 1});
  const auto fails = [](const RunResult& result, const std::string& part) {
    CheckFails(result, StatusCode::kShape, part);
  };
  fails(Run(kElements, 2, Reduction::none, {x, one, one}), "axis 2");
  fails(Run(kElements, 0, Reduction::none, {x, Counted({1, 2}), one}),
        "do not fit");
  fails(Run(kElements, 0, Reduction::none, {x, Counted({1, 4}), one}),
        "do not fit");
  fails(Run(kElements, 0, Reduction::none, {x, one, Half({1, 1}, {0})}),
        "updates are");
  fails(Run(kTuples, 0, Reduction::none, {x, Counted({1, 3}), one}),
        "length 3");
  fails(Run(kTuples, 0, Reduction::none, {x, Counted({}), one}), "scalar");
  CheckFails(Run(kElements, 0, Reduction::none, {x, Ints({1, 1}, {2}), one}),
             StatusCode::kInvalidArgument, "2");
}

}  // namespace
}  // namespace aneref::test
