// See device_recurrent.h. A unit is one direction of one batch item, walked
// step by step; a step works on rows of `hidden` elements.
#include "ops/kernels/device_recurrent.h"

#include <algorithm>
#include <cstring>

#include "ops/kernels/device_rows.h"
#include "ops/kernels/gemm.h"
#include "ops/kernels/mac_device.h"
#include "ops/kernels/scratch.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

using Kind = fbs::RecurrentKind;
constexpr auto kGranule = static_cast<int64_t>(kMacColumnGranule);
constexpr uint16_t kOne = 0x3C00;

struct Scratch {
  float* list = nullptr;       // [inputs + hidden], decoded x and h
  float* bias = nullptr;       // [row]: of w and r together
  float* half_bias = nullptr;  // [2][row]: of w, of r
  float* mac = nullptr;
  uint16_t* sums = nullptr;  // [row]: gates at their place
  uint16_t* h = nullptr;     // [hidden], like those below
  uint16_t* c = nullptr;
  uint16_t* a = nullptr;
  uint16_t* b = nullptr;
  size_t bytes = 0;
};

Scratch CutScratch(const DeviceRecurrentArgs& args, std::byte* base) {
  const int64_t depth = args.layer.inputs + args.layer.hidden;
  const int64_t row = args.RowFloats(), gate = args.GateFloats();
  Scratch s;
  ScratchCutter cutter(base);
  s.list = cutter.Take<float>(depth);
  s.bias = cutter.Take<float>(row);
  s.half_bias = cutter.Take<float>(2 * row);
  s.mac = cutter.Take<float>(static_cast<int64_t>(
      MacScratchFloats(static_cast<size_t>(depth), static_cast<size_t>(row))));
  s.sums = cutter.Take<uint16_t>(row);
  for (uint16_t** part : {&s.h, &s.c, &s.a, &s.b})
    *part = cutter.Take<uint16_t>(gate);
  s.bytes = cutter.bytes();
  return s;
}

// Pairs of one contraction: rows [first, first + depth) of the weights with
// that stretch of the list, for gates [begin, end).
struct Product {
  int64_t first = 0;
  int64_t depth = 0;
  int64_t begin = 0;
  int64_t end = 0;
};

template <bool kSimd>
class Cell {
 public:
  Cell(const DeviceRecurrentArgs& args, const KernelCall& call,
       const float* weights, const RecurrentRows& rows)
      : args_(args),
        layer_(args.layer),
        rows_(kSimd ? SimdDeviceRows() : ScalarDeviceRows()),
        hidden_(static_cast<size_t>(layer_.hidden)),
        gate_(args.GateFloats()),
        s_(CutScratch(args, call.scratch)),
        weights_(weights + rows.direction * (layer_.inputs + layer_.hidden) *
                               args.RowFloats()),
        tables_(args.tables.data() +
                static_cast<size_t>(rows.direction) * layer_.NumFunctions()) {
    LoadBias(call.in[3], rows.direction);
    LoadState(call.in[5], rows.State(), s_.h);
    LoadState(call.in[6], rows.State(), s_.c);
    if (call.in[7].data != nullptr)
      peepholes_ = call.in[7].Row<uint16_t>(rows.direction);
  }

  void Step(const uint16_t* x) {
    DecodeOperands<kSimd>(*args_.profile, x, layer_.inputs, s_.list);
    DecodeOperands<kSimd>(*args_.profile, s_.h, layer_.hidden,
                          s_.list + layer_.inputs);
    if (layer_.kind == Kind::lstm) return StepLstm();
    if (layer_.kind == Kind::gru) return StepGru();
    Multiply(Whole(0, 1), s_.bias, s_.sums);
    Gate(0, s_.sums);
    std::copy_n(s_.sums, hidden_, s_.h);
  }
  const uint16_t* h() const { return s_.h; }
  const uint16_t* c() const { return s_.c; }

 private:
  // ---- operands ----

  void LoadState(const TensorView& view, int64_t row, uint16_t* to) const {
    if (view.data == nullptr)
      std::fill_n(to, hidden_, uint16_t{0});
    else
      std::copy_n(view.Row<uint16_t>(row), hidden_, to);
  }

  // Both halves at the places of the gates, and their sum.
  void LoadBias(const TensorView& view, int64_t direction) {
    has_bias_ = !args_.bias.empty() || view.data != nullptr;
    if (!has_bias_) return;
    const int64_t row = args_.RowFloats();
    const int64_t halves = 2 * layer_.Gates();
    std::fill_n(s_.half_bias, 2 * row, 0.0f);
    for (int64_t g = 0; g < halves; ++g) {
      for (int64_t j = 0; j < layer_.hidden; ++j) {
        const int64_t i = g * layer_.hidden + j;
        s_.half_bias[g * gate_ + j] =
            view.data == nullptr ? args_.bias[static_cast<size_t>(
                                       direction * halves * layer_.hidden + i)]
                                 : static_cast<float>(EngineHalfToDouble(
                                       view.Row<uint16_t>(direction)[i]));
      }
    }
    for (int64_t i = 0; i < row; ++i)
      s_.bias[i] = s_.half_bias[i] + s_.half_bias[row + i];
  }

  // ---- pieces ----

  Product Whole(int64_t begin, int64_t end) const {
    return {0, layer_.inputs + layer_.hidden, begin, end};
  }
  void Multiply(const Product& product, const float* bias,
                uint16_t* out) const {
    MacTile tile;
    tile.profile = args_.profile;
    tile.x = s_.list + product.first;
    tile.depth = tile.x_stride = static_cast<size_t>(product.depth);
    tile.w_stride = static_cast<size_t>(args_.RowFloats());
    tile.w =
        weights_ + product.first * args_.RowFloats() + product.begin * gate_;
    tile.rows = 1;
    tile.columns =
        static_cast<size_t>((product.end - product.begin - 1) * gate_) +
        hidden_;
    tile.bias = has_bias_ ? bias + product.begin * gate_ : nullptr;
    tile.out = out;
    tile.out_stride = tile.columns;
    tile.scratch = s_.mac;
    if constexpr (kSimd)
      MacTileSimd(tile);
    else
      MacTileScalar(tile);
  }

  void Planar(PlanarOp op, HalfOperand x, HalfOperand y, uint16_t* out) const {
    rows_.planar(args_.profile->rounding, op, x, y, hidden_, out);
  }
  void Lookup(size_t function, uint16_t* row) const {
    const uint16_t* table = tables_[function];
    for (size_t j = 0; j < hidden_; ++j) row[j] = table[row[j]];
  }
  void Clip(float bound, uint16_t* row) const {
    if (!(bound > 0)) return;
    const uint16_t most = FloatToHalf(bound);
    const auto least = static_cast<uint16_t>(most | 0x8000u);
    Planar(PlanarOp::kMax, {row}, {&least, true}, row);
    Planar(PlanarOp::kMin, {row}, {&most, true}, row);
  }
  void Gate(size_t function, uint16_t* row) const {
    Clip(layer_.clip, row);
    Lookup(function, row);
  }
  uint16_t* Sum(int64_t gate) const { return s_.sums + gate * gate_; }

  // ---- layers ----

  // Gate `gate` (i, o, f) sees the cell.
  void AddPeephole(int64_t gate) const {
    if (peepholes_ == nullptr) return;
    Planar(PlanarOp::kMul, {peepholes_ + gate * layer_.hidden}, {s_.c}, s_.a);
    Planar(PlanarOp::kAdd, {Sum(gate)}, {s_.a}, Sum(gate));
  }

  void StepLstm() {
    Multiply(Whole(0, 4), s_.bias, s_.sums);
    uint16_t *i = Sum(0), *o = Sum(1), *f = Sum(2), *g = Sum(3);
    AddPeephole(0);
    Gate(0, i);
    if (layer_.input_forget) {
      Planar(PlanarOp::kSub, {&kOne, true}, {i}, f);
    } else {
      AddPeephole(2);
      Gate(0, f);
    }
    Gate(1, g);
    Planar(PlanarOp::kMul, {f}, {s_.c}, s_.a);
    Planar(PlanarOp::kMul, {i}, {g}, s_.b);
    Planar(PlanarOp::kAdd, {s_.a}, {s_.b}, s_.c);
    Clip(layer_.cell_clip, s_.c);
    AddPeephole(1);
    Gate(0, o);
    std::copy_n(s_.c, hidden_, s_.b);
    Lookup(2, s_.b);
    Planar(PlanarOp::kMul, {o}, {s_.b}, s_.h);
  }

  void StepGru() {
    Multiply(Whole(0, 2), s_.bias, s_.sums);
    uint16_t *z = Sum(0), *r = Sum(1), *n = Sum(2);
    Gate(0, z);
    Gate(0, r);
    const float *of_w = s_.half_bias, *of_r = of_w + args_.RowFloats();
    if (layer_.linear_before_reset) {
      Multiply({0, layer_.inputs, 2, 3}, of_w, n);
      Multiply({layer_.inputs, layer_.hidden, 2, 3}, of_r, s_.a);
      Planar(PlanarOp::kMul, {r}, {s_.a}, s_.a);
      Planar(PlanarOp::kAdd, {n}, {s_.a}, n);
    } else {
      Planar(PlanarOp::kMul, {r}, {s_.h}, s_.a);
      DecodeOperands<kSimd>(*args_.profile, s_.a, layer_.hidden,
                            s_.list + layer_.inputs);
      Multiply(Whole(2, 3), s_.bias, n);
    }
    Gate(1, n);
    Planar(PlanarOp::kSub, {&kOne, true}, {z}, s_.a);
    Planar(PlanarOp::kMul, {s_.a}, {n}, s_.a);
    Planar(PlanarOp::kMul, {z}, {s_.h}, s_.b);
    Planar(PlanarOp::kAdd, {s_.a}, {s_.b}, s_.h);
  }

  const DeviceRecurrentArgs& args_;
  const RecurrentArgs& layer_;
  const DeviceRows& rows_;
  const size_t hidden_;
  const int64_t gate_;
  const Scratch s_;
  const float* weights_;
  const uint16_t* const* tables_;
  bool has_bias_ = false;
  const uint16_t* peepholes_ = nullptr;
};

template <bool kSimd>
Status Walk(const DeviceRecurrentArgs& args, const KernelCall& call,
            const float* weights, int64_t unit) {
  const RecurrentArgs& layer = args.layer;
  const RecurrentRows rows{layer, unit / layer.batch, unit % layer.batch};
  ANEREF_ASSIGN(const int64_t length,
                SequenceLength(layer, call.in[4], rows.item));
  Cell<kSimd> cell(args, call, weights, rows);
  const auto store = [&](size_t i, const uint16_t* row, int64_t at) {
    if (call.out[i].data != nullptr)
      std::copy_n(row, layer.hidden, call.out[i].Row<uint16_t>(at));
  };
  for (int64_t i = 0; i < length; ++i) {
    const int64_t step = rows.IsReverse() ? length - 1 - i : i;
    cell.Step(call.in[0].Row<uint16_t>(rows.X(step)));
    store(0, cell.h(), rows.Y(step));
  }
  for (int64_t step = length; step < layer.steps; ++step) {
    if (call.out[0].data != nullptr)
      std::fill_n(call.out[0].Row<uint16_t>(rows.Y(step)), layer.hidden,
                  uint16_t{0});
  }
  store(1, cell.h(), rows.State());
  store(2, cell.c(), rows.State());
  return Status();
}

std::vector<uint16_t> LoadBits(const TensorView& view) {
  std::vector<uint16_t> bits;
  bits.reserve(static_cast<size_t>(view.shape.NumElements()));
  for (int64_t row = 0; row < view.num_rows(); ++row) {
    const auto* from = view.Row<uint16_t>(row);
    bits.insert(bits.end(), from, from + view.width());
  }
  return bits;
}

template <bool kSimd>
Status Run(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const DeviceRecurrentArgs*>(call.args);
  if (!args.weights.empty())
    return Walk<kSimd>(args, call, args.weights.data(), unit);
  DeviceRecurrentArgs packed = args;
  PackDeviceRecurrentWeights(LoadBits(call.in[1]), LoadBits(call.in[2]),
                             &packed);
  for (int64_t i = 0; i < args.layer.directions * args.layer.batch; ++i)
    ANEREF_TRY(Walk<kSimd>(args, call, packed.weights.data(), i));
  return Status();
}

}  // namespace

int64_t DeviceRecurrentArgs::GateFloats() const {
  return RoundUp(layer.hidden, kGranule);
}

void PackDeviceRecurrentWeights(const std::vector<uint16_t>& w,
                                const std::vector<uint16_t>& r,
                                DeviceRecurrentArgs* args) {
  const RecurrentArgs& layer = args->layer;
  const auto row = static_cast<size_t>(args->RowFloats());
  const int64_t depth = layer.inputs + layer.hidden;
  args->weights.assign(static_cast<size_t>(layer.directions * depth) * row,
                       0.0f);
  std::vector<uint16_t> bits(row, 0);
  float* to = args->weights.data();
  for (int64_t d = 0; d < layer.directions; ++d) {
    for (int64_t k = 0; k < depth; ++k, to += row) {
      const bool of_x = k < layer.inputs;
      const int64_t extent = of_x ? layer.inputs : layer.hidden;
      const uint16_t* from = (of_x ? w : r).data() +
                             d * layer.Columns() * extent +
                             (of_x ? k : k - layer.inputs);
      for (int64_t j = 0; j < layer.Columns(); ++j) {
        const int64_t at =
            j / layer.hidden * args->GateFloats() + j % layer.hidden;
        bits[static_cast<size_t>(at)] = from[j * extent];
      }
      DecodeOperandsSimd(*args->profile, bits.data(), row, to);
    }
  }
}

size_t DeviceRecurrentScratchBytes(const DeviceRecurrentArgs& args) {
  return CutScratch(args, nullptr).bytes;
}

const Kernel device_recurrent_kernel = {"device_recurrent", Run<false>,
                                        Run<true>};

}  // namespace aneref
