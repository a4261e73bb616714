// Who makes and who reads each tensor of a draft's graph, kept right while
// passes rewrite it. Removed nodes stay in place, emptied, until Finish() takes
// them out.
#ifndef ANEREF_RUNTIME_IMPORT_GRAPH_EDITOR_H_
#define ANEREF_RUNTIME_IMPORT_GRAPH_EDITOR_H_

#include <string>
#include <vector>

#include "runtime/import/draft.h"

namespace aneref {

class GraphEditor {
 public:
  explicit GraphEditor(NetDraft* draft);

  NetDraft& draft() { return *draft_; }
  size_t num_nodes() const { return MainGraph(*draft_).nodes.size(); }
  // Null when the node was removed.
  fbs::NodeT* NodeAt(size_t i);

  // The node that computes the tensor; null for inputs, constants and absent
  // tensors.
  fbs::NodeT* Producer(int32_t tensor);
  // Its producer when that is of the given family, gives only this tensor and
  // nobody but one node reads it.
  fbs::NodeT* OnlyProducer(int32_t tensor, fbs::Op family);
  // The one node that reads the tensor; null when there are more reads or it is
  // a graph output.
  fbs::NodeT* OnlyReader(int32_t tensor);
  const std::vector<fbs::NodeT*>& Readers(int32_t tensor) {
    return links_[static_cast<size_t>(tensor)].readers;
  }
  bool IsOutput(int32_t tensor) const {
    return links_[static_cast<size_t>(tensor)].num_outputs > 0;
  }
  bool IsConst(int32_t tensor) const { return IsConstant(*draft_, tensor); }

  void SetInputs(fbs::NodeT* node, std::vector<int32_t> inputs);
  void SetOutput(fbs::NodeT* node, size_t i, int32_t tensor);
  // All readers of `from` read `to` instead (graph outputs do not).
  void ReplaceReads(int32_t from, int32_t to);
  void Remove(fbs::NodeT* node);

  // `kept` takes over the place of `later` in the source: its names, its
  // output.
  void Absorb(fbs::NodeT* kept, fbs::NodeT* later);
  static void JoinNames(const fbs::NodeT& from, fbs::NodeT* into);
  void Note(const std::string& sentence) {
    draft_->net.import_notes.push_back(sentence);
  }

  int32_t NewConstant(DataType dtype, DraftConstant constant);
  // Takes removed nodes out. True when anything was changed since the editor
  // was made.
  bool Finish();

 private:
  struct Links {
    fbs::NodeT* producer = nullptr;
    std::vector<fbs::NodeT*> readers;  // once per read
    int num_outputs = 0;
  };
  void Unread(fbs::NodeT* node);

  NetDraft* draft_;
  std::vector<Links> links_;
  bool changed_ = false;
};

// The names of the source nodes a node stands for, quoted, for notes.
std::string SourceNames(const fbs::NodeT& node);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_IMPORT_GRAPH_EDITOR_H_
