// Constants as the engine reads them, for device numerics.
#ifndef ANEREF_RUNTIME_GRAPH_ENGINE_CONSTANTS_H_
#define ANEREF_RUNTIME_GRAPH_ENGINE_CONSTANTS_H_

#include <memory>

#include "runtime/graph/net.h"

namespace aneref {

// Net::ConstantValue, but scales of float16 tensors are fp16 (N60, N63).
Expected<TensorView> EngineConstantValue(const Net& net,
                                         const fbs::Tensor& tensor,
                                         std::shared_ptr<void>* owner,
                                         bool may_round = false);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_GRAPH_ENGINE_CONSTANTS_H_
