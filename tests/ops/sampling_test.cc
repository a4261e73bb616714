// Sampling: hand-worked results of every kind, its attributes and defaults, and
// hostile nodes.
#include <cmath>
#include <limits>

#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

using Kind = fbs::SamplingKind;
using Border = fbs::BorderMode;
using Mode = fbs::ResampleMode;

fbs::SamplingT Sampling(Kind kind) {
  fbs::SamplingT attributes;
  attributes.kind = kind;
  return attributes;
}

RunResult Run(const fbs::SamplingT& attributes,
              const std::vector<TestTensor>& inputs) {
  return RunOp(sampling_op, attributes, inputs);
}

// ---- grid_sample ----

TestTensor Square() { return Float({1, 1, 2, 2}, {1, 2, 3, 4}); }

RunResult GridSample(Mode mode, Border border, bool align,
                     const std::vector<double>& points) {
  fbs::SamplingT attributes = Sampling(Kind::grid_sample);
  attributes.mode = mode;
  attributes.border = border;
  attributes.align_corners = align;
  const auto count = static_cast<int64_t>(points.size() / 2);
  return Run(attributes, {Square(), Float({1, 1, count, 2}, points)});
}

TEST_CASE(
    "grid_sample: x comes first and corners are where align_corners says") {
  CheckOnly(GridSample(Mode::linear, Border::zeros, true,
                       {-1, -1, 1, -1, -1, 1, 0, 0, 0.5, -1}),
            {1, 1, 1, 5}, {1, 2, 3, 2.5, 1.75});
  CheckOnly(GridSample(Mode::linear, Border::zeros, false,
                       {-0.5, -0.5, 0.5, -0.5, 0, 0, -1, -0.5}),
            {1, 1, 1, 4}, {1, 2, 2.5, 0.5});
}

TEST_CASE("grid_sample: borders give zeros or the edge or a reflection") {
  const std::vector<double> far = {3, -1, -1.5, 1};
  CheckOnly(GridSample(Mode::nearest, Border::zeros, true, far), {1, 1, 1, 2},
            {0, 3});
  CheckOnly(GridSample(Mode::nearest, Border::border, true, far), {1, 1, 1, 2},
            {2, 3});
  // x = 2 of [0, 1] is 0 again; x = -0.25 is 0.25.
  CheckOnly(GridSample(Mode::linear, Border::reflection, true, far),
            {1, 1, 1, 2}, {1, 3.25});
}

TEST_CASE("grid_sample: nearest rounds halves to even") {
  CheckOnly(GridSample(Mode::nearest, Border::zeros, true, {0, -1, 0, 1}),
            {1, 1, 1, 2}, {1, 3});
}

TEST_CASE("grid_sample: cubic uses Keys with a = -0.75 and zeros outside") {
  // Half between both: weights 0.59375 each, the outer taps are outside.
  CheckOnly(GridSample(Mode::cubic, Border::zeros, true, {0, -1}), {1, 1, 1, 1},
            {0.59375 * 3});
}

TEST_CASE("grid_sample: coordinates that are no numbers are outside") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  CheckOnly(GridSample(Mode::linear, Border::zeros, true,
                       {nan, 0, inf, 0, -inf, inf}),
            {1, 1, 1, 3}, {0, 0, 0});
}

TEST_CASE("grid_sample: one and three spatial axes") {
  fbs::SamplingT attributes = Sampling(Kind::grid_sample);
  attributes.align_corners = true;
  CheckOnly(
      Run(attributes, {Half({1, 1, 3}, {1, 2, 4}), Half({1, 2, 1}, {0, 0.5})}),
      {1, 1, 2}, {2, 3});
  CheckOnly(Run(attributes, {Counted(DataType::kFloat32, {1, 1, 2, 2, 2}),
                             Float({1, 1, 1, 2, 3}, {1, -1, -1, -1, 1, 1})}),
            {1, 1, 1, 1, 2}, {1, 6});
}

TEST_CASE("grid_sample: a grid that does not fit is refused") {
  const fbs::SamplingT attributes = Sampling(Kind::grid_sample);
  CheckFails(Run(attributes, {Square(), Float({1, 1, 1, 3}, {0, 0, 0})}),
             StatusCode::kShape, "does not fit");
  CheckFails(
      Run(attributes, {Float({1, 1, 0, 2}, {}), Float({1, 1, 1, 2}, {0, 0})}),
      StatusCode::kShape, "nothing to sample");
  CheckFails(Run(attributes, {Square()}), StatusCode::kShape, "missing");
}

// ---- the others ----

TEST_CASE("affine_grid: identity gives the centres or the corners") {
  fbs::SamplingT attributes = Sampling(Kind::affine_grid);
  const TestTensor theta = Float({1, 2, 3}, {1, 0, 0, 0, 1, 0});
  const TestTensor size = Known(Ints({4}, {1, 1, 1, 2}));
  CheckOnly(Run(attributes, {theta, size}), {1, 1, 2, 2}, {-0.5, 0, 0.5, 0});
  attributes.align_corners = true;
  CheckOnly(Run(attributes, {theta, size}), {1, 1, 2, 2}, {-1, 0, 1, 0});
  const TestTensor shifted = Float({1, 2, 3}, {0, 2, 5, 3, 0, 7});
  CheckOnly(Run(attributes, {shifted, Known(Ints({4}, {1, 1, 2, 2}))}),
            {1, 2, 2, 2}, {3, 4, 3, 10, 7, 4, 7, 10});
  CheckFails(Run(attributes, {theta, Known(Ints({3}, {1, 1, 2}))}),
             StatusCode::kShape, "does not fit");
}

TEST_CASE("roi_align: one sample in the middle of each bin") {
  fbs::SamplingT attributes = Sampling(Kind::roi_align);
  attributes.output_size = {1, 2};
  attributes.sampling_ratio = 1;
  attributes.half_pixel = false;
  const TestTensor x = Counted(DataType::kFloat32, {1, 1, 3, 4});
  const TestTensor roi = Float({1, 4}, {0, 0, 4, 2});
  const TestTensor batch = Ints({1}, {0});
  // Points (1, 1) and (1, 3).
  CheckOnly(Run(attributes, {x, roi, batch}), {1, 1, 1, 2}, {5, 7});
  attributes.half_pixel = true;  // (0.5, 0.5) and (0.5, 2.5)
  CheckOnly(Run(attributes, {x, roi, batch}), {1, 1, 1, 2}, {2.5, 4.5});
  // The largest weighted neighbour: a quarter of 5, of 7.
  attributes.mode = Mode::nearest;
  CheckOnly(Run(attributes, {x, roi, batch}), {1, 1, 1, 2}, {1.25, 1.75});
  CheckFails(Run(attributes, {x, roi, Ints({1}, {1})}),
             StatusCode::kInvalidArgument, "outside");
  attributes.sampling_ratio = 0;
  CheckFails(Run(attributes, {x, Float({1, 4}, {0, 0, 1e30, 2}), batch}),
             StatusCode::kInvalidArgument, "points");
}

TEST_CASE("max_unpool: indices count in the unpooled shape") {
  fbs::SamplingT attributes = Sampling(Kind::max_unpool);
  attributes.output_size = {2, 2};
  attributes.strides = {2, 2};
  const TestTensor x = Half({1, 1, 1, 2}, {7, 8});
  CheckOnly(Run(attributes, {x, Ints({1, 1, 1, 2}, {1, 6})}), {1, 1, 2, 4},
            {0, 7, 0, 0, 0, 0, 8, 0});
  CheckOnly(Run(attributes, {x, Ints({1, 1, 1, 2}, {1, 6}),
                             Known(Ints({4}, {1, 1, 2, 5}))}),
            {1, 1, 2, 5}, {0, 7, 0, 0, 0, 0, 0, 8, 0, 0});
  CheckFails(Run(attributes, {x, Ints({1, 1, 1, 2}, {1, 8})}),
             StatusCode::kInvalidArgument, "index 8");
}

TEST_CASE("deform_conv: offsets move taps and masks scale them") {
  const fbs::SamplingT attributes = Sampling(Kind::deform_conv);
  const TestTensor x = Float({1, 1, 1, 3}, {1, 2, 4});
  const TestTensor weight = Float({1, 1, 1, 1}, {10});
  // Rows stay, columns move by 0.5, -1 and 1 (outside).
  const TestTensor offset = Float({1, 2, 1, 3}, {0, 0, 0, 0.5, -1, 1});
  CheckOnly(Run(attributes, {x, weight, offset}), {1, 1, 1, 3}, {15, 10, 0});
  CheckOnly(Run(attributes, {x, weight, offset, Float({1}, {1}),
                             Float({1, 1, 1, 3}, {2, 0, 1})}),
            {1, 1, 1, 3}, {31, 1, 1});
  CheckFails(Run(attributes, {x, weight, Float({1, 2, 1, 2}, {0, 0, 0, 0})}),
             StatusCode::kShape, "do not fit");
}

TEST_CASE("col2im: overlapping windows add and padding is dropped") {
  fbs::SamplingT attributes = Sampling(Kind::col2im);
  const TestTensor block = Known(Ints({2}, {1, 2}));
  // Windows 1 3 and 2 4 over three columns.
  CheckOnly(Run(attributes, {Float({1, 2, 2}, {1, 2, 3, 4}),
                             Known(Ints({2}, {1, 3})), block}),
            {1, 1, 1, 3}, {1, 5, 4});
  attributes.pads = {0, 1, 0, 0};
  CheckOnly(Run(attributes, {Float({1, 2, 2}, {1, 2, 3, 4}),
                             Known(Ints({2}, {1, 2})), block}),
            {1, 1, 1, 2}, {5, 4});
  CheckFails(Run(attributes, {Float({1, 3, 2}, {1, 2, 3, 4, 5, 6}),
                              Known(Ints({2}, {1, 2})), block}),
             StatusCode::kShape, "do not fit");
}

TEST_CASE("center_crop_pad: an odd difference leaves the larger half behind") {
  fbs::SamplingT attributes = Sampling(Kind::center_crop_pad);
  for (DataType type : kOneTypePerSize) {
    CheckOnly(Run(attributes, {Counted(type, {5}), Known(Ints({1}, {2}))}), {2},
              {1, 2});
    CheckOnly(Run(attributes, {Make(type, {2}, {8, 9}), Known(Ints({1}, {5}))}),
              {5}, {0, 8, 9, 0, 0});
  }
  attributes.axes = {-1};
  CheckOnly(Run(attributes, {Counted({2, 3}), Known(Ints({1}, {1}))}), {2, 1},
            {1, 4});
  CheckFails(Run(attributes, {Counted({2, 3}), Known(Ints({2}, {1, 1}))}),
             StatusCode::kShape, "2 extents for 1 axes");
}

TEST_CASE("reverse_sequence: each batch turns its own length") {
  fbs::SamplingT attributes = Sampling(Kind::reverse_sequence);
  CheckOnly(Run(attributes, {Counted({3, 2}), Ints({2}, {3, 1})}), {3, 2},
            {4, 1, 2, 3, 0, 5});
  attributes.time_axis = 1;
  attributes.batch_axis = 0;
  CheckOnly(Run(attributes, {Counted({2, 3}), Ints({2}, {2, 0})}), {2, 3},
            {1, 0, 2, 3, 4, 5});
  CheckFails(Run(attributes, {Counted({2, 3}), Ints({2}, {4, 0})}),
             StatusCode::kInvalidArgument, "length 4");
}

TEST_CASE("det: rows swap when a pivot is zero") {
  const fbs::SamplingT attributes = Sampling(Kind::det);
  CheckOnly(Run(attributes, {Half({2, 2, 2}, {1, 2, 3, 4, 0, 1, 1, 0})}), {2},
            {-2, -1});
  CheckOnly(Run(attributes, {Float({2, 2}, {1, 2, 2, 4})}), {}, {0});
  CheckFails(Run(attributes, {Float({1, 2}, {1, 2})}), StatusCode::kShape,
             "square");
}

}  // namespace
}  // namespace aneref::test
