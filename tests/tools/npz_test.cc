// Archives: written as numpy reads them, the same bytes each time; read with
// suspicion. The literal archive was made by numpy 1.24 (savez_compressed).
#include "tools/npz.h"

#include <doctest/doctest.h>

#include "tests/tools/run_tool.h"

namespace aneref::tool {
namespace {

using test::ReadText;
using test::TempFolder;
using test::WriteText;

Array Uint8(std::initializer_list<int> values) {
  Array array{{DataType::kUint8, {static_cast<int64_t>(values.size())}}, {}};
  for (const int value : values) {
    array.bytes.push_back(static_cast<std::byte>(value));
  }
  return array;
}

Status Write(const NpzWriter& npz, const std::string& path) {
  ANEREF_ASSIGN(AtomicFile file, AtomicFile::Create(path));
  ANEREF_TRY(npz.Write(file, path));
  return file.Commit();
}

TEST_CASE("npz: names with colons and slashes come back") {
  const TempFolder folder;
  NpzWriter npz;
  const std::vector<std::string> names = {
      "x", "a/b", "a//b", "/root:0", "n::v.1", "a.npy", "\xC3\xA4", ""};
  int value = 0;
  for (const std::string& name : names) {
    REQUIRE(npz.Add(name, Uint8({value++})).ok());
  }
  REQUIRE(npz.Add("empty", Uint8({})).ok());
  REQUIRE(Write(npz, folder / "x.npz").ok());
  const Expected<NpzReader> reader = NpzReader::Open(folder / "x.npz");
  REQUIRE(reader.ok());
  CHECK(reader->names().size() == names.size() + 1);
  value = 0;
  for (const std::string& name : names) {
    const Expected<Array> array = reader->Read(name);
    REQUIRE_MESSAGE(array.ok(), array.status().ToString());
    CHECK(array->bytes.at(0) == static_cast<std::byte>(value++));
  }
  CHECK(reader->Read("empty")->type.shape == Shape{0});
  CHECK_FALSE(reader->Read("nope").ok());
}

TEST_CASE("npz: entries are stored and dated 1980 and the bytes repeat") {
  const TempFolder folder;
  NpzWriter npz;
  REQUIRE(npz.Add("x", Uint8({1, 2})).ok());
  REQUIRE(Write(npz, folder / "a.npz").ok());
  REQUIRE(Write(npz, folder / "b.npz").ok());
  const std::string bytes = ReadText(folder / "a.npz");
  CHECK(bytes == ReadText(folder / "b.npz"));
  // Local header: signature, version, flags, method 0, time 0, date 0021.
  CHECK(bytes.substr(0, 4) == "PK\3\4");
  CHECK(bytes.substr(8, 6) == std::string("\0\0\0\0\x21\0", 6));
  CHECK(bytes.find("x.npy\x93NUMPY") == 30);
  CHECK(folder.List() == std::vector<std::string>{"a.npz", "b.npz"});
}

TEST_CASE("npz: a name is taken once") {
  NpzWriter npz;
  REQUIRE(npz.Add("x", Uint8({1})).ok());
  CHECK_FALSE(npz.Add("x", Uint8({2})).ok());
}

TEST_CASE("npz: deflated entries are read") {
  // clang-format off
  static constexpr unsigned char kBytes[] = {
      0x50, 0x4B, 0x03, 0x04, 0x14, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00,
      0x21, 0x00, 0x5E, 0xC8, 0xEA, 0x80, 0x48, 0x00, 0x00, 0x00, 0x84, 0x00,
      0x00, 0x00, 0x05, 0x00, 0x14, 0x00, 0x76, 0x2E, 0x6E, 0x70, 0x79, 0x01,
      0x00, 0x10, 0x00, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x48,
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9B, 0xEC, 0x17, 0xEA, 0x1B,
      0x10, 0xC9, 0xC8, 0x50, 0xC6, 0x50, 0xAD, 0x9E, 0x92, 0x5A, 0x9C, 0x5C,
      0xA4, 0x6E, 0xA5, 0xA0, 0x5E, 0x53, 0x6A, 0xA8, 0xAE, 0xA3, 0xA0, 0x9E,
      0x96, 0x5F, 0x54, 0x52, 0x94, 0x98, 0x17, 0x9F, 0x5F, 0x94, 0x92, 0x0A,
      0x12, 0x77, 0x4B, 0xCC, 0x29, 0x4E, 0x05, 0x8A, 0x17, 0x67, 0x24, 0x16,
      0xA4, 0x02, 0xF9, 0x1A, 0x26, 0x3A, 0x9A, 0x3A, 0x0A, 0xB5, 0x0A, 0x14,
      0x00, 0x2E, 0x56, 0x36, 0x76, 0x0E, 0x00, 0x50, 0x4B, 0x01, 0x02, 0x14,
      0x03, 0x14, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x21, 0x00, 0x5E,
      0xC8, 0xEA, 0x80, 0x48, 0x00, 0x00, 0x00, 0x84, 0x00, 0x00, 0x00, 0x05,
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80,
      0x01, 0x00, 0x00, 0x00, 0x00, 0x76, 0x2E, 0x6E, 0x70, 0x79, 0x50, 0x4B,
      0x05, 0x06, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x33, 0x00,
      0x00, 0x00, 0x7F, 0x00, 0x00, 0x00, 0x00, 0x00,};
  // clang-format on
  const TempFolder folder;
  WriteText(folder / "x.npz",
            std::string(std::begin(kBytes), std::end(kBytes)));
  const Expected<NpzReader> reader = NpzReader::Open(folder / "x.npz");
  REQUIRE_MESSAGE(reader.ok(), reader.status().ToString());
  const Expected<Array> array = reader->Read("v");
  REQUIRE_MESSAGE(array.ok(), array.status().ToString());
  CHECK(array->type == TensorType{DataType::kUint8, {4}});
  CHECK(array->bytes == Uint8({5, 6, 7, 8}).bytes);
}

TEST_CASE("npz: truncated at every byte gives an error or nothing") {
  const TempFolder folder;
  NpzWriter npz;
  REQUIRE(npz.Add("x", Uint8({1, 2, 3})).ok());
  REQUIRE(Write(npz, folder / "a.npz").ok());
  const std::string bytes = ReadText(folder / "a.npz");
  for (size_t size = 0; size < bytes.size(); ++size) {
    WriteText(folder / "t.npz", bytes.substr(0, size));
    const Expected<NpzReader> reader = NpzReader::Open(folder / "t.npz");
    if (reader.ok()) CHECK_FALSE(reader->Read("x").ok());
  }
  // Any single damaged byte: an error or some array, never a crash.
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0xFF);
    WriteText(folder / "t.npz", damaged);
    const Expected<NpzReader> reader = NpzReader::Open(folder / "t.npz");
    if (reader.ok()) static_cast<void>(reader->Read("x").ok());
  }
}

TEST_CASE("npz: what is no archive is refused") {
  const TempFolder folder;
  CHECK_FALSE(NpzReader::Open(folder / "missing.npz").ok());
  CHECK_FALSE(NpzReader::Open(folder.path()).ok());
  WriteText(folder / "empty.npz", "");
  const Expected<NpzReader> empty = NpzReader::Open(folder / "empty.npz");
  if (empty.ok()) CHECK(empty->names().empty());
  WriteText(folder / "x.npz", test::Npy("|u1", "(1,)", "x"));
  CHECK_FALSE(NpzReader::Open(folder / "x.npz").ok());
}

TEST_CASE("npz: arrays over the limit are refused") {
  const TempFolder folder;
  NpzWriter npz;
  Array big{{DataType::kUint8, {100000}}, std::vector<std::byte>(100000)};
  REQUIRE(npz.Add("x", std::move(big)).ok());
  REQUIRE(Write(npz, folder / "a.npz").ok());
  CHECK(NpzReader::Open(folder / "a.npz", 100000)->Read("x").ok());
  CHECK(NpzReader::Open(folder / "a.npz", 1000)->Read("x").status().code() ==
        StatusCode::kLimit);
}

}  // namespace
}  // namespace aneref::tool
