// See handles.h.
#include "runtime/capi/handles.h"

#include <climits>

namespace aneref::capi {
namespace {

// Bits of a handle: 1, then the slot, then the generation.
constexpr int kSlotBits = sizeof(uintptr_t) >= 8 ? 24 : 14;
constexpr int kGenerationBits =
    static_cast<int>(sizeof(uintptr_t) * CHAR_BIT) - kSlotBits - 1;
constexpr uintptr_t kMostSlots = uintptr_t{1} << kSlotBits;
constexpr uintptr_t kGenerationMask = (uintptr_t{1} << kGenerationBits) - 1;

}  // namespace

HandleTable& HandleTable::Global() {
  static auto* table = new HandleTable;
  return *table;
}

uintptr_t HandleTable::Insert(HandleKind kind, std::shared_ptr<void> object) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (free_.empty()) {
    if (slots_.size() == kMostSlots) throw std::bad_alloc();
    free_.reserve(slots_.size() + 1);  // Remove must not allocate
    slots_.emplace_back();
    free_.push_back(slots_.size() - 1);
  }
  const size_t place = free_.back();
  free_.pop_back();
  Slot& slot = slots_[place];
  slot.kind = kind;
  slot.object = std::move(object);
  return (slot.generation << (kSlotBits + 1)) | (place << 1) | 1;
}

HandleTable::Slot* HandleTable::Look(HandleKind kind, uintptr_t handle) {
  const uintptr_t place = (handle >> 1) & (kMostSlots - 1);
  if ((handle & 1) == 0 || place >= slots_.size()) return nullptr;
  Slot& slot = slots_[place];
  const bool same = slot.object != nullptr && slot.kind == kind &&
                    slot.generation == handle >> (kSlotBits + 1);
  return same ? &slot : nullptr;
}

std::shared_ptr<void> HandleTable::Find(HandleKind kind, uintptr_t handle) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const Slot* slot = Look(kind, handle);
  return slot != nullptr ? slot->object : nullptr;
}

std::shared_ptr<void> HandleTable::Remove(HandleKind kind, uintptr_t handle) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Slot* slot = Look(kind, handle);
  if (slot == nullptr) return nullptr;
  std::shared_ptr<void> object = std::move(slot->object);
  slot->object = nullptr;
  slot->generation = (slot->generation + 1) & kGenerationMask;
  free_.push_back(static_cast<size_t>(slot - slots_.data()));
  return object;
}

}  // namespace aneref::capi
