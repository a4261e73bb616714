// Vector fp16 conversions against core/half.h, on every target: all halves, and
// the neighbourhood of every rounding boundary.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "runtime/core/half.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/kernels/hwy_compat_test.cc"
#include "hwy/foreach_target.h"
// foreach_target first
#include "hwy/highway.h"
#include "ops/kernels/hwy_compat-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {

void NarrowAll(const float* src, uint16_t* dst, size_t count) {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    compat::StoreNarrow(compat::LoadWide(df, src + i), df, dst + i);
  if (i == count) return;
  compat::StoreNarrowFirst(compat::LoadWideFirst(df, src + i, count - i), df,
                           dst + i, count - i);
}

void WidenAll(const uint16_t* src, float* dst, size_t count) {
  compat::WidenRun(src, count, dst);
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "tests/support/each_target.h"

namespace aneref {
namespace {
HWY_EXPORT(NarrowAll);
HWY_EXPORT(WidenAll);

TEST_CASE("P2: vector widening is exact for every half") {
  std::vector<uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i)
    halves[i] = static_cast<uint16_t>(i);
  test::ForEachTarget([&] {
    std::vector<float> floats(halves.size() + 16);
    HWY_DYNAMIC_DISPATCH(WidenAll)(halves.data(), floats.data(), 65536);
    size_t differing = 0;
    for (size_t i = 0; i < halves.size(); ++i) {
      const float expected = HalfToFloat(halves[i]);
      differing += std::isnan(expected) ? !std::isnan(floats[i])
                                        : std::bit_cast<uint32_t>(floats[i]) !=
                                              std::bit_cast<uint32_t>(expected);
    }
    CHECK_EQ(differing, 0);
  });
}

TEST_CASE("P2: vector narrowing rounds to nearest even and P15 keeps one NaN") {
  std::vector<float> values;
  // Every fp16 value and every midpoint, with neighbours on both sides.
  for (uint32_t bits = 0; bits < 0x7C00; ++bits) {
    const uint32_t value =
        std::bit_cast<uint32_t>(HalfToFloat(static_cast<uint16_t>(bits)));
    const float next = HalfToFloat(static_cast<uint16_t>(bits + 1));
    const float middle =
        bits == 0x7BFF ? 65520.0f : (std::bit_cast<float>(value) + next) * 0.5f;
    for (const uint32_t centre : {value, std::bit_cast<uint32_t>(middle)}) {
      for (const uint32_t sign : {0u, 0x80000000u}) {
        values.push_back(std::bit_cast<float>(centre | sign));
        values.push_back(std::bit_cast<float>((centre + 1) | sign));
        if (centre > 0)
          values.push_back(std::bit_cast<float>((centre - 1) | sign));
      }
    }
  }
  for (const float v : {HUGE_VALF, -HUGE_VALF, NAN, -NAN, 1e-45f, 3e38f})
    values.push_back(v);
  values.push_back(std::bit_cast<float>(0x7F800001u));  // signalling NaN
  test::ForEachTarget([&] {
    std::vector<uint16_t> halves(values.size());
    HWY_DYNAMIC_DISPATCH(NarrowAll)
    (values.data(), halves.data(), values.size());
    size_t differing = 0;
    for (size_t i = 0; i < values.size(); ++i)
      differing += halves[i] != StoreHalf(values[i]);
    CHECK_EQ(differing, 0);
  });
}

TEST_CASE("compat: first-lane loads and stores touch nothing else") {
  test::ForEachTarget([&] {
    for (size_t count = 0; count <= 40; ++count) {
      // Exactly `count` elements, so that the sanitizer sees an overread.
      std::vector<float> src(count, 1.5f);
      std::vector<uint16_t> dst(count + 1, 0xA5A5);
      HWY_DYNAMIC_DISPATCH(NarrowAll)(src.data(), dst.data(), count);
      for (size_t i = 0; i < count; ++i) CHECK_EQ(dst[i], 0x3E00);
      CHECK_EQ(dst[count], 0xA5A5);
    }
  });
}

}  // namespace
}  // namespace aneref
#endif
