// aneref import: any readable model to the native format.
#include <cstdio>
#include <filesystem>
#include <memory>

#include "tools/atomic_file.h"
#include "tools/net_summary.h"
#include "tools/table.h"
#include "tools/verb.h"

namespace aneref::tool {
namespace {

struct Options {
  ModelArgs model;
  std::string output;
  bool json = false;
};

// Loads what was written back from the disk and compares it with the network in
// memory: the file is good before it gets its name.
Status Verify(const AtomicFile& file, const std::string& shown,
              const Net& net) {
  ANEREF_ASSIGN(std::shared_ptr<const File> back,
                File::Map(file.temporary_path()));
  const std::span<const std::byte> is = back->bytes();
  const std::span<const std::byte> want = net.file_bytes();
  if (!std::equal(is.begin(), is.end(), want.begin(), want.end())) {
    return IoError(shown + ": reads back differently from what was written");
  }
  return Net::Parse(std::move(back), shown).status();
}

void PrintSummary(const Options& options, const Model& model) {
  const NetSummary summary = Summarize(*model.net);
  if (options.json) {
    Json out;
    out["input"] = options.model.path;
    out["output"] = options.output;
    out["format"] = model.format;
    out["bytes"] = summary.file_bytes;
    out["parameters"] = summary.parameters;
    out["weight_bytes"] = summary.weight_bytes;
    out["ops"] = OpsToJson(summary);
    out["notes"] = model.notes;
    PrintJson(out);
    return;
  }
  int64_t nodes = 0;
  for (const auto& [name, count] : summary.ops) nodes += count;
  std::string text = options.output + ": " + FormatBytes(summary.file_bytes) +
                     ", " + std::to_string(nodes) + " ops, " +
                     FormatCount(summary.parameters) + " parameters\n";
  for (const std::string& note : model.notes) text += "  " + note + "\n";
  std::fputs(text.c_str(), stdout);
}

Expected<int> Run(const Options& options) {
  ANEREF_TRY(CheckWritable(options.output));
  ANEREF_ASSIGN(const Model model, LoadModel(options.model));
  ANEREF_ASSIGN(AtomicFile file, AtomicFile::Create(options.output));
  ANEREF_TRY(file.Write(model.net->file_bytes()));
  ANEREF_TRY(Verify(file, options.output, *model.net));
  ANEREF_TRY(file.Commit());
  PrintSummary(options, model);
  return 0;
}

Runner Declare(CLI::App* app) {
  auto options = std::make_shared<Options>();
  options->model.Declare(app);
  app->add_option("-o,--output", options->output, "The native file to write")
      ->type_name("OUT.anem")
      ->required();
  app->add_flag("--json", options->json,
                "Print the summary as one JSON document");
  return [options] { return Run(*options); };
}

}  // namespace

const Verb kImportVerb = {
    "import",
    "Convert a model to the native format",
    "Converts a model to the native format (.anem), which loads without "
    "parsing and gives the same bytes as the source when it runs. The result "
    "is loaded back before it gets its name. Prints what was folded or joined.",
    {{"aneref import model.onnx -o model.anem",
      "every float becomes fp16, as a converter for the engine does"},
     {"aneref import model.onnx -o model.anem --precision source",
      "keep the types of the file"}},
    &Declare};

}  // namespace aneref::tool
