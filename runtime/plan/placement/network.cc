// See network.h. Segments and the segmenter's path.
#include "runtime/plan/placement/network.h"

#include <algorithm>
#include <set>

namespace aneref::placement {
namespace {

int64_t BytesOf(const ProgramValue& value) {
  return value.defined
             ? value.declared.shape.NumElements() *
                   static_cast<int64_t>(ElementSize(value.declared.dtype))
             : 0;
}

// The node that makes each value; -1: none of them.
std::vector<int64_t> Makers(const Program& program) {
  std::vector<int64_t> makers(program.values.size(), -1);
  for (size_t i = 0; i < program.nodes.size(); ++i) {
    for (const int32_t value : program.nodes[i].outputs) {
      if (value >= 0)
        makers[static_cast<size_t>(value)] = static_cast<int64_t>(i);
    }
  }
  return makers;
}

void CountBytes(const Program& program, Division* division) {
  const std::vector<int64_t> makers = Makers(program);
  std::vector<size_t> segment_of(program.nodes.size(), 0);
  for (size_t s = 0; s < division->segments.size(); ++s) {
    const Segment& segment = division->segments[s];
    for (size_t i = segment.first; i <= segment.last; ++i) segment_of[i] = s;
  }
  std::vector<std::set<int32_t>> entered(division->segments.size());
  std::set<int32_t> moved_to[2], left;
  for (size_t i = 0; i < program.nodes.size(); ++i) {
    const size_t to = segment_of[i];
    for (const int32_t value : program.nodes[i].inputs) {
      if (value < 0 || program.values[static_cast<size_t>(value)].is_known)
        continue;
      const int64_t maker = makers[static_cast<size_t>(value)];
      const int64_t bytes = BytesOf(program.values[static_cast<size_t>(value)]);
      const bool foreign =
          maker < 0 || segment_of[static_cast<size_t>(maker)] != to;
      if (foreign && entered[to].insert(value).second)
        division->segments[to].bytes_in += bytes;
      if (maker < 0 || !foreign) continue;
      const size_t from = segment_of[static_cast<size_t>(maker)];
      if (left.insert(value).second)
        division->segments[from].bytes_out += bytes;
      const bool side = division->segments[to].on_engine;
      if (division->segments[from].on_engine != side &&
          moved_to[side ? 1 : 0].insert(value).second)
        division->bytes_moved += bytes;
    }
  }
  for (const int32_t value : program.outputs) {
    const int64_t maker = makers[static_cast<size_t>(value)];
    if (maker >= 0 && left.insert(value).second)
      division->segments[segment_of[static_cast<size_t>(maker)]].bytes_out +=
          BytesOf(program.values[static_cast<size_t>(value)]);
  }
}

// E60 on the program's ops; those that the rules refuse have no engine node.
void Segmentate(const NetworkOptions& options, const Program& program,
                NetworkPlacement* placement) {
  std::vector<engine::BackendEstimates> estimates;
  for (size_t i = 0; i < placement->facts.size(); ++i) {
    engine::BackendEstimates estimate = engine::EstimateOp(
        options.segmenter, EstimateInputOf(placement->facts[i]));
    if (!placement->ops[i].accepted) estimate[engine::kEngineBackend].reset();
    estimates.push_back(estimate);
  }
  std::vector<uint8_t> on_engine(placement->facts.size(), 0);
  const auto path = engine::PlaceOps(options.segmenter, estimates);
  if (path.ok()) {
    placement->segmenter_ms = path->cost;
    placement->tied = path->tied;
    for (size_t i = 0; i < path->backends.size(); ++i) {
      placement->backends.push_back(
          engine::BackendName(options.segmenter, path->backends[i]));
      on_engine[i] = path->backends[i] == engine::kEngineBackend ? 1 : 0;
    }
  }
  for (engine::BackendEstimates& estimate : estimates)
    estimate[engine::kEngineBackend].reset();
  const auto host = engine::PlaceOps(options.segmenter, estimates);
  if (host.ok()) placement->host_ms = host->cost;
  placement->segmenter = DivideBy(program, std::move(on_engine));
}

}  // namespace

Division DivideBy(const Program& program, std::vector<uint8_t> on_engine) {
  Division division;
  for (size_t i = 0; i < on_engine.size(); ++i) {
    if (i > 0 && on_engine[i] == on_engine[i - 1]) {
      division.segments.back().last = i;
      continue;
    }
    division.crossings += i > 0 ? 1 : 0;
    division.segments.push_back({on_engine[i] != 0, i, i, 0, 0});
  }
  division.on_engine = std::move(on_engine);
  CountBytes(program, &division);
  return division;
}

void AddCompression(const Net& net, const ProgramNode& node, OpFacts* facts) {
  const auto* tensors = net.main_graph().tensors();
  const auto* constants = net.table().constants();
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] < 0 || tensors == nullptr || constants == nullptr)
      continue;
    const fbs::Tensor& tensor =
        *tensors->Get(static_cast<unsigned>(node.inputs[i]));
    if (tensor.constant() < 0) continue;
    const fbs::Constant& constant =
        *constants->Get(static_cast<unsigned>(tensor.constant()));
    OperandFacts& operand = facts->inputs[i];
    switch (constant.encoding()) {
      case fbs::Encoding::palette:
        operand.compression = "palette";
        operand.palette_bits = constant.bits();
        if (constant.palette_shape() != nullptr &&
            constant.palette_shape()->size() > 0)
          operand.palette_vector = constant.palette_shape()->Get(
              constant.palette_shape()->size() - 1);
        break;
      case fbs::Encoding::affine:
        operand.compression = constant.bits() == 4 ? "affine4" : "affine";
        operand.nonzero_zero_point =
            constant.zero_points() != nullptr || constant.biases() != nullptr;
        break;
      case fbs::Encoding::blockwise:
        operand.compression = constant.bits() == 4 ? "blockwise4" : "blockwise";
        break;
      case fbs::Encoding::sparse:
        operand.compression =
            constant.values_constant() >= 0 ? "joint" : "sparse";
        break;
      default:
        break;
    }
    if (i == 1 && !operand.compression.empty() &&
        operand.compression != "sparse" && constant.bits() <= 8)
      facts->narrow_weights = true;
  }
}

NetworkPlacement PlaceNetwork(const Net& net, const Program& program,
                              const PlacementChip& chip,
                              const NetworkOptions& options) {
  NetworkPlacement placement;
  std::vector<uint8_t> accepted;
  for (const ProgramNode& node : program.nodes) {
    OpFacts facts = FactsOfNode(program, node);
    AddCompression(net, node, &facts);
    placement.ops.push_back(PlaceOp(facts, chip, options.rules));
    accepted.push_back(placement.ops.back().accepted ? 1 : 0);
    placement.facts.push_back(std::move(facts));
  }
  placement.network =
      NetworkReasons(net, program, placement.facts, chip, options.rules);
  placement.compiler = DivideBy(program, std::move(accepted));
  Segmentate(options, program, &placement);
  return placement;
}

}  // namespace aneref::placement
