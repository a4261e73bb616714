// Core ML networks, where they are at hand: every result has the same bytes for
// all thread counts, all Highway targets, the scalar kernels, and for the .anem
// file written by import. Skipped, visibly, without them.
#include <doctest/doctest.h>

#include "tests/tools/identity.h"

namespace aneref {
namespace {

using namespace test;

TEST_CASE("N9: Core ML networks give one digest however they run") {
  int equal = 0, refused = 0;
  for (const fs::path& model : CoremlModels()) {
    ImportSummary summary;
    const auto bytes = ImportModel(model.string(), ImportOptions(), &summary);
    if (!bytes.ok()) {
      CHECK_MESSAGE(bytes.status().code() == StatusCode::kUnsupported,
                    model.filename().string());
      ++refused;
      continue;
    }
    auto net = Net::Parse(File::FromBuffer(*bytes), "net");
    REQUIRE(net.ok());
    Outcome outcome;
    const Result result =
        CheckRuns(model.filename().string(), *bytes, PatternInputs(**net),
                  {"portable", Numerics::kPortable}, &outcome);
    equal += result == Result::kEqual;
    refused += result == Result::kRefused;
    std::printf("%-38s %016llx\n", model.filename().c_str(),
                static_cast<unsigned long long>(outcome.digest));
  }
  std::printf("%d networks equal, %d refused\n", equal, refused);
  if (!CoremlModels().empty()) CHECK(equal >= 30);
}

}  // namespace
}  // namespace aneref
