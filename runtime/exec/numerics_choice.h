// The words of --numerics: "portable", "fp32", "device",
// "device:NAME=VALUE,...".
#ifndef ANEREF_RUNTIME_EXEC_NUMERICS_CHOICE_H_
#define ANEREF_RUNTIME_EXEC_NUMERICS_CHOICE_H_

#include <memory>
#include <string>

#include "ops/device.h"
#include "runtime/core/chip.h"
#include "runtime/core/profile.h"
#include "runtime/plan/specialize.h"

namespace aneref {

bool IsDeviceNumerics(const std::string& text);

// The chip's arithmetic with the options after "device:". kInvalidArgument: an
// unknown option; kUnsupported: a chip without an engine.
Expected<Profile> DeviceProfileOf(const std::string& text, const Chip& chip);

// kInvalidArgument: none of these words.
Status ParseNumerics(const std::string& text, const Chip& chip,
                     Numerics* numerics,
                     std::shared_ptr<const DeviceContext>* device);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_NUMERICS_CHOICE_H_
