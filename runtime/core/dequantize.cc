// N60-N64 and N67, element by element. Products of a scale and an integer are
// exact in double, so each value is rounded once.
#include "runtime/core/dequantize.h"

#include <cmath>

#include "runtime/core/half.h"
#include "runtime/core/numerics.h"

namespace aneref {
namespace {

bool IsIndexWidth(int bits) {
  return bits == 1 || bits == 2 || bits == 3 || bits == 4 || bits == 6 ||
         bits == 8;
}

}  // namespace

uint16_t DequantizeAffine(int32_t q, uint16_t scale, int32_t zero_point) {
  const double steps = static_cast<double>(q) - static_cast<double>(zero_point);
  return StoreEngine(Rounding::kNearestEven, EngineHalfToDouble(scale) * steps);
}

Expected<std::vector<uint8_t>> UnpackIndices(std::span<const uint8_t> bytes,
                                             int bits, size_t count) {
  if (!IsIndexWidth(bits))
    return InvalidArgument(
        "palette indices have 1, 2, 3, 4, 6 or 8 bits, not " +
        std::to_string(bits));
  const auto width = static_cast<size_t>(bits);
  if (count > bytes.size() * 8 / width)
    return InvalidArgument("palette: " + std::to_string(bytes.size()) +
                           " bytes are too few for " + std::to_string(count) +
                           " indices");
  std::vector<uint8_t> indices(count);
  for (size_t i = 0; i < count * width; ++i) {
    const uint32_t bit = (bytes[i / 8] >> (i % 8)) & 1u;
    indices[i / width] =
        static_cast<uint8_t>(indices[i / width] | (bit << (i % width)));
  }
  return indices;
}

std::vector<uint8_t> PackIndices(std::span<const uint8_t> indices, int bits) {
  const auto width = static_cast<size_t>(bits);
  std::vector<uint8_t> bytes((indices.size() * width + 7) / 8);
  for (size_t i = 0; i < indices.size() * width; ++i) {
    const uint32_t bit = (indices[i / width] >> (i % width)) & 1u;
    bytes[i / 8] = static_cast<uint8_t>(bytes[i / 8] | (bit << (i % 8)));
  }
  return bytes;
}

bool IsPaletteVectorSize(int vector_size) {
  // The published mask 0x36 over the size: bits 1, 2, 4 and 5.
  return vector_size >= 0 && vector_size < 6 &&
         ((0x36 >> vector_size) & 1) != 0;
}

size_t PaletteTableBytes(int bits) { return (size_t{1} << bits) * 2; }

Status ExpandPalette(const Palette& palette, std::span<const uint8_t> indices,
                     size_t per_channel, std::span<uint16_t> weights) {
  const size_t vector = palette.vector_size;
  const size_t codebook = palette.num_entries * vector;
  if (vector == 0 || per_channel == 0 || indices.size() < weights.size())
    return InvalidArgument("palette: fewer indices than weights");
  const size_t channels = weights.size() / per_channel;
  const bool shared = palette.table.size() == codebook;
  if (!shared &&
      palette.table.size() < (channels + vector - 1) / vector * codebook)
    return InvalidArgument("palette: codebooks are missing");
  for (size_t i = 0; i < weights.size(); ++i) {
    const size_t channel = i / per_channel;
    if (indices[i] >= palette.num_entries)
      return InvalidArgument("palette: index " + std::to_string(indices[i]) +
                             " of " + std::to_string(palette.num_entries));
    const size_t base = shared ? 0 : channel / vector * codebook;
    weights[i] = palette.table[base + indices[i] * vector + channel % vector];
  }
  return Status();
}

std::vector<uint16_t> Int4Palette(uint16_t scale, int32_t zero_point,
                                  bool is_signed) {
  std::vector<uint16_t> table(16);
  for (int32_t i = 0; i < 16; ++i) {
    const int32_t q = is_signed && i >= 8 ? i - 16 : i;
    table[static_cast<size_t>(i)] = DequantizeAffine(q, scale, zero_point);
  }
  return table;
}

Status ExpandSparse(std::span<const uint8_t> mask,
                    std::span<const uint16_t> survivors,
                    std::span<uint16_t> weights) {
  if (mask.size() < (weights.size() + 7) / 8)
    return InvalidArgument("sparse weights: the mask is too short");
  size_t next = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = 0;
    if (((mask[i / 8] >> (i % 8)) & 1) == 0) continue;
    if (next == survivors.size())
      return InvalidArgument("sparse weights: fewer values than mask bits");
    weights[i] = survivors[next++];
  }
  return Status();
}

size_t SparseBytes(size_t num_elements, size_t num_survivors) {
  return (num_elements + 7) / 8 + 2 * num_survivors;
}

uint16_t HalfOfE4m3(uint8_t bits) {
  const uint32_t sign = (bits & 0x80u) << 8;
  const uint32_t magnitude = bits & 0x7Fu;
  if (magnitude == 0x7Fu) return static_cast<uint16_t>(sign | kHalfNan);
  const auto fraction = static_cast<double>(magnitude & 7u);
  const int field = static_cast<int>(magnitude >> 3);
  const double value =
      field == 0 ? fraction * 0x1p-9 : std::ldexp(8.0 + fraction, field - 10);
  return static_cast<uint16_t>(sign | DoubleToHalf(value));
}

uint8_t E4m3Of(float value, bool saturate) {
  const uint32_t sign = std::signbit(value) ? 0x80u : 0u;
  const double magnitude = std::fabs(static_cast<double>(value));
  if (magnitude != magnitude) return static_cast<uint8_t>(sign | 0x7Fu);
  if (magnitude == 0.0) return static_cast<uint8_t>(sign);
  // 464 is the midpoint between 448 and the 480 that does not exist.
  if (magnitude > 464.0)
    return static_cast<uint8_t>(sign | (saturate ? 0x7Eu : 0x7Fu));
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  const int unit = (exponent < -5 ? -5 : exponent) - 4;  // smallest: 2^-9
  const double steps = std::nearbyint(std::ldexp(magnitude, -unit));
  // The leading one of a normal significand adds 1 to the exponent field.
  const auto bits =
      static_cast<uint32_t>((unit + 9) * 8) + static_cast<uint32_t>(steps);
  return static_cast<uint8_t>(sign | bits);
}

uint16_t HalfOfE5m2(uint8_t bits) { return static_cast<uint16_t>(bits << 8); }

uint8_t E5m2Of(uint16_t half) {
  const uint32_t sign = (half >> 8) & 0x80u;
  const uint32_t magnitude = half & 0x7FFFu;
  if (magnitude > 0x7C00u) return static_cast<uint8_t>(sign | 0x7Eu);  // NaN
  const uint32_t rounded = (magnitude + 0x7Fu + ((magnitude >> 8) & 1u)) >> 8;
  return static_cast<uint8_t>(sign | (rounded > 0x7Cu ? 0x7Cu : rounded));
}

}  // namespace aneref
