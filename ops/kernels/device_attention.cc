// See device_attention.h. A unit is one query head: keys and values are decoded
// once, queries go through in blocks.
#include "ops/kernels/device_attention.h"

#include <algorithm>
#include <cstring>

#include "ops/kernels/attention_heads.h"
#include "ops/kernels/device_rows.h"
#include "ops/kernels/gemm.h"
#include "ops/kernels/mac_device.h"
#include "ops/kernels/scratch.h"
#include "runtime/core/convert.h"

namespace aneref {
namespace {

constexpr int64_t kBlock = 32;        // queries
constexpr uint16_t kHidden = 0xFC00;  // decodes to -65536 (N5)
constexpr auto kGranule = static_cast<int64_t>(kMacColumnGranule);

struct Scratch {
  float* keys = nullptr;    // [depth][key stride], decoded
  float* values = nullptr;  // [keys][value stride]
  float* rows = nullptr;    // [kBlock][depth or keys]
  float* mac = nullptr;
  float* softmax = nullptr;     // [keys]
  uint16_t* scores = nullptr;   // [kBlock][key stride]
  uint16_t* weights = nullptr;  // the same
  uint16_t* halves = nullptr;   // one row of anything
  uint16_t* results = nullptr;  // [kBlock][value stride]
  int64_t key_stride = 0, value_stride = 0;
  size_t bytes = 0;
};

Scratch CutScratch(const AttentionArgs& a, std::byte* base) {
  Scratch s;
  s.key_stride = RoundUp(std::max<int64_t>(a.keys, 1), kGranule);
  s.value_stride = RoundUp(std::max<int64_t>(a.v_depth, 1), kGranule);
  ScratchCutter cutter(base);
  const auto mac_floats = [&](int64_t depth, int64_t columns) {
    return static_cast<int64_t>(MacScratchFloats(static_cast<size_t>(depth),
                                                 static_cast<size_t>(columns)));
  };
  const int64_t widest = std::max({a.depth, a.v_depth, s.key_stride});
  s.keys = cutter.Take<float>(a.depth * s.key_stride);
  s.values = cutter.Take<float>(a.keys * s.value_stride);
  s.rows = cutter.Take<float>(kBlock * widest);
  s.mac = cutter.Take<float>(std::max(mac_floats(a.depth, s.key_stride),
                                      mac_floats(a.keys, s.value_stride)));
  s.softmax = cutter.Take<float>(s.key_stride);
  s.scores = cutter.Take<uint16_t>(kBlock * s.key_stride);
  s.weights = cutter.Take<uint16_t>(kBlock * s.key_stride);
  s.halves = cutter.Take<uint16_t>(widest);
  s.results = cutter.Take<uint16_t>(kBlock * s.value_stride);
  s.bytes = cutter.bytes();
  return s;
}

template <bool kSimd>
class QueryHead {
 public:
  QueryHead(const DeviceAttentionArgs& args, const KernelCall& call,
            int64_t unit)
      : args_(args),
        a_(args.attention),
        profile_(*args.softmax.profile),
        planar_(kSimd ? SimdDeviceRows() : ScalarDeviceRows()),
        operands_(AttentionOperandsOf(call)),
        s_(CutScratch(a_, call.scratch)),
        item_(unit / a_.q_heads),
        head_(unit % a_.q_heads) {}

  Status Run() {
    ANEREF_ASSIGN(range_, ReadKeyRange(a_, operands_.lengths, item_));
    LoadKeysAndValues();
    for (int64_t i = 0; i < a_.queries; i += kBlock)
      RunBlock(i, std::min(kBlock, a_.queries - i));
    return Status();
  }

 private:
  void LoadKeysAndValues() {
    const int64_t group = a_.q_heads / a_.kv_heads;
    const int64_t head = head_ / group;
    const AttentionHead k{operands_.k, item_, head, a_.kv_heads};
    const AttentionHead v{operands_.v, item_, head, a_.kv_heads};
    ForRows(operands_.past_k, k, [&](int64_t j, const uint16_t* row) {
      DecodeOperands<kSimd>(profile_, row, a_.depth, s_.rows);
      for (int64_t d = 0; d < a_.depth; ++d)
        s_.keys[d * s_.key_stride + j] = s_.rows[d];
    });
    for (int64_t d = 0; d < a_.depth; ++d)
      std::fill(s_.keys + d * s_.key_stride + a_.keys,
                s_.keys + (d + 1) * s_.key_stride, 0.0f);
    ForRows(operands_.past_v, v, [&](int64_t j, const uint16_t* row) {
      float* to = s_.values + j * s_.value_stride;
      DecodeOperands<kSimd>(profile_, row, a_.v_depth, to);
      std::fill(to + a_.v_depth, to + s_.value_stride, 0.0f);
    });
    if (head_ % group != 0) return;
    CopyJoinedHeads(operands_.past_k, k, operands_.present_k);
    CopyJoinedHeads(operands_.past_v, v, operands_.present_v);
  }

  // Calls visit(j, row) for past rows, then new ones.
  template <class Visit>
  static void ForRows(const TensorView& past, const AttentionHead& now,
                      const Visit& visit) {
    int64_t j = 0;
    if (past.data != nullptr) {
      const AttentionHead before{past, now.item, now.head, now.heads};
      for (; j < before.Steps(); ++j)
        visit(j, reinterpret_cast<const uint16_t*>(before.Row(j)));
    }
    for (int64_t i = 0; i < now.Steps(); ++i, ++j)
      visit(j, reinterpret_cast<const uint16_t*>(now.Row(i)));
  }

  // Queries first .. first + count - 1.
  void RunBlock(int64_t first, int64_t count) {
    Products(first, count);
    Store(0, s_.scores, first, count);
    if (args_.softcap != nullptr) {
      for (int64_t r = 0; r < count; ++r) {
        uint16_t* scores = s_.scores + r * s_.key_stride;
        for (int64_t j = 0; j < a_.keys; ++j)
          scores[j] = args_.softcap[scores[j]];
      }
    }
    Store(1, s_.scores, first, count);
    for (int64_t r = 0; r < count; ++r)
      ApplyMask(first + r, s_.scores + r * s_.key_stride);
    Store(2, s_.scores, first, count);
    for (int64_t r = 0; r < count; ++r)
      DeviceSoftmaxRow<kSimd>(args_.softmax, s_.scores + r * s_.key_stride,
                              s_.weights + r * s_.key_stride, s_.softmax,
                              static_cast<size_t>(a_.keys));
    Store(3, s_.weights, first, count);
    if (operands_.y.data != nullptr) WeightValues(first, count);
  }

  // score = MAC of q * scale and k, features ascending.
  void Products(int64_t first, int64_t count) {
    const AttentionHead q{operands_.q, item_, head_, a_.q_heads};
    for (int64_t r = 0; r < count; ++r) {
      planar_.planar(profile_.rounding, PlanarOp::kMul,
                     {reinterpret_cast<const uint16_t*>(q.Row(first + r))},
                     {&args_.scale, true}, static_cast<size_t>(a_.depth),
                     s_.halves);
      DecodeOperands<kSimd>(profile_, s_.halves, a_.depth,
                            s_.rows + r * a_.depth);
    }
    Multiply(count, a_.depth, s_.keys, s_.key_stride, a_.keys, s_.scores);
  }

  void WeightValues(int64_t first, int64_t count) {
    for (int64_t r = 0; r < count; ++r)
      DecodeOperands<kSimd>(profile_, s_.weights + r * s_.key_stride, a_.keys,
                            s_.rows + r * a_.keys);
    Multiply(count, a_.keys, s_.values, s_.value_stride, a_.v_depth,
             s_.results);
    const AttentionHead y{operands_.y, item_, head_, a_.q_heads};
    for (int64_t r = 0; r < count; ++r)
      std::memcpy(y.Row(first + r), s_.results + r * s_.value_stride,
                  static_cast<size_t>(a_.v_depth) * sizeof(uint16_t));
  }

  void Multiply(int64_t rows, int64_t depth, const float* w, int64_t stride,
                int64_t columns, uint16_t* out) {
    if (columns == 0) return;
    MacTile tile;
    tile.profile = &profile_;
    tile.x = s_.rows;
    tile.x_stride = tile.depth = static_cast<size_t>(depth);
    tile.w = w;
    tile.w_stride = tile.out_stride = static_cast<size_t>(stride);
    tile.rows = static_cast<size_t>(rows);
    tile.columns = static_cast<size_t>(columns);
    tile.out = out;
    tile.scratch = s_.mac;
    if constexpr (kSimd)
      MacTileSimd(tile);
    else
      MacTileScalar(tile);
  }

  void Store(int mode, const uint16_t* scores, int64_t first,
             int64_t count) const {
    const TensorView& product = operands_.product;
    if (product.data == nullptr || a_.product_mode != mode) return;
    const int64_t row = (item_ * a_.q_heads + head_) * a_.queries + first;
    for (int64_t r = 0; r < count; ++r)
      std::memcpy(product.Row<std::byte>(row + r), scores + r * s_.key_stride,
                  static_cast<size_t>(a_.keys) * sizeof(uint16_t));
  }

  // Hidden keys get FC00; an additive mask is a planar addition.
  void ApplyMask(int64_t i, uint16_t* scores) {
    const TensorView& mask = operands_.mask;
    const bool is_bool = a_.has_mask && mask.dtype == DataType::kBool;
    const std::byte* row = nullptr;
    if (a_.has_mask && a_.mask_keys > 0)
      row = mask.Row<std::byte>(MaskRow(a_, item_, head_, i));
    const int64_t masked = a_.has_mask ? a_.mask_keys : a_.keys;
    if (row != nullptr && !is_bool) {
      ConvertElements(mask.dtype, row, DataType::kFloat16, s_.halves,
                      static_cast<size_t>(masked));
      planar_.planar(profile_.rounding, PlanarOp::kAdd, {scores}, {s_.halves},
                     static_cast<size_t>(masked), scores);
    }
    for (int64_t j = 0; j < a_.keys; ++j) {
      const bool is_masked = j >= masked || (is_bool && row[j] == std::byte{0});
      if (is_masked || !IsKeyVisible(a_, range_, i, j)) scores[j] = kHidden;
    }
  }

  const DeviceAttentionArgs& args_;
  const AttentionArgs& a_;
  const Profile& profile_;
  const DeviceRows& planar_;
  const AttentionOperands operands_;
  const Scratch s_;
  const int64_t item_, head_;
  KeyRange range_;
};

template <bool kSimd>
Status Run(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const DeviceAttentionArgs*>(call.args);
  return QueryHead<kSimd>(args, call, unit).Run();
}

}  // namespace

size_t DeviceAttentionScratchBytes(const DeviceAttentionArgs& args) {
  return CutScratch(args.attention, nullptr).bytes;
}

const Kernel device_attention_kernel = {"device_attention", Run<false>,
                                        Run<true>};

}  // namespace aneref
