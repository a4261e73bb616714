// Pipelines: the stages' drafts in one graph, joined by feature names.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_PIPELINE_H_
#define ANEREF_RUNTIME_IMPORT_COREML_PIPELINE_H_

#include "runtime/import/coreml/model.h"

namespace aneref::coreml {

Expected<NetDraft> ImportPipeline(const Source& source);

// Any kind of model, by its kind; what a pipeline calls for its stages.
Expected<NetDraft> ImportModelKind(const Source& source);

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_PIPELINE_H_
