// aneref trace: one run of this machine beside the predicted timeline.
#include <cstdio>
#include <memory>

#include "runtime/explain/trace.h"
#include "runtime/plan/host_nodes.h"
#include "tools/atomic_file.h"
#include "tools/inputs.h"
#include "tools/output.h"
#include "tools/planning.h"
#include "tools/verb.h"

namespace aneref::tool {
namespace {

struct Options {
  ModelArgs model;
  EngineArgs engine;
  InputArgs inputs;
  std::vector<std::string> engine_options;
  std::string output;
  int warmup = 3;
};

Expected<int> Run(const Options& options) {
  ANEREF_TRY(CheckWritable(options.output));
  ANEREF_ASSIGN(const Chip* chip, options.engine.FindTarget());
  ANEREF_ASSIGN(const uint64_t max_memory, options.model.MaxMemory());
  ANEREF_ASSIGN(SessionOptions how,
                options.engine.ToSessionOptions(max_memory));
  ANEREF_ASSIGN(const SettledModel settled,
                SettleModel(options.model, options.inputs));
  how.chip = chip;
  how.engine_options = options.engine_options;
  how.input_shapes = settled.input_shapes;
  ANEREF_ASSIGN(how.on_host,
                HostNodes(*settled.model.net, settled.program, *chip));
  ANEREF_ASSIGN(const std::vector<Array> inputs,
                LoadOrMakeInputs(options.inputs, *settled.model.net,
                                 settled.input_shapes, max_memory));
  Expected<std::unique_ptr<Session>> made =
      Session::Create(settled.model.net, how);
  if (!made.ok()) return AboutModel(options.model, made.status());
  Session& session = **made;
  if (session.plan() == nullptr) {
    return AboutModel(options.model,
                      Status(StatusCode::kUnsupported, "P21",
                             "shapes depend on data: there is no plan"));
  }
  for (size_t i = 0; i < inputs.size(); ++i)
    ANEREF_TRY(
        AboutModel(options.model, session.SetInput(i, inputs[i].View())));
  for (int i = 0; i < options.warmup; ++i)
    ANEREF_TRY(AboutModel(options.model, session.Run()));
  session.EnableTrace(true);
  ANEREF_TRY(AboutModel(options.model, session.Run()));
  TraceInput input;
  input.model = options.model.path;
  input.plan = session.plan();
  input.calls = session.profile();
  input.events = session.trace();
  ANEREF_TRY(WriteText(options.output, TraceJson(input) + "\n"));
  return 0;
}

Runner Declare(CLI::App* app) {
  auto options = std::make_shared<Options>();
  options->model.Declare(app);
  options->inputs.Declare(app);
  app->add_option("-o,--output", options->output, "Trace file to write")
      ->type_name("FILE.json")
      ->required();
  app->add_option("--warmup", options->warmup,
                  "Runs before the traced one (default 3)")
      ->type_name("N")
      ->check(CLI::Range(0, 1000));
  options->engine.Declare(app);
  DeclareEngineOptions(app, &options->engine_options);
  return [options] { return Run(*options); };
}

}  // namespace

const Verb kTraceVerb = {
    "trace",
    "Record a run for Perfetto, beside the predicted engine timeline",
    "Runs the network once on this machine and writes a Chrome/Perfetto trace: "
    "what each thread did and when, and beside it the timeline that the cost "
    "rules predict for the chip (MAC, planar and DMA lanes, on-chip memory). "
    "Open it at ui.perfetto.dev or chrome://tracing.",
    {{"aneref trace model.onnx -o trace.json",
      "all cores, predicted for an M1"},
     {"aneref trace model.anem --target a17-pro --threads 1 -o trace.json",
      "one thread, another chip"}},
    &Declare};

}  // namespace aneref::tool
