// See decode.h. Integers are taken from bit streams, lowest bits first; a
// scaled integer is exact in double, a bias is one addition in double, and the
// sum is rounded once to the stored type (F13).
#include "runtime/graph/decode.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "runtime/core/convert.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

using Encoding = fbs::Encoding;
constexpr int kMaxNesting = 3;

bool IsWidth(int bits) { return bits >= 1 && bits <= 8; }

// Elements of `bits` bits, lowest bits first, across byte borders.
class BitStream {
 public:
  BitStream(std::span<const std::byte> bytes, int bits, bool is_signed)
      : bytes_(bytes),
        bits_(static_cast<size_t>(bits)),
        is_signed_(is_signed) {}
  int32_t At(uint64_t i) const {
    const uint64_t bit = i * bits_;
    const uint64_t byte = bit / 8;
    uint32_t window = std::to_integer<uint32_t>(bytes_[byte]);
    if (byte + 1 < bytes_.size())
      window |= std::to_integer<uint32_t>(bytes_[byte + 1]) << 8;
    const uint32_t value = (window >> (bit % 8)) & ((1u << bits_) - 1u);
    const bool negative = is_signed_ && (value >> (bits_ - 1)) != 0;
    return static_cast<int32_t>(value) - (negative ? (1 << bits_) : 0);
  }

 private:
  std::span<const std::byte> bytes_;
  size_t bits_;
  bool is_signed_;
};

Status WrongSize(const char* what, uint64_t size, uint64_t needed) {
  return InvalidFile("F7", std::string("compressed constant: ") + what +
                               " has " + std::to_string(size) +
                               " bytes, needs " + std::to_string(needed));
}

Status CheckSize(const char* what, std::span<const std::byte> bytes,
                 uint64_t needed) {
  return bytes.size() == needed ? Status()
                                : WrongSize(what, bytes.size(), needed);
}

uint64_t CountBits(std::span<const std::byte> mask, uint64_t count) {
  uint64_t bits = 0;
  for (uint64_t i = 0; i < count / 8; ++i)
    bits += static_cast<uint64_t>(
        std::popcount(std::to_integer<uint32_t>(mask[i])));
  for (uint64_t i = count / 8 * 8; i < count; ++i)
    bits += (std::to_integer<uint32_t>(mask[i / 8]) >> (i % 8)) & 1u;
  return bits;
}

// How many blocks each axis has; -1 extents never get here.
Status CheckDivides(const std::vector<int64_t>& blocks, const Shape& shape,
                    const char* what) {
  bool fits = blocks.size() == shape.rank();
  for (size_t i = 0; fits && i < blocks.size(); ++i)
    fits = blocks[i] > 0 && shape[i] % blocks[i] == 0;
  if (fits) return Status();
  return InvalidFile("F7", std::string("compressed constant: the shape of ") +
                               what + " does not divide " + shape.ToString());
}

uint64_t Product(const std::vector<int64_t>& dims) {
  uint64_t product = 1;
  for (int64_t dim : dims) product *= static_cast<uint64_t>(dim);
  return product;
}

// Blocks along every axis of `shape`, whichever way the table states them.
struct Blocks {
  std::vector<int64_t> count;  // per axis
  bool single = false;         // one block for all

  // The block of the element at `index`, row major over the blocks.
  uint64_t Of(const std::vector<int64_t>& index, const Shape& shape) const {
    if (single) return 0;
    uint64_t block = 0;
    for (size_t i = 0; i < count.size(); ++i)
      block = block * static_cast<uint64_t>(count[i]) +
              static_cast<uint64_t>(index[i] * count[i] / shape[i]);
    return block;
  }
  uint64_t Total() const { return Product(count); }
};

// affine: one scale or one per element of an axis; blockwise: any.
Expected<Blocks> ScaleBlocks(const EncodedConstant& c) {
  Blocks blocks;
  if (c.encoding == Encoding::blockwise) {
    blocks.count = c.scales_shape;
    ANEREF_TRY(CheckDivides(blocks.count, c.shape, "the scales"));
    blocks.single = blocks.Total() == 1;
    return blocks;
  }
  blocks.count.assign(c.shape.rank(), 1);
  if (c.scales_shape.size() > 1 ||
      (c.scales_shape.size() == 1 && c.scales_shape[0] < 1))
    return InvalidFile("F7", "compressed constant: scales must be a vector");
  blocks.single = c.scales_shape.empty() || c.scales_shape[0] == 1;
  if (blocks.single) return blocks;
  ANEREF_ASSIGN(const size_t axis, NormalizeAxis(c.axis, c.shape.rank()));
  if (c.scales_shape[0] != c.shape[axis])
    return InvalidFile(
        "F7", "compressed constant: " + std::to_string(c.scales_shape[0]) +
                  " scales do not fit " + c.shape.ToString());
  blocks.count[axis] = c.scales_shape[0];
  return blocks;
}

// What a palette is over: the grid of its indices.
struct PaletteLayout {
  Blocks groups;
  Shape indices;  // the dense shape, divided along the vector axis
  size_t vector_axis = 0;
  int64_t vector_size = 1;
  uint64_t entries = 0;  // of all groups
};

Expected<PaletteLayout> LayOutPalette(const EncodedConstant& c) {
  PaletteLayout layout;
  const std::vector<int64_t>& shape = c.palette_shape;
  const size_t rank = c.shape.rank();
  for (int64_t extent : shape) {
    if (extent < 1 || extent > kMaxElements)
      return InvalidFile("F7", "compressed constant: shape of the palette");
  }
  const bool per_axis = shape.size() == rank + 2 && rank != 1;
  if ((shape.size() != 3 && !per_axis) || rank == 0 ||
      shape[shape.size() - 2] != int64_t{1} << c.bits) {
    return InvalidFile("F7",
                       "compressed constant: the palette's shape does not fit "
                       "rank " +
                           std::to_string(rank) + " and " +
                           std::to_string(c.bits) + " bits");
  }
  layout.vector_size = shape.back();
  ANEREF_ASSIGN(layout.vector_axis, NormalizeAxis(c.vector_axis, rank));
  layout.indices = c.shape;
  if (c.shape[layout.vector_axis] % layout.vector_size != 0)
    return InvalidFile("F7", "compressed constant: entries of " +
                                 std::to_string(layout.vector_size) +
                                 " values do not divide " + c.shape.ToString());
  layout.indices[layout.vector_axis] /= layout.vector_size;
  layout.groups.count.assign(rank, 1);
  if (per_axis) {
    layout.groups.count.assign(shape.begin(), shape.end() - 2);
  } else {
    ANEREF_ASSIGN(const size_t axis, NormalizeAxis(c.axis, rank));
    layout.groups.count[axis] = shape[0];
  }
  ANEREF_TRY(CheckDivides(layout.groups.count, layout.indices, "the palette"));
  layout.groups.single = layout.groups.Total() == 1;
  layout.entries = layout.groups.Total() * (uint64_t{1} << c.bits) *
                   static_cast<uint64_t>(layout.vector_size);
  return layout;
}

// Visits `shape` row major as (element number, index).
template <class Visit>
void ForEachElement(const Shape& shape, const Visit& visit) {
  std::vector<int64_t> index(shape.rank(), 0);
  const int64_t count = shape.NumElements();
  for (int64_t i = 0; i < count; ++i) {
    visit(static_cast<uint64_t>(i), index);
    for (size_t axis = shape.rank(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

// Which elements have a value, and the number of those before each.
class Survivors {
 public:
  explicit Survivors(std::span<const std::byte> mask) : mask_(mask) {}
  // In ascending order of i. False: the element is zero.
  bool Next(uint64_t i, uint64_t* position) {
    if (mask_.empty()) {
      *position = i;
      return true;
    }
    if (((std::to_integer<uint32_t>(mask_[i / 8]) >> (i % 8)) & 1u) == 0)
      return false;
    *position = count_++;
    return true;
  }

 private:
  std::span<const std::byte> mask_;
  uint64_t count_ = 0;
};

double ReadReal(std::span<const std::byte> bytes, DataType type, uint64_t i) {
  double value = 0;
  ConvertElements(type, bytes.data() + i * ElementSize(type),
                  DataType::kFloat64, &value, 1);
  return value;
}

class Decoder {
 public:
  Decoder(const EncodedConstant& constant, std::span<const std::byte> mask,
          int depth)
      : c_(constant), mask_(mask), depth_(depth) {}

  Status Check() const {
    if (depth_ > kMaxNesting)
      return InvalidFile("F7", "compressed constants are nested too deeply");
    for (int64_t extent : c_.shape) {
      if (extent == 0)
        return InvalidFile("F7", "compressed constant without elements");
    }
    switch (c_.encoding) {
      case Encoding::dense:
        return CheckDense();
      case Encoding::palette:
        return CheckPalette();
      case Encoding::affine:
      case Encoding::blockwise:
        return CheckScaled();
      case Encoding::sparse:
        return CheckSparse();
      default:
        return InvalidFile("F7", "compressed constant: encoding");
    }
  }

  // After Check.
  Status Run(std::byte* out) const {
    switch (c_.encoding) {
      case Encoding::palette:
        return RunPalette(out);
      case Encoding::sparse:
        return RunSparse(out);
      case Encoding::dense:
        return RunDense(out);
      default:
        return RunScaled(out);
    }
  }

 private:
  uint64_t NumElements() const {
    return static_cast<uint64_t>(c_.shape.NumElements());
  }
  // Elements of `total` that are stored.
  Status CountStored(uint64_t total, uint64_t* stored) const {
    *stored = total;
    if (mask_.empty()) return Status();
    ANEREF_TRY(CheckSize("the mask", mask_, PackedBytes(total, 1)));
    *stored = CountBits(mask_, total);
    return Status();
  }

  Status CheckDense() const {
    uint64_t stored = 0;
    ANEREF_TRY(CountStored(NumElements(), &stored));
    return CheckSize("the data", c_.data, stored * ElementSize(c_.stored));
  }

  Status CheckPalette() const {
    if (!IsWidth(c_.bits))
      return InvalidFile(
          "F7", "a palette of " + std::to_string(c_.bits) + "-bit indices");
    ANEREF_ASSIGN(const PaletteLayout layout, LayOutPalette(c_));
    uint64_t stored = 0;
    ANEREF_TRY(CountStored(static_cast<uint64_t>(layout.indices.NumElements()),
                           &stored));
    ANEREF_TRY(CheckSize("the indices", c_.data, PackedBytes(stored, c_.bits)));
    if (c_.palette_constant == nullptr)
      return CheckSize("the palette", c_.palette,
                       layout.entries * ElementSize(c_.stored));
    const EncodedConstant& entries = *c_.palette_constant;
    if (static_cast<uint64_t>(entries.shape.NumElements()) != layout.entries ||
        entries.stored != c_.stored)
      return InvalidFile("F7", "the palette's own constant does not fit it");
    return Decoder(entries, {}, depth_ + 1).Check();
  }

  Status CheckScaled() const {
    if (!IsFloating(c_.stored) || !IsWidth(c_.bits))
      return InvalidFile("F7", "scaled integers of " + std::to_string(c_.bits) +
                                   " bits stored as " +
                                   DataTypeName(c_.stored));
    ANEREF_ASSIGN(const Blocks blocks, ScaleBlocks(c_));
    uint64_t stored = 0;
    ANEREF_TRY(CountStored(NumElements(), &stored));
    ANEREF_TRY(CheckSize("the data", c_.data, PackedBytes(stored, c_.bits)));
    const uint64_t total = blocks.Total();
    ANEREF_TRY(
        CheckSize("the scales", c_.scales, total * ElementSize(c_.stored)));
    if (!c_.biases.empty())
      ANEREF_TRY(
          CheckSize("the biases", c_.biases, total * ElementSize(c_.stored)));
    return c_.zero_points.empty() ? Status()
                                  : CheckSize("the zero points", c_.zero_points,
                                              PackedBytes(total, c_.bits));
  }

  Status CheckSparse() const {
    if (c_.mask.empty() || !mask_.empty())
      return InvalidFile("F7", "a sparse constant needs one mask");
    if (c_.values_constant == nullptr) {
      ANEREF_TRY(CheckSize("the mask", c_.mask, PackedBytes(NumElements(), 1)));
      return CheckSize(
          "the values", c_.data,
          CountBits(c_.mask, NumElements()) * ElementSize(c_.stored));
    }
    const EncodedConstant& values = *c_.values_constant;
    if (!(values.shape == c_.shape) || values.stored != c_.stored)
      return InvalidFile("F7", "a sparse constant and its values differ");
    return Decoder(values, c_.mask, depth_ + 1).Check();
  }

  Status RunDense(std::byte* out) const {
    const size_t size = ElementSize(c_.stored);
    Survivors survivors(mask_);
    for (uint64_t i = 0, at = 0; i < NumElements(); ++i) {
      if (survivors.Next(i, &at)) {
        std::memcpy(out + i * size, c_.data.data() + at * size, size);
      } else {
        std::memset(out + i * size, 0, size);
      }
    }
    return Status();
  }

  Status RunPalette(std::byte* out) const {
    ANEREF_ASSIGN(const PaletteLayout layout, LayOutPalette(c_));
    const size_t size = ElementSize(DecodedType(c_));
    std::vector<std::byte> decoded;
    std::span<const std::byte> entries = c_.palette;
    if (c_.palette_constant != nullptr) {
      decoded.resize(layout.entries * size);
      ANEREF_TRY(
          Decoder(*c_.palette_constant, {}, depth_ + 1).Run(decoded.data()));
      entries = decoded;
    }
    const BitStream stream(c_.data, c_.bits, false);
    const auto lanes = static_cast<uint64_t>(layout.vector_size);
    const auto behind = static_cast<uint64_t>(
        c_.shape.NumElements(layout.vector_axis + 1, c_.shape.rank()));
    Survivors survivors(mask_);
    ForEachElement(layout.indices, [&](uint64_t i, const auto& index) {
      // Element i of the grid covers `lanes` elements, `behind` apart.
      const uint64_t first = i / behind * behind * lanes + i % behind;
      uint64_t at = 0;
      const bool stored = survivors.Next(i, &at);
      const uint64_t entry =
          stored ? (layout.groups.Of(index, layout.indices) << c_.bits) +
                       static_cast<uint64_t>(stream.At(at))
                 : 0;
      for (uint64_t lane = 0; lane < lanes; ++lane) {
        std::byte* to = out + (first + lane * behind) * size;
        if (stored) {
          std::memcpy(to, entries.data() + (entry * lanes + lane) * size, size);
        } else {
          std::memset(to, 0, size);
        }
      }
    });
    return Status();
  }

  double ReadScale(uint64_t block) const {
    const double scale = ReadReal(c_.scales, c_.stored, block);
    if (!c_.half_scales || !c_.biases.empty()) return scale;
    return static_cast<double>(HalfToFloat(DoubleToHalf(scale)));
  }

  Status RunScaled(std::byte* out) const {
    ANEREF_ASSIGN(const Blocks blocks, ScaleBlocks(c_));
    const DataType type = DecodedType(c_);
    const size_t size = ElementSize(type);
    const BitStream stream(c_.data, c_.bits, c_.is_signed);
    const BitStream zeros(c_.zero_points, c_.bits, c_.is_signed);
    Survivors survivors(mask_);
    uint64_t last = UINT64_MAX;
    double scale = 0, zero = 0, bias = 0;
    ForEachElement(c_.shape, [&](uint64_t i, const auto& index) {
      uint64_t at = 0;
      if (!survivors.Next(i, &at)) {
        std::memset(out + i * size, 0, size);
        return;
      }
      const uint64_t block = blocks.Of(index, c_.shape);
      if (block != last) {
        last = block;
        scale = ReadScale(block);
        zero =
            c_.zero_points.empty() ? 0.0 : static_cast<double>(zeros.At(block));
        if (!c_.biases.empty()) bias = ReadReal(c_.biases, c_.stored, block);
      }
      double value = scale * (static_cast<double>(stream.At(at)) - zero);
      if (bias != 0) value += bias;
      ConvertElements(DataType::kFloat64, &value, type, out + i * size, 1);
    });
    return Status();
  }

  Status RunSparse(std::byte* out) const {
    if (c_.values_constant != nullptr)
      return Decoder(*c_.values_constant, c_.mask, depth_ + 1).Run(out);
    EncodedConstant dense = c_;
    dense.encoding = Encoding::dense;
    return Decoder(dense, c_.mask, depth_).Run(out);
  }

  const EncodedConstant& c_;
  std::span<const std::byte> mask_;
  int depth_;
};

uint64_t BytesOf(const EncodedConstant& c) {
  uint64_t total = c.data.size() + c.palette.size() + c.scales.size() +
                   c.zero_points.size() + c.biases.size() + c.mask.size();
  if (c.palette_constant != nullptr) total += BytesOf(*c.palette_constant);
  if (c.values_constant != nullptr) total += BytesOf(*c.values_constant);
  return total;
}

}  // namespace

Status CheckEncoded(const EncodedConstant& constant) {
  ANEREF_TRY(Decoder(constant, {}, 0).Check());
  // Indices times values of an entry: a small file must not become a huge
  // tensor.
  constexpr uint64_t kMostGrowth = 1024;
  const uint64_t parts = BytesOf(constant) + 1024;
  const uint64_t dense = DenseBytes({DecodedType(constant), constant.shape});
  if (dense / kMostGrowth <= parts) return Status();
  return InvalidFile("F13", "a compressed constant of " +
                                std::to_string(parts) + " bytes grows to " +
                                std::to_string(dense));
}

DataType DecodedType(const EncodedConstant& constant) {
  switch (constant.encoding) {
    case Encoding::affine:
    case Encoding::blockwise:
      return constant.stored == DataType::kFloat16 ? DataType::kFloat32
                                                   : constant.stored;
    case Encoding::palette:
      return constant.palette_constant != nullptr
                 ? DecodedType(*constant.palette_constant)
                 : constant.stored;
    case Encoding::sparse:
      return constant.values_constant != nullptr
                 ? DecodedType(*constant.values_constant)
                 : constant.stored;
    default:
      return constant.stored;
  }
}

Status DecodeConstant(const EncodedConstant& constant,
                      std::span<std::byte> out) {
  ANEREF_TRY(CheckEncoded(constant));
  if (out.size() != DenseBytes({DecodedType(constant), constant.shape}))
    return InternalError("decoding into a buffer of another size");
  return Decoder(constant, {}, 0).Run(out.data());
}

}  // namespace aneref
