// Memory of packed weights. They are made deep inside an op's lowering, which
// knows no session: whoever lowers says for his thread where they come from and
// how many bytes they may take.
#ifndef ANEREF_OPS_KERNELS_PACKING_MEMORY_H_
#define ANEREF_OPS_KERNELS_PACKING_MEMORY_H_

#include <cstdint>

#include "runtime/core/block_source.h"
#include "runtime/core/status.h"

namespace aneref {

// While it lives, AlignedBytes that are made on its thread come from `source`
// and count; those that outlive it keep counting. The innermost one serves.
class PackingMemory {
 public:
  PackingMemory(const BlockSource& source, uint64_t limit);  // 0: no limit
  ~PackingMemory();
  PackingMemory(const PackingMemory&) = delete;
  PackingMemory& operator=(const PackingMemory&) = delete;
  // Of this thread; null: the C++ heap, without a limit.
  static PackingMemory* Current();

  const BlockSource& source() const { return source_; }
  // `bytes` more are wanted, or have been given back. False: over the limit,
  // and refusal() says so.
  bool Take(uint64_t bytes);
  void Return(uint64_t bytes) { used_ -= bytes; }
  uint64_t used() const { return used_; }

  // Why an allocation threw std::bad_alloc. kLimit: Take said no;
  // kOutOfMemory: the source had nothing.
  Status Refusal() const;

 private:
  BlockSource source_;
  uint64_t limit_;
  uint64_t used_ = 0;
  uint64_t refused_ = 0;  // what the total would have been; 0: nothing was
  PackingMemory* outer_;
};

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_PACKING_MEMORY_H_
