// Transposed convolution: hand-worked values for every attribute, the order of
// the sum, agreement of all rungs on ragged shapes, refusals.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/op_runner.h"

namespace aneref::test {
namespace {

using Values = std::vector<double>;

Values Ramp(size_t count) {
  Values values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<double>(i + 1);
  return values;
}
Values Run(const fbs::ConvTransposeT& conv,
           const std::vector<TestTensor>& inputs) {
  const RunResult result = RunOp(conv_transpose_op, conv, inputs);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].Values();
}

TEST_CASE("conv_transpose: overlapping contributions add") {
  const auto x = Half({1, 1, 1, 3}, Ramp(3));
  const auto w = Known(Half({1, 1, 1, 2}, {1, 10}));
  CHECK_EQ(Run({}, {x, w}), Values{1, 12, 23, 30});
  CHECK_EQ(Run({}, {x, w, Known(Half({1}, {0.5}))}),
           Values{1.5, 12.5, 23.5, 30.5});
  // Rows and columns: 2x2 ones.
  CHECK_EQ(Run({}, {Half({1, 1, 2, 2}, Ramp(4)),
                    Known(Half({1, 1, 2, 2}, {1, 1, 1, 1}))}),
           Values{1, 3, 2, 4, 10, 6, 3, 7, 4});
}

TEST_CASE("conv_transpose: stride equal to the kernel tiles the output") {
  fbs::ConvTransposeT conv;
  conv.strides = {2, 2};
  const auto x = Half({1, 1, 1, 2}, {1, 2});
  const auto w = Known(Half({1, 1, 2, 2}, Ramp(4)));
  CHECK_EQ(Run(conv, {x, w}), Values{1, 2, 2, 4, 3, 4, 6, 8});
}

TEST_CASE("conv_transpose: outputs that no input reaches are the bias") {
  fbs::ConvTransposeT conv;
  conv.strides = {1, 3};
  conv.output_padding = {0, 1};
  const auto x = Half({1, 1, 1, 2}, {1, 2});
  const auto w = Known(Half({1, 1, 1, 1}, {5}));
  CHECK_EQ(Run(conv, {x, w, Known(Half({1}, {7}))}), Values{12, 7, 7, 17, 7});
}

TEST_CASE("conv_transpose: pads crop and negative pads extend") {
  fbs::ConvTransposeT conv;
  conv.pads = {0, 1, 0, 0};
  const auto x = Half({1, 1, 1, 3}, Ramp(3));
  const auto w = Known(Half({1, 1, 1, 2}, {1, 10}));
  CHECK_EQ(Run(conv, {x, w}), Values{12, 23, 30});
  conv.pads = {0, -1, 0, 1};
  CHECK_EQ(Run(conv, {x, w}), Values{0, 1, 12, 23});
}

TEST_CASE("conv_transpose: dilation") {
  fbs::ConvTransposeT conv;
  conv.dilations = {1, 2};
  const auto x = Half({1, 1, 1, 2}, {1, 2});
  const auto w = Known(Half({1, 1, 1, 2}, {1, 10}));
  CHECK_EQ(Run(conv, {x, w}), Values{1, 2, 10, 20});
}

TEST_CASE("conv_transpose: output_shape decides the pads") {
  fbs::ConvTransposeT conv;
  conv.output_shape = {1, 3};  // one of 4 columns goes: the first
  const auto x = Half({1, 1, 1, 3}, Ramp(3));
  const auto w = Known(Half({1, 1, 1, 2}, {1, 10}));
  CHECK_EQ(Run(conv, {x, w}), Values{12, 23, 30});
  conv.smaller_half_first = true;  // the last
  CHECK_EQ(Run(conv, {x, w}), Values{1, 12, 23});
  conv.smaller_half_first = false;
  conv.output_shape = {1, 1, 1, 5};  // all axes; a total pad of -1
  CHECK_EQ(Run(conv, {x, w}), Values{1, 12, 23, 30, 0});
}

TEST_CASE("conv_transpose: same modes give the input times the stride") {
  fbs::ConvTransposeT conv;
  conv.strides = {1, 2};
  conv.pad_mode = fbs::PadMode::same_upper;
  conv.smaller_half_first = true;
  const auto x = Half({1, 1, 1, 2}, {1, 2});
  // Full: 1 10 100+2 20 200; one column too many.
  const auto w = Known(Half({1, 1, 1, 3}, {1, 10, 100}));
  CHECK_EQ(Run(conv, {x, w}), Values{1, 10, 102, 20});
  conv.smaller_half_first = false;
  CHECK_EQ(Run(conv, {x, w}), Values{10, 102, 20, 200});
  conv.pad_mode = fbs::PadMode::valid;
  CHECK_EQ(Run(conv, {x, w}), Values{1, 10, 102, 20, 200});
}

TEST_CASE("conv_transpose: groups") {
  fbs::ConvTransposeT conv;
  conv.groups = 2;
  const auto x = Half({1, 2, 1, 1}, {1, 2});
  const auto w = Known(Half({2, 2, 1, 1}, Ramp(4)));
  CHECK_EQ(Run(conv, {x, w}), Values{1, 2, 6, 8});
}

TEST_CASE("conv_transpose: one and three spatial axes") {
  fbs::ConvTransposeT conv;
  conv.strides = {2};
  CHECK_EQ(
      Run(conv, {Half({1, 1, 2}, {1, 2}), Known(Half({1, 1, 2}, {1, 10}))}),
      Values{1, 10, 2, 20});
  CHECK_EQ(Run({}, {Half({1, 1, 1, 1, 2}, {1, 2}),
                    Known(Half({1, 1, 2, 1, 1}, {1, 10}))}),
           Values{1, 2, 10, 20});
}

TEST_CASE("P3: transposed sums go over kernel positions and then channels") {
  // Output column 1 gets, position 0 first: x[1] of both channels, then
  // position 1: x[0] of both. 2^24 + 1 + 1 - 2^24 = 0.
  const auto x = Float({1, 2, 1, 2}, {1, 16777216, -16777216, 1});
  const auto w = Known(Float({2, 1, 1, 2}, {1, 1, 1, 1}));
  CHECK_EQ(Run({}, {x, w})[1], 0);
}

TEST_CASE("P4: fp32 products of a transposed convolution round alone") {
  const double a = 1 + std::ldexp(1.0, -23);
  const auto x = Float({1, 2, 1, 1}, {1, a});
  const auto w = Known(Float({2, 1, 1, 1}, {-1, a}));
  CHECK_EQ(Run({}, {x, w}), Values{std::ldexp(1.0, -22)});
}

TEST_CASE("conv_transpose: ragged shapes agree on all targets") {
  for (const DataType type : {DataType::kFloat16, DataType::kFloat32}) {
    for (const int64_t width : {1, 7, 16, 17, 33}) {
      for (const int stride : {1, 2, 3}) {
        for (const int64_t kernel : {1, 2, 3, 4}) {
          fbs::ConvTransposeT conv;
          conv.strides = {stride, stride};
          conv.groups = kernel == 4 ? 3 : 1;
          if (kernel > 2) conv.pads = {1, 0, 1, 1};
          const int64_t outputs = kernel == 1 ? 17 : 2;
          const auto x = Random(type, {2, 3, 4, width}, 1, true);
          const auto w = Known(Random(type, {3, outputs, kernel, kernel}, 2));
          const auto b = Known(Random(type, {outputs * conv.groups}, 3));
          CHECK(RunOp(conv_transpose_op, conv, {x, w, b}).status.ok());
        }
      }
    }
  }
}

TEST_CASE("conv_transpose: empty tensors and run-time or infinite weights") {
  const auto w = Known(Half({1, 1, 1, 1}, {1}));
  CHECK(Run({}, {Half({0, 1, 2, 2}, {}), w}).empty());
  CHECK_EQ(Run({}, {Half({1, 0, 1, 2}, {}), Known(Half({0, 1, 1, 1}, {})),
                    Known(Half({1}, {3}))}),
           Values{3, 3});
  const auto x = Half({1, 1, 1, 2}, {1, 2});
  CHECK_EQ(Run({}, {x, Half({1, 1, 1, 2}, {1, 10})}), Values{1, 12, 20});
  const Values y = Run({}, {x, Known(Half({1, 1, 1, 2}, {1, HUGE_VAL}))});
  CHECK_EQ(y[0], 1);  // NaN if a missing input met infinity
  CHECK(std::isinf(y[1]));
}

TEST_CASE("conv_transpose: refusals") {
  const auto x = Half({1, 4, 3, 3}, Ramp(36));
  const auto w = Known(Half({4, 2, 1, 1}, Ramp(8)));
  const auto refused = [&](auto change, const std::vector<TestTensor>& in) {
    fbs::ConvTransposeT conv;
    change(conv);
    const RunResult result = RunOp(conv_transpose_op, conv, in);
    CHECK_FALSE(result.status.ok());
    CHECK_FALSE(result.status.message().empty());
  };
  using T = fbs::ConvTransposeT;
  refused([](T&) {}, {x});
  refused([](T&) {}, {x, Known(Half({3, 2, 1, 1}, Ramp(6)))});
  refused([](T&) {}, {x, Known(Half({4, 2, 1}, Ramp(8)))});
  refused([](T&) {}, {x, w, Known(Half({3}, Ramp(3)))});
  refused([](T&) {}, {x, Known(Float({4, 2, 1, 1}, Ramp(8)))});
  refused([](T& c) { c.groups = 3; }, {x, w});
  refused([](T& c) { c.groups = 0; }, {x, w});
  refused([](T& c) { c.strides = {-1, 1}; }, {x, w});
  refused([](T& c) { c.dilations = {0, 1}; }, {x, w});
  refused([](T& c) { c.pads = {3, 0, 0, 0}; }, {x, w});
  refused([](T& c) { c.pads = {-2147483647, 0, 0, 0}; }, {x, w});
  refused([](T& c) { c.output_padding = {-1, 0}; }, {x, w});
  refused([](T& c) { c.output_shape = {1, 2, 3}; }, {x, w});
  refused([](T& c) { c.output_shape = {-1, 3}; }, {x, w});
}

}  // namespace
}  // namespace aneref::test
