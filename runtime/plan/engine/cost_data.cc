// The published cost numbers of a chip: C4, C8 (clock), C20, C21, C30, C33.
#include <algorithm>

#include "runtime/plan/engine/cost.h"
#include "runtime/plan/engine/kernel_memory.h"

namespace aneref::engine {
namespace {

constexpr double kCostClockShare = 0.8;         // C8
constexpr int64_t kHalfMacsPerCoreCycle = 256;  // C21 [M:M6]

// A positive number at `key`, or nullopt.
std::optional<double> Number(const JsonValue* object, std::string_view key) {
  const JsonValue* value = object ? object->Find(key) : nullptr;
  const double* number = value ? value->AsNumber() : nullptr;
  if (number == nullptr || !(*number > 0)) return std::nullopt;
  return *number;
}

std::optional<double> FirstNumber(const JsonValue* object,
                                  std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (const std::optional<double> number = Number(object, key)) return number;
  }
  return std::nullopt;
}

const JsonValue* Member(const JsonValue* object, std::string_view key) {
  return object ? object->Find(key) : nullptr;
}

std::optional<CostAnchors> AnchorsIn(const JsonValue* object) {
  const auto peak = Number(object, "fit_peak_flops");
  const auto bandwidth = Number(object, "fit_bandwidth");
  const auto floor = Number(object, "fit_floor_s");
  if (!peak || !bandwidth || !floor) return std::nullopt;
  CostAnchors anchors{*peak, *bandwidth, *floor, ""};
  const JsonValue* provenance = object->Find("provenance");
  if (provenance && provenance->AsString())
    anchors.provenance = *provenance->AsString();
  return anchors;
}

std::optional<double> HighestClockHz(const Chip& chip) {
  const JsonValue* clocks = Member(chip.data, "clocks");
  std::optional<double> ghz = Number(clocks, "dvfs_max_ghz");
  const JsonValue* range = Member(clocks, "dvfs_ghz");
  const JsonValue::Array* ends = range ? range->AsArray() : nullptr;
  for (size_t i = 0; ends != nullptr && i < ends->size(); ++i) {
    const double* end = (*ends)[i].AsNumber();
    if (end != nullptr && *end > ghz.value_or(0)) ghz = *end;
  }
  if (!ghz) return std::nullopt;
  return *ghz * 1e9;
}

}  // namespace

Expected<CostAnchors> ReadCostAnchors(const Chip& chip) {
  for (const JsonValue* object :
       {Member(chip.data, "roofline"), Member(chip.data, "fit_prediction"),
        Member(chip.engine_model, "fit")}) {
    if (const std::optional<CostAnchors> anchors = AnchorsIn(object))
      return *anchors;
  }
  return Unsupported("chip '" + chip.name + "' has no cost anchors");
}

double WeightTraffic(const EngineModel& model, const Payload& payload) {
  Payload moved = payload;
  if (!StreamsCompressed(model, payload.format))
    moved.format = WeightFormat::kDense;
  return static_cast<double>(PayloadBytes(moved));
}

std::optional<double> CostClockHz(const Chip& chip) {
  const std::optional<double> highest = HighestClockHz(chip);
  if (!highest) return std::nullopt;
  const double efficiency =
      Number(Member(chip.data, "roofline"), "efficiency").value_or(1.0);
  return kCostClockShare * *highest * efficiency;
}

std::optional<Roofline> ReadRoofline(const Chip& chip) {
  const JsonValue* data = Member(chip.data, "roofline");
  const auto peak = FirstNumber(
      data, {"compute_roof_slope", "fp16_peak", "fp16_peak_one_engine"});
  if (!peak) return std::nullopt;
  auto bandwidth = Number(data, "dram_bandwidth");
  const auto ridge = Number(data, "ridge_flop_per_byte");
  if (!bandwidth && ridge) bandwidth = *peak / *ridge;
  if (!bandwidth) bandwidth = Number(data, "weight_stream_bandwidth");
  if (!bandwidth) return std::nullopt;
  return Roofline{*peak, *bandwidth};
}

int64_t MacsPerCoreCycle(const EngineModel& model, bool int8) {
  return int8 && model.int8_macs ? 2 * kHalfMacsPerCoreCycle
                                 : kHalfMacsPerCoreCycle;
}

std::optional<double> TheoreticalPeak(const Chip& chip,
                                      const EngineModel& model, bool int8) {
  const std::optional<double> clock = HighestClockHz(chip);
  if (!clock) return std::nullopt;
  const double macs = static_cast<double>(model.engines) *
                      static_cast<double>(model.lanes) *
                      static_cast<double>(MacsPerCoreCycle(model, int8));
  return 2 * macs * *clock;
}

std::optional<double> PowerWatts(const Chip& chip, Bound bound) {
  const JsonValue* watts = Member(Member(chip.data, "roofline"), "power_w");
  if (bound == Bound::kDispatch) {
    if (const auto idle = Number(watts, "dispatch_floor")) return idle;
  }
  return FirstNumber(watts, {"conv", "fp16", "one_engine"});
}

std::optional<double> EnergyJoules(const Chip& chip,
                                   const TimeEstimate& estimate) {
  const std::optional<double> watts = PowerWatts(chip, estimate.bound);
  if (!watts) return std::nullopt;
  return *watts * estimate.seconds;
}

std::optional<CompilerRates> ReadCompilerRates(const Chip& chip) {
  const JsonValue* data = Member(chip.data, "compiler_estimate");
  const auto core = Number(data, "core_ghz");
  const auto planar = Number(data, "planar_ghz");
  const auto weight = Number(data, "weight_bandwidth");
  const auto input = Number(data, "input_bandwidth");
  const auto output = Number(data, "output_bandwidth");
  if (!core || !planar || !weight || !input || !output) return std::nullopt;
  return CompilerRates{*core * 1e9, *planar * 1e9, *weight, *input, *output};
}

std::optional<double> PlanarTaskSeconds(const Chip& chip, double elements) {
  const JsonValue* data = Member(chip.data, "roofline");
  const auto fixed = Number(data, "planar_task_s");
  const auto rate = Number(data, "planar_elements_per_s");
  if (!fixed || !rate) return std::nullopt;
  return *fixed + elements / *rate;
}

}  // namespace aneref::engine
