// The Highway twin of AddIntegerRowsScalar: outputs in the lanes, products and
// sums modulo 2^32 (P13).
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

void AddRowsOfTarget(const IntegerRows& rows, int32_t* sum) {
  const hn::ScalableTag<int32_t> d;
  const size_t lanes = hn::Lanes(d);
  const auto f0 = hn::Set(d, rows.factor[0]), f1 = hn::Set(d, rows.factor[1]);
  const auto f2 = hn::Set(d, rows.factor[2]), f3 = hn::Set(d, rows.factor[3]);
  size_t i = 0;
  for (; i + lanes <= rows.count; i += lanes) {
    const auto a = hn::Add(hn::Mul(f0, hn::LoadU(d, rows.row[0] + i)),
                           hn::Mul(f1, hn::LoadU(d, rows.row[1] + i)));
    const auto b = hn::Add(hn::Mul(f2, hn::LoadU(d, rows.row[2] + i)),
                           hn::Mul(f3, hn::LoadU(d, rows.row[3] + i)));
    hn::StoreU(hn::Add(hn::LoadU(d, sum + i), hn::Add(a, b)), d, sum + i);
  }
  IntegerRows rest = rows;
  for (const int32_t*& row : rest.row) row += i;
  rest.count = rows.count - i;
  AddIntegerRowsScalar(rest, sum + i);
}

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
