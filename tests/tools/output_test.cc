// Files out: whole or untouched, never outside their folder.
#include "tools/output.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/tools/run_tool.h"
#include "tools/stats.h"
#include "tools/table.h"

namespace aneref::tool {
namespace {

using test::ReadText;
using test::TempFolder;
using test::WriteText;
namespace fs = std::filesystem;

std::span<const std::byte> Bytes(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

TEST_CASE("atomic file: the target appears at commit only") {
  const TempFolder folder;
  WriteText(folder / "x", "old");
  {
    Expected<AtomicFile> file = AtomicFile::Create(folder / "x");
    REQUIRE(file.ok());
    REQUIRE(file->Write(Bytes("new")).ok());
    CHECK(ReadText(folder / "x") == "old");
  }
  CHECK(folder.List() == std::vector<std::string>{"x"});
  CHECK(ReadText(folder / "x") == "old");
  Expected<AtomicFile> file = AtomicFile::Create(folder / "x");
  REQUIRE(file.ok());
  REQUIRE(file->Write(Bytes("new")).ok());
  REQUIRE(file->Commit().ok());
  CHECK(ReadText(folder / "x") == "new");
  CHECK(folder.List() == std::vector<std::string>{"x"});
}

TEST_CASE("atomic file: a link stays and its target is replaced") {
  const TempFolder folder;
  WriteText(folder / "real", "old");
  fs::create_symlink("real", folder / "link");
  Expected<AtomicFile> file = AtomicFile::Create(folder / "link");
  REQUIRE(file.ok());
  REQUIRE(file->Write(Bytes("new")).ok());
  REQUIRE(file->Commit().ok());
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(ReadText(folder / "real") == "new");
}

TEST_CASE("atomic file: permissions of a replaced file are kept") {
  const TempFolder folder;
  WriteText(folder / "x", "old");
  REQUIRE(::chmod((folder / "x").c_str(), 0600) == 0);
  Expected<AtomicFile> file = AtomicFile::Create(folder / "x");
  REQUIRE(file.ok());
  REQUIRE(file->Commit().ok());
  CHECK(fs::status(folder / "x").permissions() ==
        (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("atomic file: devices are written to and not replaced") {
  Expected<AtomicFile> null = AtomicFile::Create("/dev/null");
  REQUIRE(null.ok());
  REQUIRE(null->Write(Bytes("x")).ok());
  CHECK(null->Commit().ok());
  CHECK(fs::is_character_file("/dev/null"));
  Expected<AtomicFile> full = AtomicFile::Create("/dev/full");
  REQUIRE(full.ok());
  REQUIRE(full->Write(Bytes("x")).ok());
  CHECK(full->Commit().code() == StatusCode::kIo);
  CHECK(fs::is_character_file("/dev/full"));
}

TEST_CASE("atomic file: folders and missing folders are refused") {
  const TempFolder folder;
  CHECK_FALSE(AtomicFile::Create(folder.path()).ok());
  CHECK_FALSE(AtomicFile::Create(folder / "no/x").ok());
  CHECK_FALSE(AtomicFile::Create("").ok());
  CHECK(CheckWritable(folder / "x").ok());
  CHECK(folder.List().empty());
}

TEST_CASE("read file: folders are refused and limits hold") {
  const TempFolder folder;
  WriteText(folder / "x", "12345");
  CHECK(ReadFile(folder / "x")->size() == 5);
  CHECK(ReadFile(folder / "x", 5)->size() == 5);
  CHECK(ReadFile(folder / "x", 4).status().code() == StatusCode::kLimit);
  CHECK(ReadFile("/dev/zero", 4096).status().code() == StatusCode::kLimit);
  CHECK(ReadFile(folder.path()).status().code() == StatusCode::kIo);
}

TEST_CASE("output folder: tensor names become safe file names") {
  CHECK(SafeFileName("a/b") == "a_b");
  CHECK(SafeFileName("../../etc/passwd") == "_.._.._etc_passwd");
  CHECK(SafeFileName("..") == "_..");
  CHECK(SafeFileName("") == "_");
  CHECK(SafeFileName("x:0") == "x:0");
  CHECK(SafeFileName("a\nb") == "a_b");
  CHECK(SafeFileName(std::string(500, 'x')).size() == 200);
}

TEST_CASE("output folder: names that meet are refused and nothing is left") {
  const TempFolder folder;
  const Array array{{DataType::kUint8, {1}}, {std::byte{7}}};
  CHECK_FALSE(
      WriteFolder(folder / "out", {{"a/b", &array}, {"a_b", &array}}).ok());
  CHECK(folder.List().empty());
  CHECK(WriteFolder(folder / "out", {{"a/b", &array}, {"c", &array}}).ok());
  CHECK(ReadText(folder / "out/a_b.npy") == test::Npy("|u1", "(1,)", "\7"));
  CHECK(fs::exists(folder / "out/c.npy"));
}

TEST_CASE("stats: non-finite values are counted and left out of the range") {
  // fp16: 1, -2, +inf, NaN
  uint16_t values[4] = {0x3C00, 0xC000, 0x7C00, 0x7E00};
  const Stats stats =
      ComputeStats(DenseView({DataType::kFloat16, {4}}, values));
  CHECK(stats.min == -2);
  CHECK(stats.max == 1);
  CHECK(stats.nonfinite == 2);
}

TEST_CASE("stats: the digest sees shape and type and elements, not padding") {
  unsigned char dense[4] = {1, 2, 3, 4};
  unsigned char padded[6] = {1, 2, 0xEE, 3, 4, 0xEE};
  const TensorView a = DenseView({DataType::kUint8, {2, 2}}, dense);
  const TensorView b = {reinterpret_cast<std::byte*>(padded), DataType::kUint8,
                        Shape{2, 2}, 3};
  CHECK(Digest(a, kDigestSeed) == Digest(b, kDigestSeed));
  CHECK(Digest(a, kDigestSeed) !=
        Digest(DenseView({DataType::kUint8, {4}}, dense), kDigestSeed));
  CHECK(Digest(a, kDigestSeed) !=
        Digest(DenseView({DataType::kInt8, {2, 2}}, dense), kDigestSeed));
  padded[0] = 9;
  CHECK(Digest(a, kDigestSeed) != Digest(b, kDigestSeed));
}

TEST_CASE(
    "table: columns align and control characters do not reach terminals") {
  Table table("lr");
  table.Add({"name", "n"});
  table.Add({"x\x1B[2J", "12"});
  CHECK(table.ToString() == "name    n\nx?[2J  12\n");
  CHECK(FormatCount(29066) == "29,066");
  CHECK(FormatCount(100) == "100");
  CHECK(FormatBytes(1000) == "1000 bytes");
  CHECK(FormatBytes(1536) == "1.5 KiB");
}

}  // namespace
}  // namespace aneref::tool
