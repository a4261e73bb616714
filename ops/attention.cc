// Scaled-dot-product attention with ONNX's options (P20). One op: products,
// mask and softmax stay fp32 inside it. The rows are in kernels/attention.cc;
// this file checks and plans.
#include "ops/attention.h"

#include <cmath>
#include <memory>
#include <string>

#include "ops/op.h"

namespace aneref {
namespace {

constexpr size_t kMask = kAttentionMask, kPastKey = kAttentionPastKey,
                 kPastValue = kAttentionPastValue, kLengths = kAttentionLengths;
constexpr size_t kMostInputs = 7, kMostOutputs = 4;

// Batch, heads, steps and features of an operand of either rank.
struct Extents {
  int64_t batch = 0, heads = 1, steps = 0, depth = 0;
};

Expected<Extents> ExtentsOf(const OpView& op, size_t i, int64_t heads) {
  const Shape& shape = op.In(i).shape;
  if (shape.rank() == 4) return Extents{shape[0], shape[1], shape[2], shape[3]};
  if (shape.rank() != 3 || heads < 1 || shape[2] % heads != 0) {
    return ShapeError("input " + std::to_string(i) + " is " +
                      op.In(i).ToString() + ", which does not hold " +
                      std::to_string(heads) + " heads");
  }
  return Extents{shape[0], heads, shape[1], shape[2] / heads};
}

Status CheckShape(const OpView& op, size_t i, const Shape& shape) {
  if (op.In(i).shape == shape) return Status();
  return ShapeError("input " + std::to_string(i) + " is " +
                    op.In(i).ToString() + ", its shape must be " +
                    shape.ToString());
}

Status CheckTypes(const OpView& op) {
  for (size_t i = 0; i < kLengths; ++i) {
    if (!op.HasInput(i)) continue;
    const DataType type = op.In(i).dtype;
    if (IsFloating(type) || (i == kMask && type == DataType::kBool)) continue;
    return Unsupported("attention with input " + std::to_string(i) + " of " +
                       DataTypeName(type));
  }
  if (op.HasInput(kLengths) && !IsInteger(op.In(kLengths).dtype))
    return ShapeError("numbers of valid keys are " +
                      op.In(kLengths).ToString() + ", not integers");
  return Status();
}

Status CheckAttributes(const fbs::Attention& table) {
  if (!(table.scale() >= 0) || !(table.softcap() >= 0) ||
      std::isinf(table.softcap())) {
    return ShapeError("scale " + std::to_string(table.scale()) +
                      " and softcap " + std::to_string(table.softcap()) +
                      " must be positive or 0");
  }
  if (table.product_mode() < 0 || table.product_mode() > 3)
    return Unsupported("product mode " + std::to_string(table.product_mode()));
  if (table.left_window() < -1 || table.right_window() < -1)
    return ShapeError("a window is below -1");
  return Status();
}

Status SetHeads(const OpView& op, AttentionArgs* args) {
  const auto& table = op.attributes<fbs::Attention>();
  ANEREF_ASSIGN(const Extents q, ExtentsOf(op, 0, table.q_heads()));
  ANEREF_ASSIGN(const Extents k, ExtentsOf(op, 1, table.kv_heads()));
  ANEREF_ASSIGN(const Extents v, ExtentsOf(op, 2, table.kv_heads()));
  const bool fits = q.batch == k.batch && q.batch == v.batch &&
                    k.heads == v.heads && k.steps == v.steps &&
                    q.depth == k.depth && q.depth > 0 && k.heads > 0 &&
                    q.heads > 0 && q.heads % k.heads == 0;
  if (!fits) {
    return ShapeError(op.In(0).ToString() + ", " + op.In(1).ToString() +
                      " and " + op.In(2).ToString() +
                      " do not fit as queries, keys and values");
  }
  args->batch = q.batch;
  args->q_heads = q.heads;
  args->kv_heads = k.heads;
  args->queries = q.steps;
  args->keys = k.steps;
  args->depth = q.depth;
  args->v_depth = v.depth;
  return Status();
}

Status SetPast(const OpView& op, AttentionArgs* args) {
  if (op.HasInput(kPastKey) != op.HasInput(kPastValue))
    return ShapeError("past keys and past values come together");
  if (op.HasInput(kLengths)) {
    if (op.HasInput(kPastKey))
      return ShapeError("numbers of valid keys exclude past keys");
    return CheckShape(op, kLengths, {args->batch});
  }
  if (!op.HasInput(kPastKey)) return Status();
  const Shape& past = op.In(kPastKey).shape;
  if (past.rank() != 4)
    return ShapeError("past keys are " + op.In(kPastKey).ToString());
  args->past = past[2];
  args->keys += past[2];
  ANEREF_TRY(CheckShape(
      op, kPastKey, {args->batch, args->kv_heads, args->past, args->depth}));
  ANEREF_TRY(
      CheckShape(op, kPastValue,
                 {args->batch, args->kv_heads, args->past, args->v_depth}));
  if (op.In(kPastKey).dtype != op.In(1).dtype ||
      op.In(kPastValue).dtype != op.In(2).dtype)
    return ShapeError("past and new keys and values differ in type");
  return Status();
}

// The mask broadcasts to [batch, q_heads, queries, keys]; its last axis may be
// shorter.
Status SetMask(const OpView& op, AttentionArgs* args) {
  if (!op.HasInput(kMask)) return Status();
  const Shape& mask = op.In(kMask).shape;
  args->has_mask = true;
  args->mask_keys = mask.back();
  const std::array<int64_t, 3> outer = {args->batch, args->q_heads,
                                        args->queries};
  bool fits = mask.rank() >= 1 && mask.rank() <= 4 && mask.back() <= args->keys;
  int64_t stride = 1;
  for (size_t i = 0; fits && i + 1 < mask.rank(); ++i) {
    const int64_t extent = mask[mask.rank() - 2 - i];
    fits = extent == 1 || extent == outer[2 - i];
    args->mask_strides[2 - i] = extent == 1 ? 0 : stride;
    stride *= extent;
  }
  if (fits) return Status();
  return ShapeError("mask " + op.In(kMask).ToString() +
                    " does not broadcast over queries and keys");
}

}  // namespace

Expected<AttentionArgs> AttentionArgsOf(const OpView& op) {
  const auto& table = op.attributes<fbs::Attention>();
  AttentionArgs args;
  ANEREF_TRY(CheckAttributes(table));
  ANEREF_TRY(SetHeads(op, &args));
  ANEREF_TRY(SetPast(op, &args));
  ANEREF_TRY(SetMask(op, &args));
  const double scale = table.scale() > 0
                           ? static_cast<double>(table.scale())
                           : 1.0 / std::sqrt(static_cast<double>(args.depth));
  args.root_scale = static_cast<float>(std::sqrt(scale));
  args.softcap = table.softcap();
  args.is_causal = table.is_causal();
  args.left_window = table.left_window();
  args.right_window = table.right_window();
  args.product_mode = table.product_mode();
  return args;
}

namespace {

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 3, kMostInputs));
  ANEREF_TRY(CheckTypes(op));
  if (op.num_outputs() < 1 || op.num_outputs() > kMostOutputs) {
    return ShapeError("has " + std::to_string(op.num_outputs()) +
                      " outputs, between 1 and 4 are allowed");
  }
  ANEREF_ASSIGN(const AttentionArgs args, AttentionArgsOf(op));
  std::vector<int64_t> y = {args.batch, args.q_heads, args.queries,
                            args.v_depth};
  ANEREF_ASSIGN(const Shape heads, MakeShape({args.q_heads, args.v_depth}));
  if (op.In(0).shape.rank() == 3)
    y = {args.batch, args.queries, heads.NumElements()};
  const std::vector<int64_t> dims[kMostOutputs] = {
      y,
      {args.batch, args.kv_heads, args.keys, args.depth},
      {args.batch, args.kv_heads, args.keys, args.v_depth},
      {args.batch, args.q_heads, args.queries, args.keys}};
  const DataType dtypes[kMostOutputs] = {op.In(0).dtype, op.In(1).dtype,
                                         op.In(2).dtype, op.In(0).dtype};
  std::vector<TensorType> types;
  for (size_t i = 0; i < op.num_outputs(); ++i) {
    ANEREF_ASSIGN(const Shape shape, MakeShape(dims[i]));
    types.push_back({dtypes[i], shape});
  }
  return types;
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const AttentionArgs args, AttentionArgsOf(op));
  if (args.batch == 0) return Status();
  TaskSpec task;
  task.kernel = &kAttentionKernel;
  for (size_t i = 0; i < op.num_inputs(); ++i)
    task.in.push_back(op.HasInput(i) ? InputOperand(i) : Operand{});
  for (size_t i = 0; i < op.num_outputs(); ++i)
    task.out.push_back(op.HasOutput(i) ? OutputOperand(i) : Operand{});
  task.num_units = args.batch * args.q_heads;
  task.flops = 2.0 * static_cast<double>(task.num_units * args.queries) *
               static_cast<double>(args.keys) *
               static_cast<double>(args.depth + args.v_depth);
  task.args = std::make_shared<const AttentionArgs>(args);
  builder->Add(std::move(task));
  return Status();
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const AttentionArgs args, AttentionArgsOf(op));
  const KernelCall call{tensors.in, tensors.out, &args, nullptr};
  for (int64_t unit = 0; unit < args.batch * args.q_heads; ++unit)
    ANEREF_TRY(kAttentionKernel.scalar(call, unit));
  return Status();
}

}  // namespace

const OpDef attention_op = {
    "attention",
    "Scaled-dot-product attention with grouped heads, masks and windows.",
    Infer, Lower, Reference};

}  // namespace aneref
