// Aligned text tables and numbers for people.
#ifndef ANEREF_TOOLS_TABLE_H_
#define ANEREF_TOOLS_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace aneref::tool {

// Columns are as wide as their widest cell, two blanks apart; numeric-looking
// columns are flushed right by an `align` of 'r' per column ("lrr").
class Table {
 public:
  explicit Table(std::string align) : align_(std::move(align)) {}
  void Add(std::vector<std::string> cells) {
    rows_.push_back(std::move(cells));
  }
  std::string ToString() const;

 private:
  std::string align_;
  std::vector<std::vector<std::string>> rows_;
};

std::string FormatNumber(double value);  // 6 significant digits; "-": NaN
std::string FormatFixed(double value, int digits);
std::string FormatCount(uint64_t value);  // "29,066"
std::string FormatBytes(uint64_t bytes);  // "115.2 KiB"

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_TABLE_H_
