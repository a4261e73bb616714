// See lowering.h.
#include "runtime/import/coreml/mil/lowering.h"

#include <cstring>

namespace aneref::coreml::mil {
namespace {

std::string NameOf(const Operation& op) {
  const auto name = op.attributes().find("name");
  if (name != op.attributes().end()) {
    const auto& strings =
        name->second.immediatevalue().tensor().strings().values();
    if (!strings.empty()) return strings.Get(0);
  }
  return op.outputs_size() > 0 ? op.outputs(0).name() : std::string();
}

}  // namespace

std::string DescribeOperation(const Operation& op) {
  return "op \"" + op.type() + "\" (operation \"" + NameOf(op) + "\")";
}

Lowering::Lowering(EmitContext* context, Precision precision,
                   const Operation& op, const std::string& name,
                   ItemFinder find, std::vector<int32_t> outputs)
    : Emitter(context, op.type(), name.empty() ? NameOf(op) : name),
      emit_(context),
      precision_(precision),
      op_(op),
      find_(std::move(find)),
      outputs_(std::move(outputs)) {
  // Programs for iOS 16 keep operands of constexpr operations in attributes.
  for (const auto& [key, value] : op.attributes()) {
    if (key == "name" || key == "val") continue;
    *from_attributes_[key].add_arguments()->mutable_value() = value;
  }
}

const Argument* Lowering::FindArgument(const std::string& operand) const {
  const auto input = op_.inputs().find(operand);
  if (input != op_.inputs().end() && input->second.arguments_size() > 0)
    return &input->second;
  const auto attribute = from_attributes_.find(operand);
  return attribute == from_attributes_.end() ? nullptr : &attribute->second;
}

Item* Lowering::Find(const std::string& operand) {
  const Argument* argument = FindArgument(operand);
  if (argument == nullptr || !status().ok()) return nullptr;
  const Expected<Item*> item = find_(argument->arguments(0));
  if (item.ok()) return *item;
  Fail(item.status());
  return nullptr;
}

int32_t Lowering::TensorOf(const Argument::Binding& binding) {
  if (!status().ok()) return -1;
  const Expected<Item*> found = find_(binding);
  if (!found.ok()) {
    Fail(found.status());
    return -1;
  }
  Item& item = **found;
  if (item.tensor >= 0) return item.tensor;
  DraftConstant constant;
  DataType declared = item.declared;
  if (item.constant != nullptr) {
    constant = *item.constant;
  } else if (item.raw != nullptr && item.raw->type != kTypeString) {
    Expected<DraftConstant> dense = ToDense(*item.raw);
    if (!dense.ok()) {
      Fail(dense.status());
      return -1;
    }
    constant = std::move(dense).value();
    declared = Declared(constant.stored);
  } else {
    Refuse("with an operand that is no tensor");
    return -1;
  }
  emit_->defined.push_back(true);
  const std::string name = binding.has_name() ? binding.name() : "";
  item.tensor = AddConstant(emit_->draft, name, declared, std::move(constant));
  return item.tensor;
}

int32_t Lowering::In(const std::string& operand) {
  const Argument* argument = FindArgument(operand);
  return argument == nullptr ? -1 : TensorOf(argument->arguments(0));
}

int32_t Lowering::Need(const std::string& operand) {
  if (!Has(operand))
    Fail(InvalidFile("", "operand '" + operand + "' is missing"));
  return In(operand);
}

std::vector<int32_t> Lowering::All(const std::string& operand) {
  std::vector<int32_t> tensors;
  const Argument* argument = FindArgument(operand);
  if (argument == nullptr) return tensors;
  for (const Argument::Binding& binding : argument->arguments())
    tensors.push_back(TensorOf(binding));
  return tensors;
}

size_t Lowering::Count(const std::string& operand) const {
  const Argument* argument = FindArgument(operand);
  return argument == nullptr ? 0
                             : static_cast<size_t>(argument->arguments_size());
}

bool Lowering::IsText(const std::string& operand, size_t i) {
  const Argument* argument = FindArgument(operand);
  if (argument == nullptr || !status().ok()) return false;
  const Expected<Item*> item = find_(argument->arguments(static_cast<int>(i)));
  return item.ok() && (*item)->raw != nullptr &&
         (*item)->raw->type == kTypeString;
}

int32_t Lowering::Part(const std::string& operand, size_t i) {
  const Argument* argument = FindArgument(operand);
  return argument == nullptr
             ? -1
             : TensorOf(argument->arguments(static_cast<int>(i)));
}

std::vector<int64_t> Lowering::Ints(const std::string& operand) {
  if (!Has(operand)) return {};
  const auto known = KnownInts(In(operand));
  if (known.has_value()) return *known;
  Refuse("with a computed '" + operand + "'");
  return {};
}

std::vector<int32_t> Lowering::Ints32(const std::string& operand) {
  std::vector<int32_t> result;
  for (int64_t value : Ints(operand)) {
    if (value < INT32_MIN || value > INT32_MAX)
      Fail(InvalidFile("", "operand '" + operand + "' holds " +
                               std::to_string(value) + ", out of range"));
    result.push_back(static_cast<int32_t>(value));
  }
  return result;
}

int64_t Lowering::Int(const std::string& operand, int64_t otherwise) {
  const std::vector<int64_t> values = Ints(operand);
  return values.empty() ? otherwise : values[0];
}

int32_t Lowering::Int32(const std::string& operand, int32_t otherwise) {
  const std::vector<int32_t> values = Ints32(operand);
  return values.empty() ? otherwise : values[0];
}

std::vector<float> Lowering::Floats(const std::string& operand) {
  if (!Has(operand)) return {};
  const auto known = KnownFloats(In(operand));
  if (known.has_value()) return *known;
  Refuse("with a computed '" + operand + "'");
  return {};
}

float Lowering::Float(const std::string& operand, float otherwise) {
  const std::vector<float> values = Floats(operand);
  return values.empty() ? otherwise : values[0];
}

std::vector<std::string> Lowering::Strings(const std::string& operand) {
  const Item* item = Find(operand);
  if (item == nullptr || item->raw == nullptr) return {};
  return item->raw->strings;
}

std::string Lowering::String(const std::string& operand,
                             const std::string& otherwise) {
  const std::vector<std::string> strings = Strings(operand);
  return strings.empty() ? otherwise : strings[0];
}

int32_t Lowering::OutType(size_t i) const {
  if (i >= static_cast<size_t>(op_.outputs_size())) return 0;
  const ValueType& type = op_.outputs(static_cast<int>(i)).type();
  return type.has_tensortype() ? type.tensortype().datatype() : 0;
}

DataType Lowering::DeclaredNamed(const std::string& name) {
  for (int32_t type = kTypeBool; type <= kTypeFp8E5m2; ++type) {
    if (type == kTypeString || TypeName(type) != name) continue;
    const Expected<DataType> element = ElementType(type);
    if (element.ok() && BitsOf(type) >= 8) return Declared(*element);
  }
  Refuse("with type \"" + name + "\"");
  return DataType::kFloat16;
}

size_t Lowering::NeedRank(int32_t tensor) {
  const std::optional<size_t> rank = Rank(tensor);
  if (!rank.has_value()) Refuse("where the rank is not known before the run");
  return rank.value_or(0);
}

Shape Lowering::NeedStatic(int32_t tensor) {
  const std::optional<Shape> shape = Static(tensor);
  if (!shape.has_value()) Refuse("where the shape is not known before the run");
  return shape.value_or(Shape());
}

int32_t Lowering::Axis(int64_t axis, size_t rank) {
  const Expected<size_t> normal = NormalizeAxis(axis, rank);
  if (normal.ok()) return static_cast<int32_t>(*normal);
  Fail(normal.status());
  return 0;
}

int32_t Lowering::ReshapeTo(int32_t tensor, const std::vector<int64_t>& shape) {
  fbs::ReshapeT table;
  table.shape = shape;
  table.allow_zero = true;
  return EmitTemp(table, {tensor});
}

int32_t Lowering::Unsqueeze(int32_t tensor, const std::vector<int32_t>& axes) {
  if (axes.empty()) return tensor;
  fbs::ReshapeT table;
  table.kind = fbs::ReshapeKind::unsqueeze;
  table.axes = axes;
  return EmitTemp(table, {tensor});
}

int32_t Lowering::Squeeze(int32_t tensor, const std::vector<int32_t>& axes) {
  if (axes.empty()) return tensor;
  fbs::ReshapeT table;
  table.kind = fbs::ReshapeKind::squeeze;
  table.axes = axes;
  return EmitTemp(table, {tensor});
}

int32_t Lowering::TransposeTo(int32_t tensor,
                              const std::vector<int32_t>& perm) {
  fbs::TransposeT table;
  table.perm = perm;
  return EmitTemp(table, {tensor});
}

int32_t Lowering::Cast(int32_t tensor, DataType type) {
  return TypeOf(tensor) == type ? tensor : EmitTemp(CastTo(type), {tensor});
}

int32_t Lowering::PerChannel(int32_t vector, size_t rank) {
  std::vector<int32_t> axes;
  for (size_t i = 2; i < rank; ++i) axes.push_back(static_cast<int32_t>(i) - 1);
  return Unsqueeze(vector, axes);
}

void Lowering::Copy(int32_t tensor, size_t i) {
  EmitOut(Unary(fbs::ActivationKind::identity), {tensor}, i);
}

}  // namespace aneref::coreml::mil
