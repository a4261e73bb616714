// Sizes are read from the file's head and checked before pixels are decoded, so
// that a small file cannot ask for much memory.
#include "tools/image.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include "runtime/core/convert.h"
#include "tools/atomic_file.h"
#include "tools/stb_image_config.h"

namespace aneref::tool {
namespace {

constexpr uint64_t kMaxImageFile = uint64_t{1} << 30;
constexpr int kMaxExtent = 1 << 15;  // bounds the pixels of dynamic inputs

std::string Shown(const ImageSize& size) {
  return std::to_string(size.width) + "x" + std::to_string(size.height);
}

Status CheckSize(const ImageSize& is, const ImageSize& want,
                 const std::string& name) {
  const bool fits = (want.height == 0 || want.height == is.height) &&
                    (want.width == 0 || want.width == is.width);
  if (fits) return Status();
  return InvalidArgument(name + ": the picture is " + Shown(is) +
                         " pixels (width x height), the input takes " +
                         Shown(want));
}

// Interleaved pixels to planes; bgr turns the order of three channels round.
Array ToPlanes(const unsigned char* pixels, const ImageSize& size,
               int64_t channels, bool reverse) {
  Array planes{{DataType::kUint8, {channels, size.height, size.width}}, {}};
  const auto count = static_cast<size_t>(size.height * size.width);
  const auto num_channels = static_cast<size_t>(channels);
  planes.bytes.resize(count * num_channels);
  for (size_t c = 0; c < num_channels; ++c) {
    const size_t from = reverse ? num_channels - 1 - c : c;
    for (size_t i = 0; i < count; ++i) {
      planes.bytes[c * count + i] =
          static_cast<std::byte>(pixels[i * num_channels + from]);
    }
  }
  return planes;
}

}  // namespace

bool IsImageFile(const std::string& path) {
  std::string lower = path;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return lower.ends_with(".png") || lower.ends_with(".jpg") ||
         lower.ends_with(".jpeg");
}

Expected<Array> ReadImage(const std::string& path, fbs::ImageLayout layout,
                          const ImageSize& want) {
  ANEREF_ASSIGN(const std::vector<std::byte> file,
                ReadFile(path, kMaxImageFile));
  const auto* data = reinterpret_cast<const unsigned char*>(file.data());
  const int length = static_cast<int>(file.size());  // <= 2^30
  int width = 0, height = 0, found = 0;
  if (!stbi_info_from_memory(data, length, &width, &height, &found)) {
    return InvalidFile("", path + ": is no PNG or JPEG picture");
  }
  const ImageSize size{height, width};
  ANEREF_TRY(CheckSize(size, want, path));
  if (width > kMaxExtent || height > kMaxExtent) {
    return LimitError(path + ": more than " + std::to_string(kMaxExtent) +
                      " pixels wide or high");
  }
  const int channels = layout == fbs::ImageLayout::grayscale ? 1 : 3;
  const std::unique_ptr<unsigned char, void (*)(void*)> pixels(
      stbi_load_from_memory(data, length, &width, &height, &found, channels),
      &stbi_image_free);
  if (!pixels) {
    return InvalidFile(
        "", path + ": damaged picture: " + std::string(stbi_failure_reason()));
  }
  return ToPlanes(pixels.get(), size, channels,
                  layout == fbs::ImageLayout::bgr);
}

Expected<Array> ImageFromPixels(const Array& pixels, fbs::ImageLayout layout,
                                const ImageSize& want,
                                const std::string& name) {
  const bool gray = layout == fbs::ImageLayout::grayscale;
  const Shape& shape = pixels.type.shape;
  if (shape.rank() != (gray ? 2u : 3u) || (!gray && shape[2] != 3)) {
    return InvalidArgument(name + ": pixels are " + pixels.type.ToString() +
                           ", the input takes uint8 " +
                           (gray ? "[height, width]" : "[height, width, 3]"));
  }
  const ImageSize size{shape[0], shape[1]};
  ANEREF_TRY(CheckSize(size, want, name));
  return ToPlanes(reinterpret_cast<const unsigned char*>(pixels.bytes.data()),
                  size, gray ? 1 : 3, layout == fbs::ImageLayout::bgr);
}

namespace {

void AppendBytes(void* context, void* data, int size) {
  auto* bytes = static_cast<std::vector<std::byte>*>(context);
  const auto* first = static_cast<const std::byte*>(data);
  bytes->insert(bytes->end(), first, first + size);
}

unsigned char ToPixel(float value) {
  if (!(value > 0.0f)) return 0;
  return static_cast<unsigned char>(std::lrint(std::min(value, 255.0f)));
}

}  // namespace

Expected<std::vector<std::byte>> EncodePng(const Array& planes,
                                           fbs::ImageLayout layout,
                                           const std::string& name) {
  Shape shape = planes.type.shape;
  while (shape.rank() > 3 && shape[0] == 1) shape.Erase(0);
  const int64_t channels = layout == fbs::ImageLayout::grayscale ? 1 : 3;
  if (shape.rank() != 3 || shape[0] != channels || shape[1] < 1 ||
      shape[2] < 1 || shape[1] > kMaxExtent || shape[2] > kMaxExtent) {
    return InvalidArgument(
        "output '" + name + "': " + planes.type.shape.ToString() +
        " is no picture of " + std::to_string(channels) + " channels");
  }
  const auto count = static_cast<size_t>(shape[1] * shape[2]);
  const auto num_channels = static_cast<size_t>(channels);
  std::vector<float> values(count * num_channels);
  ConvertElements(planes.type.dtype, planes.bytes.data(), DataType::kFloat32,
                  values.data(), values.size());
  std::vector<unsigned char> pixels(values.size());
  for (size_t c = 0; c < num_channels; ++c) {
    const size_t from =
        layout == fbs::ImageLayout::bgr ? num_channels - 1 - c : c;
    for (size_t i = 0; i < count; ++i)
      pixels[i * num_channels + c] = ToPixel(values[from * count + i]);
  }
  std::vector<std::byte> png;
  const int width = static_cast<int>(shape[2]);
  const int height = static_cast<int>(shape[1]);
  const int depth = static_cast<int>(channels);
  if (stbi_write_png_to_func(&AppendBytes, &png, width, height, depth,
                             pixels.data(), width * depth) == 0)
    return InternalError("output '" + name + "': no picture could be written");
  return png;
}

}  // namespace aneref::tool
