// How much an evaluation by a reference costs, from types and attributes alone.
// For folders, which bound their work by it; not the cost model of the engine.
#ifndef ANEREF_RUNTIME_GRAPH_EVALUATION_WORK_H_
#define ANEREF_RUNTIME_GRAPH_EVALUATION_WORK_H_

#include <span>

#include "ops/op.h"

namespace aneref {

// About how many elements an evaluation reads, writes and multiplies. A folder
// leaves what is over its limit to the run: a few bytes of a file can ask for
// any amount of work.
double EvaluationWork(const fbs::Node& node,
                      std::span<const OpView::Input> inputs,
                      std::span<const TensorType> outputs);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_GRAPH_EVALUATION_WORK_H_
