// Compressed constants: palettes, scaled integers, sparse values, and their
// joint forms, decoded to dense elements (F13). Used when a session is made and
// by importers; knows neither files nor nets.
#ifndef ANEREF_RUNTIME_GRAPH_DECODE_H_
#define ANEREF_RUNTIME_GRAPH_DECODE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/core/status.h"
#include "runtime/core/tensor.h"
#include "schema/net_generated.h"

namespace aneref {

// Views of one constant's parts; field by field the table fbs::Constant.
struct EncodedConstant {
  fbs::Encoding encoding = fbs::Encoding::dense;
  DataType stored = DataType::kFloat16;  // of the decoded elements
  Shape shape;                           // dense
  int bits = 0;
  bool is_signed = false;
  int64_t axis = 0;
  int64_t vector_axis = 0;
  std::span<const std::byte> data;
  std::span<const std::byte> palette;
  std::span<const std::byte> scales;
  std::span<const std::byte> zero_points;
  std::span<const std::byte> biases;
  std::span<const std::byte> mask;
  std::vector<int64_t> palette_shape;
  std::vector<int64_t> scales_shape;
  const EncodedConstant* palette_constant = nullptr;
  const EncodedConstant* values_constant = nullptr;
  // As the engine reads scaled integers (N60, N63): scales are rounded to fp16
  // first. Biases are none of the engine's: such a constant is the host's.
  bool half_scales = false;
};

// Bytes of `count` packed elements of `bits` bits.
inline uint64_t PackedBytes(uint64_t count, int bits) {
  return (count * static_cast<uint64_t>(bits) + 7) / 8;
}

// F7 of compressed constants: every part has the size that shapes and widths
// need. Reads no element but the mask. kInvalidFile.
Status CheckEncoded(const EncodedConstant& constant);

// The type of decoded elements: `stored`, but float32 for scaled integers of
// `stored` float16, whose products are exact there.
DataType DecodedType(const EncodedConstant& constant);

// All elements, dense, row major, of DecodedType; `out` has that size.
// Same errors as CheckEncoded; an index beyond its palette cannot occur.
Status DecodeConstant(const EncodedConstant& constant,
                      std::span<std::byte> out);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_GRAPH_DECODE_H_
