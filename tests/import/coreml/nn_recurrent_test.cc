// Recurrent layers of neural networks, by hand: linear activations make the
// sums visible.
#include "runtime/exec/session.h"
#include "tests/import/coreml/nn_builder.h"

namespace aneref::test {
namespace {

using L = NeuralNetworkLayer;

void Linear(coreml::Activation* f) { f->mutable_linear()->set_alpha(1); }

// Sequences are fed as [Seq, B, size].
struct Network {
  explicit Network(const Fill& fill, size_t states, size_t outputs) {
    std::vector<std::string> ins = {"x"}, outs;
    builder.Input("x", {1});
    for (size_t i = 0; i < states; ++i) {
      ins.push_back("s" + std::to_string(i));
      builder.Input(ins.back(), {1});
    }
    for (size_t i = 0; i < outputs; ++i) {
      outs.push_back("y" + std::to_string(i));
      builder.Output(outs.back());
    }
    fill(builder.Add(ins, outs));
  }
  NetworkBuilder builder{false};
};

// Runs on a sequence of single numbers; all outputs flattened.
std::vector<std::vector<float>> Run(
    const Network& network, const std::vector<float>& x,
    const std::vector<std::vector<float>>& states = {}) {
  const Imported imported = ImportCoreml(network.builder.model);
  INFO(imported.status.ToString());
  REQUIRE(imported.status.ok());
  SessionOptions options;
  options.numerics = Numerics::kFp32;
  options.threads = 1;
  options.input_shapes["x"] = Shape{static_cast<int64_t>(x.size()), 1, 1};
  for (size_t i = 0; i < states.size(); ++i)
    options.input_shapes["s" + std::to_string(i)] = Shape{1, 1, 1};
  auto session = Session::Create(imported.file, options);
  INFO(session.status().ToString());
  REQUIRE(session.ok());
  for (size_t i = 0; i < (*session)->inputs().size(); ++i) {
    std::vector<float> values = i == 0 ? x : states[i - 1];
    const TensorType type{DataType::kFloat32,
                          (*session)->inputs()[i].type.shape};
    REQUIRE((*session)->SetInput(i, DenseView(type, values.data())).ok());
  }
  REQUIRE((*session)->Run().ok());
  std::vector<std::vector<float>> outputs;
  for (size_t i = 0; i < (*session)->outputs().size(); ++i) {
    const TensorView view = (*session)->Output(i);
    std::vector<float> values;
    for (int64_t row = 0; row < view.num_rows(); ++row) {
      const float* first = view.Row<float>(row);
      values.insert(values.end(), first, first + view.width());
    }
    outputs.push_back(values);
  }
  return outputs;
}

void Rnn(L& l, bool sequence, bool reverse) {
  auto* p = l.mutable_simplerecurrent();
  p->set_inputvectorsize(1);
  p->set_outputvectorsize(1);
  Linear(p->mutable_activation());
  p->set_sequenceoutput(sequence);
  p->set_reverseinput(reverse);
  SetFloats(p->mutable_weightmatrix(), {1});
  SetFloats(p->mutable_recursionmatrix(), {10});
  p->set_hasbiasvector(true);
  SetFloats(p->mutable_biasvector(), {0.5f});
}

TEST_CASE("coreml layers: simple recurrence") {
  const Network all([](L& l) { Rnn(l, true, false); }, 0, 2);
  // 1.5; 2 + 15 + 0.5; 3 + 175 would exceed the clip of 50, so 50 instead.
  const auto got = Run(all, {1, 2, 3});
  CheckClose(got[0], {1.5f, 17.5f, 50});
  CheckClose(got[1], {50});
  const Network last([](L& l) { Rnn(l, false, false); }, 1, 1);
  CheckClose(Run(last, {1}, {{2}})[0], {21.5f});
  const Network reversed([](L& l) { Rnn(l, true, true); }, 0, 1);
  // The last step comes first, and stays first in the output.
  CheckClose(Run(reversed, {2, 1})[0], {1.5f, 17.5f});
}

TEST_CASE("coreml layers: gated recurrence") {
  const Network network(
      [](L& l) {
        auto* p = l.mutable_gru();
        p->set_inputvectorsize(1);
        p->set_outputvectorsize(1);
        Linear(p->add_activations());
        Linear(p->add_activations());
        p->set_sequenceoutput(true);
        SetFloats(p->mutable_updategateweightmatrix(), {0.25f});
        SetFloats(p->mutable_resetgateweightmatrix(), {0.5f});
        SetFloats(p->mutable_outputgateweightmatrix(), {1});
        SetFloats(p->mutable_updategaterecursionmatrix(), {0});
        SetFloats(p->mutable_resetgaterecursionmatrix(), {0});
        SetFloats(p->mutable_outputgaterecursionmatrix(), {1});
      },
      1, 2);
  // z = 0.5, r = 1, o = 2 + 1 * 4 = 6: 0.5 * 6 + 0.5 * 4 = 5.
  const auto got = Run(network, {2}, {{4}});
  CheckClose(got[0], {5});
  CheckClose(got[1], {5});
}

coreml::LstmParams* Lstm(L& l) {
  auto* p = l.mutable_unidirectionallstm();
  p->set_inputvectorsize(1);
  p->set_outputvectorsize(1);
  for (int i = 0; i < 3; ++i) Linear(p->add_activations());
  auto* w = p->mutable_weightparams();
  SetFloats(w->mutable_inputgateweightmatrix(), {1});
  SetFloats(w->mutable_forgetgateweightmatrix(), {0.5f});
  SetFloats(w->mutable_blockinputweightmatrix(), {2});
  SetFloats(w->mutable_outputgateweightmatrix(), {0.25f});
  SetFloats(w->mutable_inputgaterecursionmatrix(), {0});
  SetFloats(w->mutable_forgetgaterecursionmatrix(), {0});
  SetFloats(w->mutable_blockinputrecursionmatrix(), {1});
  SetFloats(w->mutable_outputgaterecursionmatrix(), {0});
  p->mutable_params()->set_sequenceoutput(true);
  return p->mutable_params();
}

TEST_CASE("coreml layers: long short-term memory") {
  const Network plain([](L& l) { Lstm(l); }, 2, 3);
  // x 2, h 3, c 8: i 2, f 1, z 4 + 3 = 7, c = 8 + 14 = 22, o 0.5, y 11.
  const auto got = Run(plain, {2}, {{3}, {8}});
  CheckClose(got[0], {11});
  CheckClose(got[1], {11});
  CheckClose(got[2], {22});
  // The forget bias makes f 2: 16 + 14 = 30.
  const Network forget([](L& l) { Lstm(l)->set_forgetbias(true); }, 2, 1);
  CheckClose(Run(forget, {2}, {{3}, {8}})[0], {15});
  // Coupled: f = 1 - i = -1: -8 + 14 = 6.
  const Network coupled(
      [](L& l) { Lstm(l)->set_coupledinputandforgetgate(true); }, 2, 1);
  CheckClose(Run(coupled, {2}, {{3}, {8}})[0], {3});
  // The cell is held to 5.
  const Network clipped([](L& l) { Lstm(l)->set_cellclipthreshold(5); }, 2, 1);
  CheckClose(Run(clipped, {2}, {{3}, {8}})[0], {2.5f});
}

TEST_CASE("coreml layers: peepholes see the cell before and behind the step") {
  const Network network(
      [](L& l) {
        Lstm(l)->set_haspeepholevectors(true);
        auto* w = l.mutable_unidirectionallstm()->mutable_weightparams();
        SetFloats(w->mutable_inputgatepeepholevector(), {0.5f});
        SetFloats(w->mutable_forgetgatepeepholevector(), {0.25f});
        SetFloats(w->mutable_outputgatepeepholevector(), {0.125f});
      },
      2, 3);
  // i = 2 + 2, f = 1 + 1, z = 4: c = 8 + 16 = 24 with c0 = 4 and h0 = 0;
  // o = 0.5 + 3, y = 84.
  const auto got = Run(network, {2}, {{0}, {4}});
  CheckClose(got[0], {84});
  CheckClose(got[2], {24});
}

TEST_CASE("coreml layers: both directions, each aligned with its step") {
  const Network network(
      [](L& l) {
        L one;
        Lstm(one);
        const auto& source = one.unidirectionallstm();
        auto* p = l.mutable_bidirectionallstm();
        p->set_inputvectorsize(1);
        p->set_outputvectorsize(1);
        for (int i = 0; i < 3; ++i) {
          Linear(p->add_activationsforwardlstm());
          Linear(p->add_activationsbackwardlstm());
        }
        *p->mutable_params() = source.params();
        *p->add_weightparams() = source.weightparams();
        *p->add_weightparams() = source.weightparams();
      },
      0, 5);
  // Forward, x 2: c = 2 * 4 = 8, y = 4; then x 4: f 2, i 4, z 8 + 4 = 12:
  // c = 16 + 48 = 50 (clipped), y = 50. Backward, x 4: c = 32, y = 32; then
  // x 2: i 2, f 1, z 4 + 32 = 36: c = 32 + 72, clipped to 50, y = 25.
  const auto got = Run(network, {2, 4});
  CheckClose(got[0], {4, 25, 50, 32});
  CheckClose(got[1], {50});
  CheckClose(got[2], {50});
  CheckClose(got[3], {25});
  CheckClose(got[4], {50});
}

}  // namespace
}  // namespace aneref::test
