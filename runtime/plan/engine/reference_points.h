// Published measurements (C10, C24-C27, C31, C35, C36) beside what the cost
// rules predict for the same work: the data of docs/cost.md and of the tests.
// Nothing is fitted here.
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_REFERENCE_POINTS_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_REFERENCE_POINTS_H_

#include <cstddef>

#include "runtime/core/chip.h"
#include "runtime/core/status.h"
#include "runtime/plan/engine/cost.h"
#include "runtime/plan/engine/engine_model.h"

namespace aneref::engine {

// What was timed, and so which rule predicts it.
enum class Timed {
  kCall,        // a whole call: C3, and PredictLayer with overlap=resident
  kLayer,       // one layer of a long chain, without the floor: C3 less floor
  kDescriptor,  // one layer of a chain on one engine: C33
};

struct ReferencePoint {
  const char* rule;  // where it is published
  const char* chip;  // Chip::name
  const char* what;
  Timed timed;
  double macs;
  double weight_bytes;
  double input_bytes;  // external to the program
  double output_bytes;
  double measured_us;
  double claimed_error;  // relative; 0: the model claims none
};

struct ReferenceTable {
  const ReferencePoint* begin_;
  size_t size_;
  const ReferencePoint* begin() const { return begin_; }
  const ReferencePoint* end() const { return begin_ + size_; }
  size_t size() const { return size_; }
};
ReferenceTable ReferencePoints();

// Microseconds by the rule that `timed` names. kUnsupported: the chip lacks
// the numbers.
Expected<double> PredictReference(const Chip& chip, const EngineModel& model,
                                  const ReferencePoint& point);

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_REFERENCE_POINTS_H_
