// E25-E27, E30, E31 and L64: see the header.
#include "runtime/plan/engine/kernel_memory.h"

#include <algorithm>
#include <iterator>

#include "runtime/plan/engine/integers.h"

namespace aneref::engine {
namespace {

// E25: 4x32 outputs were seen in one descriptor, 16x32 split; the border
// between is ours ([O]).
constexpr int64_t kSingleDescriptorPixels = 128;
// E30: 8x16 outputs were seen without Winograd, 16x16 with ([O] between).
constexpr int64_t kWinogradMinPixels = 256;
constexpr double kBookWinogradGain = 2.25;  // F(2x2, 3x3): 36 / 16 products
constexpr double kLineWinogradGain = 1.45;  // measured 1.30-1.47, bound 1.5
constexpr double kSparseFloor = 0.33;       // E31 [O]

struct Point {
  double density;
  double ratio;
};
// E31: mean of M4 and M6; each within 5 % of both chips.
constexpr Point kSparsePoints[] = {
    {0.1, 0.345}, {0.25, 0.43}, {0.5, 0.67}, {1.0, 1.0}};

bool BookGate(const ConvGeometry& conv, const WinogradQuery& query) {
  const bool three_by_five = (conv.kernel.h == 3 && conv.kernel.w < 6) ||
                             (conv.kernel.w == 3 && conv.kernel.h < 6);
  if (!three_by_five || query.unicast) return false;
  int64_t threshold = query.float_kernel ? 16 : 8;
  if (query.work_unit_mode == 1 || query.work_unit_mode == 2) threshold = 32;
  return query.ocg * conv.taps() * 2 >= threshold;
}

bool LineGate(const ConvGeometry& conv) {
  return conv.kernel.w == 3 && (conv.kernel.h == 1 || conv.kernel.h == 3) &&
         !conv.depthwise() && conv.out.h * conv.out.w >= kWinogradMinPixels;
}

}  // namespace

int64_t KernelBytesPerCore(const EngineModel& model, const ConvGeometry& conv) {
  return CeilDiv(conv.cout, model.lanes) * conv.cin_per_group() * conv.taps() *
         conv.weight_bytes;
}

int64_t WeightPasses(const EngineModel& model, int64_t bytes_per_core) {
  return CeilDiv(bytes_per_core, model.kernel_dense_bytes);
}

KernelSplit SplitKernel(const EngineModel& model, const ConvGeometry& conv,
                        const SplitRequest& request) {
  KernelSplit split;
  const bool streams_inside =
      model.small_outputs_stream_weights &&
      conv.out.h * conv.out.w * conv.out.d <= kSingleDescriptorPixels;
  const int64_t cap = request.streamed_compressed && model.kernel_streaming
                          ? model.kernel_stream_bytes
                          : model.kernel_dense_bytes;
  const int64_t channel_bytes =
      request.bytes_per_channel > 0
          ? request.bytes_per_channel
          : conv.cin_per_group() * conv.taps() * conv.weight_bytes;
  const int64_t demand = CeilDiv(conv.cout, model.lanes) * channel_bytes;
  if (streams_inside || demand <= cap || channel_bytes < 1) {
    split.channels.push_back(conv.cout);
    return split;
  }
  int64_t per_core = cap / channel_bytes;
  if (request.winograd && request.ocg > 0 && per_core > request.ocg)
    per_core -= per_core % request.ocg;
  split.cin_parts = per_core == 0 ? CeilDiv(channel_bytes, cap) : 1;
  const int64_t full = std::max<int64_t>(1, per_core) * model.lanes;
  const int64_t first = conv.cout % full;
  if (first != 0) split.channels.push_back(first);
  split.channels.insert(split.channels.end(),
                        static_cast<size_t>(conv.cout / full), full);
  return split;
}

bool WeightsStreamable(const EngineModel& model, const ConvGeometry& conv,
                       const StreamQuery& query) {
  if (!model.kernel_streaming || conv.strided() || conv.dilated() ||
      query.tiles_overlap || !query.immutable)
    return false;
  const bool palette = query.format == WeightFormat::kPalette4 ||
                       query.format == WeightFormat::kPalette8;
  return !palette || (model.palette_streaming && query.vector_palette);
}

bool StreamsCompressed(const EngineModel& model, WeightFormat format) {
  return std::find(model.streamed.begin(), model.streamed.end(), format) !=
         model.streamed.end();
}

bool UsesWinograd(const EngineModel& model, const ConvGeometry& conv,
                  const WinogradQuery& query) {
  if (model.winograd == WinogradKind::kNone || conv.sparse || conv.strided() ||
      conv.dilated() || conv.kernel.d > 1 || query.special_kernel)
    return false;
  return model.winograd == WinogradKind::kBook ? BookGate(conv, query)
                                               : LineGate(conv);
}

double WinogradGain(const EngineModel& model, bool winograd) {
  if (!winograd) return 1;
  return model.winograd == WinogradKind::kBook ? kBookWinogradGain
                                               : kLineWinogradGain;
}

double SparseCycleFactor(const EngineModel& model, double density) {
  if (!model.sparse_macs_skipped) return 1;
  return std::clamp(density, kSparseFloor, 1.0);
}

double SparseTimeRatio(const EngineModel& model, double density) {
  if (!model.sparse_macs_skipped) return 1;
  if (density <= kSparsePoints[0].density) return kSparsePoints[0].ratio;
  for (size_t i = 1; i < std::size(kSparsePoints); ++i) {
    const Point& low = kSparsePoints[i - 1];
    const Point& high = kSparsePoints[i];
    if (density > high.density) continue;
    return low.ratio + (high.ratio - low.ratio) * (density - low.density) /
                           (high.density - low.density);
  }
  return 1;
}

double SparseByteRatio(double density) { return density + 1.0 / 16.0; }

}  // namespace aneref::engine
