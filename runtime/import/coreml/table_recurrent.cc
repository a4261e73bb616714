// Recurrent layers. Core ML stores each gate apart; the IR wants the gates of a
// direction in one matrix (lstm i, o, f, c; gru z, r, h). Sequences are
// [Seq, B, C, 1, 1], or without the last two axes.
#include <algorithm>

#include "runtime/import/coreml/table.h"
#include "runtime/import/coreml/weights.h"

namespace aneref::coreml {
namespace {

using AK = fbs::ActivationKind;
using Case = NeuralNetworkLayer;
using Gates = std::vector<const WeightParams*>;

constexpr float kGateClip = 50.0f;

// Gates one behind the other, [count * rows, columns] (columns 0: vectors).
struct Matrix {
  std::vector<float> values;

  void Append(Layer& layer, const Gates& gates, const char* what, int64_t rows,
              int64_t columns) {
    const Shape shape = columns == 0 ? Shape{rows} : Shape{rows, columns};
    for (const WeightParams* gate : gates) {
      const std::vector<float> part = layer.WeightValues(*gate, what, shape);
      values.insert(values.end(), part.begin(), part.end());
    }
  }
  void AppendZeros(int64_t count) {
    values.insert(values.end(), static_cast<size_t>(count), 0.0f);
  }
};

struct Sizes {
  int64_t input = 0, hidden = 0;
};

Sizes ReadSizes(Layer& layer, uint64_t input, uint64_t hidden) {
  Sizes sizes{layer.Small(input, "input size"),
              layer.Small(hidden, "output size")};
  if (layer.status().ok() && (sizes.input < 1 || sizes.hidden < 1))
    layer.Fail(InvalidFile("", "has an input or output size of 0"));
  return sizes;
}

void AddActivation(Layer& layer, const Activation& f,
                   fbs::RecurrentT* recurrent) {
  AK kind = AK::tanh;
  AlphaBetaLayer numbers;
  switch (f.NonlinearityType_case()) {
    case Activation::kLinear:
      kind = AK::linear;
      numbers = f.linear();
      break;
    case Activation::kReLU:
      kind = AK::relu;
      break;
    case Activation::kTanh:
      break;
    case Activation::kScaledTanh:
      kind = AK::scaled_tanh;
      numbers = f.scaledtanh();
      break;
    case Activation::kSigmoid:
      kind = AK::sigmoid;
      break;
    case Activation::kSigmoidHard:
      kind = AK::hard_sigmoid;
      numbers = f.sigmoidhard();
      break;
    default:
      layer.Refuse("with this activation inside");
  }
  recurrent->activations.push_back(kind);
  recurrent->activation_alpha.push_back(numbers.alpha());
  recurrent->activation_beta.push_back(numbers.beta());
}

template <class List>
void AddActivations(Layer& layer, const List& list, int count,
                    fbs::RecurrentT* recurrent) {
  if (list.size() != count)
    layer.Fail(InvalidFile("", "has " + std::to_string(list.size()) +
                                   " activations, needs " +
                                   std::to_string(count)));
  for (const Activation& f : list) AddActivation(layer, f, recurrent);
}

// [Seq, B, size, 1, 1] to [Seq, B, size], the last step first when `reverse`.
int32_t Sequence(Layer& layer, int32_t x, bool reverse) {
  const size_t rank = layer.RankOf(x);
  if (!layer.status().ok()) return x;
  if (rank != 5 && rank != 3)
    layer.Refuse("of a blob of rank " + std::to_string(rank));
  if (rank == 5) x = layer.Squeeze(x, {3, 4});
  if (!reverse) return x;
  const int32_t turned = layer.Slice(x, 0, INT64_MAX, INT64_MIN + 1, -1);
  layer.KeepShape(turned, x);
  return turned;
}

int32_t Restore(Layer& layer, int32_t y, size_t rank) {
  return rank == 5 ? layer.Unsqueeze(y, {3, 4}) : y;
}

// Tensors of one layer.
struct Operands {
  int32_t x = -1, w = -1, r = -1, b = -1, h = -1, c = -1, peepholes = -1;

  std::vector<int32_t> List() const {
    return {x, w, r, b, -1, h, c, peepholes};
  }
};

// y of all steps (or the last one) is output 0, states follow.
// `states`: the layer's outputs 1.. of one direction.
void EmitOneDirection(Layer& layer, fbs::RecurrentT recurrent,
                      const Operands& operands, bool whole_sequence) {
  const size_t rank = layer.RankOf(layer.Raw(0));
  const bool is_lstm = recurrent.kind == fbs::RecurrentKind::lstm;
  const int32_t y = layer.NewTensor(), h = layer.NewTensor();
  std::vector<int32_t> outputs = {y, h};
  if (is_lstm) outputs.push_back(layer.NewTensor());
  layer.Emit(std::move(recurrent), operands.List(), outputs);
  // y is [Seq, 1, B, hidden], states are [1, B, hidden].
  const int32_t sequence = whole_sequence ? layer.Squeeze(y, {1}) : h;
  layer.SetOut(0, Restore(layer, sequence, rank));
  for (size_t i = 1; i < layer.num_outputs() && i < outputs.size(); ++i)
    layer.SetOut(i, Restore(layer, outputs[i], rank));
}

void SimpleRecurrent(Layer& layer) {
  const SimpleRecurrentLayer& source = layer.proto().simplerecurrent();
  if (!layer.NeedInputs(1, 2)) return;
  const Sizes sizes =
      ReadSizes(layer, source.inputvectorsize(), source.outputvectorsize());
  fbs::RecurrentT recurrent;
  recurrent.kind = fbs::RecurrentKind::rnn;
  recurrent.hidden_size = static_cast<int32_t>(sizes.hidden);
  recurrent.clip = kGateClip;
  AddActivation(layer, source.activation(), &recurrent);
  Matrix w, r, b;
  w.Append(layer, {&source.weightmatrix()}, "weights", sizes.hidden,
           sizes.input);
  r.Append(layer, {&source.recursionmatrix()}, "recursion", sizes.hidden,
           sizes.hidden);
  if (source.hasbiasvector()) {
    b.Append(layer, {&source.biasvector()}, "bias", sizes.hidden, 0);
    b.AppendZeros(sizes.hidden);
  }
  Operands operands;
  operands.x = Sequence(layer, layer.In(0), source.reverseinput());
  if (!layer.status().ok()) return;
  operands.w = layer.Floats(Shape{1, sizes.hidden, sizes.input}, w.values);
  operands.r = layer.Floats(Shape{1, sizes.hidden, sizes.hidden}, r.values);
  if (source.hasbiasvector())
    operands.b = layer.Floats(Shape{1, 2 * sizes.hidden}, b.values);
  if (layer.HasIn(1)) operands.h = Sequence(layer, layer.In(1), false);
  EmitOneDirection(layer, std::move(recurrent), operands,
                   source.sequenceoutput());
}

void Gru(Layer& layer) {
  const GruLayer& source = layer.proto().gru();
  if (!layer.NeedInputs(1, 2)) return;
  const Sizes sizes =
      ReadSizes(layer, source.inputvectorsize(), source.outputvectorsize());
  fbs::RecurrentT recurrent;
  recurrent.kind = fbs::RecurrentKind::gru;
  recurrent.hidden_size = static_cast<int32_t>(sizes.hidden);
  recurrent.clip = kGateClip;
  AddActivations(layer, source.activations(), 2, &recurrent);
  Matrix w, r, b;
  w.Append(layer,
           {&source.updategateweightmatrix(), &source.resetgateweightmatrix(),
            &source.outputgateweightmatrix()},
           "weights", sizes.hidden, sizes.input);
  r.Append(
      layer,
      {&source.updategaterecursionmatrix(), &source.resetgaterecursionmatrix(),
       &source.outputgaterecursionmatrix()},
      "recursion", sizes.hidden, sizes.hidden);
  if (source.hasbiasvectors()) {
    b.Append(layer,
             {&source.updategatebiasvector(), &source.resetgatebiasvector(),
              &source.outputgatebiasvector()},
             "bias", sizes.hidden, 0);
    b.AppendZeros(3 * sizes.hidden);
  }
  Operands operands;
  operands.x = Sequence(layer, layer.In(0), source.reverseinput());
  if (!layer.status().ok()) return;
  operands.w = layer.Floats(Shape{1, 3 * sizes.hidden, sizes.input}, w.values);
  operands.r = layer.Floats(Shape{1, 3 * sizes.hidden, sizes.hidden}, r.values);
  if (source.hasbiasvectors())
    operands.b = layer.Floats(Shape{1, 6 * sizes.hidden}, b.values);
  if (layer.HasIn(1)) operands.h = Sequence(layer, layer.In(1), false);
  EmitOneDirection(layer, std::move(recurrent), operands,
                   source.sequenceoutput());
}

// ---- LSTM ----

struct LstmWeights {
  Matrix w, r, b, peepholes;

  void Append(Layer& layer, const LstmWeightParams& source,
              const LstmParams& params, const Sizes& sizes) {
    const int64_t hidden = sizes.hidden;
    w.Append(
        layer,
        {&source.inputgateweightmatrix(), &source.outputgateweightmatrix(),
         &source.forgetgateweightmatrix(), &source.blockinputweightmatrix()},
        "weights", hidden, sizes.input);
    r.Append(layer,
             {&source.inputgaterecursionmatrix(),
              &source.outputgaterecursionmatrix(),
              &source.forgetgaterecursionmatrix(),
              &source.blockinputrecursionmatrix()},
             "recursion", hidden, hidden);
    const size_t first = b.values.size();
    if (params.hasbiasvectors()) {
      b.Append(layer,
               {&source.inputgatebiasvector(), &source.outputgatebiasvector(),
                &source.forgetgatebiasvector(), &source.blockinputbiasvector()},
               "bias", hidden, 0);
    } else {
      b.AppendZeros(4 * hidden);
    }
    if (!layer.status().ok()) return;
    const auto count = static_cast<size_t>(hidden);
    for (size_t i = 0; params.forgetbias() && i < count; ++i)
      b.values[first + 2 * count + i] += 1.0f;
    b.AppendZeros(4 * hidden);
    if (params.haspeepholevectors())
      peepholes.Append(layer,
                       {&source.inputgatepeepholevector(),
                        &source.outputgatepeepholevector(),
                        &source.forgetgatepeepholevector()},
                       "peepholes", hidden, 0);
  }

  void SetOperands(Layer& layer, const Sizes& sizes, int64_t directions,
                   Operands* operands) const {
    const int64_t rows = 4 * sizes.hidden;
    operands->w = layer.Floats(Shape{directions, rows, sizes.input}, w.values);
    operands->r = layer.Floats(Shape{directions, rows, sizes.hidden}, r.values);
    operands->b = layer.Floats(Shape{directions, 2 * rows}, b.values);
    if (!peepholes.values.empty())
      operands->peepholes =
          layer.Floats(Shape{directions, 3 * sizes.hidden}, peepholes.values);
  }
};

fbs::RecurrentT LstmTable(const LstmParams& params, const Sizes& sizes) {
  fbs::RecurrentT recurrent;
  recurrent.kind = fbs::RecurrentKind::lstm;
  recurrent.hidden_size = static_cast<int32_t>(sizes.hidden);
  recurrent.clip = kGateClip;
  recurrent.cell_clip =
      params.cellclipthreshold() == 0.0f ? 50.0f : params.cellclipthreshold();
  recurrent.input_forget = params.coupledinputandforgetgate();
  return recurrent;
}

void UniLstm(Layer& layer) {
  const LstmLayer& source = layer.proto().unidirectionallstm();
  if (!layer.NeedInputs(1, 3)) return;
  const Sizes sizes =
      ReadSizes(layer, source.inputvectorsize(), source.outputvectorsize());
  fbs::RecurrentT recurrent = LstmTable(source.params(), sizes);
  AddActivations(layer, source.activations(), 3, &recurrent);
  LstmWeights weights;
  weights.Append(layer, source.weightparams(), source.params(), sizes);
  Operands operands;
  operands.x = Sequence(layer, layer.In(0), source.reverseinput());
  if (!layer.status().ok()) return;
  weights.SetOperands(layer, sizes, 1, &operands);
  if (layer.HasIn(1)) operands.h = Sequence(layer, layer.In(1), false);
  if (layer.HasIn(2)) operands.c = Sequence(layer, layer.In(2), false);
  EmitOneDirection(layer, std::move(recurrent), operands,
                   source.params().sequenceoutput());
}

// States of both directions, one behind the other on axis 0.
int32_t BothStates(Layer& layer, size_t forward, size_t backward) {
  const int32_t first = Sequence(layer, layer.In(forward), false);
  const int32_t second = Sequence(layer, layer.In(backward), false);
  return layer.Concat({first, second}, 0);
}

void BiLstm(Layer& layer) {
  const BiLstmLayer& source = layer.proto().bidirectionallstm();
  if (layer.num_inputs() != 5 && !layer.NeedInputs(1, 1)) return;
  const Sizes sizes =
      ReadSizes(layer, source.inputvectorsize(), source.outputvectorsize());
  fbs::RecurrentT recurrent = LstmTable(source.params(), sizes);
  recurrent.direction = fbs::RecurrentDirection::bidirectional;
  AddActivations(layer, source.activationsforwardlstm(), 3, &recurrent);
  AddActivations(layer, source.activationsbackwardlstm(), 3, &recurrent);
  if (source.weightparams_size() != 2)
    return layer.Fail(InvalidFile("", "needs weights for two directions"));
  LstmWeights weights;
  for (const LstmWeightParams& params : source.weightparams())
    weights.Append(layer, params, source.params(), sizes);
  const size_t rank = layer.RankOf(layer.Raw(0));
  Operands operands;
  operands.x = Sequence(layer, layer.In(0), false);
  if (!layer.status().ok()) return;
  weights.SetOperands(layer, sizes, 2, &operands);
  if (layer.HasIn(4)) {
    operands.h = BothStates(layer, 1, 3);
    operands.c = BothStates(layer, 2, 4);
  }
  const int32_t y = layer.NewTensor(), h = layer.NewTensor(),
                c = layer.NewTensor();
  layer.Emit(std::move(recurrent), operands.List(), {y, h, c});
  const auto direction = [&](int32_t states, int64_t i) {
    return layer.Slice(states, 0, i, i + 1);
  };
  // y is [Seq, 2, B, hidden]: directions move beside the channels.
  int32_t result = -1;
  if (source.params().sequenceoutput()) {
    const int32_t turned = layer.Transpose(y, {0, 2, 1, 3});
    result = layer.ReshapeTo(turned, {layer.Extents(turned, 0, 2),
                                      layer.ConstantInts({2 * sizes.hidden})});
  } else {
    result = layer.Concat({direction(h, 0), direction(h, 1)}, 2);
  }
  layer.SetOut(0, Restore(layer, result, rank));
  layer.SetOut(1, Restore(layer, direction(h, 0), rank));
  layer.SetOut(2, Restore(layer, direction(c, 0), rank));
  layer.SetOut(3, Restore(layer, direction(h, 1), rank));
  layer.SetOut(4, Restore(layer, direction(c, 1), rank));
}

constexpr LayerRow kRows[] = {
    {Case::kSimpleRecurrent, "simpleRecurrent", SimpleRecurrent},
    {Case::kGru, "gru", Gru},
    {Case::kUniDirectionalLSTM, "uniDirectionalLSTM", UniLstm},
    {Case::kBiDirectionalLSTM, "biDirectionalLSTM", BiLstm},
};

}  // namespace

std::span<const LayerRow> RecurrentLayers() { return kRows; }

}  // namespace aneref::coreml
