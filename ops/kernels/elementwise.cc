// Scalar twin of the elementwise kernels, and the walk over the rows of a work
// unit that both twins share.
#include "ops/kernels/elementwise.h"

#include <array>
#include <limits>

#include "ops/kernels/elementwise_math.h"
#include "ops/kernels/elementwise_types.h"
#include "runtime/core/convert.h"
#include "runtime/core/elementary.h"

namespace aneref {
namespace {

template <class Function, class Element>
void ScalarRow(const ElementwiseRow& row) {
  using Result =
      std::conditional_t<Function::kClass == ElementwiseClass::kComparison,
                         BoolElement, Element>;
  const auto* x = reinterpret_cast<const typename Element::Stored*>(row.x);
  const auto* y = reinterpret_cast<const typename Element::Stored*>(row.y);
  auto* out = reinterpret_cast<typename Result::Stored*>(row.out);
  const size_t x_step = row.x_repeats ? 0 : 1;
  const size_t y_step = row.y_repeats ? 0 : 1;
  for (size_t i = 0; i < row.count; ++i) {
    out[i] = Result::Store(Function::Apply(Element::Load(x[i * x_step]),
                                           Element::Load(y[i * y_step])));
  }
}

template <class Element>
constexpr DataType TypeClass() {
  if (std::is_same_v<Element, BoolElement>) return DataType::kBool;
  return std::is_floating_point_v<typename Element::Number> ? DataType::kFloat32
                                                            : DataType::kInt32;
}

template <class FindRow>
void RunUnit(const KernelCall& call, int64_t unit, const FindRow& find_row) {
  const auto& args = *static_cast<const ElementwiseArgs*>(call.args);
  const ElementwiseRowFunction run = find_row(args.kind, call.in[0].dtype);
  ElementwiseRow row;
  row.x_repeats = args.plan.repeats[0];
  row.y_repeats = args.plan.repeats[1];
  const size_t out_size = ElementSize(call.out[0].dtype);
  ForEachSpan(args.plan, unit, [&](const BroadcastSpan& span) {
    row.x = OperandAt(args.plan, span, call.in[0], 0);
    row.y = OperandAt(args.plan, span, call.in[1], 1);
    row.out = call.out[0].Row<std::byte>(span.out_row) +
              static_cast<size_t>(span.column) * out_size;
    row.count = static_cast<size_t>(span.count);
    run(row);
  });
}

Status RunScalar(const KernelCall& call, int64_t unit) {
  RunUnit(call, unit, ScalarElementwise);
  return Status();
}

Status RunSimd(const KernelCall& call, int64_t unit) {
  RunUnit(call, unit, [](fbs::ElementwiseKind kind, DataType type) {
    const ElementwiseRowFunction simd = SimdElementwise(kind, type);
    return simd != nullptr ? simd : ScalarElementwise(kind, type);
  });
  return Status();
}

// ---- power ----

constexpr size_t kPowerBlock = 128;

// `is_unsigned`: the exponent's bits are those of a uint64.
int64_t IntegerPower(int64_t base, int64_t exponent, bool is_unsigned) {
  if (exponent < 0 && !is_unsigned) {
    if (base == 1) return 1;
    return base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
  }
  uint64_t result = 1;
  auto square = static_cast<uint64_t>(base);
  for (auto bits = static_cast<uint64_t>(exponent); bits != 0; bits >>= 1) {
    if ((bits & 1) != 0) result *= square;
    square *= square;
  }
  return static_cast<int64_t>(result);
}

// `count` elements as T, a repeated one copied.
template <class T>
void LoadOperand(DataType from, const std::byte* data, bool repeats,
                 size_t count, std::array<T, kPowerBlock>* block) {
  constexpr DataType kTo =
      std::is_same_v<T, double> ? DataType::kFloat64 : DataType::kInt64;
  ConvertElements(from, data, kTo, block->data(), repeats ? 1 : count);
  if (repeats)
    std::fill(block->begin() + 1,
              block->begin() + static_cast<ptrdiff_t>(count), (*block)[0]);
}

void PowerBlock(const PowerTypes& types, const ElementwiseRow& row) {
  if (!IsFloating(types.base) && !IsFloating(types.exponent)) {
    std::array<int64_t, kPowerBlock> x{};
    std::array<int64_t, kPowerBlock> y{};
    LoadOperand(types.base, row.x, row.x_repeats, row.count, &x);
    LoadOperand(types.exponent, row.y, row.y_repeats, row.count, &y);
    const bool is_unsigned = types.exponent == DataType::kUint64;
    for (size_t i = 0; i < row.count; ++i)
      x[i] = IntegerPower(x[i], y[i], is_unsigned);
    ConvertElements(DataType::kInt64, x.data(), types.base, row.out,
                    row.count);  // wraps
    return;
  }
  std::array<double, kPowerBlock> x{};
  std::array<double, kPowerBlock> y{};
  LoadOperand(types.base, row.x, row.x_repeats, row.count, &x);
  LoadOperand(types.exponent, row.y, row.y_repeats, row.count, &y);
  for (size_t i = 0; i < row.count; ++i) {
    const double power = elementary::Pow(x[i], y[i]);
    x[i] = power != power ? std::numeric_limits<double>::quiet_NaN()
                          : power;  // P15
  }
  ConvertElements(DataType::kFloat64, x.data(), types.base, row.out, row.count);
}

// A square needs no Pow: the product of two fp16 or fp32 numbers, rounded once,
// is what Pow and a rounding give.
bool IsSquare(const PowerTypes& types, const ElementwiseRow& row) {
  if (types.base > DataType::kFloat32 || !row.y_repeats || row.x_repeats)
    return false;
  double exponent = 0;
  ConvertElements(types.exponent, row.y, DataType::kFloat64, &exponent, 1);
  return exponent == 2.0;
}

template <bool kSimd>
Status RunPower(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const ElementwiseArgs*>(call.args);
  const PowerTypes types = {call.in[0].dtype, call.in[1].dtype};
  const size_t out_size = ElementSize(types.base);
  ForEachSpan(args.plan, unit, [&](const BroadcastSpan& span) {
    ElementwiseRow row;
    row.x = OperandAt(args.plan, span, call.in[0], 0);
    row.y = OperandAt(args.plan, span, call.in[1], 1);
    row.out = call.out[0].Row<std::byte>(span.out_row) +
              static_cast<size_t>(span.column) * out_size;
    row.count = static_cast<size_t>(span.count);
    row.x_repeats = args.plan.repeats[0];
    row.y_repeats = args.plan.repeats[1];
    if (kSimd && IsSquare(types, row)) {
      row.y = row.x;
      row.y_repeats = false;
      SimdElementwise(fbs::ElementwiseKind::mul, types.base)(row);
    } else {
      PowerElements(types, row);
    }
  });
  return Status();
}

}  // namespace

ElementwiseRowFunction ScalarElementwise(fbs::ElementwiseKind kind,
                                         DataType type) {
  return VisitElementwise(kind, [type](auto function) {
    using Function = decltype(function);
    return VisitElement(type, [](auto element) -> ElementwiseRowFunction {
      using Element = decltype(element);
      if constexpr (AcceptsType(Function::kClass, TypeClass<Element>()))
        return ScalarRow<Function, Element>;
      return nullptr;
    });
  });
}

void PowerElements(const PowerTypes& types, const ElementwiseRow& row) {
  ElementwiseRow block = row;
  for (size_t i = 0; i < row.count; i += kPowerBlock) {
    block.count = std::min(kPowerBlock, row.count - i);
    if (!row.x_repeats) block.x = row.x + i * ElementSize(types.base);
    if (!row.y_repeats) block.y = row.y + i * ElementSize(types.exponent);
    block.out = row.out + i * ElementSize(types.base);
    PowerBlock(types, block);
  }
}

const Kernel kElementwiseKernel = {"elementwise", RunScalar, RunSimd};
const Kernel kPowerKernel = {"power", RunPower<false>, RunPower<true>};

}  // namespace aneref
