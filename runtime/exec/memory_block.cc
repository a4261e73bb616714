// See memory_block.h.
#include "runtime/exec/memory_block.h"

#include <algorithm>
#include <string>

#include "runtime/plan/memory.h"

namespace aneref {

Expected<MemoryBlock> AllocateBlock(uint64_t bytes) {
  const uint64_t size = AlignUp(std::max<uint64_t>(bytes, 1));
  auto* memory =
      static_cast<std::byte*>(std::aligned_alloc(kMemoryGranule, size));
  if (memory == nullptr) {
    return Status(StatusCode::kOutOfMemory, "",
                  "no memory for " + std::to_string(bytes) + " bytes");
  }
  std::fill_n(memory, size, std::byte{0});
  return MemoryBlock(memory);
}

Status MemoryBudget::Take(uint64_t bytes, const char* what) {
  used_ += bytes;
  if (limit_ == 0 || used_ <= limit_) return Status();
  return LimitError(std::string(what) + " would bring memory to " +
                    std::to_string(used_) + " bytes, " +
                    std::to_string(limit_) + " are allowed (--max-memory)");
}

}  // namespace aneref
