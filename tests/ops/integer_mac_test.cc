// Integer convolutions and products: P18 with hand-worked values.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

constexpr auto kInt8 = DataType::kInt8, kUint8 = DataType::kUint8;

fbs::IntegerMacT Of(fbs::IntegerMacKind kind) {
  fbs::IntegerMacT attributes;
  attributes.kind = kind;
  return attributes;
}
const auto kConv = fbs::IntegerMacKind::conv;
const auto kMatmul = fbs::IntegerMacKind::matmul;
const auto kQConv = fbs::IntegerMacKind::qlinear_conv;
const auto kQMatmul = fbs::IntegerMacKind::qlinear_matmul;

TEST_CASE("P18: conv subtracts zero points and padding adds nothing") {
  fbs::IntegerMacT attributes = Of(kConv);
  const TestTensor x = Make(kUint8, {1, 1, 3}, {2, 3, 4});
  const TestTensor w = Make(kUint8, {1, 1, 2}, {1, 1});
  CheckOnly(RunOp(integer_mac_op, attributes, {x, w}), {1, 1, 2}, {5, 7});
  attributes.pads = {1, 0};
  CheckOnly(RunOp(integer_mac_op, attributes,
                  {x, w, Make(kUint8, {}, {1}), Make(kUint8, {1}, {3})}),
            {1, 1, 3}, {-2, -6, -10});
}

TEST_CASE("conv: groups strides and a zero point per channel") {
  fbs::IntegerMacT attributes = Of(kConv);
  attributes.groups = 2;
  attributes.strides = {2};
  CheckOnly(RunOp(integer_mac_op, attributes,
                  {Make(kInt8, {1, 2, 3}, {1, 2, 3, -4, -5, -6}),
                   Make(kInt8, {2, 1, 1}, {2, 3}), Absent(),
                   Make(kInt8, {2}, {0, 1})}),
            {1, 2, 2}, {2, 6, -8, -12});
}

TEST_CASE("P18: matmul takes zero points per row and per column") {
  const TestTensor x = Make(kUint8, {2, 2}, {1, 2, 3, 4});
  const TestTensor w = Make(kInt8, {2, 2}, {1, -1, 2, -2});
  CheckOnly(RunOp(integer_mac_op, Of(kMatmul), {x, w}), {2, 2},
            {5, -5, 11, -11});
  CheckOnly(RunOp(integer_mac_op, Of(kMatmul),
                  {x, w, Make(kUint8, {2}, {1, 3}), Make(kInt8, {2}, {1, -1})}),
            {2, 2}, {1, -1, 1, -1});
}

TEST_CASE("matmul: vectors and broadcast matrices") {
  CheckOnly(RunOp(integer_mac_op, Of(kMatmul),
                  {Make(kInt8, {2}, {1, 2}), Make(kInt8, {2}, {3, 4})}),
            {}, {11});
  CheckOnly(RunOp(integer_mac_op, Of(kMatmul),
                  {Make(kInt8, {2, 1, 2}, {1, 2, 3, 4}),
                   Make(kInt8, {2, 1}, {1, 10})}),
            {2, 1, 1}, {21, 43});
}

TEST_CASE("P18: requantising rounds half to even and saturates") {
  // factor 0.5 * 1 / 1; sums 5, 7, 300 -> 2.5, 3.5, 150 -> 2, 4, 127 (+ 1).
  CheckOnly(
      RunOp(integer_mac_op, Of(kQMatmul),
            {Make(kUint8, {3, 1}, {5, 7, 250}), Half({}, {0.5}),
             Make(kUint8, {}, {0}), Make(kUint8, {1, 1}, {1}), Half({}, {1}),
             Make(kUint8, {}, {0}), Half({}, {1}), Make(kInt8, {}, {1})}),
      {3, 1}, {3, 5, 126});
}

TEST_CASE("P18: requantised conv with bias and a scale per channel") {
  CheckOnly(
      RunOp(integer_mac_op, Of(kQConv),
            {Make(kUint8, {1, 1, 2}, {10, 20}), Half({}, {2}),
             Make(kUint8, {}, {10}), Make(kInt8, {2, 1, 1}, {1, -1}),
             Half({2}, {1, 0.5}), Make(kInt8, {}, {0}), Half({}, {4}),
             Make(kUint8, {}, {100}), Make(DataType::kInt32, {2}, {4, -1000})}),
      // (0 + 4) / 2, (10 + 4) / 2; -1000 / 4, -1010 / 4
      {1, 2, 2}, {102, 107, 0, 0});
}

TEST_CASE("integer_mac: refuses what does not fit") {
  const TestTensor x = Make(kUint8, {2, 3}, {0, 0, 0, 0, 0, 0});
  const auto fails = [&](fbs::IntegerMacKind kind,
                         const std::vector<TestTensor>& inputs,
                         const std::string& part) {
    CheckFails(RunOp(integer_mac_op, Of(kind), inputs), StatusCode::kShape,
               part);
  };
  fails(kMatmul, {x}, "input 1 is missing");
  fails(kMatmul, {x, x}, "do not fit");
  fails(kMatmul, {x, Half({3}, {0, 0, 0})}, "int8 or uint8");
  const TestTensor w = Make(kUint8, {3}, {0, 0, 0});
  fails(kMatmul, {x, w, Make(kInt8, {}, {0})}, "zero point of x");
  fails(kMatmul, {x, w, Make(kUint8, {3}, {0, 0, 0})}, "are allowed");
  fails(kMatmul, {x, w, Absent(), w}, "are allowed");
  fails(kMatmul, {x, Make(kUint8, {}, {0})}, "scalar");
  fails(kConv, {x, x}, "spatial");
  fails(kQMatmul, {x, w}, "missing");
}

}  // namespace
}  // namespace aneref::test
