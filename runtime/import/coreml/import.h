// The Core ML importer's entry: container to draft. Passes and writing come
// after it.
//
// Who does what: package.h opens the container; model.h parses the Model
// message and describes its features; network.h turns neural networks into a
// draft, mil/import.h ML Programs, classical.h the simple models that surround
// them; pipeline.h joins the drafts of a pipeline by feature names; this file
// chooses among them and keeps the metadata.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_IMPORT_H_
#define ANEREF_RUNTIME_IMPORT_COREML_IMPORT_H_

#include <span>
#include <string>

#include "runtime/import/coreml/package.h"
#include "runtime/import/importer.h"

namespace aneref::coreml {

// True when the bytes look like a Model message: the file begins with
// specificationVersion. ONNX files may begin alike, so the description must
// follow.
bool LooksLikeModel(std::span<const std::byte> bytes);

Expected<NetDraft> ImportPackage(Package* package,
                                 const ImportOptions& options);

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_IMPORT_H_
