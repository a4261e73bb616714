// See values.h. Which field of a TensorValue holds the elements is decided by
// what is present; its element count must be what the type says.
#include "runtime/import/coreml/mil/values.h"

#include <cstring>

#include "runtime/core/convert.h"
#include "runtime/core/dequantize.h"
#include "runtime/core/half.h"
#include "runtime/import/coreml/mil/blob_file.h"

namespace aneref::coreml::mil {
namespace {

struct TypeRow {
  int32_t type;
  const char* name;
  int bits;
  DataType element;
};
constexpr TypeRow kTypes[] = {
    {kTypeBool, "bool", 8, DataType::kBool},
    {kTypeString, "string", 0, DataType::kUint8},
    {kTypeFp16, "fp16", 16, DataType::kFloat16},
    {kTypeFp32, "fp32", 32, DataType::kFloat32},
    {kTypeFp64, "fp64", 64, DataType::kFloat64},
    {kTypeBf16, "bf16", 16, DataType::kFloat32},
    {kTypeInt8, "int8", 8, DataType::kInt8},
    {kTypeInt16, "int16", 16, DataType::kInt16},
    {kTypeInt32, "int32", 32, DataType::kInt32},
    {kTypeInt64, "int64", 64, DataType::kInt64},
    {kTypeInt4, "int4", 4, DataType::kInt8},
    {kTypeUint8, "uint8", 8, DataType::kUint8},
    {kTypeUint16, "uint16", 16, DataType::kUint16},
    {kTypeUint32, "uint32", 32, DataType::kUint32},
    {kTypeUint64, "uint64", 64, DataType::kUint64},
    {kTypeUint4, "uint4", 4, DataType::kUint8},
    {kTypeUint2, "uint2", 2, DataType::kUint8},
    {kTypeUint1, "uint1", 1, DataType::kUint8},
    {kTypeUint6, "uint6", 6, DataType::kUint8},
    {kTypeUint3, "uint3", 3, DataType::kUint8},
    {kTypeFp8E4m3, "fp8e4m3fn", 8, DataType::kFloat16},
    {kTypeFp8E5m2, "fp8e5m2", 8, DataType::kFloat16},
};

const TypeRow* FindType(int32_t type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return &row;
  }
  return nullptr;
}

// The field's numbers as elements of `type`.
template <class Field>
std::shared_ptr<const std::vector<std::byte>> Convert(const Field& field,
                                                      DataType from,
                                                      DataType to) {
  auto bytes = std::make_shared<std::vector<std::byte>>(
      static_cast<size_t>(field.size()) * ElementSize(to));
  if (field.size() > 0)
    ConvertElements(from, field.data(), to, bytes->data(),
                    static_cast<size_t>(field.size()));
  return bytes;
}

template <class Element>
std::span<const std::byte> BytesOf(
    const google::protobuf::RepeatedField<Element>& field) {
  return {reinterpret_cast<const std::byte*>(field.data()),
          static_cast<size_t>(field.size()) * sizeof(Element)};
}

Status ReadTensor(const TensorValue& tensor, RawValue* raw) {
  ANEREF_ASSIGN(const DataType element,
                raw->type == kTypeString ? Expected<DataType>(DataType::kUint8)
                                         : ElementType(raw->type));
  const auto take = [&](const auto& field, DataType from) {
    if (from == element && BitsOf(raw->type) >= 8) {
      raw->bytes = BytesOf(field);
    } else {
      raw->owner = Convert(field, from, element);
      raw->bytes = *raw->owner;
    }
  };
  switch (tensor.value_case()) {
    case TensorValue::kFloats:
      take(tensor.floats().values(), DataType::kFloat32);
      break;
    case TensorValue::kInts:
      take(tensor.ints().values(), DataType::kInt32);
      break;
    case TensorValue::kBools:
      take(tensor.bools().values(), DataType::kBool);
      break;
    case TensorValue::kLongInts:
      take(tensor.longints().values(), DataType::kInt64);
      break;
    case TensorValue::kDoubles:
      take(tensor.doubles().values(), DataType::kFloat64);
      break;
    case TensorValue::kBytes: {
      const std::string& bytes = tensor.bytes().values();
      raw->bytes = {reinterpret_cast<const std::byte*>(bytes.data()),
                    bytes.size()};
      break;
    }
    case TensorValue::kStrings:
      raw->strings.assign(tensor.strings().values().begin(),
                          tensor.strings().values().end());
      break;
    case TensorValue::VALUE_NOT_SET:
      break;
  }
  return Status();
}

// A list or tuple of scalars becomes a vector.
Expected<RawValue> ReadList(const TupleValue& list, Package* package) {
  RawValue all;
  auto bytes = std::make_shared<std::vector<std::byte>>();
  for (const Value& value : list.values()) {
    if (!value.immediatevalue().has_tensor())
      return Unsupported("a list that holds no tensors is not supported");
    ANEREF_ASSIGN(const RawValue element, ReadValue(value, package));
    if (all.type != 0 && element.type != all.type)
      return InvalidFile("", "a list mixes types");
    all.type = element.type;
    all.strings.insert(all.strings.end(), element.strings.begin(),
                       element.strings.end());
    bytes->insert(bytes->end(), element.bytes.begin(), element.bytes.end());
  }
  const int bits = BitsOf(all.type);
  const size_t count = all.type == kTypeString ? all.strings.size()
                       : bits < 8
                           ? 0
                           : bytes->size() * 8 / static_cast<size_t>(bits);
  all.shape = Shape{static_cast<int64_t>(count)};
  all.bytes = *bytes;
  all.owner = std::move(bytes);
  return all;
}

Expected<Shape> ShapeOf(const ValueTensorType& type) {
  std::vector<int64_t> dims;
  for (const Dimension& dimension : type.dimensions()) {
    if (!dimension.has_constant() ||
        dimension.constant().size() > static_cast<uint64_t>(kMaxElements))
      return InvalidFile("", "a value has an unknown or unbounded extent");
    dims.push_back(static_cast<int64_t>(dimension.constant().size()));
  }
  return MakeShape(dims);
}

std::vector<std::byte> Unpacked(const RawValue& value) {
  const auto count = static_cast<size_t>(value.shape.NumElements());
  const auto bits = static_cast<size_t>(BitsOf(value.type));
  std::vector<std::byte> elements(count);
  for (size_t i = 0; i < count; ++i) {
    const size_t bit = i * bits, byte = bit / 8;
    uint32_t window = std::to_integer<uint32_t>(value.bytes[byte]);
    if (byte + 1 < value.bytes.size())
      window |= std::to_integer<uint32_t>(value.bytes[byte + 1]) << 8;
    uint32_t element = (window >> (bit % 8)) & ((1u << bits) - 1u);
    if (value.type == kTypeInt4 && element >= 8) element |= 0xF0u;
    elements[i] = static_cast<std::byte>(element);
  }
  return elements;
}

std::vector<std::byte> WidenedFloats(const RawValue& value) {
  const auto count = static_cast<size_t>(value.shape.NumElements());
  const bool is_bf16 = value.type == kTypeBf16;
  std::vector<std::byte> elements(count * (is_bf16 ? 4 : 2), std::byte{0});
  for (size_t i = 0; i < count; ++i) {
    if (is_bf16) {  // the upper half of a float32
      elements[4 * i + 2] = value.bytes[2 * i];
      elements[4 * i + 3] = value.bytes[2 * i + 1];
      continue;
    }
    const auto bits = std::to_integer<uint8_t>(value.bytes[i]);
    const uint16_t half =
        value.type == kTypeFp8E4m3 ? HalfOfE4m3(bits) : HalfOfE5m2(bits);
    std::memcpy(elements.data() + 2 * i, &half, sizeof(half));
  }
  return elements;
}

}  // namespace

std::string TypeName(int32_t type) {
  const TypeRow* row = FindType(type);
  return row != nullptr ? row->name : "type " + std::to_string(type);
}

int BitsOf(int32_t type) {
  const TypeRow* row = FindType(type);
  return row != nullptr ? row->bits : 0;
}

bool IsSignedInteger(int32_t type) {
  return type == kTypeInt4 || type == kTypeInt8 || type == kTypeInt16 ||
         type == kTypeInt32 || type == kTypeInt64;
}

Expected<DataType> ElementType(int32_t type) {
  const TypeRow* row = FindType(type);
  if (row == nullptr || type == kTypeString)
    return Unsupported("values of " + TypeName(type) + " are not supported");
  return row->element;
}

Expected<RawValue> ReadValue(const Value& value, Package* package) {
  if (value.immediatevalue().has_list())
    return ReadList(value.immediatevalue().list(), package);
  if (value.immediatevalue().has_tuple())
    return ReadList(value.immediatevalue().tuple(), package);
  if (!value.type().has_tensortype())
    return Unsupported("a value that is no tensor is not supported");
  RawValue raw;
  raw.type = value.type().tensortype().datatype();
  ANEREF_ASSIGN(raw.shape, ShapeOf(value.type().tensortype()));
  if (raw.type != kTypeString) ANEREF_TRY(ElementType(raw.type).status());
  const auto count = static_cast<uint64_t>(raw.shape.NumElements());
  if (value.has_blobfilevalue()) {
    ANEREF_ASSIGN(const std::span<const std::byte> file,
                  package->Open(value.blobfilevalue().filename()));
    ANEREF_ASSIGN(raw.bytes, ReadBlob(file, value.blobfilevalue().offset(),
                                      raw.type, count));
    return raw;
  }
  ANEREF_TRY(ReadTensor(value.immediatevalue().tensor(), &raw));
  const uint64_t have =
      raw.type == kTypeString ? raw.strings.size() : raw.bytes.size();
  const uint64_t bits = static_cast<uint64_t>(BitsOf(raw.type));
  const bool is_wide = raw.owner != nullptr && bits < 8;  // one byte each
  const uint64_t need =
      raw.type == kTypeString || is_wide ? count : (count * bits + 7) / 8;
  if (have != need)
    return InvalidFile("", "a value of " + TypeName(raw.type) + " " +
                               raw.shape.ToString() + " has " +
                               std::to_string(have) + " bytes, needs " +
                               std::to_string(need));
  if (is_wide)
    return Unsupported("unpacked values of " + TypeName(raw.type) +
                       " are not supported");
  return raw;
}

Expected<DraftConstant> ToDense(const RawValue& value) {
  ANEREF_ASSIGN(const DataType element, ElementType(value.type));
  DraftConstant constant;
  constant.stored = element;
  constant.shape = value.shape;
  if (BitsOf(value.type) < 8) {
    constant.bytes = Unpacked(value);
  } else if (value.type == kTypeBf16 || value.type == kTypeFp8E4m3 ||
             value.type == kTypeFp8E5m2) {
    constant.bytes = WidenedFloats(value);
  } else {
    constant.bytes.assign(value.bytes.begin(), value.bytes.end());
  }
  return constant;
}

}  // namespace aneref::coreml::mil
