// aneref targets: the chip table.
#include <cstdio>
#include <memory>

#include "runtime/core/chip_profile.h"
#include "runtime/core/suggest.h"
#include "tools/output.h"
#include "tools/table.h"
#include "tools/verb.h"

namespace aneref::tool {
namespace {

Json TextOrNull(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

// Every modelled choice that has a rival, with the chip's own.
Json OptionsOf(const Chip& chip) {
  Json options = Json::array();
  const Expected<Profile> profile = ProfileOf(chip);
  if (!profile.ok()) return options;  // no engine
  for (size_t i = 0; i < ProfileOptions().size(); ++i) {
    const ProfileOption& option = ProfileOptions()[i];
    Json row;
    row["name"] = option.name;
    row["value"] = OptionValue(*profile, i);
    row["values"] = Json::array();
    for (const char* value : option.values) row["values"].push_back(value);
    row["rule"] = option.rule;
    row["about"] = option.about;
    options.push_back(std::move(row));
  }
  return options;
}

Json ToJson(const Chip& chip) {
  Json row;
  row["name"] = chip.name;
  row["arch"] = TextOrNull(chip.arch);
  row["cores"] = chip.cores;
  row["family"] = TextOrNull(chip.family);
  row["tops"] = chip.tops ? Json(*chip.tops) : Json(nullptr);
  row["tops_note"] = TextOrNull(chip.tops_note);
  row["label"] = chip.label;
  row["aliases"] = chip.aliases;
  row["kind"] = TextOrNull(chip.kind);
  row["soc"] = TextOrNull(chip.soc);
  row["compiler_target"] = TextOrNull(chip.compiler_target);
  row["engines"] = chip.engines;
  row["numerics_profile"] = TextOrNull(chip.numerics_profile);
  row["numerics_options"] = OptionsOf(chip);
  row["coreml"] = chip.coreml;
  row["devices"] = chip.devices;
  return row;
}

Expected<int> Run(bool json) {
  const std::vector<Chip>& chips = ChipTable::Embedded().chips();
  if (json) {
    Json rows = Json::array();
    for (const Chip& chip : chips) rows.push_back(ToJson(chip));
    PrintJson(rows);
    return 0;
  }
  Table table("llrrrll");
  table.Add({"name", "arch", "cores", "engines", "tops", "aliases", "devices"});
  for (const Chip& chip : chips) {
    table.Add({chip.name, chip.arch.empty() ? "-" : chip.arch,
               std::to_string(chip.cores), std::to_string(chip.engines),
               chip.tops ? FormatNumber(*chip.tops) : "-",
               JoinNames(chip.aliases), JoinNames(chip.devices, 2)});
  }
  std::fputs(table.ToString().c_str(), stdout);
  return 0;
}

Runner Declare(CLI::App* app) {
  auto json = std::make_shared<bool>(false);
  app->add_flag("--json", *json, "Print one JSON document instead");
  return [json] { return Run(*json); };
}

}  // namespace

const Verb kTargetsVerb = {
    "targets",
    "List the chips that --target takes",
    "Lists the chips: what --target calls them, engine architecture, cores as "
    "marketed, marketed 10^12 operations per second, further names.",
    {{"aneref targets", "all chips"},
     {"aneref targets --json", "the same for scripts"}},
    &Declare};

}  // namespace aneref::tool
