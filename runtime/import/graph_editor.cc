// See graph_editor.h.
#include "runtime/import/graph_editor.h"

#include <algorithm>

namespace aneref {

GraphEditor::GraphEditor(NetDraft* draft)
    : draft_(draft), links_(MainGraph(*draft).tensors.size()) {
  fbs::GraphT& graph = MainGraph(*draft);
  for (auto& node : graph.nodes) {
    for (int32_t tensor : node->inputs) {
      if (tensor >= 0)
        links_[static_cast<size_t>(tensor)].readers.push_back(node.get());
    }
    for (int32_t tensor : node->outputs) {
      if (tensor >= 0)
        links_[static_cast<size_t>(tensor)].producer = node.get();
    }
  }
  for (auto& port : graph.outputs)
    ++links_[static_cast<size_t>(port->tensor)].num_outputs;
}

fbs::NodeT* GraphEditor::NodeAt(size_t i) {
  fbs::NodeT* node = MainGraph(*draft_).nodes[i].get();
  return node->op.type == fbs::Op::NONE ? nullptr : node;
}

fbs::NodeT* GraphEditor::Producer(int32_t tensor) {
  return tensor < 0 ? nullptr : links_[static_cast<size_t>(tensor)].producer;
}

fbs::NodeT* GraphEditor::OnlyReader(int32_t tensor) {
  if (tensor < 0) return nullptr;
  const Links& links = links_[static_cast<size_t>(tensor)];
  return links.num_outputs == 0 && links.readers.size() == 1 ? links.readers[0]
                                                             : nullptr;
}

fbs::NodeT* GraphEditor::OnlyProducer(int32_t tensor, fbs::Op family) {
  fbs::NodeT* node = Producer(tensor);
  if (node == nullptr || node->op.type != family || node->outputs.size() != 1)
    return nullptr;
  return OnlyReader(tensor) != nullptr ? node : nullptr;
}

void GraphEditor::Unread(fbs::NodeT* node) {
  for (int32_t tensor : node->inputs) {
    if (tensor < 0) continue;
    std::vector<fbs::NodeT*>& readers =
        links_[static_cast<size_t>(tensor)].readers;
    const auto found = std::find(readers.begin(), readers.end(), node);
    if (found != readers.end()) readers.erase(found);
  }
}

void GraphEditor::SetInputs(fbs::NodeT* node, std::vector<int32_t> inputs) {
  changed_ = true;
  Unread(node);
  node->inputs = std::move(inputs);
  while (!node->inputs.empty() && node->inputs.back() < 0)
    node->inputs.pop_back();
  for (int32_t tensor : node->inputs) {
    if (tensor >= 0)
      links_[static_cast<size_t>(tensor)].readers.push_back(node);
  }
}

void GraphEditor::SetOutput(fbs::NodeT* node, size_t i, int32_t tensor) {
  changed_ = true;
  if (node->outputs[i] >= 0)
    links_[static_cast<size_t>(node->outputs[i])].producer = nullptr;
  node->outputs[i] = tensor;
  if (tensor >= 0) links_[static_cast<size_t>(tensor)].producer = node;
}

void GraphEditor::ReplaceReads(int32_t from, int32_t to) {
  const std::vector<fbs::NodeT*> readers =
      links_[static_cast<size_t>(from)].readers;
  for (fbs::NodeT* reader : readers) {
    std::vector<int32_t> inputs = reader->inputs;
    std::replace(inputs.begin(), inputs.end(), from, to);
    SetInputs(reader, std::move(inputs));
  }
}

void GraphEditor::Remove(fbs::NodeT* node) {
  changed_ = true;
  Unread(node);
  for (int32_t tensor : node->outputs) {
    if (tensor >= 0 && links_[static_cast<size_t>(tensor)].producer == node)
      links_[static_cast<size_t>(tensor)].producer = nullptr;
  }
  node->inputs.clear();
  node->outputs.clear();
  node->op.Reset();
}

void GraphEditor::JoinNames(const fbs::NodeT& from, fbs::NodeT* into) {
  for (const std::string& name : from.source_names) {
    if (std::find(into->source_names.begin(), into->source_names.end(), name) ==
        into->source_names.end())
      into->source_names.push_back(name);
  }
}

void GraphEditor::Absorb(fbs::NodeT* kept, fbs::NodeT* later) {
  JoinNames(*later, kept);
  const int32_t output = later->outputs[0];
  Remove(later);
  SetOutput(kept, 0, output);
}

int32_t GraphEditor::NewConstant(DataType dtype, DraftConstant constant) {
  links_.emplace_back();
  return AddConstant(draft_, "", dtype, std::move(constant));
}

bool GraphEditor::Finish() {
  auto& nodes = MainGraph(*draft_).nodes;
  std::erase_if(
      nodes, [](const auto& node) { return node->op.type == fbs::Op::NONE; });
  return changed_;
}

std::string SourceNames(const fbs::NodeT& node) {
  std::string text;
  for (const std::string& name : node.source_names)
    text += (text.empty() ? "\"" : ", \"") + name + "\"";
  return text.empty() ? "an unnamed " +
                            (node.source_op.empty() ? "node" : node.source_op)
                      : text;
}

}  // namespace aneref
