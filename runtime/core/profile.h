// Which of the engine's arithmetics a session follows: plain data that names
// algorithms, one field per choice, read from the `numerics` object of the chip
// table. The algorithms exist once, in accumulator.h, numerics.h and
// activation_table.h; nothing here computes. Every modelled choice that has a
// rival is an option with a name (N14, N20, N21, N37, N41).
#ifndef ANEREF_RUNTIME_CORE_PROFILE_H_
#define ANEREF_RUNTIME_CORE_PROFILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/core/json.h"
#include "runtime/core/status.h"

namespace aneref {

enum class MacAccumulator : uint8_t {
  kRadix4W12,  // N10-N13: groups of four in a 12-bit window, then binary32
  kQ15_16,     // N15-N19: 32-bit fixed point in units of 2^-16
};

enum class Rounding : uint8_t {
  kNearestEven,  // RNE16
  kHalfAway,     // RHA16
};

// How the 12-bit window cuts an operand (N10); all three fit every probe (N14).
enum class WindowCut : uint8_t { kNearestEven, kTruncate, kFloor };

// Which list elements form a group of four (N11); both fit every probe (N14).
enum class GroupLanes : uint8_t { kConsecutive, kStrided16 };

// Where a table lookup rounds (N41).
enum class TableRounding : uint8_t { kOnce, kSteps };

struct Profile {
  std::string name = "h13";
  MacAccumulator mac = MacAccumulator::kRadix4W12;
  // Everything outside the accumulator: planar engine, tables (N23, N41).
  Rounding rounding = Rounding::kNearestEven;
  WindowCut window_cut = WindowCut::kNearestEven;
  GroupLanes group_lanes = GroupLanes::kConsecutive;
  TableRounding table_rounding = TableRounding::kOnce;
  bool bias_preload = false;        // N21: the accumulator starts at the bias
  bool single_tap_exempt = true;    // N20: a conv of one tap has no ceiling
  bool width_slice_x16 = true;      // N28
  bool keep_denormals = false;      // N16: no product is dropped, unit 2^-48
  bool mul_reduce_as_mac = true;    // N24: mul then reduce_sum is a MAC
  bool refused_from_pieces = true;  // N37: ops without an engine form
  bool int8_accumulator = false;    // N65: int8 x int8 on the engine
  bool fp8_e4m3 = false;            // N67
  std::string provenance;           // of the chip's choices, for people
};

// The profile of a chip: its `numerics` object in the chip table.
// kInvalidFile: a missing key or an unknown value; kUnsupported: null (no
// engine).
Expected<Profile> ProfileOf(const JsonValue& numerics);

// "h13", "h15" or "h16" with default options, for any chip (N14).
Expected<Profile> NamedProfile(std::string_view name);

// Selects a rival: "mac=q15_16". kInvalidArgument names what exists.
Status ApplyOption(Profile* profile, std::string_view assignment);

struct ProfileOption {
  const char* name;
  const char* rule;
  const char* label;  // of the default: "measured", "modelled" …
  const char* about;  // one sentence
  std::span<const char* const> values;
};

// All options, in a fixed order, for `targets --json` and help texts.
std::span<const ProfileOption> ProfileOptions();
// The value that `profile` has for ProfileOptions()[index].
const char* OptionValue(const Profile& profile, size_t index);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_PROFILE_H_
