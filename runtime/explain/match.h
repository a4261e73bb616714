// Which tensor of one set is which tensor of the other: by a given map, by
// name, by name after both were simplified, then by shape and value, then by
// shape and position. Nothing is dropped: what finds no partner is listed.
#ifndef ANEREF_RUNTIME_EXPLAIN_MATCH_H_
#define ANEREF_RUNTIME_EXPLAIN_MATCH_H_

#include <map>
#include <string>
#include <vector>

#include "runtime/explain/tensor_set.h"

namespace aneref {

struct MatchedPair {
  size_t a = 0;
  size_t b = 0;
  const char* how = "name";  // map, name, simplified name, value, position
  // The second tensor in the first one's shape, when it had another; else
  // empty.
  OwnedTensor b_aligned;
  std::string note;  // what was done to align it
};

struct Matching {
  std::vector<MatchedPair> pairs;  // in the order of set a
  std::vector<size_t> only_a;
  std::vector<size_t> only_b;
  // Pairs by name whose shapes do not fit, with the reason.
  std::vector<std::pair<MatchedPair, std::string>> misfits;
};

// `map`: name in a -> name in b. kInvalidArgument: a mapped name that does not
// exist.
Expected<Matching> MatchTensors(const TensorSet& a, const TensorSet& b,
                                const std::map<std::string, std::string>& map);

// `tensor` as `shape`: the same elements without or with extents of 1, rows
// freed of their padding (L10), or channels moved from the last place. `note`
// says what was done. kShape: nothing fits.
Expected<OwnedTensor> AlignTo(const OwnedTensor& tensor,
                              const OwnedTensor& like, std::string* note);

// Whether `tensor`, of `like`'s shape, holds the elements of `like` as they lie
// in padded rows that were read as if they were dense (L10, L12). The text says
// how, or is empty.
std::string ExplainPaddedRows(const OwnedTensor& tensor,
                              const OwnedTensor& like);

// Letters and digits of a name, the rest as single '_'; a trailing ":0" is
// dropped: what file names and converters leave of it.
std::string SimplifiedName(const std::string& name);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_MATCH_H_
