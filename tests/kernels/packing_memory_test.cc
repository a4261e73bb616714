// Where packed weights come from, and how many bytes they may take.
#include "ops/kernels/packing_memory.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

#include "ops/kernels/gemm.h"

namespace aneref {
namespace {

struct Heap {
  int live = 0;
  size_t last_bytes = 0;
  size_t shift = 0;
  bool empty = false;

  BlockSource Source() {
    return {
        this,
        [](void* user, size_t bytes, size_t alignment) -> void* {
          auto* heap = static_cast<Heap*>(user);
          if (heap->empty) return nullptr;
          ++heap->live;
          heap->last_bytes = bytes;
          return static_cast<char*>(std::aligned_alloc(alignment, bytes + 64)) +
                 heap->shift;
        },
        [](void* user, void* memory, size_t, size_t) {
          auto* heap = static_cast<Heap*>(user);
          --heap->live;
          std::free(static_cast<char*>(memory) - heap->shift);
        }};
  }
};

}  // namespace

TEST_CASE("packing: bytes come from the source and go back to it") {
  Heap heap;
  AlignedBytes kept;
  {
    const PackingMemory memory(heap.Source(), 0);
    kept = AlignedBytes(100);
    CHECK_EQ(heap.last_bytes, 128u);  // whole granules of 64
    { const AlignedBytes passing(50); }
    const AlignedBytes none(0);
    CHECK_EQ(heap.live, 1);
    CHECK_EQ(memory.used(), 100u);
  }
  const AlignedBytes elsewhere(10);  // nobody's: from the C++ heap
  CHECK_EQ(heap.live, 1);
  AlignedBytes moved = std::move(kept);
  kept = AlignedBytes();
  CHECK_EQ(heap.live, 1);
  moved = AlignedBytes();
  CHECK_EQ(heap.live, 0);
}

TEST_CASE("packing: the limit is met exactly and not passed") {
  const PackingMemory memory({}, 1000);
  const AlignedBytes first(600), second(400);
  CHECK_EQ(memory.used(), 1000u);
  CHECK_THROWS_AS(AlignedBytes(1), std::bad_alloc);
  CHECK_EQ(memory.Refusal().code(), StatusCode::kLimit);
  CHECK_EQ(memory.Refusal().message(),
           "packed weights would bring memory to 1001 bytes, 1000 are allowed "
           "(--max-memory)");
  CHECK_THROWS_AS(AlignedBytes(SIZE_MAX), std::bad_alloc);
}

TEST_CASE("packing: a source without memory and one that does not align") {
  Heap heap;
  const PackingMemory memory(heap.Source(), 0);
  heap.empty = true;
  CHECK_THROWS_AS(AlignedBytes(1), std::bad_alloc);
  CHECK_EQ(memory.Refusal().code(), StatusCode::kOutOfMemory);
  heap.empty = false;
  heap.shift = 8;
  CHECK_THROWS_AS(AlignedBytes(1), std::bad_alloc);
  CHECK_EQ(memory.Refusal().code(), StatusCode::kInvalidArgument);
  CHECK_EQ(heap.live, 0);
  CHECK_EQ(memory.used(), 0u);
}

TEST_CASE("packing: the innermost memory serves") {
  const PackingMemory outer({}, 0);
  {
    const PackingMemory inner({}, 0);
    const AlignedBytes bytes(10);
    CHECK_EQ(inner.used(), 10u);
  }
  const AlignedBytes bytes(20);
  CHECK_EQ(outer.used(), 20u);
  CHECK(PackingMemory::Current() == &outer);
}

}  // namespace aneref
