// Probes: small questions to a device with the device's answers (the format is
// docs/probes-format.md). Each is asked of this program: numeric ones through
// sessions, others of the functions that carry their rule.
#ifndef ANEREF_TOOLS_PROBE_H_
#define ANEREF_TOOLS_PROBE_H_

#include <memory>
#include <string>
#include <vector>

#include "ops/device.h"
#include "runtime/core/chip.h"
#include "runtime/core/json.h"
#include "runtime/core/status.h"

namespace aneref::tool {

struct Probe {
  std::string id;  // its first letter is the section: n, w, l, e, v, c
  std::vector<std::string> chips;  // "M1", "H13"; "*": every chip
  std::string op;
  std::string kind;  // of what is expected
  std::string rule, source, label, note;
  bool built_in = false;  // else from a file of the user's
  const JsonValue* inputs = nullptr;
  const JsonValue* expect = nullptr;
};

// The probes of a file; they point into `root`. kInvalidFile names the probe
// and the key that is missing or of another type.
Expected<std::vector<Probe>> ReadProbes(const JsonValue& root,
                                        const std::string& name);

enum class ProbeOutcome { kPass, kDiffers, kNotApplicable };
const char* OutcomeName(ProbeOutcome outcome);

struct ProbeResult {
  ProbeOutcome outcome = ProbeOutcome::kNotApplicable;
  std::string measured;  // what the device gave
  std::string ours;      // empty: not computed
  std::string through;   // "session", "rule", "engine model", …
  std::string reason;    // of kNotApplicable and kDiffers: the missing piece
};

ProbeResult NotApplicable(const Probe& probe, const std::string& reason);

// One answer of ours against what the probe expects: bits of one or several
// values, or a number.
ProbeResult CompareBits(const Probe& probe, const std::vector<uint16_t>& ours,
                        const std::string& through);
ProbeResult CompareNumber(const Probe& probe, double ours,
                          const std::string& through);
ProbeResult CompareTexts(const Probe& probe,
                         const std::vector<std::string>& ours,
                         const std::string& through);

// fp16 bits of a value of the file: a number, "inf", "-inf", "nan", "-0" or
// hexadecimal bits. False: none of these.
bool ReadHalf(const JsonValue& value, uint16_t* bits);
// A list given as values, as a repeated pattern or as a concatenation.
bool ReadHalves(const JsonValue& inputs, std::vector<uint16_t>* bits);
// A numeric member, or `fallback`.
double NumberOr(const JsonValue& object, const char* key, double fallback);
// The same as an integer; what is outside [low, high] becomes the bound.
struct IntegerRange {
  int64_t low, high;
};
int64_t IntegerOr(const JsonValue& object, const char* key, int64_t fallback,
                  IntegerRange range);

using Device = std::shared_ptr<const DeviceContext>;
ProbeResult ReplayNumericProbe(const Probe& probe, const Device& device);
ProbeResult ReplayWeightProbe(const Probe& probe, const Chip& chip);
ProbeResult ReplayEngineProbe(const Probe& probe, const Chip& chip);

// On one chip. A chip that the probe was not measured on: not applicable.
ProbeResult ReplayProbe(const Probe& probe, const Chip& chip,
                        const Device& device);
bool IsMeasuredOn(const Probe& probe, const Chip& chip);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_PROBE_H_
