// .safetensors files and serialised onnx.TensorProto messages (what ONNX
// Runtime writes per node output). Both are read by hand: the first is eight
// bytes, a JSON header and data, the second a few protobuf fields.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "runtime/core/json.h"
#include "tools/dump.h"

namespace aneref::tool {
namespace {

using Widen = ForeignType::Widen;

struct NamedType {
  const char* name;  // safetensors' name in small letters
  ForeignType type;
};
constexpr std::array<NamedType, 15> kSafetensorTypes = {{
    {"f16", {DataType::kFloat16, 2, Widen::kNone}},
    {"f32", {DataType::kFloat32, 4, Widen::kNone}},
    {"f64", {DataType::kFloat64, 8, Widen::kNone}},
    {"bf16", {DataType::kFloat32, 2, Widen::kBfloat16}},
    {"f8_e4m3", {DataType::kFloat16, 1, Widen::kE4m3}},
    {"f8_e5m2", {DataType::kFloat16, 1, Widen::kE5m2}},
    {"i8", {DataType::kInt8, 1, Widen::kNone}},
    {"u8", {DataType::kUint8, 1, Widen::kNone}},
    {"i16", {DataType::kInt16, 2, Widen::kNone}},
    {"u16", {DataType::kUint16, 2, Widen::kNone}},
    {"i32", {DataType::kInt32, 4, Widen::kNone}},
    {"u32", {DataType::kUint32, 4, Widen::kNone}},
    {"i64", {DataType::kInt64, 8, Widen::kNone}},
    {"u64", {DataType::kUint64, 8, Widen::kNone}},
    {"bool", {DataType::kBool, 1, Widen::kNone}},
}};

std::string SmallLetters(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

Expected<uint64_t> SizeOf(const JsonValue& value) {
  const double* number = value.AsNumber();
  if (number == nullptr || !(*number >= 0) || *number > 0x1p53 ||
      std::floor(*number) != *number) {
    return InvalidFile("", "a size is no whole number");
  }
  return static_cast<uint64_t>(*number);
}

Expected<NamedTensor> SafeTensor(const std::string& name,
                                 const JsonValue& entry,
                                 std::span<const std::byte> data) {
  const JsonValue* dtype = entry.Find("dtype");
  const JsonValue* dims = entry.Find("shape");
  const JsonValue* range = entry.Find("data_offsets");
  if (dtype == nullptr || dtype->AsString() == nullptr || dims == nullptr ||
      dims->AsArray() == nullptr || range == nullptr ||
      range->AsArray() == nullptr || range->AsArray()->size() != 2) {
    return InvalidFile("", "dtype, shape or data_offsets is missing");
  }
  const std::string type_name = SmallLetters(*dtype->AsString());
  const auto known = std::find_if(
      kSafetensorTypes.begin(), kSafetensorTypes.end(),
      [&](const NamedType& type) { return type_name == type.name; });
  if (known == kSafetensorTypes.end()) {
    return Unsupported("dtype '" + *dtype->AsString() + "'");
  }
  std::vector<int64_t> extents;
  for (const JsonValue& dim : *dims->AsArray()) {
    ANEREF_ASSIGN(const uint64_t extent, SizeOf(dim));
    extents.push_back(static_cast<int64_t>(extent));
  }
  ANEREF_ASSIGN(const Shape shape, MakeShape(extents));
  ANEREF_ASSIGN(const uint64_t begin, SizeOf((*range->AsArray())[0]));
  ANEREF_ASSIGN(const uint64_t end, SizeOf((*range->AsArray())[1]));
  const auto count = static_cast<uint64_t>(shape.NumElements());
  if (begin > end || end > data.size() ||
      end - begin != count * known->type.size) {
    return InvalidFile("", "data_offsets do not fit the shape and the file");
  }
  ANEREF_ASSIGN(OwnedTensor tensor, AllocateTensor({known->type.type, shape}));
  WidenElements(known->type, data.data() + begin, count, tensor.bytes.get());
  return NamedTensor{name, std::move(tensor)};
}

// Wire format of protobuf: a cursor that fails closed.
class Wire {
 public:
  explicit Wire(std::span<const std::byte> bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty() || failed_; }
  bool failed() const { return failed_; }

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<uint8_t>(rest_[0]);
      rest_ = rest_.subspan(1);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    failed_ = true;
    return 0;
  }
  std::span<const std::byte> Bytes(uint64_t count) {
    if (count > rest_.size()) {
      failed_ = true;
      return {};
    }
    const auto part = rest_.first(count);
    rest_ = rest_.subspan(count);
    return part;
  }

 private:
  std::span<const std::byte> rest_;
  bool failed_ = false;
};

struct Proto {
  std::vector<int64_t> dims;
  uint64_t data_type = 0;
  std::string name;
  std::span<const std::byte> raw;
  bool has_raw = false;
  bool external = false;
  std::vector<std::byte> fixed;   // float_data, double_data
  std::vector<uint64_t> varints;  // int32_data, int64_data, uint64_data
};

void ReadField(uint64_t field, uint64_t wire_type, Wire* wire, Proto* proto) {
  if (wire_type == 0) {
    const uint64_t value = wire->Varint();
    if (field == 1) proto->dims.push_back(static_cast<int64_t>(value));
    if (field == 2) proto->data_type = value;
    if (field == 5 || field == 7 || field == 11) {
      proto->varints.push_back(value);
    }
    if (field == 14) proto->external = value == 1;
    return;
  }
  const std::span<const std::byte> bytes =
      wire->Bytes(wire_type == 1   ? 8
                  : wire_type == 5 ? 4
                                   : wire->Varint());
  if (field == 4 || field == 10) {
    proto->fixed.insert(proto->fixed.end(), bytes.begin(), bytes.end());
  } else if (field == 8) {
    proto->name.assign(reinterpret_cast<const char*>(bytes.data()),
                       bytes.size());
  } else if (field == 9) {
    proto->raw = bytes;
    proto->has_raw = true;
  } else if (field == 1 || field == 5 || field == 7 || field == 11) {
    Wire packed(bytes);
    while (!packed.done()) {
      const uint64_t value = packed.Varint();
      if (field == 1) {
        proto->dims.push_back(static_cast<int64_t>(value));
      } else {
        proto->varints.push_back(value);
      }
    }
  }
}

// onnx.TensorProto.DataType; null: text, complex, packed 4-bit.
const ForeignType* OnnxType(uint64_t type) {
  static constexpr std::array<const char*, 17> kNames = {
      "",     "f32", "u8",  "i8",  "u16", "i16", "i32", "i64", "",
      "bool", "f16", "f64", "u32", "u64", "",    "",    "bf16"};
  if (type >= kNames.size() || kNames[type][0] == '\0') return nullptr;
  for (const NamedType& known : kSafetensorTypes) {
    if (std::strcmp(known.name, kNames[type]) == 0) return &known.type;
  }
  return nullptr;
}

// Elements that are stored as varints, each cut to its size.
std::vector<std::byte> FromVarints(const Proto& proto, size_t size) {
  std::vector<std::byte> bytes(proto.varints.size() * size);
  for (size_t i = 0; i < proto.varints.size(); ++i) {
    std::memcpy(bytes.data() + i * size, &proto.varints[i], size);
  }
  return bytes;
}

}  // namespace

Expected<TensorSet> ParseSafetensors(std::span<const std::byte> file,
                                     const std::string& name) {
  uint64_t header = 0;
  if (file.size() < 8) return InvalidFile("", name + ": is too short");
  std::memcpy(&header, file.data(), 8);
  if (header > file.size() - 8) {
    return InvalidFile("", name + ": the header is longer than the file");
  }
  ANEREF_ASSIGN(
      const JsonValue root,
      ParseJson({reinterpret_cast<const char*>(file.data() + 8), header},
                name));
  if (root.AsObject() == nullptr) {
    return InvalidFile("", name + ": the header is no object");
  }
  TensorSet tensors;
  for (const auto& [key, entry] : *root.AsObject()) {
    if (key == "__metadata__") continue;
    Expected<NamedTensor> tensor =
        SafeTensor(key, entry, file.subspan(8 + header));
    if (!tensor.ok()) {
      return tensor.status().WithContext(name + ": '" + key + "'");
    }
    tensors.push_back(std::move(*tensor));
  }
  return tensors;
}

Expected<NamedTensor> ParseTensorProto(std::span<const std::byte> file,
                                       const std::string& name) {
  Proto proto;
  Wire wire(file);
  while (!wire.done()) {
    const uint64_t key = wire.Varint();
    if ((key & 7) > 5 || (key & 7) == 3 || (key & 7) == 4) {
      return InvalidFile("", name + ": is no tensor message");
    }
    ReadField(key >> 3, key & 7, &wire, &proto);
  }
  if (wire.failed()) return InvalidFile("", name + ": is cut short");
  if (proto.external) {
    return Unsupported(name + ": keeps its data in another file");
  }
  const ForeignType* type = OnnxType(proto.data_type);
  if (type == nullptr) {
    return Unsupported(name + ": elements of type " +
                       std::to_string(proto.data_type) + " are no numbers");
  }
  ANEREF_ASSIGN(const Shape shape, MakeShape(proto.dims));
  const auto count = static_cast<uint64_t>(shape.NumElements());
  const std::vector<std::byte> varints = FromVarints(proto, type->size);
  std::span<const std::byte> data = proto.raw;
  if (!proto.has_raw) data = proto.fixed.empty() ? varints : proto.fixed;
  if (data.size() != count * type->size) {
    return InvalidFile("", name + ": " + std::to_string(data.size()) +
                               " bytes of data for shape " + shape.ToString());
  }
  ANEREF_ASSIGN(OwnedTensor tensor, AllocateTensor({type->type, shape}));
  WidenElements(*type, data.data(), count, tensor.bytes.get());
  return NamedTensor{proto.name, std::move(tensor)};
}

}  // namespace aneref::tool
