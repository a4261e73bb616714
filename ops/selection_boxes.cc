// Non-maximum suppression: boxes by descending score (equal ones by position),
// each unless it overlaps one chosen before it. All in fp32 on the known
// values; the result has no floating part.
#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "ops/selection.h"

namespace aneref {
namespace {

// Corners, each axis in ascending order.
struct Box {
  float top = 0, left = 0, bottom = 0, right = 0;
  float Area() const { return (bottom - top) * (right - left); }
};

Box BoxOf(const float* values, bool center) {
  if (center) {  // x, y, width, height
    const float half_width = values[2] / 2, half_height = values[3] / 2;
    return {values[1] - half_height, values[0] - half_width,
            values[1] + half_height, values[0] + half_width};
  }
  return {std::min(values[0], values[2]), std::min(values[1], values[3]),
          std::max(values[0], values[2]), std::max(values[1], values[3])};
}

// Intersection over union is more than `threshold`.
bool Overlaps(const Box& a, const Box& b, float threshold) {
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (!(height > 0) || !(width > 0)) return false;
  const float common = height * width;
  const float all = a.Area() + b.Area() - common;
  return all > 0 && common / all > threshold;
}

struct Thresholds {
  int64_t max_boxes = 0;
  float overlap = 0;
  float score = -std::numeric_limits<float>::infinity();
  bool has_score = false;
};

Expected<Thresholds> ReadThresholds(const OpView& op) {
  for (size_t i = 2; i < 5; ++i) {
    if (op.HasInput(i) && op.In(i).shape.NumElements() != 1)
      return ShapeError("input " + std::to_string(i) + " is " +
                        op.In(i).ToString() + ", one value is needed");
  }
  Thresholds thresholds;
  if (op.HasInput(2)) {
    ANEREF_ASSIGN(const std::vector<int64_t> known, op.KnownInts(2));
    thresholds.max_boxes = std::max<int64_t>(0, known[0]);
  }
  if (op.HasInput(3)) {
    ANEREF_ASSIGN(const std::vector<float> known, op.KnownFloats(3));
    thresholds.overlap = known[0];
  }
  if (op.HasInput(4)) {
    ANEREF_ASSIGN(const std::vector<float> known, op.KnownFloats(4));
    thresholds.score = known[0];
    thresholds.has_score = true;
  }
  return thresholds;
}

// Positions in [0, count) whose score counts, best first. A NaN never counts.
std::vector<int64_t> Candidates(const float* scores, int64_t count,
                                const Thresholds& thresholds) {
  std::vector<int64_t> order;
  for (int64_t i = 0; i < count; ++i) {
    if (thresholds.has_score ? scores[i] > thresholds.score
                             : scores[i] == scores[i])
      order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return scores[a] > scores[b]; });
  return order;
}

std::vector<int64_t> Survivors(const std::vector<Box>& boxes,
                               const std::vector<int64_t>& candidates,
                               const Thresholds& thresholds) {
  std::vector<int64_t> chosen;
  for (int64_t candidate : candidates) {
    if (static_cast<int64_t>(chosen.size()) >= thresholds.max_boxes) break;
    const Box& box = boxes[static_cast<size_t>(candidate)];
    const bool suppressed =
        std::any_of(chosen.begin(), chosen.end(), [&](int64_t other) {
          return Overlaps(box, boxes[static_cast<size_t>(other)],
                          thresholds.overlap);
        });
    if (!suppressed) chosen.push_back(candidate);
  }
  return chosen;
}

Status CheckBoxes(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 2, 5));
  const Shape &boxes = op.In(0).shape, &scores = op.In(1).shape;
  if (!IsFloating(op.In(0).dtype) || !IsFloating(op.In(1).dtype) ||
      boxes.rank() != 3 || boxes[2] != 4 || scores.rank() != 3 ||
      scores[0] != boxes[0] || scores[2] != boxes[1]) {
    return ShapeError("boxes " + op.In(0).ToString() + " and scores " +
                      op.In(1).ToString() +
                      " must be [B, n, 4] and [B, classes, n]");
  }
  return Status();
}

}  // namespace

Expected<std::vector<int64_t>> SelectBoxes(const OpView& op) {
  ANEREF_TRY(CheckBoxes(op));
  ANEREF_ASSIGN(const Thresholds thresholds, ReadThresholds(op));
  ANEREF_ASSIGN(const std::vector<float> coordinates, op.KnownFloats(0));
  ANEREF_ASSIGN(const std::vector<float> scores, op.KnownFloats(1));
  const bool center = op.attributes<fbs::Selection>().center_point_box();
  const Shape& shape = op.In(1).shape;
  const int64_t count = shape[2];
  std::vector<int64_t> rows;
  for (int64_t b = 0; b < shape[0] && count > 0; ++b) {
    std::vector<Box> boxes;
    for (int64_t i = 0; i < count; ++i)
      boxes.push_back(BoxOf(coordinates.data() + (b * count + i) * 4, center));
    for (int64_t c = 0; c < shape[1]; ++c) {
      const float* of_class = scores.data() + (b * shape[1] + c) * count;
      const auto chosen =
          Survivors(boxes, Candidates(of_class, count, thresholds), thresholds);
      for (int64_t box : chosen) rows.insert(rows.end(), {b, c, box});
    }
  }
  return rows;
}

}  // namespace aneref
