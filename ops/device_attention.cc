// Attention on the engine (N36): its reference from the scalar rule functions,
// and the one kernel call that it lowers to.
#include "ops/kernels/device_attention.h"

#include <cmath>
#include <cstdio>

#include "ops/attention.h"
#include "ops/device_mac.h"
#include "ops/device_ops.h"
#include "ops/kernels/attention_heads.h"
#include "runtime/core/convert.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

using Halves = std::vector<uint16_t>;

bool Applies(const OpView& op) {
  for (const size_t i : {size_t{0}, size_t{1}, size_t{2}, kAttentionPastKey,
                         kAttentionPastValue}) {
    if (op.HasInput(i) && op.In(i).dtype != DataType::kFloat16) return false;
  }
  return true;
}

uint16_t ScaleOf(const OpView& op, const AttentionArgs& args) {
  const auto scale =
      static_cast<double>(op.attributes<fbs::Attention>().scale());
  return DoubleToHalf(
      scale > 0 ? scale : 1.0 / std::sqrt(static_cast<double>(args.depth)));
}

// c * tanh(x / c), each step rounded.
uint16_t Softcap(const Profile& profile, float cap, uint16_t x) {
  const uint16_t c = FloatToHalf(cap);
  const uint16_t ratio = Planar(profile, PlanarOp::kDiv, x, c);
  return Planar(profile, PlanarOp::kMul,
                EvaluateActivation(profile, {ActivationFunction::kTanh}, ratio),
                c);
}

// ---- reference ----

// Rows of a head, past ones first.
std::vector<Halves> RowsOf(const TensorView& past, const AttentionHead& now) {
  std::vector<Halves> rows;
  const auto append = [&](const AttentionHead& head) {
    for (int64_t i = 0; i < head.Steps(); ++i) {
      const auto* row = reinterpret_cast<const uint16_t*>(head.Row(i));
      rows.emplace_back(row, row + head.Depth());
    }
  };
  if (past.data != nullptr) append({past, now.item, now.head, now.heads});
  append(now);
  return rows;
}

class ReferenceHead {
 public:
  ReferenceHead(const OpView& op, const AttentionArgs& args,
                const RefTensors& tensors, int64_t unit)
      : op_(op),
        args_(args),
        profile_(op.device()->profile()),
        operands_(
            AttentionOperandsOf({tensors.in, tensors.out, &args, nullptr})),
        item_(unit / args.q_heads),
        head_(unit % args.q_heads) {}

  Status Run() {
    ANEREF_ASSIGN(range_, ReadKeyRange(args_, operands_.lengths, item_));
    const int64_t group = args_.q_heads / args_.kv_heads;
    const AttentionHead k{operands_.k, item_, head_ / group, args_.kv_heads};
    const AttentionHead v{operands_.v, item_, head_ / group, args_.kv_heads};
    keys_ = RowsOf(operands_.past_k, k);
    values_ = RowsOf(operands_.past_v, v);
    CopyJoinedHeads(operands_.past_k, k, operands_.present_k);
    CopyJoinedHeads(operands_.past_v, v, operands_.present_v);
    const uint16_t scale = ScaleOf(op_, args_);
    const AttentionHead q{operands_.q, item_, head_, args_.q_heads};
    const std::vector<Halves> queries = RowsOf({}, q);
    for (size_t i = 0; i < queries.size(); ++i)
      RunQuery(static_cast<int64_t>(i), queries[i], scale);
    return Status();
  }

 private:
  uint16_t Dot(const Halves& x, const std::function<uint16_t(size_t)>& y) {
    Accumulator accumulator(profile_);
    accumulator.Start();
    for (size_t i = 0; i < x.size(); ++i) accumulator.Add(x[i], y(i));
    return accumulator.Finish();
  }

  void RunQuery(int64_t i, Halves query, uint16_t scale) {
    for (uint16_t& x : query) x = Planar(profile_, PlanarOp::kMul, x, scale);
    Halves scores;
    for (const Halves& key : keys_)
      scores.push_back(Dot(query, [&](size_t d) { return key[d]; }));
    Store(0, scores, i);
    const float cap = op_.attributes<fbs::Attention>().softcap();
    if (cap > 0)
      for (uint16_t& x : scores) x = Softcap(profile_, cap, x);
    Store(1, scores, i);
    ApplyMask(i, &scores);
    Store(2, scores, i);
    SoftmaxRow(profile_, nullptr, scores.data(), scores.data(), scores.size());
    Store(3, scores, i);
    if (operands_.y.data == nullptr) return;
    const AttentionHead y{operands_.y, item_, head_, args_.q_heads};
    auto* out = reinterpret_cast<uint16_t*>(y.Row(i));
    for (size_t d = 0; d < static_cast<size_t>(args_.v_depth); ++d)
      out[d] = Dot(scores, [&](size_t j) { return values_[j][d]; });
  }

  void Store(int mode, const Halves& scores, int64_t i) const {
    if (operands_.product.data == nullptr || args_.product_mode != mode) return;
    const int64_t row = (item_ * args_.q_heads + head_) * args_.queries + i;
    std::copy(scores.begin(), scores.end(),
              operands_.product.Row<uint16_t>(row));
  }

  void ApplyMask(int64_t i, Halves* scores) const {
    const TensorView& mask = operands_.mask;
    const int64_t masked = args_.has_mask ? args_.mask_keys : args_.keys;
    for (int64_t j = 0; j < args_.keys; ++j) {
      uint16_t& score = (*scores)[static_cast<size_t>(j)];
      bool visible = j < masked && IsKeyVisible(args_, range_, i, j);
      if (visible && args_.has_mask) {
        const std::byte* at =
            mask.Row<std::byte>(MaskRow(args_, item_, head_, i)) +
            static_cast<size_t>(j) * ElementSize(mask.dtype);
        uint16_t added = 0;
        ConvertElements(mask.dtype, at, DataType::kFloat16, &added, 1);
        if (mask.dtype == DataType::kBool)
          visible = added != 0;
        else
          score = Planar(profile_, PlanarOp::kAdd, score, added);
      }
      if (!visible) score = 0xFC00;
    }
  }

  const OpView& op_;
  const AttentionArgs& args_;
  const Profile& profile_;
  const AttentionOperands operands_;
  const int64_t item_, head_;
  KeyRange range_;
  std::vector<Halves> keys_, values_;
};

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const AttentionArgs args, AttentionArgsOf(op));
  for (int64_t unit = 0; unit < args.batch * args.q_heads; ++unit)
    ANEREF_TRY(ReferenceHead(op, args, tensors, unit).Run());
  return Status();
}

// ---- lowering ----

const uint16_t* SoftcapTable(const OpView& op) {
  const float cap = op.attributes<fbs::Attention>().softcap();
  if (!(cap > 0)) return nullptr;
  char key[40];
  std::snprintf(key, sizeof key, "softcap %a", static_cast<double>(cap));
  return op.device()->Table(
      key, [&](uint16_t x) { return Softcap(op.device()->profile(), cap, x); });
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  auto args = std::make_shared<DeviceAttentionArgs>();
  ANEREF_ASSIGN(args->attention, AttentionArgsOf(op));
  const AttentionArgs& a = args->attention;
  if (a.batch == 0) return Status();
  args->scale = ScaleOf(op, a);
  args->softcap = SoftcapTable(op);
  args->softmax.profile = &op.device()->profile();
  args->softmax.exp = op.device()->Table({ActivationFunction::kExp});
  TaskSpec task;
  task.kernel = &device_attention_kernel;
  for (size_t i = 0; i < op.num_inputs(); ++i)
    task.in.push_back(op.HasInput(i) ? InputOperand(i) : Operand{});
  for (size_t i = 0; i < op.num_outputs(); ++i)
    task.out.push_back(op.HasOutput(i) ? OutputOperand(i) : Operand{});
  task.num_units = a.batch * a.q_heads;
  task.scratch_bytes = DeviceAttentionScratchBytes(*args);
  task.flops = 2.0 * static_cast<double>(task.num_units * a.queries) *
               static_cast<double>(a.keys) *
               static_cast<double>(a.depth + a.v_depth);
  task.args = std::move(args);
  builder->Add(std::move(task));
  return Status();
}

}  // namespace

const DeviceOp attention_device = {Applies, Lower, Reference};

}  // namespace aneref
