// Probes of stored weights (section w): the functions of N60-N67 and L43.
#include <cmath>

#include "runtime/core/dequantize.h"
#include "runtime/plan/engine/weights_layout.h"
#include "tools/probe.h"

namespace aneref::tool {
namespace {

std::string Hex(const std::vector<uint8_t>& bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    text += "0123456789ABCDEF"[byte >> 4];
    text += "0123456789ABCDEF"[byte & 15];
  }
  return text;
}

ProbeResult ReplaySection(const Probe& probe, const Chip& chip) {
  const auto model = engine::ReadEngineModel(chip);
  if (!model.ok()) return NotApplicable(probe, model.status().ToString());
  engine::ConvGeometry conv;
  conv.cin = static_cast<int64_t>(NumberOr(*probe.inputs, "cin", 1));
  conv.cout = static_cast<int64_t>(NumberOr(*probe.inputs, "cout", 1));
  const engine::WeightSection section =
      engine::LayOutWeights(*model, conv, false);
  ProbeResult result = NotApplicable(probe, "");
  const bool same = static_cast<double>(section.bytes) ==
                        NumberOr(*probe.expect, "bytes", NAN) &&
                    static_cast<double>(section.lanes) ==
                        NumberOr(*probe.expect, "lanes", NAN) &&
                    static_cast<double>(section.lane_bytes) ==
                        NumberOr(*probe.expect, "lane_bytes", NAN);
  result.outcome = same ? ProbeOutcome::kPass : ProbeOutcome::kDiffers;
  result.measured = "8192 bytes, 16 lanes of 512";
  result.ours = std::to_string(section.bytes) + " bytes, " +
                std::to_string(section.lanes) + " lanes of " +
                std::to_string(section.lane_bytes);
  result.through = "rule L43";
  return result;
}

}  // namespace

ProbeResult ReplayWeightProbe(const Probe& probe, const Chip& chip) {
  const JsonValue& in = *probe.inputs;
  const std::string& op = probe.op;
  if (op == "palette_pack4") {
    std::vector<uint8_t> indices;
    const JsonValue* weights = in.Find("weights");
    for (const JsonValue& weight : *weights->AsArray())
      indices.push_back(*weight.AsNumber() == 1.0 ? 1 : 0);
    return CompareTexts(probe, {Hex(PackIndices(indices, 4))}, "rule N61");
  }
  if (op == "palette_lut_bytes")
    return CompareTexts(probe,
                        {std::to_string(PaletteTableBytes(4)),
                         std::to_string(PaletteTableBytes(8))},
                        "rule N61");
  if (op == "palette_vector_sizes") {
    std::vector<std::string> legal;
    for (const JsonValue& size : *in.Find("v")->AsArray())
      legal.emplace_back(IsPaletteVectorSize(static_cast<int>(*size.AsNumber()))
                             ? "true"
                             : "false");
    return CompareTexts(probe, legal, "rule N61");
  }
  if (op == "sparse_bytes")
    return CompareNumber(probe,
                         static_cast<double>(SparseBytes(
                             static_cast<size_t>(NumberOr(in, "n", 0)),
                             static_cast<size_t>(NumberOr(in, "nnz", 0)))),
                         "rule N62");
  if (op == "sparse_byte_ratio") {
    constexpr double kCount = 1e6;
    const auto kept =
        static_cast<size_t>(NumberOr(in, "density", 1.0) * kCount);
    return CompareNumber(
        probe,
        static_cast<double>(SparseBytes(static_cast<size_t>(kCount), kept)) /
            (2 * kCount),
        "rule N62");
  }
  if (op == "e5m2_to_fp16")
    return CompareBits(probe, {HalfOfE5m2(0x3C)}, "rule N67");
  if (op == "f32_to_e4m3")
    return CompareTexts(
        probe, {Hex({E4m3Of(448.0f, true), E4m3Of(500.0f, true)})}, "rule N67");
  if (op == "weight_section") return ReplaySection(probe, chip);
  return NotApplicable(probe, "no rule for '" + op + "'");
}

}  // namespace aneref::tool
