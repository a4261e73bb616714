// Dot products in the engine's arithmetic: one register-tiled datapath for both
// accumulators (N10-N22) as scalar code and as Highway code with the same bits.
// Knows lists of pairs, not convolutions: the caller packs operands so that k
// ascends in the order of the list. Overflow is exact; a tile that cannot
// overflow is recognised beforehand and runs without checks.
#ifndef ANEREF_OPS_KERNELS_MAC_DEVICE_H_
#define ANEREF_OPS_KERNELS_MAC_DEVICE_H_

#include <cstddef>
#include <cstdint>

#include "runtime/core/profile.h"

namespace aneref {

// Decoded operands: the engine's reading of fp16 as fp32, exactly (N5);
// denormal operands are 0 where the accumulator flushes them (N13).
void DecodeOperandsScalar(const Profile& profile, const uint16_t* bits,
                          size_t count, float* values);
// Reads and writes nothing past `count`.
void DecodeOperandsSimd(const Profile& profile, const uint16_t* bits,
                        size_t count, float* values);

template <bool kSimd>
void DecodeOperands(const Profile& profile, const uint16_t* bits, int64_t count,
                    float* values) {
  const auto n = static_cast<size_t>(count);
  if constexpr (kSimd)
    DecodeOperandsSimd(profile, bits, n, values);
  else
    DecodeOperandsScalar(profile, bits, n, values);
}

// Rows of `w` and the float arrays are padded with zeros to this many columns.
inline constexpr size_t kMacColumnGranule = 16;

struct MacTile {
  const Profile* profile = nullptr;
  const float* x = nullptr;  // [rows][depth], decoded
  size_t x_stride = 0;
  const float* w = nullptr;  // [depth][columns rounded up], decoded
  size_t w_stride = 0;
  size_t rows = 0;
  size_t depth = 0;
  size_t columns = 0;
  // Per column, or per row when `channels_are_rows`; null: none. Bias is fp32
  // or decoded fp16 (N21), scale fp16 bits (N22).
  const float* bias = nullptr;
  const uint16_t* scale = nullptr;
  bool channels_are_rows = false;
  bool single_tap = false;  // N20
  uint16_t* out = nullptr;  // [rows][columns]
  size_t out_stride = 0;
  float* scratch =
      nullptr;  // MacScratchFloats(depth, columns), 64-byte aligned
};

// Depth that row operands have in the scratch: whole groups and vectors.
inline size_t PaddedMacDepth(size_t depth) {
  return (depth + kMacColumnGranule - 1) / kMacColumnGranule *
         kMacColumnGranule;
}
size_t MacScratchFloats(size_t depth, size_t columns);

// Whether the vector form covers the profile's options; else MacTileSimd runs
// the scalar code (m5_keep_denormals, h13_window_cut, h13_group_lanes, the
// exemption of N20).
bool HasVectorMac(const Profile& profile, bool single_tap);

void MacTileScalar(const MacTile& tile);
void MacTileSimd(const MacTile& tile);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_MAC_DEVICE_H_
