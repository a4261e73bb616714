// The Core ML corpus, where it is at hand: what import writes is as small as
// what it read, and runs to the same bytes; and the one network that comes in
// both formats agrees with itself. Skipped, visibly, without it.
#include <doctest/doctest.h>

#include <cmath>

#include "runtime/core/half.h"
#include "tests/tools/corpus.h"

namespace aneref {
namespace {

using namespace test;

uint64_t BytesUnder(const fs::path& path) {
  if (!fs::is_directory(path)) return fs::file_size(path);
  uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

Expected<std::vector<std::byte>> Imported(const fs::path& path,
                                          Precision precision) {
  ImportOptions options;
  options.precision = precision;
  ImportSummary summary;
  return ImportModel(path.string(), options, &summary);
}

std::shared_ptr<const Net> Parsed(std::vector<std::byte> bytes) {
  auto net = Net::Parse(File::FromBuffer(std::move(bytes)), "net");
  REQUIRE_MESSAGE(net.ok(), net.status().ToString());
  return *net;
}

// The bytes of the weight segment (format.md, offset 40).
uint64_t SegmentBytes(const std::vector<std::byte>& file) {
  uint64_t size = 0;
  std::memcpy(&size, file.data() + 40, sizeof size);
  return size;
}

}  // namespace

TEST_CASE("coreml corpus: weights stay as small as the source has them") {
  int compressed = 0;
  for (const fs::path& model : CoremlModels()) {
    const auto file = Imported(model, Precision::kDefault);
    if (!file.ok()) {
      CHECK_MESSAGE(file.status().code() == StatusCode::kUnsupported,
                    model.string() << ": " << file.status().ToString());
      continue;
    }
    const auto source = static_cast<double>(BytesUnder(model));
    const auto weights = static_cast<double>(SegmentBytes(*file));
    std::printf("%-36s source %8.0f weights %8.0f file %8zu\n",
                model.filename().c_str(), source, weights, file->size());
    // A source of a few constants is all alignment (F6).
    CHECK_MESSAGE(weights <= 1.05 * source + 4096, model.string());
    const auto net = Parsed(*file);
    if (net->table().constants() == nullptr) continue;
    for (const fbs::Constant* constant : *net->table().constants())
      compressed += constant->encoding() > fbs::Encoding::uniform;
  }
  if (!CoremlModels().empty()) CHECK(compressed > 100);
}

TEST_CASE("coreml corpus: a written file runs to the bytes of its source") {
  for (const fs::path& model : CoremlModels()) {
    const auto file = Imported(model, Precision::kSource);
    if (!file.ok()) continue;
    const fs::path copy = fs::temp_directory_path() / "aneref_coreml_copy.anem";
    std::ofstream(copy, std::ios::binary)
        .write(reinterpret_cast<const char*>(file->data()),
               static_cast<std::streamsize>(file->size()));
    const auto mapped = File::Map(copy.string());
    REQUIRE(mapped.ok());
    fs::remove(copy);
    const auto net = Parsed(*file);
    const std::vector<tool::Array> inputs = PatternInputs(*net);
    SessionOptions options;
    options.threads = 1;
    const Outcome source = RunNet(net, inputs, options);
    REQUIRE_MESSAGE(source.status.ok(),
                    model.string() << ": " << source.status.ToString());
    const auto again = Net::Parse(*mapped, "copy");
    REQUIRE(again.ok());
    CHECK_MESSAGE(RunNet(*again, inputs, options).digest == source.digest,
                  model.string());
  }
}

TEST_CASE("coreml corpus: the twin in ONNX agrees within 2 ulp of the top") {
  if (CoremlModels().empty()) return;
  const fs::path models = fs::path(ANEREF_SOURCE_DIR) / "../shared/models";
  const fs::path folder = models / "onnx/basic_pitch_nmp";
  const std::vector<tool::Array> inputs = ReadInputs(folder / "case_0");
  std::vector<std::vector<std::vector<float>>> results;
  for (const fs::path& path :
       {folder / "model.onnx", models / "coreml/basic_pitch.mlpackage"}) {
    const auto file = Imported(path, Precision::kSource);
    REQUIRE_MESSAGE(file.ok(), file.status().ToString());
    SessionOptions options;  // portable
    const auto net = Parsed(*file);
    const fbs::Graph& graph = net->main_graph();
    options.input_shapes[graph.tensors()
                             ->Get(static_cast<unsigned>(
                                 graph.inputs()->Get(0)->tensor()))
                             ->name()
                             ->str()] = inputs[0].type.shape;
    auto session = Session::Create(net, options);
    REQUIRE_MESSAGE(session.ok(), session.status().ToString());
    REQUIRE((*session)->SetInput(0, inputs[0].View()).ok());
    REQUIRE((*session)->Run().ok());
    results.emplace_back();
    for (size_t i = 0; i < 3; ++i)
      results.back().push_back(LoadFloats((*session)->Output(i)));
  }
  // Outputs 2, 1, 0 of one are 0, 1, 2 of the other.
  const size_t twin[] = {2, 1, 0};
  for (size_t i = 0; i < 3; ++i) {
    const std::vector<float>& onnx = results[0][i];
    const std::vector<float>& coreml = results[1][twin[i]];
    REQUIRE(onnx.size() == coreml.size());
    float top = 0, worst = 0;
    for (size_t k = 0; k < onnx.size(); ++k) {
      top = std::max(top, std::fabs(onnx[k]));
      worst = std::max(worst, std::fabs(onnx[k] - coreml[k]));
    }
    int exponent = 0;
    std::frexp(top, &exponent);
    std::printf("output %zu: largest %g, difference %g\n", i,
                static_cast<double>(top), static_cast<double>(worst));
    CHECK(top > 0.5f);
    CHECK(worst <= 2 * std::ldexp(1.0f, exponent - 11));
  }
}

}  // namespace aneref
