// See host_processor.h.
#include "ops/kernels/host_processor.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

#include <cstring>
#endif

namespace aneref {
namespace {

bool IsIntel() {
#if defined(__x86_64__) || defined(__i386__)
  unsigned leaf = 0, name[3] = {};  // the vendor's name: ebx, edx, ecx
  if (__get_cpuid(0, &leaf, &name[0], &name[2], &name[1]) == 0) return false;
  return std::memcmp(name, "GenuineIntel", sizeof(name)) == 0;
#else
  return false;
#endif
}

}  // namespace

const HostProcessor& ThisProcessor() {
  static const HostProcessor processor = [] {
    const bool intel = IsIntel();
    return HostProcessor{intel, intel, intel};
  }();
  return processor;
}

}  // namespace aneref
