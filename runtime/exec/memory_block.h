// One zeroed, 64-byte aligned block of a session, where such blocks come from,
// and the limit that all of a session's blocks share.
#ifndef ANEREF_RUNTIME_EXEC_MEMORY_BLOCK_H_
#define ANEREF_RUNTIME_EXEC_MEMORY_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "runtime/core/block_source.h"
#include "runtime/core/status.h"

namespace aneref {

struct BlockDeleter {
  BlockSource source;
  size_t bytes = 0;
  void operator()(std::byte* memory) const;
};
using MemoryBlock = std::unique_ptr<std::byte[], BlockDeleter>;

// Zeroed, so that row padding never shows another run's data. kOutOfMemory.
Expected<MemoryBlock> AllocateBlock(uint64_t bytes,
                                    const BlockSource& source = {});

// kOutOfMemory where the system refuses so many bytes at once. Takes none.
Status CheckAvailable(uint64_t bytes);

// --max-memory: counts what a session holds.
class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t limit) : limit_(limit) {}  // 0: no limit
  // Counts `bytes` more. kLimit, naming `what` and both numbers.
  Status Take(uint64_t bytes, const char* what);

 private:
  uint64_t limit_;
  uint64_t used_ = 0;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_MEMORY_BLOCK_H_
