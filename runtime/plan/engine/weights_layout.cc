// L40-L50: see the header.
#include "runtime/plan/engine/weights_layout.h"

#include <algorithm>

#include "runtime/plan/engine/integers.h"

namespace aneref::engine {
namespace {

constexpr int64_t kLaneAlignment = 64;  // L44
constexpr int64_t kBiasBytes = 2;       // fp16

}  // namespace

int64_t LanesUsed(const EngineModel& model, int64_t cout) {
  return std::min(model.lanes, CeilPowerOfTwo(cout));
}

LanePlace PlaceOfChannel(const EngineModel& model, int64_t cout,
                         int64_t channel) {
  const int64_t lanes = LanesUsed(model, cout);
  return {channel % lanes, channel / lanes};
}

WeightSection LayOutWeights(const EngineModel& model, const ConvGeometry& conv,
                            bool with_bias) {
  WeightSection section;
  section.lanes = LanesUsed(model, conv.cout);
  section.channels_per_lane = CeilDiv(conv.cout, section.lanes);
  section.channel_bytes =
      conv.cin_per_group() * conv.taps() * conv.weight_bytes;
  const int64_t bias = with_bias ? section.channels_per_lane * kBiasBytes : 0;
  section.lane_bytes = RoundUpTo(
      section.channels_per_lane * section.channel_bytes + bias, kLaneAlignment);
  section.bytes = section.lanes * section.lane_bytes;
  return section;
}

int64_t WeightOffset(const WeightSection& section, int64_t channel,
                     int64_t weight, int64_t weight_bytes) {
  return channel % section.lanes * section.lane_bytes +
         channel / section.lanes * section.channel_bytes +
         weight * weight_bytes;
}

int64_t WeightNumber(const ConvGeometry& conv, const WeightIndex& index) {
  const int64_t plane = index.d * conv.cin_per_group() + index.c;
  return (plane * conv.kernel.h + index.h) * conv.kernel.w + index.w;
}

GroupRecord MakeGroupRecord(int32_t byte_offset, int32_t num_channels) {
  GroupRecord record;
  std::fill(record.words + 2, record.words + 12, -1);
  record.words[0] = byte_offset;
  record.words[1] = num_channels;
  return record;
}

int64_t PayloadBytes(const Payload& payload) {
  const int64_t count = payload.count;
  switch (payload.format) {
    case WeightFormat::kDense:
      return 2 * count;
    case WeightFormat::kInt8:
      return count + 2 * payload.channels;
    case WeightFormat::kPalette4:
      return CeilDiv(count, 2) + 32;
    case WeightFormat::kPalette8:
      return count + 512;
    case WeightFormat::kSparse:
      return CeilDiv(count, 8) + 2 * payload.nonzeros;
    case WeightFormat::kBlockwise:
      return count + 2 * CeilDiv(count, std::max<int64_t>(1, payload.block));
  }
  return 2 * count;
}

int64_t BlobDataOffset(int64_t reference_offset) {
  return reference_offset + kBlobHeaderBytes;
}

}  // namespace aneref::engine
