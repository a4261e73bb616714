// See chip_json.h.
#include "runtime/core/chip_json.h"

#include "runtime/core/chip_profile.h"

namespace aneref {
namespace {

void WriteTextOrNull(const char* key, const std::string& text,
                     JsonWriter* json) {
  json->Key(key);
  text.empty() ? json->Null() : json->Value(text);
}

void WriteNumericsOptions(const Chip& chip, JsonWriter* json) {
  json->BeginArray();
  const Expected<Profile> profile = ProfileOf(chip);
  for (size_t i = 0; profile.ok() && i < ProfileOptions().size(); ++i) {
    const ProfileOption& option = ProfileOptions()[i];
    json->BeginObject();
    json->Member("name", option.name);
    json->Member("value", OptionValue(*profile, i));
    json->Key("values");
    json->BeginArray();
    for (const char* value : option.values) json->Value(value);
    json->EndArray();
    json->Member("rule", option.rule);
    json->Member("about", option.about);
    json->EndObject();
  }
  json->EndArray();
}

void WriteChip(const Chip& chip, JsonWriter* json) {
  json->BeginObject();
  json->Member("name", chip.name);
  WriteTextOrNull("arch", chip.arch, json);
  json->Member("cores", chip.cores);
  WriteTextOrNull("family", chip.family, json);
  json->Member("tops", chip.tops);
  WriteTextOrNull("tops_note", chip.tops_note, json);
  json->Member("label", chip.label);
  json->Member("aliases", chip.aliases);
  WriteTextOrNull("kind", chip.kind, json);
  WriteTextOrNull("soc", chip.soc, json);
  WriteTextOrNull("compiler_target", chip.compiler_target, json);
  json->Member("engines", chip.engines);
  WriteTextOrNull("numerics_profile", chip.numerics_profile, json);
  json->Key("numerics_options");
  WriteNumericsOptions(chip, json);
  json->Member("coreml", chip.coreml);
  json->Member("devices", chip.devices);
  json->EndObject();
}

}  // namespace

void WriteChips(const std::vector<Chip>& chips, JsonWriter* json) {
  json->BeginArray();
  for (const Chip& chip : chips) WriteChip(chip, json);
  json->EndArray();
}

}  // namespace aneref
