// aneref bench: latency, memory and where the time goes.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>

#include "runtime/plan/host_nodes.h"
#include "tools/inputs.h"
#include "tools/model.h"
#include "tools/output.h"
#include "tools/table.h"
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
};

struct OpTime {
  TaskProfile profile;
  double median_ms = 0;
  bool on_engine = false;
};

struct Result {
  double median_ms = 0;
  double p90_ms = 0;
  double min_ms = 0;
  double load_ms = 0;
  double peak_rss_mib = 0;
  std::vector<OpTime> ops;  // in execution order
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

Status Measure(const Options& options, Session* session, Result* result) {
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
Status Profile(const Options& options, Session* session, Result* result) {
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
    result->ops.push_back({profile[i], Median(times[i]), false});
  }
  return Status();
}

// 1e9 operations per second.
double Gflops(const OpTime& op) {
  return op.median_ms > 0 ? op.profile.flops / (op.median_ms * 1e6) : 0;
}

void PrintAsJson(const Options& options, const Session& session,
                 const Result& result) {
  Json out;
  out["model"] = options.model.path;
  out["threads"] = session.threads();
  out["runs"] = options.runs;
  out["median_ms"] = result.median_ms;
  out["p90_ms"] = result.p90_ms;
  out["min_ms"] = result.min_ms;
  out["load_ms"] = result.load_ms;
  out["peak_rss_mib"] = result.peak_rss_mib;
  out["arena_mib"] = static_cast<double>(session.arena_bytes()) / (1 << 20);
  out["weights_mib"] = static_cast<double>(session.weight_bytes()) / (1 << 20);
  out["ops"] = Json::array();
  for (const OpTime& op : result.ops) {
    Json row;
    row["name"] = op.profile.name;
    row["op"] = op.profile.op;
    row["median_ms"] = op.median_ms;
    row["gflops"] = Gflops(op);
    row["placement"] = op.on_engine ? "ane" : "cpu";
    row["kernel"] = op.profile.kernel;
    row["dtype"] = DataTypeName(op.profile.output.dtype);
    row["shape"] = ShapeToJson(op.profile.output.shape);
    out["ops"].push_back(std::move(row));
  }
  PrintJson(out);
}

void PrintAsText(const Options& options, const Session& session,
                 Result result) {
  double total = 0;
  for (const OpTime& op : result.ops) total += op.median_ms;
  std::stable_sort(result.ops.begin(), result.ops.end(),
                   [](const OpTime& a, const OpTime& b) {
                     return a.median_ms > b.median_ms;
                   });
  Table table("rrrllll");
  table.Add({"ms", "share", "GFLOP/s", "op", "place", "output", "name"});
  for (const OpTime& op : result.ops) {
    const double share = total > 0 ? 100 * op.median_ms / total : 0;
    table.Add({FormatFixed(op.median_ms, 3), FormatFixed(share, 1) + " %",
               op.profile.flops > 0 ? FormatFixed(Gflops(op), 1) : "-",
               op.profile.op, op.on_engine ? "ane" : "cpu",
               op.profile.output.ToString(), op.profile.name});
  }
  Table head("lrl");
  const auto milliseconds = [&](const char* name, double ms,
                                const std::string& more) {
    head.Add({name, FormatFixed(ms, 3) + " ms", more});
  };
  milliseconds("median", result.median_ms,
               result.median_ms > 0
                   ? FormatFixed(1e3 / result.median_ms, 1) + " per second"
                   : "");
  milliseconds("p90", result.p90_ms, "");
  milliseconds("min", result.min_ms, std::to_string(options.runs) + " runs");
  milliseconds("load", result.load_ms, "");
  head.Add({"peak memory", FormatFixed(result.peak_rss_mib, 1) + " MiB",
            "arena " + FormatBytes(session.arena_bytes()) + ", weights " +
                FormatBytes(session.weight_bytes())});
  head.Add({"threads", std::to_string(session.threads()), ""});
  std::fputs((head.ToString() + "\n" + table.ToString()).c_str(), stdout);
}

// Where the chip runs each op. Placed after the measurements, on the program
// that was measured: it costs time and memory of its own.
void Place(const Net& net, const Chip& chip, const Session& session,
           Result* result) {
  if (session.program() == nullptr) return;  // no plan: all on the host
  const auto on_host = HostNodes(net, *session.program(), chip);
  for (OpTime& op : result->ops) {
    const auto node = static_cast<size_t>(op.profile.node);
    op.on_engine = op.profile.on_engine && (!on_host.ok() || !(*on_host)[node]);
  }
}

Expected<int> Run(const Options& options) {
  Result result;
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
  Place(*model.net, *session_options.chip, **session, &result);
  if (options.json) {
    PrintAsJson(options, **session, result);
  } else {
    PrintAsText(options, **session, std::move(result));
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
  app->add_flag("--json", options->json, "Print one JSON document instead");
  return [options] { return Run(*options); };
}

}  // namespace

const Verb kBenchVerb = {
    "bench",
    "Measure latency and show which ops cost",
    "Measures how long one run takes (median, 90th percentile, minimum), how "
    "long loading takes and how much memory it needs, then profiles each op in "
    "runs of their own. Inputs that are not given are made up: seeded values "
    "in [-1, 1) for floats, zeros for integers.",
    {{"aneref bench model.onnx", "all cores"},
     {"aneref bench model.anem --threads 1 --runs 100 --json > bench.json",
      "one core, for scripts"},
     {"aneref bench model.onnx --shape x=1,3,224,224",
      "a model with open extents"}},
    &Declare};

}  // namespace aneref::tool
