// Fill, range, shape, size, eye_like.
#include <cmath>
#include <cstring>

#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

RunResult Fill(const TestTensor& shape, fbs::DataType dtype, double value,
               int64_t int_value = 0) {
  fbs::GenerateT attributes;
  attributes.dtype = dtype;
  attributes.value = value;
  attributes.int_value = int_value;
  return RunOp(generate_op, attributes, {shape});
}

RunResult Range(const TestTensor& start, const TestTensor& limit,
                const TestTensor& delta) {
  fbs::GenerateT attributes;
  attributes.kind = fbs::GenerateKind::range;
  return RunOp(generate_op, attributes,
               {Known(start), Known(limit), Known(delta)});
}
RunResult Range(DataType type, double start, double limit, double delta) {
  return Range(Make(type, {}, {start}), Make(type, {1}, {limit}),
               Make(type, {}, {delta}));
}
TestTensor Exactly(int64_t value) {
  TestTensor tensor = Ints({}, {0});
  std::memcpy(tensor.bytes.data(), &value, sizeof(value));
  return tensor;
}

RunResult ShapeOf(const TestTensor& x, int64_t start = 0,
                  int64_t end = INT64_MAX) {
  fbs::GenerateT attributes;
  attributes.kind = fbs::GenerateKind::shape;
  attributes.start = start;
  attributes.end = end;
  return RunOp(generate_op, attributes, {x});
}

RunResult Eye(const TestTensor& x, int64_t diagonal, fbs::DataType dtype) {
  fbs::GenerateT attributes;
  attributes.kind = fbs::GenerateKind::eye_like;
  attributes.dtype = dtype;
  attributes.diagonal = diagonal;
  return RunOp(generate_op, attributes, {x});
}

TEST_CASE("generate: fill rounds real values and wraps integers") {
  const TestTensor shape = Known(Ints({2}, {1, 3}));
  const RunResult half = Fill(shape, fbs::DataType::float16, 0.1);
  REQUIRE(half.status.ok());
  CHECK_EQ(half.outputs[0].Bits(),
           std::vector<uint16_t>{0x2E66, 0x2E66, 0x2E66});
  CheckOnly(Fill(shape, fbs::DataType::int64, 9, -5), {1, 3}, {-5, -5, -5});
  CheckOnly(Fill(shape, fbs::DataType::uint8, 9, 257), {1, 3}, {1, 1, 1});
  CheckOnly(Fill(shape, fbs::DataType::boolean, 0, 2), {1, 3}, {1, 1, 1});
  CheckOnly(Fill(shape, fbs::DataType::float64, -0.5), {1, 3},
            {-0.5, -0.5, -0.5});
}

TEST_CASE("generate: fill of an empty shape is a scalar") {
  CheckOnly(Fill(Known(Ints({0}, {})), fbs::DataType::float32, 4), {}, {4});
  CheckOnly(Fill(Known(Ints({2}, {2, 0})), fbs::DataType::float32, 4), {2, 0},
            {});
}

TEST_CASE("generate: fill refuses hostile shapes") {
  const auto kFloat = fbs::DataType::float32;
  CheckFails(Fill(Known(Ints({1}, {-1})), kFloat, 0), StatusCode::kShape,
             "negative");
  CheckFails(Fill(Known(Ints({2}, {1e9, 1e9})), kFloat, 0), StatusCode::kLimit,
             "2^40");
  CheckFails(Fill(Ints({1}, {1}), kFloat, 0), StatusCode::kUnsupported,
             "input 0");
  CheckFails(Fill(Known(Float({1}, {1})), kFloat, 0), StatusCode::kShape,
             "vector of integers");
  CheckFails(Fill(Known(Ints({1}, {1})), static_cast<fbs::DataType>(99), 0),
             StatusCode::kUnsupported, "unknown data type");
}

TEST_CASE("generate: range of integers") {
  CheckOnly(Range(DataType::kInt32, 1, 7, 2), {3}, {1, 3, 5});
  CheckOnly(Range(DataType::kInt32, 1, 8, 2), {4}, {1, 3, 5, 7});
  CheckOnly(Range(DataType::kInt64, 5, 0, -2), {3}, {5, 3, 1});
  CheckOnly(Range(DataType::kInt64, 0, 5, -1), {0}, {});
  CheckOnly(Range(DataType::kInt64, 5, 5, 1), {0}, {});
  CheckOnly(Range(DataType::kUint8, 250, 255, 2), {3}, {250, 252, 254});
}

TEST_CASE("generate: range at the ends of int64") {
  const RunResult up =
      Range(Exactly(INT64_MIN), Exactly(INT64_MAX), Exactly(INT64_MAX));
  REQUIRE(up.status.ok());
  // -2^63, -1, 2^63 - 2
  CHECK_EQ(up.outputs[0].type.shape[0], 3);
  CHECK_EQ(up.outputs[0].Values()[1], -1);
  const RunResult down =
      Range(Exactly(INT64_MAX), Exactly(INT64_MIN), Exactly(INT64_MIN));
  REQUIRE(down.status.ok());
  CHECK_EQ(down.outputs[0].type.shape[0], 2);
  CHECK_EQ(down.outputs[0].Values()[1], -1);
  CheckFails(Range(Exactly(INT64_MIN), Exactly(INT64_MAX), Exactly(1)),
             StatusCode::kLimit, "2^40");
}

TEST_CASE("generate: range of floats counts by ceil and rounds each element") {
  CheckOnly(Range(DataType::kFloat32, 1, 2, 0.5), {2}, {1, 1.5});
  CheckOnly(Range(DataType::kFloat64, 0, 1, 0.3), {4}, {0, 0.3, 0.6, 0.3 * 3});
  CheckOnly(Range(DataType::kFloat16, 2048, 2052, 1), {4},
            {2048, 2048, 2050, 2052});
  CheckOnly(Range(DataType::kFloat32, 0, -2, -1), {2}, {0, -1});
  CheckOnly(Range(DataType::kFloat32, 3, 1, 1), {0}, {});
}

TEST_CASE("generate: range refuses endless and unknown ones") {
  CheckFails(Range(DataType::kInt32, 0, 1, 0), StatusCode::kShape, "is 0");
  CheckFails(Range(DataType::kFloat32, 0, 1, 0), StatusCode::kShape, "not 0");
  CheckFails(Range(DataType::kFloat32, 0, 0, 0), StatusCode::kShape, "not 0");
  CheckFails(Range(DataType::kFloat32, 0, HUGE_VAL, 1), StatusCode::kLimit,
             "2^40");
  CheckFails(Range(DataType::kFloat32, NAN, 1, 1), StatusCode::kShape,
             "finite");
  CheckFails(Range(DataType::kBool, 0, 1, 1), StatusCode::kShape,
             "three numbers");
  CheckFails(Range(Ints({2}, {0, 1}), Ints({}, {1}), Ints({}, {1})),
             StatusCode::kShape, "three numbers");
  CheckFails(Range(Ints({}, {0}), Float({}, {1}), Ints({}, {1})),
             StatusCode::kShape, "three numbers");
  fbs::GenerateT attributes;
  attributes.kind = fbs::GenerateKind::range;
  CheckFails(RunOp(generate_op, attributes,
                   {Ints({}, {0}), Known(Ints({}, {1})), Known(Ints({}, {1}))}),
             StatusCode::kUnsupported, "decides a shape");
}

TEST_CASE("generate: shape clamps its axes") {
  const TestTensor x = Counted({2, 3, 4});
  CheckOnly(ShapeOf(x), {3}, {2, 3, 4});
  CheckOnly(ShapeOf(x, 1), {2}, {3, 4});
  CheckOnly(ShapeOf(x, -1), {1}, {4});
  CheckOnly(ShapeOf(x, 0, -1), {2}, {2, 3});
  CheckOnly(ShapeOf(x, -9, 9), {3}, {2, 3, 4});
  CheckOnly(ShapeOf(x, 2, 1), {0}, {});
  CheckOnly(ShapeOf(x, INT64_MIN, INT64_MAX), {3}, {2, 3, 4});
  CheckOnly(ShapeOf(Counted({})), {0}, {});
}

TEST_CASE("generate: size counts elements") {
  fbs::GenerateT attributes;
  attributes.kind = fbs::GenerateKind::size;
  CheckOnly(RunOp(generate_op, attributes, {Counted({2, 3})}), {}, {6});
  CheckOnly(RunOp(generate_op, attributes, {Counted({2, 0})}), {}, {0});
  CheckOnly(RunOp(generate_op, attributes, {Counted({})}), {}, {1});
}

TEST_CASE("generate: eye_like sets one diagonal") {
  const TestTensor x = Counted({2, 3});
  CheckOnly(Eye(x, 0, fbs::DataType::float16), {2, 3}, {1, 0, 0, 0, 1, 0});
  CheckOnly(Eye(x, 1, fbs::DataType::int32), {2, 3}, {0, 1, 0, 0, 0, 1});
  CheckOnly(Eye(x, -1, fbs::DataType::boolean), {2, 3}, {0, 0, 0, 1, 0, 0});
  CheckOnly(Eye(x, INT64_MIN, fbs::DataType::float64), {2, 3},
            {0, 0, 0, 0, 0, 0});
  CheckFails(Eye(Counted({2}), 0, fbs::DataType::float16), StatusCode::kShape,
             "rank 2");
  fbs::GenerateT attributes;
  attributes.kind = static_cast<fbs::GenerateKind>(77);
  CheckFails(RunOp(generate_op, attributes, {x}), StatusCode::kUnsupported,
             "unknown kind");
}

}  // namespace
}  // namespace aneref::test
