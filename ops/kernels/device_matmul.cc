// A unit is one matrix of the batch, a block of rows and a block of columns.
// Operands are decoded into [rows][depth] and [depth][columns] first.
#include "ops/kernels/device_matmul.h"

#include <algorithm>

#include "ops/kernels/mac_device.h"
#include "ops/kernels/scratch.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

constexpr int64_t kPanelBytes = 768 * 1024;
constexpr auto kGranule = static_cast<int64_t>(kMacColumnGranule);

struct Unit {
  int64_t matrix, row, num_rows, column, num_columns;
};

Unit UnitOf(const DeviceMatmulArgs& args, int64_t index) {
  const MatmulArgs& a = args.matmul;
  const int64_t column_units = DivideUp(a.columns, args.columns_per_unit);
  const int64_t row_units = DivideUp(a.rows, args.rows_per_unit);
  Unit unit;
  unit.column = index % column_units * args.columns_per_unit;
  unit.row = index / column_units % row_units * args.rows_per_unit;
  unit.matrix = index / column_units / row_units;
  unit.num_rows = std::min(args.rows_per_unit, a.rows - unit.row);
  unit.num_columns = std::min(args.columns_per_unit, a.columns - unit.column);
  return unit;
}

struct Scratch {
  float* x = nullptr;  // [rows][depth]
  float* y = nullptr;  // [depth][stride]
  float* bias = nullptr;
  float* mac = nullptr;
  uint16_t* halves = nullptr;  // gathered operands, or results
  int64_t stride = 0;
  size_t bytes = 0;
};

Scratch CutScratch(const DeviceMatmulArgs& args, std::byte* bytes) {
  const MatmulArgs& a = args.matmul;
  Scratch s;
  s.stride = RoundUp(args.columns_per_unit, kGranule);
  ScratchCutter cutter(bytes);
  s.x = cutter.Take<float>(args.rows_per_unit * a.depth);
  s.y = cutter.Take<float>(args.weights.size() > 0 ? 0 : a.depth * s.stride);
  s.bias = cutter.Take<float>(s.stride);
  s.mac = cutter.Take<float>(static_cast<int64_t>(MacScratchFloats(
      static_cast<size_t>(a.depth), static_cast<size_t>(s.stride))));
  s.halves = cutter.Take<uint16_t>(std::max(
      {args.rows_per_unit * s.stride, a.depth, args.columns_per_unit}));
  s.bytes = cutter.bytes();
  return s;
}

// `count` elements `step` bytes apart, decoded side by side.
template <bool kSimd>
void DecodeRun(const DeviceMatmulArgs& args, const std::byte* from,
               int64_t step, int64_t count, const Scratch& s, float* to) {
  if (step == 2)
    return DecodeOperands<kSimd>(
        *args.profile, reinterpret_cast<const uint16_t*>(from), count, to);
  for (int64_t i = 0; i < count; ++i)
    s.halves[i] = *reinterpret_cast<const uint16_t*>(from + i * step);
  DecodeOperands<kSimd>(*args.profile, s.halves, count, to);
}

template <bool kSimd>
void PackX(const DeviceMatmulArgs& args, const TensorView& view,
           const Unit& unit, const Scratch& s) {
  const MatmulArgs& a = args.matmul;
  const std::byte* first = MatrixData(a, a.x, view, unit.matrix);
  for (int64_t r = 0; r < unit.num_rows; ++r)
    DecodeRun<kSimd>(args, first + (unit.row + r) * a.x.row.Bytes(view),
                     a.x.column.Bytes(view), a.depth, s, s.x + r * a.depth);
}

template <bool kSimd>
void PackY(const DeviceMatmulArgs& args, const TensorView& view,
           const Unit& unit, const Scratch& s) {
  const MatmulArgs& a = args.matmul;
  const int64_t step = a.y.column.Bytes(view);
  const std::byte* first =
      MatrixData(a, a.y, view, unit.matrix) + unit.column * step;
  for (int64_t k = 0; k < a.depth; ++k) {
    float* to = s.y + k * s.stride;
    DecodeRun<kSimd>(args, first + k * a.y.row.Bytes(view), step,
                     unit.num_columns, s, to);
    std::fill(to + unit.num_columns, to + s.stride, 0.0f);
  }
}

const float* BiasOf(const DeviceMatmulArgs& args, const KernelCall& call,
                    const Unit& unit, const Scratch& s) {
  if (!args.matmul.bias.empty()) return args.matmul.bias.data() + unit.column;
  if (!args.has_bias_operand) return nullptr;
  const uint16_t* bits = call.in[2].Row<uint16_t>(0) + unit.column;
  for (int64_t n = 0; n < unit.num_columns; ++n)
    s.bias[n] = static_cast<float>(EngineHalfToDouble(bits[n]));
  return s.bias;
}

template <bool kSimd>
Status Run(const KernelCall& call, int64_t index) {
  const auto& args = *static_cast<const DeviceMatmulArgs*>(call.args);
  const MatmulArgs& a = args.matmul;
  const Unit unit = UnitOf(args, index);
  const Scratch s = CutScratch(args, call.scratch);
  PackX<kSimd>(args, call.in[0], unit, s);
  MacTile tile;
  tile.profile = args.profile;
  tile.x = s.x;
  tile.x_stride = tile.depth = static_cast<size_t>(a.depth);
  if (args.weights.size() > 0) {
    tile.w = args.weights.as<float>() + unit.column;
    tile.w_stride = static_cast<size_t>(RoundUp(a.columns, kGranule));
  } else {
    PackY<kSimd>(args, call.in[1], unit, s);
    tile.w = s.y;
    tile.w_stride = static_cast<size_t>(s.stride);
  }
  tile.rows = static_cast<size_t>(unit.num_rows);
  tile.columns = static_cast<size_t>(unit.num_columns);
  tile.bias = BiasOf(args, call, unit, s);
  tile.out = s.halves;
  tile.out_stride = static_cast<size_t>(s.stride);
  tile.scratch = s.mac;
  if constexpr (kSimd)
    MacTileSimd(tile);
  else
    MacTileScalar(tile);
  const TensorView& out = call.out[0];
  std::byte* first = MatrixData(a, a.out, out, unit.matrix);
  const int64_t row_step = a.out.row.Bytes(out);
  const int64_t column_step = a.out.column.Bytes(out);
  for (int64_t r = 0; r < unit.num_rows; ++r) {
    std::byte* to = first + (unit.row + r) * row_step;
    for (int64_t n = 0; n < unit.num_columns; ++n)
      *reinterpret_cast<uint16_t*>(to + (unit.column + n) * column_step) =
          s.halves[r * s.stride + n];
  }
  return Status();
}

}  // namespace

int64_t DeviceMatmulArgs::NumUnits() const {
  return matmul.NumMatrices() * DivideUp(matmul.rows, rows_per_unit) *
         DivideUp(matmul.columns, columns_per_unit);
}

void PlanDeviceMatmul(DeviceMatmulArgs* args) {
  const int64_t depth = std::max<int64_t>(args->matmul.depth, 1);
  const int64_t fitting =
      std::max<int64_t>(kPanelBytes / 4 / depth / kGranule * kGranule, 64);
  args->columns_per_unit = std::min(args->matmul.columns, fitting);
  args->rows_per_unit = std::min(
      args->matmul.rows, std::clamp<int64_t>(kPanelBytes / 8 / depth, 8, 128));
}

size_t DeviceMatmulScratchBytes(const DeviceMatmulArgs& args) {
  return CutScratch(args, nullptr).bytes;
}

const Kernel device_matmul_kernel = {"device_matmul", Run<false>, Run<true>};

}  // namespace aneref
