// How a MAC layer is spread over the cores: E12 (output channels per core and
// pass), E13 (passes), E14 (active cores), E15 (accumulators) and E16 (source
// modes). Weights that do not fit are split first: kernel_memory.h.
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_OCG_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_OCG_H_

#include <cstdint>

#include "runtime/plan/engine/engine_model.h"
#include "runtime/plan/engine/geometry.h"

namespace aneref::engine {

inline constexpr int64_t kMaxOcg = 16;  // E12, the descriptor's field (L69)

// E16: how a small input shares the accumulators. The extent is the larger of
// the input's H and W ([O]).
enum class SourceMode { kDefault, kSmall, kTiny };
SourceMode SourceModeOf(const EngineModel& model, const Axes3& in);

// E12 by the model's formula. `winograd` is the decision of E30.
int64_t OutputChannelGroup(const EngineModel& model, const ConvGeometry& conv,
                           bool winograd);
int64_t OcgOfKernelBuffer(const EngineModel& model, const ConvGeometry& conv,
                          bool winograd);  // E12 (a)
int64_t OcgOfBook(const EngineModel& model,
                  const ConvGeometry& conv);  // E12 (b)

// E13: times the input is streamed.
int64_t Passes(const EngineModel& model, int64_t cout, int64_t ocg);

// E14: the register value (a power of two) and the cores that do work.
int64_t ActiveLanesRegister(const EngineModel& model, int64_t cout);
int64_t WorkingLanes(const EngineModel& model, int64_t cout);

// E15: how a demand of accumulators per core fits.
enum class Buffering { kDouble, kSingle, kDoesNotFit };
Buffering AccumulatorBuffering(const EngineModel& model, int64_t demand);
// E15: accumulators of a group ([O]: channels over channels per accumulator).
int64_t AccumulatorDemand(const EngineModel& model, const ConvGeometry& conv,
                          int64_t ocg);

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_OCG_H_
