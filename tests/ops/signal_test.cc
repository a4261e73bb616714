// Signal: hand-worked spectra, windows and mel weights, lengths and axes, and
// hostile nodes.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

using Kind = fbs::SignalKind;

fbs::SignalT Signal(Kind kind) {
  fbs::SignalT attributes;
  attributes.kind = kind;
  attributes.dtype = fbs::DataType::float32;
  return attributes;
}

RunResult Run(const fbs::SignalT& attributes,
              const std::vector<TestTensor>& inputs) {
  return RunOp(signal_op, attributes, inputs);
}

void CheckNear(const RunResult& result, const std::vector<double>& expected) {
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  const std::vector<double> values = result.outputs[0].Values();
  REQUIRE_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i)
    CHECK(values[i] == doctest::Approx(expected[i]).epsilon(1e-6));
}

TEST_CASE("P17: a transform of length 4 is exact") {
  fbs::SignalT attributes = Signal(Kind::dft);
  const TestTensor x = Half({1, 4, 1}, {1, 2, 3, 4});
  CheckOnly(Run(attributes, {x}), {1, 4, 2}, {10, 0, -2, 2, -2, 0, -2, -2});
  attributes.onesided = true;
  CheckOnly(Run(attributes, {x}), {1, 3, 2}, {10, 0, -2, 2, -2, 0});
}

TEST_CASE("dft: a length cuts or fills the signal") {
  const fbs::SignalT attributes = Signal(Kind::dft);
  const TestTensor x = Float({1, 3, 1}, {1, 2, 3});
  CheckOnly(Run(attributes, {x, Known(Ints({}, {2}))}), {1, 2, 2},
            {3, 0, -1, 0});
  CheckOnly(Run(attributes, {x, Known(Ints({}, {4}))}), {1, 4, 2},
            {6, 0, -2, -2, 2, 0, -2, 2});
  CheckFails(Run(attributes, {x, Known(Ints({}, {0}))}), StatusCode::kShape,
             "length 0");
  CheckFails(Run(attributes, {x, Known(Ints({}, {1e18}))}), StatusCode::kShape,
             "length");
}

TEST_CASE("dft: the axis input wins over the attribute") {
  const fbs::SignalT attributes = Signal(Kind::dft);
  const TestTensor x = Float({2, 2, 1}, {1, 2, 3, 4});
  CheckOnly(Run(attributes, {x, Absent(), Known(Ints({}, {0}))}), {2, 2, 2},
            {4, 0, 6, 0, -2, 0, -2, 0});
  CheckOnly(Run(attributes, {x, Absent(), Known(Ints({}, {-2}))}), {2, 2, 2},
            {3, 0, -1, 0, 7, 0, -1, 0});
  CheckFails(Run(attributes, {x, Absent(), Known(Ints({}, {2}))}),
             StatusCode::kShape, "last axis");
}

TEST_CASE("dft: the inverse divides by the length") {
  fbs::SignalT attributes = Signal(Kind::dft);
  attributes.inverse = true;
  CheckOnly(Run(attributes, {Float({1, 4, 2}, {10, 0, -2, 2, -2, 0, -2, -2})}),
            {1, 4, 2}, {1, 0, 2, 0, 3, 0, 4, 0});
  attributes.onesided = true;  // half a spectrum gives a real signal
  CheckOnly(Run(attributes, {Float({1, 3, 2}, {10, 0, -2, 2, -2, 0})}),
            {1, 4, 1}, {1, 2, 3, 4});
}

TEST_CASE("dft: lengths of 3, 5 and 6 follow the definition") {
  const fbs::SignalT attributes = Signal(Kind::dft);
  CheckNear(Run(attributes, {Float({1, 3, 1}, {1, 0, 0})}), {1, 0, 1, 0, 1, 0});
  CheckNear(Run(attributes, {Float({1, 3, 1}, {0, 1, 0})}),
            {1, 0, -0.5, -0.8660254037844386, -0.5, 0.8660254037844386});
  CheckNear(Run(attributes, {Float({1, 5, 1}, {0, 1, 0, 0, 0})}),
            {1, 0, 0.30901699437494745, -0.9510565162951535,
             -0.8090169943749475, -0.5877852522924731, -0.8090169943749475,
             0.5877852522924731, 0.30901699437494745, 0.9510565162951535});
  CheckNear(Run(attributes, {Float({1, 6, 1}, {0, 1, 0, 0, 0, 0})}),
            {1, 0, 0.5, -0.8660254037844386, -0.5, -0.8660254037844386, -1, 0,
             -0.5, 0.8660254037844386, 0.5, 0.8660254037844386});
}

TEST_CASE("stft: frames advance by the step and the window multiplies") {
  fbs::SignalT attributes = Signal(Kind::stft);
  const TestTensor x = Float({1, 5, 1}, {1, 2, 3, 4, 5});
  const TestTensor step = Known(Ints({}, {2})), length = Known(Ints({}, {2}));
  CheckOnly(Run(attributes, {x, step, Absent(), length}), {1, 2, 2, 2},
            {3, 0, -1, 0, 7, 0, -1, 0});
  CheckOnly(Run(attributes, {x, step, Float({2}, {1, 2})}), {1, 2, 2, 2},
            {5, 0, -3, 0, 11, 0, -5, 0});
  attributes.onesided = true;
  CheckOnly(Run(attributes, {x, step, Absent(), Known(Ints({}, {4}))}),
            {1, 1, 3, 2}, {10, 0, -2, 2, -2, 0});
  CheckFails(Run(attributes, {x, step, Absent(), Known(Ints({}, {6}))}),
             StatusCode::kShape, "length 6");
  CheckFails(Run(attributes, {x, Known(Ints({}, {0})), Absent(), length}),
             StatusCode::kShape, "length 0");
}

TEST_CASE("windows: periodic ones miss the last sample of the symmetric") {
  fbs::SignalT hann = Signal(Kind::hann_window);
  CheckOnly(Run(hann, {Known(Ints({}, {4}))}), {4}, {0, 0.5, 1, 0.5});
  hann.periodic = false;
  CheckOnly(Run(hann, {Known(Ints({}, {5}))}), {5}, {0, 0.5, 1, 0.5, 0});
  CheckOnly(Run(hann, {Known(Ints({}, {1}))}), {1}, {1});
  CheckOnly(Run(hann, {Known(Ints({}, {0}))}), {0}, {});
  // 25/46 -+ 21/46, and 0.42 -+ 0.5 + 0.08.
  CheckNear(Run(Signal(Kind::hamming_window), {Known(Ints({}, {2}))}),
            {0.08695652173913043, 1});
  CheckNear(Run(Signal(Kind::blackman_window), {Known(Ints({}, {4}))}),
            {0, 0.34, 1, 0.34});
  CheckFails(Run(hann, {Known(Ints({}, {-1}))}), StatusCode::kShape,
             "length -1");
}

TEST_CASE("mel_weight_matrix: triangles between equal steps of mel") {
  // Corners fall on bins 0, 0 and 1: the only triangle is one at 0.
  CheckOnly(Run(Signal(Kind::mel_weight_matrix),
                {Known(Ints({}, {1})), Known(Ints({}, {4})),
                 Known(Ints({}, {8000})), Float({}, {0}), Float({}, {4000})}),
            {3, 1}, {1, 0, 0});
}

}  // namespace
}  // namespace aneref::test
