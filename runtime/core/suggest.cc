// Edit distance (optimal string alignment) and what messages make of it.
#include "runtime/core/suggest.h"

#include <algorithm>
#include <utility>

namespace aneref {

size_t EditDistance(std::string_view a, std::string_view b) {
  // Rows i-2, i-1 and i of the table of distances between prefixes.
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1),
      row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::vector<std::string> NearMatches(std::string_view word,
                                     const std::vector<std::string>& candidates,
                                     size_t limit) {
  constexpr size_t kMaxWord = 256;  // keeps hostile words from costing time
  std::vector<std::pair<size_t, std::string>> near;
  if (word.empty() || word.size() > kMaxWord) return {};
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kMaxWord) continue;
    const size_t distance = EditDistance(word, candidate);
    if (distance <= std::max<size_t>(1, word.size() / 3) ||
        candidate.starts_with(word)) {
      near.emplace_back(distance, candidate);
    }
  }
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) {
    return a.first < b.first;
  });
  std::vector<std::string> names;
  for (const auto& [distance, name] : near) {
    if (names.size() < limit) names.push_back(name);
  }
  return names;
}

std::string JoinNames(const std::vector<std::string>& names, size_t limit) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += ", ";
    if (i == limit) {
      return text + "... (" + std::to_string(names.size()) + " in all)";
    }
    text += names[i];
  }
  return text;
}

}  // namespace aneref
