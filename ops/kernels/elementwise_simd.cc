// Highway twin of the elementwise kernels: arithmetic and extrema of fp16
// (computed in fp32, P8) and fp32 rows. Other kinds and types have the scalar
// twin only.
#include "ops/kernels/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/elementwise_simd.cc"
#include "hwy/foreach_target.h"  // compiles this file once per target
//
#include "hwy/highway.h"
#include "ops/kernels/elementwise_io-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

struct AddLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V x, V y) const {
    return hn::Add(x, y);
  }
};
struct SubtractLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V x, V y) const {
    return hn::Sub(x, y);
  }
};
struct MultiplyLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V x, V y) const {
    return hn::Mul(x, y);
  }
};
struct DivideLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V x, V y) const {
    return hn::Div(x, y);
  }
};
// Not hn::Min and hn::Max: those treat NaN and -0 as the CPU likes.
struct MinimumLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V x, V y) const {
    return hn::IfThenElse(hn::Or(hn::Lt(y, x), hn::IsNaN(y)), y, x);
  }
};
struct MaximumLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V x, V y) const {
    return hn::IfThenElse(hn::Or(hn::Gt(y, x), hn::IsNaN(y)), y, x);
  }
};
struct PreluLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V y) const {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(x, y), x);
  }
};

// An operand that is a row, and one that is a single element.
template <class Io>
struct RowOperand {
  const Io& io;
  const typename Io::Stored* data;
  HWY_INLINE auto At(size_t i) const { return io.Load(data + i); }
  HWY_INLINE auto At(size_t i, size_t n) const { return io.LoadN(data + i, n); }
};
template <class Io>
struct RepeatedOperand {  // keeps a float, not a vector: some targets' vectors
                          // cannot be members
  const Io& io;
  float value;
  HWY_INLINE auto At(size_t /*i*/) const { return hn::Set(io.df, value); }
  HWY_INLINE auto At(size_t /*i*/, size_t /*n*/) const {
    return hn::Set(io.df, value);
  }
};

template <class Io, class Function, class X, class Y>
HWY_INLINE void RunRow(const Io& io, const X& x, const Y& y,
                       typename Io::Stored* out, size_t count) {
  const Function function;
  const size_t lanes = hn::Lanes(io.df);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    io.Store(function(io.df, x.At(i), y.At(i)), out + i);
  if (i < count)
    io.StoreN(function(io.df, x.At(i, count - i), y.At(i, count - i)), out + i,
              count - i);
}

template <class Io, class Function>
void SimdRow(const ElementwiseRow& row) {
  using Stored = typename Io::Stored;
  const Io io{};
  const auto* x = reinterpret_cast<const Stored*>(row.x);
  const auto* y = reinterpret_cast<const Stored*>(row.y);
  auto* out = reinterpret_cast<Stored*>(row.out);
  if (row.y_repeats && row.x_repeats) {
    const RepeatedOperand<Io> value{io, Io::Widen(*y)};
    RunRow<Io, Function>(io, RepeatedOperand<Io>{io, Io::Widen(*x)}, value, out,
                         row.count);
  } else if (row.y_repeats) {
    RunRow<Io, Function>(io, RowOperand<Io>{io, x},
                         RepeatedOperand<Io>{io, Io::Widen(*y)}, out,
                         row.count);
  } else if (row.x_repeats) {
    RunRow<Io, Function>(io, RepeatedOperand<Io>{io, Io::Widen(*x)},
                         RowOperand<Io>{io, y}, out, row.count);
  } else {
    RunRow<Io, Function>(io, RowOperand<Io>{io, x}, RowOperand<Io>{io, y}, out,
                         row.count);
  }
}

template <class Io>
ElementwiseRowFunction FindForType(fbs::ElementwiseKind kind) {
  switch (kind) {
    case fbs::ElementwiseKind::add:
      return SimdRow<Io, AddLanes>;
    case fbs::ElementwiseKind::sub:
      return SimdRow<Io, SubtractLanes>;
    case fbs::ElementwiseKind::mul:
      return SimdRow<Io, MultiplyLanes>;
    case fbs::ElementwiseKind::div:
      return SimdRow<Io, DivideLanes>;
    case fbs::ElementwiseKind::minimum:
      return SimdRow<Io, MinimumLanes>;
    case fbs::ElementwiseKind::maximum:
      return SimdRow<Io, MaximumLanes>;
    case fbs::ElementwiseKind::prelu:
      return SimdRow<Io, PreluLanes>;
    default:
      return nullptr;
  }
}

ElementwiseRowFunction FindElementwise(fbs::ElementwiseKind kind,
                                       DataType type) {
  using DF = hn::ScalableTag<float>;
  if (type == DataType::kFloat16) return FindForType<HalfIo<DF>>(kind);
  if (type == DataType::kFloat32) return FindForType<FloatIo<DF>>(kind);
  return nullptr;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {
HWY_EXPORT(FindElementwise);
}  // namespace

ElementwiseRowFunction SimdElementwise(fbs::ElementwiseKind kind,
                                       DataType type) {
  return HWY_DYNAMIC_DISPATCH(FindElementwise)(kind, type);
}

}  // namespace aneref
#endif  // HWY_ONCE
