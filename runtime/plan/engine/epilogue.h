// E11: the slots of one engine layer and which following op may enter which.
// A layer computes, then applies at most one op per slot in this fixed order.
// Only the slot arithmetic is here: the caller has checked that the consumer
// directly follows and is the producer's only user.
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_EPILOGUE_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_EPILOGUE_H_

#include <cstdint>
#include <optional>
#include <vector>

namespace aneref::engine {

// In the order in which they act; the engine operation itself comes between
// kBroadcast and kPreActivation.
enum class Slot : uint8_t {
  kTexture,
  kBroadcast,
  kPreActivation,
  kGain,  // per-channel or scalar gain and offset
  kPostActivation,
  kTranspose,
  kRequantize,
};
inline constexpr int kNumSlots = 7;

// What an op is to the fusion table.
enum class FusionKind : uint8_t {
  kAddConstant,  // scalar or one value per channel
  kMultiplyConstant,
  kBatchNorm,  // gain and offset
  kActivation,
  kTranspose,  // also a reshape
  kRequantize,
  kResampleCoordinates,  // texture remap in front of the operation
  kBroadcast,
  kDequantizeWeights,  // in front of the weights
  kPadConstant,        // in front of a convolution
  kAddLive,            // two live tensors
  kMultiplyLive,
  kConcat,
  kAttention,
  kOther,
};

enum class FusionResult : uint8_t {
  kSlot,         // enters `slot`
  kKernelScale,  // becomes the scale or palette table of the weights
  kPadding,      // becomes the convolution's padding
  kOwnLayer,     // no fusion
  kBoundary,     // its inputs write directly to the destination, or a copy
  kSegmentCut,   // a program segment of its own
};

// The slots of a layer that are taken. kGain holds at most one gain and one
// offset, in that order.
struct SlotsUsed {
  bool taken[kNumSlots] = {};
  bool has_gain = false;
  bool has_offset = false;
  bool IsTaken(Slot slot) const { return taken[static_cast<int>(slot)]; }
};

struct Fusion {
  FusionResult result = FusionResult::kOwnLayer;
  Slot slot = Slot::kTexture;  // with kSlot
};

// Where `kind` goes behind (or, for weights and padding, in front of) a layer
// with these slots taken. An op never enters a slot that acts before one
// already taken, as that would swap two ops.
Fusion FuseInto(const SlotsUsed& used, FusionKind kind);

// Marks the slot of a Fusion with kSlot.
void Take(const Fusion& fusion, FusionKind kind, SlotsUsed* used);

// E11: a concat writes in place when all inputs share one layout and the axis
// is a constant positive one ([O]).
bool ConcatWritesInPlace(bool same_layout, std::optional<int64_t> axis);

// E11: whether a permutation undoes the one before it, so that both vanish.
bool TransposesCancel(const std::vector<int>& first,
                      const std::vector<int>& second);

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_EPILOGUE_H_
