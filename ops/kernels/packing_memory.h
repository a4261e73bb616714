// Memory of packed weights. They are made deep inside an op's lowering, which
// knows no session: whoever lowers says for his thread where they come from and
// how many bytes they may take.
#ifndef ANEREF_OPS_KERNELS_PACKING_MEMORY_H_
#define ANEREF_OPS_KERNELS_PACKING_MEMORY_H_

#include <cstddef>
#include <cstdint>

#include "runtime/core/block_source.h"
#include "runtime/core/status.h"

namespace aneref {

class PackingMemory;

// What AlignedBytes remember: where they came from and who counted them.
struct PackedOrigin {
  BlockSource source;
  const PackingMemory* counter = nullptr;
};

// While it lives, AlignedBytes that are made on its thread come from `source`
// and count; those that outlive it keep counting. The innermost one serves.
class PackingMemory {
 public:
  // `limit` 0: none. `used`: bytes that count already.
  PackingMemory(const BlockSource& source, uint64_t limit, uint64_t used = 0);
  ~PackingMemory();
  PackingMemory(const PackingMemory&) = delete;
  PackingMemory& operator=(const PackingMemory&) = delete;
  // Of this thread; null: the C++ heap, without a limit.
  static PackingMemory* Current();

  uint64_t used() const { return used_; }  // with those of the constructor
  // Why AllocatePacked threw std::bad_alloc: kLimit, kOutOfMemory, or
  // kInvalidArgument where the source gave an address that does not suit.
  Status Refusal() const;

 private:
  friend std::byte* AllocatePacked(size_t size, PackedOrigin* origin);
  friend void ReleasePacked(std::byte* data, size_t size,
                            const PackedOrigin& origin);

  BlockSource source_;
  uint64_t limit_;
  uint64_t used_;
  Status refusal_;
  PackingMemory* outer_;
};

// For AlignedBytes alone: `size` bytes, at least 1, at a multiple of 64, not
// zeroed. Where there are none or no more are allowed it throws std::bad_alloc,
// as operator new does.
std::byte* AllocatePacked(size_t size, PackedOrigin* origin);
void ReleasePacked(std::byte* data, size_t size, const PackedOrigin& origin);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_PACKING_MEMORY_H_
