// Counts over the verified tables; no constant is decoded.
#include "tools/net_summary.h"

#include <algorithm>

#include "runtime/graph/net_counts.h"
#include "tools/table.h"

namespace aneref::tool {
namespace {

uint64_t RangeBytes(const fbs::Range* range) {
  return range != nullptr ? range->size() : 0;
}

uint64_t StoredBytes(const fbs::Constant& constant) {
  return RangeBytes(constant.data()) + RangeBytes(constant.palette()) +
         RangeBytes(constant.scales()) + RangeBytes(constant.zero_points()) +
         RangeBytes(constant.biases()) + RangeBytes(constant.mask());
}

}  // namespace

NetSummary Summarize(const Net& net) {
  NetSummary summary;
  summary.inputs = InputSpecs(net);
  summary.outputs = OutputSpecs(net);
  summary.states = StateSpecs(net);
  summary.file_bytes = net.file_bytes().size();
  const fbs::Graph& graph = net.main_graph();
  summary.ops = CountOps(graph);
  summary.parameters = CountParameters(graph);
  if (net.table().constants() != nullptr) {
    for (const fbs::Constant* constant : *net.table().constants()) {
      summary.weight_bytes += StoredBytes(*constant);
    }
  }
  return summary;
}

Json PortToJson(const PortSpec& spec) {
  Json port;
  port["name"] = spec.name;
  port["dtype"] = DataTypeName(spec.dtype);
  port["shape"] = spec.has_shape ? Json(spec.dims) : Json(nullptr);
  port["declared"] = DataTypeName(spec.declared);
  const bool named =
      std::any_of(spec.dim_names.begin(), spec.dim_names.end(),
                  [](const std::string& name) { return !name.empty(); });
  if (named) port["shape_names"] = spec.dim_names;
  if (!spec.limits.empty()) port["limits"] = spec.limits;
  for (const Shape& shape : spec.allowed)
    port["allowed_shapes"].push_back(shape.ToVector());
  if (spec.usual.rank() > 0) port["usual_shape"] = spec.usual.ToVector();
  if (spec.image != fbs::ImageLayout::none) {
    port["image"] = fbs::EnumNameImageLayout(spec.image);
  }
  if (!spec.labels.empty()) port["labels"] = spec.labels;
  if (!spec.description.empty()) port["description"] = spec.description;
  return port;
}

Json OpsToJson(const NetSummary& summary) {
  Json ops = Json::object();
  for (const auto& [name, count] : summary.ops) ops[name] = count;
  return ops;
}

std::string OpsText(const NetSummary& summary) {
  std::vector<std::pair<std::string, int64_t>> ops(summary.ops.begin(),
                                                   summary.ops.end());
  std::stable_sort(ops.begin(), ops.end(), [](const auto& a, const auto& b) {
    return a.second > b.second;
  });
  Table table("llr");
  for (const auto& [name, count] : ops) {
    table.Add({"", name, std::to_string(count)});
  }
  return table.ToString();
}

}  // namespace aneref::tool
