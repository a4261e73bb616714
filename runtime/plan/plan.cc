// See plan.h. Works, layers, tasks, order, arena, on-chip memory, cost: each in
// its own file; this one only joins them and names values.
#include "runtime/plan/plan.h"

#include <algorithm>
#include <set>

#include "ops/registry.h"
#include "runtime/core/layout.h"
#include "runtime/plan/plan_cost.h"
#include "runtime/plan/residency.h"
#include "runtime/plan/task_order.h"
#include "runtime/plan/task_tiling.h"

namespace aneref {
namespace {

class Planner {
 public:
  Planner(const Net& net, const Program& program, const PlanOptions& options)
      : net_(net), program_(program), options_(options) {}

  Expected<Plan> Run() {
    ANEREF_TRY(ReadChip());
    works_ = DescribeNodes(program_);
    layers_ = FuseLayers(program_, works_, options_.on_host);
    OrderLayers();
    for (const Layer& layer : layers_) AddTask(layer);
    ANEREF_TRY(AddTensors());
    LinkTasks();
    for (PlanTask& task : plan_.tasks) Tile(&task);
    PlaceOnChip(&plan_);
    CostPlan(*options_.chip, &plan_);
    return std::move(plan_);
  }

 private:
  Status ReadChip() {
    const Chip& chip = *options_.chip;
    plan_.chip = chip.name;
    ANEREF_ASSIGN(plan_.model, engine::ReadEngineModel(chip));
    for (const std::string& option : options_.engine_options)
      ANEREF_TRY(engine::ApplyOption(option, &plan_.model));
    ANEREF_ASSIGN(plan_.anchors, engine::ReadCostAnchors(chip));
    return Status();
  }

  const ProgramNode& Node(int32_t index) const {
    return program_.nodes[static_cast<size_t>(index)];
  }
  const ProgramValue& Value(int32_t index) const {
    return program_.values[static_cast<size_t>(index)];
  }
  bool IsRuntime(int32_t value) const {
    return value >= 0 && !Value(value).is_known;
  }

  // E40. Layers are in the order of their main nodes; one that swallowed its
  // padding or a follower still needs only what came before its main node.
  void OrderLayers() {
    std::vector<int32_t> maker(program_.values.size(), -1);
    std::vector<OrderTask> tasks(layers_.size());
    for (size_t i = 0; i < layers_.size(); ++i) {
      for (const LayerNode& part : layers_[i].nodes) {
        for (int32_t value : Node(part.node).outputs) {
          if (value < 0) continue;
          maker[static_cast<size_t>(value)] = static_cast<int32_t>(i);
          tasks[i].output_bytes += EngineBytes(Value(value).declared.shape);
        }
      }
    }
    for (size_t i = 0; i < layers_.size(); ++i) {
      std::set<int32_t> needs;
      for (const LayerNode& part : layers_[i].nodes) {
        for (int32_t value : Node(part.node).inputs) {
          if (value < 0) continue;
          const int32_t from = maker[static_cast<size_t>(value)];
          if (from >= 0 && from != static_cast<int32_t>(i)) needs.insert(from);
        }
      }
      tasks[i].needs.assign(needs.begin(), needs.end());
    }
    std::vector<Layer> ordered;
    for (int32_t index : OrderTasks(plan_.model, tasks))
      ordered.push_back(std::move(layers_[static_cast<size_t>(index)]));
    layers_ = std::move(ordered);
  }

  void AddTask(const Layer& layer) {
    PlanTask task;
    task.nodes = layer.nodes;
    task.main = layer.main;
    const fbs::Node& main = *Node(layer.main).node;
    if (main.name() != nullptr) task.name = main.name()->str();
    task.op = OpName(main);
    task.on_engine = layer.work.on_engine;
    task.engine = layer.work.engine;
    task.unit = layer.work.unit;
    for (const LayerNode& part : layer.nodes)
      task.flops += works_[static_cast<size_t>(part.node)].flops;
    plan_.tasks.push_back(std::move(task));
  }

  // The run order of nodes, the arena, and a row for every run-time value.
  Status AddTensors() {
    std::vector<RunStep> order;
    for (size_t t = 0; t < plan_.tasks.size(); ++t) {
      for (const LayerNode& part : plan_.tasks[t].nodes)
        order.push_back({part.node, static_cast<int32_t>(t)});
    }
    ANEREF_ASSIGN(ArenaPlan arena,
                  PlanArena({&program_, order, options_.keep_intermediates}));
    plan_.arena = arena.sizes;
    plan_.tensors.resize(program_.values.size());
    for (size_t i = 0; i < program_.values.size(); ++i) {
      const ProgramValue& value = program_.values[i];
      PlanTensor& tensor = plan_.tensors[i];
      tensor.place = arena.places[i];
      tensor.used = tensor.place.storage >= 0;
      if (!tensor.used) continue;
      tensor.name = value.name;
      tensor.type = value.memory;
      tensor.row_stride = static_cast<int64_t>(SurfaceRowPitch(value.memory));
      const Shape& shape = value.memory.shape;
      tensor.plane_stride =
          tensor.row_stride * (shape.rank() >= 3 ? shape[shape.rank() - 2] : 1);
      ANEREF_ASSIGN(const size_t bytes, SurfaceBytes(value.memory));
      tensor.bytes = static_cast<int64_t>(bytes);
      tensor.engine_bytes = EngineBytes(shape);
    }
    for (int32_t value : program_.inputs)
      plan_.tensors[static_cast<size_t>(value)].is_input = true;
    for (int32_t value : program_.outputs)
      plan_.tensors[static_cast<size_t>(value)].is_output = true;
    plan_.node_is_free = std::move(arena.node_is_free);
    return Status();
  }

  void LinkTasks() {
    for (size_t t = 0; t < plan_.tasks.size(); ++t) {
      for (const LayerNode& part : plan_.tasks[t].nodes) {
        for (int32_t value : Node(part.node).outputs) {
          if (IsRuntime(value))
            plan_.tensors[static_cast<size_t>(value)].producer =
                static_cast<int32_t>(t);
        }
      }
    }
    for (size_t t = 0; t < plan_.tasks.size(); ++t)
      LinkInputs(static_cast<int32_t>(t));
    for (PlanTensor& tensor : plan_.tensors) {
      if (!tensor.used || tensor.producer < 0) continue;
      tensor.is_inner = !tensor.is_output && !tensor.consumers.empty() &&
                        tensor.consumers.size() == 1 &&
                        tensor.consumers[0] == tensor.producer;
    }
    for (PlanTask& task : plan_.tasks) LinkOutputs(&task);
  }
  void LinkInputs(int32_t t) {
    PlanTask& task = plan_.tasks[static_cast<size_t>(t)];
    std::set<int32_t> inputs, needs;
    for (const LayerNode& part : task.nodes) {
      for (int32_t value : Node(part.node).inputs) {
        if (!IsRuntime(value)) continue;
        PlanTensor& tensor = plan_.tensors[static_cast<size_t>(value)];
        if (tensor.consumers.empty() || tensor.consumers.back() != t)
          tensor.consumers.push_back(t);
        if (tensor.producer == t) continue;
        if (inputs.insert(value).second) task.inputs.push_back(value);
        if (tensor.producer >= 0) needs.insert(tensor.producer);
      }
    }
    task.depends_on.assign(needs.begin(), needs.end());
  }
  void LinkOutputs(PlanTask* task) const {
    for (const LayerNode& part : task->nodes) {
      for (int32_t value : Node(part.node).outputs) {
        if (IsRuntime(value) &&
            !plan_.tensors[static_cast<size_t>(value)].is_inner)
          task->outputs.push_back(value);
      }
    }
  }

  void Tile(PlanTask* task) const {
    if (!task->on_engine) return;
    TilingInput input;
    input.work = &works_[static_cast<size_t>(task->main)];
    for (int32_t value : task->inputs)
      input.inputs.push_back(Value(value).declared.shape);
    input.output = Value(task->outputs.empty() ? Node(task->main).outputs[0]
                                               : task->outputs[0])
                       .declared.shape;
    input.weights = WeightsOf(Node(task->main));
    TileTask(plan_.model, input, task);
    const bool is_free = std::all_of(
        task->nodes.begin(), task->nodes.end(), [this](const LayerNode& part) {
          return plan_.node_is_free[static_cast<size_t>(part.node)] != 0;
        });
    if (is_free) {
      task->traffic = {};
      task->task_descriptors = 0;
    }
  }

  // How the file stores the second operand.
  StoredWeights WeightsOf(const ProgramNode& node) const {
    StoredWeights weights;
    if (node.inputs.size() < 2 || node.inputs[1] < 0) return weights;
    const auto& graph = net_.main_graph();
    const fbs::Tensor& tensor =
        *graph.tensors()->Get(static_cast<unsigned>(node.inputs[1]));
    if (tensor.constant() < 0) return weights;
    const fbs::Constant& constant = *net_.table().constants()->Get(
        static_cast<unsigned>(tensor.constant()));
    switch (constant.encoding()) {
      case fbs::Encoding::dense:
      case fbs::Encoding::uniform:
        break;
      case fbs::Encoding::palette:
        weights.format = constant.bits() <= 4 ? engine::WeightFormat::kPalette4
                                              : engine::WeightFormat::kPalette8;
        break;
      case fbs::Encoding::affine:  // 4 bits are a palette (N64)
        weights.format = constant.bits() <= 4 ? engine::WeightFormat::kPalette4
                                              : engine::WeightFormat::kInt8;
        break;
      case fbs::Encoding::blockwise:
        weights.format = engine::WeightFormat::kBlockwise;
        break;
      case fbs::Encoding::sparse:
        weights.format = engine::WeightFormat::kSparse;
        weights.density = DensityOf(constant, Value(node.inputs[1]));
        break;
    }
    return weights;
  }
  static double DensityOf(const fbs::Constant& constant,
                          const ProgramValue& value) {
    const auto elements =
        static_cast<double>(value.declared.shape.NumElements());
    if (constant.data() == nullptr || elements == 0) return 1;
    const auto stored = static_cast<DataType>(constant.stored());
    return std::min(1.0, static_cast<double>(constant.data()->size()) /
                             static_cast<double>(ElementSize(stored)) /
                             elements);
  }

  const Net& net_;
  const Program& program_;
  const PlanOptions& options_;
  std::vector<EngineWork> works_;
  std::vector<Layer> layers_;
  Plan plan_;
};

}  // namespace

Expected<Plan> BuildPlan(const Net& net, const Program& program,
                         const PlanOptions& options) {
  Expected<Plan> plan = Planner(net, program, options).Run();
  if (!plan.ok()) return plan.status().WithContext(net.name());
  return plan;
}

}  // namespace aneref
