// See compressed.h. The file's packing of bits is the native one (F13), so the
// streams are taken over byte by byte.
#include "runtime/import/coreml/mil/compressed.h"

#include <algorithm>
#include <cstring>

#include "runtime/core/convert.h"
#include "runtime/graph/decode.h"

namespace aneref::coreml::mil {
namespace {

using Bytes = std::vector<std::byte>;

Bytes Copy(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

std::vector<uint32_t> Extents(const Shape& shape) {
  std::vector<uint32_t> extents;
  for (int64_t extent : shape) extents.push_back(static_cast<uint32_t>(extent));
  return extents;
}

// The view of a constant under construction; nested views live in `nested`.
struct Views {
  EncodedConstant top;
  std::vector<std::unique_ptr<EncodedConstant>> nested;

  const EncodedConstant* Add(const CompressedConstant& c, const Shape& shape) {
    nested.push_back(std::make_unique<EncodedConstant>(View(c, shape)));
    return nested.back().get();
  }
  EncodedConstant View(const CompressedConstant& c, const Shape& shape) {
    EncodedConstant view;
    view.encoding = c.parts.encoding;
    view.stored = static_cast<DataType>(c.parts.stored);
    view.shape = shape;
    view.bits = c.parts.bits;
    view.is_signed = c.parts.is_signed;
    view.axis = c.parts.axis;
    view.vector_axis = c.parts.vector_axis;
    view.data = c.data;
    view.palette = c.palette;
    view.scales = c.scales;
    view.zero_points = c.zero_points;
    view.biases = c.biases;
    view.mask = c.mask;
    view.palette_shape.assign(c.parts.palette_shape.begin(),
                              c.parts.palette_shape.end());
    view.scales_shape.assign(c.parts.scales_shape.begin(),
                             c.parts.scales_shape.end());
    if (c.palette_constant != nullptr)
      view.palette_constant =
          Add(*c.palette_constant, Shape(view.palette_shape));
    if (c.values_constant != nullptr)
      view.values_constant = Add(*c.values_constant, shape);
    return view;
  }
};

Expected<DraftConstant> Decode(std::shared_ptr<const CompressedConstant> parts,
                               const Shape& shape) {
  Views views;
  views.top = views.View(*parts, shape);
  ANEREF_TRY(CheckEncoded(views.top));
  DraftConstant constant;
  constant.stored = DecodedType(views.top);
  constant.shape = shape;
  constant.bytes.resize(DenseBytes({constant.stored, shape}));
  ANEREF_TRY(DecodeConstant(views.top, constant.bytes));
  constant.compressed = std::move(parts);
  return constant;
}

std::shared_ptr<CompressedConstant> NewParts(fbs::Encoding encoding,
                                             DataType stored, int bits) {
  auto parts = std::make_shared<CompressedConstant>();
  parts->parts.encoding = encoding;
  parts->parts.stored = static_cast<fbs::DataType>(stored);
  parts->parts.bits = static_cast<uint8_t>(bits);
  return parts;
}

// Repeats the one packed element of `bytes` (its low `bits` bits).
Bytes Repeat(std::span<const std::byte> bytes, int bits, uint64_t count) {
  Bytes out(PackedBytes(count, bits), std::byte{0});
  const uint32_t value =
      std::to_integer<uint32_t>(bytes[0]) & ((1u << bits) - 1u);
  for (uint64_t i = 0; i < count * static_cast<uint64_t>(bits); ++i) {
    const uint32_t bit = (value >> (i % static_cast<uint64_t>(bits))) & 1u;
    out[i / 8] |= static_cast<std::byte>(bit << (i % 8));
  }
  return out;
}

bool AllZero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::byte b) { return b == std::byte{0}; });
}

Status WantFloat(const RawValue& value, const char* what) {
  const Expected<DataType> type = ElementType(value.type);
  if (type.ok() && IsFloating(*type) && BitsOf(value.type) >= 16 &&
      value.type != kTypeBf16)
    return Status();
  return Unsupported(std::string("with ") + what + " of " +
                     TypeName(value.type));
}

// A table and its entries: [groups..., 2^bits, lanes].
struct Table {
  DataType stored = DataType::kFloat16;
  Shape shape;
  int bits = 0;
  Bytes bytes;
  std::shared_ptr<const CompressedConstant> compressed;
};

Expected<Table> ReadTable(const ConstexprOperand& lut, bool is_vector) {
  Table table;
  if (lut.constant != nullptr) {
    table.stored = lut.constant->stored;
    table.shape = lut.constant->shape;
    table.bytes = lut.constant->bytes;
    table.compressed = lut.constant->compressed;
  } else if (lut.raw.has_value()) {
    ANEREF_ASSIGN(DraftConstant dense, ToDense(*lut.raw));
    table.stored = dense.stored;
    table.shape = dense.shape;
    table.bytes = std::move(dense.bytes);
  } else {
    return InvalidFile("", "operand 'lut' is missing");
  }
  if (is_vector) {
    if (table.shape.rank() != 1)
      return InvalidFile("", "the table must be a vector");
    table.shape = Shape{1, table.shape[0], 1};
  }
  if (table.shape.rank() < 3)
    return InvalidFile(
        "", "the table has rank " + std::to_string(table.shape.rank()));
  const int64_t entries = table.shape[table.shape.rank() - 2];
  while (table.bits < 9 && (int64_t{1} << table.bits) < entries) ++table.bits;
  if (table.bits == 0 || table.bits > 8 ||
      (int64_t{1} << table.bits) != entries)
    return InvalidFile("",
                       "a table of " + std::to_string(entries) + " entries");
  return table;
}

std::shared_ptr<CompressedConstant> PaletteParts(Table table, Bytes indices,
                                                 int64_t vector_axis) {
  auto parts = NewParts(fbs::Encoding::palette, table.stored, table.bits);
  parts->parts.palette_shape = Extents(table.shape);
  parts->parts.vector_axis = static_cast<int32_t>(vector_axis);
  parts->parts.is_signed = false;
  parts->data = std::move(indices);
  // Entries that are compressed themselves stay so where that is smaller.
  if (table.compressed != nullptr) {
    parts->palette_constant = std::move(table.compressed);
  } else {
    parts->palette = std::move(table.bytes);
  }
  return parts;
}

// The dense shape of indices whose entries hold several values.
Expected<Shape> Widened(Shape shape, int64_t vector_axis, int64_t lanes) {
  if (lanes == 1) return shape;
  ANEREF_ASSIGN(const size_t axis, NormalizeAxis(vector_axis, shape.rank()));
  shape[axis] *= lanes;
  return MakeShape(shape.ToVector());
}

Expected<Shape> ShapeFrom(const RawValue& value) {
  ANEREF_ASSIGN(const DraftConstant dense, ToDense(value));
  std::vector<int64_t> dims(static_cast<size_t>(dense.shape.NumElements()));
  if (!dims.empty())
    ConvertElements(dense.stored, dense.bytes.data(), DataType::kInt64,
                    dims.data(), dims.size());
  return MakeShape(dims);
}

// scale * (data - offset) of dense reals, for data that is no packed integer.
Expected<DraftConstant> ShiftScaleReals(const DraftConstant& data,
                                        const RawValue& scale,
                                        const RawValue* offset) {
  ANEREF_ASSIGN(const DraftConstant scales, ToDense(scale));
  DraftConstant offsets = scales;
  if (offset != nullptr) {
    ANEREF_ASSIGN(offsets, ToDense(*offset));
  } else {
    std::fill(offsets.bytes.begin(), offsets.bytes.end(), std::byte{0});
  }
  const Shape& shape = data.shape;
  bool fits = scales.shape.rank() == shape.rank() &&
              offsets.shape == scales.shape && shape.NumElements() > 0;
  for (size_t i = 0; fits && i < shape.rank(); ++i)
    fits = scales.shape[i] > 0 && shape[i] % scales.shape[i] == 0;
  if (!fits)
    return InvalidFile("", "scales " + scales.shape.ToString() +
                               " do not divide " + shape.ToString());
  const auto real = [](const DraftConstant& from, int64_t i) {
    double value = 0;
    ConvertElements(
        from.stored,
        from.bytes.data() + static_cast<size_t>(i) * ElementSize(from.stored),
        DataType::kFloat64, &value, 1);
    return value;
  };
  DraftConstant result;
  // Exact for halves times small integers, as in a scaled constant.
  result.stored =
      scales.stored == DataType::kFloat16 ? DataType::kFloat32 : scales.stored;
  result.shape = shape;
  result.bytes.resize(DenseBytes({result.stored, shape}));
  for (int64_t i = 0; i < shape.NumElements(); ++i) {
    int64_t block = 0, rest = i;
    for (size_t axis = 0; axis < shape.rank(); ++axis) {
      const int64_t inner = shape.NumElements(axis + 1, shape.rank());
      block = block * scales.shape[axis] +
              rest / inner * scales.shape[axis] / shape[axis];
      rest %= inner;
    }
    const double value =
        real(scales, block) * (real(data, i) - real(offsets, block));
    ConvertElements(DataType::kFloat64, &value, result.stored,
                    result.bytes.data() +
                        static_cast<size_t>(i) * ElementSize(result.stored),
                    1);
  }
  return result;
}

// Packed integers with their scales; the caller fills in the data.
Expected<std::shared_ptr<CompressedConstant>> ScaledParts(
    int32_t type, const RawValue& scale, const RawValue* offset) {
  ANEREF_TRY(WantFloat(scale, "scales"));
  ANEREF_ASSIGN(const DataType stored, ElementType(scale.type));
  auto parts = NewParts(fbs::Encoding::blockwise, stored, BitsOf(type));
  parts->parts.is_signed = IsSignedInteger(type);
  parts->parts.scales_shape = Extents(scale.shape);
  parts->scales = Copy(scale.bytes);
  if (offset == nullptr || AllZero(offset->bytes)) return parts;
  if (offset->type != type || !(offset->shape == scale.shape))
    return Unsupported("with an offset of " + TypeName(offset->type) + " " +
                       offset->shape.ToString());
  parts->zero_points = Copy(offset->bytes);
  return parts;
}

bool IsPackedInteger(int32_t type) {
  return type == kTypeInt4 || type == kTypeInt8 ||
         (type >= kTypeUint4 && type <= kTypeUint3) || type == kTypeUint8;
}

// A mask operand as bits, and the shape of what it covers.
struct Mask {
  Bytes bits;
  Shape shape;
};
Expected<Mask> ReadMask(const ConstexprOperand& operand,
                        const RawValue* shape) {
  if (operand.masked != nullptr)
    return Mask{operand.masked->mask, operand.masked->shape};
  if (!operand.raw.has_value())
    return InvalidFile("", "operand 'mask' is missing");
  Mask mask{Copy(operand.raw->bytes), operand.raw->shape};
  if (shape != nullptr) {
    ANEREF_ASSIGN(mask.shape, ShapeFrom(*shape));
  } else if (operand.raw->type != kTypeUint1) {
    return InvalidFile("", "the mask is " + TypeName(operand.raw->type));
  }
  return mask;
}

// The 8-bit integers that a masked palette stands for, of its set bits.
Expected<Bytes> DecodeSurvivors(const Masked& masked, Bytes* dense_mask) {
  auto sparse = NewParts(fbs::Encoding::sparse, masked.stored, 0);
  sparse->mask = masked.mask;
  sparse->values_constant = masked.values;
  ANEREF_ASSIGN(const DraftConstant values, Decode(sparse, masked.shape));
  // The mask over the elements: a zero may survive, so it is decoded, too.
  auto ones = std::make_shared<CompressedConstant>(*masked.values);
  ones->palette_constant = nullptr;
  size_t entries = 1;
  for (uint32_t extent : ones->parts.palette_shape) entries *= extent;
  ones->palette.assign(entries * ElementSize(masked.stored), std::byte{1});
  sparse = std::make_shared<CompressedConstant>(*sparse);
  sparse->values_constant = ones;
  ANEREF_ASSIGN(const DraftConstant marks, Decode(sparse, masked.shape));
  Bytes survivors;
  dense_mask->assign((marks.bytes.size() + 7) / 8, std::byte{0});
  for (size_t i = 0; i < marks.bytes.size(); ++i) {
    if (marks.bytes[i] == std::byte{0}) continue;
    (*dense_mask)[i / 8] |= static_cast<std::byte>(1u << (i % 8));
    survivors.push_back(values.bytes[i]);
  }
  return survivors;
}

}  // namespace

Expected<DraftConstant> AffineDequantize(const RawValue& data,
                                         const RawValue& scale,
                                         const RawValue* zero_point,
                                         int64_t axis) {
  if (!IsPackedInteger(data.type))
    return Unsupported("with data of " + TypeName(data.type));
  ANEREF_TRY(WantFloat(scale, "a scale"));
  const auto has_zero = zero_point != nullptr && !AllZero(zero_point->bytes);
  if (has_zero && zero_point->type != data.type)
    return InvalidFile("", "zero point and data differ in type");
  const auto num_scales = static_cast<uint64_t>(scale.shape.NumElements());
  const auto num_zeros =
      has_zero ? static_cast<uint64_t>(zero_point->shape.NumElements()) : 1;
  const uint64_t count = std::max(num_scales, num_zeros);
  if (num_scales == 0 || num_zeros == 0 || scale.shape.rank() > 1)
    return InvalidFile("", "a scale or zero point is no scalar and no vector");
  ANEREF_ASSIGN(const DataType stored, ElementType(scale.type));
  auto parts = NewParts(fbs::Encoding::affine, stored, BitsOf(data.type));
  parts->parts.is_signed = IsSignedInteger(data.type);
  ANEREF_ASSIGN(const size_t normal,
                NormalizeAxis(axis, std::max<size_t>(data.shape.rank(), 1)));
  parts->parts.axis = static_cast<int32_t>(normal);
  parts->parts.scales_shape = {static_cast<uint32_t>(count)};
  parts->data = Copy(data.bytes);
  parts->scales = Copy(scale.bytes);
  if (num_scales == 1) {
    for (uint64_t i = 1; i < count; ++i)
      parts->scales.insert(parts->scales.end(), scale.bytes.begin(),
                           scale.bytes.end());
  }
  if (has_zero) {
    parts->zero_points =
        num_zeros == 1 ? Repeat(zero_point->bytes, BitsOf(data.type), count)
                       : Copy(zero_point->bytes);
  }
  return Decode(parts, data.shape);
}

Expected<DraftConstant> LutToDense(const RawValue& indices,
                                   const ConstexprOperand& lut,
                                   const RawValue* shape, int64_t vector_axis) {
  ANEREF_ASSIGN(Table table, ReadTable(lut, shape != nullptr));
  Shape dense = indices.shape;
  if (shape != nullptr) {
    ANEREF_ASSIGN(dense, ShapeFrom(*shape));
  } else {
    if (BitsOf(indices.type) != table.bits || IsSignedInteger(indices.type) ||
        table.shape.rank() != dense.rank() + 2)
      return InvalidFile("", "indices of " + TypeName(indices.type) + " " +
                                 dense.ToString() + " do not fit a table " +
                                 table.shape.ToString());
    ANEREF_ASSIGN(dense, Widened(dense, vector_axis, table.shape.back()));
  }
  return Decode(
      PaletteParts(std::move(table), Copy(indices.bytes), vector_axis), dense);
}

Expected<DraftConstant> SparseToDense(const ConstexprOperand& nonzero,
                                      const ConstexprOperand& mask,
                                      const RawValue* shape) {
  ANEREF_ASSIGN(Mask bits, ReadMask(mask, shape));
  auto parts = NewParts(fbs::Encoding::sparse, DataType::kFloat16, /*bits=*/0);
  parts->mask = std::move(bits.bits);
  if (nonzero.masked != nullptr) {
    if (nonzero.masked->mask != parts->mask)
      return Unsupported("with another mask than that of its values");
    parts->parts.stored = static_cast<fbs::DataType>(nonzero.masked->stored);
    parts->values_constant = nonzero.masked->values;
    return Decode(parts, nonzero.masked->shape);
  }
  DraftConstant values;
  if (nonzero.constant != nullptr) {
    values = *nonzero.constant;
  } else if (nonzero.raw.has_value()) {
    ANEREF_ASSIGN(values, ToDense(*nonzero.raw));
  } else {
    return InvalidFile("", "operand 'nonzero_data' is missing");
  }
  parts->parts.stored = static_cast<fbs::DataType>(values.stored);
  parts->data = std::move(values.bytes);
  return Decode(parts, bits.shape);
}

Expected<DraftConstant> BlockwiseShiftScale(const ConstexprOperand& data,
                                            const RawValue& scale,
                                            const RawValue* offset) {
  if (data.masked != nullptr) return Unsupported("with sparse data");
  if (!data.present()) return InvalidFile("", "operand 'data' is missing");
  const bool packed = data.raw.has_value() && IsPackedInteger(data.raw->type) &&
                      (offset == nullptr || offset->type == data.raw->type ||
                       AllZero(offset->bytes));
  if (packed) {
    ANEREF_ASSIGN(const std::shared_ptr<CompressedConstant> parts,
                  ScaledParts(data.raw->type, scale, offset));
    parts->data = Copy(data.raw->bytes);
    return Decode(parts, data.raw->shape);
  }
  DraftConstant dense;
  if (data.raw.has_value()) {
    ANEREF_ASSIGN(dense, ToDense(*data.raw));
  } else {
    dense = *data.constant;
  }
  const bool is_byte =
      dense.stored == DataType::kInt8 || dense.stored == DataType::kUint8;
  const int32_t type = dense.stored == DataType::kInt8 ? kTypeInt8 : kTypeUint8;
  if (is_byte && (offset == nullptr || offset->type == type)) {
    ANEREF_ASSIGN(const std::shared_ptr<CompressedConstant> parts,
                  ScaledParts(type, scale, offset));
    parts->data = dense.bytes;
    return Decode(parts, dense.shape);
  }
  return ShiftScaleReals(dense, scale, offset);
}

Expected<Masked> LutToSparse(const RawValue& mask, const RawValue& nonzero,
                             const ConstexprOperand& lut, int64_t vector_axis) {
  ANEREF_ASSIGN(Table table, ReadTable(lut, false));
  if (mask.type != kTypeUint1 || BitsOf(nonzero.type) != table.bits ||
      IsSignedInteger(nonzero.type) ||
      table.shape.rank() != mask.shape.rank() + 2)
    return InvalidFile(
        "", "a mask of " + TypeName(mask.type) + " " + mask.shape.ToString() +
                " does not fit a table " + table.shape.ToString());
  Masked masked;
  masked.mask = Copy(mask.bytes);
  masked.stored = table.stored;
  ANEREF_ASSIGN(masked.shape,
                Widened(mask.shape, vector_axis, table.shape.back()));
  masked.values =
      PaletteParts(std::move(table), Copy(nonzero.bytes), vector_axis);
  return masked;
}

Expected<Masked> SparseBlockwiseShiftScale(const ConstexprOperand& mask,
                                           const ConstexprOperand& nonzero,
                                           const RawValue& scale,
                                           const RawValue* offset) {
  ANEREF_ASSIGN(Mask bits, ReadMask(mask, nullptr));
  int32_t type = kTypeInt8;
  Bytes data;
  if (nonzero.masked != nullptr) {
    const DataType stored = nonzero.masked->stored;
    if (stored != DataType::kInt8 && stored != DataType::kUint8)
      return Unsupported(std::string("with values of ") + DataTypeName(stored));
    type = stored == DataType::kInt8 ? kTypeInt8 : kTypeUint8;
    ANEREF_ASSIGN(data, DecodeSurvivors(*nonzero.masked, &bits.bits));
  } else if (nonzero.raw.has_value() && IsPackedInteger(nonzero.raw->type)) {
    type = nonzero.raw->type;
    data = Copy(nonzero.raw->bytes);
  } else {
    return Unsupported("with values that are no packed integers");
  }
  ANEREF_ASSIGN(const std::shared_ptr<CompressedConstant> parts,
                ScaledParts(type, scale, offset));
  parts->data = std::move(data);
  Masked masked;
  masked.mask = std::move(bits.bits);
  masked.shape = bits.shape;
  masked.stored = static_cast<DataType>(parts->parts.stored);
  masked.values = parts;
  return masked;
}

}  // namespace aneref::coreml::mil
