// E47-E51 and E53: see the header.
#include "runtime/plan/engine/dispatch.h"

#include <string>

namespace aneref::engine {
namespace {

constexpr int64_t kLastLinkedVersion = 7;  // E48: up to H13

struct NamedUnit {
  Unit unit;
  const char* name;
};
constexpr NamedUnit kUnits[] = {
    {Unit::kConv, "Conv"},
    {Unit::kPooling, "Pooling"},
    {Unit::kConcat, "Concat"},
    {Unit::kElementWise, "ElementWise"},
    {Unit::kScaledElementWise, "ScaledElementWise"},
    {Unit::kNeuron, "Neuron"},
    {Unit::kGoc, "GOC"},
    {Unit::kMatrixMultiplication, "MatrixMultiplication"},
    {Unit::kReduction, "Reduction"},
    {Unit::kTranspose, "Transpose"},
    {Unit::kSoftmax, "Softmax"},
    {Unit::kLinear, "Linear"},
    {Unit::kMacConv, "NEConv"},
    {Unit::kMacMatMul, "NEMatMul"},
    {Unit::kMacPool, "NEPool"},
    {Unit::kMacBypass, "NEBypass"},
    {Unit::kPlanarPool, "PEPool"},
    {Unit::kPlanarElementWise, "PEElementWise"},
    {Unit::kPlanarGoc, "PEGOC"},
    {Unit::kAttention, "SDPA"},
};

struct Cap {
  int64_t ProcessLoad::*value;
  int64_t limit;
  const char* what;
};
constexpr Cap kCaps[] = {
    {&ProcessLoad::requests_in_flight, 127, "requests in flight"},
    {&ProcessLoad::loaded_programs, 128, "loaded programs"},
    {&ProcessLoad::compiles, 119, "compiles in one process"},
    {&ProcessLoad::signal_events, 16, "signal events"},
    {&ProcessLoad::custom_bars, 32, "custom BARs"},
    {&ProcessLoad::input_buffers, 16, "input buffers of a trigger"},
};

}  // namespace

int64_t ParallelPrograms(const EngineModel& model) { return model.engines; }

bool DescriptorsAreLinked(const EngineModel& model) {
  return model.descriptor_version <= kLastLinkedVersion;
}

const char* UnitName(Unit unit) {
  for (const NamedUnit& row : kUnits) {
    if (row.unit == unit) return row.name;
  }
  return "";
}

double SecondsPerOp(double call_seconds, int64_t num_ops) {
  return call_seconds / static_cast<double>(num_ops < 1 ? 1 : num_ops);
}

Status CheckProcessLoad(const ProcessLoad& load) {
  for (const Cap& cap : kCaps) {
    const int64_t value = load.*cap.value;
    if (value <= cap.limit) continue;
    return Status(StatusCode::kLimit, "E53",
                  std::to_string(value) + " " + cap.what + ", at most " +
                      std::to_string(cap.limit));
  }
  return Status();
}

}  // namespace aneref::engine
