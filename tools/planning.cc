// See planning.h.
#include "tools/planning.h"

#include <cstdio>

#include "runtime/plan/open_extents.h"

namespace aneref::tool {
namespace {

// Shapes that the caller states, by values or by --shape.
Expected<std::map<std::string, Shape>> StatedShapes(const InputArgs& inputs,
                                                    const Net& net,
                                                    uint64_t max_memory) {
  const std::vector<PortSpec> specs = InputSpecs(net);
  if (inputs.input.empty() && inputs.inputs.empty())
    return ParseShapes(inputs.shape, specs);
  ANEREF_ASSIGN(const std::vector<Array> arrays,
                LoadInputs(inputs, net, max_memory));
  std::map<std::string, Shape> shapes;
  for (size_t i = 0; i < arrays.size(); ++i)
    shapes[specs[i].name] = arrays[i].type.shape;
  return shapes;
}

std::string Joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts)
    text += (text.empty() ? "" : ", ") + part;
  return text;
}

}  // namespace

Expected<SettledModel> SettleModel(const ModelArgs& args,
                                   const InputArgs& inputs) {
  SettledModel settled;
  ANEREF_ASSIGN(const uint64_t max_memory, args.MaxMemory());
  ANEREF_ASSIGN(settled.model, LoadModel(args));
  const Net& net = *settled.model.net;
  ANEREF_ASSIGN(settled.input_shapes, StatedShapes(inputs, net, max_memory));
  settled.assumed = AssumeExtents(InputSpecs(net), &settled.input_shapes);
  SpecializeOptions request;
  request.input_shapes = settled.input_shapes;
  request.max_memory = max_memory;
  Expected<Program> program = Specialize(net, request);
  if (!program.ok()) {
    const Status status = AboutModel(args, program.status());
    if (settled.assumed.empty()) return status;
    return Status(status.code(), status.rule(),
                  status.message() + " (" + Joined(settled.assumed) +
                      "; --shape gives others)");
  }
  settled.program = std::move(program).value();
  if (!settled.assumed.empty()) {
    std::fprintf(stderr, "aneref: %s; --shape gives others\n",
                 Joined(settled.assumed).c_str());
  }
  return settled;
}

void DeclareEngineOptions(CLI::App* app, std::vector<std::string>* options) {
  app->add_option("--engine", *options,
                  "A rival of a modelled choice: ocg=kbuf|book, "
                  "coissue=serial|compiler, overlap=always|resident")
      ->type_name("NAME=VALUE");
}

}  // namespace aneref::tool
