// See trees.h.
#include "runtime/import/coreml/trees.h"

#include <algorithm>
#include <map>
#include <set>

namespace aneref::coreml {
namespace {

using AK = fbs::ActivationKind;
using EK = fbs::ElementwiseKind;
using Node = TreeEnsembleParameters::TreeNode;

constexpr int32_t kLeaf = 6;
constexpr int kMaxNodes = 1 << 20, kMaxLevels = 1000;
constexpr uint64_t kMaxDimensions = 1 << 16;

// Every test is x <= t, x < t or x == t with the children in their places:
// x > t is x <= t with the children swapped, and so on.
enum Test : int64_t { kLessEqual = 0, kLess = 1, kEqual = 2 };
struct Behaviour {
  Test test;
  bool swapped;
};
constexpr Behaviour kBehaviours[] = {{kLessEqual, false}, {kLess, false},
                                     {kLess, true},       {kLessEqual, true},
                                     {kEqual, false},     {kEqual, true}};

// The ensemble in columns, one entry per node of all trees.
struct Forest {
  std::vector<int64_t> tests, features, yes, no, missing;
  std::vector<float> thresholds;
  std::vector<float> values;  // [nodes, dimensions]
  std::vector<int64_t> roots;
  size_t dimensions = 1;
  int levels = 0;
};

class ForestBuilder {
 public:
  ForestBuilder(const TreeEnsembleParameters& source, int64_t columns)
      : source_(source), columns_(columns) {}

  Expected<Forest> Build() {
    if (source_.nodes_size() == 0 || source_.nodes_size() > kMaxNodes)
      return LimitError("has " + std::to_string(source_.nodes_size()) +
                        " tree nodes, 1 to " + std::to_string(kMaxNodes) +
                        " are supported");
    const uint64_t dimensions =
        std::max<uint64_t>(source_.numpredictiondimensions(), 1);
    if (dimensions > kMaxDimensions)
      return LimitError("has over " + std::to_string(kMaxDimensions) +
                        " prediction dimensions");
    forest_.dimensions = static_cast<size_t>(dimensions);
    for (int i = 0; i < source_.nodes_size(); ++i) {
      const Node& node = source_.nodes(i);
      if (!places_.emplace(std::pair(node.treeid(), node.nodeid()), i).second)
        return InvalidFile("", "has a tree node twice");
    }
    ANEREF_TRY(
        MakeShape({source_.nodes_size(), static_cast<int64_t>(dimensions)})
            .status());
    forest_.values.assign(
        static_cast<size_t>(source_.nodes_size()) * forest_.dimensions, 0.0f);
    for (int i = 0; i < source_.nodes_size(); ++i)
      ANEREF_TRY(AddNode(source_.nodes(i), i));
    ANEREF_TRY(FindRoots());
    return std::move(forest_);
  }

 private:
  Expected<int64_t> Child(const Node& node, uint64_t id) {
    const auto found = places_.find({node.treeid(), id});
    if (found == places_.end())
      return InvalidFile("", "tree " + std::to_string(node.treeid()) +
                                 " has no node " + std::to_string(id));
    children_.insert(found->second);
    return int64_t{found->second};
  }

  Status AddNode(const Node& node, int place) {
    int64_t yes = place, no = place;  // a leaf leads to itself
    Behaviour behaviour = {kLessEqual, false};
    if (node.nodebehavior() != kLeaf) {
      if (node.nodebehavior() < 0 || node.nodebehavior() > kLeaf)
        return InvalidFile("", "has a tree node of unknown behaviour");
      behaviour = kBehaviours[node.nodebehavior()];
      ANEREF_ASSIGN(yes, Child(node, node.truechildnodeid()));
      ANEREF_ASSIGN(no, Child(node, node.falsechildnodeid()));
      if (node.branchfeatureindex() >= static_cast<uint64_t>(columns_))
        return InvalidFile("", "reads feature " +
                                   std::to_string(node.branchfeatureindex()) +
                                   " of " + std::to_string(columns_));
    }
    forest_.missing.push_back(node.missingvaluetrackstruechild() ? yes : no);
    if (behaviour.swapped) std::swap(yes, no);
    forest_.tests.push_back(behaviour.test);
    forest_.features.push_back(
        node.nodebehavior() == kLeaf
            ? 0
            : static_cast<int64_t>(node.branchfeatureindex()));
    forest_.thresholds.push_back(static_cast<float>(node.branchfeaturevalue()));
    forest_.yes.push_back(yes);
    forest_.no.push_back(no);
    for (const auto& info : node.evaluationinfo()) {
      if (info.evaluationindex() >= forest_.dimensions)
        return InvalidFile("", "has a leaf for a dimension it does not have");
      forest_.values[static_cast<size_t>(place) * forest_.dimensions +
                     static_cast<size_t>(info.evaluationindex())] +=
          static_cast<float>(info.evaluationvalue());
    }
    return Status();
  }

  // Roots are nobody's children; a walk from them must end.
  Status FindRoots() {
    std::vector<int64_t> level;
    for (int i = 0; i < source_.nodes_size(); ++i) {
      if (!children_.contains(i)) forest_.roots.push_back(i);
    }
    if (forest_.roots.empty())
      return InvalidFile("", "has trees without a root");
    level = forest_.roots;
    size_t visited = level.size();
    while (true) {
      std::vector<int64_t> next;
      for (int64_t place : level) {
        const auto at = static_cast<size_t>(place);
        if (forest_.yes[at] == place) continue;
        next.push_back(forest_.yes[at]);
        next.push_back(forest_.no[at]);
      }
      if (next.empty()) return Status();
      visited += next.size();
      if (visited > static_cast<size_t>(source_.nodes_size()))
        return InvalidFile("", "has trees with shared nodes or cycles");
      if (++forest_.levels > kMaxLevels)
        return LimitError("has trees of over " + std::to_string(kMaxLevels) +
                          " levels");
      level = std::move(next);
    }
  }

  const TreeEnsembleParameters& source_;
  int64_t columns_;
  Forest forest_;
  std::map<std::pair<uint64_t, uint64_t>, int> places_;
  std::set<int64_t> children_;
};

bool Uses(const Forest& forest, Test test) {
  return std::find(forest.tests.begin(), forest.tests.end(), test) !=
         forest.tests.end();
}

// Whether each tree's present node says yes.
int32_t Decide(Layer& layer, const Forest& forest, int32_t at, int32_t value) {
  const auto gather = [&](int32_t table) {
    return layer.EmitTemp(fbs::GatherT(), {table, at});
  };
  const auto count = static_cast<int64_t>(forest.tests.size());
  const int32_t threshold =
      gather(layer.Floats(Shape{count}, forest.thresholds));
  int32_t decision = layer.Apply(EK::less_equal, value, threshold);
  constexpr struct {
    Test test;
    EK kind;
  } kOthers[] = {{kLess, EK::less}, {kEqual, EK::equal}};
  for (const auto& other : kOthers) {
    if (!Uses(forest, other.test)) continue;
    const int32_t tests = gather(layer.ConstantInts(forest.tests));
    const int32_t wanted = layer.Scalar(DataType::kInt64, other.test);
    decision = layer.EmitTemp(
        fbs::SelectT(), {layer.Apply(EK::equal, tests, wanted),
                         layer.Apply(other.kind, value, threshold), decision});
  }
  return decision;
}

int32_t Walk(Layer& layer, const Forest& forest, int32_t x) {
  int32_t at = layer.ConstantInts(forest.roots);
  for (int level = 0; level < forest.levels; ++level) {
    const auto gather = [&](const std::vector<int64_t>& table) {
      return layer.EmitTemp(fbs::GatherT(), {layer.ConstantInts(table), at});
    };
    const int32_t value =
        layer.EmitTemp(fbs::GatherT(), {x, gather(forest.features)});
    const int32_t decision = Decide(layer, forest, at, value);
    const int32_t next = layer.EmitTemp(
        fbs::SelectT(), {decision, gather(forest.yes), gather(forest.no)});
    at = layer.EmitTemp(fbs::SelectT(), {layer.Apply(AK::is_nan, value),
                                         gather(forest.missing), next});
  }
  return at;
}

// Transforms: 0 none, 1 softmax, 2 logistic, 3 softmax with a first class of 0.
int32_t Transform(Layer& layer, int32_t transform, int32_t scores,
                  bool is_classifier, size_t dimensions) {
  fbs::SoftmaxT softmax;
  softmax.axis = 0;
  switch (transform) {
    case 0:
      break;
    case 1:
      return layer.EmitTemp(softmax, {scores});
    case 2:
      scores = layer.Apply(AK::sigmoid, scores);
      break;
    case 3:
      return layer.EmitTemp(
          softmax, {layer.Concat({layer.Floats(Shape{1}, {0.0f}), scores}, 0)});
    default:
      layer.Refuse("with transform " + std::to_string(transform));
  }
  return is_classifier && dimensions == 1 ? TwoClasses(layer, scores) : scores;
}

}  // namespace

int32_t TwoClasses(Layer& layer, int32_t second) {
  const int32_t first = layer.Apply(AK::linear, second, -1.0, 1.0);
  return layer.Concat({first, second}, 0);
}

int32_t TreeEnsembleScores(Layer& layer, const TreeEnsemble& ensemble,
                           int32_t x, bool is_classifier) {
  const TreeEnsembleParameters& parameters = ensemble.treeensemble();
  const int64_t columns = layer.Extent(x, 0);
  if (columns < 1) {
    layer.Refuse("with an open number of columns");
    return -1;
  }
  const Expected<Forest> built = ForestBuilder(parameters, columns).Build();
  if (!built.ok()) {
    layer.Fail(built.status());
    return -1;
  }
  const Forest& forest = *built;
  const auto count = static_cast<int64_t>(forest.tests.size());
  const auto dimensions = static_cast<int64_t>(forest.dimensions);
  std::vector<float> base(forest.dimensions, 0.0f);
  const auto given = static_cast<size_t>(parameters.basepredictionvalue_size());
  if (given != 0 && given != forest.dimensions) {
    layer.Fail(InvalidFile("", "needs one base value per dimension"));
    return -1;
  }
  for (size_t i = 0; i < given; ++i)
    base[i] =
        static_cast<float>(parameters.basepredictionvalue(static_cast<int>(i)));
  const int32_t values = layer.Floats(Shape{count, dimensions}, forest.values);
  const int32_t leaves =
      layer.EmitTemp(fbs::GatherT(), {values, Walk(layer, forest, x)});
  const int32_t sum = layer.Reduce(fbs::ReduceKind::sum, leaves, {0}, false);
  const int32_t scores =
      layer.Apply(EK::add, sum, layer.Floats(Shape{dimensions}, base));
  return Transform(layer, ensemble.postevaluationtransform(), scores,
                   is_classifier, forest.dimensions);
}

}  // namespace aneref::coreml
