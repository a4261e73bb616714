// Tells the forms apart and reads the ones made of .npy files. Raw buffers:
// dump_raw.cc; safetensors and tensor protos: dump_foreign.cc.
#include "tools/dump.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "runtime/core/dequantize.h"
#include "tools/atomic_file.h"
#include "tools/npy.h"
#include "tools/npz.h"

namespace aneref::tool {
namespace {

namespace fs = std::filesystem;

Expected<OwnedTensor> ToOwned(const Array& array) {
  ANEREF_ASSIGN(OwnedTensor tensor, AllocateTensor(array.type));
  std::copy(array.bytes.begin(), array.bytes.end(), tensor.bytes.get());
  return tensor;
}

// Counts what was read against --max-memory.
class Budget {
 public:
  explicit Budget(uint64_t max_bytes) : left_(max_bytes), limited_(max_bytes) {}
  Status Take(const OwnedTensor& tensor, const std::string& path) {
    const uint64_t bytes = DenseBytes(tensor.type);
    if (limited_ != 0 && bytes > left_) {
      return LimitError(path + ": the tensors need more than " +
                        std::to_string(limited_) + " bytes (--max-memory)");
    }
    left_ -= std::min(left_, bytes);
    return Status();
  }

 private:
  uint64_t left_;
  uint64_t limited_;
};

Expected<TensorSet> ReadNpz(const std::string& path, uint64_t max_bytes) {
  ANEREF_ASSIGN(const NpzReader npz, NpzReader::Open(path, max_bytes));
  TensorSet tensors;
  Budget budget(max_bytes);
  for (const std::string& name : npz.names()) {
    ANEREF_ASSIGN(const Array array, npz.Read(name));
    ANEREF_ASSIGN(OwnedTensor tensor, ToOwned(array));
    ANEREF_TRY(budget.Take(tensor, path));
    tensors.push_back({name, std::move(tensor)});
  }
  return tensors;
}

Expected<NamedTensor> ReadNpyFile(const fs::path& path, const std::string& name,
                                  uint64_t max_bytes) {
  ANEREF_ASSIGN(const std::vector<std::byte> bytes,
                ReadFile(path.string(), max_bytes));
  ANEREF_ASSIGN(const Array array, ParseNpy(bytes, path.string()));
  ANEREF_ASSIGN(OwnedTensor tensor, ToOwned(array));
  return NamedTensor{name, std::move(tensor)};
}

// layers.tsv beside the files: "file <tab> tensor" rows give the true names.
std::map<std::string, std::string> NamesFromTable(const fs::path& folder) {
  std::map<std::string, std::string> names;
  std::ifstream table(folder / "layers.tsv");
  std::string line;
  constexpr size_t kMostLines = 1 << 16;
  while (names.size() < kMostLines && std::getline(table, line)) {
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) continue;
    const size_t end = line.find('\t', tab + 1);
    names[line.substr(0, tab)] =
        line.substr(tab + 1, end == std::string::npos ? end : end - tab - 1);
  }
  return names;
}

// The files of a folder with that ending, sorted by name.
std::vector<fs::path> FilesIn(const fs::path& folder, const char* ending) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ending) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Expected<Dump> ReadFolder(const fs::path& folder, uint64_t max_bytes) {
  if (fs::exists(folder / "manifest.json")) {
    ANEREF_ASSIGN(
        TensorSet raw,
        ReadRawManifest((folder / "manifest.json").string(), max_bytes));
    return Dump{"raw", std::move(raw)};
  }
  Dump dump;
  Budget budget(max_bytes);
  const std::vector<fs::path> protos = FilesIn(folder, ".tensorproto");
  const std::vector<fs::path> arrays = FilesIn(folder, ".npy");
  dump.format = protos.empty() ? "npy" : "onnxruntime";
  for (const fs::path& path : protos) {
    ANEREF_ASSIGN(const std::vector<std::byte> bytes,
                  ReadFile(path.string(), max_bytes));
    ANEREF_ASSIGN(NamedTensor tensor, ParseTensorProto(bytes, path.string()));
    if (tensor.name.empty()) tensor.name = path.stem().string();
    ANEREF_TRY(budget.Take(tensor.value, path.string()));
    dump.tensors.push_back(std::move(tensor));
  }
  const std::map<std::string, std::string> names = NamesFromTable(folder);
  for (const fs::path& path : arrays) {
    const auto named = names.find(path.filename().string());
    ANEREF_ASSIGN(
        NamedTensor tensor,
        ReadNpyFile(path,
                    named == names.end() ? path.stem().string() : named->second,
                    max_bytes));
    ANEREF_TRY(budget.Take(tensor.value, path.string()));
    dump.tensors.push_back(std::move(tensor));
  }
  if (dump.tensors.empty()) {
    return InvalidFile("", folder.string() +
                               ": holds no .npy and no .tensorproto file and "
                               "no manifest.json");
  }
  return dump;
}

bool StartsWith(const std::vector<std::byte>& head, std::string_view magic) {
  return head.size() >= magic.size() &&
         std::memcmp(head.data(), magic.data(), magic.size()) == 0;
}

std::vector<std::byte> HeadOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> chars(16);
  file.read(chars.data(), static_cast<std::streamsize>(chars.size()));
  chars.resize(
      static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  std::vector<std::byte> head(chars.size());
  if (!head.empty()) std::memcpy(head.data(), chars.data(), chars.size());
  return head;
}

Expected<Dump> ReadOneFile(const std::string& path, uint64_t max_bytes) {
  const std::vector<std::byte> head = HeadOf(path);
  const std::string ending = fs::path(path).extension().string();
  if (StartsWith(head, "PK")) {
    ANEREF_ASSIGN(TensorSet tensors, ReadNpz(path, max_bytes));
    return Dump{"npz", std::move(tensors)};
  }
  if (StartsWith(head, "\x93NUMPY")) {
    ANEREF_ASSIGN(NamedTensor tensor,
                  ReadNpyFile(path, fs::path(path).stem().string(), max_bytes));
    return Dump{"npy", {std::move(tensor)}};
  }
  if (ending == ".json") {
    ANEREF_ASSIGN(TensorSet tensors, ReadRawManifest(path, max_bytes));
    return Dump{"raw", std::move(tensors)};
  }
  ANEREF_ASSIGN(const std::vector<std::byte> bytes, ReadFile(path, max_bytes));
  if (ending == ".safetensors") {
    ANEREF_ASSIGN(TensorSet tensors, ParseSafetensors(bytes, path));
    return Dump{"safetensors", std::move(tensors)};
  }
  if (ending == ".tensorproto" || ending == ".pb") {
    ANEREF_ASSIGN(NamedTensor tensor, ParseTensorProto(bytes, path));
    if (tensor.name.empty()) tensor.name = fs::path(path).stem().string();
    return Dump{"onnxruntime", {std::move(tensor)}};
  }
  return InvalidFile("", path +
                             ": is no .npz, .npy, .safetensors, .tensorproto, "
                             "no manifest (.json) and no folder of such files");
}

}  // namespace

void WidenElements(const ForeignType& type, const std::byte* from, size_t count,
                   std::byte* to) {
  if (count == 0) return;
  if (type.widen == ForeignType::Widen::kNone) {
    std::memcpy(to, from, count * type.size);
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    if (type.widen == ForeignType::Widen::kBfloat16) {
      uint16_t upper = 0;
      std::memcpy(&upper, from + i * 2, 2);
      const uint32_t bits = static_cast<uint32_t>(upper) << 16;
      std::memcpy(to + i * 4, &bits, 4);
      continue;
    }
    const auto byte = static_cast<uint8_t>(from[i]);
    const uint16_t half = type.widen == ForeignType::Widen::kE4m3
                              ? HalfOfE4m3(byte)
                              : HalfOfE5m2(byte);
    std::memcpy(to + i * 2, &half, 2);
  }
}

Expected<Dump> ReadDump(const std::string& path, uint64_t max_bytes) {
  std::error_code error;
  Expected<Dump> dump = fs::is_directory(path, error)
                            ? ReadFolder(path, max_bytes)
                            : ReadOneFile(path, max_bytes);
  if (!dump.ok()) return dump.status();
  std::map<std::string, int> seen;
  for (const NamedTensor& tensor : dump->tensors) {
    if (++seen[tensor.name] > 1) {
      return InvalidFile(
          "", path + ": two tensors are called '" + tensor.name + "'");
    }
  }
  return dump;
}

}  // namespace aneref::tool
