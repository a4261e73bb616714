// The built program from outside: help, words, exit status, and a whole run of
// a network of two ops whose values are worked out by hand.
#include <doctest/doctest.h>

#include "tests/support/draft.h"
#include "tests/tools/run_tool.h"
#include "tools/npz.h"

namespace aneref::test {
namespace {

// y = relu(x + [1, -1, 0.5]), x and y [1, 3].
std::string TinyModel(const TempFolder& folder) {
  DraftBuilder net;
  const int x = net.Input("x", {1, 3});
  const int c = net.Constant({1, 3}, {1, -1, 0.5});
  net.Output(net.Unary(fbs::ActivationKind::relu,
                       net.Binary(fbs::ElementwiseKind::add, x, c)));
  const std::shared_ptr<const Net> parsed = net.Parse();  // owns the bytes
  const auto bytes = parsed->file_bytes();
  const std::string path = folder / "tiny.anem";
  WriteText(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return path;
}
// fp16 [1, -2, 0.25]
std::string TinyInput(const TempFolder& folder) {
  const std::string path = folder / "x.npy";
  WriteText(path,
            Npy("<f2", "(1, 3)", std::string("\x00\x3C\x00\xC0\x00\x34", 6)));
  return path;
}

TEST_CASE("command line: help teaches by example and ends with 0") {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{}, {"--help"}, {"-h"}, {"help"}}) {
    const Outcome outcome = RunTool(args);
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    CHECK(outcome.out.find("Examples:") != std::string::npos);
  }
  for (const char* verb : {"run", "info", "import", "bench", "targets"}) {
    const Outcome outcome = RunTool({verb, "--help"});
    CHECK(outcome.status == 0);
    CHECK(outcome.out.find("\n  aneref ") != std::string::npos);
    CHECK(outcome.out == RunTool({"help", verb}).out);
  }
}

TEST_CASE("command line: the version is one line") {
  CHECK(RunTool({"--version"}).out == "aneref 0.1.0\n");
}

TEST_CASE("command line: wrong usage is exit 2 and one line") {
  CheckRefused(RunTool({"rnu", "x"}), "did you mean run");
  CheckRefused(RunTool({"frobnicate"}), "expected one of: run");
  CheckRefused(RunTool({"run"}), "MODEL");
  CheckRefused(RunTool({"run", "x.anem", "--treads", "2"}), "--threads");
  CheckRefused(RunTool({"run", "x.anem", "y.anem"}), "unexpected 'y.anem'");
  CheckRefused(RunTool({"run", "x.anem", "--threads", "0"}), "--threads");
  CheckRefused(RunTool({"run", "x.anem", "--threads", "-1"}), "--threads");
  CheckRefused(RunTool({"run", "x.anem", "--threads", "two"}), "--threads");
  CheckRefused(RunTool({"run", "x.anem", "--threads"}), "--threads");
  CheckRefused(RunTool({"run", "x.anem", "--precision", "fp8"}), "--precision");
  CheckRefused(RunTool({"run", "x.anem", "--max-memory", "12Q"}), "12Q");
  CheckRefused(RunTool({"run", "x.anem", "--max-memory", "0"}), "byte count");
  CheckRefused(RunTool({"run", "x.anem", "--target", "m99"}), "m99");
  CheckRefused(RunTool({"run", "x.anem", "--numerics", "exact"}), "exact");
  CheckRefused(RunTool({"run", "x.anem", "--numerics", "device:"}), "NAME");
  CheckRefused(RunTool({"run", "x.anem", "--numerics", "device:mac=x"}),
               "radix4_w12");
  CheckRefused(RunTool({"run", "x.anem", "--numerics", "device:odd=1"}), "odd");
  CheckRefused(RunTool({"import", "x.onnx"}), "--output");
  CheckRefused(RunTool({"--frob"}), "--frob");
  CheckRefused(RunTool({"help", "frob"}), "frob");
}

TEST_CASE("command line: man page and completion know every verb") {
  const std::string man = RunTool({"help", "--man"}).out;
  const std::string bash = RunTool({"help", "--completion", "bash"}).out;
  const std::string zsh = RunTool({"help", "--completion", "zsh"}).out;
  CHECK(man.starts_with(".TH ANEREF 1"));
  for (const char* verb : {"run", "info", "import", "bench", "targets"}) {
    CHECK(man.find(std::string(".SS aneref ") + verb) != std::string::npos);
    CHECK(bash.find(std::string("    ") + verb + ") flags='") !=
          std::string::npos);
    CHECK(zsh.find(std::string("    ") + verb + ") _arguments") !=
          std::string::npos);
  }
  // Options for experts are in none of them.
  for (const std::string& text : {man, bash, zsh, RunTool({"run", "-h"}).out}) {
    CHECK(text.find("rung") == std::string::npos);
  }
}

TEST_CASE("command line: targets lists chips for people and scripts") {
  CHECK(RunTool({"targets"}).out.find("\nm1  ") != std::string::npos);
  const std::string json = RunTool({"targets", "--json"}).out;
  for (const char* key :
       {"\"name\": \"m1\"", "\"arch\": \"H13\"", "\"cores\": 16",
        "\"family\": \"A13\"", "\"tops\": 11,"}) {
    CHECK_MESSAGE(json.find(key) != std::string::npos, key);
  }
}

TEST_CASE("run: outputs go into an archive by name") {
  const TempFolder folder;
  const std::string model = TinyModel(folder);
  const std::string input = TinyInput(folder);
  for (const std::string& arg : {"x=" + input, input}) {
    const Outcome outcome =
        RunTool({"run", model, "--input", arg, "--output", folder / "out.npz"});
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    CHECK(outcome.out.find("float16") != std::string::npos);
    const auto npz = tool::NpzReader::Open(folder / "out.npz");
    REQUIRE(npz.ok());
    REQUIRE(npz->names().size() == 1);
    const auto array = npz->Read(npz->names()[0]);
    REQUIRE(array.ok());
    CHECK(array->type == TensorType{DataType::kFloat16, {1, 3}});
    // 1 + 1 = 2, relu(-2 - 1) = 0, 0.25 + 0.5 = 0.75
    const std::string bytes(reinterpret_cast<const char*>(array->bytes.data()),
                            array->bytes.size());
    CHECK(bytes == std::string("\x00\x40\x00\x00\x00\x3A", 6));
  }
}

TEST_CASE("run: every rung and target and thread count has one digest") {
  const TempFolder folder;
  const std::string model = TinyModel(folder);
  const std::string input = TinyInput(folder);
  std::string first;
  for (const char* rung : {"reference", "scalar", "simd"}) {
    for (const char* threads : {"1", "3"}) {
      const std::string out =
          RunTool({"run", model, "--input", input, "--digest", "--rung", rung,
                   "--threads", threads})
              .out;
      const size_t at = out.find("digest ");
      REQUIRE(at != std::string::npos);
      const std::string digest = out.substr(at, 23);
      if (first.empty()) first = digest;
      CHECK(digest == first);
    }
  }
  CheckRefused(RunTool({"run", model, "--input", input, "--simd", "MMX"}),
               "MMX");
}

TEST_CASE("run: dump and folder and JSON") {
  const TempFolder folder;
  const std::string model = TinyModel(folder);
  const Outcome outcome =
      RunTool({"run", model, "--input", TinyInput(folder), "--dump",
               folder / "dump.npz", "--output-dir", folder / "out", "--top",
               "1", "--json"});
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  for (const char* key :
       {"\"outputs\"", "\"target\": \"m1\"", "\"numerics\": \"portable\"",
        "\"threads\"", "\"seconds\"", "\"nonfinite\": 0", "\"max\": 2.0",
        "\"index\": 0"}) {
    CHECK_MESSAGE(outcome.out.find(key) != std::string::npos, key);
  }
  const auto dump = tool::NpzReader::Open(folder / "dump.npz");
  REQUIRE(dump.ok());
  CHECK(dump->names().size() >= 1);
  CHECK(std::distance(std::filesystem::directory_iterator(folder / "out"),
                      std::filesystem::directory_iterator()) == 1);
}

TEST_CASE("info and import and bench: what scripts rely on") {
  const TempFolder folder;
  const std::string model = TinyModel(folder);
  const Outcome info = RunTool({"info", model, "--json"});
  REQUIRE_MESSAGE(info.status == 0, info.err);
  for (const char* key : {"\"format\": \"anem\"", "\"inputs\"", "\"outputs\"",
                          "\"ops\"", "\"parameters\": 3", "\"weight_bytes\"",
                          "\"name\": \"x\"", "\"dtype\": \"float16\""}) {
    CHECK_MESSAGE(info.out.find(key) != std::string::npos, key);
  }
  CHECK(RunTool({"info", model}).status == 0);
  const Outcome import =
      RunTool({"import", model, "-o", folder / "copy.anem", "--json"});
  REQUIRE_MESSAGE(import.status == 0, import.err);
  CHECK(ReadText(folder / "copy.anem") == ReadText(model));
  const Outcome bench = RunTool({"bench", model, "--runs", "2", "--json"});
  REQUIRE_MESSAGE(bench.status == 0, bench.err);
  for (const char* key :
       {"\"model\"", "\"threads\"", "\"runs\": 2", "\"median_ms\"",
        "\"p90_ms\"", "\"min_ms\"", "\"load_ms\"", "\"peak_rss_mib\"",
        "\"arena_mib\"", "\"ops\"", "\"gflops\"", "\"placement\""}) {
    CHECK_MESSAGE(bench.out.find(key) != std::string::npos, key);
  }
  CHECK(RunTool({"bench", model, "--runs", "1"}).status == 0);
}

}  // namespace
}  // namespace aneref::test
