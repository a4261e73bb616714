// Real networks, where they are at hand: every result has the same bytes for
// all thread counts, all Highway targets, the scalar kernels, and for the .anem
// file written by import. Prints one digest per network. Skipped, visibly,
// without them.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "runtime/exec/session.h"
#include "runtime/import/importer.h"
#include "tests/support/each_target.h"
#include "tools/npy.h"

namespace aneref {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> chars((std::istreambuf_iterator<char>(file)),
                                std::istreambuf_iterator<char>());
  std::vector<std::byte> bytes(chars.size());
  std::transform(chars.begin(), chars.end(), bytes.begin(),
                 [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

std::vector<tool::Array> ReadInputs(const fs::path& folder) {
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
uint64_t Digest(const Session& session) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < session.outputs().size(); ++i) {
    for (std::byte byte : tool::CopyToArray(session.Output(i)).bytes) {
      hash = (hash ^ static_cast<uint64_t>(byte)) * 0x100000001b3u;
    }
  }
  return hash;
}

struct Outcome {
  Status status;
  uint64_t digest = 0;
  double flops = 0;
};

Outcome RunNet(const std::shared_ptr<const Net>& net,
               const std::vector<tool::Array>& inputs, SessionOptions options) {
  Outcome outcome;
  const auto* ports = net->main_graph().inputs();
  if (ports == nullptr || ports->size() != inputs.size()) {
    outcome.status = InvalidArgument("number of inputs");
    return outcome;
  }
  for (unsigned i = 0; i < ports->size(); ++i) {
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

// The .anem file written to disk and mapped again.
std::shared_ptr<const Net> ThroughFile(const std::vector<std::byte>& bytes) {
  const fs::path path = fs::temp_directory_path() /
                        ("aneref_corpus_" + std::to_string(getpid()) + ".anem");
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  auto file = File::Map(path.string());
  REQUIRE(file.ok());
  fs::remove(path);
  auto net = Net::Parse(*file, "file");
  REQUIRE_MESSAGE(net.ok(), net.status().ToString());
  return *net;
}

void CheckNet(const std::string& name, const std::vector<std::byte>& bytes,
              const std::vector<tool::Array>& inputs) {
  auto net = Net::Parse(File::FromBuffer(bytes), name);
  REQUIRE_MESSAGE(net.ok(), net.status().ToString());
  for (Numerics numerics : {Numerics::kPortable, Numerics::kFp32}) {
    SessionOptions options;
    options.numerics = numerics;
    options.threads = 1;
    const Outcome expected = RunNet(*net, inputs, options);
    if (expected.status.code() == StatusCode::kUnsupported) {
      std::printf("%-28s refused: %s\n", name.c_str(),
                  expected.status.ToString().c_str());
      return;
    }
    REQUIRE_MESSAGE(expected.status.ok(),
                    name << ": " << expected.status.ToString());
    std::printf("%-28s %-8s %016llx\n", name.c_str(),
                numerics == Numerics::kPortable ? "portable" : "fp32",
                static_cast<unsigned long long>(expected.digest));
    CHECK_MESSAGE(
        RunNet(ThroughFile(bytes), inputs, options).digest == expected.digest,
        name << " through a file");
    for (int threads : {2, 3, 8}) {
      options.threads = threads;
      CHECK_MESSAGE(RunNet(*net, inputs, options).digest == expected.digest,
                    name << " with " << threads);
    }
    options.threads = 2;
    test::ForEachTarget([&] {
      CHECK_MESSAGE(RunNet(*net, inputs, options).digest == expected.digest,
                    name);
    });
    options.rung = Rung::kScalar;
    if (expected.flops < 1e9)
      CHECK_MESSAGE(RunNet(*net, inputs, options).digest == expected.digest,
                    name << " scalar");
  }
}

}  // namespace

TEST_CASE(
    "N9: real networks give one digest on every target and thread count") {
  const fs::path corpus = fs::path(ANEREF_SOURCE_DIR) / "../shared/models/onnx";
  if (!fs::is_directory(corpus)) {
    std::printf("ALL CASES SKIPPED: no networks at %s\n",
                corpus.string().c_str());
    return;
  }
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(corpus)) {
    if (fs::exists(entry.path() / "model.onnx") &&
        fs::exists(entry.path() / "case_0"))
      folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  REQUIRE(folders.size() > 10);
  int ran = 0;
  for (const fs::path& folder : folders) {
    ImportSummary summary;
    const auto bytes = ImportModel((folder / "model.onnx").string(),
                                   ImportOptions(), &summary);
    if (!bytes.ok()) {
      std::printf("%-28s refused: %s\n", folder.filename().c_str(),
                  bytes.status().ToString().c_str());
      CHECK_MESSAGE(bytes.status().code() == StatusCode::kUnsupported,
                    folder.filename().string());
      continue;
    }
    ++ran;
    CheckNet(folder.filename().string(), *bytes, ReadInputs(folder / "case_0"));
  }
  CHECK(ran > 20);
}

}  // namespace aneref
