// Real networks, where they are at hand: every result has the same bytes for
// all thread counts, all Highway targets, the scalar kernels, and for the .anem
// file written by import. Prints one digest per network. Skipped, visibly,
// without them.
#include "tests/tools/corpus.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/support/each_target.h"

namespace aneref {
namespace {

using namespace test;

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
  const std::vector<fs::path> folders = CorpusFolders();
  if (folders.empty()) return;
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
