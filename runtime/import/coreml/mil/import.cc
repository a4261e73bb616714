// See import.h.
#include "runtime/import/coreml/mil/import.h"

#include "runtime/import/coreml/mil/program.h"

namespace aneref::coreml {

Expected<NetDraft> ImportMlProgram(const Source& source) {
  NetDraft draft;
  ANEREF_TRY(mil::ProgramConverter(source, &draft).Run());
  return draft;
}

}  // namespace aneref::coreml
