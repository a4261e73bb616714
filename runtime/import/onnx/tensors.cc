// See tensors.h. The wire holds little endian values; so does every machine
// this runs on (checked below).
#include "runtime/import/onnx/tensors.h"

#include <bit>
#include <cstring>
#include <utility>

#include "runtime/core/convert.h"

namespace aneref::onnx {
namespace {

static_assert(std::endian::native == std::endian::little);

Status CountError(const char* where, uint64_t have, uint64_t need) {
  return InvalidFile("", std::string(where) + " has " + std::to_string(have) +
                             " values, the dims need " + std::to_string(need));
}

// Copies a typed list, each entry narrowed to T (the format widens small
// types).
template <class T, class List>
Status CopyList(const List& list, const char* where, size_t count,
                std::vector<std::byte>* bytes) {
  if (static_cast<size_t>(list.size()) != count)
    return CountError(where, static_cast<uint64_t>(list.size()), count);
  bytes->resize(count * sizeof(T));
  for (size_t i = 0; i < count; ++i) {
    const T value = static_cast<T>(list.Get(static_cast<int>(i)));
    std::memcpy(bytes->data() + i * sizeof(T), &value, sizeof(T));
  }
  return Status();
}

void UnpackFourBits(int32_t type, const std::byte* packed, size_t count,
                    std::vector<std::byte>* bytes) {
  bytes->resize(count);
  for (size_t i = 0; i < count; ++i) {
    auto nibble = std::to_integer<unsigned>(packed[i / 2]) >> (i % 2 * 4) & 15u;
    if (type == kOnnxInt4 && nibble >= 8) nibble |= 0xF0u;
    (*bytes)[i] = static_cast<std::byte>(nibble);
  }
}

void WidenBfloat16(const std::byte* packed, size_t count,
                   std::vector<std::byte>* bytes) {
  bytes->assign(count * 4, std::byte{0});
  for (size_t i = 0; i < count; ++i)
    std::memcpy(bytes->data() + i * 4 + 2, packed + i * 2, 2);
}

size_t WireBytes(int32_t type, DataType stored, size_t count) {
  if (IsFourBit(type)) return (count + 1) / 2;
  if (type == kOnnxBfloat16) return count * 2;
  return count * ElementSize(stored);
}

// raw_data or external data.
void ReadRaw(int32_t type, DataType stored, const std::byte* raw, size_t count,
             std::vector<std::byte>* bytes) {
  if (IsFourBit(type)) {
    UnpackFourBits(type, raw, count, bytes);
  } else if (type == kOnnxBfloat16) {
    WidenBfloat16(raw, count, bytes);
  } else {
    bytes->assign(raw, raw + count * ElementSize(stored));
  }
}

Status ReadPackedInt32(const TensorProto& tensor, int32_t type, size_t count,
                       std::vector<std::byte>* bytes) {
  std::vector<std::byte> packed;
  if (IsFourBit(type)) {
    ANEREF_TRY(CopyList<uint8_t>(tensor.int32_data(), "int32_data",
                                 (count + 1) / 2, &packed));
    UnpackFourBits(type, packed.data(), count, bytes);
  } else {
    ANEREF_TRY(
        CopyList<uint16_t>(tensor.int32_data(), "int32_data", count, &packed));
    WidenBfloat16(packed.data(), count, bytes);
  }
  return Status();
}

Status ReadLists(const TensorProto& tensor, int32_t type, size_t count,
                 std::vector<std::byte>* bytes) {
  switch (type) {
    case kOnnxFloat:
      return CopyList<float>(tensor.float_data(), "float_data", count, bytes);
    case kOnnxDouble:
      return CopyList<double>(tensor.double_data(), "double_data", count,
                              bytes);
    case kOnnxInt64:
      return CopyList<int64_t>(tensor.int64_data(), "int64_data", count, bytes);
    case kOnnxUint64:
      return CopyList<uint64_t>(tensor.uint64_data(), "uint64_data", count,
                                bytes);
    case kOnnxUint32:
      return CopyList<uint32_t>(tensor.uint64_data(), "uint64_data", count,
                                bytes);
    case kOnnxInt32:
      return CopyList<int32_t>(tensor.int32_data(), "int32_data", count, bytes);
    case kOnnxInt16:
    case kOnnxUint16:
    case kOnnxFloat16:
      return CopyList<uint16_t>(tensor.int32_data(), "int32_data", count,
                                bytes);
    case kOnnxInt8:
    case kOnnxUint8:
    case kOnnxBool:
      return CopyList<uint8_t>(tensor.int32_data(), "int32_data", count, bytes);
    default:
      return ReadPackedInt32(tensor, type, count, bytes);
  }
}

Status RawSizeError(size_t size, size_t needed) {
  return InvalidFile("", "raw_data has " + std::to_string(size) +
                             " bytes, the dims need " + std::to_string(needed));
}

// `raw_data` as ReadTensor has it.
Status ReadValues(const TensorProto& tensor, DataType stored, size_t count,
                  ExternalData* external, DraftBytes raw_data,
                  DraftBytes* result) {
  const int32_t type = tensor.data_type();
  const size_t needed = WireBytes(type, stored, count);
  if (!raw_data.empty()) {
    if (raw_data.size() != needed) return RawSizeError(raw_data.size(), needed);
    *result = std::move(raw_data);
    return Status();
  }
  std::vector<std::byte>* bytes = &result->vector();
  if (tensor.data_location() == 1) {
    ANEREF_ASSIGN(DraftBytes raw, external->Find(tensor, needed));
    if (type == kOnnxFloat || type == kOnnxFloat16) {
      *result = std::move(raw);
    } else {
      ReadRaw(type, stored, raw.raw().data(), count, bytes);
    }
    return Status();
  }
  if (tensor.data_location() != 0)
    return InvalidFile("", "data location " +
                               std::to_string(tensor.data_location()) +
                               " is unknown");
  if (!tensor.has_raw_data()) return ReadLists(tensor, type, count, bytes);
  const std::string& raw = tensor.raw_data();
  if (raw.empty() && count > 0) return ReadLists(tensor, type, count, bytes);
  if (raw.size() != needed) return RawSizeError(raw.size(), needed);
  ReadRaw(type, stored, reinterpret_cast<const std::byte*>(raw.data()), count,
          bytes);
  return Status();
}

template <class Dims>
Expected<Shape> ReadDims(const Dims& dims) {
  const Expected<Shape> shape =
      MakeShape(std::vector<int64_t>(dims.begin(), dims.end()));
  if (!shape.ok()) return InvalidFile("", shape.status().message());
  return shape;
}

}  // namespace

std::string OnnxTypeName(int32_t type) {
  constexpr const char* kNames[] = {
      "undefined",      "float",      "uint8",
      "int8",           "uint16",     "int16",
      "int32",          "int64",      "string",
      "bool",           "float16",    "double",
      "uint32",         "uint64",     "complex64",
      "complex128",     "bfloat16",   "float8e4m3fn",
      "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz",
      "uint4",          "int4",       "float4e2m1",
      "float8e8m0",     "uint2",      "int2"};
  if (type < 0 || static_cast<size_t>(type) >= std::size(kNames))
    return "type " + std::to_string(type);
  return kNames[type];
}

Expected<DataType> SourceType(int32_t type) {
  switch (type) {
    case kOnnxFloat:
    case kOnnxBfloat16:
      return DataType::kFloat32;
    case kOnnxFloat16:
      return DataType::kFloat16;
    case kOnnxDouble:
      return DataType::kFloat64;
    case kOnnxInt8:
    case kOnnxInt4:
      return DataType::kInt8;
    case kOnnxUint8:
    case kOnnxUint4:
      return DataType::kUint8;
    case kOnnxInt16:
      return DataType::kInt16;
    case kOnnxUint16:
      return DataType::kUint16;
    case kOnnxInt32:
      return DataType::kInt32;
    case kOnnxUint32:
      return DataType::kUint32;
    case kOnnxInt64:
      return DataType::kInt64;
    case kOnnxUint64:
      return DataType::kUint64;
    case kOnnxBool:
      return DataType::kBool;
    default:
      return Unsupported("element type " + OnnxTypeName(type) +
                         " is not supported");
  }
}

Expected<DraftConstant> ReadTensor(const TensorProto& tensor,
                                   ExternalData* external,
                                   DraftBytes raw_data) {
  DraftConstant constant;
  auto named = [&](const Status& status) {
    return status.WithContext("tensor '" + tensor.name() + "'");
  };
  const Expected<DataType> stored = SourceType(tensor.data_type());
  if (!stored.ok()) return named(stored.status());
  const Expected<Shape> shape = ReadDims(tensor.dims());
  if (!shape.ok()) return named(shape.status());
  constant.stored = *stored;
  constant.shape = *shape;
  const auto count = static_cast<size_t>(shape->NumElements());
  const Status status = ReadValues(tensor, *stored, count, external,
                                   std::move(raw_data), &constant.bytes);
  if (!status.ok()) return named(status);
  if (*stored == DataType::kBool) {
    for (std::byte& value : constant.bytes)
      value = value == std::byte{0} ? std::byte{0} : std::byte{1};
  }
  return constant;
}

Expected<DraftConstant> ReadSparseTensor(const SparseTensorProto& tensor,
                                         ExternalData* external) {
  constexpr size_t kMaxDenseBytes = size_t{1} << 30;
  ANEREF_ASSIGN(const DraftConstant values,
                ReadTensor(tensor.values(), external));
  ANEREF_ASSIGN(const DraftConstant indices,
                ReadTensor(tensor.indices(), external));
  ANEREF_ASSIGN(const Shape shape, ReadDims(tensor.dims()));
  const auto count = values.shape.NumElements();
  const auto rank = static_cast<int64_t>(shape.rank());
  const bool flat = indices.shape == Shape{count};
  if (indices.stored != DataType::kInt64 ||
      !(flat || indices.shape == Shape{count, rank}))
    return InvalidFile("", "sparse tensor '" + tensor.values().name() +
                               "': indices do not fit its values");
  const size_t size = ElementSize(values.stored);
  if (static_cast<size_t>(shape.NumElements()) > kMaxDenseBytes / size)
    return LimitError("sparse tensor '" + tensor.values().name() +
                      "' is too large when dense");
  DraftConstant dense{values.stored, shape, {}};
  dense.bytes.resize(static_cast<size_t>(shape.NumElements()) * size);
  const auto* index = reinterpret_cast<const int64_t*>(indices.bytes.data());
  for (int64_t i = 0; i < count; ++i) {
    int64_t position = flat ? index[i] : 0;
    bool inside = flat ? position >= 0 && position < shape.NumElements() : true;
    for (int64_t axis = 0; !flat && axis < rank; ++axis) {
      const int64_t extent = shape[static_cast<size_t>(axis)];
      const int64_t step = index[i * rank + axis];
      inside = inside && step >= 0 && step < extent;
      position = inside ? position * extent + step : 0;
    }
    if (!inside)
      return InvalidFile("", "sparse tensor '" + tensor.values().name() +
                                 "': an index is out of range");
    std::memcpy(dense.bytes.data() + static_cast<size_t>(position) * size,
                values.bytes.data() + static_cast<size_t>(i) * size, size);
  }
  return dense;
}

}  // namespace aneref::onnx
