// See compare_picture.h.
#include "runtime/explain/compare_picture.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

namespace aneref {
namespace {

constexpr int64_t kMostCells = 256;  // of one side of a picture

std::string Base64(const std::vector<uint8_t>& bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = static_cast<uint32_t>(bytes[i]) << 16;
    if (i + 1 < bytes.size()) group |= static_cast<uint32_t>(bytes[i + 1]) << 8;
    if (i + 2 < bytes.size()) group |= bytes[i + 2];
    text += kDigits[group >> 18];
    text += kDigits[(group >> 12) & 63];
    text += i + 1 < bytes.size() ? kDigits[(group >> 6) & 63] : '=';
    text += i + 2 < bytes.size() ? kDigits[group & 63] : '=';
  }
  return text;
}

// Planes of height x width in a grid of `across` columns.
struct Grid {
  int64_t planes = 1, height = 1, width = 1, across = 1;
};
Grid GridOf(const Shape& shape) {
  Grid grid;
  const int64_t count = shape.NumElements();
  grid.width = shape.back();
  grid.height = shape.rank() >= 2 ? shape[shape.rank() - 2] : 1;
  // Short rows say more when they stand below each other.
  if (grid.height * grid.width < 16 || grid.height == 1) {
    grid.width = std::max<int64_t>(
        1,
        static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(count)))));
    grid.height = (count + grid.width - 1) / grid.width;
  }
  grid.planes = (count + grid.height * grid.width - 1) /
                std::max<int64_t>(grid.height * grid.width, 1);
  grid.across = std::max<int64_t>(
      1, static_cast<int64_t>(std::round(
             std::sqrt(static_cast<double>(grid.planes * grid.height) /
                       static_cast<double>(grid.width)))));
  return grid;
}

// Levels of an error relative to the largest: six decades.
uint8_t LevelOf(double error, double largest) {
  if (error == 0 || largest == 0) return 0;
  if (!std::isfinite(error)) return 255;
  const double decades = std::log10(error / largest);
  return static_cast<uint8_t>(std::clamp(255 + decades * 40, 16.0, 255.0));
}

struct ImageShape {
  int64_t channels = 0, height = 0, width = 0;
  bool channels_last = false;
};
std::optional<ImageShape> ImageShapeOf(const Shape& shape) {
  constexpr int64_t kSmallest = 16;
  ImageShape image;
  if (shape.rank() < 3 || shape.rank() > 4) return std::nullopt;
  const size_t first = shape.rank() - 3;
  if (first == 1 && shape[0] != 1) return std::nullopt;
  const auto is_colour = [](int64_t n) { return n == 1 || n == 3; };
  if (is_colour(shape[first])) {
    image = {shape[first], shape[first + 1], shape[first + 2], false};
  } else if (is_colour(shape[first + 2])) {
    image = {shape[first + 2], shape[first], shape[first + 1], true};
  } else {
    return std::nullopt;
  }
  if (image.height < kSmallest || image.width < kSmallest) return std::nullopt;
  return image;
}

}  // namespace

Picture ErrorPicture(const OwnedTensor& a, const OwnedTensor& b) {
  const std::vector<double> x = ElementsOf(a), y = ElementsOf(b);
  Picture picture;
  if (x.empty() || x.size() != y.size()) return picture;
  const Grid grid = GridOf(a.type.shape);
  const int64_t rows = (grid.planes + grid.across - 1) / grid.across;
  const int64_t full_width = grid.across * (grid.width + 1) - 1;
  const int64_t full_height = rows * (grid.height + 1) - 1;
  const int64_t step = std::max<int64_t>(
      1, (std::max(full_width, full_height) + kMostCells - 1) / kMostCells);
  picture.width = static_cast<int>((full_width + step - 1) / step);
  picture.height = static_cast<int>((full_height + step - 1) / step);
  std::vector<double> cells(
      static_cast<size_t>(picture.width) * static_cast<size_t>(picture.height),
      0.0);
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool same = x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]));
    double error = same ? 0 : std::abs(x[i] - y[i]);
    if (std::isnan(error)) error = HUGE_VAL;
    if (std::isfinite(error)) largest = std::max(largest, error);
    const auto index = static_cast<int64_t>(i);
    const int64_t plane = index / (grid.height * grid.width);
    const int64_t within = index % (grid.height * grid.width);
    const int64_t column =
        plane % grid.across * (grid.width + 1) + within % grid.width;
    const int64_t row =
        plane / grid.across * (grid.height + 1) + within / grid.width;
    double& cell =
        cells[static_cast<size_t>(row / step * picture.width + column / step)];
    cell = std::max(cell, error);
  }
  std::vector<uint8_t> levels(cells.size());
  std::transform(cells.begin(), cells.end(), levels.begin(),
                 [&](double cell) { return LevelOf(cell, largest); });
  picture.base64 = Base64(levels);
  return picture;
}

Picture ImagePicture(const OwnedTensor& tensor, const OwnedTensor& like) {
  Picture picture;
  const std::optional<ImageShape> image = ImageShapeOf(tensor.type.shape);
  if (!image ||
      tensor.type.shape.NumElements() != like.type.shape.NumElements()) {
    return picture;
  }
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (const double value : ElementsOf(like)) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const double range = high > low ? high - low : 1;
  const std::vector<double> values = ElementsOf(tensor);
  const int64_t step = std::max<int64_t>(
      1, (std::max(image->height, image->width) + kMostCells - 1) / kMostCells);
  picture.width = static_cast<int>((image->width + step - 1) / step);
  picture.height = static_cast<int>((image->height + step - 1) / step);
  picture.channels = 3;
  std::vector<uint8_t> pixels;
  for (int64_t y = 0; y < image->height; y += step) {
    for (int64_t x = 0; x < image->width; x += step) {
      for (int64_t c = 0; c < 3; ++c) {
        const int64_t channel = std::min(c, image->channels - 1);
        const int64_t at =
            image->channels_last
                ? (y * image->width + x) * image->channels + channel
                : (channel * image->height + y) * image->width + x;
        const double level =
            (values[static_cast<size_t>(at)] - low) / range * 255;
        pixels.push_back(static_cast<uint8_t>(
            std::isnan(level) ? 0 : std::clamp(level, 0.0, 255.0)));
      }
    }
  }
  picture.base64 = Base64(pixels);
  return picture;
}

}  // namespace aneref
