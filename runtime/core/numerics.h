// The engine's scalar arithmetic outside the multiply-accumulate: roundings,
// the planar engine's element-wise ops and reductions (N23-N25), the width
// slice (N28) and softmax (N30). Written to read like the rules; the hot paths
// are table lookups and Highway kernels. Accumulators: accumulator.h; lookup
// functions: activation_table.h.
#ifndef ANEREF_RUNTIME_CORE_NUMERICS_H_
#define ANEREF_RUNTIME_CORE_NUMERICS_H_

#include <cstddef>
#include <cstdint>

#include "runtime/core/half.h"
#include "runtime/core/profile.h"

namespace aneref {

// Wide enough for every product and every sum of the engine, exactly.
__extension__ typedef __int128 Wide;

// value * 2^unit_exponent rounded once to fp16, exactly: gradual underflow,
// overflow to 7C00 or FC00, a zero is +0 (N7).
uint16_t RoundWide(Wide value, int unit_exponent, Rounding rounding);

// `value` rounded once as the profile's planar engine stores it (N23); a zero
// is +0 (N7). Never a NaN encoding for finite values (N6).
uint16_t StoreEngine(Rounding rounding, double value);

enum class PlanarOp : uint8_t { kAdd, kSub, kMul, kDiv, kMax, kMin };

// N23: decoded operands (N5), exact result, one rounding. Division: x / 0 has
// the sign of x, 0 / 0 and x / inf are +0 (N34).
uint16_t Planar(const Profile& profile, PlanarOp op, uint16_t a, uint16_t b);

// N23, before H13: division by a constant is a multiplication by RNE16(1/b);
// the floor sees the unrounded product, so floor_div(6, 3) is 1.
uint16_t FloorDivideByConstant(const Profile& profile, uint16_t a, uint16_t b);

// N24: binary32 sum over ascending index, one rounding at the end. Elements
// are `stride` halves apart. `count` 0 gives +0.
struct HalfRun {
  const uint16_t* data;
  size_t count;
  size_t stride = 1;
};
float WideSum(HalfRun run);  // the sum before its rounding
uint16_t ReduceSum(const Profile& profile, HalfRun run);
uint16_t ReduceMean(const Profile& profile, HalfRun run);
uint16_t ReduceMax(const Profile& profile, HalfRun run);
uint16_t ReduceMin(const Profile& profile, HalfRun run);
// N25: reduce_sum then square, unfused on every chip: two roundings.
uint16_t SquareOfSum(const Profile& profile, HalfRun run);
// N25: each square is rounded to fp16, then summed (N24).
uint16_t ReduceSumSquare(const Profile& profile, HalfRun run);

// N28: what a slice with a non-zero begin on the last axis does to an element.
uint16_t WidthSlice(const Profile& profile, uint16_t x);

// N30 over one row. `exp_table` has 65536 entries of EXP under `profile`
// (activation_table.h), or is null: then EXP is evaluated element by element.
// in and out may be equal.
void SoftmaxRow(const Profile& profile, const uint16_t* exp_table,
                const uint16_t* in, uint16_t* out, size_t count);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_NUMERICS_H_
