// See packing_memory.h.
#include "ops/kernels/packing_memory.h"

#include <algorithm>
#include <new>
#include <string>

#include "runtime/core/huge_pages.h"

namespace aneref {
namespace {

constexpr size_t kAlignment = 64;

// Of the lowering that runs on this thread.
thread_local PackingMemory* current = nullptr;

std::align_val_t HeapAlignment(size_t size) {
  return std::align_val_t{BlockAlignment(size, kAlignment)};
}

std::byte* FromHeap(size_t size) {
  void* data = ::operator new(size, HeapAlignment(size));
  if (size >= kHugePage) AdviseHugePages(data, size);
  return static_cast<std::byte*>(data);
}

// Sources are asked for whole granules, as for every other block.
size_t Granules(size_t size) {
  return (size + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

PackingMemory::PackingMemory(const BlockSource& source, uint64_t limit,
                             uint64_t used)
    : source_(source), limit_(limit), used_(used), outer_(current) {
  current = this;
}

PackingMemory::~PackingMemory() { current = outer_; }

PackingMemory* PackingMemory::Current() { return current; }

Status PackingMemory::Refusal() const {
  if (!refusal_.ok()) return refusal_;
  return Status(StatusCode::kOutOfMemory, "", "no memory for packed weights");
}

std::byte* AllocatePacked(size_t size, PackedOrigin* origin) {
  *origin = {};
  PackingMemory* const from = current;
  if (from == nullptr) return FromHeap(size);
  if (from->limit_ != 0 &&
      (from->used_ >= from->limit_ || size > from->limit_ - from->used_)) {
    from->refusal_ = LimitError("packed weights would bring memory to " +
                                std::to_string(from->used_ + size) +
                                " bytes, " + std::to_string(from->limit_) +
                                " are allowed (--max-memory)");
    throw std::bad_alloc();
  }
  const BlockSource& source = from->source_;
  std::byte* data = nullptr;
  if (source.allocate == nullptr) {
    data = FromHeap(size);
  } else {
    if (size <= SIZE_MAX - kAlignment) {
      data = static_cast<std::byte*>(
          source.allocate(source.user, Granules(size), kAlignment));
    }
    if (data == nullptr) throw std::bad_alloc();
    if (reinterpret_cast<uintptr_t>(data) % kAlignment != 0) {
      source.release(source.user, data, Granules(size), kAlignment);
      from->refusal_ = InvalidArgument(
          "the allocator gave an address that is no multiple of " +
          std::to_string(kAlignment));
      throw std::bad_alloc();
    }
  }
  from->used_ += size;
  *origin = {source, from};
  return data;
}

void ReleasePacked(std::byte* data, size_t size, const PackedOrigin& origin) {
  if (current != nullptr && origin.counter == current)
    current->used_ -= std::min<uint64_t>(size, current->used_);
  const BlockSource& source = origin.source;
  if (source.allocate == nullptr) {
    ::operator delete(data, HeapAlignment(size));
  } else {
    source.release(source.user, data, Granules(size), kAlignment);
  }
}

}  // namespace aneref
