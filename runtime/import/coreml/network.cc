// See network.h.
#include "runtime/import/coreml/network.h"

namespace aneref::coreml {

Expected<NetDraft> ImportNetwork(const Source&) {
  return Unsupported("neural networks are not supported");
}

}  // namespace aneref::coreml
