// Read-only view of the chip table (schema/data/chips.json, embedded at build
// time, or a file of the user's): which chips exist and what they are called.
// Knows no rules; limits and profiles are read by key from `data`.
#ifndef ANEREF_RUNTIME_CORE_CHIP_H_
#define ANEREF_RUNTIME_CORE_CHIP_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/json.h"
#include "runtime/core/status.h"

namespace aneref {

struct Chip {
  std::string name;                  // what --target takes: "m1", "m1-pro"
  std::string label;                 // as sold: "M1 Pro"
  std::vector<std::string> aliases;  // "h13", "t8103"
  std::string kind;                  // phone, mac, watch
  std::string soc;                   // "T8103"; empty: unknown
  std::string arch;                  // engine architecture: "H13"
  std::string compiler_target;       // key of the compiler's tables: "H13g"
  std::string family;                // compiler family; no phone chip's name
  std::string numerics_profile;      // "h13", "h15", "h16"
  std::vector<std::string> devices;
  int cores = 0;  // per chip, as marketed
  int engines = 0;
  std::optional<double> tops;  // marketed 10^12 operations per second
  std::string tops_note;
  bool coreml = false;              // reachable through Core ML
  const JsonValue* data = nullptr;  // the whole object; owned by the table
  // The compiler's tables of compiler_target and the engine model of their
  // architecture; null where the table has none. Owned by the table.
  const JsonValue* target = nullptr;
  const JsonValue* engine_model = nullptr;
};

// Immutable. Chips live as long as their table.
class ChipTable {
 public:
  // The table that is part of this build.
  static const ChipTable& Embedded();
  // kInvalidFile: not JSON, a missing or ill-typed key, a name given twice.
  // A chip that says "like": "m4" is that chip with the members it gives.
  static Expected<ChipTable> Parse(std::string_view json,
                                   const std::string& name);

  const std::vector<Chip>& chips() const { return chips_; }
  const JsonValue& root() const { return *root_; }  // the whole file
  // By name, label or alias; case, blanks, '-' and '_' do not matter.
  // kInvalidArgument names the nearest ones; kUnsupported: a chip without an
  // engine that models can reach.
  Expected<const Chip*> Find(std::string_view name) const;

 private:
  ChipTable() = default;
  std::shared_ptr<const JsonValue> root_;
  std::vector<Chip> chips_;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_CHIP_H_
