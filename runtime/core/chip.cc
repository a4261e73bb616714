// Reads the chip table; the embedded one once per process.
#include "runtime/core/chip.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <set>

#include "runtime/core/suggest.h"

namespace aneref {

// Made by cmake/embed.cmake from schema/data/chips.json.
extern const unsigned char kEmbeddedChips[];
extern const size_t kEmbeddedChipsSize;

namespace {

// "M1 Pro", "m1-pro" and "M1_PRO" are one name.
std::string Normalize(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ' ' || c == '-' || c == '_') continue;
    out.push_back(
        static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return out;
}

std::optional<double> Number(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.Find(key);
  const double* number = value ? value->AsNumber() : nullptr;
  return number ? std::optional<double>(*number) : std::nullopt;
}

// A count between 0 and 2^20; anything else reads as 0.
int Count(const JsonValue& object, std::string_view key) {
  const double number = Number(object, key).value_or(0);
  return number >= 0 && number <= 1048576 ? static_cast<int>(number) : 0;
}

Expected<Chip> ReadChip(const JsonValue& object) {
  Chip chip;
  chip.data = &object;
  chip.name = TextMember(object, "name");
  if (Normalize(chip.name).empty()) {
    return InvalidFile("", "a chip has no \"name\"");
  }
  chip.label = TextMember(object, "label");
  if (chip.label.empty()) chip.label = chip.name;
  chip.aliases = TextsMember(object, "aliases");
  chip.kind = TextMember(object, "kind");
  chip.soc = TextMember(object, "soc");
  chip.arch = TextMember(object, "arch");
  chip.compiler_target = TextMember(object, "compiler_target");
  chip.family = TextMember(object, "family_enum");
  if (const JsonValue* numerics = object.Find("numerics")) {
    chip.numerics_profile = TextMember(*numerics, "profile");
  }
  chip.devices = TextsMember(object, "devices");
  chip.cores = Count(object, "cores_marketed");
  chip.engines = Count(object, "engines");
  chip.tops = Number(object, "tops_marketed");
  chip.tops_note = TextMember(object, "tops_note");
  const JsonValue* coreml = object.Find("coreml");
  chip.coreml = coreml && coreml->AsBool() && *coreml->AsBool();
  return chip;
}

// The base with the overlay's members; objects join member by member.
JsonValue Merge(const JsonValue& base, const JsonValue& overlay) {
  const JsonValue::Object* below = base.AsObject();
  const JsonValue::Object* above = overlay.AsObject();
  if (below == nullptr || above == nullptr) return overlay;
  JsonValue::Object merged = *below;
  for (const auto& [key, value] : *above) {
    const auto found = std::find_if(
        merged.begin(), merged.end(),
        [&name = key](const auto& member) { return member.first == name; });
    if (found == merged.end()) {
      merged.emplace_back(key, value);
    } else {
      found->second = Merge(found->second, value);
    }
  }
  return JsonValue(std::move(merged));
}

// A chip of a user's file that says "like": another chip of the embedded
// table with some members of its own; further names are not inherited.
Expected<JsonValue> Inherit(const JsonValue& object) {
  const std::string like = TextMember(object, "like");
  if (like.empty()) return object;
  ANEREF_ASSIGN(const Chip* base, ChipTable::Embedded().Find(like));
  const JsonValue no_aliases(
      JsonValue::Object{{"aliases", JsonValue(JsonValue::Array())},
                        {"label", JsonValue(TextMember(object, "name"))}});
  return Merge(Merge(*base->data, no_aliases), object);
}

bool UsesLike(const JsonValue& root) {
  const JsonValue* list = root.Find("chips");
  if (list == nullptr || list->AsArray() == nullptr) return false;
  return std::any_of(
      list->AsArray()->begin(), list->AsArray()->end(),
      [](const JsonValue& chip) { return !TextMember(chip, "like").empty(); });
}

// The file's chips with what they inherit, and the embedded table's other
// tables where the file has none.
Expected<JsonValue> Complete(JsonValue root) {
  if (!UsesLike(root)) return root;
  JsonValue::Array chips;
  for (const JsonValue& object : *root.Find("chips")->AsArray()) {
    ANEREF_ASSIGN(JsonValue chip, Inherit(object));
    chips.push_back(std::move(chip));
  }
  const JsonValue completed(
      JsonValue::Object{{"chips", JsonValue(std::move(chips))}});
  return Merge(Merge(ChipTable::Embedded().root(), root), completed);
}

// Finds the tables that a chip refers to by compiler_target.
void LinkTarget(const JsonValue& root, Chip* chip) {
  const JsonValue* list = root.Find("targets");
  if (list == nullptr || list->AsArray() == nullptr) return;
  for (const JsonValue& target : *list->AsArray()) {
    if (chip->compiler_target.empty()) break;
    if (TextMember(target, "target") != chip->compiler_target) continue;
    chip->target = &target;
    const JsonValue* models = root.Find("engine_models");
    if (models) chip->engine_model = models->Find(TextMember(target, "arch"));
    return;
  }
}

}  // namespace

const ChipTable& ChipTable::Embedded() {
  static const Expected<ChipTable> table =
      Parse(std::string_view(reinterpret_cast<const char*>(kEmbeddedChips),
                             kEmbeddedChipsSize),
            "chips.json");
  ANEREF_CHECK(table.ok());  // our own data
  return *table;
}

Expected<ChipTable> ChipTable::Parse(std::string_view json,
                                     const std::string& name) {
  ANEREF_ASSIGN(JsonValue parsed, ParseJson(json, name));
  Expected<JsonValue> root = Complete(std::move(parsed));
  if (!root.ok()) return root.status().WithContext(name);
  ChipTable table;
  table.root_ = std::make_shared<const JsonValue>(std::move(root).value());
  const JsonValue* list = table.root_->Find("chips");
  if (list == nullptr || list->AsArray() == nullptr) {
    return InvalidFile("", name + ": no list \"chips\"");
  }
  std::set<std::string> names;
  for (const JsonValue& object : *list->AsArray()) {
    Expected<Chip> chip = ReadChip(object);
    if (!chip.ok()) return chip.status().WithContext(name);
    std::vector<std::string> spellings = chip->aliases;
    spellings.push_back(chip->name);
    for (const std::string& spelling : spellings) {
      if (names.insert(Normalize(spelling)).second) continue;
      return InvalidFile("",
                         name + ": two chips are called '" + spelling + "'");
    }
    LinkTarget(*table.root_, &*chip);
    table.chips_.push_back(std::move(chip).value());
  }
  return table;
}

Expected<const Chip*> ChipTable::Find(std::string_view name) const {
  const std::string wanted = Normalize(name);
  std::vector<std::string> known;
  for (const Chip& chip : chips_) {
    bool match =
        Normalize(chip.name) == wanted || Normalize(chip.label) == wanted;
    for (const std::string& alias : chip.aliases) {
      match = match || Normalize(alias) == wanted;
      known.push_back(alias);
    }
    known.push_back(chip.name);
    if (!match) continue;
    if (chip.coreml) return &chip;
    return Unsupported("chip '" + chip.name +
                       "' has no engine that Core ML can use");
  }
  std::string lower(name);  // blanks and dashes count here: names have them
  for (char& c : lower) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  const std::vector<std::string> near = NearMatches(lower, known);
  return InvalidArgument(
      "unknown chip '" + std::string(name) + "'" +
      (near.empty() ? "" : ", did you mean " + JoinNames(near) + "?") +
      " (aneref targets lists all)");
}

}  // namespace aneref
