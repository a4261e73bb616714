// Real networks where they are at hand (../shared/models): reading them, their
// inputs, and one digest of a run. For the tests that walk over a corpus.
#ifndef ANEREF_TESTS_TOOLS_CORPUS_H_
#define ANEREF_TESTS_TOOLS_CORPUS_H_

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "runtime/core/chip_profile.h"
#include "runtime/core/convert.h"
#include "runtime/exec/session.h"
#include "runtime/graph/limits.h"
#include "runtime/import/importer.h"
#include "tools/npy.h"

namespace aneref::test {

namespace fs = std::filesystem;

inline std::vector<std::byte> ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> chars((std::istreambuf_iterator<char>(file)),
                                std::istreambuf_iterator<char>());
  std::vector<std::byte> bytes(chars.size());
  std::transform(chars.begin(), chars.end(), bytes.begin(),
                 [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

inline std::vector<tool::Array> ReadInputs(const fs::path& folder) {
  std::vector<tool::Array> inputs;
  for (int i = 0; fs::exists(folder / ("input_" + std::to_string(i) + ".npy"));
       ++i) {
    const fs::path path = folder / ("input_" + std::to_string(i) + ".npy");
    auto array = tool::ParseNpy(ReadFile(path), path.string());
    REQUIRE_MESSAGE(array.ok(), array.status().ToString());
    inputs.push_back(std::move(*array));
  }
  return inputs;
}

// FNV-1a over the valid elements of all outputs.
class DigestOf {
 public:
  void Add(const TensorView& view) {
    for (std::byte byte : tool::CopyToArray(view).bytes)
      hash_ = (hash_ ^ static_cast<uint64_t>(byte)) * 0x100000001b3u;
  }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325u;
};
inline uint64_t Digest(const Session& session) {
  DigestOf digest;
  for (size_t i = 0; i < session.outputs().size(); ++i)
    digest.Add(session.Output(i));
  return digest.value();
}

struct Outcome {
  Status status;
  uint64_t digest = 0;
  double flops = 0;
};

inline Outcome RunNet(const std::shared_ptr<const Net>& net,
                      const std::vector<tool::Array>& inputs,
                      SessionOptions options) {
  Outcome outcome;
  const auto* ports = net->main_graph().inputs();
  const auto* kept = net->main_graph().states();
  const size_t states = kept == nullptr ? 0 : kept->size();
  if ((ports == nullptr ? 0 : ports->size()) != inputs.size() + states) {
    outcome.status = InvalidArgument("number of inputs");
    return outcome;
  }
  for (unsigned i = 0; i < inputs.size(); ++i) {
    const auto tensor = static_cast<unsigned>(ports->Get(i)->tensor());
    options
        .input_shapes[net->main_graph().tensors()->Get(tensor)->name()->str()] =
        inputs[i].type.shape;
  }
  auto session = Session::Create(net, options);
  outcome.status = session.status();
  if (!session.ok()) return outcome;
  for (size_t i = 0; i < inputs.size() && outcome.status.ok(); ++i) {
    outcome.status = (*session)->SetInput(i, inputs[i].View());
  }
  if (outcome.status.ok()) outcome.status = (*session)->Run();
  if (!outcome.status.ok()) return outcome;
  for (const TaskProfile& task : (*session)->profile())
    outcome.flops += task.flops;
  outcome.digest = Digest(**session);
  return outcome;
}

// A chip's engine, for Numerics::kDevice.
inline std::shared_ptr<const DeviceContext> ContextOf(const char* chip) {
  const Chip* found = ChipTable::Embedded().Find(chip).value();
  return std::make_shared<const DeviceContext>(ProfileOf(*found).value());
}

// The folder `name` of the corpora; empty, with a line that ctest reads as
// "skipped", without it.
inline fs::path CorpusNamed(const char* name) {
  const fs::path corpus =
      fs::path(ANEREF_SOURCE_DIR) / "../shared/models" / name;
  if (fs::is_directory(corpus)) return corpus;
  std::printf("ALL CASES SKIPPED: nothing at %s\n", corpus.string().c_str());
  return {};
}

// Folders in the corpus `name` that hold all of `files`, sorted: at least
// `least`, or none without the corpus.
inline std::vector<fs::path> FoldersWith(const char* name,
                                         const std::vector<const char*>& files,
                                         size_t least) {
  const fs::path corpus = CorpusNamed(name);
  std::vector<fs::path> folders;
  if (corpus.empty()) return folders;
  for (const auto& entry : fs::directory_iterator(corpus)) {
    if (std::all_of(files.begin(), files.end(), [&](const char* file) {
          return fs::exists(entry.path() / file);
        }))
      folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  REQUIRE(folders.size() > least);
  return folders;
}

// Networks with a first case.
inline std::vector<fs::path> CorpusFolders() {
  return FoldersWith("onnx", {"model.onnx", "case_0"}, 10);
}
// Operator tests, a model and its inputs each.
inline std::vector<fs::path> OperatorFolders() {
  return FoldersWith("onnx-node", {"model.onnx"}, 100);
}

// Core ML models and packages, sorted; empty, with the same line, without them.
inline std::vector<fs::path> CoremlModels() {
  const fs::path corpus = CorpusNamed("coreml");
  std::vector<fs::path> models;
  if (corpus.empty()) return models;
  for (const char* folder : {".", "derived", "synthetic"}) {
    for (const auto& entry : fs::directory_iterator(corpus / folder)) {
      const std::string kind = entry.path().extension();
      if (kind == ".mlmodel" || kind == ".mlpackage")
        models.push_back(entry.path());
    }
  }
  std::sort(models.begin(), models.end());
  REQUIRE(models.size() > 20);
  return models;
}

// Inputs for a network that comes without: 0, 1/8 ... 6/8 again and again (as
// integers 0 ... 6), in its usual shapes, open extents else 1.
inline std::vector<tool::Array> PatternInputs(const Net& net) {
  std::vector<tool::Array> inputs;
  const fbs::Graph& graph = net.main_graph();
  const size_t states = graph.states() ? graph.states()->size() : 0;
  for (unsigned i = 0; i + states < graph.inputs()->size(); ++i) {
    const fbs::Port& port = *graph.inputs()->Get(i);
    const fbs::Tensor& tensor =
        *graph.tensors()->Get(static_cast<unsigned>(port.tensor()));
    std::vector<int64_t> dims;
    if (tensor.shape() != nullptr)
      dims.assign(tensor.shape()->begin(), tensor.shape()->end());
    const Shape usual = UsualShape(port, dims.size());
    for (size_t axis = 0; axis < dims.size(); ++axis) {
      if (dims[axis] < 0)
        dims[axis] = usual.rank() == dims.size() ? usual[axis] : 1;
    }
    const bool is_float = IsFloating(static_cast<DataType>(tensor.dtype()));
    tool::Array array;
    array.type = {DataType::kFloat32, Shape(dims)};
    std::vector<float> values(
        static_cast<size_t>(array.type.shape.NumElements()));
    for (size_t k = 0; k < values.size(); ++k)
      values[k] = static_cast<float>(k % 7) * (is_float ? 0.125f : 1.0f);
    array.bytes.resize(DenseBytes(array.type));
    std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
    if (!is_float) {
      const TensorType integers{DataType::kInt32, array.type.shape};
      std::vector<std::byte> bytes(DenseBytes(integers));
      ConvertElements(DataType::kFloat32, array.bytes.data(), DataType::kInt32,
                      bytes.data(), values.size());
      array.type = integers;
      array.bytes = std::move(bytes);
    }
    inputs.push_back(std::move(array));
  }
  return inputs;
}

}  // namespace aneref::test

#endif  // ANEREF_TESTS_TOOLS_CORPUS_H_
