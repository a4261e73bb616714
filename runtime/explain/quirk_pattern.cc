// See quirk_pattern.h.
#include "runtime/explain/quirk_pattern.h"

#include <map>

#include "runtime/explain/quirk_tools.h"

namespace aneref {
namespace {

// A picture: the last two axes, all others in front.
struct Planes {
  size_t count = 0, height = 0, width = 0;
};
Planes PlanesOf(const Shape& shape) {
  Planes planes;
  if (shape.rank() < 2 || shape.NumElements() == 0) return planes;
  planes.width = static_cast<size_t>(shape[shape.rank() - 1]);
  planes.height = static_cast<size_t>(shape[shape.rank() - 2]);
  planes.count =
      static_cast<size_t>(shape.NumElements()) / planes.width / planes.height;
  return planes;
}

// Rounds as the result is stored.
double Store(const QuirkContext& context, double value) {
  return context.half ? RoundHalf(value) : value;
}

// Enough values that are different from each other: a constant result fits any
// pattern.
bool IsVaried(const std::vector<double>& values) {
  std::map<double, int> seen;
  for (const double value : values) {
    if (!std::isfinite(value)) return false;
    ++seen[value];
    if (seen.size() >= 4) return true;
  }
  return false;
}

// ours[from(plane, row, column)] where it exists, else what they have.
template <class From>
std::vector<double> Moved(const QuirkContext& context, const Planes& planes,
                          const From& from) {
  std::vector<double> moved = context.theirs;
  const auto height = static_cast<int64_t>(planes.height);
  const auto width = static_cast<int64_t>(planes.width);
  for (size_t plane = 0; plane < planes.count; ++plane) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        const auto [fy, fx] = from(y, x);
        if (fy < 0 || fx < 0 || fy >= height || fx >= width) continue;
        const size_t base = plane * planes.height * planes.width;
        moved[base + static_cast<size_t>(y * width + x)] =
            context.ours[base + static_cast<size_t>(fy * width + fx)];
      }
    }
  }
  return moved;
}

}  // namespace

Expected<Candidates> ChannelsLastFlatten(const QuirkContext& context) {
  if (context.in.empty() || !context.in[0].defined) return Candidates{};
  const Shape& shape = context.in[0].view.shape;
  if (shape.rank() < 3) return Candidates{};
  ANEREF_ASSIGN(const std::vector<double> x, ElementsOfValue(context.in[0]));
  const auto channels = static_cast<size_t>(shape[1]);
  const auto inner = static_cast<size_t>(shape.NumElements(2, shape.rank()));
  std::vector<double> result(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t n = i / (channels * inner), rest = i % (channels * inner);
    result[i] = x[(n * channels + rest % channels) * inner + rest / channels];
  }
  return Candidates{std::move(result)};
}

Expected<Candidates> SpatialShift(const QuirkContext& context) {
  const Planes planes = PlanesOf(context.shape);
  if (planes.height * planes.width < 6 || !IsVaried(context.ours)) {
    return Candidates{};
  }
  Candidates candidates;
  for (int64_t dy = -1; dy <= 1; ++dy) {
    for (int64_t dx = -1; dx <= 1; ++dx) {
      if (dy == 0 && dx == 0) continue;
      // What moves in from outside is not known: most must stay inside.
      if ((dy != 0 && planes.height < 4) || (dx != 0 && planes.width < 4)) {
        continue;
      }
      candidates.push_back(Moved(context, planes, [&](int64_t y, int64_t x) {
        return std::pair(y + dy, x + dx);
      }));
    }
  }
  return candidates;
}

Expected<Candidates> Mirrored(const QuirkContext& context) {
  const Planes planes = PlanesOf(context.shape);
  if (planes.height * planes.width < 4 || !IsVaried(context.ours)) {
    return Candidates{};
  }
  const auto bottom = static_cast<int64_t>(planes.height) - 1;
  const auto right = static_cast<int64_t>(planes.width) - 1;
  Candidates candidates;
  candidates.push_back(Moved(context, planes, [&](int64_t y, int64_t x) {
    return std::pair(y, right - x);
  }));
  candidates.push_back(Moved(context, planes, [&](int64_t y, int64_t x) {
    return std::pair(bottom - y, x);
  }));
  candidates.push_back(Moved(context, planes, [&](int64_t y, int64_t x) {
    return std::pair(bottom - y, right - x);
  }));
  if (planes.height == planes.width) {
    candidates.push_back(Moved(
        context, planes, [](int64_t y, int64_t x) { return std::pair(x, y); }));
  }
  return candidates;
}

Expected<Candidates> ConstantFactor(const QuirkContext& context) {
  if (!IsVaried(context.ours)) return Candidates{};
  // The quotient of the largest elements is the most exact one.
  size_t largest = 0;
  for (size_t i = 0; i < context.ours.size(); ++i) {
    if (std::abs(context.ours[i]) > std::abs(context.ours[largest])) {
      largest = i;
    }
  }
  const double factor = context.theirs[largest] / context.ours[largest];
  if (!std::isfinite(factor) || std::abs(factor - 1) < 0x1p-9 || factor == 0) {
    return Candidates{};
  }
  return EachElement(
      context, [&](size_t, double y) { return Store(context, y * factor); });
}

Expected<Candidates> ConstantOffset(const QuirkContext& context) {
  if (!IsVaried(context.ours)) return Candidates{};
  std::vector<double> offsets(context.ours.size());
  for (size_t i = 0; i < offsets.size(); ++i) {
    offsets[i] = context.theirs[i] - context.ours[i];
    if (!std::isfinite(offsets[i])) return Candidates{};
  }
  const auto middle =
      offsets.begin() + static_cast<ptrdiff_t>(offsets.size() / 2);
  std::nth_element(offsets.begin(), middle, offsets.end());
  const double offset = *middle;
  if (offset == 0) return Candidates{};
  return EachElement(
      context, [&](size_t, double y) { return Store(context, y + offset); });
}

Expected<Candidates> PermutedChannels(const QuirkContext& context) {
  const size_t rank = context.shape.rank();
  if (rank < 3 || context.shape[0] != 1 || !IsVaried(context.ours)) {
    return Candidates{};
  }
  const auto channels = static_cast<size_t>(context.shape[1]);
  const size_t inner = context.ours.size() / channels;
  std::map<std::vector<double>, size_t> known;
  const auto channel = [&](const std::vector<double>& values, size_t c) {
    const auto begin = values.begin() + static_cast<ptrdiff_t>(c * inner);
    return std::vector<double>(begin, begin + static_cast<ptrdiff_t>(inner));
  };
  for (size_t c = 0; c < channels; ++c) known[channel(context.ours, c)] = c;
  if (known.size() * 2 < channels) return Candidates{};  // too many alike
  size_t moved = 0;
  std::vector<double> result;
  for (size_t c = 0; c < channels; ++c) {
    const std::vector<double> values = channel(context.theirs, c);
    const auto found = known.find(values);
    if (found == known.end()) return Candidates{};
    moved += found->second != c;
    result.insert(result.end(), values.begin(), values.end());
  }
  return moved > 1 ? Candidates{std::move(result)} : Candidates{};
}

}  // namespace aneref
