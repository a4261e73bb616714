// Probes of layout, tiling, weights in memory, placement of chains and cost
// (sections l, e, c): asked of the functions of runtime/core/layout.h and
// runtime/plan/engine that carry the rule.
#include <algorithm>
#include <cmath>

#include "runtime/core/layout.h"
#include "runtime/plan/engine/cost.h"
#include "runtime/plan/engine/kernel_memory.h"
#include "runtime/plan/engine/memory_banks.h"
#include "runtime/plan/engine/ocg.h"
#include "runtime/plan/engine/op_mapping.h"
#include "runtime/plan/engine/segmenter.h"
#include "runtime/plan/engine/working_set.h"
#include "runtime/plan/placement/probe_facts.h"
#include "tools/probe.h"
#include "tools/table.h"

namespace aneref::tool {
namespace {

using engine::ConvGeometry;
using engine::EngineModel;

constexpr char kModel[] = "engine model";

int64_t Integer(const JsonValue& inputs, const char* key, int64_t fallback) {
  return static_cast<int64_t>(
      NumberOr(inputs, key, static_cast<double>(fallback)));
}

std::vector<std::string> Numbers(const std::vector<int64_t>& values) {
  std::vector<std::string> texts;
  for (const int64_t value : values) texts.push_back(std::to_string(value));
  return texts;
}

Shape ShapeOf(const JsonValue& inputs) {
  std::vector<int64_t> dims;
  const JsonValue* shape = inputs.Find("shape");
  for (const JsonValue& extent : *shape->AsArray())
    dims.push_back(static_cast<int64_t>(*extent.AsNumber()));
  return Shape(dims);
}

// A convolution as probes name it: k or kh and kw or "HxW", channels, extents
// (32x32 unless told, the published programs' size).
ConvGeometry ConvOf(const JsonValue& in) {
  ConvGeometry conv;
  conv.cin = Integer(in, "cin", Integer(in, "channels", 64));
  conv.cout = Integer(in, "cout", Integer(in, "channels", 256));
  conv.kernel.h = Integer(in, "kh", Integer(in, "k", 1));
  conv.kernel.w = Integer(in, "kw", Integer(in, "k", 1));
  const std::string kernel = TextMember(in, "kernel");
  int h = 0, w = 0;
  if (std::sscanf(kernel.c_str(), "%dx%d", &h, &w) == 2) {
    conv.kernel.h = h;
    conv.kernel.w = w;
  }
  conv.in.h = Integer(in, "h", Integer(in, "hw", 32));
  conv.in.w = Integer(in, "w", Integer(in, "hw", 32));
  conv.out = conv.in;
  if (in.Find("pad") != nullptr && Integer(in, "pad", 0) == 0) {
    conv.out.h -= conv.kernel.h - 1;
    conv.out.w -= conv.kernel.w - 1;
  }
  if (kernel.ends_with(".stride2")) conv.stride = {1, 2, 2};
  if (kernel.ends_with(".depthwise")) conv.groups = conv.cin;
  if (kernel.ends_with(".groups")) conv.groups = 4;
  if (kernel.ends_with(".sparse")) conv.sparse = true;
  const int64_t dilation = Integer(in, "dilation", 1);
  conv.dilation = {1, dilation, dilation};
  return conv;
}

// ---- layout ----

ProbeResult ReplayStrides(const Probe& probe) {
  const TensorType type{DataType::kFloat16, ShapeOf(*probe.inputs)};
  const int64_t pitch = static_cast<int64_t>(SurfaceRowPitch(type));
  if (probe.op == "tensor_strides") {
    const auto rows = type.shape[type.shape.rank() - 2];
    const auto bytes = SurfaceAllocationBytes(type);
    if (!bytes.ok()) return NotApplicable(probe, bytes.status().ToString());
    const std::pair<const char*, int64_t> answers[] = {
        {"row_stride", pitch},
        {"plane_stride", pitch * rows},
        {"buffer_bytes", static_cast<int64_t>(*bytes)}};
    ProbeResult result = NotApplicable(probe, "");
    result.outcome = ProbeOutcome::kPass;
    result.measured.clear();
    for (const auto& [key, value] : answers) {
      const double wanted = NumberOr(*probe.expect, key, NAN);
      if (wanted != static_cast<double>(value))
        result.outcome = ProbeOutcome::kDiffers;
      const std::string name = std::string(key) + " ";
      result.measured += name + FormatNumber(wanted) + " ";
      result.ours += name + std::to_string(value) + " ";
    }
    result.through = "layout";
    return result;
  }
  std::vector<int64_t> strides(type.shape.rank(), 1);
  int64_t stride = pitch / 2;
  for (size_t i = type.shape.rank() - 1; i-- > 0;) {
    strides[i] = stride;
    stride *= type.shape[i];
  }
  return CompareTexts(probe, Numbers(strides), "layout");
}

// ---- tiling and weights ----

ProbeResult ReplayDescriptors(const Probe& probe, const EngineModel& model) {
  const ConvGeometry conv = ConvOf(*probe.inputs);
  engine::SplitRequest request;
  request.winograd = engine::UsesWinograd(model, conv, {});
  request.ocg = engine::OutputChannelGroup(model, conv, request.winograd);
  ConvGeometry split = conv;
  if (model.wide_kernel_min && conv.kernel.w >= *model.wide_kernel_min) {
    const engine::WideKernel wide = engine::RewriteWideKernel(model, conv);
    split.cout = wide.channels;
    request.bytes_per_channel = wide.bytes_per_channel;
  }
  const auto count = engine::SplitKernel(model, split, request).channels.size();
  ProbeResult result = CompareNumber(probe, static_cast<double>(count), kModel);
  if (result.outcome == ProbeOutcome::kDiffers)
    result.reason = "E25: how a rewritten 1x15 kernel is split is not known";
  return result;
}

ProbeResult ReplaySplit(const Probe& probe, const EngineModel& model) {
  const JsonValue& in = *probe.inputs;
  const engine::BlockPlan plan = engine::PlanBlocks(
      model,
      {Integer(in, "channels", 1), Integer(in, "h", 1), Integer(in, "w", 1)},
      Integer(in, "live_intermediates", 1));
  return CompareTexts(probe, Numbers(plan.widths), kModel);
}

ProbeResult ReplayStream(const Probe& probe, const EngineModel& model) {
  static constexpr std::pair<const char*, engine::WeightFormat> kFormats[] = {
      {"palette4", engine::WeightFormat::kPalette4},
      {"palette8", engine::WeightFormat::kPalette8},
      {"sparse", engine::WeightFormat::kSparse},
      {"int8", engine::WeightFormat::kInt8},
      {"blockwise", engine::WeightFormat::kBlockwise}};
  const std::string name = TextMember(*probe.inputs, "format");
  for (const auto& [known, format] : kFormats) {
    if (name != known) continue;
    const bool streams = engine::StreamsCompressed(model, format);
    return CompareTexts(probe, {streams ? "stream" : "fold"}, kModel);
  }
  return NotApplicable(probe, "weight format '" + name + "' is unknown");
}

ProbeResult ReplayResidency(const Probe& probe, const EngineModel& model) {
  engine::OperandBytes bytes;
  bytes.input = ShapeOf(*probe.inputs).NumElements() * 2;
  const bool resident = engine::IsResident(model, bytes);
  return CompareTexts(probe, {resident ? "resident" : "stream"}, kModel);
}

// E13: the step of the passes alone, scaled by the output channels.
ProbeResult ReplayPasses(const Probe& probe, const EngineModel& model) {
  const JsonValue::Array& cout = *probe.inputs->Find("cout")->AsArray();
  double time[2] = {};
  for (size_t i = 0; i < 2; ++i) {
    const auto channels = static_cast<int64_t>(*cout[i].AsNumber());
    time[i] = static_cast<double>(engine::Passes(model, channels, 16));
  }
  return NotApplicable(
      probe, "E13 gives the number of passes (" + FormatNumber(time[0]) +
                 " and " + FormatNumber(time[1]) +
                 "), no rule gives the time of one layer without its floor");
}

ProbeResult ReplayLanes(const Probe& probe, const EngineModel& model) {
  constexpr double kPerLane = 3.8;  // measured, of one output channel (E14)
  const int64_t lanes =
      engine::WorkingLanes(model, Integer(*probe.inputs, "cout", 1));
  return CompareNumber(probe, kPerLane * static_cast<double>(lanes), kModel);
}

ProbeResult ReplaySegments(const Probe& probe) {
  constexpr auto kKind = engine::SegmenterKind::kMacos27;
  std::vector<engine::BackendEstimates> ops;
  for (const JsonValue& op : *probe.inputs->Find("estimates_ms")->AsArray()) {
    engine::BackendEstimates estimate;
    for (int backend = 0; backend < engine::kNumBackends; ++backend) {
      const JsonValue* value = op.Find(engine::BackendName(kKind, backend));
      if (value != nullptr)
        estimate[static_cast<size_t>(backend)] = *value->AsNumber();
    }
    ops.push_back(estimate);
  }
  const auto placed = engine::PlaceOps(kKind, ops);
  if (!placed.ok()) return NotApplicable(probe, placed.status().ToString());
  ProbeResult result = NotApplicable(probe, "");
  const JsonValue::Array& selected = *probe.expect->Find("selected")->AsArray();
  const double cost = NumberOr(*probe.expect, "cost_ms", NAN);
  bool same = selected.size() == placed->backends.size() &&
              std::fabs(placed->cost - cost) <= 1e-4 * cost;
  result.measured.clear();
  for (size_t i = 0; i < placed->backends.size(); ++i) {
    const char* name = engine::BackendName(kKind, placed->backends[i]);
    result.ours += std::string(name) + " ";
    if (i >= selected.size()) continue;
    result.measured += *selected[i].AsString() + " ";
    same = same && *selected[i].AsString() == name;
  }
  result.measured += FormatNumber(cost) + " ms";
  result.ours += FormatNumber(placed->cost) + " ms";
  result.outcome = same ? ProbeOutcome::kPass : ProbeOutcome::kDiffers;
  result.through = kModel;
  return result;
}

ProbeResult ReplayExecution(const Probe& probe, const EngineModel& model) {
  const JsonValue& in = *probe.inputs;
  const std::string& op = probe.op;
  if (op == "l2_bank")
    return CompareNumber(
        probe,
        static_cast<double>(engine::BankOf(model, Integer(in, "address", 0))),
        kModel);
  if (op == "l2_conflict_requests")
    return CompareNumber(
        probe,
        static_cast<double>(engine::ConflictRequests(
            model, Integer(in, "stride", 16), Integer(in, "rows", 1))),
        kModel);
  if (op == "ocg") {
    const JsonValue* winograd = in.Find("winograd");
    const bool uses = winograd != nullptr && *winograd->AsBool();
    return CompareNumber(probe,
                         static_cast<double>(engine::OutputChannelGroup(
                             model, ConvOf(in), uses)),
                         kModel);
  }
  if (op == "winograd_used") {
    const bool uses = engine::UsesWinograd(model, ConvOf(in), {});
    return CompareTexts(probe, {uses ? "true" : "false"}, kModel);
  }
  if (op == "tds_per_layer") return ReplayDescriptors(probe, model);
  if (op == "l2_blocks")
    return CompareNumber(probe,
                         static_cast<double>(engine::NumBlocks(
                             model, Integer(in, "bytes", 0), 1)),
                         kModel);
  if (op == "l2_split_w") return ReplaySplit(probe, model);
  if (op == "weight_stream") return ReplayStream(probe, model);
  if (op == "residency") return ReplayResidency(probe, model);
  if (op == "lane_scaling") return ReplayLanes(probe, model);
  if (op == "layer_time_ratio") return ReplayPasses(probe, model);
  if (op == "sparse_time_ratio")
    return CompareNumber(
        probe, engine::SparseTimeRatio(model, NumberOr(in, "density", 1.0)),
        kModel);
  if (op == "mac_per_ne_cycle")
    return CompareTexts(probe,
                        Numbers({engine::MacsPerCoreCycle(model, false),
                                 engine::MacsPerCoreCycle(model, true)}),
                        kModel);
  if (op == "aliased_accumulator" || op == "aliased_cache")
    return NotApplicable(probe,
                         "E52: sessions have no buffer that is an input and "
                         "an output at once");
  return NotApplicable(probe, "no rule for '" + op + "'");
}

// ---- cost ----

ProbeResult ReplayLayerTime(const Probe& probe, const Chip& chip,
                            const EngineModel& model) {
  const auto anchors = engine::ReadCostAnchors(chip);
  if (!anchors.ok()) return NotApplicable(probe, anchors.status().ToString());
  const JsonValue& in = *probe.inputs;
  engine::LayerCost layer;
  ConvGeometry conv = ConvOf(in);
  if (TextMember(in, "op") == "relu") {  // the published tiny call (C24)
    conv = ConvGeometry();
    conv.cin = conv.cout = conv.in.h = conv.in.w = 8;
    conv.out = conv.in;
  }
  layer.flops = engine::ConvFlops(conv);
  layer.traffic = engine::ConvTraffic(conv);
  if (TextMember(in, "op").starts_with("8 x matmul 1024")) {
    constexpr double kBytes = 1024.0 * 1024.0 * 2.0;
    layer.flops = 8 * engine::MatmulFlops({1, 1024, 1024, 1024});
    layer.traffic = {8 * kBytes, kBytes, kBytes};
  }
  const double us = engine::PredictLayer(model, *anchors, layer).seconds * 1e6;
  ProbeResult result = CompareNumber(
      probe, probe.op == "latency_ms" ? us * 1e-3 : us, "cost model");
  if (result.outcome != ProbeOutcome::kDiffers) return result;
  EngineModel resident = model;
  (void)engine::ApplyOption("overlap=resident", &resident);
  const double other =
      engine::PredictLayer(resident, *anchors, layer).seconds * 1e3;
  result.reason = "C3 by its default; with overlap=resident it is " +
                  FormatNumber(other) + " ms";
  return result;
}

ProbeResult ReplayDescriptorTime(const Probe& probe, const Chip& chip,
                                 const EngineModel& model) {
  const auto rates = engine::ReadCompilerRates(chip);
  if (!rates) return NotApplicable(probe, "C33: no compiler rates of the chip");
  const JsonValue& in = *probe.inputs;
  // The published descriptor of 512 channels by 128 columns.
  const double channels = NumberOr(in, "channels", 512);
  const double columns = NumberOr(in, "w", 128) * NumberOr(in, "h", 1);
  engine::DescriptorWork work;
  work.macs = channels * channels * columns;
  work.weight_bytes = channels * channels * 2;
  work.streamed_input_bytes = channels * columns * 2;
  return CompareNumber(probe,
                       engine::DescriptorSeconds(model, *rates, work) * 1e6,
                       "cost model");
}

ProbeResult ReplayCost(const Probe& probe, const Chip& chip,
                       const EngineModel& model) {
  if (probe.op == "estimate_us" || probe.op == "latency_us" ||
      probe.op == "latency_ms")
    return ReplayLayerTime(probe, chip, model);
  if (probe.op == "layer_us" || probe.op == "compiler_estimate_us")
    return ReplayDescriptorTime(probe, chip, model);
  if (probe.op == "ridge") {
    const auto roof = engine::ReadRoofline(chip);
    if (!roof) return NotApplicable(probe, "C20: no roofs of the chip");
    return CompareNumber(probe, roof->ridge(), "cost model");
  }
  if (probe.op == "latency_ratio")
    return NotApplicable(probe,
                         "C27: no rule predicts a measured call of int8 "
                         "against fp16; only bytes are known");
  if (probe.op == "per_op_us")
    return NotApplicable(probe, "E51: the shapes of the stack are unpublished");
  return NotApplicable(probe, "no rule for '" + probe.op + "'");
}

// ---- limits ----

// Whether the engine takes the op, and with which words it is refused.
ProbeResult ReplayLimit(const Probe& probe, const Chip& chip) {
  const auto rules = placement::ReadPlacementChip(chip);
  if (!rules.ok()) return NotApplicable(probe, rules.status().ToString());
  placement::PlacementOptions options;
  options.route = placement::RouteOf(probe.id, probe.op);
  const placement::OpPlacement placed = placement::PlaceOp(
      placement::FactsOfProbe(probe.id, probe.op, *probe.inputs), *rules,
      options);
  ProbeResult result = NotApplicable(probe, "");
  const std::string message = TextMember(*probe.expect, "message");
  bool said = message.empty() || placed.accepted;
  for (const placement::Reason& reason : placed.reasons)
    said = said || reason.text.find(message) != std::string::npos;
  const bool same = placed.accepted == (probe.kind == "accept") && said;
  result.outcome = same ? ProbeOutcome::kPass : ProbeOutcome::kDiffers;
  result.ours = placed.accepted ? "accept" : "reject";
  if (!placed.reasons.empty())
    result.ours += ": " + placed.reasons[0].rule + " " + placed.reasons[0].text;
  if (!message.empty()) result.measured += ": " + message;
  result.through = "placement rules";
  return result;
}

}  // namespace

ProbeResult ReplayEngineProbe(const Probe& probe, const Chip& chip) {
  if (probe.op.starts_with("tensor_strides")) return ReplayStrides(probe);
  if (probe.op == "segment") return ReplaySegments(probe);
  if (probe.id[0] == 'v') return ReplayLimit(probe, chip);
  const Expected<EngineModel> model = engine::ReadEngineModel(chip);
  if (!model.ok()) return NotApplicable(probe, model.status().ToString());
  return probe.id[0] == 'c' ? ReplayCost(probe, chip, *model)
                            : ReplayExecution(probe, *model);
}

}  // namespace aneref::tool
