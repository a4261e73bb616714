// The op table: its shape, and equality with the source table where that is at
// hand.
#include "runtime/core/op_table.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace aneref {
namespace {

TEST_CASE("op table: 213 ops with a status in every column") {
  const OpTable& table = OpTable::Embedded();
  CHECK(table.rows().size() == 213);
  const OpRow* conv = table.Find("conv");
  REQUIRE(conv != nullptr);
  CHECK(conv->status[kH13] == OpStatus::kNative);
  CHECK(conv->status[kCoreMl] == OpStatus::kAccepted);
  CHECK(table.Find("sin")->status[kH14] == OpStatus::kGated);
  CHECK(table.Find("sin")->status[kH15] == OpStatus::kNative);
  CHECK(table.Find("cumsum")->status[kCoreMl] == OpStatus::kRefused);
  CHECK(table.Find("softmax")->floor == 2);
  CHECK(table.Find("nothing") == nullptr);
  CHECK(table.ColumnProvenance(kH15) == "prediction");
}

TEST_CASE("op table: columns by compiler family") {
  CHECK(OpColumnOf(0) == kH13);
  CHECK(OpColumnOf(2) == kH13);
  CHECK(OpColumnOf(3) == kH14);
  CHECK(OpColumnOf(4) == kH15);
  CHECK(OpColumnOf(7) == kH16);
}

TEST_CASE("op table: files are checked") {
  CHECK_FALSE(OpTable::Parse("{}", "x").ok());
  CHECK_FALSE(OpTable::Parse(R"({"ops": [{"name": "a"}]})", "x").ok());
}

std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, '\t');)
    cells.push_back(cell);
  cells.resize(9);
  return cells;
}

TEST_CASE("op table: equals the source table" *
          doctest::skip(!std::ifstream(ANEREF_SOURCE_DIR
                                       "/../shared/ane/ops.tsv"))) {
  std::ifstream file(ANEREF_SOURCE_DIR "/../shared/ane/ops.tsv");
  std::string line;
  std::getline(file, line);
  size_t count = 0;
  while (std::getline(file, line)) {
    const std::vector<std::string> cells = Cells(line);
    const OpRow* row = OpTable::Embedded().Find(cells[0]);
    REQUIRE_MESSAGE(row != nullptr, cells[0]);
    CHECK(row->category == cells[1]);
    for (size_t column = 0; column < kNumOpColumns; ++column)
      CHECK_MESSAGE(OpStatusName(row->status[column]) == cells[2 + column],
                    cells[0]);
    CHECK(row->note == cells[8]);
    ++count;
  }
  CHECK(count == OpTable::Embedded().rows().size());
}

}  // namespace
}  // namespace aneref
