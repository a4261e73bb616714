// See numerics_choice.h.
#include "runtime/exec/numerics_choice.h"

#include <algorithm>
#include <string_view>

#include "runtime/core/chip_profile.h"

namespace aneref {
namespace {

constexpr std::string_view kDevice = "device";

}  // namespace

bool IsDeviceNumerics(const std::string& text) {
  return text == kDevice || text.starts_with("device:");
}

Expected<Profile> DeviceProfileOf(const std::string& text, const Chip& chip) {
  Expected<Profile> profile = ProfileOf(chip);
  if (!profile.ok())
    return profile.status().WithContext("--numerics device, target " +
                                        chip.name);
  std::string rest = text.substr(std::min(kDevice.size() + 1, text.size()));
  if (text.size() == kDevice.size() + 1)
    return InvalidArgument("--numerics device: needs NAME=VALUE after ':'");
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const Status status = ApplyOption(&*profile, rest.substr(0, comma));
    if (!status.ok()) return status.WithContext("--numerics");
    rest.erase(0, comma + 1);
  }
  return profile;
}

Status ParseNumerics(const std::string& text, const Chip& chip,
                     Numerics* numerics,
                     std::shared_ptr<const DeviceContext>* device) {
  *numerics = Numerics::kPortable;
  *device = nullptr;
  if (text == "portable") return Status();
  if (text == "fp32") {
    *numerics = Numerics::kFp32;
    return Status();
  }
  if (text == "fast") {
    *numerics = Numerics::kFast;
    return Status();
  }
  if (!IsDeviceNumerics(text)) {
    return InvalidArgument("--numerics: unknown '" + text +
                           "', expected portable, fp32, device or fast");
  }
  *numerics = Numerics::kDevice;
  ANEREF_ASSIGN(Profile profile, DeviceProfileOf(text, chip));
  *device = std::make_shared<const DeviceContext>(std::move(profile));
  return Status();
}

}  // namespace aneref
