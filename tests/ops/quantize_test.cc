// Quantise, dequantise, dynamic quantisation: P18 with hand-worked values.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

constexpr auto kInt8 = DataType::kInt8, kUint8 = DataType::kUint8;

fbs::QuantizeT To(DataType type) {
  fbs::QuantizeT attributes;
  attributes.to = static_cast<fbs::DataType>(type);
  return attributes;
}
fbs::QuantizeT Dequantize() {
  fbs::QuantizeT attributes;
  attributes.kind = fbs::QuantizeKind::dequantize;
  return attributes;
}

TEST_CASE("P18: quantize rounds half to even and saturates") {
  const TestTensor x = Half({7}, {0.5, 1.5, 2.5, -0.5, -1.5, 1000, -1000});
  CheckOnly(
      RunOp(quantize_op, To(kUint8), {x, Half({}, {1}), Make(kUint8, {}, {1})}),
      {7}, {1, 3, 3, 1, 0, 255, 0});
  CheckOnly(RunOp(quantize_op, To(kInt8),
                  {x, Half({1}, {0.5}), Make(kInt8, {1}, {-1})}),
            {7}, {0, 2, 4, -2, -4, 127, -128});
  CheckOnly(RunOp(quantize_op, To(kUint8), {x, Float({}, {1})}), {7},
            {0, 2, 2, 0, 0, 255, 0});
}

TEST_CASE("P18: infinities saturate and NaN counts as 0") {
  CheckOnly(RunOp(quantize_op, To(kInt8),
                  {HalfBits({3}, {0x7C00, 0xFC00, 0x7E00}), Half({}, {1}),
                   Make(kInt8, {}, {5})}),
            {3}, {127, -128, 5});
}

TEST_CASE("P18: 2 and 4 bits saturate to their own range") {
  fbs::QuantizeT attributes = To(kInt8);
  attributes.bits = 4;
  const TestTensor x = Half({4}, {-20, -3, 6, 20});
  CheckOnly(RunOp(quantize_op, attributes, {x, Half({}, {1})}), {4},
            {-8, -3, 6, 7});
  attributes = To(kUint8);
  attributes.bits = 4;
  CheckOnly(RunOp(quantize_op, attributes, {x, Half({}, {1})}), {4},
            {0, 0, 6, 15});
  attributes.bits = 2;
  CheckOnly(RunOp(quantize_op, attributes, {x, Half({}, {1})}), {4},
            {0, 0, 3, 3});
}

TEST_CASE("P18: a known scale keeps the precision of the file") {
  // fp32 0.1 is above a tenth: 2.5 / 0.1 stays below 25. As fp16 it would be
  // 0.09997559, and 2.5 would give 25.006; both round to 25. 409.5 tells them
  // apart: 4095 against 4096.
  TestTensor scale = Float({}, {0.1});
  CheckOnly(RunOp(quantize_op, To(DataType::kInt16),
                  {Half({1}, {409.5}), Known(scale)}),
            {1}, {4095});
  CheckOnly(RunOp(quantize_op, To(DataType::kInt16),
                  {Half({1}, {409.5}), Half({}, {0.1})}),
            {1}, {4096});
}

TEST_CASE("quantize: scales along an axis and in blocks") {
  fbs::QuantizeT attributes = To(kUint8);
  attributes.axis = -2;
  const TestTensor x = Half({2, 3}, {4, 8, 12, 4, 8, 12});
  CheckOnly(RunOp(quantize_op, attributes,
                  {x, Half({2}, {1, 4}), Make(kUint8, {2}, {0, 10})}),
            {2, 3}, {4, 8, 12, 11, 12, 13});
  attributes.axis = 1;
  attributes.block_size = 2;
  CheckOnly(RunOp(quantize_op, attributes, {x, Half({2, 2}, {1, 2, 4, 0.5})}),
            {2, 3}, {4, 8, 6, 1, 2, 24});
  attributes.axis = 0;
  CheckOnly(RunOp(quantize_op, attributes, {x, Half({1, 3}, {1, 2, 4})}),
            {2, 3}, {4, 4, 3, 4, 4, 3});
}

TEST_CASE("P18: dequantize subtracts exactly and rounds once") {
  CheckOnly(RunOp(quantize_op, Dequantize(),
                  {Make(kInt8, {2}, {-100, 100}), Half({}, {2}),
                   Make(kInt8, {}, {28})}),
            {2}, {-256, 144});
  CheckOnly(RunOp(quantize_op, Dequantize(),
                  {Make(DataType::kUint16, {2}, {65535, 0}), Float({}, {1}),
                   Make(DataType::kUint16, {}, {32767})}),
            {2}, {32768, -32767});
  // 4097 is a tie in fp16, to the even 4096.
  CheckOnly(RunOp(quantize_op, Dequantize(),
                  {Make(DataType::kInt32, {1}, {4098}), Half({}, {1})}),
            {1}, {4096});
}

TEST_CASE("dequantize: the result has the type that is asked for") {
  fbs::QuantizeT attributes = Dequantize();
  const std::vector<TestTensor> inputs = {Make(kInt8, {1}, {3}), Half({}, {2})};
  CHECK_EQ(static_cast<int>(
               RunOp(quantize_op, attributes, inputs).outputs[0].type.dtype),
           static_cast<int>(DataType::kFloat16));
  attributes.to = fbs::DataType::float32;
  CHECK_EQ(static_cast<int>(
               RunOp(quantize_op, attributes, inputs).outputs[0].type.dtype),
           static_cast<int>(DataType::kFloat32));
}

TEST_CASE("P18: dynamic quantisation widens the range to 0") {
  fbs::QuantizeT attributes;
  attributes.kind = fbs::QuantizeKind::dynamic;
  // Range -55 to 200: scale 1, zero 55.
  RunResult result =
      RunOp(quantize_op, attributes, {Half({3}, {-55, 0, 200})}, 3);
  CheckOutput(result, 0, {3}, {0, 55, 255});
  CheckOutput(result, 1, {}, {1});
  CheckOutput(result, 2, {}, {55});
  // Range 0 to 510.
  result = RunOp(quantize_op, attributes, {Half({2}, {5, 510})}, 3);
  CheckOutput(result, 0, {2}, {2, 255});
  CheckOutput(result, 1, {}, {2});
  CheckOutput(result, 2, {}, {0});
  result = RunOp(quantize_op, attributes, {Half({2}, {0, 0})}, 3);
  CheckOutput(result, 0, {2}, {0, 0});
  CheckOutput(result, 1, {}, {1});
}

TEST_CASE("quantize: refuses what does not fit") {
  const TestTensor x = Half({2, 3}, {0, 0, 0, 0, 0, 0}), one = Half({}, {1});
  const auto fails = [&](const fbs::QuantizeT& attributes,
                         const std::vector<TestTensor>& inputs,
                         const std::string& part) {
    CheckFails(RunOp(quantize_op, attributes, inputs), StatusCode::kShape,
               part);
  };
  fails(To(kUint8), {x}, "input 1 is missing");
  fails(To(kUint8), {x, Half({2}, {1, 1})}, "do not fit axis 1");
  fails(To(kUint8), {x, one, Make(kInt8, {}, {0})}, "zero point");
  fails(To(DataType::kInt32), {x, one}, "int32");
  fails(To(kUint8), {x, Ints({}, {1})}, "scale");
  fails(Dequantize(), {x, one}, "x is");
  fbs::QuantizeT attributes = To(DataType::kInt16);
  attributes.bits = 4;
  fails(attributes, {x, one}, "4 bits");
  attributes = To(kUint8);
  attributes.block_size = -1;
  fails(attributes, {x, one}, "negative");
  attributes.block_size = 2;
  fails(attributes, {x, one}, "blocks of 2");
  attributes.axis = 2;
  fails(attributes, {x, one}, "axis 2");
}

}  // namespace
}  // namespace aneref::test
