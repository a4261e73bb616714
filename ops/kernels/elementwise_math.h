// The functions of the elementwise family on two numbers: exact definitions,
// one small struct each (P8, P13). fp16 operands arrive widened to float. Power
// is not here: its operands may differ in type (elementwise.cc).
#ifndef ANEREF_OPS_KERNELS_ELEMENTWISE_MATH_H_
#define ANEREF_OPS_KERNELS_ELEMENTWISE_MATH_H_

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "runtime/core/tensor.h"
#include "schema/net_generated.h"

namespace aneref {

// What a function takes and gives.
enum class ElementwiseClass : uint8_t {
  kArithmetic,  // numbers, result of the same type
  kExtremum,    // numbers and bool, result of the same type
  kComparison,  // everything, result bool
  kLogic,       // bool
  kBitwise,     // integers and bool
  kShift,       // integers
};

namespace elementwise {

// Integers wrap around (P13): computed modulo 2^64, then cut.
template <class T>
T Wrap(uint64_t value) {
  return static_cast<T>(value);
}

struct Add {
  static constexpr auto kClass = ElementwiseClass::kArithmetic;
  template <class T>
  static T Apply(T x, T y) {
    if constexpr (std::is_integral_v<T>)
      return Wrap<T>(static_cast<uint64_t>(x) + static_cast<uint64_t>(y));
    return static_cast<T>(x + y);
  }
};

struct Subtract {
  static constexpr auto kClass = ElementwiseClass::kArithmetic;
  template <class T>
  static T Apply(T x, T y) {
    if constexpr (std::is_integral_v<T>)
      return Wrap<T>(static_cast<uint64_t>(x) - static_cast<uint64_t>(y));
    return static_cast<T>(x - y);
  }
};

struct Multiply {
  static constexpr auto kClass = ElementwiseClass::kArithmetic;
  template <class T>
  static T Apply(T x, T y) {
    if constexpr (std::is_integral_v<T>)
      return Wrap<T>(static_cast<uint64_t>(x) * static_cast<uint64_t>(y));
    return static_cast<T>(x * y);
  }
};

// True where a signed division would trap: the one quotient that does not fit.
template <class T>
bool IsMinusOne(T y) {
  if constexpr (std::is_signed_v<T>) return y == T{-1};
  return false;
}

// Integers truncate toward zero; x / 0 = 0 and the lowest value by -1 wraps
// (P13).
struct Divide {
  static constexpr auto kClass = ElementwiseClass::kArithmetic;
  template <class T>
  static T Apply(T x, T y) {
    if constexpr (std::is_integral_v<T>) {
      if (y == 0) return 0;
      if (IsMinusOne(y)) return Wrap<T>(uint64_t{0} - static_cast<uint64_t>(x));
    }
    return static_cast<T>(x / y);
  }
};

// The remainder with the dividend's sign; exact for floating types. Integers: x
// rem 0 = 0 (P13).
struct Remainder {
  static constexpr auto kClass = ElementwiseClass::kArithmetic;
  template <class T>
  static T Apply(T x, T y) {
    if constexpr (std::is_integral_v<T>) {
      return y == 0 || IsMinusOne(y) ? T{0} : static_cast<T>(x % y);
    } else {
      return std::fmod(x, y);
    }
  }
};

// The remainder with the divisor's sign, a zero included.
struct Modulo {
  static constexpr auto kClass = ElementwiseClass::kArithmetic;
  template <class T>
  static T Apply(T x, T y) {
    const T remainder = Remainder::Apply(x, y);
    if constexpr (std::is_floating_point_v<T>) {
      if (remainder == 0) return std::copysign(remainder, y);
    }
    if (remainder != 0 && (remainder < 0) != (y < 0))
      return static_cast<T>(remainder + y);
    return remainder;
  }
};

// P8: NaN when either is NaN; of equal operands (-0 and +0) the first.
struct Minimum {
  static constexpr auto kClass = ElementwiseClass::kExtremum;
  template <class T>
  static T Apply(T x, T y) {
    return y < x || y != y ? y : x;
  }
};
struct Maximum {
  static constexpr auto kClass = ElementwiseClass::kExtremum;
  template <class T>
  static T Apply(T x, T y) {
    return y > x || y != y ? y : x;
  }
};

struct Prelu {
  static constexpr auto kClass = ElementwiseClass::kArithmetic;
  template <class T>
  static T Apply(T x, T y) {
    return x < 0 ? Multiply::Apply(x, y) : x;
  }
};

// A NaN is unequal to everything and not ordered.
struct Equal {
  static constexpr auto kClass = ElementwiseClass::kComparison;
  template <class T>
  static bool Apply(T x, T y) {
    return x == y;
  }
};
struct NotEqual {
  static constexpr auto kClass = ElementwiseClass::kComparison;
  template <class T>
  static bool Apply(T x, T y) {
    return x != y;
  }
};
struct Less {
  static constexpr auto kClass = ElementwiseClass::kComparison;
  template <class T>
  static bool Apply(T x, T y) {
    return x < y;
  }
};
struct LessEqual {
  static constexpr auto kClass = ElementwiseClass::kComparison;
  template <class T>
  static bool Apply(T x, T y) {
    return x <= y;
  }
};
struct Greater {
  static constexpr auto kClass = ElementwiseClass::kComparison;
  template <class T>
  static bool Apply(T x, T y) {
    return x > y;
  }
};
struct GreaterEqual {
  static constexpr auto kClass = ElementwiseClass::kComparison;
  template <class T>
  static bool Apply(T x, T y) {
    return x >= y;
  }
};

struct LogicalAnd {
  static constexpr auto kClass = ElementwiseClass::kLogic;
  static bool Apply(bool x, bool y) { return x && y; }
};
struct LogicalOr {
  static constexpr auto kClass = ElementwiseClass::kLogic;
  static bool Apply(bool x, bool y) { return x || y; }
};
struct LogicalXor {
  static constexpr auto kClass = ElementwiseClass::kLogic;
  static bool Apply(bool x, bool y) { return x != y; }
};

struct BitwiseAnd {
  static constexpr auto kClass = ElementwiseClass::kBitwise;
  template <class T>
  static T Apply(T x, T y) {
    return static_cast<T>(x & y);
  }
};
struct BitwiseOr {
  static constexpr auto kClass = ElementwiseClass::kBitwise;
  template <class T>
  static T Apply(T x, T y) {
    return static_cast<T>(x | y);
  }
};
struct BitwiseXor {
  static constexpr auto kClass = ElementwiseClass::kBitwise;
  template <class T>
  static T Apply(T x, T y) {
    return static_cast<T>(x ^ y);
  }
};

// Whether all bits leave: the count is the type's width or more, or negative.
template <class T>
bool ShiftsAllOut(T count) {
  return count < 0 || static_cast<uint64_t>(count) >= 8 * sizeof(T);
}
struct ShiftLeft {
  static constexpr auto kClass = ElementwiseClass::kShift;
  template <class T>
  static T Apply(T x, T count) {
    return ShiftsAllOut(count) ? T{0}
                               : Wrap<T>(static_cast<uint64_t>(x)
                                         << static_cast<unsigned>(count));
  }
};
// Signed types keep the sign.
struct ShiftRight {
  static constexpr auto kClass = ElementwiseClass::kShift;
  template <class T>
  static T Apply(T x, T count) {
    if (ShiftsAllOut(count)) return x < 0 ? static_cast<T>(-1) : T{0};
    return static_cast<T>(x >> static_cast<unsigned>(count));
  }
};

}  // namespace elementwise

// Calls visit(Function()) for every kind but pow.
template <class Visit>
auto VisitElementwise(fbs::ElementwiseKind kind, const Visit& visit) {
  using Kind = fbs::ElementwiseKind;
  switch (kind) {
    case Kind::add:
    case Kind::pow:
      break;
    case Kind::sub:
      return visit(elementwise::Subtract());
    case Kind::mul:
      return visit(elementwise::Multiply());
    case Kind::div:
      return visit(elementwise::Divide());
    case Kind::minimum:
      return visit(elementwise::Minimum());
    case Kind::maximum:
      return visit(elementwise::Maximum());
    case Kind::mod:
      return visit(elementwise::Modulo());
    case Kind::fmod:
      return visit(elementwise::Remainder());
    case Kind::equal:
      return visit(elementwise::Equal());
    case Kind::not_equal:
      return visit(elementwise::NotEqual());
    case Kind::less:
      return visit(elementwise::Less());
    case Kind::less_equal:
      return visit(elementwise::LessEqual());
    case Kind::greater:
      return visit(elementwise::Greater());
    case Kind::greater_equal:
      return visit(elementwise::GreaterEqual());
    case Kind::logical_and:
      return visit(elementwise::LogicalAnd());
    case Kind::logical_or:
      return visit(elementwise::LogicalOr());
    case Kind::logical_xor:
      return visit(elementwise::LogicalXor());
    case Kind::bitwise_and:
      return visit(elementwise::BitwiseAnd());
    case Kind::bitwise_or:
      return visit(elementwise::BitwiseOr());
    case Kind::bitwise_xor:
      return visit(elementwise::BitwiseXor());
    case Kind::shift_left:
      return visit(elementwise::ShiftLeft());
    case Kind::shift_right:
      return visit(elementwise::ShiftRight());
    case Kind::prelu:
      return visit(elementwise::Prelu());
  }
  return visit(elementwise::Add());
}

// The class of a kind; pow is arithmetic.
inline ElementwiseClass ClassOf(fbs::ElementwiseKind kind) {
  return VisitElementwise(
      kind, [](auto function) { return decltype(function)::kClass; });
}

constexpr bool AcceptsType(ElementwiseClass function, DataType type) {
  const bool is_bool = type == DataType::kBool;
  const bool is_integer = type > DataType::kFloat64 && !is_bool;
  switch (function) {
    case ElementwiseClass::kArithmetic:
      return !is_bool;
    case ElementwiseClass::kLogic:
      return is_bool;
    case ElementwiseClass::kBitwise:
      return is_integer || is_bool;
    case ElementwiseClass::kShift:
      return is_integer;
    case ElementwiseClass::kExtremum:
    case ElementwiseClass::kComparison:
      break;
  }
  return true;
}

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_ELEMENTWISE_MATH_H_
