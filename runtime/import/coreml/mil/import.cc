// See import.h.
#include "runtime/import/coreml/mil/import.h"

namespace aneref::coreml {

Expected<NetDraft> ImportMlProgram(const Source&) {
  return Unsupported("ML Programs are not supported");
}

}  // namespace aneref::coreml
