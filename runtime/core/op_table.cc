// Reads the op table; the embedded one once per process.
#include "runtime/core/op_table.h"

#include <cstddef>

#include "runtime/core/json.h"

namespace aneref {

// Made by cmake/embed.cmake from schema/data/ops.json.
extern const unsigned char kEmbeddedOps[];
extern const size_t kEmbeddedOpsSize;

namespace {

constexpr const char* kStatusNames[] = {"native", "bridge", "gated", "none",
                                        "ane",    "cpu",    "-"};
constexpr const char* kColumnKeys[kNumOpColumns] = {"h13", "h14", "h15", "h16",
                                                    "coreml"};

std::string Text(const JsonValue* object, std::string_view key) {
  return object == nullptr ? std::string() : TextMember(*object, key);
}

Expected<OpStatus> ReadStatus(const JsonValue* statuses, const char* column,
                              const std::string& op) {
  const std::string text = Text(statuses, column);
  for (size_t i = 0; i < std::size(kStatusNames); ++i) {
    if (text == kStatusNames[i]) return static_cast<OpStatus>(i);
  }
  return InvalidFile("", "op '" + op + "', column '" + column +
                             "': unknown status '" + text + "'");
}

Expected<OpRow> ReadRow(const JsonValue& object) {
  OpRow row;
  row.name = Text(&object, "name");
  if (row.name.empty()) return InvalidFile("", "an op has no \"name\"");
  row.category = Text(&object, "class");
  for (size_t column = 0; column < kNumOpColumns; ++column) {
    ANEREF_ASSIGN(
        row.status[column],
        ReadStatus(object.Find("status"), kColumnKeys[column], row.name));
  }
  const JsonValue* floor = object.Find("floor");
  if (floor != nullptr && floor->AsNumber() != nullptr)
    row.floor = static_cast<int>(*floor->AsNumber());
  row.source = Text(&object, "source");
  row.provenance = Text(&object, "provenance");
  row.note = Text(&object, "note");
  row.rewrite = Text(&object, "rewrite");
  return row;
}

}  // namespace

const char* OpStatusName(OpStatus status) {
  return kStatusNames[static_cast<size_t>(status)];
}

const OpTable& OpTable::Embedded() {
  static const Expected<OpTable> table =
      Parse(std::string_view(reinterpret_cast<const char*>(kEmbeddedOps),
                             kEmbeddedOpsSize),
            "ops.json");
  ANEREF_CHECK(table.ok());  // our own data
  return *table;
}

Expected<OpTable> OpTable::Parse(std::string_view json,
                                 const std::string& name) {
  ANEREF_ASSIGN(const JsonValue root, ParseJson(json, name));
  const JsonValue* list = root.Find("ops");
  if (list == nullptr || list->AsArray() == nullptr)
    return InvalidFile("", name + ": no list \"ops\"");
  OpTable table;
  for (const JsonValue& object : *list->AsArray()) {
    Expected<OpRow> row = ReadRow(object);
    if (!row.ok()) return row.status().WithContext(name);
    if (!table.index_.emplace(row->name, table.rows_.size()).second)
      return InvalidFile("", name + ": two ops are called '" + row->name + "'");
    table.rows_.push_back(std::move(row).value());
  }
  const JsonValue* meta = root.Find("meta");
  const JsonValue* columns = meta == nullptr ? nullptr : meta->Find("columns");
  for (size_t column = 0; columns != nullptr && column < kNumOpColumns;
       ++column) {
    table.column_provenance_[column] =
        Text(columns->Find(kColumnKeys[column]), "provenance");
  }
  return table;
}

const OpRow* OpTable::Find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &rows_[found->second];
}

OpColumn OpColumnOf(int family_index) {
  if (family_index <= 2) return kH13;
  if (family_index == 3) return kH14;
  return family_index == 4 ? kH15 : kH16;
}

}  // namespace aneref
