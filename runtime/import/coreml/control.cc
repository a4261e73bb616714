// Branches and loops of neural networks. Their bodies become graphs of the
// file; blobs of the outer network that they read become extra inputs, blobs
// that they write are visible behind them.
#include <algorithm>

#include "runtime/import/coreml/converter.h"

namespace aneref::coreml {
namespace {

constexpr int kMaxDepth = 16;

void AddWritten(const NeuralNetwork& network, Names* names) {
  for (const NeuralNetworkLayer& layer : network.layers()) {
    names->insert(layer.output().begin(), layer.output().end());
    if (layer.has_branch()) {
      AddWritten(layer.branch().ifbranch(), names);
      AddWritten(layer.branch().elsebranch(), names);
    }
    if (layer.has_loop()) {
      AddWritten(layer.loop().conditionnetwork(), names);
      AddWritten(layer.loop().bodynetwork(), names);
    }
  }
}

void AddPort(int32_t tensor, std::vector<std::unique_ptr<fbs::PortT>>* ports) {
  auto port = std::make_unique<fbs::PortT>();
  port->tensor = tensor;
  ports->push_back(std::move(port));
}

bool SameShape(const fbs::TensorT& a, const fbs::TensorT& b) {
  return a.has_shape && b.has_shape && a.shape == b.shape;
}

}  // namespace

// One body under construction.
struct Converter::Body {
  explicit Body(Converter* parent)
      : context(&draft, parent->context_.float_type),
        converter(&context, parent) {
    draft.net.graphs.push_back(std::make_unique<fbs::GraphT>());
    context.rank5 = parent->context_.rank5;
    context.leading = parent->context_.leading;
    context.specification = parent->context_.specification;
  }

  // Outputs of the body, as floats; inputs that it captured follow its own.
  Status Close(const std::vector<std::string>& names,
               const NeuralNetworkLayer& layer) {
    Layer casts(&context, layer, "control", {});
    for (const std::string& name : names) {
      ANEREF_ASSIGN(const int32_t tensor, converter.Lookup(name, "the body"));
      results.push_back(casts.AsFloat(tensor));
    }
    return casts.status();
  }
  void AddPorts() {
    fbs::GraphT& graph = MainGraph(draft);
    for (int32_t tensor : results) AddPort(tensor, &graph.outputs);
    for (int32_t tensor : converter.captured_inner_)
      AddPort(tensor, &graph.inputs);
  }

  NetDraft draft;
  NetworkContext context;
  Converter converter;
  std::vector<int32_t> results;
};

// One bool: not 0.
Expected<int32_t> Converter::Condition(const std::string& name,
                                       const NeuralNetworkLayer& layer) {
  ANEREF_ASSIGN(const int32_t blob, Lookup(name, "the condition"));
  Layer cast(&context_, layer, "control", {});
  const int32_t scalar = cast.Reshape(cast.AsBool(blob), {});
  if (!cast.status().ok()) return cast.status();
  return scalar;
}

void Converter::EmitControl(const NeuralNetworkLayer& layer,
                            fbs::ControlT control, std::vector<int32_t> inputs,
                            const std::vector<std::string>& names,
                            const std::vector<const fbs::TensorT*>& types) {
  Layer emitter(&context_, layer, "control", {});
  std::vector<int32_t> outputs;
  for (const std::string& name : names)
    outputs.push_back(NewNamed(name, context_.float_type));
  emitter.Emit(std::move(control), std::move(inputs), outputs);
  for (size_t i = 0; i < names.size(); ++i) {
    fbs::TensorT& tensor = TensorAt(draft(), outputs[i]);
    tensor.dtype = static_cast<fbs::DataType>(context_.float_type);
    tensor.shape = types[i]->shape;
    tensor.has_shape = types[i]->has_shape;
    Define(names[i], outputs[i]);
  }
}

Status Converter::ConvertBranch(const NeuralNetworkLayer& layer) {
  if (depth_ >= kMaxDepth)
    return LimitError("nested over " + std::to_string(kMaxDepth) + " deep");
  if (layer.input_size() != 1)
    return InvalidFile("", "a branch needs one condition");
  ANEREF_ASSIGN(const int32_t condition, Condition(layer.input(0), layer));
  if (IsConstant(draft(), condition)) {
    const bool taken = ConstantInts(draft(), condition)[0] != 0;
    return ConvertLayers(taken ? layer.branch().ifbranch()
                               : layer.branch().elsebranch());
  }
  Body then_body(this), else_body(this);
  ANEREF_TRY(then_body.converter.ConvertLayers(layer.branch().ifbranch()));
  ANEREF_TRY(else_body.converter.ConvertLayers(layer.branch().elsebranch()));
  Names written;
  AddWritten(layer.branch().ifbranch(), &written);
  AddWritten(layer.branch().elsebranch(), &written);
  std::vector<std::string> names;
  for (const std::string& name : written) {
    if (then_body.converter.IsVisible(name) &&
        else_body.converter.IsVisible(name))
      names.push_back(name);
  }
  fbs::ControlT control;
  std::vector<int32_t> inputs = {condition};
  std::vector<fbs::TensorT> types(names.size());
  for (Body* body : {&then_body, &else_body}) {
    ANEREF_TRY(body->Close(names, layer));
    body->AddPorts();
    const std::vector<int32_t>& captured = body->converter.captured_outer_;
    inputs.insert(inputs.end(), captured.begin(), captured.end());
    control.captured.push_back(static_cast<int32_t>(captured.size()));
    for (size_t i = 0; i < names.size(); ++i) {
      const fbs::TensorT& result = TensorAt(body->draft, body->results[i]);
      if (body == &then_body) {
        types[i] = result;
      } else if (!SameShape(types[i], result)) {
        const bool same_rank = types[i].has_shape && result.has_shape &&
                               types[i].shape.size() == result.shape.size();
        types[i].has_shape = same_rank;
        types[i].shape.assign(same_rank ? result.shape.size() : 0, -1);
      }
    }
  }
  control.bodies = {AppendGraphs(&draft(), std::move(then_body.draft))};
  control.bodies.push_back(AppendGraphs(&draft(), std::move(else_body.draft)));
  std::vector<const fbs::TensorT*> pointers;
  for (const fbs::TensorT& type : types) pointers.push_back(&type);
  EmitControl(layer, std::move(control), std::move(inputs), names, pointers);
  return Status();
}

// With `hints` the carried blobs keep their first shapes; the caller checks
// that the body keeps them, too.
Status Converter::ConvertLoopBody(const NeuralNetworkLayer& layer,
                                  const std::vector<std::string>& carried,
                                  bool hints, Body* body) {
  const LoopLayer& loop = layer.loop();
  fbs::GraphT& graph = MainGraph(body->draft);
  AddPort(body->converter.NewNamed("iteration", DataType::kInt64),
          &graph.inputs);
  const int32_t flag = body->converter.NewNamed("condition", DataType::kBool);
  for (int32_t scalar : {flag - 1, flag})
    TensorAt(body->draft, scalar).has_shape = true;
  AddPort(flag, &graph.inputs);
  for (const std::string& name : carried) {
    ANEREF_ASSIGN(const int32_t outer, Lookup(name, "the loop"));
    const int32_t inner = body->converter.NewNamed(name, context_.float_type);
    fbs::TensorT& tensor = TensorAt(body->draft, inner);
    tensor.has_shape = TensorAt(draft(), outer).has_shape;
    tensor.shape = TensorAt(draft(), outer).shape;
    if (!hints) std::fill(tensor.shape.begin(), tensor.shape.end(), -1);
    body->converter.Define(name, inner);
    AddPort(inner, &graph.inputs);
  }
  ANEREF_TRY(body->converter.ConvertLayers(loop.bodynetwork()));
  int32_t next = -1;
  if (loop.has_conditionnetwork()) {
    ANEREF_TRY(body->converter.ConvertLayers(loop.conditionnetwork()));
    ANEREF_ASSIGN(next, body->converter.Condition(loop.conditionvar(), layer));
  } else {
    Layer always(&body->context, layer, "control", {});
    next = always.Scalar(DataType::kBool, 1);
  }
  ANEREF_TRY(body->Close(carried, layer));
  body->results.insert(body->results.begin(), next);
  return Status();
}

Status Converter::ConvertLoop(const NeuralNetworkLayer& layer) {
  const LoopLayer& loop = layer.loop();
  if (depth_ >= kMaxDepth)
    return LimitError("nested over " + std::to_string(kMaxDepth) + " deep");
  Layer before(&context_, layer, "control", {});
  int32_t trips = -1, condition = -1;
  if (layer.input_size() > 0) {
    ANEREF_ASSIGN(const int32_t count, Lookup(layer.input(0), "the loop"));
    trips = before.Reshape(before.AsInts(count), {});
  } else if (loop.maxloopiterations() > 0) {
    const auto count = static_cast<double>(loop.maxloopiterations());
    trips = before.Scalar(DataType::kInt64, count);
  } else if (!loop.has_conditionnetwork()) {
    trips = before.Scalar(DataType::kInt64, 0);
  }
  if (loop.has_conditionnetwork()) {
    ANEREF_TRY(ConvertLayers(loop.conditionnetwork()));
    ANEREF_ASSIGN(condition, Condition(loop.conditionvar(), layer));
  }
  Names written;
  AddWritten(loop.bodynetwork(), &written);
  AddWritten(loop.conditionnetwork(), &written);
  std::vector<std::string> carried;
  std::vector<int32_t> inputs = {trips, condition};
  for (const std::string& name : written) {
    if (!IsVisible(name)) continue;
    carried.push_back(name);
    ANEREF_ASSIGN(const int32_t tensor, Lookup(name, "the loop"));
    inputs.push_back(before.AsFloat(tensor));
  }
  ANEREF_TRY(before.status());
  auto body = std::make_unique<Body>(this);
  Status status = ConvertLoopBody(layer, carried, true, body.get());
  bool kept = status.ok();
  for (size_t i = 0; kept && i < carried.size(); ++i)
    kept = SameShape(TensorAt(body->draft, body->results[i + 1]),
                     TensorAt(draft(), inputs[i + 2]));
  if (!kept) {  // shapes change from one iteration to the next
    body = std::make_unique<Body>(this);
    ANEREF_TRY(ConvertLoopBody(layer, carried, false, body.get()));
  }
  body->AddPorts();
  const std::vector<int32_t>& captured = body->converter.captured_outer_;
  inputs.insert(inputs.end(), captured.begin(), captured.end());
  fbs::ControlT control;
  control.kind = fbs::ControlKind::loop;
  control.captured = {static_cast<int32_t>(captured.size())};
  std::vector<fbs::TensorT> types(carried.size());
  for (size_t i = 0; i < carried.size(); ++i)
    types[i] = TensorAt(body->draft, body->results[i + 1]);
  control.bodies = {AppendGraphs(&draft(), std::move(body->draft))};
  std::vector<const fbs::TensorT*> pointers;
  for (const fbs::TensorT& type : types) pointers.push_back(&type);
  EmitControl(layer, std::move(control), std::move(inputs), carried, pointers);
  return Status();
}

}  // namespace aneref::coreml
