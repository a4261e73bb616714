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
  // As a compressed constant is decoded (F13).
  float Value(double code, size_t element) const {
    const double product = code * static_cast<double>(At(scale, element));
    const auto offset = static_cast<double>(At(bias, element));
    return static_cast<float>(offset == 0 ? product : product + offset);
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
  for (size_t i = 0; i < count; ++i)
    values[i] = linear.Value(static_cast<double>(codes[i]), i);
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
    values[i] = linear.Value(static_cast<double>(code), i);
  }
  return values;
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

// As many values as `count`, bytes as stored.
std::vector<std::byte> Repeated(const std::vector<float>& values,
                                size_t count) {
  std::vector<float> all = values;
  all.resize(count, values[0]);
  std::vector<std::byte> bytes(count * sizeof(float));
  std::memcpy(bytes.data(), all.data(), bytes.size());
  return bytes;
}

// Values that ReadWeights has accepted, as the file would store them; without
// parts where the source has floating values.
std::shared_ptr<CompressedConstant> Compressed(const WeightParams& weights,
                                               const Shape& shape,
                                               size_t channel_axis) {
  auto constant = std::make_shared<CompressedConstant>();
  const bool is_signed = !weights.int8rawvalue().empty();
  if (weights.rawvalue().empty() && !is_signed) return constant;
  const WeightParams::Quantization& how = weights.quantization();
  const auto bits = is_signed ? size_t{8} : size_t{how.numberofbits()};
  constant->parts.stored = fbs::DataType::float32;
  constant->parts.bits = static_cast<uint8_t>(bits);
  constant->parts.is_signed = is_signed;
  const std::string& codes =
      is_signed ? weights.int8rawvalue() : weights.rawvalue();
  const auto count = static_cast<size_t>(shape.NumElements());
  constant->data =
      PackLowFirst(UnpackHighFirst(codes, count, static_cast<int>(bits)), bits);
  if (!is_signed && how.has_lookuptablequantization()) {
    const auto& table = how.lookuptablequantization().floatvalue();
    constant->parts.encoding = fbs::Encoding::palette;
    constant->parts.palette_shape = {1, static_cast<uint32_t>(table.size()), 1};
    constant->palette = Repeated({table.begin(), table.end()},
                                 static_cast<size_t>(table.size()));
    return constant;
  }
  const Linear linear =
      ReadLinear(how.linearquantization(), shape, channel_axis).value();
  const size_t scales = std::max(linear.scale.size(), linear.bias.size());
  constant->parts.encoding = fbs::Encoding::affine;
  constant->parts.axis = static_cast<int32_t>(channel_axis);
  constant->parts.scales_shape = {static_cast<uint32_t>(scales)};
  constant->scales = Repeated(linear.scale, scales);
  const bool has_bias = std::any_of(linear.bias.begin(), linear.bias.end(),
                                    [](float bias) { return bias != 0; });
  if (has_bias) constant->biases = Repeated(linear.bias, scales);
  return constant;
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
  if (shape.rank() == 0 || values.empty()) return constant;
  auto parts = Compressed(weights, shape, channel_axis);
  // Small vectors are shorter as they are.
  const size_t bytes = parts->data.size() + parts->palette.size() +
                       parts->scales.size() + parts->biases.size();
  if (bytes > 0 && bytes < constant.bytes.size())
    constant.compressed = std::move(parts);
  return constant;
}

}  // namespace aneref::coreml
