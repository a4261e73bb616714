// The arithmetic of a chip's engine as the chip table has it. Apart from
// chip.h, which knows no numerics, and profile.h, which knows no chips.
#ifndef ANEREF_RUNTIME_CORE_CHIP_PROFILE_H_
#define ANEREF_RUNTIME_CORE_CHIP_PROFILE_H_

#include "runtime/core/chip.h"
#include "runtime/core/profile.h"

namespace aneref {

// As ProfileOf; kUnsupported or kInvalidFile where the chip has no engine whose
// arithmetic is known.
inline Expected<Profile> ProfileOf(const Chip& chip) {
  const JsonValue* table = chip.data->Find("numerics");
  return ProfileOf(table == nullptr ? JsonValue() : *table);
}

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_CHIP_PROFILE_H_
