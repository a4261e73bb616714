// Real networks, where they are at hand: every result has the same bytes for
// all thread counts, all Highway targets, the scalar kernels, and for the .anem
// file written by import. The same for the operator tests of a corpus, under
// the engine's arithmetic, too. Prints one digest per network. Skipped,
// visibly, without them.
#include <doctest/doctest.h>

#include "tests/tools/identity.h"

namespace aneref {
namespace {

using namespace test;

void CheckNet(const std::string& name, const std::vector<std::byte>& bytes,
              const std::vector<tool::Array>& inputs) {
  for (const Arithmetic& arithmetic :
       {Arithmetic{"portable", Numerics::kPortable},
        Arithmetic{"fp32", Numerics::kFp32}}) {
    Outcome outcome;
    const Result result = CheckRuns(name, bytes, inputs, arithmetic, &outcome);
    if (result == Result::kRefused) {
      std::printf("%-28s refused: %s\n", name.c_str(),
                  outcome.status.ToString().c_str());
      return;
    }
    std::printf("%-28s %-8s %016llx\n", name.c_str(), arithmetic.name,
                static_cast<unsigned long long>(outcome.digest));
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

TEST_CASE("N9: operator tests give one digest in all numerics") {
  const std::vector<fs::path> folders = OperatorFolders();
  if (folders.empty()) return;
  const Arithmetic arithmetics[] = {
      {"portable", Numerics::kPortable}, {"fp32", Numerics::kFp32}, Device()};
  int equal = 0, refused = 0;
  for (const fs::path& folder : folders) {
    ImportSummary summary;
    const auto bytes = ImportModel((folder / "model.onnx").string(),
                                   ImportOptions(), &summary);
    if (!bytes.ok()) {
      ++refused;
      continue;
    }
    const std::vector<tool::Array> inputs = ReadInputs(folder);
    for (const Arithmetic& arithmetic : arithmetics) {
      Outcome outcome;
      const Result result = CheckRuns(folder.filename().string(), *bytes,
                                      inputs, arithmetic, &outcome);
      equal += result == Result::kEqual;
      refused += result == Result::kRefused;
    }
  }
  std::printf("%d of %zu runs equal, %d refused\n", equal, 3 * folders.size(),
              refused);
  CHECK(equal + refused == static_cast<int>(3 * folders.size()));
  CHECK(refused == 0);
}

}  // namespace aneref
