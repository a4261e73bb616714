// Recurrent layers from the engine's pieces (N37): bits worked out by hand from
// the rules of the pieces. That all rungs and SIMD targets agree in every
// profile is checked by the runner.
#include <doctest/doctest.h>

#include "tests/ops/recurrent.h"

namespace aneref {
namespace {

using test::Absent;
using test::Float;
using test::Half;
using test::Ints;
using test::Known;
using test::LinearLayer;
using test::Make;
using test::Random;
using test::RunDeviceOp;
using test::RunResult;
using test::TestTensor;
using AK = fbs::ActivationKind;
using Bits = std::vector<uint16_t>;
using Kind = fbs::RecurrentKind;
using List = std::vector<double>;

RunResult Run(const std::string& profile, const fbs::RecurrentT& layer,
              const std::vector<TestTensor>& inputs, size_t num_outputs = 1) {
  RunResult result =
      RunDeviceOp(profile, recurrent_op, layer, inputs, num_outputs);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result;
}

TEST_CASE("N37: a gate is one sum of the accumulator over x then h") {
  // 2048 + 1 is a tie of fp16.
  const std::vector<TestTensor> inputs = {Half({1, 1, 2}, {2048, 1}),
                                          Known(Half({1, 1, 2}, {1, 1})),
                                          Known(Half({1, 1, 1}, {0}))};
  CHECK(Run("h13", LinearLayer(Kind::rnn, 1), inputs).outputs[0].Bits() ==
        Bits{0x6800});
  CHECK(Run("h16", LinearLayer(Kind::rnn, 1), inputs).outputs[0].Bits() ==
        Bits{0x6801});
  // N18, N20: 16384 of x and 16384 of h leave the accumulator's range.
  const std::vector<TestTensor> large = {Half({1, 1, 1}, {16384}),
                                         Half({1, 1, 1}, {1}),
                                         Half({1, 1, 1}, {1}),
                                         Absent(),
                                         Absent(),
                                         Half({1, 1, 1}, {16384})};
  for (const char* profile : {"h13", "h15", "h16"})
    CHECK(Run(profile, LinearLayer(Kind::rnn, 1), large).outputs[0].Bits() ==
          Bits{0x7C00});
}

TEST_CASE("N37: states are fp16 from step to step") {
  // h = x + h: 2048, 2049, 2050 in exact arithmetic.
  const std::vector<TestTensor> inputs = {Half({3, 1, 1}, {2048, 1, 1}),
                                          Known(Half({1, 1, 1}, {1})),
                                          Known(Half({1, 1, 1}, {1}))};
  CHECK(Run("h13", LinearLayer(Kind::rnn, 1), inputs).outputs[0].Values() ==
        List{2048, 2048, 2048});
  CHECK(Run("h16", LinearLayer(Kind::rnn, 1), inputs).outputs[0].Values() ==
        List{2048, 2050, 2052});
}

TEST_CASE("N37: the option leaves refused ops to the host") {
  const std::vector<TestTensor> inputs = {Half({3, 1, 1}, {2048, 1, 1}),
                                          Known(Half({1, 1, 1}, {1})),
                                          Known(Half({1, 1, 1}, {1}))};
  // P19: states stay fp32.
  CHECK(Run("h16,refused_ops=host", LinearLayer(Kind::rnn, 1), inputs)
            .outputs[0]
            .Values() == List{2048, 2048, 2050});
  // fp32 tensors are the host's anyway.
  CHECK(Run("h16", LinearLayer(Kind::rnn, 1),
            {Float({3, 1, 1}, {2048, 1, 1}), Float({1, 1, 1}, {1}),
             Float({1, 1, 1}, {1})})
            .outputs[0]
            .Values() == List{2048, 2049, 2050});
}

TEST_CASE("N37: both biases are one number of binary32") {
  // N21: -1 + (1 + 2^-12); H13 rounds the bias to 1 first.
  const std::vector<TestTensor> inputs = {Half({1, 1, 1}, {-1}),
                                          Known(Half({1, 1, 1}, {1})),
                                          Known(Half({1, 1, 1}, {0}))};
  for (const bool known : {false, true}) {
    std::vector<TestTensor> all = inputs;
    all.push_back(Half({1, 2}, {1, 0x1p-12}));
    if (known) all.back() = Known(all.back());
    CHECK(Run("h16", LinearLayer(Kind::rnn, 1), all).outputs[0].Bits() ==
          Bits{0x0C00});
    CHECK(Run("h13", LinearLayer(Kind::rnn, 1), all).outputs[0].Bits() ==
          Bits{0});
  }
}

TEST_CASE("N37: activations are those of the tables") {
  fbs::RecurrentT layer = LinearLayer(Kind::lstm, 1);
  layer.activations.clear();
  const TestTensor zeros = Half({1, 4, 1}, {0, 0, 0, 0});
  // Gates sigmoid(0) = 1/2 and tanh(0) = 0; c = 2, and the knot of tanh at 2 is
  // 3BB6 (N44): half of it.
  const RunResult result =
      Run("h13", layer,
          {Half({1, 1, 1}, {1}), Known(zeros), Known(zeros), Absent(), Absent(),
           Absent(), Half({1, 1, 1}, {4})},
          3);
  CHECK(result.outputs[0].Bits() == Bits{0x37B6});
  CHECK(result.outputs[1].Bits() == Bits{0x37B6});
  CHECK(result.outputs[2].Values() == List{2});
}

// Gates i, o, f, c read x = 1; no recurrence.
std::vector<TestTensor> Lstm(const List& gates, double cell) {
  return {Half({1, 1, 1}, {1}),
          Known(Half({1, 4, 1}, gates)),
          Known(Half({1, 4, 1}, {0, 0, 0, 0})),
          Absent(),
          Absent(),
          Half({1, 1, 1}, {0}),
          Half({1, 1, 1}, {cell})};
}

TEST_CASE("N37: the cell rounds each product and their sum") {
  // 3 * 683 = 2049, then + 1 * 1; one rounding at the end would give 2050.
  const fbs::RecurrentT layer = LinearLayer(Kind::lstm, 1);
  CHECK(Run("h13", layer, Lstm({1, 1, 3, 1}, 683), 3).outputs[2].Values() ==
        List{2048});
  CHECK(Run("h16", layer, Lstm({1, 1, 3, 1}, 683), 3).outputs[2].Values() ==
        List{2052});
  // c = 5 * 100 + 2 * 7, h = 3 * 514.
  const RunResult whole = Run("h16", layer, Lstm({2, 3, 5, 7}, 100), 3);
  CHECK(whole.outputs[2].Values() == List{514});
  CHECK(whole.outputs[0].Values() == List{1542});
}

TEST_CASE("N37: peepholes are planar and the output gate sees the new cell") {
  std::vector<TestTensor> inputs = Lstm({2, -866, 5, 7}, 10);
  inputs.push_back(Half({1, 3}, {1, 2, 3}));
  // i = 12, f = 35, c = 350 + 84 = 434, o = -866 + 868 = 2.
  const RunResult result = Run("h13", LinearLayer(Kind::lstm, 1), inputs, 3);
  CHECK(result.outputs[2].Values() == List{434});
  CHECK(result.outputs[0].Values() == List{868});
}

TEST_CASE("N37: coupled gates and clips are planar") {
  fbs::RecurrentT layer = LinearLayer(Kind::lstm, 1);
  layer.input_forget = true;
  // f = 1 - 2: c = -100 + 14, h = 3 * -86.
  RunResult result = Run("h16", layer, Lstm({2, 3, 5, 7}, 100), 3);
  CHECK(result.outputs[2].Values() == List{-86});
  CHECK(result.outputs[0].Values() == List{-258});
  layer.input_forget = false;
  layer.clip = 4;  // f and the candidate become 4
  result = Run("h16", layer, Lstm({2, 3, 5, 7}, 100), 3);
  CHECK(result.outputs[2].Values() == List{408});
  CHECK(result.outputs[0].Values() == List{1224});
  layer.clip = 0;
  layer.cell_clip = 50;
  result = Run("h13", layer, Lstm({2, 3, -5, 7}, 100), 3);
  CHECK(result.outputs[2].Values() == List{-50});
  CHECK(result.outputs[0].Values() == List{-150});
}

TEST_CASE("N37: a gru resets before or after its product") {
  // h0 = 2, z = 3, r = 5 (x = 1); n: w 7, r 11, biases 13 and 17.
  const std::vector<TestTensor> inputs = {Half({1, 1, 1}, {1}),
                                          Known(Half({1, 3, 1}, {3, 5, 7})),
                                          Known(Half({1, 3, 1}, {0, 0, 11})),
                                          Half({1, 6}, {0, 0, 13, 0, 0, 17}),
                                          Absent(),
                                          Half({1, 1, 1}, {2})};
  fbs::RecurrentT layer = LinearLayer(Kind::gru, 1);
  for (const char* profile : {"h13", "h16"}) {
    // n = 7 + (5 * 2) * 11 + 13 + 17 = 147, h = (1 - 3) * 147 + 3 * 2.
    layer.linear_before_reset = false;
    CHECK(Run(profile, layer, inputs).outputs[0].Values() == List{-288});
    // n = 7 + 13 + 5 * (2 * 11 + 17) = 215, h = -430 + 6.
    layer.linear_before_reset = true;
    CHECK(Run(profile, layer, inputs).outputs[0].Values() == List{-424});
  }
}

TEST_CASE("N37: a product of h that is reset later is rounded by itself") {
  // z = 0, r = 1, n = 0 + 1 * (2048 + 1), where 1 is the bias of r.
  const std::vector<TestTensor> inputs = {Half({1, 1, 1}, {1}),
                                          Known(Half({1, 3, 1}, {0, 1, 0})),
                                          Known(Half({1, 3, 1}, {0, 0, 1})),
                                          Half({1, 6}, {0, 0, 0, 0, 0, 1}),
                                          Absent(),
                                          Half({1, 1, 1}, {2048})};
  fbs::RecurrentT layer = LinearLayer(Kind::gru, 1);
  layer.linear_before_reset = true;
  CHECK(Run("h13", layer, inputs).outputs[0].Values() == List{2048});
  CHECK(Run("h16", layer, inputs).outputs[0].Values() == List{2050});
}

TEST_CASE("N37: directions and lengths keep the original time") {
  // h = x + 10 h: forward 1, 12, 123; backward from the end 321, 32, 3.
  const RunResult both =
      Run("h13", LinearLayer(Kind::rnn, 1, 2),
          {Half({3, 1, 1}, {1, 2, 3}), Known(Half({2, 1, 1}, {1, 1})),
           Known(Half({2, 1, 1}, {10, 10}))},
          2);
  CHECK(both.outputs[0].Values() == List{1, 321, 12, 32, 123, 3});
  CHECK(both.outputs[1].Values() == List{123, 321});
  const RunResult lengths =
      Run("h16", LinearLayer(Kind::rnn, 1),
          {Half({3, 3, 1}, {1, 4, 7, 2, 5, 8, 3, 6, 9}), Half({1, 1, 1}, {1}),
           Half({1, 1, 1}, {10}), Absent(),
           Make(DataType::kInt32, {3}, {2, 3, 0}), Half({1, 3, 1}, {0, 0, 5})},
          2);
  CHECK(lengths.outputs[0].Values() == List{1, 4, 0, 12, 45, 0, 0, 456, 0});
  CHECK(lengths.outputs[1].Values() == List{12, 456, 5});
}

TEST_CASE("N37: a length out of range is an error of the run") {
  const RunResult result =
      RunDeviceOp("h13", recurrent_op, LinearLayer(Kind::rnn, 1),
                  {Half({2, 1, 1}, {1, 2}), Half({1, 1, 1}, {1}),
                   Half({1, 1, 1}, {1}), Absent(), Ints({1}, {3})});
  CHECK(result.status.code() == StatusCode::kInvalidArgument);
}

TEST_CASE("N37: layers of every width agree on all rungs") {
  for (const Kind kind : {Kind::rnn, Kind::gru, Kind::lstm}) {
    const int64_t gates = kind == Kind::lstm ? 4 : kind == Kind::gru ? 3 : 1;
    for (const int64_t hidden : {1, 5, 16, 37}) {
      fbs::RecurrentT layer = LinearLayer(kind, static_cast<int>(hidden), 2);
      layer.activations.clear();
      layer.batch_first = hidden == 5;
      layer.linear_before_reset = hidden == 37;
      layer.clip = hidden == 16 ? 1.5f : 0.0f;
      const auto x = Random(DataType::kFloat16, {3, 2, 7}, 1, hidden == 1);
      const auto w = Random(DataType::kFloat16, {2, gates * hidden, 7}, 2);
      const auto r = Random(DataType::kFloat16, {2, gates * hidden, hidden}, 3);
      const auto b = Random(DataType::kFloat16, {2, 2 * gates * hidden}, 4);
      for (const char* profile : {"h13", "h16", "h13,mac=q15_16"}) {
        const RunResult computed = Run(profile, layer, {x, w, r, b}, 2);
        const RunResult known =
            Run(profile, layer, {x, Known(w), Known(r), Known(b)}, 2);
        CHECK(computed.outputs[0].Bits() == known.outputs[0].Bits());
        CHECK(computed.outputs[1].Bits() == known.outputs[1].Bits());
      }
    }
  }
}

}  // namespace
}  // namespace aneref
