// Grows a draft for one source node at a time: typed emission of IR nodes,
// constants, and what is known of tensors. Shared by all importers; knows no
// source format. Errors stick: after the first one everything else is harmless.
#ifndef ANEREF_RUNTIME_IMPORT_EMITTER_H_
#define ANEREF_RUNTIME_IMPORT_EMITTER_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/import/draft.h"
#include "runtime/import/fold_constants.h"
#include "runtime/import/importer.h"

namespace aneref {

// What the source's type becomes under the asked precision: with kFp16 every
// floating type is float16.
DataType DeclaredType(DataType source, Precision precision);

// What emitting one graph shares.
struct EmitContext {
  NetDraft* draft;
  ConstantFolder folder;
  std::vector<bool> defined;  // per tensor: fed, constant, or computed by a
                              // node emitted so far
};

class Emitter {
 public:
  // `op` and `name` are the source's, kept in the emitted nodes.
  Emitter(EmitContext* context, std::string op, std::string name)
      : context_(context),
        source_op_(std::move(op)),
        source_name_(std::move(name)) {}

  const std::string& source_op() const { return source_op_; }
  const std::string& source_name() const { return source_name_; }

  const Status& status() const { return status_; }
  void Fail(const Status& status) {
    if (status_.ok()) status_ = status;
  }
  // A well-formed node that the IR cannot express: `what` follows "is not
  // supported".
  void Refuse(const std::string& what);

  // ---- what is known of tensors; -1 is an absent one ----
  DataType TypeOf(int32_t tensor) const;
  std::optional<size_t> Rank(int32_t tensor) const;
  std::optional<Shape> Static(int32_t tensor) const;
  bool IsKnown(int32_t tensor) const {
    return IsConstant(*context_->draft, tensor);
  }
  // Nothing when the tensor is absent or not constant.
  std::optional<std::vector<int64_t>> KnownInts(int32_t tensor) const;
  std::optional<std::vector<float>> KnownFloats(int32_t tensor) const;
  const NetDraft& draft() const { return *context_->draft; }

  // ---- emitting ----
  template <class Attributes>
  void Emit(Attributes attributes, std::vector<int32_t> inputs,
            std::vector<int32_t> outputs) {
    auto node = std::make_unique<fbs::NodeT>();
    node->op.Set(std::move(attributes));
    EmitNode(std::move(node), std::move(inputs), std::move(outputs));
  }
  // A value the source has no name for.
  template <class Attributes>
  int32_t EmitTemp(Attributes attributes, std::vector<int32_t> inputs) {
    const int32_t temp = NewTensor();
    Emit(std::move(attributes), std::move(inputs), {temp});
    return temp;
  }
  int32_t NewTensor();
  int32_t ConstantInts(const std::vector<int64_t>& values);
  // Of a floating type `dtype`.
  int32_t ConstantFloats(DataType dtype, const Shape& shape,
                         const std::vector<float>& values);
  // One element of rank 0, of any type.
  int32_t Scalar(DataType dtype, double value);
  // Gives `tensor`, which nothing computes yet, a value.
  void DefineConstant(int32_t tensor, DraftConstant constant,
                      DataType declared);

 protected:
  void EmitNode(std::unique_ptr<fbs::NodeT> node, std::vector<int32_t> inputs,
                std::vector<int32_t> outputs);

 private:
  EmitContext* context_;
  std::string source_op_;
  std::string source_name_;
  Status status_;
};

// ---- attribute tables that need no more than their arguments ----

inline fbs::ElementwiseT Binary(fbs::ElementwiseKind kind) {
  fbs::ElementwiseT table;
  table.kind = kind;
  return table;
}
inline fbs::ActivationT Unary(fbs::ActivationKind kind, double alpha = 0,
                              double beta = 0) {
  fbs::ActivationT table;
  table.kind = kind;
  table.alpha = alpha;
  table.beta = beta;
  return table;
}
inline fbs::CastT CastTo(DataType type) {
  fbs::CastT table;
  table.to = static_cast<fbs::DataType>(type);
  return table;
}

}  // namespace aneref

#endif  // ANEREF_RUNTIME_IMPORT_EMITTER_H_
