// Fourier transforms and deformable convolutions from the engine's pieces
// (N37), and sampled regions on the planar engine (N38): bits worked out by
// hand from the rules of the pieces. That all rungs and SIMD targets agree in
// every profile is checked by the runner.
#include <doctest/doctest.h>

#include "tests/support/op_runner.h"

namespace aneref {
namespace {

using test::Absent;
using test::Half;
using test::Ints;
using test::Known;
using test::RunDeviceOp;
using test::RunResult;
using test::TestTensor;
using Bits = std::vector<uint16_t>;
using List = std::vector<double>;

// ---- transforms ----

RunResult RunSignal(const std::string& profile, const fbs::SignalT& signal,
                    const std::vector<TestTensor>& inputs) {
  RunResult result = RunDeviceOp(profile, signal_op, signal, inputs);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result;
}

TEST_CASE("N37: a transform is a product with cosines and sines") {
  fbs::SignalT dft;
  for (const char* profile : {"h13", "h15", "h16"}) {
    CHECK(RunSignal(profile, dft, {Half({1, 4, 1}, {1, 2, 3, 4})})
              .outputs[0]
              .Values() == List{10, 0, -2, 2, -2, 0, -2, -2});
    // An element of its own: cos of an eighth of a turn is 39A8.
    const Bits spectrum =
        RunSignal(profile, dft, {Half({1, 8, 1}, {0, 1, 0, 0, 0, 0, 0, 0})})
            .outputs[0]
            .Bits();
    CHECK(spectrum[2] == 0x39A8);
    CHECK(spectrum[3] == 0xB9A8);
    // N18, N20: the sum leaves the accumulator's range, the difference is 0.
    CHECK(RunSignal(profile, dft, {Half({1, 2, 1}, {20000, 20000})})
              .outputs[0]
              .Bits() == Bits{0x7C00, 0, 0, 0});
  }
  CHECK(
      RunSignal("h13", dft, {Half({1, 2, 1}, {2048, 1})}).outputs[0].Values() ==
      List{2048, 0, 2047, 0});
  CHECK(
      RunSignal("h16", dft, {Half({1, 2, 1}, {2048, 1})}).outputs[0].Values() ==
      List{2050, 0, 2047, 0});
}

TEST_CASE("N37: complex parts are joined on the planar path") {
  // One bin: real 2048 and imaginary 1 stay apart; two numbers: i * sin.
  fbs::SignalT dft;
  CHECK(RunSignal("h13", dft, {Half({1, 4, 2}, {1, 0, 0, 2, 0, 0, 0, 0})})
            .outputs[0]
            .Values() == List{1, 2, 3, 0, 1, -2, -1, 0});
  dft.inverse = true;
  CHECK(RunSignal("h16", dft, {Half({1, 4, 2}, {10, 0, -2, 2, -2, 0, -2, -2})})
            .outputs[0]
            .Values() == List{1, 0, 2, 0, 3, 0, 4, 0});
  // 2 / 3, rounded once.
  CHECK(RunSignal("h13", dft, {Half({1, 3, 2}, {2, 0, 0, 0, 0, 0})})
            .outputs[0]
            .Bits() == Bits{0x3955, 0, 0x3955, 0, 0x3955, 0});
  dft.onesided = true;
  CHECK(RunSignal("h13", dft, {Half({1, 3, 2}, {10, 0, -2, 2, -2, 0})})
            .outputs[0]
            .Values() == List{1, 2, 3, 4});
}

TEST_CASE("N37: a window scales the matrices of overlapping frames") {
  fbs::SignalT stft;
  stft.kind = fbs::SignalKind::stft;
  const TestTensor step = Known(Ints({}, {2})), length = Known(Ints({}, {2}));
  CHECK(RunSignal("h13", stft,
                  {Half({1, 4, 1}, {1, 2, 3, 4}), step,
                   Known(Half({2}, {1, 0.5})), length})
            .outputs[0]
            .Values() == List{2, 0, 0, 0, 5, 0, 1, 0});
  CHECK(RunSignal("h16", stft,
                  {Half({1, 2, 2}, {2048, 1, 1, 2}), step, Absent(), length})
            .outputs[0]
            .Values() == List{2050, 3, 2047, -1});
}

TEST_CASE("N37: transforms beyond 4096 are the host's") {
  List x(4097, 0.0);
  x[0] = 40000;
  x[1] = 20000;
  // N18, N20 would make the first bin infinite; the host has 60000.
  fbs::SignalT dft;
  CHECK(RunSignal("h16", dft, {Half({1, 4097, 1}, x)}).outputs[0].Values()[0] ==
        60000);
}

// ---- sampling ----

RunResult RunSampling(const std::string& profile,
                      const fbs::SamplingT& sampling,
                      const std::vector<TestTensor>& inputs) {
  RunResult result = RunDeviceOp(profile, sampling_op, sampling, inputs);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result;
}

TEST_CASE("N37: a deformable convolution rounds samples then accumulates") {
  fbs::SamplingT deform;
  deform.kind = fbs::SamplingKind::deform_conv;
  // Between 2048 and 2050: a tie.
  const std::vector<TestTensor> inputs = {Half({1, 1, 1, 2}, {2048, 2050}),
                                          Half({1, 1, 1, 1}, {1}),
                                          Half({1, 2, 1, 2}, {0, 0, 0.5, 0})};
  CHECK(RunSampling("h13", deform, inputs).outputs[0].Values() ==
        List{2048, 2050});
  CHECK(RunSampling("h16", deform, inputs).outputs[0].Values() ==
        List{2050, 2050});
  // Samples 1.5, 1 and 0 times masks 2, 0 and 1, times 10, plus 1.
  CHECK(RunSampling("h16", deform,
                    {Half({1, 1, 1, 3}, {1, 2, 4}), Half({1, 1, 1, 1}, {10}),
                     Half({1, 2, 1, 3}, {0, 0, 0, 0.5, -1, 1}),
                     Known(Half({1}, {1})), Half({1, 1, 1, 3}, {2, 0, 1})})
            .outputs[0]
            .Values() == List{31, 1, 1});
}

TEST_CASE(
    "N37: the list of a deformable convolution is that of a convolution") {
  fbs::SamplingT deform;
  deform.kind = fbs::SamplingKind::deform_conv;
  // Two channels, kernel 1x2: [16384, 16384, -16384, -16384] by position, so
  // that the sum of the first position leaves the range (N17, N18); by channel
  // it would be 0.
  const RunResult result = RunSampling(
      "h16", deform,
      {Half({1, 2, 1, 2}, {16384, -16384, 16384, -16384}),
       Half({1, 2, 1, 2}, {1, 1, 1, 1}), Half({1, 4, 1, 1}, {0, 0, 0, 0})});
  CHECK(result.outputs[0].Bits() == Bits{0x7C00});
}

TEST_CASE("N38: regions and folded columns and determinants round once") {
  fbs::SamplingT align;
  align.kind = fbs::SamplingKind::roi_align;
  align.output_size = {1, 1};
  align.sampling_ratio = 2;
  // The points are the four elements: 2049 / 4 = 512.25.
  align.half_pixel = true;
  const std::vector<TestTensor> region = {Half({1, 1, 2, 2}, {2048, 1, 0, 0}),
                                          Half({1, 4}, {0, 0, 2, 2}),
                                          Ints({1}, {0})};
  CHECK(RunSampling("h13", align, region).outputs[0].Bits() == Bits{0x6000});
  CHECK(RunSampling("h16", align, region).outputs[0].Bits() == Bits{0x6001});
  fbs::SamplingT fold;
  fold.kind = fbs::SamplingKind::col2im;
  const std::vector<TestTensor> columns = {Half({1, 2, 2}, {5, 1, 2048, 7}),
                                           Known(Ints({2}, {1, 3})),
                                           Known(Ints({2}, {1, 2}))};
  CHECK(RunSampling("h13", fold, columns).outputs[0].Values() ==
        List{5, 2048, 7});
  CHECK(RunSampling("h16", fold, columns).outputs[0].Values() ==
        List{5, 2050, 7});
  fbs::SamplingT det;
  det.kind = fbs::SamplingKind::det;
  const TestTensor square = Half({2, 2}, {2048, 1, -1, 1});
  CHECK(RunSampling("h13", det, {square}).outputs[0].Values() == List{2048});
  CHECK(RunSampling("h16", det, {square}).outputs[0].Values() == List{2050});
}

}  // namespace
}  // namespace aneref
