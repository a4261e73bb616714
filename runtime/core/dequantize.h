// Weights as the engine stores them, expanded to fp16 (N60-N64), and the two
// 8-bit floating formats (N67). Exact tables and one rounding; no file formats.
#ifndef ANEREF_RUNTIME_CORE_DEQUANTIZE_H_
#define ANEREF_RUNTIME_CORE_DEQUANTIZE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/core/status.h"

namespace aneref {

// N60, N63: RNE16(scale * (q - zero_point)), scale as fp16 bits.
uint16_t DequantizeAffine(int32_t q, uint16_t scale, int32_t zero_point = 0);

// N61: indices of 1, 2, 3, 4, 6 or 8 bits, lowest bits first within the byte
// stream. kInvalidArgument: another width, or too few bytes.
Expected<std::vector<uint8_t>> UnpackIndices(std::span<const uint8_t> bytes,
                                             int bits, size_t count);
// The inverse; the last byte is filled with zeros.
std::vector<uint8_t> PackIndices(std::span<const uint8_t> indices, int bits);

// N61: output channels that may share a codebook: 1, 2, 4 or 5.
bool IsPaletteVectorSize(int vector_size);
// Bytes of one codebook of 2^bits fp16 entries.
size_t PaletteTableBytes(int bits);

// N61: weights [channels][per_channel] from indices of the same order, with
// codebooks [channels / vector][2^bits][vector], or one codebook for all
// (table.size() == entries and vector_size == 1).
struct Palette {
  std::span<const uint16_t> table;
  size_t num_entries = 16;  // of one codebook
  size_t vector_size = 1;
};
Status ExpandPalette(const Palette& palette, std::span<const uint8_t> indices,
                     size_t per_channel, std::span<uint16_t> weights);

// N64: the 16-entry palette that a 4-bit affine weight becomes; entry i is the
// weight of the unsigned index i, or of the two's complement number it codes.
std::vector<uint16_t> Int4Palette(uint16_t scale, int32_t zero_point,
                                  bool is_signed);

// N62: one mask bit per element, lowest bit first, then the survivors in scan
// order. kInvalidArgument: too few mask bytes or survivors.
Status ExpandSparse(std::span<const uint8_t> mask,
                    std::span<const uint16_t> survivors,
                    std::span<uint16_t> weights);
size_t SparseBytes(size_t num_elements, size_t num_survivors);

// N67. E4M3: bias 7, largest 448, no infinity, NaN 7F and FF. E5M2: the upper
// byte of an fp16.
uint16_t HalfOfE4m3(uint8_t bits);
uint8_t E4m3Of(float value, bool saturate);  // else overflow gives NaN, 7F
uint16_t HalfOfE5m2(uint8_t bits);
uint8_t E5m2Of(uint16_t half);  // nearest even; overflow gives 7C

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_DEQUANTIZE_H_
