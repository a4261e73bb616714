// See pipeline.h.
#include "runtime/import/coreml/pipeline.h"

namespace aneref::coreml {

Expected<NetDraft> ImportPipeline(const Source&) {
  return Unsupported("pipelines are not supported");
}

}  // namespace aneref::coreml
