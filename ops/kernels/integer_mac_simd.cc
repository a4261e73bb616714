// The Highway twin of AddIntegerRowsScalar: outputs in the lanes, products of
// pairs, sums modulo 2^32 (P13).
#include <cstring>

#include "ops/kernels/integer_mac.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/integer_mac_simd.cc"
#include "hwy/foreach_target.h"  // compiles this file once per target
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR  // one lane holds no pair
void AddRowsOfTarget(const IntegerRows& rows, int32_t* sum) {
  AddIntegerRowsScalar(rows, sum);
}
#else
void AddRowsOfTarget(const IntegerRows& rows, int32_t* sum) {
  const hn::ScalableTag<int32_t> d;
  const hn::Repartition<int16_t, decltype(d)> words;
  const size_t lanes = hn::Lanes(d);
  const auto factor = [&](size_t p) HWY_ATTR {
    int32_t both = 0;
    std::memcpy(&both, rows.factor[p], sizeof both);
    return hn::BitCast(words, hn::Set(d, both));
  };
  const auto f0 = factor(0), f1 = factor(1);
  size_t i = 0;
  for (; i + lanes <= rows.count; i += lanes) {
    auto odd = hn::Zero(d);
    auto even = hn::ReorderWidenMulAccumulate(
        d, f0, hn::LoadU(words, rows.pairs[0] + 2 * i), hn::Zero(d), odd);
    even = hn::ReorderWidenMulAccumulate(
        d, f1, hn::LoadU(words, rows.pairs[1] + 2 * i), even, odd);
    const auto added = hn::RearrangeToOddPlusEven(even, odd);
    hn::StoreU(hn::Add(hn::LoadU(d, sum + i), added), d, sum + i);
  }
  IntegerRows rest = rows;
  for (const int16_t*& pairs : rest.pairs) pairs += 2 * i;
  rest.count = rows.count - i;
  AddIntegerRowsScalar(rest, sum + i);
}
#endif

}  // namespace

void AddIntegerRows(const IntegerRows& rows, int32_t* sum) {
  AddRowsOfTarget(rows, sum);
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {
HWY_EXPORT(AddIntegerRows);
}  // namespace

void AddIntegerRowsSimd(const IntegerRows& rows, int32_t* sum) {
  HWY_DYNAMIC_DISPATCH(AddIntegerRows)(rows, sum);
}

}  // namespace aneref
#endif  // HWY_ONCE
