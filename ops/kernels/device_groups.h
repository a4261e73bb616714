// Kernels over groups of fp16 elements in the engine's arithmetic: reductions
// (N24, N25), products with a sum
// (N24), softmax (N30) and normalisations built from the engine's pieces
// (N35). A group is gathered, computed by the row functions of device_rows.h
// and written back.
#ifndef ANEREF_OPS_KERNELS_DEVICE_GROUPS_H_
#define ANEREF_OPS_KERNELS_DEVICE_GROUPS_H_

#include <cstdint>
#include <vector>

#include "ops/kernels/kernel.h"
#include "runtime/core/profile.h"

namespace aneref {

// Part of an axis of the operand: `extent` positions, each `step` elements of
// that axis from the one before.
struct GroupAxis {
  int64_t extent = 1;
  size_t axis = 0;
  int64_t step = 1;
};

// Groups in row-major order of the kept axes; the elements of one in row-major
// order of the folded axes (N24: ascending index).
struct DeviceGroups {
  std::vector<GroupAxis> kept, folded;
  int64_t count = 1;
  int64_t elements = 1;
  int64_t per_unit = 1;

  void Keep(const GroupAxis& axis) {
    kept.push_back(axis);
    count *= axis.extent;
  }
  void Fold(const GroupAxis& axis) {
    folded.push_back(axis);
    elements *= axis.extent;
  }
  // Sets the blocking; the work units.
  int64_t Plan();
};

enum class DeviceReduction : uint8_t {
  kSum,
  kMean,
  kMax,
  kMin,
  kProduct,
  kSumAbs,
  kSumSquare,
  kLogSumExp,
};

struct DeviceReduceArgs {
  DeviceGroups groups;
  DeviceReduction kind = DeviceReduction::kSum;
  const Profile* profile = nullptr;  // as all tables: of the session's context
  float scale = 1.0f;                // of the sum, before its rounding
  const uint16_t* after = nullptr;   // looked up last (l2, log_sum)
  const uint16_t* exp = nullptr;     // kLogSumExp
  const uint16_t* log = nullptr;
};
// in = {x}, out = {y}: the groups' results, row major.
extern const Kernel device_reduce_kernel;

struct DeviceSoftmaxArgs {
  DeviceGroups groups;
  const Profile* profile = nullptr;
  const uint16_t* exp = nullptr;
  const uint16_t* log = nullptr;  // null: not the logarithm
};
extern const Kernel device_softmax_kernel;
// The same for one row x, whose result is y; `values` holds as many floats.
template <bool kSimd>
void DeviceSoftmaxRow(const DeviceSoftmaxArgs& args, uint16_t* x, uint16_t* y,
                      float* values, size_t count);

struct DeviceNormArgs {
  DeviceGroups groups;
  const Profile* profile = nullptr;
  // Subtracts the mean, and keeps the variance in binary32 (N35).
  bool centers = true;
  uint16_t epsilon = 0;             // fp16 bits
  const uint16_t* rsqrt = nullptr;  // with epsilon (N34); unless it centers
};
// in = {x}, out = {y, mean, inverse}, of which the last two are optional.
extern const Kernel device_norm_kernel;

struct DeviceDotArgs {
  DeviceGroups groups;
  const Profile* profile = nullptr;
};
// in = {x, y} of one shape, out = {the multiply-accumulate of each group}
// (N24).
extern const Kernel device_dot_kernel;

// Scratch of all four.
size_t DeviceGroupsScratchBytes(const DeviceGroups& groups);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_DEVICE_GROUPS_H_
