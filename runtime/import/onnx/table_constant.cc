// Tensors made of nothing but attributes, shapes and scalars.
#include "runtime/core/convert.h"
#include "runtime/import/onnx/table.h"

namespace aneref::onnx {
namespace {

// Gives the node's output a constant; fails when there is none.
void EmitDraft(Lowering& node, std::optional<DraftConstant> constant) {
  if (!constant.has_value()) return;
  const DataType declared = node.Declared(constant->stored);
  node.EmitConstant(std::move(*constant), declared);
}

Shape VectorShape(size_t size) { return Shape{static_cast<int64_t>(size)}; }

void Constant(Lowering& node) {
  if (node.Has("value")) return EmitDraft(node, node.Tensor("value"));
  if (node.Has("sparse_value"))
    return EmitDraft(node, node.SparseTensor("sparse_value"));
  if (node.Has("value_float"))
    return EmitDraft(node,
                     MakeFloats(Shape(), {node.Float("value_float", 0.0f)}));
  if (node.Has("value_int"))
    return EmitDraft(node, MakeInts(Shape(), {node.Int("value_int", 0)}));
  if (node.Has("value_floats")) {
    const std::vector<float> values = node.Floats("value_floats");
    return EmitDraft(node, MakeFloats(VectorShape(values.size()), values));
  }
  if (node.Has("value_ints")) {
    const std::vector<int64_t> values = node.Ints("value_ints");
    return EmitDraft(node, MakeInts(VectorShape(values.size()), values));
  }
  if (node.Has("value_string") || node.Has("value_strings"))
    return node.Refuse("with strings");
  node.Fail(InvalidFile("", "attribute 'value' is missing"));
}

// Of 2017.
void GivenTensorFill(Lowering& node) {
  const std::vector<float> values = node.Floats("values");
  const Expected<Shape> shape = MakeShape(node.Ints("shape"));
  if (!shape.ok()) return node.Fail(shape.status());
  if (node.HasIn(0) ||
      static_cast<size_t>(shape->NumElements()) != values.size())
    return node.Refuse("unless attribute 'shape' fits attribute 'values'");
  EmitDraft(node, MakeFloats(*shape, values));
}

void ConstantOfShape(Lowering& node) {
  fbs::GenerateT fill;
  fill.kind = fbs::GenerateKind::fill;
  fill.dtype = static_cast<fbs::DataType>(node.Declared(DataType::kFloat32));
  if (node.Has("value")) {
    const std::optional<DraftConstant> value = node.Tensor("value");
    if (!value.has_value()) return;
    if (value->shape.NumElements() != 1)
      return node.Fail(
          InvalidFile("", "attribute 'value' must have one element"));
    fill.dtype = static_cast<fbs::DataType>(node.Declared(value->stored));
    ConvertElements(value->stored, value->bytes.data(), DataType::kFloat64,
                    &fill.value, 1);
    if (!IsFloating(value->stored))
      ConvertElements(value->stored, value->bytes.data(), DataType::kInt64,
                      &fill.int_value, 1);
  }
  node.EmitOut(std::move(fill), {node.In(0)});
}

void Range(Lowering& node) {
  fbs::GenerateT range;
  range.kind = fbs::GenerateKind::range;
  range.dtype = static_cast<fbs::DataType>(node.TypeOf(node.In(0)));
  node.EmitOut(std::move(range), node.Ins(0, 3));
}

void EyeLike(Lowering& node) {
  fbs::GenerateT eye;
  eye.kind = fbs::GenerateKind::eye_like;
  eye.diagonal = node.Int("k", 0);
  const DataType type = node.Has("dtype")
                            ? node.DeclaredOnnx(node.Int("dtype", 0))
                            : node.TypeOf(node.In(0));
  eye.dtype = static_cast<fbs::DataType>(type);
  node.EmitOut(std::move(eye), {node.In(0)});
}

constexpr LoweringRow kRows[] = {
    {"Constant", Constant},
    {"GivenTensorFill", GivenTensorFill},
    {"ConstantOfShape", ConstantOfShape},
    {"Range", Range},
    {"EyeLike", EyeLike},
};

}  // namespace

std::span<const LoweringRow> ConstantRows() { return kRows; }

}  // namespace aneref::onnx
