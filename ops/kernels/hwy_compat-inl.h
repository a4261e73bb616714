// What kernels need of Highway beyond 1.0.3: loads and stores of the first n
// lanes, and fp16 conversions with the bits of core/half.h on every target.
// Included once per Highway target, after hwy/highway.h, like any -inl.h.
// Rules: P2 (one rounding, ties to even, subnormals kept), P15 (one NaN).
#if defined(ANEREF_OPS_KERNELS_HWY_COMPAT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_HWY_COMPAT_INL_H_
#undef ANEREF_OPS_KERNELS_HWY_COMPAT_INL_H_
#else
#define ANEREF_OPS_KERNELS_HWY_COMPAT_INL_H_
#endif

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "hwy/highway.h"

// Asks for complete unrolling of the next loop, so that arrays of vectors
// become registers. Not under the address sanitizer, whose checks would make
// the unrolled tiles take minutes to compile.
#ifndef ANEREF_UNROLL
#if defined(__SANITIZE_ADDRESS__)
#define ANEREF_UNROLL
#elif defined(__clang__)
#if __has_feature(address_sanitizer)
#define ANEREF_UNROLL
#else
#define ANEREF_UNROLL _Pragma("clang loop unroll(full)")
#endif
#else
#define ANEREF_UNROLL _Pragma("GCC unroll 64")
#endif
#endif

// Targets whose fp16 instructions round to nearest even and know infinities.
// Highway's own fallback of 1.0.3 truncates and has no infinities.
#undef ANEREF_NATIVE_HALF
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2 && !defined(HWY_DISABLE_F16C)) || \
    (HWY_ARCH_ARM_A64 && HWY_TARGET <= HWY_NEON)
#define ANEREF_NATIVE_HALF 1
#else
#define ANEREF_NATIVE_HALF 0
#endif

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace compat {

#undef ANEREF_AVX2_PIECES
#define ANEREF_AVX2_PIECES (HWY_ARCH_X86 && HWY_TARGET == HWY_AVX2)
#if ANEREF_AVX2_PIECES
// AVX2 has no masks for 16-bit lanes: up to seven elements move as one piece
// each of four, two and one.
HWY_INLINE __m128i LoadPieces(const uint16_t* src, size_t count) {
  uint64_t part[2] = {0, 0};
  for (size_t i = 0; i < 2; ++i, src += 4) {
    const size_t n = count < 4 * i ? 0 : count - 4 * i;
    if (n >= 4) {
      std::memcpy(&part[i], src, 8);
      continue;
    }
    uint32_t two = 0;
    if ((n & 2) != 0) std::memcpy(&two, src, 4);
    part[i] = two;
    if ((n & 1) != 0) part[i] |= uint64_t{src[n - 1]} << (16 * (n - 1));
  }
  return _mm_set_epi64x(static_cast<int64_t>(part[1]),
                        static_cast<int64_t>(part[0]));
}
HWY_INLINE void StorePieces(__m128i v, uint16_t* dst, size_t count) {
  auto part = static_cast<uint64_t>(_mm_cvtsi128_si64(v));
  if ((count & 4) != 0) {
    std::memcpy(dst, &part, 8);
    dst += 4;
    part = static_cast<uint64_t>(_mm_extract_epi64(v, 1));
  }
  if ((count & 2) != 0) {
    std::memcpy(dst, &part, 4);
    dst += 2;
    part >>= 32;
  }
  if ((count & 1) != 0) *dst = static_cast<uint16_t>(part);
}
#endif

// Lanes [0, count) from memory, the others 0. Reads nothing past them.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> LoadFirst(D d, const T* src, size_t count) {
#if HWY_TARGET <= HWY_AVX3
  return hn::MaskedLoad(hn::FirstN(d, count), d, src);
#else
  if (count >= hn::Lanes(d)) return hn::LoadU(d, src);
#if ANEREF_AVX2_PIECES
  if constexpr (sizeof(T) == 4) {
    return hn::MaskedLoad(hn::FirstN(d, count), d, src);
  } else if constexpr (std::is_same_v<hn::Vec<D>, hn::Vec128<uint16_t>>) {
    return hn::Vec<D>{LoadPieces(src, count)};
  }
#endif
  HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(T)] = {};
  std::memcpy(buffer, src, count * sizeof(T));
  return hn::Load(d, buffer);
#endif
}

// Lanes [0, count) to memory. Writes nothing past them.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void StoreFirst(hn::Vec<D> v, D d, T* dst, size_t count) {
#if HWY_TARGET <= HWY_AVX3
  hn::BlendedStore(v, hn::FirstN(d, count), d, dst);
#else
  if (count >= hn::Lanes(d)) return hn::StoreU(v, d, dst);
#if ANEREF_AVX2_PIECES
  if constexpr (sizeof(T) == 4) {
    return hn::BlendedStore(v, hn::FirstN(d, count), d, dst);
  } else if constexpr (std::is_same_v<hn::Vec<D>, hn::Vec128<uint16_t>>) {
    return StorePieces(v.raw, dst, count);
  }
#endif
  HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(T)];
  hn::Store(v, d, buffer);
  std::memcpy(dst, buffer, count * sizeof(T));
#endif
}

// fp16 bits to fp32, exactly; NaN stays NaN.
template <class DF, class DH = hn::Rebind<uint16_t, DF>>
HWY_INLINE hn::Vec<DF> WidenHalf(DF df, hn::Vec<DH> bits16) {
#if ANEREF_NATIVE_HALF
  return hn::PromoteTo(df,
                       hn::BitCast(hn::Rebind<hwy::float16_t, DF>(), bits16));
#else
  const hn::RebindToSigned<DF> di;
  const hn::RebindToUnsigned<DF> du;
  const auto bits = hn::BitCast(di, hn::PromoteTo(du, bits16));
  const auto magnitude = hn::And(bits, hn::Set(di, 0x7FFF));
  const auto sign = hn::ShiftLeft<16>(hn::Sub(bits, magnitude));
  const auto shifted = hn::ShiftLeft<13>(magnitude);
  // Exponent biases differ by 127 - 15 = 112; exponent 31 becomes 255.
  const auto normal = hn::Add(shifted, hn::Set(di, 112 << 23));
  const auto special = hn::Add(shifted, hn::Set(di, 224 << 23));
  const auto subnormal = hn::BitCast(
      di, hn::Mul(hn::ConvertTo(df, magnitude), hn::Set(df, 0x1p-24f)));
  auto value =
      hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 0x7BFF)), special, normal);
  value =
      hn::IfThenElse(hn::Gt(hn::Set(di, 0x0400), magnitude), subnormal, value);
  return hn::BitCast(df, hn::Or(value, sign));
#endif
}

// fp32 to fp16 bits as StoreHalf: nearest even, finite values saturate (P2),
// NaN becomes 7E00 (P15).
template <class DF, class DH = hn::Rebind<uint16_t, DF>>
HWY_INLINE hn::Vec<DH> NarrowHalf(DF df, hn::Vec<DF> value) {
  const DH dh;
#if ANEREF_NATIVE_HALF
  const hn::Rebind<hwy::float16_t, DF> df16;
  // Nearly always every lane rounds to a finite half: one test for all.
  const auto rounds_finite = hn::Lt(hn::Abs(value), hn::Set(df, 65520.0f));
  if (HWY_LIKELY(hn::AllTrue(df, rounds_finite)))
    return hn::BitCast(dh, hn::DemoteTo(df16, value));
  const auto largest = hn::Set(df, 65504.0f);
  const auto clamped = hn::Max(hn::Min(value, largest), hn::Neg(largest));
  const auto infinity = hn::BitCast(
      df, hn::Set(hn::RebindToUnsigned<DF>(), uint32_t{0x7F800000}));
  const auto in_range =
      hn::IfThenElse(hn::Eq(hn::Abs(value), infinity), value, clamped);
  const auto canonical = hn::IfThenElse(
      hn::Eq(value, value), in_range,
      hn::BitCast(df,
                  hn::Set(hn::RebindToUnsigned<DF>(), uint32_t{0x7FC00000})));
  return hn::BitCast(dh, hn::DemoteTo(df16, canonical));
#else
  const hn::RebindToSigned<DF> di;
  const auto bits = hn::BitCast(di, value);
  const auto magnitude = hn::And(bits, hn::Set(di, 0x7FFFFFFF));
  const auto sign = hn::And(
      hn::ShiftRight<16>(bits),  // arithmetic; the mask keeps the sign bit
      hn::Set(di, 0x8000));
  const auto odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(di, 1));
  const auto normal = hn::ShiftRight<13>(
      hn::Add(hn::Add(hn::Sub(magnitude, hn::Set(di, 112 << 23)), odd),
              hn::Set(di, 0xFFF)));
  // Below 2^-14: adding 0.5, whose unit is 2^-24, rounds to units of 2^-24.
  const auto subnormal = hn::Sub(
      hn::BitCast(di, hn::Add(hn::BitCast(df, magnitude), hn::Set(df, 0.5f))),
      hn::Set(di, 0x3F000000));
  auto half = hn::IfThenElse(hn::Gt(hn::Set(di, 0x38800000), magnitude),
                             subnormal, normal);
  half = hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 0x477FEFFF)),
                        hn::Set(di, 0x7BFF), half);  // 65520 and more
  half = hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 0x7F7FFFFF)),
                        hn::Set(di, 0x7C00), half);
  half = hn::Or(half, sign);
  half = hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 0x7F800000)),
                        hn::Set(di, 0x7E00), half);
  return hn::DemoteTo(dh, half);
#endif
}

// RN32. Highway's own fallback targets turn infinity into the largest number.
template <class D, class DF = hn::Rebind<float, D>>
HWY_INLINE hn::Vec<DF> NarrowDouble(D d, hn::Vec<D> x) {
  const DF df;
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  HWY_ALIGN double wide[hn::MaxLanes(d)];
  HWY_ALIGN float narrow[hn::MaxLanes(d)];
  hn::Store(x, d, wide);
  for (size_t i = 0; i < hn::Lanes(d); ++i)
    narrow[i] = static_cast<float>(wide[i]);
  return hn::Load(df, narrow);
#else
  static_cast<void>(d);
  return hn::DemoteTo(df, x);
#endif
}

// The same four verbs for both storage types: fp16 widens and narrows, fp32 is
// copied.
template <class DF>
HWY_INLINE hn::Vec<DF> LoadWide(DF df, const uint16_t* src) {
  return WidenHalf(df, hn::LoadU(hn::Rebind<uint16_t, DF>(), src));
}
template <class DF>
HWY_INLINE hn::Vec<DF> LoadWide(DF df, const float* src) {
  return hn::LoadU(df, src);
}
template <class DF>
HWY_INLINE hn::Vec<DF> LoadWideFirst(DF df, const uint16_t* src, size_t count) {
  return WidenHalf(df, LoadFirst(hn::Rebind<uint16_t, DF>(), src, count));
}
template <class DF>
HWY_INLINE hn::Vec<DF> LoadWideFirst(DF df, const float* src, size_t count) {
  return LoadFirst(df, src, count);
}
template <class DF>
HWY_INLINE void StoreNarrow(hn::Vec<DF> v, DF df, uint16_t* dst) {
  hn::StoreU(NarrowHalf(df, v), hn::Rebind<uint16_t, DF>(), dst);
}
template <class DF>
HWY_INLINE void StoreNarrow(hn::Vec<DF> v, DF df, float* dst) {
  hn::StoreU(v, df, dst);
}
template <class DF>
HWY_INLINE void StoreNarrowFirst(hn::Vec<DF> v, DF df, uint16_t* dst,
                                 size_t count) {
  StoreFirst(NarrowHalf(df, v), hn::Rebind<uint16_t, DF>(), dst, count);
}
template <class DF>
HWY_INLINE void StoreNarrowFirst(hn::Vec<DF> v, DF df, float* dst,
                                 size_t count) {
  StoreFirst(v, df, dst, count);
}

// `count` elements to fp32. Writes whole vectors: dst has room for count
// rounded up to HWY_MAX_BYTES / 4 elements, and what lies behind count is
// undefined. Reads nothing past count.
template <class T>
HWY_INLINE void WidenRun(const T* src, size_t count, float* dst) {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(LoadWide(df, src + i), df, dst + i);
  if (i < count) hn::StoreU(LoadWideFirst(df, src + i, count - i), df, dst + i);
}

}  // namespace compat
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // toggle
