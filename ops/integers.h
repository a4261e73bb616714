// What the families of integer tensors share: whole tensors as integers,
// saturation to narrow types (P18), keys that order any type, and scales in the
// precision the file holds. Not the float helpers, which are in op.h.
#ifndef ANEREF_OPS_INTEGERS_H_
#define ANEREF_OPS_INTEGERS_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "ops/doubles.h"
#include "ops/kernels/requantize.h"
#include "ops/op.h"
#include "runtime/core/convert.h"

namespace aneref {

template <class T>
constexpr DataType IntegerTypeOf() {
  static_assert(std::is_same_v<T, int32_t> || std::is_same_v<T, int64_t>);
  return std::is_same_v<T, int32_t> ? DataType::kInt32 : DataType::kInt64;
}

// All elements of an integer or bool tensor, row major.
template <class T>
std::vector<T> LoadIntegers(const TensorView& view) {
  std::vector<T> values(static_cast<size_t>(view.shape.NumElements()));
  const auto width = static_cast<size_t>(view.width());
  for (size_t i = 0; i < values.size(); i += width) {
    ConvertElements(view.dtype,
                    view.Row<std::byte>(static_cast<int64_t>(i / width)),
                    IntegerTypeOf<T>(), values.data() + i, width);
  }
  return values;
}

// The inverse; values wrap to the view's type (P13).
template <class T>
void StoreIntegers(const std::vector<T>& values, const TensorView& view) {
  const auto width = static_cast<size_t>(view.width());
  for (size_t i = 0; i < values.size(); i += width) {
    ConvertElements(IntegerTypeOf<T>(), values.data() + i, view.dtype,
                    view.Row<std::byte>(static_cast<int64_t>(i / width)),
                    width);
  }
}

// One key per element, row major, with the order of the elements: the two zeros
// are equal, NaN is above everything.
inline std::vector<int64_t> OrderKeys(const TensorView& view) {
  constexpr uint64_t kSign = uint64_t{1} << 63;
  if (!IsFloating(view.dtype)) {
    std::vector<int64_t> keys = LoadIntegers<int64_t>(view);
    if (!IsUnsignedInteger(view.dtype)) return keys;
    for (int64_t& key : keys)
      key = static_cast<int64_t>(static_cast<uint64_t>(key) ^ kSign);
    return keys;
  }
  const std::vector<double> values = LoadDoubles(view);
  std::vector<int64_t> keys(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] != values[i]) {
      keys[i] = std::numeric_limits<int64_t>::max();
      continue;
    }
    // Adding +0 makes +0 of -0. The magnitude of a negative number counts down.
    const auto bits = std::bit_cast<uint64_t>(values[i] + 0.0);
    keys[i] = (bits & kSign) != 0 ? -static_cast<int64_t>(bits & ~kSign)
                                  : static_cast<int64_t>(bits);
  }
  return keys;
}

// Input i as fp32: a known one as the file stores it, else from memory.
inline Expected<std::vector<float>> ExactFloats(const OpView& op, size_t i,
                                                const RefTensors& tensors) {
  if (op.IsKnown(i)) return op.KnownFloats(i);
  return LoadFloats(tensors.in[i]);
}

}  // namespace aneref

#endif  // ANEREF_OPS_INTEGERS_H_
