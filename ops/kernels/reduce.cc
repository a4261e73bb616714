// Reduction kernels: the walks of reduce_drivers.h over scalar rows and, per
// Highway target, vector rows (P5).
#include "ops/kernels/reduce.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/reduce.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/kernels/reduce_drivers.h"
#include "ops/kernels/reduce_rows-inl.h"
#include "ops/kernels/reduce_small-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {

Status ReduceRows(const KernelCall& call, int64_t unit) {
  if (RunSmallOutputs(call, unit)) return Status();
  return reduce_internal::RunReduceRows<SimdRows>(call, unit);
}
Status ReduceColumns(const KernelCall& call, int64_t unit) {
  return reduce_internal::RunReduceColumns<SimdRows>(call, unit);
}
Status ArgRows(const KernelCall& call, int64_t unit) {
  return reduce_internal::RunArgRows<SimdRows>(call, unit);
}
Status ArgColumns(const KernelCall& call, int64_t unit) {
  return reduce_internal::RunArgColumns<SimdRows>(call, unit);
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {

HWY_EXPORT(ReduceRows);
HWY_EXPORT(ReduceColumns);
HWY_EXPORT(ArgRows);
HWY_EXPORT(ArgColumns);

Status ReduceRowsSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(ReduceRows)(call, unit);
}
Status ReduceColumnsSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(ReduceColumns)(call, unit);
}
Status ArgRowsSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(ArgRows)(call, unit);
}
Status ArgColumnsSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(ArgColumns)(call, unit);
}

}  // namespace

const Kernel kReduceRowsKernel = {
    "reduce_rows", reduce_internal::RunReduceRows<ScalarRows>, ReduceRowsSimd};
const Kernel kReduceColumnsKernel = {
    "reduce_columns", reduce_internal::RunReduceColumns<ScalarRows>,
    ReduceColumnsSimd};
const Kernel kArgRowsKernel = {
    "arg_rows", reduce_internal::RunArgRows<ScalarRows>, ArgRowsSimd};
const Kernel kArgColumnsKernel = {
    "arg_columns", reduce_internal::RunArgColumns<ScalarRows>, ArgColumnsSimd};

}  // namespace aneref
#endif  // HWY_ONCE
