// Pad: every fill, crops, values of every origin, frames far larger than the
// tensor.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

fbs::PadT Attributes(fbs::PadFill fill, std::vector<int64_t> pads,
                     float value = 0, std::vector<int32_t> axes = {}) {
  fbs::PadT attributes;
  attributes.fill = fill;
  attributes.pads = std::move(pads);
  attributes.value = value;
  attributes.axes = std::move(axes);
  return attributes;
}
constexpr auto kConstant = fbs::PadFill::constant;
constexpr auto kReflect = fbs::PadFill::reflect;
constexpr auto kEdge = fbs::PadFill::edge;
constexpr auto kWrap = fbs::PadFill::wrap;

RunResult Pad(const TestTensor& x, const fbs::PadT& attributes) {
  return RunOp(pad_op, attributes, {x});
}

TEST_CASE("pad: a frame of zeros and of a value") {
  for (DataType type : kOneTypePerSize) {
    CheckOnly(
        Pad(Make(type, {1, 2}, {1, 2}), Attributes(kConstant, {1, 0, 0, 1})),
        {2, 3}, {0, 0, 0, 1, 2, 0});
    CheckOnly(Pad(Make(type, {2}, {1, 2}), Attributes(kConstant, {1, 2}, 7)),
              {5}, {7, 1, 2, 7, 7});
  }
}

TEST_CASE("pad: the value attribute rounds to nearest even in float16") {
  // 1 + 2^-11 is half way between 3C00 and 3C01; 1e6 saturates (P12).
  CHECK_EQ(Pad(HalfBits({1}, {0x1234}),
               Attributes(kConstant, {1, 0}, 1.00048828125F))
               .outputs[0]
               .Bits(),
           std::vector<uint16_t>{0x3C00, 0x1234});
  CHECK_EQ(Pad(HalfBits({1}, {0x1234}), Attributes(kConstant, {0, 1}, 1e6F))
               .outputs[0]
               .Bits(),
           std::vector<uint16_t>{0x1234, 0x7BFF});
}

TEST_CASE("pad: the value may be known or computed and keeps its bits") {
  const fbs::PadT attributes = Attributes(kConstant, {1, 0}, 5);
  for (const bool known : {false, true}) {
    TestTensor value = HalfBits({1}, {0xFE01});
    value.known = known;
    const RunResult result =
        RunOp(pad_op, attributes, {Half({1}, {1}), Absent(), value});
    REQUIRE(result.status.ok());
    CHECK_EQ(result.outputs[0].Bits(), std::vector<uint16_t>{0xFE01, 0x3C00});
  }
  CheckOnly(RunOp(pad_op, attributes,
                  {Counted({1}), Absent(), Make(DataType::kInt32, {}, {-9})}),
            {2}, {-9, 0});
}

TEST_CASE("pad: inputs pads and axes win over the attributes") {
  CheckOnly(RunOp(pad_op, Attributes(kConstant, {9, 9, 9, 9}),
                  {Counted({1, 2}), Known(Ints({2}, {0, 1})), Absent(),
                   Known(Ints({1}, {-1}))}),
            {1, 3}, {0, 1, 0});
}

TEST_CASE("pad: reflect does not repeat the edge") {
  for (DataType type : kOneTypePerSize) {
    CheckOnly(Pad(Counted(type, {4}), Attributes(kReflect, {2, 3})), {9},
              {2, 1, 0, 1, 2, 3, 2, 1, 0});
  }
  CheckOnly(Pad(Counted({2, 2}), Attributes(kReflect, {1, 1, 0, 0})), {3, 3},
            {3, 2, 3, 1, 0, 1, 3, 2, 3});
}

TEST_CASE("pad: reflect turns again at the other end") {
  CheckOnly(Pad(Counted({3}), Attributes(kReflect, {5, 4})), {12},
            {1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2});
  CheckOnly(Pad(Counted({1}), Attributes(kReflect, {2, 1})), {4}, {0, 0, 0, 0});
}

TEST_CASE("pad: edge repeats the outermost elements") {
  CheckOnly(Pad(Counted({3}), Attributes(kEdge, {2, 1})), {6},
            {0, 0, 0, 1, 2, 2});
  CheckOnly(Pad(Counted({2, 1}), Attributes(kEdge, {0, 1, 1, 0})), {3, 2},
            {0, 0, 1, 1, 1, 1});
}

TEST_CASE("pad: wrap continues at the other end") {
  CheckOnly(Pad(Counted({3}), Attributes(kWrap, {2, 4})), {9},
            {1, 2, 0, 1, 2, 0, 1, 2, 0});
}

TEST_CASE("pad: frames of hundreds of turns") {
  // Element o of the result is element (o - 300) mod 2 of the input.
  const RunResult wrap = Pad(Counted({2}), Attributes(kWrap, {300, 1}));
  REQUIRE(wrap.status.ok());
  CHECK_EQ(wrap.outputs[0].Values()[0], 0);
  CHECK_EQ(wrap.outputs[0].Values()[299], 1);
  CHECK_EQ(wrap.outputs[0].Values()[302], 0);
  CHECK(Pad(Counted({3, 2, 2}), Attributes(kReflect, {40, 20, 20, 40, 20, 20}))
            .status.ok());
}

TEST_CASE("pad: negative pads crop before the rest is padded") {
  CheckOnly(Pad(Counted({5}), Attributes(kConstant, {-1, -2})), {2}, {1, 2});
  CheckOnly(Pad(Counted({5}), Attributes(kConstant, {-4, 2}, 9)), {3},
            {4, 9, 9});
  // Cropped to 2 3 4, then reflected there.
  CheckOnly(Pad(Counted({5}), Attributes(kReflect, {-2, 2})), {5},
            {2, 3, 4, 3, 2});
  CheckOnly(Pad(Counted({2}), Attributes(kConstant, {-2, 1}, 3)), {1}, {3});
}

TEST_CASE("pad: named axes only") {
  CheckOnly(Pad(Counted({1, 2}), Attributes(kConstant, {1, 0}, 8, {-2})),
            {2, 2}, {8, 8, 0, 1});
}

TEST_CASE("pad: empty tensors and scalars") {
  CheckOnly(Pad(Counted({0}), Attributes(kConstant, {1, 1}, 4)), {2}, {4, 4});
  CheckOnly(Pad(Counted({0, 2}), Attributes(kConstant, {0, 1, 0, 0})), {0, 3},
            {});
  CheckOnly(Pad(Counted({}), Attributes(kConstant, {})), {}, {0});
  CheckFails(Pad(Counted({0}), Attributes(kEdge, {1, 0})), StatusCode::kShape,
             "no element");
}

TEST_CASE("pad: rank 5 and maps with ragged rows") {
  CheckOnly(Pad(Counted({1, 1, 1, 1, 1}),
                Attributes(kConstant, {0, 0, 1, 0, 1, 0, 0, 0, 0, 0}, 6)),
            {1, 1, 2, 1, 2}, {6, 6, 6, 0});
  for (auto fill : {kConstant, kReflect, kEdge, kWrap}) {
    CHECK(Pad(Random(DataType::kFloat16, {2, 3, 13, 35}, 9),
              Attributes(fill, {0, 0, 3, 3, 0, 0, 4, 2}, 1))
              .status.ok());
  }
}

TEST_CASE("pad: what does not fit is refused") {
  const TestTensor x = Counted({2, 2});
  CheckFails(Pad(x, Attributes(kConstant, {1, 1})), StatusCode::kShape,
             "2 pads for 2 axes");
  CheckFails(Pad(x, Attributes(kConstant, {-2, 0, -1, 0})), StatusCode::kShape,
             "crop more");
  CheckFails(Pad(x, Attributes(kConstant, {INT64_MAX, 0, INT64_MAX, 0})),
             StatusCode::kLimit, "2^40");
  CheckFails(Pad(x, Attributes(kConstant, {INT64_MIN, 0, INT64_MAX, 0})),
             StatusCode::kLimit, "2^40");
  CheckFails(
      Pad(x, Attributes(kConstant, {int64_t{1} << 30, int64_t{1} << 30, 0, 0})),
      StatusCode::kLimit, "2^40");
  CheckFails(Pad(x, Attributes(kConstant, {0, 0, 0, 0}, 0, {0, 0})),
             StatusCode::kShape, "twice");
  CheckFails(Pad(x, Attributes(static_cast<fbs::PadFill>(9), {0, 0, 0, 0})),
             StatusCode::kUnsupported, "unknown kind");
  CheckFails(RunOp(pad_op, Attributes(kConstant, {0, 0, 0, 0}),
                   {x, Absent(), Half({1}, {1})}),
             StatusCode::kShape, "one element of int32");
  CheckFails(RunOp(pad_op, fbs::PadT(), {x, Ints({4}, {0, 0, 0, 0})}),
             StatusCode::kUnsupported, "input 1");
}

}  // namespace
}  // namespace aneref::test
