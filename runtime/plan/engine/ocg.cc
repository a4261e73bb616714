// E12-E16: see the header.
#include "runtime/plan/engine/ocg.h"

#include <algorithm>

#include "runtime/plan/engine/integers.h"

namespace aneref::engine {
namespace {

constexpr int64_t kSmallSourceMax = 8;          // E16 [O]
constexpr int64_t kWinogradPairChannels = 256;  // E12: OCG 2 from here on

int64_t ChannelsPerAccumulator(const EngineModel& model,
                               const ConvGeometry& conv) {
  switch (SourceModeOf(model, conv.in)) {
    case SourceMode::kTiny:
      return model.channels_per_acc_tiny;
    case SourceMode::kSmall:
      return model.channels_per_acc_small;
    case SourceMode::kDefault:
      break;
  }
  return conv.weight_bytes == 2 ? model.channels_per_acc_half
                                : model.channels_per_acc_other;
}

int64_t ByteCap(const EngineModel& model, int64_t weight_bytes) {
  if (weight_bytes <= 1) return model.ocg_cap_narrow;
  return weight_bytes == 2 ? model.ocg_cap_half : model.ocg_cap_wide;
}

int64_t WinogradOcg(const ConvGeometry& conv) {
  if (conv.kernel.h == 1) return 1;
  return conv.cin_per_group() >= kWinogradPairChannels ? 2 : 1;
}

}  // namespace

SourceMode SourceModeOf(const EngineModel& model, const Axes3& in) {
  const int64_t extent = std::max(in.h, in.w);
  if (extent >= 2 && extent <= model.tiny_source_max) return SourceMode::kTiny;
  return extent <= kSmallSourceMax ? SourceMode::kSmall : SourceMode::kDefault;
}

int64_t OutputChannelGroup(const EngineModel& model, const ConvGeometry& conv,
                           bool winograd) {
  return model.ocg == OcgFormula::kKernelBuffer
             ? OcgOfKernelBuffer(model, conv, winograd)
             : OcgOfBook(model, conv);
}

int64_t OcgOfKernelBuffer(const EngineModel& model, const ConvGeometry& conv,
                          bool winograd) {
  if (conv.depthwise()) return 1;
  if (winograd) return WinogradOcg(conv);
  const int64_t channel_bytes =
      conv.cin_per_group() * conv.taps() * conv.weight_bytes;
  const int64_t fitting =
      model.kernel_dense_bytes / std::max<int64_t>(1, channel_bytes);
  return std::clamp<int64_t>(FloorPowerOfTwo(fitting), 1, kMaxOcg);
}

int64_t OcgOfBook(const EngineModel& model, const ConvGeometry& conv) {
  const double taps = static_cast<double>(conv.taps());
  // floor_pow2(8 / k): below 1 the exponent is negative.
  double budget = 1;
  while (budget * 2 * taps <= static_cast<double>(model.accumulators))
    budget *= 2;
  while (budget * taps > static_cast<double>(model.accumulators)) budget /= 2;
  const double channels =
      budget * static_cast<double>(ChannelsPerAccumulator(model, conv));
  const double cap =
      static_cast<double>(ByteCap(model, conv.weight_bytes)) / taps;
  // The descriptor holds an exponent (L69), so a power of two ([O]).
  const auto group = static_cast<int64_t>(std::min(channels, cap));
  return std::max<int64_t>(1, FloorPowerOfTwo(group));
}

int64_t Passes(const EngineModel& model, int64_t cout, int64_t ocg) {
  const int64_t capacity = ocg * model.lanes;
  // Only the full group is known to need another pass for its last channel.
  if (model.full_pass_costs_another && ocg == kMaxOcg)
    return cout / capacity + 1;
  return CeilDiv(cout, capacity);
}

int64_t ActiveLanesRegister(const EngineModel& model, int64_t cout) {
  return std::min(model.lanes, CeilPowerOfTwo(cout));
}

int64_t WorkingLanes(const EngineModel& model, int64_t cout) {
  return std::min(model.lanes, cout);
}

Buffering AccumulatorBuffering(const EngineModel& model, int64_t demand) {
  if (2 * demand <= model.accumulators) return Buffering::kDouble;
  return demand <= model.accumulators ? Buffering::kSingle
                                      : Buffering::kDoesNotFit;
}

int64_t AccumulatorDemand(const EngineModel& model, const ConvGeometry& conv,
                          int64_t ocg) {
  return CeilDiv(ocg, ChannelsPerAccumulator(model, conv));
}

}  // namespace aneref::engine
