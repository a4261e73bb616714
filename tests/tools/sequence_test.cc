// aneref run on networks that remember: states in archives, sequences step by
// step, outputs linked to inputs.
#include "tools/sequence.h"

#include <doctest/doctest.h>

#include <cstring>

#include "runtime/graph/net_writer.h"
#include "tests/tools/run_tool.h"
#include "tools/npz.h"

namespace aneref::tool {
namespace {

using test::CheckRefused;
using test::Npy;
using test::RunTool;
using test::TempFolder;
using test::WriteText;

std::string Raw(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// y = x + s with inputs x [2] and s [2]; `is_state` makes s a state that takes
// y after each run, else it is an input.
void WriteModel(const std::string& path, bool is_state) {
  NetDraft draft;
  draft.net.graphs.push_back(std::make_unique<fbs::GraphT>());
  fbs::GraphT& graph = *draft.net.graphs[0];
  const auto port = [](int32_t tensor) {
    auto result = std::make_unique<fbs::PortT>();
    result->tensor = tensor;
    return result;
  };
  for (const char* name : {"x", "s", "y"}) {
    auto tensor = std::make_unique<fbs::TensorT>();
    tensor->name = name;
    tensor->dtype = fbs::DataType::float32;
    tensor->shape = {2};
    tensor->has_shape = true;
    graph.tensors.push_back(std::move(tensor));
  }
  auto node = std::make_unique<fbs::NodeT>();
  node->op.Set(fbs::ElementwiseT());
  node->inputs = {0, 1};
  node->outputs = {2};
  graph.nodes.push_back(std::move(node));
  graph.inputs.push_back(port(0));
  graph.inputs.push_back(port(1));
  graph.outputs.push_back(port(2));
  if (is_state) {
    graph.outputs.push_back(port(2));
    auto state = std::make_unique<fbs::StateT>();
    state->name = "memory";
    state->input = 1;
    state->output = 1;
    graph.states.push_back(std::move(state));
  }
  const auto bytes = WriteNet(std::move(draft));
  REQUIRE(bytes.ok());
  WriteText(path, std::string(reinterpret_cast<const char*>(bytes->data()),
                              bytes->size()));
}

std::vector<float> ReadFloats(const std::string& path, const std::string& name,
                              const Shape& shape) {
  const auto reader = NpzReader::Open(path);
  REQUIRE_MESSAGE(reader.ok(), reader.status().message());
  const auto array = reader->Read(name);
  REQUIRE_MESSAGE(array.ok(), array.status().message());
  CHECK(array->type.shape == shape);
  std::vector<float> values(array->bytes.size() / sizeof(float));
  std::memcpy(values.data(), array->bytes.data(), array->bytes.size());
  return values;
}

using Values = std::vector<float>;

TEST_CASE("run: states go out of one run and into the next (F14)") {
  const TempFolder folder;
  WriteModel(folder / "m.anem", true);
  WriteText(folder / "x.npy", Npy("<f4", "(2,)", Raw({1, 10})));
  const std::vector<std::string> run = {"run", folder / "m.anem", "--input",
                                        "x=" + (folder / "x.npy")};
  auto first = run, second = run;
  first.insert(first.end(), {"--state-out", folder / "s.npz"});
  auto outcome = RunTool(first);
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(ReadFloats(folder / "s.npz", "memory", Shape{2}) == Values{1, 10});
  second.insert(second.end(),
                {"--state-in", folder / "s.npz", "--output", folder / "y.npz"});
  outcome = RunTool(second);
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(ReadFloats(folder / "y.npz", "y", Shape{2}) == Values{2, 20});
}

TEST_CASE("run: a sequence is fed step by step") {
  const TempFolder folder;
  WriteModel(folder / "m.anem", true);
  WriteText(folder / "x.npy", Npy("<f4", "(3, 2)", Raw({1, 10, 2, 20, 3, 30})));
  const auto outcome =
      RunTool({"run", folder / "m.anem", "--input", "x=" + (folder / "x.npy"),
               "--sequence", "x", "--output", folder / "y.npz"});
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(ReadFloats(folder / "y.npz", "y", Shape{3, 2}) ==
        Values{1, 10, 3, 30, 6, 60});
}

TEST_CASE("run: an output linked to an input is its next value") {
  const TempFolder folder;
  WriteModel(folder / "m.anem", false);
  WriteText(folder / "x.npy", Npy("<f4", "(2, 2)", Raw({1, 10, 2, 20})));
  WriteText(folder / "s.npy", Npy("<f4", "(2,)", Raw({100, 0})));
  const std::vector<std::string> run = {"run",        folder / "m.anem",
                                        "--input",    "x=" + (folder / "x.npy"),
                                        "--input",    "s=" + (folder / "s.npy"),
                                        "--sequence", "x"};
  auto good = run, bad = run;
  good.insert(good.end(), {"--link", "y=s", "--output", folder / "y.npz"});
  const auto outcome = RunTool(good);
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(ReadFloats(folder / "y.npz", "y", Shape{2, 2}) ==
        Values{101, 10, 103, 30});
  bad.insert(bad.end(), {"--link", "s=y"});
  CheckRefused(RunTool(bad), "is no OUTPUT=INPUT of this model");
}

TEST_CASE("run: names that no state or input has are refused") {
  const TempFolder folder;
  WriteModel(folder / "m.anem", true);
  WriteText(folder / "x.npy", Npy("<f4", "(2,)", Raw({1, 10})));
  CheckRefused(RunTool({"run", folder / "m.anem", "--input",
                        "x=" + (folder / "x.npy"), "--sequence", "z"}),
               "the model has no 'z'");
}

}  // namespace
}  // namespace aneref::tool
