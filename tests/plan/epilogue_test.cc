// epilogue.h: the seven slots.
#include "runtime/plan/engine/epilogue.h"

#include <doctest/doctest.h>

#include <vector>

namespace aneref::engine {
namespace {

// The result of fusing `kinds` one after another.
std::vector<Fusion> FuseAll(const std::vector<FusionKind>& kinds) {
  SlotsUsed used;
  std::vector<Fusion> fusions;
  for (const FusionKind kind : kinds) {
    fusions.push_back(FuseInto(used, kind));
    Take(fusions.back(), kind, &used);
  }
  return fusions;
}

bool InSlot(const Fusion& fusion, Slot slot) {
  return fusion.result == FusionResult::kSlot && fusion.slot == slot;
}
bool Alone(const Fusion& fusion) {
  return fusion.result == FusionResult::kOwnLayer;
}

TEST_CASE("E11: batch norm then relu then transpose fit one layer") {
  const auto fusions =
      FuseAll({FusionKind::kBatchNorm, FusionKind::kActivation,
               FusionKind::kTranspose, FusionKind::kRequantize});
  CHECK(InSlot(fusions[0], Slot::kGain));
  CHECK(InSlot(fusions[1], Slot::kPostActivation));
  CHECK(InSlot(fusions[2], Slot::kTranspose));
  CHECK(InSlot(fusions[3], Slot::kRequantize));
}

TEST_CASE("E11: a gain then an offset share the gain slot") {
  const auto fusions =
      FuseAll({FusionKind::kMultiplyConstant, FusionKind::kAddConstant,
               FusionKind::kAddConstant});
  CHECK(InSlot(fusions[0], Slot::kGain));
  CHECK(InSlot(fusions[1], Slot::kGain));
  CHECK(Alone(fusions[2]));
}

TEST_CASE("E11: an offset is not followed by a gain in one layer") {
  const auto fusions =
      FuseAll({FusionKind::kAddConstant, FusionKind::kMultiplyConstant});
  CHECK(InSlot(fusions[0], Slot::kGain));
  CHECK(Alone(fusions[1]));
}

TEST_CASE("E11: each slot is used once") {
  const auto fusions =
      FuseAll({FusionKind::kBatchNorm, FusionKind::kBatchNorm});
  CHECK(Alone(fusions[1]));
  const auto moves = FuseAll({FusionKind::kTranspose, FusionKind::kTranspose});
  CHECK(Alone(moves[1]));
}

TEST_CASE("E11: a second activation takes the pre slot if the gain is empty") {
  const auto empty = FuseAll({FusionKind::kActivation, FusionKind::kActivation,
                              FusionKind::kActivation});
  CHECK(InSlot(empty[0], Slot::kPostActivation));
  CHECK(InSlot(empty[1], Slot::kPreActivation));
  CHECK(Alone(empty[2]));
  const auto gain = FuseAll({FusionKind::kBatchNorm, FusionKind::kActivation,
                             FusionKind::kActivation});
  CHECK(Alone(gain[2]));
}

TEST_CASE("E11: no op enters a slot in front of a taken one") {
  CHECK(Alone(FuseAll({FusionKind::kActivation, FusionKind::kAddConstant})[1]));
  CHECK(Alone(FuseAll({FusionKind::kTranspose, FusionKind::kActivation})[1]));
}

TEST_CASE("E11: weights and padding fuse in front; live operands never") {
  const SlotsUsed used;
  CHECK(FuseInto(used, FusionKind::kDequantizeWeights).result ==
        FusionResult::kKernelScale);
  CHECK(FuseInto(used, FusionKind::kPadConstant).result ==
        FusionResult::kPadding);
  CHECK(Alone(FuseInto(used, FusionKind::kAddLive)));
  CHECK(Alone(FuseInto(used, FusionKind::kMultiplyLive)));
  CHECK(FuseInto(used, FusionKind::kConcat).result == FusionResult::kBoundary);
  CHECK(FuseInto(used, FusionKind::kAttention).result ==
        FusionResult::kSegmentCut);
}

TEST_CASE("E11: a concat writes in place on a constant positive axis") {
  CHECK(ConcatWritesInPlace(true, 1));
  CHECK(ConcatWritesInPlace(true, 0));
  CHECK_FALSE(ConcatWritesInPlace(true, -1));
  CHECK_FALSE(ConcatWritesInPlace(true, std::nullopt));
  CHECK_FALSE(ConcatWritesInPlace(false, 1));
}

TEST_CASE("E11: inverse transposes cancel") {
  CHECK(TransposesCancel({0, 2, 3, 1}, {0, 3, 1, 2}));
  CHECK_FALSE(TransposesCancel({0, 2, 3, 1}, {0, 2, 3, 1}));
  CHECK_FALSE(TransposesCancel({0, 1}, {0, 1, 2}));
  CHECK_FALSE(TransposesCancel({0, 1}, {0, 7}));
}

}  // namespace
}  // namespace aneref::engine
