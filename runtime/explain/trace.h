// A run and its prediction as one Chrome/Perfetto trace (JSON object format,
// "traceEvents"): process 1 is what this machine's threads really did, process
// 2 the engine's timeline as the plan predicts it, with a lane per datapath,
// and counters of both memories.
#ifndef ANEREF_RUNTIME_EXPLAIN_TRACE_H_
#define ANEREF_RUNTIME_EXPLAIN_TRACE_H_

#include <span>
#include <string>
#include <vector>

#include "runtime/exec/session.h"

namespace aneref {

struct TraceInput {
  std::string model;  // for titles
  const Plan* plan = nullptr;
  std::span<const TaskProfile> calls;  // Session::profile()
  std::span<const TraceEvent> events;  // Session::trace(), of one run
};
std::string TraceJson(const TraceInput& input);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_TRACE_H_
