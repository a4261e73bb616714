// Whole networks: loading a file until it is ready, and one run of it. The
// demo's network always; others by their paths in ANEREF_BENCH_MODELS, parted
// by colons (any format). One thread and all of them, portable and fast
// numerics.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "runtime/exec/session.h"
#include "runtime/import/importer.h"

namespace aneref {
namespace {

std::vector<std::string> Models() {
  const std::string demo =
      std::string(ANEREF_SOURCE_DIR) + "/examples/digits/digits.";
  std::vector<std::string> models = {demo + "anem", demo + "onnx"};
  const char* more = std::getenv("ANEREF_BENCH_MODELS");
  std::string rest = more == nullptr ? "" : more;
  while (!rest.empty()) {
    const size_t colon = std::min(rest.find(':'), rest.size());
    models.push_back(rest.substr(0, colon));
    rest.erase(0, colon + 1);
  }
  return models;
}

// Foreign formats are imported, which counts as loading.
Expected<std::shared_ptr<const Net>> Load(const std::string& path) {
  if (path.ends_with(".anem")) {
    ANEREF_ASSIGN(std::shared_ptr<const File> file, File::Map(path));
    return Net::Parse(std::move(file), path);
  }
  ANEREF_ASSIGN(std::vector<std::byte> bytes, ImportModel(path, {}, nullptr));
  return Net::Parse(File::FromBuffer(std::move(bytes)), path);
}

Expected<std::unique_ptr<Session>> MakeSession(const std::string& path,
                                               Numerics numerics, int threads) {
  ANEREF_ASSIGN(std::shared_ptr<const Net> net, Load(path));
  SessionOptions options;
  options.numerics = numerics;
  options.threads = threads;
  return Session::Create(std::move(net), options);
}

void Ready(benchmark::State& state, const std::string& path) {
  for (auto _ : state) {
    auto session = MakeSession(path, Numerics::kPortable, 1);
    if (!session.ok())
      return state.SkipWithError(session.status().ToString().c_str());
    benchmark::DoNotOptimize(session);
  }
}

void Run(benchmark::State& state, const std::string& path, Numerics numerics) {
  auto session = MakeSession(path, numerics, static_cast<int>(state.range(0)));
  if (!session.ok())
    return state.SkipWithError(session.status().ToString().c_str());
  for (auto _ : state) {
    const Status status = (*session)->Run();
    if (!status.ok()) return state.SkipWithError(status.ToString().c_str());
  }
  state.counters["arena_MiB"] =
      static_cast<double>((*session)->arena_bytes()) / (1 << 20);
}

void Register() {
  const auto cores =
      static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  for (const std::string& path : Models()) {
    const std::string name = path.substr(path.rfind('/') + 1);
    benchmark::RegisterBenchmark(
        ("ready/" + name).c_str(),
        [path](benchmark::State& state) { Ready(state, path); })
        ->Unit(benchmark::kMillisecond);
    for (const auto& [label, numerics] :
         {std::pair{"run/", Numerics::kPortable},
          std::pair{"run_fast/", Numerics::kFast}}) {
      auto* bench = benchmark::RegisterBenchmark(
          (label + name).c_str(),
          [path, numerics = numerics](benchmark::State& state) {
            Run(state, path, numerics);
          });
      bench->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);
      if (cores > 1) bench->Arg(cores);
    }
  }
}

}  // namespace
}  // namespace aneref

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  aneref::Register();
  benchmark::RunSpecifiedBenchmarks();
}
