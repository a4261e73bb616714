// See fold_constants.h. Limits keep a hostile file from making the folder work
// or allocate without end.
#include "runtime/import/fold_constants.h"

#include <algorithm>
#include <cstring>

#include "runtime/graph/evaluate.h"

namespace aneref {
namespace {

constexpr size_t kMaxOutputBytes = size_t{256} << 20;
constexpr size_t kMaxFilledBytes = size_t{1} << 30;
constexpr size_t kMaxFoldedBytes = size_t{2} << 30;
constexpr double kMaxWork = 2e9;  // multiply-adds of one folded node

flatbuffers::DetachedBuffer PackNode(const fbs::NodeT& node) {
  flatbuffers::FlatBufferBuilder builder(512);
  builder.Finish(fbs::Node::Pack(builder, &node));
  return builder.Release();
}

bool GivesBool(fbs::ElementwiseKind kind) {
  return kind >= fbs::ElementwiseKind::equal &&
         kind <= fbs::ElementwiseKind::logical_xor;
}

bool GivesBool(fbs::ActivationKind kind) {
  return kind == fbs::ActivationKind::is_nan ||
         kind == fbs::ActivationKind::is_inf ||
         kind == fbs::ActivationKind::logical_not;
}

// How many elements are read for each element that is written, roughly.
double WorkPerElement(const fbs::NodeT& node,
                      const std::vector<OpView::Input>& inputs) {
  auto elements = [&](size_t i) {
    return i < inputs.size() && inputs[i].present
               ? static_cast<double>(inputs[i].type.shape.NumElements())
               : 1.0;
  };
  switch (node.op.type) {
    case fbs::Op::Matmul:
      return static_cast<double>(
          std::max<int64_t>(inputs[0].type.shape.back(), 1));
    case fbs::Op::Conv:
    case fbs::Op::ConvTranspose:
      return elements(1);
    case fbs::Op::Pool:
    case fbs::Op::Norm:
    case fbs::Op::Resample:
      return std::min(elements(0), 4096.0);
    default:
      return 1.0;
  }
}

// Families whose every output extent is a constant or grows with the input's:
// an extent that two stand-ins agree on is a constant.
bool GrowsWithInput(const fbs::NodeT& node) {
  switch (node.op.type) {
    case fbs::Op::Reshape:
      return node.op.AsReshape()->kind == fbs::ReshapeKind::squeeze ||
             node.op.AsReshape()->kind == fbs::ReshapeKind::unsqueeze;
    case fbs::Op::Conv:
    case fbs::Op::ConvTranspose:
    case fbs::Op::Matmul:
    case fbs::Op::Pool:
    case fbs::Op::Elementwise:
    case fbs::Op::Activation:
    case fbs::Op::Softmax:
    case fbs::Op::Norm:
    case fbs::Op::Reduce:
    case fbs::Op::Transpose:
    case fbs::Op::Concat:
    case fbs::Op::Pad:
    case fbs::Op::Select:
    case fbs::Op::Cast:
    case fbs::Op::Resample:
    case fbs::Op::Recurrent:
      return true;
    default:
      return false;
  }
}

}  // namespace

DataType OutputType(const NetDraft& draft, const fbs::NodeT& node,
                    size_t output) {
  auto input_type = [&](size_t i) {
    return i < node.inputs.size() && node.inputs[i] >= 0
               ? TypeOf(draft, node.inputs[i])
               : DataType::kFloat16;
  };
  switch (node.op.type) {
    case fbs::Op::Elementwise:
      return GivesBool(node.op.AsElementwise()->kind) ? DataType::kBool
                                                      : input_type(0);
    case fbs::Op::Activation:
      return GivesBool(node.op.AsActivation()->kind) ? DataType::kBool
                                                     : input_type(0);
    case fbs::Op::Reduce:
      return node.op.AsReduce()->kind >= fbs::ReduceKind::arg_max
                 ? DataType::kInt64
                 : input_type(0);
    case fbs::Op::Pool:
      return output == 1 ? DataType::kInt64 : input_type(0);
    case fbs::Op::Select:
      return input_type(1);
    case fbs::Op::Cast:
      return static_cast<DataType>(node.op.AsCast()->to);
    case fbs::Op::Generate: {
      const fbs::GenerateT& table = *node.op.AsGenerate();
      if (table.kind == fbs::GenerateKind::range) return input_type(0);
      const bool counts = table.kind == fbs::GenerateKind::shape ||
                          table.kind == fbs::GenerateKind::size;
      return counts ? DataType::kInt64 : static_cast<DataType>(table.dtype);
    }
    case fbs::Op::Control:  // the importers know what the bodies give
      return node.outputs[output] < 0 ? input_type(0)
                                      : TypeOf(draft, node.outputs[output]);
    default:
      return input_type(0);
  }
}

bool ConstantFolder::GatherInputs(const fbs::NodeT& node) {
  inputs_.assign(node.inputs.size(), OpView::Input{});
  all_static_ = true;
  all_known_ = std::all_of(
      node.inputs.begin(), node.inputs.end(),
      [&](int32_t input) { return input < 0 || IsConstant(draft_, input); });
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] < 0) continue;
    const fbs::TensorT& tensor = TensorAt(draft_, node.inputs[i]);
    OpView::Input& input = inputs_[i];
    input.present = true;
    input.type.dtype = static_cast<DataType>(tensor.dtype);
    const std::optional<Shape> shape = StaticShape(tensor);
    if (shape.has_value()) input.type.shape = *shape;
    all_static_ = all_static_ && shape.has_value();
    if (tensor.constant < 0) continue;
    const DraftConstant& constant = ConstantOf(draft_, node.inputs[i]);
    // Large floats decide no shape: they stay in their file until they are
    // folded. A reshape only passes them on.
    const bool is_passed_on = node.op.type == fbs::Op::Reshape && i == 0;
    if (constant.bytes.is_deferred() && (!all_known_ || is_passed_on)) continue;
    // Views are not const; nothing writes through a known input.
    auto* data = const_cast<std::byte*>(constant.bytes.data());
    input.known = DenseView(TensorType{constant.stored, constant.shape},
                            constant.bytes.empty() ? nullptr : data);
  }
  return all_static_;
}

// The one op that needs no value to give one: shape (and size) of a static
// tensor.
bool ConstantFolder::FoldShape(const fbs::NodeT& node) {
  if (node.op.type != fbs::Op::Generate || inputs_.empty() ||
      !inputs_[0].present)
    return false;
  const fbs::GenerateT& table = *node.op.AsGenerate();
  const Shape& shape = inputs_[0].type.shape;
  if (table.kind == fbs::GenerateKind::size) {
    SetConstant(&draft_, node.outputs[0],
                MakeInts(Shape(), {shape.NumElements()}));
    return true;
  }
  if (table.kind != fbs::GenerateKind::shape) return false;
  const auto rank = static_cast<int64_t>(shape.rank());
  auto clamp = [&](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  std::vector<int64_t> dims;
  for (int64_t i = clamp(table.start); i < clamp(table.end); ++i)
    dims.push_back(shape[static_cast<size_t>(i)]);
  SetConstant(&draft_, node.outputs[0],
              MakeInts(Shape{static_cast<int64_t>(dims.size())}, dims));
  return true;
}

// One element is folded, the rest is its repetition.
bool ConstantFolder::FoldFill(const fbs::NodeT& node, const fbs::Node& packed,
                              const TensorType& type) {
  constexpr size_t kSmall = 4096;
  if (node.op.type != fbs::Op::Generate ||
      node.op.AsGenerate()->kind != fbs::GenerateKind::fill || !all_known_ ||
      node.outputs[0] < 0)
    return false;
  int64_t one = 1;
  OpView::Input extents;
  extents.present = true;
  extents.type = {DataType::kInt64, Shape{1}};
  extents.known = DenseView(extents.type, reinterpret_cast<std::byte*>(&one));
  const Expected<std::vector<OwnedTensor>> value =
      EvaluateNode(packed, {&extents, 1}, kSmall);
  if (!value.ok()) return false;
  const DataType stored = (*value)[0].type.dtype;
  const size_t bytes = DenseBytes({stored, type.shape});
  if (bytes <= kSmall || bytes > kMaxFilledBytes ||
      folded_bytes_ >= kMaxFoldedBytes)
    return false;
  folded_bytes_ += bytes;
  const std::byte* element = (*value)[0].bytes.get();
  SetConstant(
      &draft_, node.outputs[0],
      {stored, type.shape,
       DraftBytes::Repeated({element, element + ElementSize(stored)}, bytes)});
  return true;
}

// The elements stay where they are.
bool ConstantFolder::FoldReshape(const fbs::NodeT& node,
                                 const TensorType& type) {
  if (node.op.type != fbs::Op::Reshape || !all_known_ || node.outputs[0] < 0 ||
      folded_bytes_ >= kMaxFoldedBytes)
    return false;
  DraftConstant constant = ConstantOf(draft_, node.inputs[0]);
  if (constant.compressed != nullptr ||
      constant.shape.NumElements() != type.shape.NumElements())
    return false;
  constant.shape = type.shape;
  folded_bytes_ += constant.bytes.size();
  SetConstant(&draft_, node.outputs[0], std::move(constant));
  return true;
}

bool ConstantFolder::WorthFolding(const fbs::NodeT& node) const {
  // Folded, a compressed constant would grow to its dense size.
  constexpr size_t kSmall = 4096;
  for (int32_t tensor : node.inputs) {
    if (tensor < 0) continue;
    const DraftConstant& constant = ConstantOf(draft_, tensor);
    if (constant.compressed != nullptr && constant.bytes.size() > kSmall)
      return false;
  }
  double elements = 0;
  for (int32_t tensor : node.outputs) {
    if (tensor < 0) continue;
    const std::optional<Shape> shape = StaticShape(TensorAt(draft_, tensor));
    if (!shape.has_value()) return false;
    elements += static_cast<double>(shape->NumElements());
    const TensorType type{TypeOf(draft_, tensor), *shape};
    if (DenseBytes(type) > kMaxOutputBytes) return false;
  }
  return folded_bytes_ < kMaxFoldedBytes &&
         elements * WorkPerElement(node, inputs_) <= kMaxWork;
}

// The types of the outputs with stand-ins for the extents that are open.
std::optional<std::vector<TensorType>> ConstantFolder::InferWith(
    const fbs::NodeT& node, const fbs::Node& packed, int64_t stand_in) {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!inputs_[i].present) continue;
    const fbs::TensorT& tensor = TensorAt(draft_, node.inputs[i]);
    if (!tensor.has_shape) return std::nullopt;
    std::vector<int64_t> dims = tensor.shape;
    std::replace(dims.begin(), dims.end(), int64_t{-1}, stand_in);
    Expected<Shape> shape = MakeShape(dims);
    if (!shape.ok()) return std::nullopt;
    inputs_[i].type.shape = *shape;
  }
  const Expected<std::vector<TensorType>> types = InferNode(packed, inputs_);
  if (!types.ok()) return std::nullopt;
  return *types;
}

// A rank does not depend on extents, so stand-ins for the dynamic ones give it.
// (A squeeze of all ones is the exception.)
void ConstantFolder::LearnRank(const fbs::NodeT& node,
                               const fbs::Node& packed) {
  constexpr int64_t kStandIn = 64, kOther = 96;
  if (node.op.type == fbs::Op::Reshape) {
    const fbs::ReshapeT& table = *node.op.AsReshape();
    if (table.kind == fbs::ReshapeKind::squeeze && table.axes.empty() &&
        node.inputs.size() < 2)
      return;
  }
  const auto types = InferWith(node, packed, kStandIn);
  if (!types.has_value()) return;
  std::optional<std::vector<TensorType>> others;
  if (GrowsWithInput(node)) others = InferWith(node, packed, kOther);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] < 0) continue;
    const Shape& shape = (*types)[i].shape;
    fbs::TensorT& tensor = TensorAt(draft_, node.outputs[i]);
    tensor.shape.assign(shape.rank(), -1);
    tensor.has_shape = true;
    if (!others.has_value()) continue;
    for (size_t axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] == (*others)[i].shape[axis])
        tensor.shape[axis] = shape[axis];
    }
  }
}

bool ConstantFolder::Visit(const fbs::NodeT& node) {
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] < 0) continue;
    TensorAt(draft_, node.outputs[i]).dtype =
        static_cast<fbs::DataType>(OutputType(draft_, node, i));
  }
  const bool is_static = GatherInputs(node);
  const flatbuffers::DetachedBuffer buffer = PackNode(node);
  const fbs::Node& packed = *flatbuffers::GetRoot<fbs::Node>(buffer.data());
  if (!is_static) {
    LearnRank(node, packed);
    return false;
  }
  const Expected<std::vector<TensorType>> types = InferNode(packed, inputs_);
  if (!types.ok()) return false;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] < 0) continue;
    TensorAt(draft_, node.outputs[i]).dtype =
        static_cast<fbs::DataType>((*types)[i].dtype);
    SetStaticShape(&TensorAt(draft_, node.outputs[i]), (*types)[i].shape);
  }
  if (FoldShape(node) || FoldReshape(node, (*types)[0]) ||
      FoldFill(node, packed, (*types)[0]))
    return true;
  if (!all_known_ || !WorthFolding(node)) return false;
  Expected<std::vector<OwnedTensor>> values =
      EvaluateNode(packed, inputs_, kMaxOutputBytes);
  if (!values.ok()) return false;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] < 0) continue;
    const OwnedTensor& value = (*values)[i];
    DraftConstant constant{value.type.dtype, value.type.shape, {}};
    constant.bytes.assign(value.bytes.get(),
                          value.bytes.get() + DenseBytes(value.type));
    folded_bytes_ += constant.bytes.size();
    SetConstant(&draft_, node.outputs[i], std::move(constant));
  }
  return true;
}

}  // namespace aneref
