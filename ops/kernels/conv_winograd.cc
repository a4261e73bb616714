// Weights, units and the scalar twin of the Winograd kernel (P22).
#include "ops/kernels/conv_winograd.h"

#include <algorithm>
#include <cmath>

namespace aneref {
namespace {

// Transformed inputs of a unit: five eighths of a 1 MiB L2.
constexpr int64_t kInputBudget = int64_t{640} << 10;
constexpr int64_t kMostTiles = 64;
// Fewest units that a layer is cut into, where it has the channels for it.
constexpr int64_t kWantedUnits = 4;
constexpr int64_t kFewestBlocks = 8;  // of a unit: 48 channels

// Kernels that are transformed together: input channels, and with the rows of
// a block their elements, channel outer. Loops over all of them are loops of
// vectors.
constexpr int64_t kPackChannels = 16;
constexpr int64_t kPackWidth = kPackChannels * kWinogradRows;
using PackLanes = double[kPackWidth];

// G of F(4x4, 3x3), one axis, in double.
void TransformWeights(const PackLanes& a, const PackLanes& b,
                      const PackLanes& c, PackLanes (&out)[6]) {
  for (int64_t i = 0; i < kPackWidth; ++i) {
    const double even = a[i] + c[i], far = a[i] + 4 * c[i];
    out[0][i] = a[i] / 4;
    out[1][i] = -(even + b[i]) / 6;
    out[2][i] = -(even - b[i]) / 6;
    out[3][i] = (far + 2 * b[i]) / 24;
    out[4][i] = (far - 2 * b[i]) / 24;
    out[5][i] = c[i];
  }
}

// Both axes of the kernels of rows [first_row, first_row + kWinogradRows) and
// the input channels from `first` on, into the block's [36][in_channels][rows].
template <class T>
void PackPart(const WinogradArgs& a, const T* dense, int64_t first_row,
              int64_t first, float* block) {
  const int64_t count = std::min(kPackChannels, a.in_channels - first);
  const int64_t num_rows = std::min(kWinogradRows, a.out_channels - first_row);
  PackLanes g[9] = {}, rows[3][6], column[6];
  for (int64_t c = 0; c < count; ++c) {
    for (int64_t m = 0; m < num_rows; ++m) {
      const T* kernel =
          dense + ((first_row + m) * a.in_channels + first + c) * 9;
      for (int64_t t = 0; t < 9; ++t)
        g[t][c * kWinogradRows + m] =
            static_cast<double>(LoadElement(kernel + t));
    }
  }
  for (int r = 0; r < 3; ++r)
    TransformWeights(g[3 * r], g[3 * r + 1], g[3 * r + 2], rows[r]);
  for (int64_t j = 0; j < 6; ++j) {
    TransformWeights(rows[0][j], rows[1][j], rows[2][j], column);
    for (int64_t i = 0; i < 6; ++i) {
      float* to = block + ((i * 6 + j) * a.in_channels + first) * kWinogradRows;
      for (int64_t k = 0; k < count * kWinogradRows; ++k)
        to[k] = static_cast<float>(column[i][k]);
    }
  }
}

template <class T>
void PackWeights(const T* dense, WinogradArgs* a) {
  const int64_t block = kWinogradPoints * a->in_channels * kWinogradRows;
  a->weights =
      AlignedBytes(static_cast<size_t>(a->Blocks() * block) * sizeof(float));
  for (int64_t b = 0; b < a->Blocks(); ++b) {
    for (int64_t c = 0; c < a->in_channels; c += kPackChannels) {
      PackPart(*a, dense, b * kWinogradRows, c,
               a->weights.as<float>() + b * block);
    }
  }
}

// One axis of the transforms of inputs and products. Every factor is a power
// of two, so that only the sums round, in this order.
void TransformInput(const float in[6], float out[6]) {
  const float d42 = in[4] - in[2], d31 = in[3] - in[1];
  const float even = in[4] - 4 * in[2], odd = in[3] - 4 * in[1];
  out[0] = 4 * (in[0] - in[2]) + d42;
  out[1] = even + odd;
  out[2] = even - odd;
  out[3] = d42 + 2 * d31;
  out[4] = d42 - 2 * d31;
  out[5] = (in[5] - in[3]) - 4 * d31;
}
void TransformOutput(const float in[6], float out[4]) {
  const float s = in[1] + in[2], d = in[1] - in[2];
  const float p = in[3] + in[4], q = in[3] - in[4];
  out[0] = (in[0] + s) + p;
  out[1] = d + 2 * q;
  out[2] = s + 4 * p;
  out[3] = (d + 8 * q) + in[5];
}

// Element (row, column) of the input, 0 in the padding.
template <class T>
float Element(const WinogradArgs& a, const TensorView& x, int64_t plane,
              int64_t row, int64_t column) {
  if (row < 0 || row >= a.in_height || column < 0 || column >= a.in_width)
    return 0.0f;
  return LoadElement(x.Row<T>(plane * a.in_height + row) + column);
}

// The 36 transformed elements of one tile of one channel.
template <class T>
void TransformTile(const WinogradArgs& a, const TensorView& x, int64_t plane,
                   int64_t tile, float out[36]) {
  const int64_t top = tile / a.TileColumns() * kWinogradOut - a.pad_top;
  const int64_t left = tile % a.TileColumns() * kWinogradOut - a.pad_left;
  float rows[6][6];
  for (int64_t i = 0; i < 6; ++i) {
    float in[6];
    for (int64_t j = 0; j < 6; ++j)
      in[j] = Element<T>(a, x, plane, top + i, left + j);
    TransformInput(in, rows[i]);
  }
  for (int j = 0; j < 6; ++j) {
    float in[6], column[6];
    for (int i = 0; i < 6; ++i) in[i] = rows[i][j];
    TransformInput(in, column);
    for (int i = 0; i < 6; ++i) out[i * 6 + j] = column[i];
  }
}

// The sixteen outputs of one tile of channel m, from its products.
template <class T>
void StoreTile(const WinogradArgs& a, const float products[36], int64_t image,
               int64_t m, int64_t tile, const TensorView& out) {
  float rows[6][4];
  for (int i = 0; i < 6; ++i) TransformOutput(products + i * 6, rows[i]);
  const float bias = a.bias.empty() ? 0.0f : a.bias[static_cast<size_t>(m)];
  const int64_t top = tile / a.TileColumns() * kWinogradOut;
  const int64_t left = tile % a.TileColumns() * kWinogradOut;
  for (int j = 0; j < 4; ++j) {
    float in[6], column[4];
    for (int i = 0; i < 6; ++i) in[i] = rows[i][j];
    TransformOutput(in, column);
    for (int i = 0; i < 4; ++i) {
      if (top + i >= a.out_height || left + j >= a.out_width) continue;
      T* line =
          out.Row<T>((image * a.out_channels + m) * a.out_height + top + i);
      StoreElement(column[i] + bias, line + left + j);
    }
  }
}

template <class T>
void ScalarUnit(const WinogradArgs& a, const KernelCall& call,
                const WinogradUnit& u) {
  auto* inputs = reinterpret_cast<float*>(call.scratch);  // [channel][36]
  for (int64_t tile = u.tile_begin; tile < u.tile_end; ++tile) {
    for (int64_t c = 0; c < a.in_channels; ++c) {
      TransformTile<T>(a, call.in[0], u.image * a.in_channels + c, tile,
                       inputs + c * kWinogradPoints);
    }
    const int64_t end = std::min(u.block_end * kWinogradRows, a.out_channels);
    for (int64_t m = u.block_begin * kWinogradRows; m < end; ++m) {
      const float* weights =
          a.weights.as<float>() +
          m / kWinogradRows * kWinogradPoints * a.in_channels * kWinogradRows +
          m % kWinogradRows;
      float products[36];
      for (int64_t point = 0; point < kWinogradPoints; ++point) {
        float sum = 0.0f;
        for (int64_t c = 0; c < a.in_channels; ++c) {
          sum = std::fma(weights[(point * a.in_channels + c) * kWinogradRows],
                         inputs[c * kWinogradPoints + point], sum);
        }
        products[point] = sum;
      }
      StoreTile<T>(a, products, u.image, m, tile, call.out[0]);
    }
  }
}

int64_t TileRuns(const WinogradArgs& a) {
  return DivideUp(a.Tiles(), a.tiles_per_unit);
}
int64_t BlockRuns(const WinogradArgs& a) {
  return DivideUp(a.Blocks(), a.blocks_per_unit);
}

}  // namespace

bool FitsWinograd(const ConvArgs& a) {
  constexpr int64_t kFewestChannels = 32, kMostChannels = 4096;
  constexpr int64_t kSmallestMap = 12;
  if (a.groups != 1 || a.taps.size() != 9 || a.in_step.row != 1 ||
      a.in_step.column != 1 || a.out_step.row != 1 || a.out_step.column != 1) {
    return false;
  }
  for (int64_t t = 0; t < 9; ++t) {  // neither dilated nor 9 in a row
    const PlaneStep& tap = a.taps[static_cast<size_t>(t)];
    if (tap.row != a.taps[0].row + t / 3 ||
        tap.column != a.taps[0].column + t % 3) {
      return false;
    }
  }
  return a.in_channels >= kFewestChannels && a.in_channels <= kMostChannels &&
         a.out_channels >= kFewestChannels && a.grid_height >= kSmallestMap &&
         a.grid_width >= kSmallestMap;
}

WinogradArgs PlanWinograd(ConvArgs conv, DataType type,
                          const AlignedBytes& dense) {
  WinogradArgs a;
  a.batch = conv.batch;
  a.in_channels = conv.in_channels;
  a.out_channels = conv.out_channels;
  a.in_height = conv.in_height;
  a.in_width = conv.in_width;
  a.out_height = conv.grid_height;
  a.out_width = conv.grid_width;
  a.pad_top = -conv.taps[0].row;
  a.pad_left = -conv.taps[0].column;
  a.bias = std::move(conv.bias);
  if (type == DataType::kFloat16) {
    PackWeights(dense.as<uint16_t>(), &a);
  } else {
    PackWeights(dense.as<float>(), &a);
  }
  const int64_t tile_bytes =
      kWinogradPoints * a.in_channels * static_cast<int64_t>(sizeof(float));
  const int64_t fitting = std::clamp<int64_t>(
      kInputBudget / tile_bytes / kWinogradLanes * kWinogradLanes,
      kWinogradLanes, kMostTiles);
  const int64_t runs = DivideUp(a.Tiles(), fitting);
  a.tiles_per_unit = RoundUp(DivideUp(a.Tiles(), runs), kWinogradLanes);
  const int64_t wanted =
      std::clamp<int64_t>(DivideUp(kWantedUnits, a.batch * TileRuns(a)), 1,
                          std::max<int64_t>(1, a.Blocks() / kFewestBlocks));
  a.blocks_per_unit = DivideUp(a.Blocks(), wanted);
  return a;
}

int64_t WinogradArgs::NumUnits() const {
  return batch * TileRuns(*this) * BlockRuns(*this);
}

WinogradUnit WinogradUnitOf(const WinogradArgs& a, int64_t unit) {
  WinogradUnit u;
  const int64_t run = unit % BlockRuns(a);
  unit /= BlockRuns(a);
  u.block_begin = run * a.blocks_per_unit;
  u.block_end = std::min(u.block_begin + a.blocks_per_unit, a.Blocks());
  u.tile_begin = unit % TileRuns(a) * a.tiles_per_unit;
  u.tile_end = std::min(u.tile_begin + a.tiles_per_unit, a.Tiles());
  u.image = unit / TileRuns(a);
  return u;
}

WinogradScratch WinogradScratchOf(const WinogradArgs& a) {
  const int64_t tiles = a.tiles_per_unit;
  WinogradScratch scratch;
  // Whole vectors are written behind the last tile.
  scratch.elements = 2 * kWinogradIn * kWinogradOut * (tiles + kWinogradLanes);
  scratch.inputs = kWinogradPoints * a.in_channels * tiles;
  scratch.products = kWinogradPoints * kWinogradBatch * kWinogradRows * tiles;
  // Whole vectors are read behind the last one.
  scratch.outputs = kWinogradOut * kWinogradOut * tiles + kWinogradLanes;
  return scratch;
}

size_t WinogradArgs::ScratchBytes() const {
  const WinogradScratch s = WinogradScratchOf(*this);
  return static_cast<size_t>(s.elements + s.inputs + s.products + s.outputs) *
         sizeof(float);
}

Status ConvWinogradScalar(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const WinogradArgs*>(call.args);
  const WinogradUnit u = WinogradUnitOf(args, unit);
  if (call.out[0].dtype == DataType::kFloat16) {
    ScalarUnit<uint16_t>(args, call, u);
  } else {
    ScalarUnit<float>(args, call, u);
  }
  return Status();
}

}  // namespace aneref
