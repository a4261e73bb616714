// Weights on their way to the cores: E25 and L64 (split over task
// descriptors), E26 and E27 (streamed or folded forms), E30 (whether Winograd
// is selected) and E31 (sparse weights).
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_KERNEL_MEMORY_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_KERNEL_MEMORY_H_

#include <cstdint>
#include <vector>

#include "runtime/plan/engine/engine_model.h"
#include "runtime/plan/engine/geometry.h"

namespace aneref::engine {

// E25: weight bytes that one core must hold for the whole layer.
int64_t KernelBytesPerCore(const EngineModel& model, const ConvGeometry& conv);
// L64: weight passes if every pass could be filled to the last byte.
int64_t WeightPasses(const EngineModel& model, int64_t bytes_per_core);

// E25: output channels of each task descriptor, in order; a smaller chunk
// comes first.
struct KernelSplit {
  std::vector<int64_t> channels;
  int64_t cin_parts = 1;  // > 1: one channel's weights exceed the memory ([O])
};
struct SplitRequest {
  bool winograd = false;             // E30
  int64_t ocg = 1;                   // E12; used by Winograd layers
  bool streamed_compressed = false;  // E27: the large cap applies
  int64_t bytes_per_channel = 0;     // 0: dense; else of a rewritten kernel
};
KernelSplit SplitKernel(const EngineModel& model, const ConvGeometry& conv,
                        const SplitRequest& request);

// E26: weights that the kernel DMA may stream.
struct StreamQuery {
  WeightFormat format = WeightFormat::kDense;
  bool vector_palette = false;
  bool tiles_overlap = false;
  bool immutable = true;
};
bool WeightsStreamable(const EngineModel& model, const ConvGeometry& conv,
                       const StreamQuery& query);

// E27: true: read compressed; false: expanded to fp16 in DRAM first.
bool StreamsCompressed(const EngineModel& model, WeightFormat format);

// E30: whether the layer is a Winograd layer. Selection only; arithmetic is
// the same either way.
struct WinogradQuery {
  int64_t ocg = 1;  // of the direct form, E12 (b)
  int64_t work_unit_mode = 0;
  bool float_kernel = true;
  bool unicast = false;
  bool special_kernel = false;  // kernel types 2 and 5, input format 12
};
bool UsesWinograd(const EngineModel& model, const ConvGeometry& conv,
                  const WinogradQuery& query);
// E30: how much faster than direct, for cost; 1 without Winograd.
double WinogradGain(const EngineModel& model, bool winograd);

// E31: factor on the cycles of a MAC layer whose weights have this share of
// non-zeros and are stored sparse.
double SparseCycleFactor(const EngineModel& model, double density);
// E31: measured time of a compute-bound layer against dense weights, between
// the measured densities a straight line ([O]).
double SparseTimeRatio(const EngineModel& model, double density);
// E31: bytes of sparse fp16 weights against dense ones.
double SparseByteRatio(double density);

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_KERNEL_MEMORY_H_
