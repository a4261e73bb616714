// What a lowering function sees: one source node with typed attributes, and the
// means to emit nodes of the IR for it. Errors stick: after the first one
// everything else is harmless, and the converter reports it.
#ifndef ANEREF_RUNTIME_IMPORT_ONNX_LOWERING_H_
#define ANEREF_RUNTIME_IMPORT_ONNX_LOWERING_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/import/emitter.h"
#include "runtime/import/onnx/tensors.h"

namespace aneref::onnx {

using AttributeMap = std::map<std::string, const AttributeProto*>;

// What lowering one model shares.
struct Session : EmitContext {
  Session(NetDraft* net, const ImportOptions& how, ExternalData* files)
      : EmitContext{net, ConstantFolder(net), {}},
        options(how),
        external(files) {}

  const ImportOptions& options;
  ExternalData* external;
  std::set<int32_t>
      four_bit;  // given 4-bit integers, which are held as 8-bit ones
};

class Lowering : public Emitter {
 public:
  // Tensors are indices into the draft, -1 where absent. `attributes` are those
  // of the function being inlined, for references; null outside of functions.
  Lowering(Session* session, const NodeProto& node, int64_t opset,
           const AttributeMap* attributes, std::vector<int32_t> inputs,
           std::vector<int32_t> outputs);

  const std::string& op_type() const { return node_.op_type(); }
  int64_t opset() const { return opset_; }

  size_t num_inputs() const { return inputs_.size(); }
  int32_t In(size_t i) const { return i < inputs_.size() ? inputs_[i] : -1; }
  bool HasIn(size_t i) const { return In(i) >= 0; }
  // Inputs from..to-1, absent ones as -1.
  std::vector<int32_t> Ins(size_t from, size_t to) const;
  size_t num_outputs() const { return outputs_.size(); }
  int32_t Out(size_t i) const { return i < outputs_.size() ? outputs_[i] : -1; }
  bool HasOut(size_t i) const { return Out(i) >= 0; }

  // ---- attributes ----
  const AttributeProto* Find(const std::string& name) const;
  bool Has(const std::string& name) const { return Find(name) != nullptr; }
  int64_t Int(const std::string& name, int64_t otherwise);
  int32_t Int32(const std::string& name, int32_t otherwise);
  float Float(const std::string& name, float otherwise);
  std::string String(const std::string& name, const std::string& otherwise);
  std::vector<int64_t> Ints(const std::string& name);
  std::vector<int32_t> Ints32(const std::string& name);
  std::vector<float> Floats(const std::string& name);
  std::vector<std::string> Strings(const std::string& name);
  std::optional<DraftConstant> Tensor(const std::string& name);
  std::optional<DraftConstant> SparseTensor(const std::string& name);
  // Refuses unless the attribute is present.
  void Require(const std::string& name);

  bool IsFourBit(int32_t tensor) const {
    return session_->four_bit.contains(tensor);
  }
  void SetFourBit(int32_t tensor) { session_->four_bit.insert(tensor); }

  // ---- emitting ----
  // The common case: the node's first output.
  template <class Attributes>
  void EmitOut(Attributes attributes, std::vector<int32_t> inputs) {
    Emit(std::move(attributes), std::move(inputs), {Out(0)});
  }
  void EmitConstant(DraftConstant constant, DataType declared) {
    DefineConstant(Out(0), std::move(constant), declared);
  }
  DataType Declared(DataType source) const {
    return OnnxDeclaredType(source, session_->options.precision);
  }
  // The declared type for an ONNX type number; fails for types that are not
  // supported.
  DataType DeclaredOnnx(int64_t type);

 private:
  const AttributeProto* FindTyped(const std::string& name, int32_t type,
                                  bool present_by_field);

  Session* session_;
  const NodeProto& node_;
  int64_t opset_;
  const AttributeMap* function_attributes_;
  std::vector<int32_t> inputs_;
  std::vector<int32_t> outputs_;
};

// The attribute itself, or the one of the caller that it refers to; null when
// that is absent.
const AttributeProto* Resolve(const AttributeProto& attribute,
                              const AttributeMap* function_attributes);

// 'op "Conv" (node "conv1", opset 13)', with the domain in front of the op's
// name.
std::string DescribeSource(const NodeProto& node, int64_t opset);

}  // namespace aneref::onnx

#endif  // ANEREF_RUNTIME_IMPORT_ONNX_LOWERING_H_
