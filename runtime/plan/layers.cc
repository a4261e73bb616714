// See layers.h.
#include "runtime/plan/layers.h"

namespace aneref {
namespace {

// Declared types of a node's operands and results, as a slice sees them.
struct DeclaredView {
  std::vector<OpView::Input> inputs;
  std::vector<TensorType> outputs;

  DeclaredView(const Program& program, const ProgramNode& node)
      : inputs(OperandsOf(program, node, /*in_memory=*/false)) {
    for (int32_t value : node.outputs) {
      outputs.push_back(
          value < 0 ? TensorType{}
                    : program.values[static_cast<size_t>(value)].declared);
    }
  }
  OpView View(const ProgramNode& node) const {
    return OpView(*node.node, inputs, outputs);
  }
};

class Fuser {
 public:
  Fuser(const Program& program, std::span<const EngineWork> works,
        std::span<const uint8_t> on_host)
      : program_(program), works_(works), on_host_(on_host) {
    num_uses_.assign(program.values.size(), 0);
    maker_.assign(program.values.size(), -1);
    for (const ProgramNode& node : program.nodes) {
      for (int32_t value : node.inputs) {
        if (value >= 0) ++num_uses_[static_cast<size_t>(value)];
      }
    }
    for (int32_t output : program.outputs)
      num_uses_[static_cast<size_t>(output)] += 2;  // never the only user
  }

  std::vector<Layer> Run() {
    for (size_t i = 0; i < program_.nodes.size(); ++i) {
      const auto node = static_cast<int32_t>(i);
      if (!EnterLayerBefore(node) && !TakePadding(node)) Open(node);
    }
    std::vector<Layer> kept;
    for (Layer& layer : layers_) {
      if (!layer.nodes.empty()) kept.push_back(std::move(layer));
    }
    return kept;
  }

 private:
  const ProgramNode& Node(int32_t index) const {
    return program_.nodes[static_cast<size_t>(index)];
  }
  bool IsOnEngine(int32_t node) const {
    const auto index = static_cast<size_t>(node);
    return works_[index].on_engine && (on_host_.empty() || !on_host_[index]);
  }

  // The layer that makes the value; -1 when it is an input or known.
  int32_t LayerOf(int32_t value) const {
    return value < 0 ? -1 : maker_[static_cast<size_t>(value)];
  }
  void Record(int32_t node, int32_t layer) {
    for (int32_t value : Node(node).outputs) {
      if (value >= 0) maker_[static_cast<size_t>(value)] = layer;
    }
  }

  void Open(int32_t node) {
    Layer layer;
    layer.main = node;
    layer.nodes.push_back({node, LayerRole::kMain, {}});
    layer.work = works_[static_cast<size_t>(node)];
    layer.work.on_engine = IsOnEngine(node);
    layers_.push_back(std::move(layer));
    slots_.emplace_back();
    Record(node, static_cast<int32_t>(layers_.size()) - 1);
  }

  // E11: a node that directly follows a layer and is its only user.
  bool EnterLayerBefore(int32_t node) {
    if (!IsOnEngine(node)) return false;
    const ProgramNode& step = Node(node);
    const DeclaredView declared(program_, step);
    if (step.outputs.size() != 1) return false;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const int32_t value = step.inputs[i];
      const int32_t index = LayerOf(value);
      if (index < 0 || num_uses_[static_cast<size_t>(value)] != 1) continue;
      Layer& layer = layers_[static_cast<size_t>(index)];
      if (!layer.work.on_engine || layer.work.moves_only) continue;
      if (HasOtherLiveOperand(step, i)) continue;
      const engine::FusionKind kind =
          FollowerKind(declared.View(step), i, layer.work.channel_axis);
      engine::SlotsUsed& used = slots_[static_cast<size_t>(index)];
      const engine::Fusion fusion = engine::FuseInto(used, kind);
      if (fusion.result != engine::FusionResult::kSlot) continue;
      engine::Take(fusion, kind, &used);
      layer.nodes.push_back({node, LayerRole::kSlot, fusion.slot});
      Record(node, index);
      return true;
    }
    return false;
  }
  // A second live operand would have to be there before the layer runs.
  bool HasOtherLiveOperand(const ProgramNode& step, size_t data_input) const {
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (i == data_input || step.inputs[i] < 0) continue;
      if (!program_.values[static_cast<size_t>(step.inputs[i])].is_known)
        return true;
    }
    return false;
  }

  // E11: a convolution swallows the constant padding in front of it, when that
  // has a layer of its own and no other user.
  bool TakePadding(int32_t node) {
    const EngineWork& work = works_[static_cast<size_t>(node)];
    if (!IsOnEngine(node) || !work.conv.has_value()) return false;
    const int32_t value = Node(node).inputs[0];
    const int32_t index = LayerOf(value);
    if (index < 0 || num_uses_[static_cast<size_t>(value)] != 1) return false;
    Layer& pad = layers_[static_cast<size_t>(index)];
    if (pad.nodes.size() != 1 || !IsZeroPadding(pad.main)) return false;
    const int32_t pad_node = pad.main;
    pad.nodes.clear();
    Open(node);
    layers_.back().nodes.insert(layers_.back().nodes.begin(),
                                {pad_node, LayerRole::kPadding, {}});
    return true;
  }
  bool IsZeroPadding(int32_t node) const {
    if (!IsOnEngine(node) || Node(node).node->op_type() != fbs::Op::Pad)
      return false;
    const DeclaredView declared(program_, Node(node));
    const OpView view = declared.View(Node(node));
    const auto& pad = view.attributes<fbs::Pad>();
    if (pad.fill() != fbs::PadFill::constant) return false;
    if (!view.HasInput(2)) return pad.value() == 0.0f;
    const Expected<std::vector<float>> value = view.KnownFloats(2, 1);
    return value.ok() && value.value().size() == 1 && value.value()[0] == 0.0f;
  }

  const Program& program_;
  std::span<const EngineWork> works_;
  std::span<const uint8_t> on_host_;
  std::vector<int> num_uses_;   // per value
  std::vector<int32_t> maker_;  // layer per value
  std::vector<Layer> layers_;
  std::vector<engine::SlotsUsed> slots_;  // per layer
};

}  // namespace

const char* LayerRoleName(LayerRole role) {
  switch (role) {
    case LayerRole::kMain:
      return "main";
    case LayerRole::kPadding:
      return "padding";
    case LayerRole::kSlot:
      return "slot";
  }
  return "";
}

const char* SlotName(engine::Slot slot) {
  static constexpr const char* kNames[engine::kNumSlots] = {
      "texture",         "broadcast", "pre_activation", "gain",
      "post_activation", "transpose", "requantize"};
  return kNames[static_cast<int>(slot)];
}

std::vector<EngineWork> DescribeNodes(const Program& program) {
  std::vector<EngineWork> works;
  works.reserve(program.nodes.size());
  for (const ProgramNode& node : program.nodes)
    works.push_back(DescribeWork(DeclaredView(program, node).View(node)));
  return works;
}

std::vector<Layer> FuseLayers(const Program& program,
                              std::span<const EngineWork> works,
                              std::span<const uint8_t> on_host) {
  return Fuser(program, works, on_host).Run();
}

}  // namespace aneref
