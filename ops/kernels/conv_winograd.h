// Winograd's F(4x4, 3x3): 3x3 convolutions with a quarter of the products, for
// fast numerics only (P22). Sixteen outputs at a time, each input tile of 6x6
// is transformed once, multiplied 36 times by transformed weights, summed over
// channels, and transformed back. Never a substitute in other numerics.
#ifndef ANEREF_OPS_KERNELS_CONV_WINOGRAD_H_
#define ANEREF_OPS_KERNELS_CONV_WINOGRAD_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/kernels/conv.h"
#include "ops/kernels/gemm.h"
#include "ops/kernels/kernel.h"

namespace aneref {

// Outputs and inputs of a tile along one axis, and points of the transform.
inline constexpr int64_t kWinogradOut = 4;
inline constexpr int64_t kWinogradIn = 6;
inline constexpr int64_t kWinogradPoints = 36;
// Output channels of one register tile; fixed, so that the packed weights do
// not depend on the target.
inline constexpr int64_t kWinogradRows = 6;
// Tiles of a unit are a multiple of this: one AVX-512 vector.
inline constexpr int64_t kWinogradLanes = 16;

// Operands: in[0] x [batch, in_channels, in_height, in_width], out[0] [batch,
// out_channels, out_height, out_width], float16 or float32.
struct WinogradArgs {
  int64_t batch = 0;
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t in_height = 0, in_width = 0;
  int64_t out_height = 0, out_width = 0;
  int64_t pad_top = 0, pad_left = 0;

  // Transformed, fp32: [blocks of kWinogradRows channels][36][in_channels]
  // [kWinogradRows]; the last block is filled up with zeros.
  AlignedBytes weights;
  std::vector<float> bias;  // [out_channels], or empty

  // Work units: runs of tiles in row-major order, and runs of channel blocks.
  int64_t tiles_per_unit = 0;   // multiple of kWinogradLanes
  int64_t blocks_per_unit = 0;  // of kWinogradRows channels

  int64_t TileColumns() const { return DivideUp(out_width, kWinogradOut); }
  int64_t TileRows() const { return DivideUp(out_height, kWinogradOut); }
  int64_t Tiles() const { return TileRows() * TileColumns(); }
  int64_t Blocks() const { return DivideUp(out_channels, kWinogradRows); }
  int64_t NumUnits() const;
  size_t ScratchBytes() const;
};

struct WinogradUnit {
  int64_t image;
  int64_t tile_begin, tile_end;
  int64_t block_begin, block_end;
};
WinogradUnit WinogradUnitOf(const WinogradArgs& args, int64_t unit);

// Whether the formula pays: 3x3, stride 1, one group, two axes, at least 32
// channels on both sides and 12 outputs along both axes.
bool FitsWinograd(const ConvArgs& conv);

// Transforms `dense`, [out_channels][in_channels][3][3], and cuts the units.
// The bias is moved from `conv`.
WinogradArgs PlanWinograd(ConvArgs conv, DataType type,
                          const AlignedBytes& dense);

// Parts of the scratch, in floats.
struct WinogradScratch {
  int64_t elements;  // of one channel's rows: [12][4 * (tiles + lanes)]
  int64_t inputs;    // transformed: [36][in_channels][tiles]
  int64_t products;  // [36][kWinogradBatch * kWinogradRows][tiles]
  int64_t outputs;   // of one channel: [4][4 * tiles]
};
WinogradScratch WinogradScratchOf(const WinogradArgs& args);
// Blocks whose products are held at a time.
inline constexpr int64_t kWinogradBatch = 4;

Status ConvWinogradScalar(const KernelCall& call, int64_t unit);
extern const Kernel conv_winograd_kernel;

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_CONV_WINOGRAD_H_
