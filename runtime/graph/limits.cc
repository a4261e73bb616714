// See limits.h.
#include "runtime/graph/limits.h"

#include <algorithm>

namespace aneref {
namespace {

using Extents = flatbuffers::Vector<int64_t>;

bool IsAligned(const Extents* values) {
  return values == nullptr ||
         reinterpret_cast<uintptr_t>(values->Data()) % alignof(int64_t) == 0;
}

bool AllAtLeast(const Extents* values, int64_t least) {
  return values == nullptr ||
         std::all_of(values->begin(), values->end(),
                     [&](int64_t value) { return value >= least; });
}

bool HasRank(const Extents* values, size_t rank) {
  return values == nullptr || values->size() == rank;
}

int64_t BoundOf(const Extents* bounds, size_t axis) {
  return bounds == nullptr ? -1 : bounds->Get(static_cast<unsigned>(axis));
}

// "3 at least 16", "2 from 16 to 32"; empty without a bound, or for one size.
std::string RangeText(const fbs::Port& port, size_t axis) {
  const int64_t low = BoundOf(port.at_least(), axis);
  const int64_t high = BoundOf(port.at_most(), axis);
  if ((low <= 0 && high < 0) || low == high) return "";
  std::string text = std::to_string(axis);
  if (low > 0 && high >= 0)
    return text + " from " + std::to_string(low) + " to " +
           std::to_string(high);
  return text + (low > 0 ? " at least " + std::to_string(low)
                         : " at most " + std::to_string(high));
}

}  // namespace

Status VerifyLimits(const fbs::Port& port, size_t rank) {
  for (const Extents* values : {port.at_least(), port.at_most(),
                                port.allowed_shapes(), port.usual_shape()}) {
    if (!IsAligned(values))
      return InvalidFile("F4", "the limits of an input are misaligned");
  }
  if (!HasRank(port.at_least(), rank) || !HasRank(port.at_most(), rank) ||
      !HasRank(port.usual_shape(), rank))
    return InvalidFile("F15", "an input of rank " + std::to_string(rank) +
                                  " needs as many limits");
  const Extents* shapes = port.allowed_shapes();
  if (shapes != nullptr &&
      (rank == 0 || shapes->size() == 0 || shapes->size() % rank != 0))
    return InvalidFile("F15", "the allowed shapes of an input are cut off");
  if (!AllAtLeast(port.at_least(), -1) || !AllAtLeast(port.at_most(), -1) ||
      !AllAtLeast(shapes, 0) || !AllAtLeast(port.usual_shape(), 0))
    return InvalidFile("F15", "a limit of an input is negative");
  return Status();
}

std::vector<Shape> AllowedShapes(const fbs::Port& port, size_t rank) {
  std::vector<Shape> shapes;
  const Extents* values = port.allowed_shapes();
  if (values == nullptr || rank == 0) return shapes;
  for (unsigned i = 0; i + rank <= values->size();
       i += static_cast<unsigned>(rank)) {
    std::vector<int64_t> dims;
    for (unsigned axis = 0; axis < rank; ++axis)
      dims.push_back(values->Get(i + axis));
    shapes.emplace_back(dims);
  }
  return shapes;
}

std::string DescribeLimits(const fbs::Port& port, size_t rank) {
  std::string text;
  for (const Shape& shape : AllowedShapes(port, rank))
    text += (text.empty() ? "" : " or ") + shape.ToString();
  if (!text.empty()) return text;
  for (size_t axis = 0; axis < rank; ++axis) {
    const std::string range = RangeText(port, axis);
    if (range.empty()) continue;
    text += (text.empty() ? "extents " : ", ") + range;
  }
  return text;
}

Status CheckLimits(const fbs::Port& port, const Shape& shape) {
  const std::vector<Shape> shapes = AllowedShapes(port, shape.rank());
  bool fits = shapes.empty() ||
              std::find(shapes.begin(), shapes.end(), shape) != shapes.end();
  for (size_t axis = 0; shapes.empty() && axis < shape.rank(); ++axis) {
    const int64_t high = BoundOf(port.at_most(), axis);
    fits = fits && shape[axis] >= BoundOf(port.at_least(), axis) &&
           (high < 0 || shape[axis] <= high);
  }
  if (fits) return Status();
  return Status(StatusCode::kInvalidArgument, "F15",
                "shape " + shape.ToString() +
                    " is not one that the model "
                    "takes: " +
                    DescribeLimits(port, shape.rank()));
}

Shape UsualShape(const fbs::Port& port, size_t rank) {
  std::vector<int64_t> dims;
  if (port.usual_shape() != nullptr) {
    dims.assign(port.usual_shape()->begin(), port.usual_shape()->end());
    return Shape(dims);
  }
  const std::vector<Shape> shapes = AllowedShapes(port, rank);
  if (!shapes.empty()) return shapes[0];
  if (port.at_least() == nullptr) return Shape();
  for (const int64_t low : *port.at_least())
    dims.push_back(std::max<int64_t>(low, 1));
  return Shape(dims);
}

}  // namespace aneref
