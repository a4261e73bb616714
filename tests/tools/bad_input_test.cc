// The table of bad inputs: each ends with exit 2, one clear line and no output
// file, whatever was in the output's place before stays as it was.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/support/draft.h"
#include "tests/tools/run_tool.h"

namespace aneref::test {
namespace {

constexpr fbs::DataType kInt64 = fbs::DataType::int64;

// A folder with a tiny model, a digit reader, good inputs and an output that
// must stay.
struct Bench {
  Bench() {
    DraftBuilder net;
    const int x = net.Input("x", {1, 3});
    const int c = net.Constant({1, 3}, {1, -1, 0.5});
    net.Output(net.Unary(fbs::ActivationKind::relu,
                         net.Binary(fbs::ElementwiseKind::add, x, c)));
    Save(net, "tiny.anem");
    DraftBuilder open;
    open.Output(
        open.Unary(fbs::ActivationKind::relu, open.Input("x", {-1, 3})));
    Save(open, "open.anem");
    DraftBuilder integers;
    const int i = integers.Input("i", {2}, kInt64);
    fbs::CastT cast;
    cast.to = fbs::DataType::float16;
    integers.Output(integers.Node(cast, {i}));
    Save(integers, "integers.anem");
    WriteText(folder / "x.npy", Npy("<f4", "(1, 3)", std::string(12, '\0')));
    WriteText(folder / "i.npy", Npy("<i8", "(2,)", std::string(16, '\0')));
    WriteText(folder / "out.npz", "precious");
    before = folder.List();
  }
  void Save(DraftBuilder& net, const std::string& name) {
    const std::shared_ptr<const Net> parsed = net.Parse();  // owns the bytes
    const auto bytes = parsed->file_bytes();
    WriteText(folder / name,
              {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  // Runs `model` with `more` options; the run must be refused with `words`.
  void Refuse(const std::string& model, std::vector<std::string> more,
              const std::string& words) {
    std::vector<std::string> args = {"run", folder / model, "--output",
                                     folder / "out.npz"};
    args.insert(args.end(), more.begin(), more.end());
    CheckRefused(RunTool(args), words);
    CHECK(ReadText(folder / "out.npz") == "precious");
    CHECK(folder.List() == before);
  }
  // A further file, made before a refusal.
  std::string Add(const std::string& name, const std::string& text) {
    WriteText(folder / name, text);
    before = folder.List();
    return folder / name;
  }

  TempFolder folder;
  std::vector<std::string> before;
};

TEST_CASE("bad input: the tiny models run when all is right") {
  const Bench bench;
  CHECK(RunTool({"run", bench.folder / "tiny.anem", "--input",
                 bench.folder / "x.npy"})
            .status == 0);
  CHECK(RunTool({"run", bench.folder / "open.anem", "--input",
                 bench.folder / "x.npy"})
            .status == 0);
  CHECK(RunTool({"run", bench.folder / "integers.anem", "--input",
                 bench.folder / "i.npy"})
            .status == 0);
}

TEST_CASE("bad input: missing and empty and folder and wrong magic") {
  Bench bench;
  const std::string x = bench.folder / "x.npy";
  for (const char* ending : {".anem", ".onnx"}) {
    const std::string name = std::string("missing") + ending;
    bench.Refuse(name, {"--input", x}, name);
  }
  for (const char* name : {"empty.anem", "empty.onnx"}) {
    bench.Add(name, "");
    bench.Refuse(name, {"--input", x}, name);
  }
  for (const char* name : {"wrong.anem", "wrong.onnx"}) {
    bench.Add(name, std::string(5000, 'Z'));
    bench.Refuse(name, {"--input", x}, name);
  }
  std::filesystem::create_directory(bench.folder / "folder.anem");
  std::filesystem::create_directory(bench.folder / "folder.onnx");
  bench.before = bench.folder.List();
  bench.Refuse("folder.anem", {"--input", x}, "folder.anem");
  bench.Refuse("folder.onnx", {"--input", x}, "folder.onnx");
  bench.Add("model.txt", "hello");
  bench.Refuse("model.txt", {"--input", x}, "model.txt");
}

TEST_CASE("bad input: models truncated at every 1/16th") {
  Bench bench;
  const std::string x = bench.folder / "x.npy";
  const std::string native = ReadText(bench.folder / "tiny.anem");
  const std::string onnx =
      ReadText(ANEREF_SOURCE_DIR "/examples/digits/digits.onnx");
  REQUIRE(onnx.size() > 1000);
  for (size_t part = 0; part < 16; ++part) {
    bench.Add("cut.anem", native.substr(0, native.size() * part / 16));
    bench.Refuse("cut.anem", {"--input", x}, "cut.anem");
    bench.Add("cut.onnx", onnx.substr(0, onnx.size() * part / 16));
    bench.Refuse("cut.onnx", {"--input", x}, "");
  }
}

TEST_CASE("bad input: names and shapes and types of inputs") {
  Bench bench;
  const std::string x = bench.folder / "x.npy";
  const std::string i = bench.folder / "i.npy";
  bench.Refuse("tiny.anem", {}, "'x' is missing");
  bench.Refuse("tiny.anem", {"--input", "y=" + x}, "inputs are: 'x'");
  bench.Refuse("tiny.anem", {"--input", x, "--input", x}, "twice");
  bench.Refuse("tiny.anem", {"--input", bench.folder / "no.npy"}, "no.npy");
  bench.Refuse("tiny.anem", {"--input", bench.folder.path()}, "directory");
  bench.Refuse("tiny.anem", {"--input", bench.folder / "tiny.anem"}, "magic");
  bench.Refuse("tiny.anem", {"--inputs", x}, "archive");
  bench.Refuse("tiny.anem", {"--inputs", bench.folder / "no.npz"}, "no.npz");
  bench.Refuse("tiny.anem", {"--input", i}, "[1, 3]");
  const std::string integers =
      bench.Add("n.npy", Npy("<i4", "(1, 3)", std::string(12, '\0')));
  bench.Refuse("tiny.anem", {"--input", integers}, "int32");
  const std::string floats =
      bench.Add("f.npy", Npy("<f4", "(2,)", std::string(8, '\0')));
  bench.Refuse("integers.anem", {"--input", floats}, "int64");
  const std::string text =
      bench.Add("s.npy", Npy("<U1", "(1, 3)", std::string(12, '\0')));
  bench.Refuse("tiny.anem", {"--input", text}, "<U1");
  const std::string cut =
      bench.Add("c.npy", Npy("<f4", "(1, 3)", std::string(11, '\0')));
  bench.Refuse("tiny.anem", {"--input", cut}, "c.npy");
  const std::string picture = bench.Add("p.png", "PNG");
  bench.Refuse("tiny.anem", {"--input", picture}, "no image input");
}

TEST_CASE("bad input: NaN and infinities") {
  Bench bench;
  // float32: quiet NaN, +inf, -inf, each beside two zeros
  for (const char* bits :
       {"\x00\x00\xC0\x7F", "\x00\x00\x80\x7F", "\x00\x00\x80\xFF"}) {
    const std::string path = bench.Add(
        "n.npy",
        Npy("<f4", "(1, 3)", std::string(bits, 4) + std::string(8, '\0')));
    bench.Refuse("tiny.anem", {"--input", path}, "NaN or infinite");
    CHECK(RunTool({"run", bench.folder / "tiny.anem", "--input", path,
                   "--allow-nonfinite"})
              .status == 0);
  }
}

TEST_CASE("bad input: zero-sized dimensions") {
  Bench bench;
  const std::string none = bench.Add("z.npy", Npy("<f4", "(0, 3)", ""));
  bench.Refuse("open.anem", {"--input", none}, "extent 0");
  bench.Refuse("tiny.anem", {"--input", none}, "[1, 3]");
  bench.Refuse("open.anem",
               {"--input", bench.folder / "x.npy", "--shape", "x=0,3"},
               "extent 0");
}

TEST_CASE("bad input: a list may be empty") {
  Bench bench;
  DraftBuilder list;
  list.Output(list.Unary(fbs::ActivationKind::relu, list.Input("x", {-1})));
  bench.Save(list, "list.anem");
  const std::string none = bench.Add("z.npy", Npy("<f4", "(0,)", ""));
  const Outcome outcome =
      RunTool({"run", bench.folder / "list.anem", "--input", none});
  CHECK_MESSAGE(outcome.status == 0, outcome.err);
}

TEST_CASE("bad input: shapes on the command line") {
  Bench bench;
  const std::string x = bench.folder / "x.npy";
  for (const char* shape :
       {"x=", "x=1,", "x=,1", "x=1,3,", "x=a", "x=-1,3", "x=1x3", "y=1,3",
        "x=99999999999999999999,3", "x=4611686018427387904,3", "x=2,3"}) {
    bench.Refuse("open.anem", {"--input", x, "--shape", shape}, "");
  }
  CheckRefused(RunTool({"bench", bench.folder / "open.anem"}), "--shape");
  CHECK(RunTool({"bench", bench.folder / "open.anem", "--shape", "x=2,3",
                 "--runs", "1"})
            .status == 0);
}

TEST_CASE("bad input: over the memory limit") {
  Bench bench;
  const std::string x = bench.folder / "x.npy";
  bench.Refuse("tiny.anem", {"--input", x, "--max-memory", "64"}, "");
  CheckRefused(RunTool({"run", ANEREF_SOURCE_DIR "/examples/digits/digits.onnx",
                        "--input", x, "--max-memory", "1K"}),
               "");
  CheckRefused(RunTool({"bench", bench.folder / "open.anem", "--shape",
                        "x=300000000000,3", "--max-memory", "1G"}),
               "");
}

TEST_CASE("bad input: a session that cannot have its memory") {
  Bench bench;
  CheckRefused(RunTool({"bench", bench.folder / "open.anem", "--shape",
                        "x=300000000000,3"}),
               "");
}

TEST_CASE("bad input: outputs that cannot be written") {
  Bench bench;
  const std::string x = bench.folder / "x.npy";
  const std::string model = bench.folder / "tiny.anem";
  const auto refuse = [&](const std::string& option, const std::string& path) {
    CheckRefused(RunTool({"run", model, "--input", x, option, path}), path);
    CHECK(bench.folder.List() == bench.before);
  };
  for (const char* option : {"--output", "--dump"}) {
    refuse(option, bench.folder / "no/out.npz");
    refuse(option, bench.folder.path());
  }
  refuse("--output-dir", bench.folder / "no/out");
  refuse("--output-dir", x);
  CheckRefused(RunTool({"import", model, "-o", bench.folder / "no/x.anem"}),
               "no/x.anem");
  CheckRefused(
      RunTool({"run", model, "--input", x, "--output",
               bench.folder / "same.npz", "--dump", bench.folder / "same.npz"}),
      "same file");
  if (::geteuid() != 0) {  // root may write anywhere
    std::filesystem::create_directory(bench.folder / "locked");
    bench.before = bench.folder.List();
    REQUIRE(::chmod((bench.folder / "locked").c_str(), 0500) == 0);
    refuse("--output", bench.folder / "locked/out.npz");
  }
}

TEST_CASE("bad input: a full disk") {
  Bench bench;
  const std::string x = bench.folder / "x.npy";
  const std::string model = bench.folder / "tiny.anem";
  CheckRefused(RunTool({"run", model, "--input", x, "--output", "/dev/full"}),
               "/dev/full");
  CheckRefused(RunTool({"import", model, "-o", "/dev/full"}), "/dev/full");
  // No file may grow over 16 bytes: every write comes up short.
  RunLimits limits;
  limits.file_bytes = 16;
  limits.output = "/dev/null";
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"--output", bench.folder / "out.npz"},
        {"--dump", bench.folder / "out.npz"},
        {"--output-dir", bench.folder / "made"}}) {
    std::vector<std::string> args = {"run", model, "--input", x};
    args.insert(args.end(), more.begin(), more.end());
    CHECK(RunTool(args, limits).status == 2);
    CHECK(ReadText(bench.folder / "out.npz") == "precious");
    CHECK(bench.folder.List() == bench.before);
  }
  CHECK(RunTool({"import", model, "-o", bench.folder / "out.npz"}, limits)
            .status == 2);
  CHECK(ReadText(bench.folder / "out.npz") == "precious");
  RunLimits full;
  full.output = "/dev/full";
  CHECK(RunTool({"targets"}, full).status == 2);
  CHECK(RunTool({"info", model, "--json"}, full).status == 2);
}

}  // namespace
}  // namespace aneref::test
