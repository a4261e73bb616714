// Helpers shared by the slices: known values, conversion of whole tensors,
// broadcasting.
#include "ops/op.h"

#include <algorithm>
#include <memory>

#include "ops/data_shapes.h"
#include "runtime/core/convert.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

// Calls `row(pointer, index of its first element)` for each row of the view.
template <class Fn>
void ForEachRow(const TensorView& view, const Fn& row) {
  const int64_t rows = view.num_rows();
  if (view.width() == 0) return;
  for (int64_t r = 0; r < rows; ++r)
    row(view.Row<std::byte>(r), static_cast<size_t>(r * view.width()));
}

constexpr char kDataRule[] = "P21";

struct ReferenceArgs {
  Status (*reference)(const OpView&, const RefTensors&);
  const fbs::Node* node;
  std::vector<OpView::Input> inputs;
  std::vector<TensorType> outputs;
  const DeviceContext* device;
};

Status RunReference(const KernelCall& call, int64_t /*unit*/) {
  const auto& args = *static_cast<const ReferenceArgs*>(call.args);
  return args.reference(
      OpView(*args.node, args.inputs, args.outputs, args.device),
      RefTensors{call.in, call.out});
}
constexpr Kernel kReferenceKernel = {"reference", RunReference, RunReference};

}  // namespace

Status ShapeDependsOnData(const std::string& what, size_t input) {
  return Status(StatusCode::kUnsupported, kDataRule,
                "input " + std::to_string(input) +
                    " decides a shape but is computed from data; " + what +
                    " needs it before the run");
}

bool IsShapeDependsOnData(const Status& status) {
  return !status.ok() && status.rule() == kDataRule;
}

Expected<std::vector<int64_t>> OpView::KnownInts(size_t i,
                                                 size_t max_elements) const {
  if (!IsKnown(i)) return ShapeDependsOnData("the op", i);
  const auto count = static_cast<size_t>(In(i).shape.NumElements());
  if (count > max_elements)
    return LimitError("input " + std::to_string(i) +
                      " has too many elements for a shape");
  std::vector<int64_t> values(count);
  if (count > 0)
    ConvertElements(Known(i).dtype, Known(i).data, DataType::kInt64,
                    values.data(), count);
  return values;
}

Expected<std::vector<float>> OpView::KnownFloats(size_t i,
                                                 size_t max_elements) const {
  if (!IsKnown(i)) return ShapeDependsOnData("the op", i);
  const auto count = static_cast<size_t>(In(i).shape.NumElements());
  if (count > max_elements)
    return LimitError("input " + std::to_string(i) + " has too many elements");
  std::vector<float> values(count);
  if (count > 0)
    ConvertElements(Known(i).dtype, Known(i).data, DataType::kFloat32,
                    values.data(), count);
  return values;
}

Status CheckInputs(const OpView& op, size_t required, size_t most) {
  if (op.num_inputs() > most) {
    return ShapeError("has " + std::to_string(op.num_inputs()) +
                      " inputs, at most " + std::to_string(most) +
                      " are allowed");
  }
  for (size_t i = 0; i < required; ++i) {
    if (!op.HasInput(i))
      return ShapeError("input " + std::to_string(i) + " is missing");
  }
  return Status();
}

std::vector<float> LoadFloats(const TensorView& view) {
  std::vector<float> values(static_cast<size_t>(view.shape.NumElements()));
  ForEachRow(view, [&](std::byte* row, size_t first) {
    ConvertElements(view.dtype, row, DataType::kFloat32, values.data() + first,
                    static_cast<size_t>(view.width()));
  });
  return values;
}

std::vector<int64_t> LoadInts(const TensorView& view) {
  std::vector<int64_t> values(static_cast<size_t>(view.shape.NumElements()));
  ForEachRow(view, [&](std::byte* row, size_t first) {
    ConvertElements(view.dtype, row, DataType::kInt64, values.data() + first,
                    static_cast<size_t>(view.width()));
  });
  return values;
}

void StoreFloats(const std::vector<float>& values, const TensorView& view) {
  const auto width = static_cast<size_t>(view.width());
  ForEachRow(view, [&](std::byte* row, size_t first) {
    if (view.dtype != DataType::kFloat16) {
      ConvertElements(DataType::kFloat32, values.data() + first, view.dtype,
                      row, width);
      return;
    }
    auto* halves = reinterpret_cast<uint16_t*>(row);
    for (size_t i = 0; i < width; ++i) halves[i] = StoreHalf(values[first + i]);
  });
}

Expected<Shape> BroadcastShapes(const Shape& a, const Shape& b) {
  const size_t rank = std::max(a.rank(), b.rank());
  std::vector<int64_t> dims(rank);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t x = i + a.rank() < rank ? 1 : a[i + a.rank() - rank];
    const int64_t y = i + b.rank() < rank ? 1 : b[i + b.rank() - rank];
    if (x != y && x != 1 && y != 1) {
      return ShapeError("shapes " + a.ToString() + " and " + b.ToString() +
                        " do not broadcast");
    }
    dims[i] = x == 1 ? y : x;
  }
  return MakeShape(dims);
}

Status LowerToReference(const OpView& op,
                        Status (*reference)(const OpView&, const RefTensors&),
                        TaskBuilder* builder) {
  auto args = std::make_shared<ReferenceArgs>();
  args->reference = reference;
  args->node = &op.node();
  args->device = op.device();
  args->inputs.assign(op.inputs().begin(), op.inputs().end());
  TaskSpec task;
  task.kernel = &kReferenceKernel;
  for (size_t i = 0; i < op.num_inputs(); ++i)
    task.in.push_back(op.HasInput(i) ? InputOperand(i) : Operand{});
  for (size_t i = 0; i < op.num_outputs(); ++i) {
    args->outputs.push_back(op.Out(i));
    task.out.push_back(op.HasOutput(i) ? OutputOperand(i) : Operand{});
  }
  task.args = std::move(args);
  builder->Add(std::move(task));
  return Status();
}

}  // namespace aneref
