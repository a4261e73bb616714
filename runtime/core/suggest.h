// "Did you mean": the candidates that are nearest to a mistyped word.
#ifndef ANEREF_RUNTIME_CORE_SUGGEST_H_
#define ANEREF_RUNTIME_CORE_SUGGEST_H_

#include <string>
#include <string_view>
#include <vector>

namespace aneref {

// Least number of insertions, deletions, replacements and swaps of neighbours.
size_t EditDistance(std::string_view a, std::string_view b);

// At most `limit` candidates within a third of the word's length (at least one
// edit) or that begin with the word, nearest first.
std::vector<std::string> NearMatches(std::string_view word,
                                     const std::vector<std::string>& candidates,
                                     size_t limit = 3);

// "a, b, c"; after `limit` entries "... (n in all)".
std::string JoinNames(const std::vector<std::string>& names, size_t limit = 12);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_SUGGEST_H_
