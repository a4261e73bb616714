// Softmax, log-softmax and hardmax along one axis, or jointly over all axes
// from one to the last (P10). float64 tensors are computed in fp32 as the
// others and widened.
#include "ops/kernels/softmax.h"

#include "ops/op.h"

namespace aneref {
namespace {

constexpr int64_t kUnitBytes = 64 * 1024;

// Groups of a tensor, in elements: element k of group (o, i) is at (o * extent
// + k) * inner + i.
struct Geometry {
  size_t axis = 0;
  bool rows = false;  // groups are whole rows
  int64_t outer = 1;
  int64_t extent = 1;
  int64_t inner = 1;
};

Expected<Geometry> GeometryOf(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Softmax>();
  const Shape& shape = op.In(0).shape;
  Geometry geometry;
  ANEREF_ASSIGN(geometry.axis, NormalizeAxis(attributes.axis(), shape.rank()));
  const size_t last = attributes.to_end() ? shape.rank() : geometry.axis + 1;
  geometry.rows = last == shape.rank();
  geometry.outer = shape.NumElements(0, geometry.axis);
  geometry.extent = shape.NumElements(geometry.axis, last);
  geometry.inner = shape.NumElements(last, shape.rank());
  return geometry;
}

SoftmaxMode ModeOf(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Softmax>();
  if (attributes.hard()) return SoftmaxMode::kHard;
  return attributes.log() ? SoftmaxMode::kLog : SoftmaxMode::kSoftmax;
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 1));
  if (!IsFloating(op.In(0).dtype)) {
    return ShapeError(std::string("softmax does not take ") +
                      DataTypeName(op.In(0).dtype));
  }
  if (op.attributes<fbs::Softmax>().log() &&
      op.attributes<fbs::Softmax>().hard()) {
    return ShapeError("softmax is either log or hard, not both");
  }
  ANEREF_TRY(GeometryOf(op).status());
  return std::vector<TensorType>{op.In(0)};
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const Geometry geometry, GeometryOf(op));
  std::vector<float> values = LoadFloats(tensors.in[0]);
  if (values.empty()) return Status();
  std::vector<float> group(static_cast<size_t>(geometry.extent));
  for (int64_t o = 0; o < geometry.outer; ++o) {
    for (int64_t i = 0; i < geometry.inner; ++i) {
      float* first = values.data() + o * geometry.extent * geometry.inner + i;
      for (int64_t k = 0; k < geometry.extent; ++k)
        group[static_cast<size_t>(k)] = first[k * geometry.inner];
      SoftmaxGroup(ModeOf(op), group.data(), group.size());
      for (int64_t k = 0; k < geometry.extent; ++k)
        first[k * geometry.inner] = group[static_cast<size_t>(k)];
    }
  }
  StoreFloats(values, tensors.out[0]);
  return Status();
}

// Tasks count in rows of the last axis.
TaskSpec RowsTask(const TensorType& type, const Geometry& geometry,
                  SoftmaxArgs* args) {
  const int64_t width = type.shape.back();
  args->extent = width == 0 ? 0 : geometry.extent / width;
  args->num_groups = geometry.outer;
  const int64_t group_bytes =
      geometry.extent * static_cast<int64_t>(ElementSize(type.dtype));
  args->groups_per_unit =
      std::max<int64_t>(kUnitBytes / std::max<int64_t>(group_bytes, 64), 1);
  TaskSpec task;
  task.kernel = &kSoftmaxRowsKernel;
  task.num_units =
      (args->num_groups + args->groups_per_unit - 1) / args->groups_per_unit;
  task.scratch_bytes = SoftmaxRowsScratch(geometry.extent);
  return task;
}

TaskSpec ColumnsTask(const TensorType& type, const Geometry& geometry,
                     SoftmaxArgs* args) {
  const int64_t width = type.shape.back();
  const auto block = static_cast<int64_t>(kSoftmaxColumns);
  args->extent = geometry.extent;
  args->inner =
      type.shape.NumElements(geometry.axis + 1, type.shape.rank() - 1);
  TaskSpec task;
  task.kernel = &kSoftmaxColumnsKernel;
  task.num_units = geometry.outer * args->inner * ((width + block - 1) / block);
  task.scratch_bytes = SoftmaxColumnsScratch(geometry.extent);
  return task;
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  const TensorType& type = op.In(0);
  if (type.dtype == DataType::kFloat64)
    return LowerToReference(op, Reference, builder);
  ANEREF_ASSIGN(const Geometry geometry, GeometryOf(op));
  auto args = std::make_shared<SoftmaxArgs>();
  args->mode = ModeOf(op);
  TaskSpec task = geometry.rows ? RowsTask(type, geometry, args.get())
                                : ColumnsTask(type, geometry, args.get());
  task.num_units = std::max<int64_t>(task.num_units, 1);
  task.in = {InputOperand(0)};
  task.out = {OutputOperand(0)};
  task.flops = 3.0 * static_cast<double>(type.shape.NumElements());
  task.in_place = true;  // a group is read before it is written
  task.args = std::move(args);
  builder->Add(std::move(task));
  return Status();
}

}  // namespace

const OpDef softmax_op = {"softmax",
                          "Exponentials divided by their sum along an axis, "
                          "their logarithm, or the maximum's place.",
                          Infer, Lower, Reference};

}  // namespace aneref
