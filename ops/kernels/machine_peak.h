// What this machine can do, measured: multiply-adds per second of one core, on
// the SIMD target in use, and bytes per second from memory. For benches and
// `aneref bench`, which compare kernels with it; nothing decides by it.
#ifndef ANEREF_OPS_KERNELS_MACHINE_PEAK_H_
#define ANEREF_OPS_KERNELS_MACHINE_PEAK_H_

#include <string>

namespace aneref {

// fp32 operations per second of one thread (a multiply-add counts twice), in
// its processor time: the best of several runs of 12 independent chains. Takes
// about 10 ms.
double MeasurePeakFlops();

// Bytes per second that one thread reads from memory: the best of several
// passes over 96 MiB of its own. 0 when there is not that much memory.
double MeasureReadBandwidth();

// The SIMD target in use: "AVX3", "AVX2" ...
std::string SimdTargetName();

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_MACHINE_PEAK_H_
