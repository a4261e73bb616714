// Scalar twin of the unary kernel, the table walk of fp16, and the walk over
// rows that both twins share. The functions themselves are in unary_math.cc.
#include "ops/kernels/unary.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "ops/kernels/elementwise_types.h"
#include "runtime/core/convert.h"

namespace aneref {
namespace {

using Kind = fbs::ActivationKind;

template <class Element>
constexpr bool kIsFloating = std::is_floating_point_v<typename Element::Number>;

// The bound as an element: truncated and saturated for integers (P14).
template <class T>
T IntegerBound(double bound) {
  constexpr DataType kType =
      std::is_signed_v<T> ? DataType::kInt64 : DataType::kUint64;
  std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t> wide{};
  ConvertElements(DataType::kFloat64, &bound, kType, &wide, 1);
  if (wide > std::numeric_limits<T>::max())
    return std::numeric_limits<T>::max();
  if (wide < std::numeric_limits<T>::min())
    return std::numeric_limits<T>::min();
  return static_cast<T>(wide);
}

template <class T>
T ClampInteger(T x, double low, double high) {
  const T least = IntegerBound<T>(low);
  const T most = IntegerBound<T>(high);
  const T raised = least > x ? least : x;
  return most < raised ? most : raised;
}

// Integers: exact, wrapping (P13).
template <class T>
T EvaluateInteger(const UnaryFunction& f, T x) {
  switch (f.kind) {
    case Kind::relu:
      return x < 0 ? T{0} : x;
    case Kind::relu6:
      return ClampInteger<T>(x, 0, 6);
    case Kind::clip:
      return ClampInteger<T>(x, f.alpha, f.beta);
    case Kind::abs:
      return x < 0 ? static_cast<T>(uint64_t{0} - static_cast<uint64_t>(x)) : x;
    case Kind::neg:
      return static_cast<T>(uint64_t{0} - static_cast<uint64_t>(x));
    case Kind::sign:
      return static_cast<T>((x > 0) - (x < 0));
    case Kind::square:
      return static_cast<T>(static_cast<uint64_t>(x) *
                            static_cast<uint64_t>(x));
    case Kind::bitwise_not:
      return static_cast<T>(~x);
    default:
      return x;
  }
}

bool Test(const UnaryFunction& f, double x) {
  if (f.kind == Kind::is_nan) return x != x;
  return std::isinf(x) && (x < 0 ? f.alpha != 0 : f.beta != 0);
}

template <class Element>
void ScalarRow(const UnaryArgs& args, const UnaryRow& row) {
  const auto* x = reinterpret_cast<const typename Element::Stored*>(row.x);
  auto* out = reinterpret_cast<typename Element::Stored*>(row.out);
  for (size_t i = 0; i < row.count; ++i) {
    if constexpr (std::is_same_v<Element, HalfElement>) {
      out[i] = EvaluateUnaryHalf(args.function, x[i]);
    } else if constexpr (kIsFloating<Element>) {
      out[i] = static_cast<typename Element::Number>(
          EvaluateUnary(args.function, static_cast<double>(x[i])));
    } else if constexpr (std::is_same_v<Element, BoolElement>) {
      out[i] = x[i] == 0;  // logical_not, bitwise_not
    } else {
      out[i] = EvaluateInteger(args.function, x[i]);
    }
  }
}

template <class Element>
void TestRow(const UnaryArgs& args, const UnaryRow& row) {
  const auto* x = reinterpret_cast<const typename Element::Stored*>(row.x);
  auto* out = reinterpret_cast<uint8_t*>(row.out);
  for (size_t i = 0; i < row.count; ++i) {
    out[i] =
        Test(args.function, static_cast<double>(Element::Load(x[i]))) ? 1 : 0;
  }
}

template <class Element>
void CopyRow(const UnaryArgs& /*args*/, const UnaryRow& row) {
  if (row.x != row.out)
    std::memcpy(row.out, row.x, row.count * sizeof(typename Element::Stored));
}

void TableRow(const UnaryArgs& args, const UnaryRow& row) {
  const auto* x = reinterpret_cast<const uint16_t*>(row.x);
  auto* out = reinterpret_cast<uint16_t*>(row.out);
  args.table->Apply(x, row.count, out);
}

template <void (*kRow)(const UnaryArgs&, const UnaryRow&)>
void EachRow(const UnaryArgs& args, const UnaryBlock& block) {
  for (size_t row = 0; row < block.rows; ++row) kRow(args, RowOf(block, row));
}

template <bool kSimd>
Status RunUnary(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const UnaryArgs*>(call.args);
  const DataType type = call.in[0].dtype;
  UnaryBlockFunction run = kSimd ? SimdUnary(args.function, type) : nullptr;
  if (run == nullptr)
    run = args.table != nullptr ? EachRow<TableRow>
                                : ScalarUnary(args.function.kind, type);
  const TensorView& out = call.out[0];
  ForEachBlock(args.plan, unit, [&](const BroadcastSpan& span) {
    UnaryBlock block;
    block.x = OperandAt(args.plan, span, call.in[0], 0);
    block.out = out.Row<std::byte>(span.out_row) +
                static_cast<size_t>(span.column) * ElementSize(out.dtype);
    block.count = static_cast<size_t>(span.count);
    block.rows = static_cast<size_t>(span.num_rows);
    block.x_pitch = OperandPitch(span, call.in[0], 0);
    block.out_pitch = out.row_pitch;
    run(args, block);
  });
  return Status();
}

}  // namespace

UnaryBlockFunction ScalarUnary(Kind kind, DataType type) {
  const UnaryClass function = ClassOf(kind);
  return VisitElement(type, [function](auto element) -> UnaryBlockFunction {
    using Element = decltype(element);
    if (function == UnaryClass::kIdentity) return EachRow<CopyRow<Element>>;
    if constexpr (kIsFloating<Element>) {
      if (function == UnaryClass::kTest) return EachRow<TestRow<Element>>;
    }
    return EachRow<ScalarRow<Element>>;
  });
}

const Kernel kUnaryKernel = {"unary", RunUnary<false>, RunUnary<true>};

}  // namespace aneref
