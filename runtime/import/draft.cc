// See draft.h.
#include "runtime/import/draft.h"

#include <algorithm>
#include <cstring>

#include "runtime/core/convert.h"

namespace aneref {
namespace {

template <class T>
DraftConstant MakeConstant(DataType stored, const Shape& shape,
                           const std::vector<T>& values) {
  ANEREF_CHECK(static_cast<size_t>(shape.NumElements()) == values.size());
  DraftConstant constant;
  constant.stored = stored;
  constant.shape = shape;
  constant.bytes.resize(values.size() * sizeof(T));
  if (!values.empty())
    std::memcpy(constant.bytes.data(), values.data(), constant.bytes.size());
  return constant;
}

template <class T>
std::vector<T> Converted(const DraftConstant& constant, DataType to) {
  std::vector<T> values(static_cast<size_t>(constant.shape.NumElements()));
  if (!values.empty())
    ConvertElements(constant.stored, constant.bytes.data(), to, values.data(),
                    values.size());
  return values;
}

}  // namespace

int32_t AddTensor(NetDraft* draft, const std::string& name, DataType dtype) {
  auto tensor = std::make_unique<fbs::TensorT>();
  tensor->name = name;
  tensor->dtype = static_cast<fbs::DataType>(dtype);
  MainGraph(*draft).tensors.push_back(std::move(tensor));
  return static_cast<int32_t>(MainGraph(*draft).tensors.size() - 1);
}

int32_t AddConstant(NetDraft* draft, const std::string& name, DataType dtype,
                    DraftConstant constant) {
  const int32_t tensor = AddTensor(draft, name, dtype);
  SetConstant(draft, tensor, std::move(constant));
  return tensor;
}

void SetConstant(NetDraft* draft, int32_t tensor, DraftConstant constant) {
  SetStaticShape(&TensorAt(*draft, tensor), constant.shape);
  TensorAt(*draft, tensor).constant =
      static_cast<int32_t>(draft->constants.size());
  draft->constants.push_back(std::move(constant));
}

DraftConstant MakeFloats(const Shape& shape, const std::vector<float>& values) {
  return MakeConstant(DataType::kFloat32, shape, values);
}

DraftConstant MakeInts(const Shape& shape, const std::vector<int64_t>& values) {
  return MakeConstant(DataType::kInt64, shape, values);
}

const DraftConstant& ConstantOf(const NetDraft& draft, int32_t tensor) {
  return draft.constants[static_cast<size_t>(TensorAt(draft, tensor).constant)];
}

std::vector<float> ConstantFloats(const NetDraft& draft, int32_t tensor) {
  return Converted<float>(ConstantOf(draft, tensor), DataType::kFloat32);
}

std::vector<int64_t> ConstantInts(const NetDraft& draft, int32_t tensor) {
  return Converted<int64_t>(ConstantOf(draft, tensor), DataType::kInt64);
}

std::optional<float> UniformFloat(const NetDraft& draft, int32_t tensor) {
  if (!IsConstant(draft, tensor) || !IsFloating(TypeOf(draft, tensor)))
    return std::nullopt;
  const DraftConstant& constant = ConstantOf(draft, tensor);
  const size_t size = ElementSize(constant.stored);
  const std::span<const std::byte> raw =
      constant.bytes.is_repeated()
          ? std::span<const std::byte>(constant.bytes.element())
          : constant.bytes.raw();
  if (raw.empty() ||
      std::memcmp(raw.data(), raw.data() + size, raw.size() - size) != 0) {
    return std::nullopt;
  }
  alignas(8) std::byte first[8] = {};
  std::copy_n(raw.begin(), size, first);
  float value = 0;
  ConvertElements(constant.stored, first, DataType::kFloat32, &value, 1);
  return value;
}

std::optional<Shape> StaticShape(const fbs::TensorT& tensor) {
  if (!tensor.has_shape) return std::nullopt;
  if (std::any_of(tensor.shape.begin(), tensor.shape.end(),
                  [](int64_t dim) { return dim < 0; }))
    return std::nullopt;
  Expected<Shape> shape = MakeShape(tensor.shape);
  if (!shape.ok()) return std::nullopt;
  return *shape;
}

std::optional<size_t> RankOf(const fbs::TensorT& tensor) {
  if (!tensor.has_shape) return std::nullopt;
  return tensor.shape.size();
}

void SetStaticShape(fbs::TensorT* tensor, const Shape& shape) {
  tensor->shape = shape.ToVector();
  tensor->has_shape = true;
  tensor->shape_names.clear();
}

int32_t AppendGraphs(NetDraft* draft, NetDraft body) {
  const auto first_graph = static_cast<int32_t>(draft->net.graphs.size());
  const auto first_constant = static_cast<int32_t>(draft->constants.size());
  for (auto& graph : body.net.graphs) {
    for (auto& tensor : graph->tensors) {
      if (tensor->constant >= 0) tensor->constant += first_constant;
    }
    for (auto& node : graph->nodes) {
      if (node->op.type != fbs::Op::Control) continue;
      for (int32_t& index : node->op.AsControl()->bodies) index += first_graph;
    }
    draft->net.graphs.push_back(std::move(graph));
  }
  for (DraftConstant& constant : body.constants)
    draft->constants.push_back(std::move(constant));
  return first_graph;
}

}  // namespace aneref
