// The chip table as JSON, for programs: what `aneref targets --json` and
// aneref_targets say.
#ifndef ANEREF_RUNTIME_CORE_CHIP_JSON_H_
#define ANEREF_RUNTIME_CORE_CHIP_JSON_H_

#include "runtime/core/chip.h"
#include "runtime/core/json_writer.h"

namespace aneref {

// One array, an object per chip. Numerics options are the choices of an
// arithmetic that have a rival, with the chip's own; none without an engine.
void WriteChips(const std::vector<Chip>& chips, JsonWriter* json);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_CHIP_JSON_H_
