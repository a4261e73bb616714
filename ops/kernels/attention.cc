// See attention.h. Everything between the operands and the results is fp32
// (P20); twins differ in the row product alone.
#include "ops/kernels/attention.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "ops/kernels/attention_heads.h"
#include "ops/kernels/float_row.h"
#include "ops/kernels/row_product.h"
#include "ops/kernels/softmax.h"
#include "runtime/core/elementary.h"

namespace aneref {
namespace {

using Floats = std::vector<float>;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

using Head = AttentionHead;

// Appends the rows of a head.
void AppendHead(const Head& head, Floats* values) {
  const auto depth = static_cast<size_t>(head.Depth());
  for (int64_t step = 0; step < head.Steps(); ++step) {
    values->resize(values->size() + depth);
    LoadFloatRow(head.view.dtype, head.Row(step), depth,
                 values->data() + values->size() - depth);
  }
}

// Past rows, then new ones.
Floats LoadJoined(const TensorView& past, const Head& now) {
  Floats values;
  if (past.data != nullptr)
    AppendHead({past, now.item, now.head, now.heads}, &values);
  AppendHead(now, &values);
  return values;
}

class QueryHead {
 public:
  QueryHead(const AttentionArgs& args, const AttentionOperands& operands,
            RowProductFunction add_product, int64_t unit)
      : args_(args),
        operands_(operands),
        add_product_(add_product),
        item_(unit / args.q_heads),
        head_(unit % args.q_heads),
        num_keys_(static_cast<size_t>(args.keys)),
        visible_(num_keys_) {}

  Status Run() {
    ANEREF_ASSIGN(range_, ReadKeyRange(args_, operands_.lengths, item_));
    LoadKeysAndValues();
    for (int64_t i = 0; i < args_.queries; ++i) RunQuery(i);
    return Status();
  }

 private:
  void LoadKeysAndValues() {
    const int64_t group = args_.q_heads / args_.kv_heads;
    const Head k{operands_.k, item_, head_ / group, args_.kv_heads};
    const Head v{operands_.v, item_, head_ / group, args_.kv_heads};
    values_ = LoadJoined(operands_.past_v, v);
    const Floats rows = LoadJoined(operands_.past_k, k);
    const auto depth = static_cast<size_t>(args_.depth);
    keys_.resize(rows.size());
    for (size_t j = 0; j < num_keys_; ++j) {
      for (size_t d = 0; d < depth; ++d)
        keys_[d * num_keys_ + j] = rows[j * depth + d] * args_.root_scale;
    }
    if (head_ % group != 0) return;
    CopyJoinedHeads(operands_.past_k, k, operands_.present_k);
    CopyJoinedHeads(operands_.past_v, v, operands_.present_v);
  }

  void RunQuery(int64_t i) {
    Floats scores = Products(i);
    StoreProduct(0, scores, i);
    if (args_.softcap > 0) {
      for (float& x : scores) {
        const auto ratio = static_cast<double>(x / args_.softcap);
        x = args_.softcap * static_cast<float>(elementary::Tanh(ratio));
      }
    }
    StoreProduct(1, scores, i);
    ApplyMask(i, &scores);
    StoreProduct(2, scores, i);
    Normalise(&scores);
    StoreProduct(3, scores, i);
    if (operands_.y.data == nullptr) return;
    const Head y{operands_.y, item_, head_, args_.q_heads};
    StoreFloatRow(WeightValues(scores), y.view.dtype, y.Row(i));
  }

  Floats Products(int64_t i) const {
    Floats query(static_cast<size_t>(args_.depth));
    const Head head{operands_.q, item_, head_, args_.q_heads};
    LoadFloatRow(operands_.q.dtype, head.Row(i), query.size(), query.data());
    for (float& x : query) x *= args_.root_scale;
    Floats scores(num_keys_);
    add_product_(
        {query.data(), query.size(), keys_.data(), num_keys_, num_keys_},
        scores.data());
    return scores;
  }

  void StoreProduct(int mode, const Floats& scores, int64_t i) const {
    const TensorView& product = operands_.product;
    if (product.data == nullptr || args_.product_mode != mode) return;
    const int64_t row = (item_ * args_.q_heads + head_) * args_.queries + i;
    StoreFloatRow(scores, product.dtype, product.Row<std::byte>(row));
  }

  // Invisible keys get -inf; an additive mask is added to the visible ones.
  void ApplyMask(int64_t i, Floats* scores) {
    const TensorView& mask = operands_.mask;
    Floats added(num_keys_);
    const bool is_bool = args_.has_mask && mask.dtype == DataType::kBool;
    if (args_.has_mask && args_.mask_keys > 0) {
      const int64_t row = MaskRow(args_, item_, head_, i);
      LoadFloatRow(mask.dtype, mask.Row<std::byte>(row),
                   static_cast<size_t>(args_.mask_keys), added.data());
    }
    const int64_t masked = args_.has_mask ? args_.mask_keys : args_.keys;
    for (size_t j = 0; j < num_keys_; ++j) {
      const auto key = static_cast<int64_t>(j);
      visible_[j] = IsKeyVisible(args_, range_, i, key) && key < masked &&
                    (!is_bool || added[j] != 0.0f);
      if (!visible_[j])
        (*scores)[j] = -kInfinity;
      else if (args_.has_mask && !is_bool)
        (*scores)[j] += added[j];
    }
  }

  // P10; a row without anything to see is zero.
  void Normalise(Floats* scores) const {
    const bool is_empty = std::all_of(scores->begin(), scores->end(),
                                      [](float x) { return x == -kInfinity; });
    if (is_empty)
      std::fill(scores->begin(), scores->end(), 0.0f);
    else
      SoftmaxGroup(SoftmaxMode::kSoftmax, scores->data(), scores->size());
  }

  // The sum of the visible values, run by run.
  Floats WeightValues(const Floats& weights) const {
    const auto depth = static_cast<size_t>(args_.v_depth);
    Floats sum(depth);
    for (size_t begin = 0; begin < num_keys_;) {
      size_t end = begin;
      while (end < num_keys_ && visible_[end]) ++end;
      add_product_({weights.data() + begin, end - begin,
                    values_.data() + begin * depth, depth, depth},
                   sum.data());
      begin = end + 1;
    }
    return sum;
  }

  const AttentionArgs& args_;
  const AttentionOperands& operands_;
  RowProductFunction add_product_;
  int64_t item_, head_;
  size_t num_keys_;
  KeyRange range_;
  Floats keys_;    // [depth][keys], scaled
  Floats values_;  // [keys][v_depth]
  std::vector<bool> visible_;
};

template <RowProductFunction add_product>
Status Run(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const AttentionArgs*>(call.args);
  const AttentionOperands operands = AttentionOperandsOf(call);
  return QueryHead(args, operands, add_product, unit).Run();
}

}  // namespace

const Kernel kAttentionKernel = {"attention", Run<AddRowProductScalar>,
                                 Run<AddRowProductSimd>};

}  // namespace aneref
