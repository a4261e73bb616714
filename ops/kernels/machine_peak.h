// What this machine can do, measured: multiply-adds per second of one core, on
// the SIMD target in use, and bytes per second from memory. For benches and
// `aneref bench`, which compare kernels with it; nothing decides by it.
#ifndef ANEREF_OPS_KERNELS_MACHINE_PEAK_H_
#define ANEREF_OPS_KERNELS_MACHINE_PEAK_H_

#include <cstddef>
#include <string>

namespace aneref {

// Processor time of the calling thread.
double ThreadSeconds();

// fp32 operations per second of one thread (a multiply-add counts twice), in
// its processor time: the best of several runs of 12 independent chains. Takes
// about 10 ms.
double MeasurePeakFlops();

// Bytes per second at which one thread reads `bytes` of its own again and
// again: the best of `passes`, in its processor time. 96 MiB come from memory,
// less may come from caches. 0 when there is not that much memory.
double MeasureReadBandwidth(size_t bytes, int passes);

// The SIMD target in use: "AVX3", "AVX2" ...
std::string SimdTargetName();

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_MACHINE_PEAK_H_
