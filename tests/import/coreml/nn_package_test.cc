// Containers: folders, archives, and hostile ones of both. Archives are put
// together by hand, byte by byte.
#include <filesystem>
#include <fstream>

#include "runtime/import/coreml/manifest.h"
#include "runtime/import/coreml/package.h"
#include "tests/import/coreml/nn_builder.h"

namespace aneref::test {
namespace {

namespace fs = std::filesystem;

constexpr char kModelPath[] = "Data/com.apple.CoreML/model.mlmodel";
constexpr char kManifest[] =
    R"({"fileFormatVersion": "1.0.0", "rootModelIdentifier": "A",
        "itemInfoEntries": {"A": {"path": "com.apple.CoreML/model.mlmodel"}}})";

std::string PlusOne() {
  NetworkBuilder builder;
  builder.Input("x", {2});
  builder.Output("y");
  builder.Add({"x"}, {"y"}).mutable_add()->set_alpha(1);
  return builder.model.SerializeAsString();
}

using Files = std::vector<std::pair<std::string, std::string>>;

void WriteFiles(const std::string& root, const Files& files) {
  for (const auto& [name, bytes] : files) {
    const fs::path path = fs::path(root) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }
}

void AppendInt(std::string* out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    *out += static_cast<char>((value >> (8 * i)) & 0xFF);
}

uint32_t Crc(const std::string& bytes) {
  uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

struct ZipOptions {
  uint64_t claimed_size = 0;  // of the last entry, 0: its own
  uint32_t attributes = 0;    // of the last entry
  int flags = 0;              // of all entries
};

// An archive of stored entries.
std::string MakeZip(const Files& files, const ZipOptions& options = {}) {
  std::string out, directory;
  for (size_t i = 0; i < files.size(); ++i) {
    const auto& [name, bytes] = files[i];
    const bool last = i + 1 == files.size();
    const uint64_t claimed =
        last && options.claimed_size != 0 ? options.claimed_size : bytes.size();
    std::string head;
    AppendInt(&head, 20, 2);
    AppendInt(&head, static_cast<uint64_t>(options.flags), 2);
    AppendInt(&head, claimed == bytes.size() ? 0 : 8, 2);  // stored, deflated
    AppendInt(&head, 0x21, 4);                             // 1980-01-01
    AppendInt(&head, Crc(bytes), 4);
    AppendInt(&head, bytes.size(), 4);
    AppendInt(&head, claimed, 4);
    AppendInt(&head, name.size(), 2);
    AppendInt(&head, 0, 2);
    directory += "PK\1\2";
    AppendInt(&directory, (3 << 8) | 20, 2);  // made on Unix
    directory += head;
    AppendInt(&directory, 0, 6);
    AppendInt(&directory, last ? options.attributes : 0, 4);
    AppendInt(&directory, out.size(), 4);
    directory += name;
    out += "PK\3\4" + head + name + bytes;
  }
  const size_t start = out.size();
  out += directory + "PK\5\6";
  AppendInt(&out, 0, 4);
  AppendInt(&out, files.size(), 2);
  AppendInt(&out, files.size(), 2);
  AppendInt(&out, directory.size(), 4);
  AppendInt(&out, start, 4);
  AppendInt(&out, 0, 2);
  return out;
}

void CheckPlusOne(const Imported& imported) {
  INFO(imported.status.ToString());
  REQUIRE(imported.status.ok());
  CheckClose(Evaluate(imported, {{"x", {1, 5}}})[0], {2, 6});
}

TEST_CASE("coreml packages: a folder with and without its manifest") {
  const TempFolder with;
  WriteFiles(with.path(),
             {{"Manifest.json", kManifest}, {kModelPath, PlusOne()}});
  CheckPlusOne(ImportPath(with.path()));
  const TempFolder without;
  WriteFiles(without.path(), {{kModelPath, PlusOne()}});
  CheckPlusOne(ImportPath(without.path()));
}

TEST_CASE("coreml packages: an archive at the top and one folder down") {
  const TempFolder folder;
  const Files files = {{"Manifest.json", kManifest}, {kModelPath, PlusOne()}};
  CheckPlusOne(ImportPath(folder.Write("a.zip", MakeZip(files))));
  Files below;
  for (const auto& [name, bytes] : files)
    below.emplace_back("X.mlpackage/" + name, bytes);
  below.insert(below.begin(), {"__MACOSX/Manifest.json", "junk"});
  CheckPlusOne(ImportPath(folder.Write("b.zip", MakeZip(below))));
}

TEST_CASE("coreml packages: weights are found beside the model") {
  const TempFolder folder;
  WriteFiles(folder.path(), {{kModelPath, PlusOne()},
                             {"Data/com.apple.CoreML/weights/w.bin", "abc"}});
  auto package = coreml::OpenPackage(folder.path(), 0);
  REQUIRE(package.ok());
  const auto bytes = (*package)->Open("@model_path/weights/w.bin");
  REQUIRE(bytes.ok());
  CHECK(bytes->size() == 3);
  CHECK((*package)->Open("@model_path/weights/none.bin").status().message() ==
        "weight file missing: '@model_path/weights/none.bin'");
  for (const char* name : {"@model_path/../../Manifest.json", "/etc/passwd",
                           "@model_path//etc/passwd", "..", ""})
    CHECK_FALSE((*package)->Open(name).ok());
}

TEST_CASE("coreml packages: links that lead out are refused") {
  const TempFolder outside, folder;
  const std::string secret = outside.Write("secret.bin", PlusOne());
  fs::create_directories(folder.path() + "/Data/com.apple.CoreML");
  fs::create_symlink(secret, folder.path() + "/" + kModelPath);
  CHECK(ImportPath(folder.path()).status.message().find("leads out") !=
        std::string::npos);
  const TempFolder weights;
  WriteFiles(weights.path(), {{kModelPath, PlusOne()}});
  fs::create_symlink(secret,
                     weights.path() + "/Data/com.apple.CoreML/weight.bin");
  auto package = coreml::OpenPackage(weights.path(), 0);
  REQUIRE(package.ok());
  CHECK_FALSE((*package)->Open("@model_path/weight.bin").ok());
  // A link in a circle.
  fs::create_symlink("loop", weights.path() + "/Data/com.apple.CoreML/loop");
  CHECK_FALSE((*package)->Open("@model_path/loop").ok());
}

TEST_CASE("coreml packages: hostile manifests") {
  const auto refuse = [](const std::string& manifest) {
    const auto bytes = std::as_bytes(std::span(manifest));
    const auto path = coreml::ModelPathOf(bytes);
    CHECK_FALSE(path.ok());
    return path.status().message();
  };
  CHECK_FALSE(refuse("").empty());
  CHECK_FALSE(refuse("[]").empty());
  CHECK_FALSE(refuse(R"({"rootModelIdentifier": 1})").empty());
  CHECK(refuse(R"({"rootModelIdentifier": "A"})").find("no path for") !=
        std::string::npos);
  CHECK(refuse(R"({"rootModelIdentifier": "A",
                   "itemInfoEntries": {"A": {"path": "../../etc"}}})")
            .find("leads out") != std::string::npos);
  CHECK(refuse(R"({"rootModelIdentifier": "A",
                   "itemInfoEntries": {"A": {"path": "/etc/passwd"}}})")
            .find("leads out") != std::string::npos);
  CHECK(refuse(std::string(2 << 20, ' ')).find("over 1 MiB") !=
        std::string::npos);
  CHECK(refuse(std::string(5000, '[')).find("nested deeper") !=
        std::string::npos);
}

TEST_CASE("coreml packages: hostile archives") {
  const TempFolder folder;
  const auto refuse = [&](const std::string& bytes, uint64_t limit = 0) {
    const auto package =
        coreml::OpenPackage(folder.Write("x.zip", bytes), limit);
    CHECK_FALSE(package.ok());
    return package.status().message();
  };
  const Files model = {{kModelPath, PlusOne()}};
  CHECK(refuse("PK\3\4 and nothing more").find("no sound zip archive") !=
        std::string::npos);
  CHECK(refuse(MakeZip({{"readme", "x"}})).find("is no Core ML package") !=
        std::string::npos);
  ZipOptions bomb;
  bomb.claimed_size = 3u << 30;
  CHECK(refuse(MakeZip(model, bomb)).find("would unpack to") !=
        std::string::npos);
  CHECK(refuse(MakeZip(model, bomb), 1 << 20).find("over the limit") !=
        std::string::npos);
  ZipOptions link;
  link.attributes = 0120777u << 16;
  CHECK(refuse(MakeZip(model, link)).find("symbolic link") !=
        std::string::npos);
  ZipOptions secret;
  secret.flags = 1;
  CHECK(refuse(MakeZip(model, secret)).find("encrypted") != std::string::npos);
  CHECK(refuse(MakeZip({{"Manifest.json",
                         R"({"rootModelIdentifier": "A", "itemInfoEntries":
                             {"A": {"path": "elsewhere"}}})"},
                        {kModelPath, PlusOne()}}))
            .find("has no file Data/elsewhere") != std::string::npos);
  std::string damaged = MakeZip(model);
  damaged[60 + sizeof kModelPath] ^= 1;
  CHECK_FALSE(refuse(damaged).empty());
}

TEST_CASE("coreml packages: files that are no models") {
  const TempFolder folder;
  const std::string whole = PlusOne();
  CHECK_FALSE(ImportPath(folder.Write("a.mlmodel", "")).status.ok());
  CHECK_FALSE(ImportPath(folder.Write("b.mlmodel", "junk")).status.ok());
  for (size_t length = 1; length < whole.size(); ++length) {
    const Imported cut =
        ImportPath(folder.Write("c.mlmodel", whole.substr(0, length)));
    CHECK_FALSE(cut.status.ok());
  }
  CHECK_FALSE(ImportPath(folder.path()).status.ok());
}

}  // namespace
}  // namespace aneref::test
