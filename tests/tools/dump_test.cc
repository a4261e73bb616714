// Readers of other programs' dumps: each form by hand, and hostile bytes.
#include "tools/dump.h"

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>

#include "tests/tools/run_tool.h"

namespace aneref::tool {
namespace {

using test::TempFolder;
using test::WriteText;

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string U64(uint64_t value) {
  std::string text(8, '\0');
  std::memcpy(text.data(), &value, 8);
  return text;
}

std::string Safetensors(const std::string& header, const std::string& data) {
  return U64(header.size()) + header + data;
}

// 1.0, 2.0 as fp16.
const std::string kOneTwo("\x00\x3C\x00\x40", 4);

}  // namespace

TEST_CASE("dump: safetensors with halves and bfloat16") {
  const std::string file =
      Safetensors(R"({"__metadata__":{"a":"b"},"x":{"dtype":"F16","shape":[2],)"
                  R"("data_offsets":[0,4]},"y":{"dtype":"BF16","shape":[1,1],)"
                  R"("data_offsets":[4,6]}})",
                  kOneTwo + std::string("\xC0\x3F", 2));  // 3FC0: 1.5
  const auto tensors = ParseSafetensors(Bytes(file), "f");
  REQUIRE_MESSAGE(tensors.ok(), tensors.status().ToString());
  REQUIRE(tensors->size() == 2);
  CHECK((*tensors)[0].name == "x");
  CHECK(ElementsOf((*tensors)[0].value) == std::vector<double>{1, 2});
  CHECK((*tensors)[1].value.type.ToString() == "float32[1, 1]");
  CHECK(ElementsOf((*tensors)[1].value) == std::vector<double>{1.5});
}

TEST_CASE("dump: safetensors that lie are refused") {
  const auto refused = [](const std::string& entry, const std::string& data) {
    return !ParseSafetensors(Bytes(Safetensors("{\"x\":" + entry + "}", data)),
                             "f")
                .ok();
  };
  CHECK(
      refused(R"({"dtype":"F16","shape":[3],"data_offsets":[0,4]})", kOneTwo));
  CHECK(
      refused(R"({"dtype":"F16","shape":[2],"data_offsets":[2,6]})", kOneTwo));
  CHECK(
      refused(R"({"dtype":"F16","shape":[2],"data_offsets":[4,0]})", kOneTwo));
  CHECK(refused(R"({"dtype":"Q4","shape":[2],"data_offsets":[0,4]})", kOneTwo));
  CHECK(
      refused(R"({"dtype":"F16","shape":[-2],"data_offsets":[0,4]})", kOneTwo));
  CHECK(refused(
      R"({"dtype":"F16","shape":[4294967296,4294967296],"data_offsets":[0,4]})",
      kOneTwo));
  CHECK_FALSE(ParseSafetensors(Bytes(U64(~uint64_t{0}) + "{}"), "f").ok());
}

TEST_CASE("dump: cut files are refused or shorter but never crash") {
  const std::string file = Safetensors(
      R"({"x":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", kOneTwo);
  for (size_t size = 0; size < file.size(); ++size) {
    CHECK_FALSE(ParseSafetensors(Bytes(file.substr(0, size)), "f").ok());
  }
}

TEST_CASE("dump: a tensor proto of ONNX Runtime") {
  // dims [1, 2] packed, data_type FLOAT16, name "y", raw_data.
  const std::string file =
      std::string("\x0A\x02\x01\x02\x10\x0A\x42\x01y\x4A\x04", 11) + kOneTwo;
  const auto tensor = ParseTensorProto(Bytes(file), "f");
  REQUIRE_MESSAGE(tensor.ok(), tensor.status().ToString());
  CHECK(tensor->name == "y");
  CHECK(tensor->value.type.ToString() == "float16[1, 2]");
  CHECK(ElementsOf(tensor->value) == std::vector<double>{1, 2});
  for (size_t size = 0; size < file.size(); ++size) {
    CHECK_FALSE(ParseTensorProto(Bytes(file.substr(0, size)), "f").ok());
  }
  // int32_data as varints: int8 -1 and 5.
  const std::string ints = std::string(
      "\x08\x02\x10\x03\x28\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
      "\x01\x28\x05",
      17);
  const auto narrow = ParseTensorProto(Bytes(ints), "f");
  REQUIRE_MESSAGE(narrow.ok(), narrow.status().ToString());
  CHECK(ElementsOf(narrow->value) == std::vector<double>{-1, 5});
}

TEST_CASE("dump: single bytes changed never crash a reader") {
  const std::string proto =
      std::string("\x0A\x02\x01\x02\x10\x0A\x42\x01y\x4A\x04", 11) + kOneTwo;
  const std::string safe = Safetensors(
      R"({"x":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", kOneTwo);
  int read = 0;
  for (const std::string& file : {proto, safe}) {
    for (size_t at = 0; at < file.size(); ++at) {
      for (int byte = 0; byte < 256; byte += 5) {
        std::string changed = file;
        changed[at] = static_cast<char>(byte);
        read += ParseTensorProto(Bytes(changed), "f").ok();
        read += ParseSafetensors(Bytes(changed), "f").ok();
      }
    }
  }
  CHECK(read > 0);
}

TEST_CASE("L10: a raw surface with padded rows is read by its strides") {
  const TempFolder folder;
  // Two rows of two halves, 64 bytes apart.
  std::string raw(128, '\x55');
  raw.replace(0, 4, kOneTwo);
  raw.replace(64, 4, std::string("\x00\x42\x00\x44", 4));  // 3, 4
  WriteText(folder / "surface.bin", raw);
  WriteText(folder / "manifest.json",
            R"({"tensors": [{"name": "y", "file": "surface.bin",
                "dtype": "float16", "shape": [2, 2], "strides": [64, 2]}]})");
  const auto dump = ReadDump(folder.path(), 0);
  REQUIRE_MESSAGE(dump.ok(), dump.status().ToString());
  CHECK(dump->format == "raw");
  REQUIRE(dump->tensors.size() == 1);
  CHECK(ElementsOf(dump->tensors[0].value) == std::vector<double>{1, 2, 3, 4});
}

TEST_CASE("dump: manifests that reach outside are refused") {
  const TempFolder folder;
  WriteText(folder / "s.bin", std::string(64, '\0'));
  const auto refused = [&](const std::string& entry) {
    WriteText(folder / "manifest.json", "{\"tensors\": [" + entry + "]}");
    return !ReadDump(folder.path(), 0).ok();
  };
  const std::string start = R"({"name": "y", "dtype": "float16", )";
  CHECK_FALSE(refused(start + R"("file": "s.bin", "shape": [32]})"));
  CHECK(refused(start + R"("file": "s.bin", "shape": [33]})"));
  CHECK(refused(start + R"("file": "s.bin", "shape": [2], "offset": 62})"));
  CHECK(refused(start +
                R"("file": "s.bin", "shape": [2, 2], "strides": [64, 2]})"));
  CHECK(refused(start + R"("file": "s.bin", "shape": [9007199254740991,
                9007199254740991], "strides": [9007199254740991, 1]})"));
  CHECK(refused(start +
                R"("file": "s.bin", "shape": [99999999], "strides": [0]})"));
  CHECK(refused(start + R"("file": "s.bin", "shape": [-1]})"));
  CHECK(
      refused(start + R"("file": "s.bin", "shape": [2], "strides": [1, 2]})"));
  CHECK(refused(start + R"("file": "../s.bin", "shape": [1]})"));
  CHECK(refused(start + R"("file": "/etc/hostname", "shape": [1]})"));
  CHECK(refused(start + R"("file": "none.bin", "shape": [1]})"));
  CHECK(refused(R"({"name": "y", "dtype": "text", "file": "s.bin",
                "shape": [1]})"));
}

TEST_CASE("dump: a folder of arrays with a table of names") {
  const TempFolder folder;
  WriteText(folder / "0000.npy", test::Npy("<f2", "(2,)", kOneTwo));
  WriteText(folder / "other.npy", test::Npy("<f2", "(2,)", kOneTwo));
  WriteText(folder / "layers.tsv",
            "file\ttensor\top\n0000.npy\tconv/1\tConv\n");
  const auto dump = ReadDump(folder.path(), 0);
  REQUIRE_MESSAGE(dump.ok(), dump.status().ToString());
  REQUIRE(dump->tensors.size() == 2);
  CHECK(dump->tensors[0].name == "conv/1");
  CHECK(dump->tensors[1].name == "other");
  CHECK_FALSE(ReadDump(folder.path(), 3).ok());  // --max-memory
  const TempFolder empty;
  CHECK_FALSE(ReadDump(empty.path(), 0).ok());
  CHECK_FALSE(ReadDump(folder / "none", 0).ok());
}

}  // namespace aneref::tool
