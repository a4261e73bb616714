// Metrics, modes and matching on tensors small enough to work out by hand.
#include "runtime/explain/metrics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "runtime/core/convert.h"
#include "runtime/explain/compare.h"

namespace aneref {
namespace {

OwnedTensor Halves(const Shape& shape, const std::vector<uint16_t>& bits) {
  OwnedTensor tensor = *AllocateTensor({DataType::kFloat16, shape});
  std::memcpy(tensor.bytes.get(), bits.data(), bits.size() * 2);
  return tensor;
}

OwnedTensor Floats(const Shape& shape, const std::vector<float>& values) {
  OwnedTensor tensor = *AllocateTensor({DataType::kFloat32, shape});
  std::memcpy(tensor.bytes.get(), values.data(), values.size() * 4);
  return tensor;
}

CompareMode Mode(const char* text) { return *ParseCompareMode(text); }

bool Passes(const char* mode, const OwnedTensor& a, const OwnedTensor& b) {
  return Judge({Mode(mode)}, ComputeMetrics(a, b), a, b).pass;
}

}  // namespace

TEST_CASE("metrics: distances in units of the last place of fp16") {
  // 1, 2, 65504, -2^-24 against 1, 2 + 2 units, infinity, +2^-24.
  const TensorMetrics metrics =
      ComputeMetrics(Halves({4}, {0x3C00, 0x4000, 0x7BFF, 0x8001}),
                     Halves({4}, {0x3C00, 0x4002, 0x7C00, 0x0001}));
  CHECK(metrics.elements == 4);
  CHECK(metrics.equal == 1);
  CHECK(metrics.max_ulp == 2);
  CHECK(metrics.max_abs == 0.00390625);  // 2 units of 2^-9
  CHECK(metrics.max_rel == 2.0);         // -2^-24 against 2^-24
  CHECK(metrics.nonfinite_a == 0);
  CHECK(metrics.nonfinite_b == 1);
  CHECK(metrics.class_differs == 1);
  CHECK(metrics.ulp_histogram[0] == 1);
  CHECK(metrics.ulp_histogram[2] == 2);
  CHECK(metrics.ulp_histogram[kNumUlpBins - 1] == 1);
  CHECK(metrics.worst.index == 2);  // the kind of value counts most
  CHECK(BitsText(DataType::kFloat16, metrics.worst.bits_a) == "7BFF");
  CHECK(BitsText(DataType::kFloat16, metrics.worst.bits_b) == "7C00");
}

TEST_CASE("metrics: histogram bins double") {
  CHECK(std::string(UlpBinName(3)) == "3-4");
  CHECK(std::string(UlpBinName(11)) == "513-1024");
  const TensorMetrics metrics =
      ComputeMetrics(Halves({5}, {0x4000, 0x4000, 0x4000, 0x4000, 0x4000}),
                     Halves({5}, {0x4003, 0x4004, 0x4005, 0x4400, 0x4401}));
  CHECK(metrics.ulp_histogram[3] == 2);   // 3 and 4
  CHECK(metrics.ulp_histogram[4] == 1);   // 5
  CHECK(metrics.ulp_histogram[11] == 1);  // 1024
  CHECK(metrics.ulp_histogram[12] == 1);  // 1025
}

TEST_CASE("metrics: PSNR and cosine by hand") {
  // Error 1 in one of four elements, peak 10: 10 log10(100 / 0.25).
  const TensorMetrics metrics =
      ComputeMetrics(Floats({4}, {10, 0, 0, 1}), Floats({4}, {10, 0, 0, 0}));
  CHECK(metrics.psnr_db == doctest::Approx(26.0206));
  CHECK(metrics.cosine == doctest::Approx(10 / std::sqrt(101.0)));
  CHECK(std::isinf(metrics.max_rel));
  CHECK(metrics.decisions == 1);
  CHECK(metrics.decisions_differ == 0);
}

TEST_CASE("metrics: equal tensors have no error") {
  const OwnedTensor a = Halves({2}, {0x7E00, 0x8000});
  const TensorMetrics metrics = ComputeMetrics(a, Halves({2}, {0xFE01, 0}));
  CHECK(metrics.equal == 2);  // NaN is NaN, -0 is 0
  CHECK(metrics.worst.index == -1);
  CHECK(std::isinf(metrics.psnr_db));
  CHECK(metrics.cosine == 1);
}

TEST_CASE("metrics: arg-max decisions row by row") {
  const TensorMetrics metrics =
      ComputeMetrics(Floats({2, 3, 1}, {1, 2, 3, 9, 1, 1}),
                     Floats({2, 3, 1}, {1, 3, 2, 9, 2, 2}));
  CHECK(metrics.decisions == 2);
  CHECK(metrics.decisions_differ == 1);
}

TEST_CASE("compare modes: each kind at its limit") {
  const OwnedTensor a = Floats({2}, {1.0f, 10.5f});
  const OwnedTensor b = Floats({2}, {1.0f, 10.0f});
  CHECK_FALSE(Passes("exact", a, b));
  CHECK(Passes("exact", b, b));
  CHECK(Passes("abs-rel:rtol=0.05", a, b));
  CHECK_FALSE(Passes("abs-rel:rtol=0.049", a, b));
  CHECK(Passes("abs-rel:atol=0.5", a, b));
  CHECK_FALSE(Passes("abs-rel:atol=0.49", a, b));
  CHECK(Passes("decision", a, b));
  CHECK_FALSE(Passes("decision:0,threshold=10.2", a, b));
  CHECK(Passes("decision:0.5,threshold=10.2", a, b));
  CHECK(Passes("psnr:29", a, b));  // 100 / 0.125: 29.03 dB
  CHECK_FALSE(Passes("psnr:29.1", a, b));
  const OwnedTensor x = Halves({1}, {0x4000}), y = Halves({1}, {0x4002});
  CHECK(Passes("ulp:2", x, y));
  CHECK_FALSE(Passes("ulp:1", x, y));
}

TEST_CASE("compare modes: a NaN on one side fails whatever the tolerance") {
  const OwnedTensor a = Floats({1}, {NAN}), b = Floats({1}, {0.0f});
  CHECK_FALSE(Passes("abs-rel:atol=1e9", a, b));
  CHECK_FALSE(Passes("ulp:100000", a, b));
  CHECK_FALSE(Passes("psnr:0", a, b));
}

TEST_CASE("compare modes: words") {
  CHECK(ParseCompareMode("abs-rel:rtol=1e-3,atol=1e-4")->ToString() ==
        "abs-rel:rtol=0.001,atol=0.0001");
  CHECK_FALSE(ParseCompareMode("ulps:2").ok());
  CHECK_FALSE(ParseCompareMode("ulp:x").ok());
  CHECK_FALSE(ParseCompareMode("ulp:rtol=1").ok());
  CHECK_FALSE(ParseCompareMode("psnr:-1").ok());
  ModeTable table;
  REQUIRE(table.Add("a=b=ulp:3").ok());  // names may hold '='
  REQUIRE(table.Add("*=psnr:40").ok());
  CHECK(table.For("a=b")[0].ToString() == "ulp:3");
  CHECK(table.For("other")[0].ToString() == "psnr:40");
  CHECK_FALSE(table.Add("name").ok());
}

TEST_CASE("compare modes: from a file") {
  const auto file = ParseJson(
      R"({"default": "ulp:1", "tensors": {"y": ["decision", "psnr:30"]}})",
      "modes");
  ModeTable table;
  REQUIRE(table.AddFile(*file, "modes").ok());
  CHECK(table.For("x")[0].ToString() == "ulp:1");
  CHECK(table.For("y").size() == 2);
  CHECK_FALSE(table.AddFile(*ParseJson(R"({"default": 3})", "m"), "m").ok());
}

TEST_CASE("match: by name then by what file names leave of it") {
  const TensorSet a = {{"conv/1:0", Floats({2}, {1, 2})},
                       {"y", Floats({2}, {3, 4})}};
  const TensorSet b = {{"y", Floats({2}, {3, 4})},
                       {"conv_1", Floats({2}, {1, 2})}};
  const Matching matching = *MatchTensors(a, b, {});
  REQUIRE(matching.pairs.size() == 2);
  CHECK(matching.pairs[0].b == 1);
  CHECK(std::string(matching.pairs[0].how) == "simplified name");
  CHECK(std::string(matching.pairs[1].how) == "name");
}

TEST_CASE("match: by value then by position and nothing is dropped") {
  const TensorSet a = {{"a0", Floats({4}, {1, 2, 3, 4})},
                       {"a1", Floats({4}, {9, 8, 7, 6})},
                       {"a2", Floats({3}, {1, 1, 1})},
                       {"a3", Floats({5}, {1, 1, 1, 1, 1})}};
  const TensorSet b = {{"b0", Floats({4}, {9, 8, 7, 6.001f})},
                       {"b1", Floats({1, 4}, {1, 2, 3, 4})},
                       {"b2", Floats({3}, {5, 6, 70})}};
  const Matching matching = *MatchTensors(a, b, {});
  REQUIRE(matching.pairs.size() == 3);
  CHECK(matching.pairs[0].b == 1);
  CHECK(matching.pairs[1].b == 0);
  CHECK(std::string(matching.pairs[1].how) == "value");
  CHECK(std::string(matching.pairs[2].how) == "position");
  CHECK(matching.only_a == std::vector<size_t>{3});
  CHECK(matching.only_b.empty());
}

TEST_CASE("match: a map wins and unknown names are refused") {
  const TensorSet a = {{"x", Floats({1}, {1})}, {"y", Floats({1}, {2})}};
  const TensorSet b = {{"x", Floats({1}, {2})}, {"z", Floats({1}, {1})}};
  const Matching matching = *MatchTensors(a, b, {{"x", "z"}});
  CHECK(matching.pairs[0].b == 1);
  CHECK_FALSE(MatchTensors(a, b, {{"x", "w"}}).ok());
}

TEST_CASE("L10: padded rows are left out and recognised") {
  // Two rows of three halves in rows of 64 bytes: 32 halves each.
  std::vector<float> padded(64, 0.0f);
  for (int row = 0; row < 2; ++row) {
    for (int x = 0; x < 3; ++x) {
      padded[static_cast<size_t>(row * 16 + x)] =
          static_cast<float>(row * 3 + x + 1);
    }
  }
  std::string note;
  const OwnedTensor like = Floats({2, 3}, {1, 2, 3, 4, 5, 6});
  padded.resize(32);  // float32: 16 elements per row
  const auto aligned = AlignTo(Floats({32}, padded), like, &note);
  REQUIRE(aligned.ok());
  CHECK(ElementsOf(*aligned) == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(note.find("L10") != std::string::npos);
  // Read as dense: row 1 begins 32 halves later, here beyond the end, so only
  // a taller tensor shows it.
  std::vector<float> right, wrong(80, 0.0f);
  for (int i = 0; i < 80; ++i) right.push_back(static_cast<float>(i + 1));
  for (int row = 0; row * 32 < 80; ++row) {
    for (int x = 0; x < 20 && row * 32 + x < 80; ++x) {
      wrong[static_cast<size_t>(row * 32 + x)] =
          static_cast<float>(row * 20 + x + 1);
    }
  }
  const std::string why =
      ExplainPaddedRows(Floats({4, 20}, wrong), Floats({4, 20}, right));
  CHECK(why.find("rows of 64 bytes") != std::string::npos);
  CHECK(ExplainPaddedRows(Floats({4, 20}, right), Floats({4, 20}, right))
            .empty());
}

TEST_CASE("match: channels last is turned round") {
  std::string note;
  const auto aligned =
      AlignTo(Floats({1, 2, 2, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}),
              Floats({1, 3, 2, 2}, std::vector<float>(12)), &note);
  REQUIRE(aligned.ok());
  CHECK(ElementsOf(*aligned) ==
        std::vector<double>{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11});
  CHECK(note.find("channels last") != std::string::npos);
  CHECK_FALSE(AlignTo(Floats({3}, {1, 2, 3}), Floats({2}, {1, 2}), &note).ok());
}

TEST_CASE("compare: report of two sets") {
  const TensorSet a = {{"x", Floats({2}, {1, 2})}, {"y", Floats({1}, {3})}};
  const TensorSet b = {{"x", Floats({2}, {1, 2})},
                       {"y", Floats({1}, {3.5})},
                       {"z", Floats({7}, std::vector<float>(7))}};
  const CompareReport report = *CompareSets(a, b, {}, ModeTable());
  CHECK_FALSE(report.pass);
  CHECK(report.first_divergent == "y");
  CHECK(report.only_b == std::vector<std::string>{"z"});
  const std::string json = CompareJson(report);
  CHECK(json.find("\"first_divergent\": \"y\"") != std::string::npos);
  CHECK(CompareJunit(report).find("failures=\"1\"") != std::string::npos);
  CHECK(CompareSarif(report, "m").find("outside-tolerance") !=
        std::string::npos);
  const TensorSet none = {{"q", Floats({9}, std::vector<float>(9))}};
  CHECK_FALSE(CompareSets(a, none, {}, ModeTable()).ok());
}

}  // namespace aneref
