// See pipeline.h.
#include "runtime/import/coreml/pipeline.h"

#include <map>
#include <set>

#include "runtime/import/coreml/layer.h"

namespace aneref::coreml {
namespace {

constexpr int kMaxDepth = 8, kMaxStages = 1000;

const Pipeline& PipelineOf(const Model& model) {
  if (model.has_pipelineclassifier())
    return model.pipelineclassifier().pipeline();
  if (model.has_pipelineregressor())
    return model.pipelineregressor().pipeline();
  return model.pipeline();
}

// Pipelines may hold pipelines; how deep is known before anything is built.
int DepthOf(const Model& model) {
  int deepest = 0;
  for (const Model& stage : PipelineOf(model).models())
    deepest = std::max(deepest, DepthOf(stage));
  return deepest + 1;
}

class Joiner {
 public:
  Joiner(const Source& source, NetDraft* draft)
      : source_(source), draft_(*draft), context_(draft, DataType::kFloat32) {}

  Status Run() {
    draft_.net.graphs.push_back(std::make_unique<fbs::GraphT>());
    const Pipeline& pipeline = PipelineOf(source_.model);
    if (pipeline.models_size() == 0 || pipeline.models_size() > kMaxStages)
      return InvalidFile("", "the pipeline has " +
                                 std::to_string(pipeline.models_size()) +
                                 " stages");
    for (const auto& feature : source_.model.description().input())
      inputs_.insert(feature.name());
    for (int i = 0; i < pipeline.models_size(); ++i) {
      const Model& model = pipeline.models(i);
      const std::string what =
          "stage " + std::to_string(i) + " (" + KindName(model) + ")";
      Expected<NetDraft> stage =
          ImportModelKind(Source{model, source_.package, source_.options});
      if (!stage.ok()) return stage.status().WithContext(what);
      ANEREF_TRY(Append(std::move(stage).value(), "stage" + std::to_string(i))
                     .WithContext(what));
    }
    ANEREF_TRY(OrderInputs());
    return AddOutputs();
  }

 private:
  // The stage's graphs move behind the pipeline's; its first one is taken
  // apart.
  Status Append(NetDraft stage, const std::string& prefix) {
    const auto first_constant = static_cast<int32_t>(draft_.constants.size());
    const auto first_body = static_cast<int32_t>(draft_.net.graphs.size()) - 1;
    for (auto& graph : stage.net.graphs) {
      for (auto& tensor : graph->tensors) {
        if (tensor->constant >= 0) tensor->constant += first_constant;
      }
      for (auto& node : graph->nodes) {
        if (node->op.type != fbs::Op::Control) continue;
        for (int32_t& body : node->op.AsControl()->bodies) body += first_body;
      }
    }
    for (DraftConstant& constant : stage.constants)
      draft_.constants.push_back(std::move(constant));
    for (std::string& note : stage.net.import_notes)
      draft_.net.import_notes.push_back(std::move(note));
    fbs::GraphT& graph = *stage.net.graphs[0];
    if (!graph.states.empty())
      return Unsupported("states inside of a pipeline are not supported");
    ANEREF_TRY(AppendGraph(&graph, prefix));
    for (size_t i = 1; i < stage.net.graphs.size(); ++i)
      draft_.net.graphs.push_back(std::move(stage.net.graphs[i]));
    return Status();
  }

  Status AppendGraph(fbs::GraphT* graph, const std::string& prefix) {
    fbs::GraphT& main = MainGraph(draft_);
    const auto first = static_cast<int32_t>(main.tensors.size());
    std::vector<int32_t> moved(graph->tensors.size());
    for (size_t i = 0; i < moved.size(); ++i)
      moved[i] = first + static_cast<int32_t>(i);
    for (auto& tensor : graph->tensors) {
      context_.defined.push_back(true);
      main.tensors.push_back(std::move(tensor));
    }
    for (auto& port : graph->inputs)
      ANEREF_TRY(Connect(std::move(port), &moved));
    for (auto& node : graph->nodes) {
      for (auto* list : {&node->inputs, &node->outputs}) {
        for (int32_t& tensor : *list) {
          if (tensor >= 0) tensor = moved[static_cast<size_t>(tensor)];
        }
      }
      main.nodes.push_back(std::move(node));
    }
    for (auto& port : graph->outputs) {
      port->tensor = moved[static_cast<size_t>(port->tensor)];
      outputs_[TensorAt(draft_, port->tensor).name] = std::move(port);
    }
    for (size_t i = static_cast<size_t>(first); i < main.tensors.size(); ++i)
      MakeUnique(main.tensors[i].get(), prefix);
    return Status();
  }

  // Names are taken by whoever comes first; features keep theirs until the end.
  void MakeUnique(fbs::TensorT* tensor, const std::string& prefix) {
    if (tensor->name.empty() || names_.insert(tensor->name).second) return;
    tensor->name = prefix + "/" + tensor->name;
    names_.insert(tensor->name);
  }

  // An input of a stage: an earlier stage's output, or the pipeline's own.
  Status Connect(std::unique_ptr<fbs::PortT> port,
                 std::vector<int32_t>* moved) {
    int32_t& place = (*moved)[static_cast<size_t>(port->tensor)];
    const std::string name = TensorAt(draft_, place).name;
    const auto made = outputs_.find(name);
    const auto fed = fed_.find(name);
    if (made != outputs_.end()) {
      place = Fit(made->second->tensor, place);
    } else if (fed != fed_.end()) {
      place = Fit(fed->second, place);
    } else if (inputs_.contains(name)) {
      port->tensor = place;
      fed_[name] = place;
      ports_[name] = std::move(port);
    } else {
      return InvalidFile("", "no stage before gives \"" + name + "\"");
    }
    return Status();
  }

  // The value as the stage wants it: its type, and its shape when that is
  // another one of the same size.
  int32_t Fit(int32_t value, int32_t wanted) {
    NeuralNetworkLayer none;
    none.set_name("pipeline");
    Layer layer(&context_, none, "pipeline", {});
    const fbs::TensorT target = TensorAt(draft_, wanted);
    const auto type = static_cast<DataType>(target.dtype);
    if (layer.TypeOf(value) != type)
      value = layer.EmitTemp(CastTo(type), {value});
    const std::optional<Shape> have = layer.Static(value);
    const std::optional<Shape> want = StaticShape(target);
    const bool other = have.has_value() && want.has_value() && *have != *want &&
                       have->NumElements() == want->NumElements();
    return other ? layer.Reshape(value, want->ToVector()) : value;
  }

  // As the pipeline lists them; those that no stage reads are fed for nothing.
  Status OrderInputs() {
    for (const auto& feature : source_.model.description().input()) {
      const auto port = ports_.find(feature.name());
      if (port != ports_.end()) {
        MainGraph(draft_).inputs.push_back(std::move(port->second));
        continue;
      }
      const std::string what = Describe("input", feature);
      const Expected<std::vector<int64_t>> shape = FeatureShape(feature);
      if (!shape.ok()) return shape.status().WithContext(what);
      const int32_t tensor =
          AddTensor(&draft_, feature.name(), DataType::kFloat32);
      TensorAt(draft_, tensor).shape = *shape;
      TensorAt(draft_, tensor).has_shape = true;
      Expected<std::unique_ptr<fbs::PortT>> unused = MakePort(feature, tensor);
      if (!unused.ok()) return unused.status().WithContext(what);
      AddLimits(feature, *shape, unused.value().get());
      MainGraph(draft_).inputs.push_back(std::move(unused).value());
    }
    return Status();
  }

  // A text label is no tensor: a pipeline that names one gives it with the
  // probabilities only.
  Status AddOutputs() {
    const ModelDescription& description = source_.model.description();
    for (const FeatureDescription& feature : description.output()) {
      const auto port = outputs_.find(feature.name());
      if (port != outputs_.end()) {
        TensorAt(draft_, port->second->tensor).name = feature.name();
        MainGraph(draft_).outputs.push_back(std::move(port->second));
        outputs_.erase(port);
      } else if (!feature.type().has_stringtype()) {
        return InvalidFile("",
                           "no stage gives output \"" + feature.name() + "\"");
      }
    }
    if (MainGraph(draft_).outputs.empty())
      return Unsupported("the pipeline gives texts only");
    return Status();
  }

  const Source& source_;
  NetDraft& draft_;
  NetworkContext context_;
  std::set<std::string> inputs_, names_;
  std::map<std::string, int32_t> fed_;
  std::map<std::string, std::unique_ptr<fbs::PortT>> ports_, outputs_;
};

}  // namespace

Expected<NetDraft> ImportPipeline(const Source& source) {
  if (DepthOf(source.model) > kMaxDepth)
    return LimitError("pipelines are nested over " + std::to_string(kMaxDepth) +
                      " deep");
  NetDraft draft;
  ANEREF_TRY(Joiner(source, &draft).Run());
  return draft;
}

}  // namespace aneref::coreml
