// What a lowering function sees: one operation with its named operands, and the
// means to emit nodes of the IR for it.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_MIL_LOWERING_H_
#define ANEREF_RUNTIME_IMPORT_COREML_MIL_LOWERING_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/import/coreml/mil/compressed.h"
#include "runtime/import/emitter.h"

namespace aneref::coreml::mil {

// What a name of the program stands for.
struct Item {
  int32_t tensor = -1;  // of the draft; made on demand for values of the file
  std::shared_ptr<const RawValue> raw;
  std::shared_ptr<const DraftConstant> constant;  // result of a constexpr
  std::shared_ptr<const Masked> masked;
  int32_t state = -1;
  DataType declared = DataType::kFloat16;  // of a constexpr's result
};

// Finds operands: by name in scope, or values written in place.
using ItemFinder = std::function<Expected<Item*>(const Argument::Binding&)>;

class Lowering : public Emitter {
 public:
  Lowering(EmitContext* context, Precision precision, const Operation& op,
           const std::string& name, ItemFinder find,
           std::vector<int32_t> outputs);

  const Operation& op() const { return op_; }

  // ---- operands ----
  bool Has(const std::string& operand) const {
    return FindArgument(operand) != nullptr;
  }
  // The tensor; -1 where absent.
  int32_t In(const std::string& operand);
  // Fails where absent.
  int32_t Need(const std::string& operand);
  // Every binding of a tuple.
  std::vector<int32_t> All(const std::string& operand);
  // The length of a tuple, and whether a part of it is a text (a symbol that
  // stands for an unknown extent).
  size_t Count(const std::string& operand) const;
  bool IsText(const std::string& operand, size_t i);
  int32_t Part(const std::string& operand, size_t i);
  // What the operand stands for; null where absent (and after an error).
  Item* Find(const std::string& operand);

  // Operands that must be known when the model is imported: refused when they
  // are computed.
  int64_t Int(const std::string& operand, int64_t otherwise);
  int32_t Int32(const std::string& operand, int32_t otherwise);
  bool Bool(const std::string& operand, bool otherwise) {
    return Int(operand, otherwise ? 1 : 0) != 0;
  }
  float Float(const std::string& operand, float otherwise);
  std::string String(const std::string& operand, const std::string& otherwise);
  std::vector<std::string> Strings(const std::string& operand);
  std::vector<int64_t> Ints(const std::string& operand);
  std::vector<int32_t> Ints32(const std::string& operand);
  std::vector<float> Floats(const std::string& operand);

  // ---- results ----
  size_t num_outputs() const { return outputs_.size(); }
  int32_t Out(size_t i) const { return i < outputs_.size() ? outputs_[i] : -1; }
  // The declared MIL type of output i, 0 when it is no tensor.
  int32_t OutType(size_t i) const;
  template <class Attributes>
  void EmitOut(Attributes attributes, std::vector<int32_t> inputs,
               size_t i = 0) {
    Emit(std::move(attributes), std::move(inputs), {Out(i)});
  }
  DataType Declared(DataType source) const {
    return DeclaredType(source, precision_);
  }
  // The declared type of MIL's name "fp16", "int32"...
  DataType DeclaredNamed(const std::string& name);

  // ---- small things that many operations need ----
  // The rank; refuses where it is not known.
  size_t NeedRank(int32_t tensor);
  // The shape; refuses where an extent is not known before the run.
  Shape NeedStatic(int32_t tensor);
  // `axis` counted from the front.
  int32_t Axis(int64_t axis, size_t rank);
  int32_t ReshapeTo(int32_t tensor, const std::vector<int64_t>& shape);
  int32_t Unsqueeze(int32_t tensor, const std::vector<int32_t>& axes);
  int32_t Squeeze(int32_t tensor, const std::vector<int32_t>& axes);
  int32_t TransposeTo(int32_t tensor, const std::vector<int32_t>& perm);
  int32_t Cast(int32_t tensor, DataType type);
  int32_t Op(fbs::ElementwiseKind kind, int32_t x, int32_t y) {
    return EmitTemp(Binary(kind), {x, y});
  }
  // The same type as `like`.
  int32_t ScalarLike(int32_t like, double value) {
    return Scalar(TypeOf(like), value);
  }
  // A vector [C] laid over [N, C, spatial...] of rank `rank`.
  int32_t PerChannel(int32_t vector, size_t rank);
  // Copies a value to output i.
  void Copy(int32_t tensor, size_t i = 0);

 private:
  const Argument* FindArgument(const std::string& operand) const;
  int32_t TensorOf(const Argument::Binding& binding);

  EmitContext* emit_;
  Precision precision_;
  const Operation& op_;
  ItemFinder find_;
  std::vector<int32_t> outputs_;
  std::map<std::string, Argument> from_attributes_;
};

// 'op "conv" (operation "x_1")'.
std::string DescribeOperation(const Operation& op);

}  // namespace aneref::coreml::mil

#endif  // ANEREF_RUNTIME_IMPORT_COREML_MIL_LOWERING_H_
