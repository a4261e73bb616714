// Highway twin of the elementwise kernels: arithmetic, extrema and comparisons
// of fp16 (computed in fp32, P8) and fp32 rows. Other kinds and types have the
// scalar twin only.
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

// Functions whose result has the operands' type.
struct GivesNumber {
  template <class Io>
  using Result = typename Io::Stored;
  template <class Io, class V>
  static HWY_INLINE void Store(const Io& io, V v, typename Io::Stored* out) {
    io.Store(v, out);
  }
  template <class Io, class V>
  static HWY_INLINE void StoreN(const Io& io, V v, typename Io::Stored* out,
                                size_t n) {
    io.StoreN(v, out, n);
  }
};

// Functions whose result is a mask, stored as bytes 0 and 1.
struct GivesBool {
  template <class Io>
  using Result = uint8_t;
  template <class DF, class M>
  static HWY_INLINE auto Bytes(DF df, M mask) {
    const hn::RebindToSigned<DF> di;
    const auto lanes = hn::BitCast(di, hn::VecFromMask(df, mask));
    return hn::DemoteTo(hn::Rebind<uint8_t, DF>(),
                        hn::And(lanes, hn::Set(di, 1)));
  }
  template <class DF, template <class> class IoOf, class M>
  static HWY_INLINE void Store(const IoOf<DF>& io, M mask, uint8_t* out) {
    hn::StoreU(Bytes(io.df, mask), hn::Rebind<uint8_t, DF>(), out);
  }
  template <class DF, template <class> class IoOf, class M>
  static HWY_INLINE void StoreN(const IoOf<DF>& io, M mask, uint8_t* out,
                                size_t n) {
    compat::StoreFirst(Bytes(io.df, mask), hn::Rebind<uint8_t, DF>(), out, n);
  }
};

struct AddLanes : GivesNumber {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V x, V y) const {
    return hn::Add(x, y);
  }
};
struct SubtractLanes : GivesNumber {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V x, V y) const {
    return hn::Sub(x, y);
  }
};
struct MultiplyLanes : GivesNumber {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V x, V y) const {
    return hn::Mul(x, y);
  }
};
struct DivideLanes : GivesNumber {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V x, V y) const {
    return hn::Div(x, y);
  }
};
// Not hn::Min and hn::Max: those treat NaN and -0 as the CPU likes.
struct MinimumLanes : GivesNumber {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V x, V y) const {
    return hn::IfThenElse(hn::Or(hn::Lt(y, x), hn::IsNaN(y)), y, x);
  }
};
struct MaximumLanes : GivesNumber {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, V x, V y) const {
    return hn::IfThenElse(hn::Or(hn::Gt(y, x), hn::IsNaN(y)), y, x);
  }
};
struct PreluLanes : GivesNumber {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V y) const {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(x, y), x);
  }
};

// A NaN is unequal to everything and not ordered. Not hn::Ne, which
// Highway 1.0.3 orders on some targets.
struct EqualLanes : GivesBool {
  template <class D, class V>
  HWY_INLINE auto operator()(D /*d*/, V x, V y) const {
    return hn::Eq(x, y);
  }
};
struct NotEqualLanes : GivesBool {
  template <class D, class V>
  HWY_INLINE auto operator()(D /*d*/, V x, V y) const {
    return hn::Not(hn::Eq(x, y));
  }
};
struct LessLanes : GivesBool {
  template <class D, class V>
  HWY_INLINE auto operator()(D /*d*/, V x, V y) const {
    return hn::Lt(x, y);
  }
};
struct LessEqualLanes : GivesBool {
  template <class D, class V>
  HWY_INLINE auto operator()(D /*d*/, V x, V y) const {
    return hn::Le(x, y);
  }
};
struct GreaterLanes : GivesBool {
  template <class D, class V>
  HWY_INLINE auto operator()(D /*d*/, V x, V y) const {
    return hn::Gt(x, y);
  }
};
struct GreaterEqualLanes : GivesBool {
  template <class D, class V>
  HWY_INLINE auto operator()(D /*d*/, V x, V y) const {
    return hn::Ge(x, y);
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

template <class Function, class Io, class X, class Y>
HWY_INLINE void RunRow(const Io& io, const X& x, const Y& y, std::byte* to,
                       size_t count) {
  const Function function;
  const size_t lanes = hn::Lanes(io.df);
  auto* out = reinterpret_cast<typename Function::template Result<Io>*>(to);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    Function::Store(io, function(io.df, x.At(i), y.At(i)), out + i);
  const size_t rest = count - i;
  if (rest > 0)
    Function::StoreN(io, function(io.df, x.At(i, rest), y.At(i, rest)), out + i,
                     rest);
}

template <class Io, class Function>
void SimdBlock(const ElementwiseBlock& block) {
  using Stored = typename Io::Stored;
  using Row = RowOperand<Io>;
  using Repeated = RepeatedOperand<Io>;
  const Io io{};
  for (size_t r = 0; r < block.rows; ++r) {
    const auto* x =
        reinterpret_cast<const Stored*>(block.x + r * block.x_pitch);
    const auto* y =
        reinterpret_cast<const Stored*>(block.y + r * block.y_pitch);
    std::byte* out = block.out + r * block.out_pitch;
    // Both never repeat: the row would have one element.
    if (block.y_repeats) {
      RunRow<Function>(io, Row{io, x}, Repeated{io, Io::Widen(*y)}, out,
                       block.count);
    } else if (block.x_repeats) {
      RunRow<Function>(io, Repeated{io, Io::Widen(*x)}, Row{io, y}, out,
                       block.count);
    } else {
      RunRow<Function>(io, Row{io, x}, Row{io, y}, out, block.count);
    }
  }
}

template <class Io>
ElementwiseFunction FindForType(fbs::ElementwiseKind kind) {
  switch (kind) {
    case fbs::ElementwiseKind::add:
      return SimdBlock<Io, AddLanes>;
    case fbs::ElementwiseKind::sub:
      return SimdBlock<Io, SubtractLanes>;
    case fbs::ElementwiseKind::mul:
      return SimdBlock<Io, MultiplyLanes>;
    case fbs::ElementwiseKind::div:
      return SimdBlock<Io, DivideLanes>;
    case fbs::ElementwiseKind::minimum:
      return SimdBlock<Io, MinimumLanes>;
    case fbs::ElementwiseKind::maximum:
      return SimdBlock<Io, MaximumLanes>;
    case fbs::ElementwiseKind::prelu:
      return SimdBlock<Io, PreluLanes>;
    case fbs::ElementwiseKind::equal:
      return SimdBlock<Io, EqualLanes>;
    case fbs::ElementwiseKind::not_equal:
      return SimdBlock<Io, NotEqualLanes>;
    case fbs::ElementwiseKind::less:
      return SimdBlock<Io, LessLanes>;
    case fbs::ElementwiseKind::less_equal:
      return SimdBlock<Io, LessEqualLanes>;
    case fbs::ElementwiseKind::greater:
      return SimdBlock<Io, GreaterLanes>;
    case fbs::ElementwiseKind::greater_equal:
      return SimdBlock<Io, GreaterEqualLanes>;
    default:
      return nullptr;
  }
}

ElementwiseFunction FindElementwise(fbs::ElementwiseKind kind, DataType type) {
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

ElementwiseFunction SimdElementwise(fbs::ElementwiseKind kind, DataType type) {
  return HWY_DYNAMIC_DISPATCH(FindElementwise)(kind, type);
}

}  // namespace aneref
#endif  // HWY_ONCE
