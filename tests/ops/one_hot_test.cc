// One-hot: axes, indices from the back and outside, errors.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

RunResult Run(int axis, const TestTensor& indices, const TestTensor& depth) {
  fbs::OneHotT attributes;
  attributes.axis = axis;
  return RunOp(one_hot_op, attributes, {indices, depth, Half({2}, {2, 5})});
}

TEST_CASE("one_hot: last and first axis") {
  const TestTensor depth = Known(Ints({}, {3}));
  CheckOnly(Run(-1, Ints({2}, {0, 2}), depth), {2, 3}, {5, 2, 2, 2, 2, 5});
  CheckOnly(Run(0, Ints({2}, {0, 2}), depth), {3, 2}, {5, 2, 2, 2, 2, 5});
  CheckOnly(Run(-1, Ints({}, {1}), depth), {3}, {2, 5, 2});
}

TEST_CASE("one_hot: negative indices count from the back") {
  CheckOnly(Run(-1, Ints({3}, {-1, -2, -3}), Known(Ints({1}, {2}))), {3, 2},
            {2, 5, 5, 2, 2, 2});
  CheckOnly(Run(-1, Half({1}, {1}), Known(Float({}, {2}))), {1, 2}, {2, 5});
}

TEST_CASE("one_hot: refuses what does not fit") {
  const TestTensor indices = Ints({2}, {0, 2});
  CheckFails(Run(2, indices, Known(Ints({}, {3}))), StatusCode::kShape,
             "axis 2");
  CheckFails(Run(0, indices, Known(Ints({}, {-3}))), StatusCode::kShape, "-3");
  CheckFails(Run(0, indices, Ints({}, {3})), StatusCode::kUnsupported,
             "before the run");
  CheckFails(Run(0, indices, Known(Ints({2}, {3, 3}))), StatusCode::kShape,
             "depth");
}

}  // namespace
}  // namespace aneref::test
