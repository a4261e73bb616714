// The scalar twin of mac_device_simd.cc: every output through the accumulators
// of core (N10-N22), pair by pair.
#include "ops/kernels/mac_device.h"

#include "runtime/core/accumulator.h"

namespace aneref {

void DecodeOperandsScalar(const Profile& profile, const uint16_t* bits,
                          size_t count, float* values) {
  const bool flushes = profile.mac == MacAccumulator::kRadix4W12;
  for (size_t i = 0; i < count; ++i) {
    const bool is_zero = flushes && (bits[i] & 0x7C00u) == 0;  // N13
    values[i] =
        is_zero ? 0.0f : static_cast<float>(EngineHalfToDouble(bits[i]));
  }
}

size_t MacScratchFloats(size_t depth, size_t columns) {
  constexpr size_t kRows = 4;
  const size_t padded_depth = PaddedMacDepth(depth);
  const size_t padded_columns =
      (columns + kMacColumnGranule - 1) / kMacColumnGranule * kMacColumnGranule;
  return 3 * kRows * padded_depth + 3 * padded_columns + 2 * kMacColumnGranule;
}

bool HasVectorMac(const Profile& profile, bool single_tap) {
  if (single_tap && profile.single_tap_exempt) return false;
  if (profile.mac == MacAccumulator::kQ15_16) return !profile.keep_denormals;
  return profile.window_cut == WindowCut::kNearestEven &&
         profile.group_lanes == GroupLanes::kConsecutive;
}

void MacTileScalar(const MacTile& tile) {
  Accumulator sum(*tile.profile, tile.single_tap);
  for (size_t row = 0; row < tile.rows; ++row) {
    for (size_t column = 0; column < tile.columns; ++column) {
      const size_t channel = tile.channels_are_rows ? row : column;
      MacEpilogue epilogue;
      epilogue.has_bias = tile.bias != nullptr;
      epilogue.has_scale = tile.scale != nullptr;
      if (epilogue.has_bias)
        epilogue.bias = static_cast<double>(tile.bias[channel]);
      if (epilogue.has_scale) epilogue.scale = tile.scale[channel];
      sum.Start(epilogue);
      for (size_t k = 0; k < tile.depth; ++k)
        sum.Add(OperandOf(tile.x[row * tile.x_stride + k]),
                OperandOf(tile.w[k * tile.w_stride + column]));
      tile.out[row * tile.out_stride + column] = sum.Finish();
    }
  }
}

}  // namespace aneref
