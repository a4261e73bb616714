// See graph_layout.h. Longest-path layers, barycentre sweeps for the order
// within a layer, then least-squares positions that keep the order.
#include "runtime/explain/graph_layout.h"

#include <algorithm>
#include <numeric>

namespace aneref {
namespace {

constexpr int kSweeps = 6;
constexpr int kPlacements = 10;

class Drawing {
 public:
  Drawing(size_t num_nodes, const std::vector<std::pair<size_t, size_t>>& edges)
      : num_nodes_(num_nodes), edges_(edges) {}

  GraphLayout Run() {
    AssignLayers();
    AddBends();
    for (int sweep = 0; sweep < kSweeps; ++sweep) Order(sweep % 2 == 0);
    x_.resize(layer_of_.size());
    for (const auto& layer : layers_) {
      for (size_t i = 0; i < layer.size(); ++i)
        x_[layer[i]] = static_cast<double>(i);
    }
    for (int round = 0; round < kPlacements; ++round) Place(round % 2 == 0);
    return Collect();
  }

 private:
  void AssignLayers() {
    layer_of_.assign(num_nodes_, 0);
    for (const auto& [from, to] : SortedByTarget())
      layer_of_[to] = std::max(layer_of_[to], layer_of_[from] + 1);
  }

  std::vector<std::pair<size_t, size_t>> SortedByTarget() const {
    auto sorted = edges_;
    std::stable_sort(
        sorted.begin(), sorted.end(),
        [](const auto& a, const auto& b) { return a.second < b.second; });
    return sorted;
  }

  // A vertex per layer that an edge passes, so that nothing lies on its way.
  void AddBends() {
    bends_.resize(edges_.size());
    above_.resize(num_nodes_);
    below_.resize(num_nodes_);
    for (size_t e = 0; e < edges_.size(); ++e) {
      const auto [from, to] = edges_[e];
      size_t last = from;
      const int span = layer_of_[to] - layer_of_[from];
      for (int layer = layer_of_[from] + 1;
           span <= kMaxSpan && layer < layer_of_[to]; ++layer) {
        const size_t vertex = layer_of_.size();
        layer_of_.push_back(layer);
        above_.emplace_back();
        below_.emplace_back();
        Join(last, vertex);
        bends_[e].push_back(vertex);
        last = vertex;
      }
      Join(last, to);
    }
    for (size_t v = 0; v < layer_of_.size(); ++v) {
      const auto layer = static_cast<size_t>(layer_of_[v]);
      if (layers_.size() <= layer) layers_.resize(layer + 1);
      layers_[layer].push_back(v);
    }
    position_.resize(layer_of_.size());
    for (const auto& layer : layers_) Number(layer);
  }

  void Join(size_t upper, size_t lower) {
    below_[upper].push_back(lower);
    above_[lower].push_back(upper);
  }

  void Number(const std::vector<size_t>& layer) {
    for (size_t i = 0; i < layer.size(); ++i)
      position_[layer[i]] = static_cast<double>(i);
  }

  static double Mean(const std::vector<size_t>& neighbours,
                     const std::vector<double>& values, double otherwise) {
    if (neighbours.empty()) return otherwise;
    double sum = 0;
    for (const size_t v : neighbours) sum += values[v];
    return sum / static_cast<double>(neighbours.size());
  }

  void Order(bool downwards) {
    std::vector<double> wanted(layer_of_.size());
    for (size_t i = 0; i < layers_.size(); ++i) {
      auto& layer = layers_[downwards ? i : layers_.size() - 1 - i];
      const auto& neighbours = downwards ? above_ : below_;
      for (const size_t v : layer)
        wanted[v] = Mean(neighbours[v], position_, position_[v]);
      std::stable_sort(layer.begin(), layer.end(), [&](size_t a, size_t b) {
        return wanted[a] < wanted[b];
      });
      Number(layer);
    }
  }

  // Least squares with a distance of 1 between neighbours: with the order's
  // own offset taken off, an isotonic regression.
  void Place(bool downwards) {
    for (size_t i = 0; i < layers_.size(); ++i) {
      const auto& layer = layers_[downwards ? i : layers_.size() - 1 - i];
      std::vector<double> wanted;
      for (size_t k = 0; k < layer.size(); ++k) {
        const size_t v = layer[k];
        const auto& first = downwards ? above_[v] : below_[v];
        const auto& second = downwards ? below_[v] : above_[v];
        const double place = Mean(first.empty() ? second : first, x_, x_[v]);
        wanted.push_back(place - static_cast<double>(k));
      }
      const std::vector<double> placed = Isotonic(wanted);
      for (size_t k = 0; k < layer.size(); ++k)
        x_[layer[k]] = placed[k] + static_cast<double>(k);
    }
  }

  static std::vector<double> Isotonic(const std::vector<double>& values) {
    struct Block {
      double sum;
      size_t count;
      double mean() const { return sum / static_cast<double>(count); }
    };
    std::vector<Block> blocks;
    for (const double value : values) {
      blocks.push_back({value, 1});
      while (blocks.size() > 1 &&
             blocks[blocks.size() - 2].mean() > blocks.back().mean()) {
        const Block last = blocks.back();
        blocks.pop_back();
        blocks.back().sum += last.sum;
        blocks.back().count += last.count;
      }
    }
    std::vector<double> result;
    for (const Block& block : blocks)
      result.insert(result.end(), block.count, block.mean());
    return result;
  }

  GraphLayout Collect() const {
    GraphLayout layout;
    layout.layers = static_cast<int>(layers_.size());
    const double left =
        x_.empty() ? 0 : *std::min_element(x_.begin(), x_.end());
    const auto point = [&](size_t v) {
      return GraphLayout::Point{x_[v] - left, layer_of_[v]};
    };
    for (size_t v = 0; v < num_nodes_; ++v) layout.nodes.push_back(point(v));
    for (const auto& bend : bends_) {
      layout.bends.emplace_back();
      for (const size_t v : bend) layout.bends.back().push_back(point(v));
    }
    for (size_t v = 0; v < x_.size(); ++v)
      layout.width = std::max(layout.width, x_[v] - left + 1);
    return layout;
  }

  const size_t num_nodes_;
  const std::vector<std::pair<size_t, size_t>>& edges_;
  std::vector<int> layer_of_;                // per vertex: nodes, then bends
  std::vector<std::vector<size_t>> layers_;  // vertices, left to right
  std::vector<std::vector<size_t>> above_, below_;
  std::vector<std::vector<size_t>> bends_;  // per edge
  std::vector<double> position_, x_;
};

}  // namespace

GraphLayout LayOutGraph(size_t num_nodes,
                        const std::vector<std::pair<size_t, size_t>>& edges) {
  return Drawing(num_nodes, edges).Run();
}

}  // namespace aneref
