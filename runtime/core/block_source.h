// Where large blocks of memory come from: the C heap, or functions of the
// program that embeds us.
#ifndef ANEREF_RUNTIME_CORE_BLOCK_SOURCE_H_
#define ANEREF_RUNTIME_CORE_BLOCK_SOURCE_H_

#include <cstddef>

namespace aneref {

// All null: the heap. `allocate` gives null when it has nothing; neither
// throws.
struct BlockSource {
  void* user = nullptr;
  void* (*allocate)(void* user, size_t bytes, size_t alignment) = nullptr;
  void (*release)(void* user, void* memory, size_t bytes,
                  size_t alignment) = nullptr;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_BLOCK_SOURCE_H_
