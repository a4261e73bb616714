// docs/cost.md shows every reference point with what the rules predict now:
// the table is made here and compared. ANEREF_UPDATE_DOCS=1 writes it instead.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "runtime/plan/engine/reference_points.h"
#include "tests/plan/models.h"

namespace aneref::engine {
namespace {

constexpr const char* kBegin = "<!-- begin: predicted against measured -->\n";
constexpr const char* kEnd = "<!-- end: predicted against measured -->\n";

std::string Format(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

double Predict(const Chip& chip, const ReferencePoint& point,
               const char* overlap) {
  EngineModel model = ReadEngineModel(chip).value();
  REQUIRE(ApplyOption(overlap, &model).ok());
  const auto predicted = PredictReference(chip, model, point);
  REQUIRE_MESSAGE(predicted.ok(), predicted.status().ToString());
  return predicted.value();
}

std::string Table() {
  std::string text = kBegin;
  text +=
      "| rule | chip | work | measured us | predicted us | error | "
      "`overlap=resident` us |\n| --- | --- | --- | ---: | ---: | ---: | ---: "
      "|\n";
  for (const ReferencePoint& point : ReferencePoints()) {
    const Chip& chip = *ChipTable::Embedded().Find(point.chip).value();
    const double always = Predict(chip, point, "overlap=always");
    const double resident = Predict(chip, point, "overlap=resident");
    const double error = 100 * (always - point.measured_us) / point.measured_us;
    text += std::string("| ") + point.rule + " | " + point.chip + " | " +
            point.what + " | " + Format("%.4g", point.measured_us) + " | " +
            Format("%.4g", always) + " | " + Format("%+.0f %%", error) + " | " +
            Format("%.4g", resident) + " |\n";
  }
  return text + kEnd;
}

}  // namespace

TEST_CASE("C10: the page of predictions is what the rules predict") {
  const std::string path = std::string(ANEREF_SOURCE_DIR) + "/docs/cost.md";
  std::ifstream file(path);
  std::string page((std::istreambuf_iterator<char>(file)),
                   std::istreambuf_iterator<char>());
  const size_t begin = page.find(kBegin), end = page.find(kEnd);
  REQUIRE(begin != std::string::npos);
  REQUIRE(end != std::string::npos);
  const size_t length = end + std::string(kEnd).size() - begin;
  if (std::getenv("ANEREF_UPDATE_DOCS") != nullptr) {
    page.replace(begin, length, Table());
    std::ofstream(path) << page;
    return;
  }
  CHECK(page.substr(begin, length) == Table());
}

}  // namespace aneref::engine
