// See memory_block.h.
#include "runtime/exec/memory_block.h"

#include <algorithm>
#include <string>

#include "runtime/plan/memory.h"

namespace aneref {
namespace {

Status NoMemory(uint64_t bytes) {
  return Status(StatusCode::kOutOfMemory, "",
                "no memory for " + std::to_string(bytes) + " bytes");
}

}  // namespace

void BlockDeleter::operator()(std::byte* memory) const {
  if (source.allocate == nullptr) {
    std::free(memory);
  } else {
    source.release(source.user, memory, bytes, kMemoryGranule);
  }
}

Expected<MemoryBlock> AllocateBlock(uint64_t bytes, const BlockSource& source) {
  if (bytes > PTRDIFF_MAX - kMemoryGranule) return NoMemory(bytes);
  const uint64_t size = AlignUp(std::max<uint64_t>(bytes, 1));
  void* memory = source.allocate == nullptr
                     ? std::aligned_alloc(kMemoryGranule, size)
                     : source.allocate(source.user, size, kMemoryGranule);
  if (memory == nullptr) return NoMemory(bytes);
  MemoryBlock block(static_cast<std::byte*>(memory),
                    BlockDeleter{source, size});
  if (reinterpret_cast<uintptr_t>(memory) % kMemoryGranule != 0) {
    return InvalidArgument(
        "the allocator gave an address that is no multiple of " +
        std::to_string(kMemoryGranule));
  }
  std::fill_n(block.get(), size, std::byte{0});
  return block;
}

Status CheckAvailable(uint64_t bytes) {
  if (bytes > PTRDIFF_MAX) return NoMemory(bytes);
  // Volatile: compilers may leave out an allocation that nobody uses.
  void* volatile probe = std::malloc(static_cast<size_t>(bytes));
  if (probe == nullptr && bytes > 0) return NoMemory(bytes);
  std::free(probe);
  return Status();
}

Status MemoryBudget::Take(uint64_t bytes, const char* what) {
  used_ += bytes;
  if (limit_ == 0 || used_ <= limit_) return Status();
  return LimitError(std::string(what) + " would bring memory to " +
                    std::to_string(used_) + " bytes, " +
                    std::to_string(limit_) + " are allowed (--max-memory)");
}

}  // namespace aneref
