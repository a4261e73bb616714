// The scalar twin of device_rows_simd.cc: the rule functions of
// runtime/core/numerics.h, element by element.
#include "ops/kernels/device_rows.h"

#include "runtime/core/half.h"

namespace aneref {
namespace {

float ValueOf(uint16_t bits) {
  return static_cast<float>(EngineHalfToDouble(bits)) + 0.0f;  // N7
}

void Decode(const uint16_t* in, size_t count, float* out) {
  for (size_t i = 0; i < count; ++i) out[i] = ValueOf(in[i]);
}

void Store(Rounding rounding, const float* in, size_t count, uint16_t* out) {
  for (size_t i = 0; i < count; ++i)
    out[i] = StoreEngine(rounding, static_cast<double>(in[i]));
}

void Arithmetic(Rounding rounding, PlanarOp op, HalfOperand x, HalfOperand y,
                size_t count, uint16_t* out) {
  Profile profile;
  profile.rounding = rounding;
  const uint16_t first_x = count == 0 ? uint16_t{0} : x.data[0];
  const uint16_t first_y = count == 0 ? uint16_t{0} : y.data[0];
  for (size_t i = 0; i < count; ++i)
    out[i] = Planar(profile, op, x.repeats ? first_x : x.data[i],
                    y.repeats ? first_y : y.data[i]);
}

void Accumulate(const uint16_t* in, size_t count, float* sums) {
  for (size_t i = 0; i < count; ++i) sums[i] += ValueOf(in[i]);
}

}  // namespace

const DeviceRows& ScalarDeviceRows() {
  static constexpr DeviceRows kRows = {Decode, Store, Arithmetic, Accumulate};
  return kRows;
}

}  // namespace aneref
