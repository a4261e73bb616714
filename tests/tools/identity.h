// Every way of running one network gives one digest: thread counts, Highway
// targets, the scalar kernels, and the .anem file that import writes. For the
// tests that walk over a corpus.
#ifndef ANEREF_TESTS_TOOLS_IDENTITY_H_
#define ANEREF_TESTS_TOOLS_IDENTITY_H_

#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/each_target.h"
#include "tests/tools/corpus.h"

namespace aneref::test {

// The .anem file written to disk and mapped again.
inline std::shared_ptr<const Net> ThroughFile(
    const std::vector<std::byte>& bytes) {
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

struct Arithmetic {
  const char* name;
  Numerics numerics;
  std::shared_ptr<const DeviceContext> device = nullptr;
};

// That of the M1's engine, its tables shared by all runs.
inline Arithmetic Device() {
  return {"device", Numerics::kDevice, ContextOf("m1")};
}

enum class Result { kEqual, kDiffers, kRefused };

// Every way of running the network once gives the digest of the first.
inline Result CheckRuns(const std::string& name,
                        const std::vector<std::byte>& bytes,
                        const std::vector<tool::Array>& inputs,
                        const Arithmetic& arithmetic, Outcome* expected) {
  auto net = Net::Parse(File::FromBuffer(bytes), name);
  REQUIRE_MESSAGE(net.ok(), net.status().ToString());
  SessionOptions options;
  options.numerics = arithmetic.numerics;
  options.device = arithmetic.device;
  options.threads = 1;
  *expected = RunNet(*net, inputs, options);
  if (expected->status.code() == StatusCode::kUnsupported)
    return Result::kRefused;
  REQUIRE_MESSAGE(expected->status.ok(),
                  name << ": " << expected->status.ToString());
  bool equal = true;
  const auto check = [&](const std::shared_ptr<const Net>& which,
                         const std::string& how) {
    const bool same = RunNet(which, inputs, options).digest == expected->digest;
    CHECK_MESSAGE(same, name << " in " << arithmetic.name << " " << how);
    equal = equal && same;
  };
  check(ThroughFile(bytes), "through a file");
  for (int threads : {2, 3, 8}) {
    options.threads = threads;
    check(*net, "with threads: " + std::to_string(threads));
  }
  options.threads = 2;
  ForEachTarget([&] { check(*net, "on a target"); });
  options.rung = Rung::kScalar;
  if (expected->flops < 1e9) check(*net, "scalar");
  return equal ? Result::kEqual : Result::kDiffers;
}

}  // namespace aneref::test

#endif  // ANEREF_TESTS_TOOLS_IDENTITY_H_
