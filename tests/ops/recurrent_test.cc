// RNN, GRU and LSTM layers: hand-worked steps (rule P19), every option, absent
// operands, hostile nodes.
#include "tests/ops/recurrent.h"

#include <doctest/doctest.h>

#include <cmath>

namespace aneref {
namespace {

using test::Absent;
using test::Float;
using test::Half;
using test::Ints;
using test::Known;
using test::LinearLayer;
using test::Make;
using test::RunOp;
using test::RunResult;
using test::TestTensor;
using AK = fbs::ActivationKind;
using Kind = fbs::RecurrentKind;
using List = std::vector<double>;

List Output(const RunResult& result, size_t i = 0) {
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[i].Values();
}

TEST_CASE("recurrent: an rnn adds w x and r h and both biases") {
  // h1 = 2*1 + 3*0 + 10 + 100 = 112; h2 = 2*2 + 3*112 + 110 = 450.
  const auto result =
      RunOp(recurrent_op, LinearLayer(Kind::rnn, 1),
            {Float({2, 1, 1}, {1, 2}), Known(Float({1, 1, 1}, {2})),
             Known(Float({1, 1, 1}, {3})), Float({1, 2}, {10, 100})},
            2);
  CHECK_EQ(Output(result), List{112, 450});
  CHECK_EQ(Output(result, 1), List{450});
}

TEST_CASE("recurrent: more steps than are prepared at once") {
  // h = x + h of 1, 2, ... 37: triangular numbers, from either end.
  List x, forward, backward;
  for (int t = 1; t <= 37; ++t) {
    x.push_back(t);
    forward.push_back(t * (t + 1) / 2);
    backward.push_back(37 * 38 / 2 - t * (t - 1) / 2);
  }
  const std::vector<TestTensor> inputs = {Float({37, 1, 1}, x),
                                          Known(Float({1, 1, 1}, {1})),
                                          Known(Float({1, 1, 1}, {1}))};
  fbs::RecurrentT layer = LinearLayer(Kind::rnn, 1);
  CHECK_EQ(Output(RunOp(recurrent_op, layer, inputs)), forward);
  layer.direction = fbs::RecurrentDirection::reverse;
  CHECK_EQ(Output(RunOp(recurrent_op, layer, inputs)), backward);
}

TEST_CASE("recurrent: the default activation of an rnn is tanh") {
  fbs::RecurrentT layer = LinearLayer(Kind::rnn, 1);
  layer.activations.clear();
  const auto result =
      RunOp(recurrent_op, layer,
            {Half({1, 1, 1}, {1}), Half({1, 1, 1}, {1}), Half({1, 1, 1}, {0})});
  CHECK_EQ(result.outputs[0].Bits(), std::vector<uint16_t>{0x3A18});  // 0.7617
}

TEST_CASE("recurrent: directions keep the original time") {
  // h = x + 10 h: forward 1, 12, 123; backward from the end 321, 32, 3.
  const std::vector<TestTensor> inputs = {Float({3, 1, 1}, {1, 2, 3}),
                                          Float({1, 1, 1}, {1}),
                                          Float({1, 1, 1}, {10})};
  fbs::RecurrentT layer = LinearLayer(Kind::rnn, 1);
  layer.direction = fbs::RecurrentDirection::reverse;
  const auto result = RunOp(recurrent_op, layer, inputs, 2);
  CHECK_EQ(Output(result), List{321, 32, 3});
  CHECK_EQ(Output(result, 1), List{321});

  fbs::RecurrentT both = LinearLayer(Kind::rnn, 1, 2);
  both.direction = fbs::RecurrentDirection::bidirectional;
  const auto pair = RunOp(recurrent_op, both,
                          {inputs[0], Known(Float({2, 1, 1}, {1, 1})),
                           Known(Float({2, 1, 1}, {10, 10}))},
                          2);
  CHECK_EQ(Output(pair), List{1, 321, 12, 32, 123, 3});
  CHECK_EQ(Output(pair, 1), List{123, 321});
}

TEST_CASE("recurrent: batch first moves the batch in front everywhere") {
  fbs::RecurrentT layer = LinearLayer(Kind::rnn, 1, 2);
  layer.batch_first = true;
  // Item 0 starts at 1 forward and 2 backward, item 1 at 3 and 4.
  const auto result =
      RunOp(recurrent_op, layer,
            {Float({2, 2, 1}, {1, 2, 3, 4}), Float({2, 1, 1}, {1, 1}),
             Float({2, 1, 1}, {10, 10}), Absent(), Absent(),
             Float({2, 2, 1}, {1, 2, 3, 4})},
            2);
  // Item 0: forward 11, 112; backward 22 at time 1, 221 at time 0.
  // Item 1: forward 33, 334; backward 44, 443.
  CHECK_EQ(result.outputs[0].type.shape, Shape{2, 2, 2, 1});
  CHECK_EQ(Output(result), List{11, 221, 112, 22, 33, 443, 334, 44});
  CHECK_EQ(Output(result, 1), List{112, 221, 334, 443});
}

TEST_CASE("recurrent: steps beyond a sequence length are zero") {
  for (const bool reverse : {false, true}) {
    fbs::RecurrentT layer = LinearLayer(Kind::rnn, 1);
    if (reverse) layer.direction = fbs::RecurrentDirection::reverse;
    const auto result = RunOp(
        recurrent_op, layer,
        {Float({3, 3, 1}, {1, 4, 7, 2, 5, 8, 3, 6, 9}), Float({1, 1, 1}, {1}),
         Float({1, 1, 1}, {10}), Absent(),
         Make(DataType::kInt32, {3}, {2, 3, 0}), Float({1, 3, 1}, {0, 0, 5})},
        2);
    CHECK_EQ(Output(result), reverse ? List{21, 654, 0, 2, 65, 0, 0, 6, 0}
                                     : List{1, 4, 0, 12, 45, 0, 0, 456, 0});
    CHECK_EQ(Output(result, 1), reverse ? List{21, 654, 5} : List{12, 456, 5});
  }
}

TEST_CASE("recurrent: a sequence length out of range is an error") {
  for (const double length : {-1.0, 3.0}) {
    const auto result =
        RunOp(recurrent_op, LinearLayer(Kind::rnn, 1),
              {Float({2, 1, 1}, {1, 2}), Float({1, 1, 1}, {1}),
               Float({1, 1, 1}, {1}), Absent(), Ints({1}, {length})});
    CHECK_EQ(result.status.code(), StatusCode::kInvalidArgument);
  }
}

// Gates i, o, f, c read x as 2, 3, 5, 7 times 1; no recurrence.
std::vector<TestTensor> LstmInputs() {
  return {Float({1, 1, 1}, {1}),
          Known(Float({1, 4, 1}, {2, 3, 5, 7})),
          Known(Float({1, 4, 1}, {0, 0, 0, 0})),
          Absent(),
          Absent(),
          Float({1, 1, 1}, {0}),
          Float({1, 1, 1}, {100})};
}

TEST_CASE("recurrent: an lstm has gates i o f c") {
  // c = 5*100 + 2*7 = 514, h = 3*514 = 1542.
  const auto result =
      RunOp(recurrent_op, LinearLayer(Kind::lstm, 1), LstmInputs(), 3);
  CHECK_EQ(Output(result), List{1542});
  CHECK_EQ(Output(result, 1), List{1542});
  CHECK_EQ(Output(result, 2), List{514});
}

TEST_CASE("recurrent: peepholes i o f read the cell before and after") {
  std::vector<TestTensor> inputs = LstmInputs();
  inputs.push_back(Float({1, 3}, {1, 2, 3}));
  // i = 2 + 1*100 = 102, f = 5 + 3*100 = 305, c = 305*100 + 102*7 = 31214,
  // o = 3 + 2*31214 = 62431, h = 62431*31214.
  const auto result =
      RunOp(recurrent_op, LinearLayer(Kind::lstm, 1), inputs, 3);
  CHECK_EQ(Output(result, 2), List{31214});
  // 1948721234 in fp32: a multiple of 128.
  CHECK_EQ(Output(result), List{1948721280});
}

TEST_CASE("recurrent: input_forget couples f to i") {
  fbs::RecurrentT layer = LinearLayer(Kind::lstm, 1);
  layer.input_forget = true;
  // f = 1 - 2 = -1: c = -100 + 14 = -86, h = 3 * -86 = -258.
  const auto result = RunOp(recurrent_op, layer, LstmInputs(), 3);
  CHECK_EQ(Output(result, 2), List{-86});
  CHECK_EQ(Output(result), List{-258});
}

TEST_CASE("recurrent: clip bounds the operands of gate activations") {
  fbs::RecurrentT layer = LinearLayer(Kind::lstm, 1);
  layer.clip = 4;
  // i 2, o 3, f 4, g 4: c = 400 + 8 = 408 is no gate: h = 3*408 = 1224.
  const auto result = RunOp(recurrent_op, layer, LstmInputs(), 3);
  CHECK_EQ(Output(result, 2), List{408});
  CHECK_EQ(Output(result), List{1224});
}

TEST_CASE("recurrent: default activations of an lstm are sigmoid and tanh") {
  fbs::RecurrentT layer = LinearLayer(Kind::lstm, 1);
  layer.activations.clear();
  std::vector<TestTensor> inputs = LstmInputs();
  inputs[1] = Float({1, 4, 1}, {0, 0, 0, 0});
  inputs[6] = Float({1, 1, 1}, {4});
  // i = o = f = 1/2, g = 0: c = 2, h = tanh(2) / 2.
  const auto result = RunOp(recurrent_op, layer, inputs, 3);
  CHECK_EQ(Output(result, 2), List{2});
  CHECK_EQ(Output(result)[0], doctest::Approx(0.48201379));
}

TEST_CASE("recurrent: activations take alpha and beta") {
  fbs::RecurrentT layer = LinearLayer(Kind::gru, 1);
  layer.activations = {AK::linear, AK::leaky_relu};
  layer.activation_alpha = {2, 0.5f};
  layer.activation_beta = {1, 0};
  // z = 2*1 + 1 = 3, r likewise, n = leaky(-4) = -2: h = (1 - 3)(-2) + 0 = 4.
  const auto result =
      RunOp(recurrent_op, layer,
            {Float({1, 1, 1}, {1}), Float({1, 3, 1}, {1, 1, -4}),
             Float({1, 3, 1}, {0, 0, 0})});
  CHECK_EQ(Output(result), List{4});
}

TEST_CASE("recurrent: a gru resets before or after the product") {
  // h0 = 2, z = 3, r = 5 (from x = 1); n: w 7, r 11, biases 13 and 17.
  const std::vector<TestTensor> inputs = {Float({1, 1, 1}, {1}),
                                          Known(Float({1, 3, 1}, {3, 5, 7})),
                                          Known(Float({1, 3, 1}, {0, 0, 11})),
                                          Float({1, 6}, {0, 0, 13, 0, 0, 17}),
                                          Absent(),
                                          Float({1, 1, 1}, {2})};
  fbs::RecurrentT layer = LinearLayer(Kind::gru, 1);
  // n = 7 + (5*2)*11 + 13 + 17 = 147, h = (1 - 3)*147 + 3*2 = -288.
  CHECK_EQ(Output(RunOp(recurrent_op, layer, inputs)), List{-288});
  layer.linear_before_reset = true;
  // n = 7 + 13 + 5*(2*11 + 17) = 215, h = -430 + 6 = -424.
  CHECK_EQ(Output(RunOp(recurrent_op, layer, inputs)), List{-424});
}

TEST_CASE("P19: products of x come first then those of h then the biases") {
  // 2^24 + 1 + 1 in steps of 2: each 1 alone is lost, in every place but after
  // the 2^24 has gone.
  const auto sum = [](List x, List w, double h, List b) {
    return Output(
        RunOp(recurrent_op, LinearLayer(Kind::rnn, 1),
              {Float({1, 1, 2}, x), Float({1, 1, 2}, w), Float({1, 1, 1}, {1}),
               Float({1, 2}, b), Absent(), Float({1, 1, 1}, {h})}))[0];
  };
  CHECK_EQ(sum({0x1p24, 1}, {1, 1}, -0x1p24, {1, 1}), 2);
  CHECK_EQ(sum({1, 0x1p24}, {1, 1}, -0x1p24, {0, 0}), 0);
  CHECK_EQ(sum({1, 1}, {1, 1}, 0x1p24, {-0x1p24, 1}), 3);
  CHECK_EQ(sum({0x1p24, 0}, {1, 1}, 1, {1, 1}), 0x1p24);
}

TEST_CASE("P19: states are not rounded inside the layer") {
  // h = x + h in fp16: 2048, then 2049, then 2050 with h kept in fp32. Rounded
  // states would stay at 2048.
  const auto result =
      RunOp(recurrent_op, LinearLayer(Kind::rnn, 1),
            {Half({3, 1, 1}, {2048, 1, 1}), Known(Half({1, 1, 1}, {1})),
             Known(Half({1, 1, 1}, {1}))},
            2);
  CHECK_EQ(Output(result), List{2048, 2048, 2050});
  CHECK_EQ(Output(result, 1), List{2050});
}

TEST_CASE("recurrent: known and computed weights of every width agree") {
  for (const Kind kind : {Kind::rnn, Kind::gru, Kind::lstm}) {
    const int64_t gates = kind == Kind::lstm ? 4 : kind == Kind::gru ? 3 : 1;
    for (const int64_t hidden : {1, 3, 8, 19, 37}) {
      fbs::RecurrentT layer = LinearLayer(kind, static_cast<int>(hidden), 2);
      layer.activations.clear();
      const DataType type =
          hidden % 2 == 0 ? DataType::kFloat16 : DataType::kFloat32;
      const auto x = test::Random(type, {3, 2, 5}, 1);
      const auto w = test::Random(type, {2, gates * hidden, 5}, 2);
      const auto r = test::Random(type, {2, gates * hidden, hidden}, 3);
      const auto b = test::Random(type, {2, 2 * gates * hidden}, 4);
      const auto computed = RunOp(recurrent_op, layer, {x, w, r, b}, 2);
      const auto known =
          RunOp(recurrent_op, layer, {x, Known(w), Known(r), Known(b)}, 2);
      CHECK_EQ(Output(computed), Output(known));
    }
  }
}

TEST_CASE("recurrent: hostile nodes are refused") {
  const TestTensor x = Float({2, 1, 1}, {1, 2}), w = Float({1, 1, 1}, {1});
  const auto fails = [&](const fbs::RecurrentT& layer,
                         const std::vector<TestTensor>& inputs,
                         size_t outputs = 1) {
    return !RunOp(recurrent_op, layer, inputs, outputs).status.ok();
  };
  const fbs::RecurrentT good = LinearLayer(Kind::rnn, 1);
  CHECK_FALSE(fails(good, {x, w, w}));
  CHECK(fails(good, {x, w}));
  CHECK(fails(good, {x, w, w}, 3));
  CHECK(fails(good, {Float({2, 1}, {1, 2}), w, w}));
  CHECK(fails(good, {x, w, Float({1, 1, 2}, {1, 2})}));
  CHECK(fails(good, {x, Half({1, 1, 1}, {1}), w}));
  CHECK(fails(good, {x, w, w, Float({1, 1}, {1})}));
  CHECK(fails(good, {x, w, w, Absent(), Float({1}, {1})}));
  CHECK(fails(good, {x, w, w, Absent(), Absent(), Absent(), w}));
  fbs::RecurrentT bad = good;
  bad.hidden_size = 0;
  CHECK(fails(bad, {x, w, w}));
  bad = good;
  bad.hidden_size = 2147483647;
  CHECK(fails(bad, {x, w, w}));
  bad = good;
  bad.clip = -1;
  CHECK(fails(bad, {x, w, w}));
  bad = good;
  bad.activations = {AK::identity, AK::tanh};
  CHECK(fails(bad, {x, w, w}));
  bad.activations = {AK::is_nan};
  CHECK(fails(bad, {x, w, w}));
  bad.activations = {static_cast<AK>(200)};
  CHECK(fails(bad, {x, w, w}));
  bad = good;
  bad.activation_alpha = {1, 2};
  CHECK(fails(bad, {x, w, w}));
  bad = good;
  bad.kind = static_cast<Kind>(9);
  CHECK(fails(bad, {x, w, w}));
}

}  // namespace
}  // namespace aneref
