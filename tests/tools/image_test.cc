// Pictures: channel order, sizes that do not fit, damage.
#include "tools/image.h"

#include <doctest/doctest.h>

#include "tests/tools/run_tool.h"

namespace aneref::tool {
namespace {

using test::TempFolder;
using test::WriteText;

// A 2x1 picture: red (200, 10, 20), then blue (1, 2, 250); made by Python's
// zlib by the PNG specification.
// clang-format off
constexpr unsigned char kPng[] = {
    0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D,
    0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01,
    0x08, 0x02, 0x00, 0x00, 0x00, 0x7B, 0x40, 0xE8, 0xDD, 0x00, 0x00, 0x00,
    0x0F, 0x49, 0x44, 0x41, 0x54, 0x78, 0xDA, 0x63, 0x38, 0xC1, 0x25, 0xC2,
    0xC8, 0xF4, 0x0B, 0x00, 0x06, 0x3A, 0x01, 0xE4, 0x9E, 0x54, 0xA1, 0xD6,
    0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82,};
// clang-format on

std::string Planes(const Expected<Array>& array) {
  REQUIRE_MESSAGE(array.ok(), array.status().ToString());
  return {reinterpret_cast<const char*>(array->bytes.data()),
          array->bytes.size()};
}
std::string Bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

TEST_CASE("image: planes come in the order that the input declares") {
  const TempFolder folder;
  WriteText(folder / "x.png", std::string(std::begin(kPng), std::end(kPng)));
  const Expected<Array> rgb =
      ReadImage(folder / "x.png", fbs::ImageLayout::rgb, {1, 2});
  CHECK(Planes(rgb) == Bytes({200, 1, 10, 2, 20, 250}));
  CHECK(rgb->type == TensorType{DataType::kUint8, {3, 1, 2}});
  CHECK(Planes(ReadImage(folder / "x.png", fbs::ImageLayout::bgr, {0, 0})) ==
        Bytes({20, 250, 10, 2, 200, 1}));
  const Expected<Array> gray =
      ReadImage(folder / "x.png", fbs::ImageLayout::grayscale, {1, 2});
  REQUIRE(gray.ok());
  CHECK(gray->type == TensorType{DataType::kUint8, {1, 1, 2}});
}

TEST_CASE("image: another size is refused and both are named") {
  const TempFolder folder;
  WriteText(folder / "x.png", std::string(std::begin(kPng), std::end(kPng)));
  const Status status =
      ReadImage(folder / "x.png", fbs::ImageLayout::rgb, {28, 30}).status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message().find("2x1") != std::string::npos);
  CHECK(status.message().find("30x28") != std::string::npos);
}

TEST_CASE("image: truncated pictures are refused") {
  const TempFolder folder;
  const std::string png(std::begin(kPng), std::end(kPng));
  // The last 12 bytes are the end mark, which decoders do not need.
  for (size_t size = 0; size + 20 < png.size(); ++size) {
    WriteText(folder / "x.png", png.substr(0, size));
    CHECK_FALSE(
        ReadImage(folder / "x.png", fbs::ImageLayout::rgb, {1, 2}).ok());
  }
}

TEST_CASE("image: pixel arrays are height by width by RGB") {
  Array pixels{{DataType::kUint8, {1, 2, 3}}, {}};
  for (const int value : {200, 10, 20, 1, 2, 250}) {
    pixels.bytes.push_back(static_cast<std::byte>(value));
  }
  CHECK(Planes(ImageFromPixels(pixels, fbs::ImageLayout::bgr, {1, 2}, "x")) ==
        Bytes({20, 250, 10, 2, 200, 1}));
  CHECK_FALSE(ImageFromPixels(pixels, fbs::ImageLayout::rgb, {2, 1}, "x").ok());
  CHECK_FALSE(
      ImageFromPixels(pixels, fbs::ImageLayout::grayscale, {1, 2}, "x").ok());
  pixels.type.shape = {2, 3};
  CHECK(Planes(ImageFromPixels(pixels, fbs::ImageLayout::grayscale, {2, 3},
                               "x")) == Bytes({200, 10, 20, 1, 2, 250}));
}

}  // namespace
}  // namespace aneref::tool
