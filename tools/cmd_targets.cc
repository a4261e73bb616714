// aneref targets: the chip table.
#include <cstdio>
#include <memory>

#include "runtime/core/chip_json.h"
#include "runtime/core/suggest.h"
#include "tools/table.h"
#include "tools/verb.h"

namespace aneref::tool {
namespace {

Expected<int> Run(bool json) {
  const std::vector<Chip>& chips = ChipTable::Embedded().chips();
  if (json) {
    JsonWriter rows(2);  // as the other verbs print theirs
    WriteChips(chips, &rows);
    std::puts(rows.text().c_str());
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
