// See lowering.h.
#include "runtime/import/onnx/lowering.h"

#include <cstdint>

namespace aneref::onnx {
namespace {

// AttributeProto.AttributeType
constexpr int32_t kFloatAttribute = 1, kIntAttribute = 2, kStringAttribute = 3,
                  kTensorAttribute = 4, kFloatsAttribute = 6,
                  kIntsAttribute = 7, kStringsAttribute = 8;

const char* AttributeTypeName(int32_t type) {
  constexpr const char* kNames[] = {
      "undefined",        "a float", "an integer",       "a string",
      "a tensor",         "a graph", "a list of floats", "a list of integers",
      "a list of strings"};
  return type >= 0 && static_cast<size_t>(type) < std::size(kNames)
             ? kNames[type]
             : "of an unknown type";
}

}  // namespace

std::string DescribeSource(const NodeProto& node, int64_t opset) {
  const std::string domain = node.domain().empty() ? "ai.onnx" : node.domain();
  return "op \"" + domain + "::" + node.op_type() + "\" (node \"" +
         node.name() + "\", opset " + std::to_string(opset) + ")";
}

const AttributeProto* Resolve(const AttributeProto& attribute,
                              const AttributeMap* function_attributes) {
  if (attribute.ref_attr_name().empty()) return &attribute;
  if (function_attributes == nullptr) return nullptr;
  const auto found = function_attributes->find(attribute.ref_attr_name());
  return found == function_attributes->end() ? nullptr : found->second;
}

Lowering::Lowering(Session* session, const NodeProto& node, int64_t opset,
                   const AttributeMap* attributes, std::vector<int32_t> inputs,
                   std::vector<int32_t> outputs)
    : Emitter(session, node.op_type(), node.name()),
      session_(session),
      node_(node),
      opset_(opset),
      function_attributes_(attributes),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)) {}

std::vector<int32_t> Lowering::Ins(size_t from, size_t to) const {
  std::vector<int32_t> result;
  for (size_t i = from; i < to; ++i) result.push_back(In(i));
  return result;
}

const AttributeProto* Lowering::Find(const std::string& name) const {
  for (const AttributeProto& attribute : node_.attribute()) {
    if (attribute.name() == name)
      return Resolve(attribute, function_attributes_);
  }
  return nullptr;
}

const AttributeProto* Lowering::FindTyped(const std::string& name, int32_t type,
                                          bool present_by_field) {
  const AttributeProto* attribute = Find(name);
  if (attribute == nullptr) return nullptr;
  // Very old files leave the type out; then the field that is present decides.
  const bool fits =
      attribute->type() == type || (attribute->type() == 0 && present_by_field);
  if (fits) return attribute;
  Fail(InvalidFile("", "attribute '" + name + "' is " +
                           AttributeTypeName(attribute->type()) + ", must be " +
                           AttributeTypeName(type)));
  return nullptr;
}

int64_t Lowering::Int(const std::string& name, int64_t otherwise) {
  const AttributeProto* found = Find(name);
  const AttributeProto* attribute =
      FindTyped(name, kIntAttribute, found != nullptr && found->has_i());
  return attribute == nullptr ? otherwise : attribute->i();
}

int32_t Lowering::Int32(const std::string& name, int32_t otherwise) {
  const int64_t value = Int(name, otherwise);
  if (value >= INT32_MIN && value <= INT32_MAX)
    return static_cast<int32_t>(value);
  Fail(InvalidFile("", "attribute '" + name + "' is " + std::to_string(value) +
                           ", out of range"));
  return otherwise;
}

float Lowering::Float(const std::string& name, float otherwise) {
  const AttributeProto* found = Find(name);
  const AttributeProto* attribute =
      FindTyped(name, kFloatAttribute, found != nullptr && found->has_f());
  return attribute == nullptr ? otherwise : attribute->f();
}

std::string Lowering::String(const std::string& name,
                             const std::string& otherwise) {
  const AttributeProto* found = Find(name);
  const AttributeProto* attribute =
      FindTyped(name, kStringAttribute, found != nullptr && found->has_s());
  return attribute == nullptr ? otherwise : attribute->s();
}

std::vector<int64_t> Lowering::Ints(const std::string& name) {
  const AttributeProto* attribute = FindTyped(name, kIntsAttribute, true);
  if (attribute == nullptr) return {};
  return {attribute->ints().begin(), attribute->ints().end()};
}

std::vector<int32_t> Lowering::Ints32(const std::string& name) {
  std::vector<int32_t> result;
  for (int64_t value : Ints(name)) {
    if (value < INT32_MIN || value > INT32_MAX)
      Fail(InvalidFile("", "attribute '" + name + "' holds " +
                               std::to_string(value) + ", out of range"));
    result.push_back(static_cast<int32_t>(value));
  }
  return result;
}

std::vector<float> Lowering::Floats(const std::string& name) {
  const AttributeProto* attribute = FindTyped(name, kFloatsAttribute, true);
  if (attribute == nullptr) return {};
  return {attribute->floats().begin(), attribute->floats().end()};
}

std::vector<std::string> Lowering::Strings(const std::string& name) {
  const AttributeProto* attribute = FindTyped(name, kStringsAttribute, true);
  if (attribute == nullptr) return {};
  return {attribute->strings().begin(), attribute->strings().end()};
}

std::optional<DraftConstant> Lowering::Tensor(const std::string& name) {
  const AttributeProto* found = Find(name);
  const AttributeProto* attribute =
      FindTyped(name, kTensorAttribute, found != nullptr && found->has_t());
  if (attribute == nullptr) return std::nullopt;
  Expected<DraftConstant> constant =
      ReadTensor(attribute->t(), session_->external);
  if (constant.ok()) return std::move(constant).value();
  Fail(constant.status().WithContext("attribute '" + name + "'"));
  return std::nullopt;
}

std::optional<DraftConstant> Lowering::SparseTensor(const std::string& name) {
  const AttributeProto* found = Find(name);
  if (found == nullptr || !found->has_sparse_tensor()) {
    Fail(InvalidFile("", "attribute '" + name + "' must be a sparse tensor"));
    return std::nullopt;
  }
  Expected<DraftConstant> constant =
      ReadSparseTensor(found->sparse_tensor(), session_->external);
  if (constant.ok()) return std::move(constant).value();
  Fail(constant.status().WithContext("attribute '" + name + "'"));
  return std::nullopt;
}

void Lowering::Require(const std::string& name) {
  if (!Has(name)) Fail(InvalidFile("", "attribute '" + name + "' is missing"));
}

DataType Lowering::DeclaredOnnx(int64_t type) {
  const Expected<DataType> source =
      type < 0 || type > INT32_MAX
          ? Expected<DataType>(
                InvalidFile("", "element type " + std::to_string(type)))
          : SourceType(static_cast<int32_t>(type));
  if (source.ok()) return Declared(*source);
  Fail(source.status());
  return DataType::kFloat16;
}

}  // namespace aneref::onnx
