// See weights.h.
#include "runtime/import/coreml/weights.h"

#include <algorithm>
#include <cstring>

#include "runtime/core/convert.h"

namespace aneref::coreml {
namespace {

// Neither a view of hostile sizes nor a count that wraps: checked by MakeShape.
Expected<size_t> CountOf(const Shape& shape) {
  const Expected<Shape> checked = MakeShape(shape.ToVector());
  if (!checked.ok()) return checked.status();
  return static_cast<size_t>(shape.NumElements());
}

Status CheckCount(const char* what, size_t have, size_t want) {
  if (have == want) return Status();
  return InvalidFile("", "has " + std::to_string(have) + " " + what +
                             ", needs " + std::to_string(want));
}

// One per tensor or one per channel; the number of elements is known.
Status CheckScales(const char* what, int have, size_t channels) {
  if (have == 1 || static_cast<size_t>(have) == channels) return Status();
  return InvalidFile("", "has " + std::to_string(have) + " quantisation " +
                             what + ", needs 1 or " + std::to_string(channels));
}

struct Linear {
  std::vector<float> scale, bias;
  size_t channels = 1, inner = 1;  // elements per step of the channel axis

  float At(const std::vector<float>& values, size_t element) const {
    return values.size() == 1 ? values[0] : values[element / inner % channels];
  }
};

Expected<Linear> ReadLinear(const WeightParams::Linear& source,
                            const Shape& shape, size_t channel_axis) {
  Linear linear;
  const size_t axis = std::min(channel_axis, shape.rank());
  linear.channels = axis < shape.rank() ? static_cast<size_t>(shape[axis]) : 1;
  linear.inner =
      axis < shape.rank()
          ? static_cast<size_t>(shape.NumElements(axis + 1, shape.rank()))
          : 1;
  linear.scale.assign(source.scale().begin(), source.scale().end());
  linear.bias.assign(source.bias().begin(), source.bias().end());
  if (linear.scale.empty()) linear.scale = {1.0f};
  if (linear.bias.empty()) linear.bias = {0.0f};
  ANEREF_TRY(CheckScales("scales", static_cast<int>(linear.scale.size()),
                         linear.channels));
  ANEREF_TRY(CheckScales("biases", static_cast<int>(linear.bias.size()),
                         linear.channels));
  return linear;
}

Expected<std::vector<float>> ReadQuantized(const WeightParams& weights,
                                           const Shape& shape,
                                           size_t channel_axis) {
  const WeightParams::Quantization& how = weights.quantization();
  const uint64_t bits = how.numberofbits();
  if (bits < 1 || bits > 8)
    return InvalidFile("", "is quantised to " + std::to_string(bits) +
                               " bits, 1 to 8 are possible");
  ANEREF_ASSIGN(const size_t count, CountOf(shape));
  const size_t needed = (count * static_cast<size_t>(bits) + 7) / 8;
  ANEREF_TRY(CheckCount("bytes of quantised values", weights.rawvalue().size(),
                        needed));
  const std::vector<uint8_t> codes =
      UnpackHighFirst(weights.rawvalue(), count, static_cast<int>(bits));
  std::vector<float> values(count);
  if (how.has_lookuptablequantization()) {
    const auto& table = how.lookuptablequantization().floatvalue();
    ANEREF_TRY(CheckCount("entries in its lookup table",
                          static_cast<size_t>(table.size()),
                          size_t{1} << bits));
    for (size_t i = 0; i < count; ++i)
      values[i] = table.Get(static_cast<int>(codes[i]));
    return values;
  }
  if (!how.has_linearquantization())
    return InvalidFile("", "has quantised values without a quantisation");
  ANEREF_ASSIGN(const Linear linear,
                ReadLinear(how.linearquantization(), shape, channel_axis));
  for (size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(codes[i]) * linear.At(linear.scale, i) +
                linear.At(linear.bias, i);
  }
  return values;
}

// Signed bytes of layers that quantise at run time: w = q * scale.
Expected<std::vector<float>> ReadInt8(const WeightParams& weights,
                                      const Shape& shape, size_t channel_axis) {
  ANEREF_ASSIGN(const size_t count, CountOf(shape));
  ANEREF_TRY(CheckCount("int8 values", weights.int8rawvalue().size(), count));
  ANEREF_ASSIGN(const Linear linear,
                ReadLinear(weights.quantization().linearquantization(), shape,
                           channel_axis));
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    const auto code = static_cast<int8_t>(weights.int8rawvalue()[i]);
    values[i] = static_cast<float>(code) * linear.At(linear.scale, i) +
                linear.At(linear.bias, i);
  }
  return values;
}

// The values of all codes, when one table serves the whole tensor; else empty.
std::vector<float> TableOf(const WeightParams& weights) {
  const WeightParams::Quantization& how = weights.quantization();
  if (weights.rawvalue().empty()) return {};
  if (how.has_lookuptablequantization()) {
    const auto& table = how.lookuptablequantization().floatvalue();
    return {table.begin(), table.end()};
  }
  const WeightParams::Linear& linear = how.linearquantization();
  if (linear.scale_size() > 1 || linear.bias_size() > 1) return {};
  const float scale = linear.scale_size() == 1 ? linear.scale(0) : 1.0f;
  const float bias = linear.bias_size() == 1 ? linear.bias(0) : 0.0f;
  std::vector<float> table(size_t{1} << how.numberofbits());
  for (size_t code = 0; code < table.size(); ++code) {
    const float product = static_cast<float>(code) * scale;
    table[code] = product + bias;
  }
  return table;
}

std::vector<std::byte> PackLowFirst(const std::vector<uint8_t>& codes,
                                    size_t bits) {
  std::vector<std::byte> bytes((codes.size() * bits + 7) / 8, std::byte{0});
  for (size_t i = 0; i < codes.size(); ++i) {
    const size_t bit = i * bits;
    const auto window = static_cast<uint32_t>(codes[i]) << (bit % 8);
    bytes[bit / 8] |= static_cast<std::byte>(window & 0xFF);
    if (window > 0xFF)
      bytes[bit / 8 + 1] |= static_cast<std::byte>(window >> 8);
  }
  return bytes;
}

int NumStorages(const WeightParams& weights) {
  return (weights.floatvalue_size() > 0 ? 1 : 0) +
         (weights.float16value().empty() ? 0 : 1) +
         (weights.rawvalue().empty() ? 0 : 1) +
         (weights.int8rawvalue().empty() ? 0 : 1);
}

}  // namespace

bool HasWeights(const WeightParams& weights) {
  return NumStorages(weights) > 0;
}

std::vector<uint8_t> UnpackHighFirst(std::string_view bytes, size_t count,
                                     int bits) {
  std::vector<uint8_t> codes(count);
  const auto mask = static_cast<uint32_t>((1 << bits) - 1);
  uint32_t window = 0;  // the lowest `have` bits are not used yet
  int have = 0;
  size_t at = 0;
  for (uint8_t& code : codes) {
    if (have < bits) {
      const uint32_t next =
          at < bytes.size() ? static_cast<uint8_t>(bytes[at++]) : 0u;
      window = (window << 8) | next;
      have += 8;
    }
    have -= bits;
    code = static_cast<uint8_t>((window >> have) & mask);
  }
  return codes;
}

Expected<std::vector<float>> ReadWeights(const WeightParams& weights,
                                         const Shape& shape,
                                         size_t channel_axis) {
  if (NumStorages(weights) != 1)
    return InvalidFile("", NumStorages(weights) == 0
                               ? "has no values"
                               : "has values in more than one storage");
  if (!weights.rawvalue().empty())
    return ReadQuantized(weights, shape, channel_axis);
  if (!weights.int8rawvalue().empty())
    return ReadInt8(weights, shape, channel_axis);
  ANEREF_ASSIGN(const size_t count, CountOf(shape));
  std::vector<float> values(count);
  if (weights.floatvalue_size() > 0) {
    ANEREF_TRY(CheckCount(
        "values", static_cast<size_t>(weights.floatvalue_size()), count));
    std::copy(weights.floatvalue().begin(), weights.floatvalue().end(),
              values.begin());
    return values;
  }
  ANEREF_TRY(CheckCount("bytes of half values", weights.float16value().size(),
                        2 * count));
  ConvertElements(DataType::kFloat16, weights.float16value().data(),
                  DataType::kFloat32, values.data(), count);
  return values;
}

Expected<DraftConstant> ReadConstant(const WeightParams& weights,
                                     const Shape& shape, size_t channel_axis) {
  ANEREF_ASSIGN(const std::vector<float> values,
                ReadWeights(weights, shape, channel_axis));
  DraftConstant constant = MakeFloats(shape, values);
  const std::vector<float> table = TableOf(weights);
  // Small vectors (biases) are shorter as they are.
  const bool worth = table.size() * 2 < values.size() && shape.rank() > 0;
  if (table.empty() || !worth) return constant;
  const auto bits = static_cast<size_t>(weights.quantization().numberofbits());
  auto parts = std::make_shared<CompressedConstant>();
  parts->parts.encoding = fbs::Encoding::palette;
  parts->parts.stored = fbs::DataType::float32;
  parts->parts.bits = static_cast<uint8_t>(bits);
  parts->parts.is_signed = false;
  parts->parts.palette_shape = {1, static_cast<uint32_t>(table.size()), 1};
  parts->data = PackLowFirst(UnpackHighFirst(weights.rawvalue(), values.size(),
                                             static_cast<int>(bits)),
                             bits);
  parts->palette.resize(table.size() * sizeof(float));
  std::memcpy(parts->palette.data(), table.data(), parts->palette.size());
  constant.compressed = std::move(parts);
  return constant;
}

}  // namespace aneref::coreml
