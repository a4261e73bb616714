// E11: the fusion table as data.
#include "runtime/plan/engine/epilogue.h"

#include <cstddef>

namespace aneref::engine {
namespace {

struct Row {
  FusionKind kind;
  FusionResult result;
  Slot slot;
};

constexpr Row kRows[] = {
    {FusionKind::kAddConstant, FusionResult::kSlot, Slot::kGain},
    {FusionKind::kMultiplyConstant, FusionResult::kSlot, Slot::kGain},
    {FusionKind::kBatchNorm, FusionResult::kSlot, Slot::kGain},
    {FusionKind::kActivation, FusionResult::kSlot, Slot::kPostActivation},
    {FusionKind::kTranspose, FusionResult::kSlot, Slot::kTranspose},
    {FusionKind::kRequantize, FusionResult::kSlot, Slot::kRequantize},
    {FusionKind::kResampleCoordinates, FusionResult::kSlot, Slot::kTexture},
    {FusionKind::kBroadcast, FusionResult::kSlot, Slot::kBroadcast},
    {FusionKind::kDequantizeWeights, FusionResult::kKernelScale, {}},
    {FusionKind::kPadConstant, FusionResult::kPadding, {}},
    {FusionKind::kAddLive, FusionResult::kOwnLayer, {}},
    {FusionKind::kMultiplyLive, FusionResult::kOwnLayer, {}},
    {FusionKind::kConcat, FusionResult::kBoundary, {}},
    {FusionKind::kAttention, FusionResult::kSegmentCut, {}},
    {FusionKind::kOther, FusionResult::kOwnLayer, {}},
};

bool LaterTaken(const SlotsUsed& used, Slot slot) {
  for (int later = static_cast<int>(slot) + 1; later < kNumSlots; ++later) {
    if (used.taken[later]) return true;
  }
  return false;
}

// The gain acts before the offset, each once.
bool GainTakes(const SlotsUsed& used, FusionKind kind) {
  if (kind == FusionKind::kAddConstant) return !used.has_offset;
  return !used.has_gain && !used.has_offset;
}

// The post slot first. A second activation fits only when the first can move
// to the pre slot, in front of an empty gain slot.
bool ActivationFits(const SlotsUsed& used) {
  if (!used.IsTaken(Slot::kPostActivation)) return true;
  return !used.IsTaken(Slot::kPreActivation) && !used.IsTaken(Slot::kGain);
}

bool SlotFits(const SlotsUsed& used, FusionKind kind, Slot slot) {
  if (LaterTaken(used, slot)) return false;
  if (slot == Slot::kGain) return GainTakes(used, kind);
  if (slot == Slot::kPostActivation) return ActivationFits(used);
  return !used.IsTaken(slot);
}

}  // namespace

Fusion FuseInto(const SlotsUsed& used, FusionKind kind) {
  for (const Row& row : kRows) {
    if (row.kind != kind) continue;
    if (row.result != FusionResult::kSlot) return {row.result, row.slot};
    if (!SlotFits(used, kind, row.slot)) return {FusionResult::kOwnLayer, {}};
    const bool second =
        kind == FusionKind::kActivation && used.IsTaken(Slot::kPostActivation);
    return {FusionResult::kSlot, second ? Slot::kPreActivation : row.slot};
  }
  return {FusionResult::kOwnLayer, {}};
}

void Take(const Fusion& fusion, FusionKind kind, SlotsUsed* used) {
  if (fusion.result != FusionResult::kSlot) return;
  used->taken[static_cast<int>(fusion.slot)] = true;
  if (fusion.slot != Slot::kGain) return;
  used->has_gain = used->has_gain || kind != FusionKind::kAddConstant;
  used->has_offset = used->has_offset || kind != FusionKind::kMultiplyConstant;
}

bool ConcatWritesInPlace(bool same_layout, std::optional<int64_t> axis) {
  return same_layout && axis && *axis >= 0;
}

bool TransposesCancel(const std::vector<int>& first,
                      const std::vector<int>& second) {
  if (first.size() != second.size()) return false;
  for (size_t i = 0; i < second.size(); ++i) {
    const auto middle = static_cast<size_t>(second[i]);
    if (second[i] < 0 || middle >= first.size()) return false;
    if (first[middle] != static_cast<int>(i)) return false;
  }
  return true;
}

}  // namespace aneref::engine
