// What kernels know of the processor they run on beyond its instruction sets:
// properties that decide which of two equal ways is the faster one, never what
// a result is.
#ifndef ANEREF_OPS_KERNELS_HOST_PROCESSOR_H_
#define ANEREF_OPS_KERNELS_HOST_PROCESSOR_H_

namespace aneref {

struct HostProcessor {
  // fp16 to fp32 conversions take the issue slots of multiply-adds, so that a
  // loop of both is slower than one of multiply-adds alone: Intel's do (ports
  // 0, 1 and 5 serve both), AMD's since Zen 4 do not. Measured:
  // docs/performance.md.
  bool widening_takes_multipliers = false;
  // Vectors of 64 bytes multiply twice as fast as those of 32, and loads that
  // cross a cache line do not take that back: Intel's with AVX-512; on Zen 4
  // both multiply alike.
  bool wide_loads_pay = false;
  // Planes that no near cache holds are read and written at speed only in
  // pieces of a kilobyte and more: the last cache of Intel's servers is far
  // away, and what prefetches needs time to see where a piece goes.
  bool far_planes_want_runs = false;
};
const HostProcessor& ThisProcessor();

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_HOST_PROCESSOR_H_
