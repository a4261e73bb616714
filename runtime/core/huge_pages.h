// Large blocks of memory: where the system has huge pages, a block of 2 MiB and
// more asks for them, so that streaming through it does not wait for the table
// of pages. Memory use is the same but for what a block never touches.
#ifndef ANEREF_RUNTIME_CORE_HUGE_PAGES_H_
#define ANEREF_RUNTIME_CORE_HUGE_PAGES_H_

#include <cstddef>

namespace aneref {

inline constexpr size_t kHugePage = size_t{2} << 20;

// The alignment that a block of `bytes` wants: `least`, or a huge page's.
inline size_t BlockAlignment(size_t bytes, size_t least) {
  return bytes >= kHugePage ? kHugePage : least;
}

// Asks for huge pages in the whole ones of [data, data + bytes). Before the
// memory is touched; a system without them ignores it.
void AdviseHugePages(void* data, size_t bytes);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_HUGE_PAGES_H_
