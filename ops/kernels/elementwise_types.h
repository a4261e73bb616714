// Element types as the elementwise, unary and selection code sees them: how a
// stored element becomes the number it is computed with, and how a result is
// stored (P8, P13, P15). Not conversions between types: those are
// core/convert.h.
#ifndef ANEREF_OPS_KERNELS_ELEMENTWISE_TYPES_H_
#define ANEREF_OPS_KERNELS_ELEMENTWISE_TYPES_H_

#include <cstdint>
#include <limits>
#include <type_traits>

#include "runtime/core/half.h"
#include "runtime/core/tensor.h"

namespace aneref {

// fp16 is computed in fp32 and rounded once (P8); every NaN is stored as 7E00
// (P15).
struct HalfElement {
  using Stored = uint16_t;
  using Number = float;
  static Number Load(Stored bits) { return HalfToFloat(bits); }
  static Stored Store(Number value) { return StoreHalf(value); }
};

// A byte; any value but 0 reads as true, true is stored as 1.
struct BoolElement {
  using Stored = uint8_t;
  using Number = bool;
  static Number Load(Stored byte) { return byte != 0; }
  static Stored Store(Number value) { return value ? 1 : 0; }
};

// Types that are computed in themselves; floating ones store one NaN (P15).
template <class T>
struct PlainElement {
  using Stored = T;
  using Number = T;
  static Number Load(Stored value) { return value; }
  static Stored Store(Number value) {
    if constexpr (std::is_floating_point_v<T>) {
      return value != value ? std::numeric_limits<T>::quiet_NaN() : value;
    } else {
      return value;
    }
  }
};

// Calls visit(Element()) for the element of `type` and returns its result.
template <class Visit>
auto VisitElement(DataType type, const Visit& visit) {
  switch (type) {
    case DataType::kFloat16:
      return visit(HalfElement());
    case DataType::kFloat32:
      return visit(PlainElement<float>());
    case DataType::kFloat64:
      return visit(PlainElement<double>());
    case DataType::kInt8:
      return visit(PlainElement<int8_t>());
    case DataType::kUint8:
      return visit(PlainElement<uint8_t>());
    case DataType::kInt16:
      return visit(PlainElement<int16_t>());
    case DataType::kUint16:
      return visit(PlainElement<uint16_t>());
    case DataType::kInt32:
      return visit(PlainElement<int32_t>());
    case DataType::kUint32:
      return visit(PlainElement<uint32_t>());
    case DataType::kInt64:
      return visit(PlainElement<int64_t>());
    case DataType::kUint64:
      return visit(PlainElement<uint64_t>());
    case DataType::kBool:
      break;
  }
  return visit(BoolElement());
}

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_ELEMENTWISE_TYPES_H_
