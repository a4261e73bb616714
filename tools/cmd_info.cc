// aneref info: what a model expects, gives and contains.
#include <cstdio>
#include <memory>

#include "runtime/graph/text.h"
#include "tools/net_summary.h"
#include "tools/table.h"
#include "tools/verb.h"

namespace aneref::tool {
namespace {

struct Options {
  ModelArgs model;
  bool json = false;
};

Json PortsToJson(const std::vector<PortSpec>& specs) {
  Json ports = Json::array();
  for (const PortSpec& spec : specs) ports.push_back(PortToJson(spec));
  return ports;
}

void PrintAsJson(const Model& model, const NetSummary& summary) {
  const fbs::Net& net = model.net->table();
  Json out;
  out["format"] = model.format;
  out["inputs"] = PortsToJson(summary.inputs);
  out["outputs"] = PortsToJson(summary.outputs);
  if (!summary.states.empty()) out["states"] = PortsToJson(summary.states);
  out["ops"] = OpsToJson(summary);
  out["parameters"] = summary.parameters;
  out["weight_bytes"] = summary.weight_bytes;
  out["native_bytes"] = summary.file_bytes;
  out["name"] = Text(model.net->main_graph().name());
  out["producer"] = Text(net.producer());
  out["source"] = Text(net.source());
  out["metadata"] = Json::object();
  if (net.metadata() != nullptr) {
    for (const fbs::Property* property : *net.metadata()) {
      out["metadata"][Text(property->key())] = Text(property->value());
    }
  }
  out["notes"] = model.notes;
  PrintJson(out);
}

void AddPorts(const char* title, const std::vector<PortSpec>& specs,
              Table* table) {
  for (size_t i = 0; i < specs.size(); ++i) {
    const PortSpec& spec = specs[i];
    std::string more;
    if (spec.image != fbs::ImageLayout::none) {
      more = std::string(fbs::EnumNameImageLayout(spec.image)) + " image";
    }
    if (!spec.labels.empty()) {
      more += (more.empty() ? "" : ", ") + std::to_string(spec.labels.size()) +
              " labels";
    }
    if (!spec.limits.empty()) more += (more.empty() ? "" : ", ") + spec.limits;
    table->Add({i == 0 ? title : "", spec.name,
                std::string(DataTypeName(spec.declared)) +
                    (spec.declared == spec.dtype
                         ? ""
                         : std::string(" as ") + DataTypeName(spec.dtype)),
                spec.ShapeText(), more});
  }
}

void PrintAsText(const std::string& path, const Model& model,
                 const NetSummary& summary) {
  const fbs::Net& net = model.net->table();
  std::string text = path + ": " + model.format;
  const std::string source = Text(net.source());
  if (!source.empty() && model.format == "anem") text += " from " + source;
  text += "\n";
  Table ports("lllll");
  AddPorts("inputs", summary.inputs, &ports);
  AddPorts("outputs", summary.outputs, &ports);
  AddPorts("states", summary.states, &ports);
  text += ports.ToString();
  Table sizes("lrl");
  sizes.Add({"parameters", FormatCount(summary.parameters)});
  sizes.Add({"weights", FormatBytes(summary.weight_bytes)});
  sizes.Add({"native file", FormatBytes(summary.file_bytes)});
  text += sizes.ToString() + "ops\n" + OpsText(summary);
  if (net.metadata() != nullptr && net.metadata()->size() > 0) {
    Table metadata("lll");
    for (const fbs::Property* property : *net.metadata()) {
      std::string value = Text(property->value());
      constexpr size_t kShown = 100;
      if (value.size() > kShown) value = value.substr(0, kShown) + "...";
      metadata.Add({"", Text(property->key()), value});
    }
    text += "metadata\n" + metadata.ToString();
  }
  if (!model.notes.empty()) text += "notes\n";
  for (const std::string& note : model.notes) text += "  " + note + "\n";
  std::fputs(text.c_str(), stdout);
}

Expected<int> Run(const Options& options) {
  ANEREF_ASSIGN(const Model model, LoadModel(options.model));
  const NetSummary summary = Summarize(*model.net);
  if (options.json) {
    PrintAsJson(model, summary);
  } else {
    PrintAsText(options.model.path, model, summary);
  }
  return 0;
}

Runner Declare(CLI::App* app) {
  auto options = std::make_shared<Options>();
  options->model.Declare(app);
  app->add_flag("--json", options->json, "Print one JSON document instead");
  return [options] { return Run(*options); };
}

}  // namespace

const Verb kInfoVerb = {
    "info",
    "Show inputs, outputs, ops, parameters and metadata of a model",
    "Shows what a model takes and gives (names, types, shapes; open extents "
    "by name or as ?, with the sizes that they may have), the states that it "
    "keeps between runs, how many ops of each kind it has, its parameters, "
    "bytes "
    "and metadata, and what the importer joined.",
    {{"aneref info model.onnx", "what is in it"},
     {"aneref info model.anem --json | jq .inputs", "for scripts"},
     {"aneref info model.onnx --precision source",
      "with the types of the file instead of fp16"}},
    &Declare};

}  // namespace aneref::tool
