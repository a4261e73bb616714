// Raw buffers with a JSON manifest, as surfaces come off a device: a type, a
// shape and byte strides, so that padded rows (L10) are read as what they are.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>

#include "runtime/core/json.h"
#include "tools/atomic_file.h"
#include "tools/dump.h"

namespace aneref::tool {
namespace {

namespace fs = std::filesystem;

struct RawEntry {
  std::string name;
  std::string file;
  ForeignType type;
  Shape shape;
  uint64_t offset = 0;
  std::vector<uint64_t> strides;  // bytes, one per axis
};

Expected<ForeignType> TypeNamed(const std::string& name) {
  for (int i = 0; i < kNumDataTypes; ++i) {
    const auto type = static_cast<DataType>(i);
    if (name == DataTypeName(type)) return ForeignType{type, ElementSize(type)};
  }
  if (name == "bfloat16") {
    return ForeignType{DataType::kFloat32, 2, ForeignType::Widen::kBfloat16};
  }
  return InvalidFile("", "dtype '" + name + "' is unknown");
}

// A whole number below 2^53.
Expected<int64_t> WholeNumber(const JsonValue& value, const char* what) {
  const double* number = value.AsNumber();
  if (number == nullptr || !(*number >= 0) || *number > 0x1p53 ||
      std::floor(*number) != *number) {
    return InvalidFile("", std::string(what) + " must be a whole number");
  }
  return static_cast<int64_t>(*number);
}

Expected<std::vector<int64_t>> WholeNumbers(const JsonValue& object,
                                            const char* key) {
  std::vector<int64_t> numbers;
  const JsonValue* list = object.Find(key);
  if (list == nullptr) return numbers;
  if (list->AsArray() == nullptr || list->AsArray()->size() > kMaxRank) {
    return InvalidFile("", std::string(key) + " must be a list of at most 8");
  }
  for (const JsonValue& item : *list->AsArray()) {
    ANEREF_ASSIGN(const int64_t number, WholeNumber(item, key));
    numbers.push_back(number);
  }
  return numbers;
}

Expected<RawEntry> ParseEntry(const JsonValue& object) {
  RawEntry entry;
  ANEREF_ASSIGN(entry.name, RequiredText(object, "name"));
  ANEREF_ASSIGN(entry.file, RequiredText(object, "file"));
  ANEREF_ASSIGN(const std::string dtype, RequiredText(object, "dtype"));
  ANEREF_ASSIGN(entry.type, TypeNamed(dtype));
  ANEREF_ASSIGN(const std::vector<int64_t> dims, WholeNumbers(object, "shape"));
  ANEREF_ASSIGN(entry.shape, MakeShape(dims));
  if (const JsonValue* offset = object.Find("offset")) {
    ANEREF_ASSIGN(const int64_t bytes, WholeNumber(*offset, "offset"));
    entry.offset = static_cast<uint64_t>(bytes);
  }
  ANEREF_ASSIGN(const std::vector<int64_t> strides,
                WholeNumbers(object, "strides"));
  entry.strides.assign(strides.begin(), strides.end());
  if (object.Find("strides") == nullptr) {  // dense
    entry.strides.resize(dims.size());
    uint64_t stride = entry.type.size;
    for (size_t axis = dims.size(); axis-- > 0;) {
      entry.strides[axis] = stride;
      stride *= static_cast<uint64_t>(std::max<int64_t>(dims[axis], 1));
    }
  }
  if (entry.strides.size() != dims.size()) {
    return InvalidFile("",
                       "'strides' has " + std::to_string(entry.strides.size()) +
                           " numbers, 'shape' " + std::to_string(dims.size()));
  }
  return entry;
}

// All elements lie inside the file, and do not overlap so much that a small
// file describes a huge tensor.
Status CheckInside(const RawEntry& entry, uint64_t file_bytes) {
  if (entry.shape.NumElements() == 0) return Status();
  const auto too_big = [&] {
    return InvalidFile("", "shape " + entry.shape.ToString() +
                               " with these strides needs more bytes than the "
                               "file has (" +
                               std::to_string(file_bytes) + ")");
  };
  uint64_t last = entry.offset;
  for (size_t axis = 0; axis < entry.strides.size(); ++axis) {
    const auto steps = static_cast<uint64_t>(entry.shape[axis] - 1);
    if (entry.strides[axis] > file_bytes && steps > 0) return too_big();
    if (steps > 0 && entry.strides[axis] > 0 &&
        steps > file_bytes / entry.strides[axis]) {
      return too_big();
    }
    last += steps * entry.strides[axis];
    if (last > file_bytes) return too_big();
  }
  if (last + entry.type.size > file_bytes ||
      static_cast<uint64_t>(entry.shape.NumElements()) * entry.type.size >
          file_bytes) {
    return too_big();
  }
  return Status();
}

Expected<OwnedTensor> Gather(const RawEntry& entry,
                             const std::vector<std::byte>& file) {
  ANEREF_TRY(CheckInside(entry, file.size()));
  ANEREF_ASSIGN(OwnedTensor tensor,
                AllocateTensor({entry.type.type, entry.shape}));
  const size_t to_size = ElementSize(entry.type.type);
  const int64_t count = entry.shape.NumElements();
  for (int64_t index = 0; index < count; ++index) {
    uint64_t at = entry.offset;
    int64_t rest = index;
    for (size_t axis = entry.strides.size(); axis-- > 0;) {
      at +=
          static_cast<uint64_t>(rest % entry.shape[axis]) * entry.strides[axis];
      rest /= entry.shape[axis];
    }
    WidenElements(entry.type, file.data() + at, 1,
                  tensor.bytes.get() + static_cast<size_t>(index) * to_size);
  }
  return tensor;
}

// Files stay beside the manifest.
Status CheckFileName(const std::string& name) {
  const fs::path path(name);
  const bool inside =
      !name.empty() && path.is_relative() &&
      std::none_of(path.begin(), path.end(),
                   [](const fs::path& part) { return part == ".."; });
  if (inside) return Status();
  return InvalidFile("", "file '" + name + "' is outside the dump's folder");
}

}  // namespace

Expected<TensorSet> ReadRawManifest(const std::string& path,
                                    uint64_t max_bytes) {
  constexpr uint64_t kMostManifest = uint64_t{64} << 20;
  ANEREF_ASSIGN(const std::vector<std::byte> text,
                ReadFile(path, kMostManifest));
  ANEREF_ASSIGN(
      const JsonValue root,
      ParseJson({reinterpret_cast<const char*>(text.data()), text.size()},
                path));
  const JsonValue* list = root.Find("tensors");
  if (list == nullptr || list->AsArray() == nullptr) {
    return InvalidFile("", path + ": has no list 'tensors'");
  }
  TensorSet tensors;
  std::map<std::string, std::vector<std::byte>> files;
  for (size_t i = 0; i < list->AsArray()->size(); ++i) {
    const std::string where = path + ": tensors[" + std::to_string(i) + "]";
    const Expected<RawEntry> entry = ParseEntry((*list->AsArray())[i]);
    if (!entry.ok()) return entry.status().WithContext(where);
    const Status name = CheckFileName(entry->file);
    if (!name.ok()) return name.WithContext(where);
    if (!files.contains(entry->file)) {
      ANEREF_ASSIGN(
          files[entry->file],
          ReadFile((fs::path(path).parent_path() / entry->file).string(),
                   max_bytes));
    }
    Expected<OwnedTensor> tensor = Gather(*entry, files[entry->file]);
    if (!tensor.ok()) return tensor.status().WithContext(where);
    tensors.push_back({entry->name, std::move(*tensor)});
  }
  return tensors;
}

}  // namespace aneref::tool
