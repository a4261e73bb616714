// Which ops each engine generation has: a read-only view of the op table
// (schema/data/ops.json, embedded at build time). What a status means for one
// op of a network is decided by runtime/plan/placement, not here.
#ifndef ANEREF_RUNTIME_CORE_OP_TABLE_H_
#define ANEREF_RUNTIME_CORE_OP_TABLE_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/status.h"

namespace aneref {

enum class OpStatus : uint8_t {
  kNative,    // an engine operation
  kBridge,    // through the older layer route, the compiler or the host
  kGated,     // known to the validator, not run by this generation
  kNone,      // no path
  kAccepted,  // Core ML column: the engine is in the list of the op
  kRefused,   // Core ML column: it is not
  kUntested,
};
const char* OpStatusName(OpStatus status);  // as in the file: "native", "-"

// Columns of the table.
enum OpColumn : size_t { kH13, kH14, kH15, kH16, kCoreMl, kNumOpColumns };

struct OpRow {
  std::string name;      // "conv", "scaled_dot_product_attention"
  std::string category;  // "elementwise"
  std::array<OpStatus, kNumOpColumns> status;
  int floor = 0;           // lowest compiler family index that has it (V99)
  std::string source;      // "guide appA"
  std::string provenance;  // empty: as the columns say
  std::string note;
  std::string rewrite;  // what gives the same from native ops; empty: none
};

// Immutable.
class OpTable {
 public:
  static const OpTable& Embedded();
  // kInvalidFile: not JSON, a missing key, an unknown status, a name twice.
  static Expected<OpTable> Parse(std::string_view json,
                                 const std::string& name);

  const std::vector<OpRow>& rows() const { return rows_; }
  const OpRow* Find(std::string_view name) const;  // null: no such op
  // Provenance of the values of one column, as the table states it.
  const std::string& ColumnProvenance(OpColumn column) const {
    return column_provenance_[column];
  }

 private:
  OpTable() = default;
  std::vector<OpRow> rows_;
  std::map<std::string, size_t, std::less<>> index_;
  std::array<std::string, kNumOpColumns> column_provenance_;
};

// The column of a compiler family index (chips.json, family_index).
OpColumn OpColumnOf(int family_index);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_OP_TABLE_H_
