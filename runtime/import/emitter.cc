// See emitter.h.
#include "runtime/import/emitter.h"

#include <algorithm>

#include "runtime/core/convert.h"

namespace aneref {

DataType DeclaredType(DataType source, Precision precision) {
  return precision == Precision::kFp16 && IsFloating(source)
             ? DataType::kFloat16
             : source;
}

void Emitter::Refuse(const std::string& what) {
  Fail(Unsupported("is not supported " + what));
}

DataType Emitter::TypeOf(int32_t tensor) const {
  return tensor < 0 ? DataType::kFloat16
                    : aneref::TypeOf(*context_->draft, tensor);
}

std::optional<size_t> Emitter::Rank(int32_t tensor) const {
  if (tensor < 0) return std::nullopt;
  return RankOf(TensorAt(*context_->draft, tensor));
}

std::optional<Shape> Emitter::Static(int32_t tensor) const {
  if (tensor < 0) return std::nullopt;
  return StaticShape(TensorAt(*context_->draft, tensor));
}

std::optional<std::vector<int64_t>> Emitter::KnownInts(int32_t tensor) const {
  if (!IsKnown(tensor)) return std::nullopt;
  return aneref::ConstantInts(*context_->draft, tensor);
}

std::optional<std::vector<float>> Emitter::KnownFloats(int32_t tensor) const {
  if (!IsKnown(tensor)) return std::nullopt;
  return aneref::ConstantFloats(*context_->draft, tensor);
}

int32_t Emitter::NewTensor() {
  context_->defined.push_back(false);
  return AddTensor(context_->draft, "", DataType::kFloat16);
}

void Emitter::EmitNode(std::unique_ptr<fbs::NodeT> node,
                       std::vector<int32_t> inputs,
                       std::vector<int32_t> outputs) {
  if (!status_.ok()) return;
  while (!inputs.empty() && inputs.back() < 0) inputs.pop_back();
  if (outputs.empty() || std::all_of(outputs.begin(), outputs.end(),
                                     [](int32_t tensor) { return tensor < 0; }))
    return;  // nobody can see what it computes
  node->name = source_name_;
  node->source_op = source_op_;
  if (!source_name_.empty()) node->source_names.push_back(source_name_);
  node->inputs = std::move(inputs);
  node->outputs = std::move(outputs);
  for (int32_t tensor : node->outputs) {
    if (tensor >= 0) context_->defined[static_cast<size_t>(tensor)] = true;
  }
  if (context_->folder.Visit(*node)) return;
  MainGraph(*context_->draft).nodes.push_back(std::move(node));
}

int32_t Emitter::ConstantInts(const std::vector<int64_t>& values) {
  context_->defined.push_back(true);
  return AddConstant(
      context_->draft, "", DataType::kInt64,
      MakeInts(Shape{static_cast<int64_t>(values.size())}, values));
}

int32_t Emitter::ConstantFloats(DataType dtype, const Shape& shape,
                                const std::vector<float>& values) {
  context_->defined.push_back(true);
  return AddConstant(context_->draft, "", dtype, MakeFloats(shape, values));
}

int32_t Emitter::Scalar(DataType dtype, double value) {
  const DataType stored =
      dtype == DataType::kFloat16 ? DataType::kFloat32 : dtype;
  DraftConstant constant{stored, Shape(),
                         std::vector<std::byte>(ElementSize(stored))};
  ConvertElements(DataType::kFloat64, &value, stored, constant.bytes.data(), 1);
  context_->defined.push_back(true);
  return AddConstant(context_->draft, "", dtype, std::move(constant));
}

void Emitter::DefineConstant(int32_t tensor, DraftConstant constant,
                             DataType declared) {
  if (!status_.ok() || tensor < 0) return;
  TensorAt(*context_->draft, tensor).dtype =
      static_cast<fbs::DataType>(declared);
  context_->defined[static_cast<size_t>(tensor)] = true;
  SetConstant(context_->draft, tensor, std::move(constant));
}

}  // namespace aneref
