// The host's side of a call: E47 (programs in parallel), E48 (descriptor
// linking), E49 (unit codes), E50 and E51 (dispatch time), E53 (caps).
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_DISPATCH_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_DISPATCH_H_

#include <cstdint>

#include "runtime/core/status.h"
#include "runtime/plan/engine/engine_model.h"

namespace aneref::engine {

// E47: different programs that can run at the same time; equal programs of
// one process never do.
int64_t ParallelPrograms(const EngineModel& model);

// E48: descriptors up to version 7 form a linked list, later ones are packed.
bool DescriptorsAreLinked(const EngineModel& model);

// E49: codes of the compiler's units that plans name.
enum class Unit : uint8_t {
  kConv = 1,
  kPooling = 2,
  kConcat = 3,
  kElementWise = 4,
  kScaledElementWise = 5,
  kNeuron = 6,
  kGoc = 8,
  kMatrixMultiplication = 18,
  kReduction = 20,
  kTranspose = 21,
  kSoftmax = 24,
  kLinear = 60,
  kMacConv = 68,
  kMacMatMul = 69,
  kMacPool = 70,
  kMacBypass = 71,
  kPlanarPool = 72,
  kPlanarElementWise = 73,
  kPlanarGoc = 74,
  kAttention = 77,
};
const char* UnitName(Unit unit);  // the compiler's name; "" for no such code

// E50: where the time of a tiny call goes (M1), in microseconds.
struct DispatchBudget {
  double binding = 25;
  double request = 16;
  double doorbell = 2.5;
  double round_trip = 130;
  double completion = 10;
  double total() const {
    return binding + request + doorbell + round_trip + completion;
  }
};

// E51: time per op when `num_ops` of them are fused into one call.
double SecondsPerOp(double call_seconds, int64_t num_ops);

// E53: what one process asks of the driver.
struct ProcessLoad {
  int64_t requests_in_flight = 0;  // of one program
  int64_t loaded_programs = 0;
  int64_t compiles = 0;
  int64_t signal_events = 0;
  int64_t custom_bars = 0;
  int64_t input_buffers = 0;  // of one trigger
};
// kLimit with rule E53 for the first cap that is exceeded.
Status CheckProcessLoad(const ProcessLoad& load);

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_DISPATCH_H_
