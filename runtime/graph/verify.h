// The semantic checks behind the FlatBuffers verifier (F4 to F12): every index,
// size, offset and overflow.
#ifndef ANEREF_RUNTIME_GRAPH_VERIFY_H_
#define ANEREF_RUNTIME_GRAPH_VERIFY_H_

#include <cstdint>

#include "runtime/core/status.h"
#include "schema/net_generated.h"

namespace aneref {

// `segment_size` is the size of the weight segment that ranges must stay
// inside.
Status VerifyNet(const fbs::Net& net, uint64_t segment_size);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_GRAPH_VERIFY_H_
