// Resampling: hand-worked coordinates and weights of every mode, values of
// ONNX's conformance tests, the order of P16, hostile nodes.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/op_runner.h"

namespace aneref {
namespace {

using test::Absent;
using test::Float;
using test::Half;
using test::Ints;
using test::Known;
using test::Make;
using test::RunOp;
using test::RunResult;
using test::TestTensor;
using Coordinate = fbs::CoordinateMode;
using List = std::vector<double>;
using Mode = fbs::ResampleMode;
using Nearest = fbs::NearestMode;

fbs::ResampleT Attributes(Mode mode, std::vector<float> scales,
                          std::vector<int64_t> sizes = {}) {
  fbs::ResampleT attributes;
  attributes.mode = mode;
  attributes.scales = std::move(scales);
  attributes.sizes = std::move(sizes);
  return attributes;
}

List Resample(const fbs::ResampleT& attributes,
              const std::vector<TestTensor>& inputs) {
  const RunResult result = RunOp(resample_op, attributes, inputs);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].Values();
}

void CheckClose(const List& values, const List& expected) {
  REQUIRE_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i)
    CHECK(values[i] == doctest::Approx(expected[i]).epsilon(2e-6));
}

List Ramp(int count) {
  List values;
  for (int i = 1; i <= count; ++i) values.push_back(i);
  return values;
}
TestTensor Ramp4() { return Float({1, 1, 4, 4}, Ramp(16)); }

TEST_CASE("P16: the weight of a tap is rounded once and taps add row by row") {
  // Weights 0.75 and 0.25 of 1 and 2.
  CHECK_EQ(Resample(Attributes(Mode::linear, {2}), {Half({2}, {1, 2})}),
           List{1, 1.25, 1.75, 2});
  // Output (1, 1) is at (0.25, 0.25), weights 9, 3, 3, 1 / 16: 9 * 2^20 - 9 *
  // 2^20 + 0.375 + 0.125. Column by column the 0.375 would be added to 9 *
  // 2^20, whose unit is 1, and be lost.
  const List values = Resample(Attributes(Mode::linear, {2, 2}),
                               {Float({2, 2}, {0x1p24, -3 * 0x1p24, 2, 2})});
  CHECK_EQ(values[5], 0.5);
}

TEST_CASE("P16: the product of the axes' weights is made in double") {
  // A third times a third: RN32(1/9 in double) is 0x1.c71c72p-4; fl(fl(1/3) *
  // fl(1/3)) is 0x1.c71c74p-4.
  fbs::ResampleT attributes = Attributes(Mode::linear, {}, {4, 4});
  attributes.coordinate_mode = Coordinate::align_corners;
  const List values = Resample(attributes, {Float({2, 2}, {0, 0, 0, 1})});
  CHECK_EQ(values[5], 0x1.c71c72p-4);
}

TEST_CASE("resample: nearest picks by rounding mode") {
  const auto pick = [](Nearest nearest, Coordinate coordinate, float scale) {
    fbs::ResampleT attributes = Attributes(Mode::nearest, {scale});
    attributes.nearest_mode = nearest;
    attributes.coordinate_mode = coordinate;
    return Resample(attributes, {Half({4}, {1, 2, 3, 4})});
  };
  // asymmetric, 2: coordinates 0, 0.5, 1, ...
  CHECK_EQ(pick(Nearest::round_prefer_floor, Coordinate::asymmetric, 2),
           List{1, 1, 2, 2, 3, 3, 4, 4});
  CHECK_EQ(pick(Nearest::round_prefer_ceil, Coordinate::asymmetric, 2),
           List{1, 2, 2, 3, 3, 4, 4, 4});
  CHECK_EQ(pick(Nearest::floor, Coordinate::asymmetric, 2),
           List{1, 1, 2, 2, 3, 3, 4, 4});
  CHECK_EQ(pick(Nearest::ceil, Coordinate::asymmetric, 2),
           List{1, 2, 2, 3, 3, 4, 4, 4});
  // half_pixel, 2: -0.25, 0.25, 0.75, 1.25, ...
  CHECK_EQ(pick(Nearest::round_prefer_floor, Coordinate::half_pixel, 2),
           List{1, 1, 2, 2, 3, 3, 4, 4});
  CHECK_EQ(pick(Nearest::floor, Coordinate::half_pixel, 2),
           List{1, 1, 1, 2, 2, 3, 3, 4});
  CHECK_EQ(pick(Nearest::ceil, Coordinate::half_pixel, 2),
           List{1, 2, 2, 3, 3, 4, 4, 4});
  // half_pixel, 1/2: 0.5, 2.5: ties.
  CHECK_EQ(pick(Nearest::round_prefer_floor, Coordinate::half_pixel, 0.5),
           List{1, 3});
  CHECK_EQ(pick(Nearest::round_prefer_ceil, Coordinate::half_pixel, 0.5),
           List{2, 4});
  // tf_half_pixel_for_nn, 1/2: 1, 3.
  CHECK_EQ(pick(Nearest::floor, Coordinate::tf_half_pixel_for_nn, 0.5),
           List{2, 4});
  // align_corners with a length of 6: o * 3 / 5 = 0, 0.6, 1.2, 1.8, 2.4, 3.
  CHECK_EQ(pick(Nearest::round_prefer_floor, Coordinate::align_corners, 1.5),
           List{1, 2, 2, 3, 3, 4});
}

TEST_CASE("P16: nearest reaches the element that a decimal scale means") {
  fbs::ResampleT attributes = Attributes(Mode::nearest, {0.6f});
  attributes.nearest_mode = Nearest::floor;
  attributes.coordinate_mode = Coordinate::asymmetric;
  // 0, 1 / 0.6, 2 / 0.6, 3 / 0.6, ... of ten elements.
  CHECK_EQ(Resample(attributes, {Half({10}, Ramp(10))}),
           List{1, 2, 4, 6, 7, 9});
  // 1.5 / 0.6 is 2.5 in fp32, but 4.5 / 0.6 is one unit below 7.5.
  attributes.coordinate_mode = Coordinate::half_pixel;
  CHECK_EQ(Resample(attributes, {Half({10}, Ramp(10))}),
           List{1, 3, 4, 6, 7, 9});
  // Nine of three: the middles of the thirds are whole numbers.
  attributes = Attributes(Mode::nearest, {});
  attributes.nearest_mode = Nearest::floor;
  attributes.sizes = {3};
  for (const auto mode :
       {Coordinate::half_pixel, Coordinate::half_pixel_symmetric}) {
    attributes.coordinate_mode = mode;
    CHECK_EQ(Resample(attributes, {Half({9}, Ramp(9))}), List{2, 5, 8});
  }
}

TEST_CASE("resample: nearest over any axes and of any type") {
  CHECK_EQ(
      Resample(Attributes(Mode::nearest, {2, 3}), {Half({2, 2}, {1, 2, 3, 4})}),
      List{1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2,
           3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4});
  CHECK_EQ(Resample(Attributes(Mode::nearest, {2, 1, 2, 1, 1}),
                    {Half({1, 2, 1, 1, 2}, {1, 2, 3, 4})}),
           List{1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4});
  for (DataType type : {DataType::kInt8, DataType::kUint8, DataType::kInt32,
                        DataType::kInt64, DataType::kFloat64}) {
    CHECK_EQ(Resample(Attributes(Mode::nearest, {1, 2}),
                      {Make(type, {1, 2}, {5, 7})}),
             List{5, 5, 7, 7});
  }
  // Bits are kept: a NaN with a payload.
  const RunResult nan = RunOp(resample_op, Attributes(Mode::nearest, {2}),
                              {test::HalfBits({1}, {0xFE01})});
  CHECK_EQ(nan.outputs[0].Bits(), std::vector<uint16_t>{0xFE01, 0xFE01});
}

TEST_CASE("resample: linear in every coordinate mode") {
  const auto run = [](Coordinate coordinate, std::vector<float> scales,
                      std::vector<int64_t> sizes = {}) {
    fbs::ResampleT attributes =
        Attributes(Mode::linear, std::move(scales), std::move(sizes));
    attributes.coordinate_mode = coordinate;
    return Resample(attributes, {Half({4}, {0, 4, 8, 12})});
  };
  CHECK_EQ(run(Coordinate::half_pixel, {0.5}), List{2, 10});  // 0.5, 2.5
  CHECK_EQ(run(Coordinate::half_pixel, {2}), List{0, 1, 3, 5, 7, 9, 11, 12});
  CHECK_EQ(run(Coordinate::asymmetric, {2}), List{0, 2, 4, 6, 8, 10, 12, 12});
  CHECK_EQ(run(Coordinate::align_corners, {}, {7}),
           List{0, 2, 4, 6, 8, 10, 12});
  CHECK_EQ(run(Coordinate::align_corners, {}, {1}), List{0});
  CHECK_EQ(run(Coordinate::pytorch_half_pixel, {}, {1}), List{0});
  CHECK_EQ(run(Coordinate::half_pixel, {}, {1}),
           List{6});  // 0.5 * 4 - 0.5 = 1.5
  CHECK_EQ(run(Coordinate::pytorch_half_pixel, {0.5}), List{2, 10});
  // A length of 2.5 cut to 2: adjustment 0.8, offset 2 * 0.2 = 0.4: 0.4 + 0.8 -
  // 0.5 = 0.7, 2.3.
  const List symmetric = run(Coordinate::half_pixel_symmetric, {0.625});
  CHECK_EQ(symmetric, List{2.80078125, 9.203125});  // 2.8 and 9.2 in fp16
}

TEST_CASE("resample: crop and resize fills beyond the input") {
  fbs::ResampleT attributes = Attributes(Mode::linear, {}, {3});
  attributes.coordinate_mode = Coordinate::tf_crop_and_resize;
  attributes.extrapolation_value = -1;
  // From 0.5 * 2 = 1 in steps of 1 * 2 / 2: 1, 2, 3; the last is beyond.
  CHECK_EQ(Resample(attributes,
                    {Half({3}, {1, 2, 4}), Known(Float({2}, {0.5, 1.5}))}),
           List{2, 4, -1});
  attributes.mode = Mode::nearest;
  CHECK_EQ(Resample(attributes, {Make(DataType::kInt8, {3}, {1, 2, 4}),
                                 Known(Float({2}, {0.5, 1.5}))}),
           List{2, 4, -1});
  // From scales the extent of the region counts: floor(4 * 0.5 * 2) = 4; 0,
  // 0.5, 1, 1.5.
  attributes = Attributes(Mode::linear, {2});
  attributes.coordinate_mode = Coordinate::tf_crop_and_resize;
  CHECK_EQ(Resample(attributes,
                    {Half({4}, {0, 4, 8, 12}), Known(Float({2}, {0, 0.5}))}),
           List{0, 2, 4, 6});
}

TEST_CASE("resample: sizes win over scales and inputs over attributes") {
  const TestTensor x = Half({2}, {1, 2});
  CHECK_EQ(Resample(Attributes(Mode::nearest, {3}, {4}), {x}),
           List{1, 1, 2, 2});
  CHECK_EQ(Resample(Attributes(Mode::nearest, {3}),
                    {x, Absent(), Known(Float({1}, {2}))}),
           List{1, 1, 2, 2});
  CHECK_EQ(Resample(Attributes(Mode::nearest, {}),
                    {x, Known(Float({0}, {})), Known(Float({0}, {})),
                     Known(Ints({1}, {4}))}),
           List{1, 1, 2, 2});
  CHECK_EQ(
      Resample(Attributes(Mode::nearest, {}),
               {x, Absent(), Known(Float({1}, {3})), Known(Ints({1}, {4}))}),
      List{1, 1, 2, 2});
  // The size is an fp32 product: a third of nine is three.
  CHECK_EQ(
      Resample(Attributes(Mode::nearest, {1.0f / 3.0f}), {Half({9}, Ramp(9))})
          .size(),
      3);
}

TEST_CASE("resample: aspect policies scale all axes alike") {
  fbs::ResampleT attributes = Attributes(Mode::nearest, {}, {7, 8});
  attributes.axes = {2, 3};
  attributes.aspect_policy = fbs::AspectPolicy::not_larger;
  const TestTensor x = Half({1, 1, 2, 2}, {1, 2, 3, 4});
  CHECK(RunOp(resample_op, attributes, {x}).outputs[0].type.shape ==
        Shape{1, 1, 7, 7});
  attributes.aspect_policy = fbs::AspectPolicy::not_smaller;
  CHECK(RunOp(resample_op, attributes, {x}).outputs[0].type.shape ==
        Shape{1, 1, 8, 8});
  // Scale 0.75: 2 * 0.75 = 1.5 rounds up.
  attributes.sizes = {1, 3};
  CHECK_EQ(Resample(attributes, {Half({1, 1, 2, 4}, Ramp(8))}),
           List{1, 2, 4, 5, 6, 8});
}

// Values below are those of ONNX's conformance tests of the same names.
TEST_CASE("resample: cubic agrees with ONNX") {
  CheckClose(Resample(Attributes(Mode::cubic, {1, 1, 0.8f, 0.8f}), {Ramp4()}),
             {1.4711914, 2.78125, 4.0825195, 6.7114258, 8.0214844, 9.3227539,
              11.916504, 13.226562, 14.527832});
  CheckClose(Resample(Attributes(Mode::cubic, {}, {1, 1, 3, 3}), {Ramp4()}),
             {1.630787, 3.0046296, 4.3784723, 7.1261573, 8.5, 9.8738422,
              12.621528, 13.99537, 15.369213});
  fbs::ResampleT attributes = Attributes(Mode::cubic, {1, 1, 0.8f, 0.8f});
  attributes.coordinate_mode = Coordinate::align_corners;
  CheckClose(Resample(attributes, {Ramp4()}),
             {1.0, 2.3951917, 3.7903831, 6.5807662, 7.9759579, 9.3711491,
              12.161532, 13.556724, 14.951916});
  attributes = Attributes(Mode::cubic, {1, 1, 2, 2});
  attributes.exclude_outside = true;
  attributes.cubic_coefficient = -0.5;
  const List values = Resample(attributes, {Ramp4()});
  CheckClose({values.begin(), values.begin() + 16},
             {0.55882353, 0.81494206, 1.3569825, 1.8970588, 2.3970587,
              2.9371352, 3.4791756, 3.7352941, 1.5832976, 1.839416, 2.3814566,
              2.9215329, 3.4215329, 3.9616091, 4.5036497, 4.759768});
  const List larger =
      Resample(Attributes(Mode::cubic, {}, {1, 1, 9, 10}), {Ramp4()});
  CheckClose({larger.begin(), larger.begin() + 10},
             {0.45507923, 0.64057922, 0.97157919, 1.4225792, 1.9073292,
              2.2233293, 2.7080791, 3.1590793, 3.4900792, 3.6755793});
}

TEST_CASE("resample: antialiasing and crops agree with ONNX") {
  fbs::ResampleT attributes = Attributes(Mode::cubic, {1, 1, 0.6f, 0.6f});
  attributes.antialias = true;
  CheckClose(Resample(attributes, {Ramp4()}),
             {2.5180721, 4.2858863, 9.5893288, 11.357142});
  attributes.mode = Mode::linear;
  CheckClose(Resample(attributes, {Ramp4()}), {2.875, 4.5, 9.375, 11.0});
  // Magnifying, antialiasing changes nothing.
  attributes.scales = {1, 1, 2, 2};
  CheckClose(Resample(attributes, {Float({1, 1, 2, 2}, {1, 2, 3, 4})}),
             {1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3,
              3.25, 3.75, 4});
  attributes = Attributes(Mode::linear, {}, {3, 3});
  attributes.coordinate_mode = Coordinate::tf_crop_and_resize;
  attributes.axes = {3, 2};
  CheckClose(Resample(attributes,
                      {Ramp4(), Known(Float({4}, {0.6f, 0.4f, 0.8f, 0.6f}))}),
             {7.6, 7.9, 8.2, 8.8, 9.1, 9.4, 10.0, 10.3, 10.6});
  attributes = Attributes(Mode::linear, {}, {1, 1, 3, 1});
  attributes.coordinate_mode = Coordinate::pytorch_half_pixel;
  CheckClose(Resample(attributes, {Ramp4()}), {1.6666666, 7.0, 12.333333});
}

TEST_CASE("resample: nearest agrees with ONNX") {
  const TestTensor x = Float({1, 1, 4, 4}, Ramp(16));
  fbs::ResampleT attributes = Attributes(Mode::nearest, {}, {1, 1, 8, 8});
  attributes.coordinate_mode = Coordinate::align_corners;
  attributes.nearest_mode = Nearest::floor;
  List values = Resample(attributes, {x});
  CHECK_EQ(List(values.begin() + 16, values.begin() + 32),
           List{1, 1, 1, 2, 2, 3, 3, 4, 5, 5, 5, 6, 6, 7, 7, 8});
  attributes.coordinate_mode = Coordinate::asymmetric;
  attributes.nearest_mode = Nearest::round_prefer_ceil;
  values = Resample(attributes, {x});
  CHECK_EQ(List(values.begin(), values.begin() + 16),
           List{1, 2, 2, 3, 3, 4, 4, 4, 5, 6, 6, 7, 7, 8, 8, 8});
  CHECK_EQ(Resample(Attributes(Mode::nearest, {}, {1, 1, 1, 3}),
                    {Float({1, 1, 2, 4}, Ramp(8))}),
           List{1, 2, 4});
}

TEST_CASE("resample: integers interpolate and truncate") {
  CHECK_EQ(Resample(Attributes(Mode::linear, {2}),
                    {Make(DataType::kUint8, {2}, {10, 13})}),
           List{10, 10, 12, 13});
  CHECK_EQ(Resample(Attributes(Mode::linear, {2}),
                    {Make(DataType::kInt8, {2}, {-10, -13})}),
           List{-10, -10, -12, -13});
}

TEST_CASE("P16: ragged widths and ranks agree on all rungs") {
  uint32_t seed = 1;
  for (int64_t width : {1, 7, 15, 16, 17, 33, 65}) {
    for (DataType type : {DataType::kFloat16, DataType::kFloat32}) {
      const TestTensor x =
          test::Random(type, {2, 3, 5, width}, ++seed, width == 17);
      for (Mode mode : {Mode::nearest, Mode::linear, Mode::cubic}) {
        for (float scale : {0.4f, 1.5f, 2.0f, 3.3f}) {
          fbs::ResampleT attributes =
              Attributes(mode, {1, 1, scale, scale + 0.7f});
          CHECK(RunOp(resample_op, attributes, {x}).status.ok());
          attributes.scales = {1, 1, 1, scale + 0.7f};
          attributes.antialias = mode != Mode::nearest;
          CHECK(RunOp(resample_op, attributes, {x}).status.ok());
        }
      }
      CHECK(RunOp(resample_op, Attributes(Mode::linear, {2, 1, 2, 2}), {x})
                .status.ok());
      CHECK(RunOp(resample_op, Attributes(Mode::linear, {2, 1, 1, 1}), {x})
                .status.ok());
      CHECK(RunOp(resample_op, Attributes(Mode::cubic, {3}),
                  {test::Random(type, {width}, ++seed)})
                .status.ok());
    }
  }
  const TestTensor large = test::Random(DataType::kFloat16, {1, 2, 60, 70}, 3);
  fbs::ResampleT attributes = Attributes(Mode::linear, {}, {1, 2, 20, 23});
  attributes.antialias = true;
  CHECK(RunOp(resample_op, attributes, {large}).status.ok());
  CHECK(RunOp(resample_op, Attributes(Mode::linear, {1, 1, 2, 2}), {large})
            .status.ok());
}

TEST_CASE("resample: dimensions of size zero and scalars") {
  CHECK_EQ(Resample(Attributes(Mode::linear, {1, 2}), {Half({0, 3}, {})}),
           List{});
  CHECK_EQ(Resample(Attributes(Mode::nearest, {}, {0, 3}),
                    {Half({2, 3}, {1, 2, 3, 4, 5, 6})}),
           List{});
  CHECK_EQ(Resample(Attributes(Mode::nearest, {}), {Half({}, {7})}), List{7});
  CHECK_EQ(Resample(Attributes(Mode::linear, {}), {Half({}, {7})}), List{7});
}

TEST_CASE("resample: refuses what makes no sense") {
  const TestTensor x = Half({2, 2}, {1, 2, 3, 4});
  const auto code = [](const fbs::ResampleT& attributes,
                       const std::vector<TestTensor>& inputs) {
    return RunOp(resample_op, attributes, inputs).status.code();
  };
  CHECK(code(Attributes(Mode::linear, {}), {x}) == StatusCode::kShape);
  CHECK(code(Attributes(Mode::linear, {2}), {x}) == StatusCode::kShape);
  CHECK(code(Attributes(Mode::linear, {2, 0}), {x}) == StatusCode::kShape);
  CHECK(code(Attributes(Mode::linear, {2, -1}), {x}) == StatusCode::kShape);
  CHECK(code(Attributes(Mode::linear, {2, NAN}), {x}) == StatusCode::kShape);
  CHECK(code(Attributes(Mode::linear, {2, HUGE_VALF}), {x}) ==
        StatusCode::kShape);
  CHECK(code(Attributes(Mode::linear, {1, 1e30f}), {x}) == StatusCode::kLimit);
  CHECK(code(Attributes(Mode::linear, {}, {1000000, 10000000}), {x}) ==
        StatusCode::kLimit);
  CHECK(code(Attributes(Mode::nearest, {}, {1, 1099511627776}), {x}) ==
        StatusCode::kLimit);
  CHECK(code(Attributes(Mode::linear, {}, {-1, 2}), {x}) == StatusCode::kShape);
  CHECK(code(Attributes(Mode::linear, {}, {1, 2, 3}), {x}) ==
        StatusCode::kShape);
  CHECK(code(Attributes(Mode::linear, {}, {1, 2}), {Half({0, 2}, {})}) ==
        StatusCode::kShape);
  CHECK(code(Attributes(Mode::linear, {1, 1}),
             {x, Absent(), Float({2}, {1, 1})}) == StatusCode::kUnsupported);
  CHECK(code(Attributes(Mode::linear, {1, 1}),
             {Make(DataType::kBool, {2, 2}, {0, 1, 0, 1})}) ==
        StatusCode::kUnsupported);
  CHECK(code(Attributes(static_cast<Mode>(77), {1, 1}), {x}) ==
        StatusCode::kUnsupported);
  fbs::ResampleT attributes = Attributes(Mode::linear, {2, 2});
  attributes.axes = {0, 0};
  CHECK(code(attributes, {x}) == StatusCode::kShape);
  attributes.axes = {0, 2};
  CHECK(code(attributes, {x}) == StatusCode::kShape);
  attributes.axes = {0};
  CHECK(code(attributes, {x}) == StatusCode::kShape);
  attributes.axes = {};
  attributes.coordinate_mode = Coordinate::tf_crop_and_resize;
  CHECK(code(attributes, {x}) == StatusCode::kShape);
  CHECK(code(attributes, {x, Known(Float({3}, {0, 0, 1}))}) ==
        StatusCode::kShape);
  CHECK(code(attributes, {x, Known(Float({4}, {0, 0, 1, NAN}))}) ==
        StatusCode::kShape);
  // A huge region with a tiny scale would need a kernel of 10^30 taps.
  attributes.scales = {1e-30f, 1};
  attributes.antialias = true;
  CHECK(code(attributes, {x, Known(Float({4}, {0, 0, 1e30, 1}))}) ==
        StatusCode::kLimit);
}

}  // namespace
}  // namespace aneref
