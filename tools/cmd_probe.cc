// aneref probe: what devices answered beside what this program computes.
#include <cstdio>
#include <map>
#include <memory>

#include "runtime/core/chip_profile.h"
#include "tools/atomic_file.h"
#include "tools/output.h"
#include "tools/probe.h"
#include "tools/table.h"
#include "tools/verb.h"

namespace aneref {
extern const unsigned char kEmbeddedProbes[];
extern const size_t kEmbeddedProbesSize;
}  // namespace aneref

namespace aneref::tool {
namespace {

struct Options {
  std::string target;  // empty: each probe's own chips
  std::string file;
  bool json = false;
  bool markdown = false;
};

struct Row {
  const Probe* probe;
  std::string chip;  // that gave the result
  ProbeResult result;
};

constexpr std::pair<char, const char*> kSections[] = {
    {'n', "numerics"},  {'w', "stored weights"}, {'l', "layout"},
    {'e', "execution"}, {'v', "limits"},         {'c', "cost"}};

// Device contexts by chip, made once.
class Devices {
 public:
  Expected<Device> Of(const Chip& chip) {
    Device& device = contexts_[chip.name];
    if (device != nullptr) return device;
    ANEREF_ASSIGN(Profile profile, ProfileOf(chip));
    device = std::make_shared<const DeviceContext>(std::move(profile));
    return device;
  }

 private:
  std::map<std::string, Device> contexts_;
};

Expected<ProbeResult> ReplayOn(const Probe& probe, const Chip& chip,
                               Devices* devices) {
  ANEREF_ASSIGN(const Device device, devices->Of(chip));
  return ReplayProbe(probe, chip, device);
}

// On each of the probe's chips; the worst answer counts.
Expected<Row> ReplayEverywhere(const Probe& probe, Devices* devices) {
  Row row{&probe, "", {}};
  bool first = true;
  for (const std::string& name : probe.chips) {
    const Expected<const Chip*> chip =
        ChipTable::Embedded().Find(name == "*" ? "m1" : name);
    if (!chip.ok()) {
      row.result = NotApplicable(
          probe, "no chip '" + name + "' in the table of this version");
      return row;
    }
    ANEREF_ASSIGN(ProbeResult result, ReplayOn(probe, **chip, devices));
    const bool worse = result.outcome != ProbeOutcome::kPass;
    if (first || worse) {
      row.chip = (*chip)->name;
      row.result = std::move(result);
    }
    first = false;
    if (worse) break;
  }
  return row;
}

Expected<std::vector<Row>> ReplayAll(const std::vector<Probe>& probes,
                                     const Options& options) {
  Devices devices;
  const Chip* chip = nullptr;
  if (!options.target.empty()) {
    const Expected<const Chip*> found =
        ChipTable::Embedded().Find(options.target);
    if (!found.ok()) return found.status().WithContext("--target");
    chip = *found;
  }
  std::vector<Row> rows;
  for (const Probe& probe : probes) {
    if (chip == nullptr) {
      ANEREF_ASSIGN(Row row, ReplayEverywhere(probe, &devices));
      rows.push_back(std::move(row));
    } else {
      ANEREF_ASSIGN(ProbeResult result, ReplayOn(probe, *chip, &devices));
      rows.push_back({&probe, chip->name, std::move(result)});
    }
  }
  return rows;
}

size_t Count(const std::vector<Row>& rows, char section, ProbeOutcome outcome) {
  size_t count = 0;
  for (const Row& row : rows) {
    const bool here = section == 0 || row.probe->id[0] == section;
    count += here && row.result.outcome == outcome;
  }
  return count;
}

// Ids that share a reason, in order of first appearance.
std::vector<std::pair<std::string, std::vector<const Row*>>> ByReason(
    const std::vector<Row>& rows, ProbeOutcome outcome) {
  std::vector<std::pair<std::string, std::vector<const Row*>>> groups;
  std::map<std::string, size_t> places;
  for (const Row& row : rows) {
    if (row.result.outcome != outcome) continue;
    const auto [place, is_new] =
        places.emplace(row.result.reason, groups.size());
    if (is_new) groups.push_back({row.result.reason, {}});
    groups[place->second].second.push_back(&row);
  }
  return groups;
}

void PrintAsJson(const std::vector<Row>& rows) {
  Json out;
  for (const ProbeOutcome outcome :
       {ProbeOutcome::kPass, ProbeOutcome::kDiffers,
        ProbeOutcome::kNotApplicable})
    out["summary"][OutcomeName(outcome)] = Count(rows, 0, outcome);
  out["probes"] = Json::array();
  for (const Row& row : rows) {
    Json item;
    item["id"] = row.probe->id;
    item["chips"] = row.probe->chips;
    item["chip"] = row.chip.empty() ? Json(nullptr) : Json(row.chip);
    item["rule"] = row.probe->rule;
    item["label"] = row.probe->label;
    item["source"] = row.probe->source;
    item["outcome"] = OutcomeName(row.result.outcome);
    item["measured"] = row.result.measured;
    item["ours"] =
        row.result.ours.empty() ? Json(nullptr) : Json(row.result.ours);
    item["through"] =
        row.result.through.empty() ? Json(nullptr) : Json(row.result.through);
    item["reason"] =
        row.result.reason.empty() ? Json(nullptr) : Json(row.result.reason);
    out["probes"].push_back(std::move(item));
  }
  PrintJson(out);
}

std::string SummaryTable(const std::vector<Row>& rows, bool markdown) {
  Table table("lrrr");
  std::string text =
      "| section | pass | differs | not applicable |\n"
      "| --- | ---: | ---: | ---: |\n";
  table.Add({"section", "pass", "differs", "not applicable"});
  const auto add = [&](const char* name, char section) {
    std::vector<std::string> cells = {name};
    for (const ProbeOutcome outcome :
         {ProbeOutcome::kPass, ProbeOutcome::kDiffers,
          ProbeOutcome::kNotApplicable})
      cells.push_back(std::to_string(Count(rows, section, outcome)));
    text += "| " + cells[0] + " | " + cells[1] + " | " + cells[2] + " | " +
            cells[3] + " |\n";
    table.Add(std::move(cells));
  };
  for (const auto& [section, name] : kSections) add(name, section);
  add("all", 0);
  return markdown ? text : table.ToString();
}

void PrintAsText(const std::vector<Row>& rows) {
  std::string text = SummaryTable(rows, false);
  Table differing("llllll");
  differing.Add({"differs", "chip", "rule", "measured", "ours", "reason"});
  for (const Row& row : rows) {
    if (row.result.outcome != ProbeOutcome::kDiffers) continue;
    differing.Add({row.probe->id, row.chip, row.probe->rule,
                   row.result.measured, row.result.ours, row.result.reason});
  }
  if (Count(rows, 0, ProbeOutcome::kDiffers) > 0)
    text += "\n" + differing.ToString();
  Table reasons("rl");
  reasons.Add({"probes", "not applicable because"});
  for (const auto& [reason, group] :
       ByReason(rows, ProbeOutcome::kNotApplicable))
    reasons.Add({std::to_string(group.size()), reason});
  if (Count(rows, 0, ProbeOutcome::kNotApplicable) > 0)
    text += "\n" + reasons.ToString();
  std::fputs(text.c_str(), stdout);
}

std::string Cell(const std::string& text) {
  std::string cell;
  for (const char c : text)
    cell += c == '|' ? std::string("\\|") : std::string(1, c);
  return cell;
}

// docs/spec/probes.md.
void PrintAsMarkdown(const std::vector<Row>& rows) {
  std::string text =
      "# Probes\n\n"
      "What devices answered, and what this program computes for the same "
      "question. Written by `aneref probe --markdown`; the continuous "
      "integration checks that it is current. The questions are "
      "`tests/golden/probes.json`, their format is "
      "[probes-format.md](../probes-format.md), the sources are in `NOTICE`. "
      "Numeric probes run as small networks through a session "
      "(`through: session`); the others ask the function that carries the "
      "rule.\n\n" +
      SummaryTable(rows, true);
  text += "\n## What differs\n\n";
  for (const Row& row : rows) {
    if (row.result.outcome != ProbeOutcome::kDiffers) continue;
    text += "- `" + row.probe->id + "` (" + row.chip + ", " + row.probe->rule +
            "): measured " + row.result.measured + ", ours " + row.result.ours +
            (row.result.reason.empty() ? "" : ". " + row.result.reason) + "\n";
  }
  text += "\n## What cannot be asked\n\n";
  for (const auto& [reason, group] :
       ByReason(rows, ProbeOutcome::kNotApplicable)) {
    text += "- " + reason + " (" + std::to_string(group.size()) + "):";
    for (const Row* row : group) text += " `" + row->probe->id + "`";
    text += "\n";
  }
  for (const auto& [section, name] : kSections) {
    text += "\n## " + std::string(name) +
            "\n\n| probe | chips | rule | evidence | measured | ours | through "
            "| outcome |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n";
    for (const Row& row : rows) {
      if (row.probe->id[0] != section) continue;
      std::string chips;
      for (const std::string& chip : row.probe->chips)
        chips += (chips.empty() ? "" : " ") + (chip == "*" ? "all" : chip);
      text += "| `" + row.probe->id + "` | " + chips + " | " + row.probe->rule +
              " | " + row.probe->label + ", " + Cell(row.probe->source) +
              " | " + Cell(row.result.measured) + " | " +
              Cell(row.result.ours) + " | " + row.result.through + " | " +
              OutcomeName(row.result.outcome) + " |\n";
    }
  }
  std::fputs(text.c_str(), stdout);
}

Expected<JsonValue> LoadProbes(const std::string& file) {
  if (file.empty())
    return ParseJson(
        std::string_view(reinterpret_cast<const char*>(kEmbeddedProbes),
                         kEmbeddedProbesSize),
        "the embedded probes");
  constexpr uint64_t kMostBytes = uint64_t{64} << 20;
  ANEREF_ASSIGN(const std::vector<std::byte> bytes, ReadFile(file, kMostBytes));
  return ParseJson(std::string_view(reinterpret_cast<const char*>(bytes.data()),
                                    bytes.size()),
                   file);
}

Expected<int> Run(const Options& options) {
  ANEREF_ASSIGN(const JsonValue root, LoadProbes(options.file));
  ANEREF_ASSIGN(std::vector<Probe> probes,
                ReadProbes(root, options.file.empty() ? "the embedded probes"
                                                      : options.file));
  for (Probe& probe : probes) probe.built_in = options.file.empty();
  ANEREF_ASSIGN(const std::vector<Row> rows, ReplayAll(probes, options));
  if (options.json)
    PrintAsJson(rows);
  else if (options.markdown)
    PrintAsMarkdown(rows);
  else
    PrintAsText(rows);
  return 0;
}

Runner Declare(CLI::App* app) {
  auto options = std::make_shared<Options>();
  app->add_option("--target", options->target,
                  "Ask one chip only (default: each probe its own chips)")
      ->type_name("CHIP");
  app->add_option("--file", options->file,
                  "Probes of your own (docs/probes-format.md) instead of the "
                  "built-in ones")
      ->type_name("FILE.json");
  auto* json =
      app->add_flag("--json", options->json, "Print one JSON document instead");
  app->add_flag("--markdown", options->markdown,
                "Print the page docs/spec/probes.md instead")
      ->excludes(json);
  return [options] { return Run(*options); };
}

}  // namespace

const Verb kProbeVerb = {
    "probe",
    "Compare this program with measurements of devices",
    "Replays every published probe of a device, or those of a file, and prints "
    "measured against ours: pass, differs, or not applicable with the missing "
    "piece. Numeric probes run as small networks in device numerics.",
    {{"aneref probe", "all probes, each for the chips it was measured on"},
     {"aneref probe --target m1 --json", "what is known of one chip"},
     {"aneref probe --file results.json",
      "your own measurements, as examples/device/run_probes.py writes them"}},
    &Declare};

}  // namespace aneref::tool
