// One scalar conversion per kind of pair (P14) and a dispatch over the 12 x 12
// pairs.
#include "runtime/core/convert.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "runtime/core/half.h"

namespace aneref {
namespace {

enum class Half : uint16_t {};  // tells fp16 bits from uint16 integers
enum class Bool : uint8_t {};   // a byte, 0 is false

// A floating value truncated toward zero and saturated; NaN gives 0.
template <class To>
To TruncateAndSaturate(double value) {
  if (value != value) return 0;
  // Both bounds are powers of two (or zero), hence exact doubles: [lowest,
  // beyond) holds what truncates into the type.
  constexpr auto kLowest = static_cast<double>(std::numeric_limits<To>::min());
  constexpr double kBeyond =
      static_cast<double>(std::numeric_limits<To>::max() / 2 + 1) * 2.0;
  const double truncated = std::trunc(value);
  if (truncated < kLowest) return std::numeric_limits<To>::min();
  if (truncated >= kBeyond) return std::numeric_limits<To>::max();
  return static_cast<To>(truncated);
}

// The value as a number: half and bool widened, all others themselves.
inline float Number(Half value) {
  return HalfToFloat(static_cast<uint16_t>(value));
}
inline uint8_t Number(Bool value) {
  return static_cast<uint8_t>(value) != 0 ? 1 : 0;
}
template <class T>
T Number(T value) {
  return value;
}

template <class To, class From>
To ConvertNumber(From value) {
  if constexpr (std::is_same_v<To, Half>) {
    // Integers from 2^53 on are rounded twice, but all of them overflow.
    return static_cast<Half>(DoubleToHalf(static_cast<double>(value)));
  } else if constexpr (std::is_same_v<To, Bool>) {
    return static_cast<Bool>(value != 0 ? 1 : 0);
  } else if constexpr (std::is_floating_point_v<From> &&
                       std::is_integral_v<To>) {
    return TruncateAndSaturate<To>(static_cast<double>(value));
  } else {
    return static_cast<To>(
        value);  // integers wrap (P13), floating types round once
  }
}

template <class From, class To>
void ConvertAll(const void* src, void* dst, size_t count) {
  const auto* in = static_cast<const From*>(src);
  auto* out = static_cast<To*>(dst);
  for (size_t i = 0; i < count; ++i) out[i] = ConvertNumber<To>(Number(in[i]));
}

template <class T>
struct Tag {
  using Type = T;
};

// Calls visit(Tag<T>) with the element type of `type`.
template <class Visit>
void VisitType(DataType type, Visit visit) {
  switch (type) {
    case DataType::kFloat16:
      return visit(Tag<Half>());
    case DataType::kFloat32:
      return visit(Tag<float>());
    case DataType::kFloat64:
      return visit(Tag<double>());
    case DataType::kInt8:
      return visit(Tag<int8_t>());
    case DataType::kUint8:
      return visit(Tag<uint8_t>());
    case DataType::kInt16:
      return visit(Tag<int16_t>());
    case DataType::kUint16:
      return visit(Tag<uint16_t>());
    case DataType::kInt32:
      return visit(Tag<int32_t>());
    case DataType::kUint32:
      return visit(Tag<uint32_t>());
    case DataType::kInt64:
      return visit(Tag<int64_t>());
    case DataType::kUint64:
      return visit(Tag<uint64_t>());
    case DataType::kBool:
      return visit(Tag<Bool>());
  }
}

}  // namespace

void ConvertElements(DataType from, const void* src, DataType to, void* dst,
                     size_t count) {
  if (count == 0) return;
  if (from == to) {
    std::memmove(dst, src, count * ElementSize(from));
    return;
  }
  VisitType(from, [&](auto from_tag) {
    VisitType(to, [&](auto to_tag) {
      ConvertAll<typename decltype(from_tag)::Type,
                 typename decltype(to_tag)::Type>(src, dst, count);
    });
  });
}

void RepeatElement(const std::byte* element, size_t size, std::byte* dst,
                   size_t bytes) {
  if (bytes < size) return;
  std::memcpy(dst, element, size);
  // What is filled fills as much behind it, from the nearest cache.
  constexpr size_t kMostAtOnce = size_t{1} << 14;
  for (size_t done = size, step = size; done < bytes; done += step) {
    step = std::min(
        {done, std::max(size, kMostAtOnce / size * size), bytes - done});
    std::memcpy(dst + done, dst, step);
  }
}

void ConvertConstantToHalf(const float* src, uint16_t* dst, size_t count,
                           int64_t tensor_elements) {
  constexpr int64_t kElementsOfKernels = 400;
  const bool keeps_small = tensor_elements < kElementsOfKernels;
  for (size_t i = 0; i < count; ++i) {
    const uint16_t bits = FloatToHalf(src[i]);
    const int magnitude = bits & 0x7FFF;
    const bool overflowed =
        magnitude == kHalfInfinity &&
        std::fabs(src[i]) != std::numeric_limits<float>::infinity();
    const bool vanished = keeps_small && magnitude == 0 && src[i] != 0;
    const int sign = bits & kHalfSignBit;
    dst[i] = overflowed ? static_cast<uint16_t>(sign | kHalfMax)
             : vanished ? static_cast<uint16_t>(sign | kHalfLeast)
                        : bits;
  }
}

}  // namespace aneref
