// Real networks over time and layer by layer, where they are at hand: stateful
// ones replay their sequences, feeding each step's states to the next; dumps of
// intermediate tensors agree one by one. Skipped, visibly, without them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "runtime/exec/session.h"
#include "runtime/import/importer.h"
#include "tools/npy.h"
#include "tools/stats.h"

namespace aneref {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kCorpus = fs::path(ANEREF_SOURCE_DIR) / "../shared/models/onnx";

std::string ReadText(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file),
          std::istreambuf_iterator<char>()};
}

tool::Array ReadArray(const fs::path& path) {
  const std::string text = ReadText(path);
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  auto array = tool::ParseNpy({bytes, text.size()}, path.string());
  REQUIRE_MESSAGE(array.ok(), array.status().ToString());
  return std::move(*array);
}

// Networks of the index that have `key`; empty without the corpus.
std::vector<json> NetworksWith(const std::string& key) {
  std::vector<json> found;
  if (!fs::exists(kCorpus / "index.json")) return found;
  const json index = json::parse(ReadText(kCorpus / "index.json"));
  for (const json& row : index["networks"]) {
    if (row.contains(key) && !row[key].is_null()) found.push_back(row);
  }
  return found;
}

std::shared_ptr<const Net> LoadNet(const fs::path& folder, bool fold) {
  ImportOptions options;
  options.fold = fold;
  ImportSummary summary;
  auto bytes = ImportModel((folder / "model.onnx").string(), options, &summary);
  REQUIRE_MESSAGE(bytes.ok(), bytes.status().ToString());
  auto net = Net::Parse(File::FromBuffer(std::move(*bytes)),
                        folder.filename().string());
  REQUIRE_MESSAGE(net.ok(), net.status().ToString());
  return *net;
}

// How far `got` is from `want`, in units of what the numerics allow.
double Misses(const tool::Array& got, const tool::Array& want,
              Numerics numerics) {
  const std::vector<double> x = tool::ToDoubles(got.View()),
                            y = tool::ToDoubles(want.View());
  REQUIRE_EQ(x.size(), y.size());
  double top = 0, worst = 0;
  for (const double value : y) top = std::max(top, std::fabs(value));
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] == y[i]) continue;
    const double bound = numerics == Numerics::kFp32
                             ? 1e-4 * top + 1e-4 * std::fabs(y[i])
                             : 2e-2 * top;
    worst = std::max(worst, std::fabs(x[i] - y[i]) / bound);
  }
  return worst;
}

using Feeds = std::map<std::string, tool::Array>;

std::unique_ptr<Session> Open(const std::shared_ptr<const Net>& net,
                              const Feeds& feeds, SessionOptions options) {
  options.threads = 1;
  for (const auto& [name, array] : feeds)
    options.input_shapes[name] = array.type.shape;
  auto session = Session::Create(net, options);
  REQUIRE_MESSAGE(session.ok(), session.status().ToString());
  return std::move(*session);
}

void Run(Session& session, const Feeds& feeds) {
  for (size_t i = 0; i < session.inputs().size(); ++i) {
    const auto feed = feeds.find(session.inputs()[i].name);
    REQUIRE_MESSAGE(feed != feeds.end(), session.inputs()[i].name);
    const Status status = session.SetInput(i, feed->second.View());
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }
  const Status status = session.Run();
  REQUIRE_MESSAGE(status.ok(), status.ToString());
}

tool::Array OutputOf(const Session& session, const std::string& name) {
  for (size_t i = 0; i < session.outputs().size(); ++i) {
    if (session.outputs()[i].name == name)
      return tool::CopyToArray(session.Output(i));
  }
  FAIL("no output " << name);
  return {};
}

// Element `step` of the first axis, in the type and shape of `like`.
tool::Array StepOf(const tool::Array& stack, int64_t step,
                   const tool::Array& like) {
  tool::Array item = like;
  const size_t size = item.bytes.size();
  const size_t offset = static_cast<size_t>(step) * size;
  REQUIRE(offset + size <= stack.bytes.size());
  std::copy_n(stack.bytes.begin() + static_cast<std::ptrdiff_t>(offset), size,
              item.bytes.begin());
  return item;
}

Feeds FirstFeeds(const json& row) {
  Feeds feeds;
  const fs::path folder = kCorpus / row["name"].get<std::string>();
  for (const json& input : row["cases"][0]["inputs"])
    feeds[input["name"]] = ReadArray(folder / input["file"].get<std::string>());
  return feeds;
}

void Replay(const json& row, Numerics numerics) {
  const std::string name = row["name"];
  const json& sequence = row["sequence"];
  const fs::path folder = kCorpus / name;
  Feeds feeds = FirstFeeds(row);
  for (const auto& [output, input] : sequence["state_links"].items()) {
    std::vector<std::byte>& bytes = feeds.at(input.get<std::string>()).bytes;
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
  }
  SessionOptions options;
  options.numerics = numerics;
  const auto session = Open(LoadNet(folder, true), feeds, options);
  const std::string stream = sequence["input"];
  const tool::Array inputs =
      ReadArray(folder / sequence["input_file"].get<std::string>());
  const int64_t steps = sequence["steps"];
  double worst = 0;
  for (int64_t step = 0; step < steps; ++step) {
    feeds[stream] = StepOf(inputs, step, feeds.at(stream));
    Run(*session, feeds);
    for (const auto& [output, file] : sequence["outputs"].items()) {
      const tool::Array got = OutputOf(*session, output);
      tool::Array like = got;
      like.type.dtype = DataType::kFloat32;
      like.bytes.resize(DenseBytes(like.type));
      const tool::Array want =
          StepOf(ReadArray(folder / file.get<std::string>()), step, like);
      worst = std::max(worst, Misses(got, want, numerics));
    }
    for (const auto& [output, input] : sequence["state_links"].items())
      feeds[input] = OutputOf(*session, output);
  }
  for (const auto& [output, file] : sequence["final_states"].items()) {
    const tool::Array want = ReadArray(folder / file.get<std::string>());
    worst = std::max(worst, Misses(OutputOf(*session, output), want, numerics));
  }
  std::printf("%-28s %-8s %d steps, worst %.3f of the bound\n", name.c_str(),
              numerics == Numerics::kFp32 ? "fp32" : "portable",
              static_cast<int>(steps), worst);
  CHECK_MESSAGE(worst <= 1.0, name);
}

struct Layer {
  std::string tensor;
  fs::path file;
};

std::vector<Layer> LayersOf(const fs::path& folder) {
  std::vector<Layer> layers;
  std::ifstream table(folder / "layers.tsv");
  std::string line;
  std::getline(table, line);  // file, tensor, op, node, dtype, shape
  while (std::getline(table, line)) {
    const size_t first = line.find('\t');
    const size_t second = line.find('\t', first + 1);
    layers.push_back({line.substr(first + 1, second - first - 1),
                      folder / line.substr(0, first)});
  }
  return layers;
}

void CompareLayers(const json& row, Numerics numerics) {
  const std::string name = row["name"];
  const fs::path folder = kCorpus / name;
  const Feeds feeds = FirstFeeds(row);
  SessionOptions options;
  options.numerics = numerics;
  options.keep_intermediates = true;
  const auto session = Open(LoadNet(folder, false), feeds, options);
  Run(*session, feeds);
  std::map<std::string, tool::Array> values;
  const Status status = session->ForEachValue(
      [&](const std::string& tensor, const TensorView& value) {
        values[tensor] = tool::CopyToArray(value);
        return Status();
      });
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  const std::vector<Layer> layers = LayersOf(folder / "layers");
  size_t compared = 0;
  double worst = 0;
  for (const Layer& layer : layers) {
    const auto value = values.find(layer.tensor);
    if (value == values.end()) continue;  // settled before the run
    const double misses =
        Misses(value->second, ReadArray(layer.file), numerics);
    CHECK_MESSAGE(misses <= 1.0, name << ": " << layer.tensor);
    worst = std::max(worst, misses);
    ++compared;
  }
  std::printf("%-28s %-8s %zu of %zu layers, worst %.3f of the bound\n",
              name.c_str(), numerics == Numerics::kFp32 ? "fp32" : "portable",
              compared, layers.size(), worst);
  // The rest is shape arithmetic, which importing folds.
  CHECK_MESSAGE(3 * compared > layers.size(), name);
}

TEST_CASE("sequences: stateful networks replay their steps") {
  const std::vector<json> networks = NetworksWith("sequence");
  if (networks.empty()) {
    std::printf("ALL CASES SKIPPED: no networks at %s\n", kCorpus.c_str());
    return;
  }
  for (const json& row : networks) {
    Replay(row, Numerics::kFp32);
    Replay(row, Numerics::kPortable);
  }
}

TEST_CASE("layers: every dumped tensor agrees with its source's") {
  if (!fs::is_directory(kCorpus)) {
    std::printf("ALL CASES SKIPPED: no networks at %s\n", kCorpus.c_str());
    return;
  }
  for (const json& row : NetworksWith("name")) {
    const std::string name = row["name"];
    if (!fs::is_directory(kCorpus / name / "layers")) continue;
    CompareLayers(row, Numerics::kFp32);
    CompareLayers(row, Numerics::kPortable);
  }
}

}  // namespace
}  // namespace aneref
