// How weights lie in a program: L40-L45 (lanes), L46 (sections), L49 (payload
// sizes) and L50 (blob files). Nothing is packed here; the runtime's own
// kernels have layouts of their own.
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_WEIGHTS_LAYOUT_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_WEIGHTS_LAYOUT_H_

#include <cstdint>

#include "runtime/plan/engine/engine_model.h"
#include "runtime/plan/engine/geometry.h"

namespace aneref::engine {

// L45.
int64_t LanesUsed(const EngineModel& model, int64_t cout);

// L42: where an output channel lies: its lane and its row within it.
struct LanePlace {
  int64_t lane = 0;
  int64_t row = 0;
};
LanePlace PlaceOfChannel(const EngineModel& model, int64_t cout,
                         int64_t channel);

// L43, L44: the section of one layer. Lanes have equal sizes; each is weights,
// then the bias values of its channels, padded to 64.
struct WeightSection {
  int64_t lanes = 0;
  int64_t channels_per_lane = 0;
  int64_t channel_bytes = 0;
  int64_t lane_bytes = 0;
  int64_t bytes = 0;  // of all lanes
};
WeightSection LayOutWeights(const EngineModel& model, const ConvGeometry& conv,
                            bool with_bias);
// L43: byte of one weight in the section. `weight` counts within the channel
// in the order of L40 (depth, input channel, row, column).
int64_t WeightOffset(const WeightSection& section, int64_t channel,
                     int64_t weight, int64_t weight_bytes);

// L40: the number of weight (d, c, h, w) within its output channel.
struct WeightIndex {
  int64_t d = 0;
  int64_t c = 0;
  int64_t h = 0;
  int64_t w = 0;
};
int64_t WeightNumber(const ConvGeometry& conv, const WeightIndex& index);

// L46: the sections of a kernel unit, in file order.
enum class KernelSection : uint8_t {
  kActivationTable,
  kPaletteTable,
  kGroupTable,
  kChannelScale,
  kChannelBias,
  kWeights,
};
// L46: codes of the element types.
enum class WeightElement : uint8_t {
  kInt8 = 2,
  kUint8 = 3,
  kHalf = 5,
  kTable = 8,
  kUint4 = 9,
  kFloat8 = 16,
  kInt4 = 23,
};
inline constexpr int kGroupRecordWords = 14;  // L46
// L46: a fresh record: offset, channels, ten addresses of -1, two zeros.
struct GroupRecord {
  int32_t words[kGroupRecordWords] = {};
};
GroupRecord MakeGroupRecord(int32_t byte_offset, int32_t num_channels);

// L49: bytes of the payload of `count` weights.
struct Payload {
  WeightFormat format = WeightFormat::kDense;
  int64_t count = 0;
  int64_t channels = 0;  // int8: channels with a scale
  int64_t nonzeros = 0;  // sparse
  int64_t block = 32;    // blockwise: weights per scale
};
int64_t PayloadBytes(const Payload& payload);

// L50: a model names a blob by the offset of its chunk header.
inline constexpr int64_t kBlobHeaderBytes = 64;  // of the file and of a chunk
int64_t BlobDataOffset(int64_t reference_offset);

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_WEIGHTS_LAYOUT_H_
