// See match.h.
#include "runtime/explain/match.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <optional>
#include <set>

#include "runtime/core/layout.h"
#include "runtime/explain/metrics.h"

namespace aneref {
namespace {

std::vector<int64_t> WithoutOnes(const Shape& shape) {
  std::vector<int64_t> dims;
  for (int64_t dim : shape) {
    if (dim != 1) dims.push_back(dim);
  }
  return dims;
}

OwnedTensor WithShape(const OwnedTensor& tensor, const Shape& shape) {
  OwnedTensor result = tensor;
  result.type.shape = shape;
  return result;
}

// Relative distance |a - b| / max(|a|, |b|) in the L2 norm; non-finite elements
// count when they differ.
double Distance(const OwnedTensor& a, const OwnedTensor& b) {
  const std::vector<double> x = ElementsOf(a), y = ElementsOf(b);
  if (x.size() != y.size()) return INFINITY;
  double difference = 0, norm_x = 0, norm_y = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) {
      if (!SameValue(x[i], y[i])) difference += 1;
      continue;
    }
    difference += (x[i] - y[i]) * (x[i] - y[i]);
    norm_x += x[i] * x[i];
    norm_y += y[i] * y[i];
  }
  const double norm = std::max(norm_x, norm_y);
  return norm == 0 ? (difference == 0 ? 0 : INFINITY)
                   : std::sqrt(difference / norm);
}

// Rows of `pitch` bytes, the first `row` bytes of each kept.
Expected<OwnedTensor> WithoutPadding(const OwnedTensor& tensor,
                                     const Shape& shape, size_t pitch) {
  TensorView padded;
  padded.data = tensor.bytes.get();
  padded.dtype = tensor.type.dtype;
  padded.shape = shape;
  padded.row_pitch = pitch;
  return CopyDense(padded);
}

// [.., H, W, C] elements as [.., C, H, W].
Expected<OwnedTensor> ChannelsFirst(const OwnedTensor& tensor,
                                    const Shape& shape) {
  ANEREF_ASSIGN(OwnedTensor result, AllocateTensor({tensor.type.dtype, shape}));
  const size_t rank = shape.rank();
  const size_t size = ElementSize(tensor.type.dtype);
  const int64_t channels = shape[1];
  const int64_t inner = shape.NumElements(2, rank);
  for (int64_t n = 0; n < shape[0]; ++n) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t i = 0; i < inner; ++i) {
        const int64_t to = (n * channels + c) * inner + i;
        const int64_t from = (n * inner + i) * channels + c;
        std::memcpy(result.bytes.get() + static_cast<size_t>(to) * size,
                    tensor.bytes.get() + static_cast<size_t>(from) * size,
                    size);
      }
    }
  }
  return result;
}

bool IsChannelsLast(const Shape& last, const Shape& first) {
  const size_t rank = first.rank();
  if (last.rank() != rank || rank < 3 || last[0] != first[0] ||
      last[rank - 1] != first[1]) {
    return false;
  }
  for (size_t axis = 2; axis < rank; ++axis) {
    if (last[axis - 1] != first[axis]) return false;
  }
  return true;
}

class Matcher {
 public:
  Matcher(const TensorSet& a, const TensorSet& b)
      : a_(a), b_(b), used_a_(a.size()), used_b_(b.size()) {}

  Status ByMap(const std::map<std::string, std::string>& map) {
    for (const auto& [name_a, name_b] : map) {
      const std::optional<size_t> i = Find(a_, name_a), j = Find(b_, name_b);
      if (!i || !j) {
        return InvalidArgument("--map: no tensor is called '" +
                               (i ? name_b : name_a) + "'");
      }
      Pair(*i, *j, "map");
    }
    return Status();
  }

  template <class Key>
  void ByKey(const Key& key, const char* how) {
    std::map<std::string, std::vector<size_t>> in_b;
    for (size_t j = 0; j < b_.size(); ++j) {
      if (!used_b_[j]) in_b[key(b_[j].name)].push_back(j);
    }
    std::map<std::string, int> in_a;
    for (size_t i = 0; i < a_.size(); ++i) {
      if (!used_a_[i]) ++in_a[key(a_[i].name)];
    }
    for (size_t i = 0; i < a_.size(); ++i) {
      if (used_a_[i]) continue;
      const std::string name = key(a_[i].name);
      const auto found = in_b.find(name);
      if (found == in_b.end() || found->second.size() != 1 || in_a[name] != 1) {
        continue;
      }
      Pair(i, found->second[0], how);
    }
  }

  // Each other's nearest among those with as many elements.
  void ByValue() {
    struct Candidate {
      double distance;
      size_t offset, a, b;
    };
    constexpr double kSimilar = 0.1;
    constexpr size_t kMostComparisons = 1 << 14;
    std::vector<Candidate> candidates;
    size_t comparisons = 0;
    for (size_t i = 0; i < a_.size(); ++i) {
      for (size_t j = 0; j < b_.size() && !used_a_[i]; ++j) {
        if (used_b_[j] || a_[i].value.type.shape.NumElements() < 2 ||
            WithoutOnes(a_[i].value.type.shape) !=
                WithoutOnes(b_[j].value.type.shape) ||
            ++comparisons > kMostComparisons) {
          continue;
        }
        const double distance = Distance(a_[i].value, b_[j].value);
        if (distance < kSimilar) {
          candidates.push_back({distance, i > j ? i - j : j - i, i, j});
        }
      }
    }
    std::sort(candidates.begin(), candidates.end(),
              [](const Candidate& x, const Candidate& y) {
                return std::tie(x.distance, x.offset, x.a, x.b) <
                       std::tie(y.distance, y.offset, y.a, y.b);
              });
    for (const Candidate& candidate : candidates) {
      if (!used_a_[candidate.a] && !used_b_[candidate.b]) {
        Pair(candidate.a, candidate.b, "value");
      }
    }
  }

  // A shape that one tensor of each side is left with.
  void ByPosition() {
    std::map<std::vector<int64_t>,
             std::pair<std::vector<size_t>, std::vector<size_t>>>
        left;
    for (size_t i = 0; i < a_.size(); ++i) {
      if (!used_a_[i]) {
        left[WithoutOnes(a_[i].value.type.shape)].first.push_back(i);
      }
    }
    for (size_t j = 0; j < b_.size(); ++j) {
      if (!used_b_[j]) {
        left[WithoutOnes(b_[j].value.type.shape)].second.push_back(j);
      }
    }
    for (const auto& [dims, sides] : left) {
      // As many of one shape on both sides: they come in the same order.
      if (dims.empty() || sides.first.size() != sides.second.size()) continue;
      for (size_t k = 0; k < sides.first.size(); ++k) {
        Pair(sides.first[k], sides.second[k], "position");
      }
    }
  }

  Matching Finish() {
    std::sort(
        result_.pairs.begin(), result_.pairs.end(),
        [](const MatchedPair& x, const MatchedPair& y) { return x.a < y.a; });
    for (size_t i = 0; i < a_.size(); ++i) {
      if (!used_a_[i]) result_.only_a.push_back(i);
    }
    for (size_t j = 0; j < b_.size(); ++j) {
      if (!used_b_[j]) result_.only_b.push_back(j);
    }
    return std::move(result_);
  }

 private:
  static std::optional<size_t> Find(const TensorSet& set,
                                    const std::string& name) {
    for (size_t i = 0; i < set.size(); ++i) {
      if (set[i].name == name) return i;
    }
    return std::nullopt;
  }

  void Pair(size_t i, size_t j, const char* how) {
    used_a_[i] = used_b_[j] = true;
    MatchedPair pair;
    pair.a = i;
    pair.b = j;
    pair.how = how;
    if (!(a_[i].value.type.shape == b_[j].value.type.shape)) {
      Expected<OwnedTensor> aligned =
          AlignTo(b_[j].value, a_[i].value, &pair.note);
      if (!aligned.ok()) {
        result_.misfits.emplace_back(std::move(pair),
                                     aligned.status().message());
        return;
      }
      pair.b_aligned = std::move(*aligned);
    }
    result_.pairs.push_back(std::move(pair));
  }

  const TensorSet& a_;
  const TensorSet& b_;
  std::vector<bool> used_a_, used_b_;
  Matching result_;
};

// Where element `index` of `shape` lies, in elements, when rows are `pitch`
// elements apart.
int64_t PaddedIndex(const Shape& shape, int64_t index, int64_t pitch) {
  const int64_t width = shape.back();
  return index / width * pitch + index % width;
}

}  // namespace

std::string SimplifiedName(const std::string& name) {
  std::string trimmed = name;
  if (trimmed.ends_with(":0")) trimmed.resize(trimmed.size() - 2);
  std::string simple;
  for (const char c : trimmed) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      simple += c;
    } else if (!simple.empty() && simple.back() != '_') {
      simple += '_';
    }
  }
  while (!simple.empty() && simple.back() == '_') simple.pop_back();
  return simple;
}

Expected<OwnedTensor> AlignTo(const OwnedTensor& tensor,
                              const OwnedTensor& like, std::string* note) {
  const Shape& from = tensor.type.shape;
  const Shape& to = like.type.shape;
  if (WithoutOnes(from) == WithoutOnes(to)) {
    *note = "read as " + to.ToString() + ", it is " + from.ToString();
    return WithShape(tensor, to);
  }
  // A surface that was saved with its row padding.
  const size_t pitch = SurfaceRowPitch({tensor.type.dtype, to});
  const size_t size = ElementSize(tensor.type.dtype);
  const int64_t padded = to.NumRows() * static_cast<int64_t>(pitch / size);
  if (to.rank() > 0 && from.NumElements() == padded) {
    *note = "rows padded to " + std::to_string(pitch) +
            " bytes (L10): the padding was left out";
    return WithoutPadding(tensor, to, pitch);
  }
  if (IsChannelsLast(from, to)) {
    *note = "channels last " + from.ToString() + ": read as " + to.ToString();
    return ChannelsFirst(tensor, to);
  }
  if (from.NumElements() == to.NumElements()) {
    *note = "read as " + to.ToString() + ", it is " + from.ToString();
    return WithShape(tensor, to);
  }
  return ShapeError("shape " + from.ToString() + ", " + to.ToString() +
                    " is expected");
}

std::string ExplainPaddedRows(const OwnedTensor& tensor,
                              const OwnedTensor& like) {
  const Shape& shape = like.type.shape;
  if (shape.rank() == 0 || shape.NumRows() < 2) return "";
  const std::vector<double> found = ElementsOf(tensor),
                            right = ElementsOf(like);
  // The device's surfaces are fp16 whatever type the dump has.
  for (const DataType type : {DataType::kFloat16, DataType::kFloat32}) {
    const size_t bytes = SurfaceRowPitch({type, shape});
    const auto pitch = static_cast<int64_t>(bytes / ElementSize(type));
    if (pitch == shape.back()) continue;
    int64_t tested = 0, fits = 0;
    for (int64_t i = shape.back(); i < static_cast<int64_t>(right.size());
         ++i) {
      const int64_t at = PaddedIndex(shape, i, pitch);
      if (at >= static_cast<int64_t>(found.size())) break;
      if (right[static_cast<size_t>(i)] == 0) continue;  // says nothing
      ++tested;
      fits += HalfUlps(found[static_cast<size_t>(at)],
                       right[static_cast<size_t>(i)]) <= 64;
    }
    if (tested >= 4 && fits * 10 >= tested * 9) {
      return "the values are right but lie in rows of " +
             std::to_string(bytes) + " bytes, which were read as rows of " +
             std::to_string(shape.back() *
                            static_cast<int64_t>(ElementSize(type))) +
             ": read the buffer with its row stride";
    }
  }
  return "";
}

Expected<Matching> MatchTensors(const TensorSet& a, const TensorSet& b,
                                const std::map<std::string, std::string>& map) {
  Matcher matcher(a, b);
  ANEREF_TRY(matcher.ByMap(map));
  matcher.ByKey([](const std::string& name) { return name; }, "name");
  matcher.ByKey(&SimplifiedName, "simplified name");
  matcher.ByValue();
  matcher.ByPosition();
  return matcher.Finish();
}

}  // namespace aneref
