// aneref bench: latency, memory and where the time goes.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <span>

#include "ops/kernels/machine_peak.h"
#include "runtime/core/layout.h"
#include "runtime/explain/metrics.h"
#include "runtime/explain/tensor_set.h"
#include "runtime/plan/host_nodes.h"
#include "tools/bench_report.h"
#include "tools/inputs.h"
#include "tools/model.h"
#include "tools/output.h"
#include "tools/verb.h"

namespace aneref::tool {
namespace {

struct Options {
  ModelArgs model;
  EngineArgs engine;
  InputArgs inputs;
  int runs = 20;
  int warmup = 3;
  bool json = false;
  std::string roofline;
};

using Clock = std::chrono::steady_clock;
double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start)
      .count();
}

// `fraction` of the sorted values are at most this one (nearest rank).
double Quantile(std::vector<double> values, double fraction) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank =
      static_cast<size_t>(fraction * static_cast<double>(values.size()));
  return values[std::min(rank, values.size() - 1)];
}

// The middle one, or the mean of the middle two.
double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half]
                                : (values[half - 1] + values[half]) / 2;
}

// Drawn on a terminal once the work is over two seconds.
class Progress {
 public:
  void Show(int done, int all) {
    constexpr double kPatienceMs = 2000;
    if (!terminal_ || MillisecondsSince(start_) < kPatienceMs) return;
    shown_ = true;
    std::fprintf(stderr, "\rrun %d of %d", done, all);
  }
  ~Progress() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }

 private:
  Clock::time_point start_ = Clock::now();
  bool terminal_ = ::isatty(STDERR_FILENO) != 0;
  bool shown_ = false;
};

double PeakRssMib() {
  rusage usage = {};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<double>(usage.ru_maxrss) / 1024;  // kB on Linux
}

Status Measure(const Options& options, Session* session, BenchResult* result) {
  Progress progress;
  std::vector<double> times;
  for (int i = 0; i < options.warmup + options.runs; ++i) {
    const auto start = Clock::now();
    ANEREF_TRY(session->Run());
    if (i >= options.warmup) times.push_back(MillisecondsSince(start));
    progress.Show(i + 1, options.warmup + options.runs);
  }
  result->median_ms = Median(times);
  result->p90_ms = Quantile(times, 0.9);
  result->min_ms = *std::min_element(times.begin(), times.end());
  return Status();
}

// Separate runs: looking at the clock between tasks costs time of its own.
Status Profile(const Options& options, Session* session, BenchResult* result) {
  constexpr int kMaxProfileRuns = 10;
  const int runs = std::min(options.runs, kMaxProfileRuns);
  session->EnableProfile(true);
  std::vector<std::vector<double>> times;
  for (int i = 0; i < runs; ++i) {
    ANEREF_TRY(session->Run());
    const std::vector<TaskProfile>& profile = session->profile();
    times.resize(profile.size());
    for (size_t task = 0; task < profile.size(); ++task) {
      times[task].push_back(profile[task].seconds * 1e3);
    }
  }
  session->EnableProfile(false);
  const std::vector<TaskProfile>& profile = session->profile();
  for (size_t i = 0; i < profile.size() && i < times.size(); ++i) {
    const int32_t within = profile[i].within;
    result->ops.push_back(
        {profile[i], Median(times[i]), 0, false,
         within < 0 ? "" : profile[static_cast<size_t>(within)].name});
  }
  return Status();
}

// Bytes of the operands of nodes that run as one, each once, but for those that
// they hand to each other: constants as they are stored, other tensors as
// surfaces.
double OperandBytes(const Program& program, std::span<const int32_t> nodes) {
  std::set<int32_t> read, written;
  for (const int32_t index : nodes) {
    const ProgramNode& node = program.nodes[static_cast<size_t>(index)];
    read.insert(node.inputs.begin(), node.inputs.end());
    written.insert(node.outputs.begin(), node.outputs.end());
  }
  std::vector<int32_t> values;
  std::set_symmetric_difference(read.begin(), read.end(), written.begin(),
                                written.end(), std::back_inserter(values));
  double bytes = 0;
  for (int32_t index : values) {
    if (index < 0) continue;
    const ProgramValue& value = program.values[static_cast<size_t>(index)];
    if (value.is_known) {
      bytes += static_cast<double>(value.memory.shape.NumElements()) *
               static_cast<double>(ElementSize(value.memory.dtype));
    } else if (const auto surface = SurfaceBytes(value.memory); surface.ok()) {
      bytes += static_cast<double>(*surface);
    }
  }
  return bytes;
}

// A node of several kernel calls shares its bytes out among them.
void CountBytes(const Session& session, BenchResult* result) {
  const Program* program = session.program();
  if (program == nullptr) return;
  std::map<int32_t, int> calls;
  std::vector<std::vector<int32_t>> nodes(result->ops.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    const TaskProfile& profile = result->ops[i].profile;
    ++calls[profile.node];
    nodes[i].push_back(profile.node);
    if (profile.within >= 0)
      nodes[static_cast<size_t>(profile.within)].push_back(profile.node);
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    OpTime& op = result->ops[i];
    if (op.profile.node >= 0)
      op.bytes = OperandBytes(*program, nodes[i]) / calls[op.profile.node];
  }
}

// After everything else: it takes memory of its own.
Machine MeasureMachine(int threads) {
  constexpr size_t kReadBytes = size_t{96} << 20;  // more than caches hold
  constexpr int kReadPasses = 6;
  return {SimdTargetName(), MeasurePeakFlops() * threads,
          MeasureReadBandwidth(kReadBytes, kReadPasses)};
}

// Where the chip runs each op. Placed after the measurements, on the program
// that was measured: it costs time and memory of its own.
void Place(const Net& net, const Chip& chip, const Session& session,
           BenchResult* result) {
  if (session.program() == nullptr) return;  // no plan: all on the host
  const auto on_host = HostNodes(net, *session.program(), chip);
  for (OpTime& op : result->ops) {
    const auto node = static_cast<size_t>(op.profile.node);
    op.on_engine = op.profile.on_engine && (!on_host.ok() || !(*on_host)[node]);
  }
}

// Fast numerics only: how far the outputs are from those of portable numerics
// on the same inputs.
Status CompareWithPortable(const std::shared_ptr<const Net>& net,
                           SessionOptions options,
                           const std::vector<Array>& inputs,
                           const Session& fast, BenchResult* result) {
  options.numerics = Numerics::kPortable;
  ANEREF_ASSIGN(const auto portable, Session::Create(net, options));
  for (size_t i = 0; i < inputs.size(); ++i)
    ANEREF_TRY(portable->SetInput(i, inputs[i].View()));
  ANEREF_TRY(portable->Run());
  for (size_t i = 0; i < fast.outputs().size(); ++i) {
    ANEREF_ASSIGN(const OwnedTensor ours, CopyDense(fast.Output(i)));
    ANEREF_ASSIGN(const OwnedTensor theirs, CopyDense(portable->Output(i)));
    const TensorMetrics metrics = ComputeMetrics(ours, theirs);
    OutputError error;
    error.name = fast.outputs()[i].name;
    error.max_abs = metrics.max_abs;
    for (double value : ElementsOf(theirs)) {
      if (std::isfinite(value))
        error.largest = std::max(error.largest, std::fabs(value));
    }
    error.max_ulp = metrics.max_ulp;
    error.psnr_db = metrics.psnr_db;
    result->errors.push_back(std::move(error));
  }
  return Status();
}

Expected<int> Run(const Options& options) {
  BenchResult result;
  result.model = options.model.path;
  result.runs = options.runs;
  ANEREF_TRY(options.engine.FindTarget().status());
  ANEREF_ASSIGN(const uint64_t max_memory, options.model.MaxMemory());
  ANEREF_ASSIGN(SessionOptions session_options,
                options.engine.ToSessionOptions(max_memory));
  auto start = Clock::now();
  ANEREF_ASSIGN(const Model model, LoadModel(options.model));
  result.load_ms = MillisecondsSince(start);
  ANEREF_ASSIGN(const auto shapes,
                ParseShapes(options.inputs.shape, InputSpecs(*model.net)));
  ANEREF_ASSIGN(
      std::vector<Array> inputs,
      LoadOrMakeInputs(options.inputs, *model.net, shapes, max_memory));
  const std::vector<PortSpec> specs = InputSpecs(*model.net);
  for (size_t i = 0; i < inputs.size(); ++i) {
    session_options.input_shapes[specs[i].name] = inputs[i].type.shape;
  }
  start = Clock::now();
  Expected<std::unique_ptr<Session>> session =
      Session::Create(model.net, session_options);
  if (!session.ok()) return AboutModel(options.model, session.status());
  result.load_ms += MillisecondsSince(start);
  for (size_t i = 0; i < inputs.size(); ++i) {
    ANEREF_TRY((*session)->SetInput(i, inputs[i].View()));
  }
  ANEREF_TRY(
      AboutModel(options.model, Measure(options, session->get(), &result)));
  result.peak_rss_mib = PeakRssMib();
  ANEREF_TRY(
      AboutModel(options.model, Profile(options, session->get(), &result)));
  CountBytes(**session, &result);
  Place(*model.net, *session_options.chip, **session, &result);
  if (session_options.numerics == Numerics::kFast) {
    ANEREF_TRY(CompareWithPortable(model.net, session_options, inputs,
                                   **session, &result));
  }
  result.machine = MeasureMachine((*session)->threads());
  if (!options.roofline.empty())
    ANEREF_TRY(WriteText(options.roofline, BenchRoofline(result)));
  if (options.json) {
    PrintBenchAsJson(**session, result);
  } else {
    PrintBenchAsText(**session, std::move(result));
  }
  return 0;
}

Runner Declare(CLI::App* app) {
  auto options = std::make_shared<Options>();
  options->model.Declare(app);
  options->inputs.Declare(app);
  app->add_option("--runs", options->runs, "Measured runs (default 20)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000));
  app->add_option("--warmup", options->warmup,
                  "Runs before measuring (default 3)")
      ->type_name("N")
      ->check(CLI::Range(0, 1000000));
  options->engine.Declare(app);
  app->add_option("--roofline", options->roofline,
                  "Also draw every op under the machine's measured roof (SVG)")
      ->type_name("FILE");
  app->add_flag("--json", options->json, "Print one JSON document instead");
  return [options] { return Run(*options); };
}

}  // namespace

const Verb kBenchVerb = {
    "bench",
    "Measure latency and show which ops cost",
    "Measures how long one run takes (median, 90th percentile, minimum), how "
    "long loading takes and how much memory it needs, then profiles each op in "
    "runs of their own, beside what the machine's cores and memory are "
    "measured to do. Inputs that are not given are made up: seeded values "
    "in [-1, 1) for floats, zeros for integers.",
    {{"aneref bench model.onnx", "all cores"},
     {"aneref bench model.anem --threads 1 --runs 100 --json > bench.json",
      "one core, for scripts"},
     {"aneref bench model.onnx --roofline roof.svg",
      "which ops stay below the machine's roof"},
     {"aneref bench model.onnx --shape x=1,3,224,224",
      "a model with open extents"}},
    &Declare};

}  // namespace aneref::tool
