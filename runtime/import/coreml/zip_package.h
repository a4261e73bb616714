// Packages inside zip archives: read in place, nothing is unpacked to disk.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_ZIP_PACKAGE_H_
#define ANEREF_RUNTIME_IMPORT_COREML_ZIP_PACKAGE_H_

#include <memory>
#include <string>

#include "runtime/import/coreml/package.h"

namespace aneref::coreml {

// By the first bytes of the file.
bool IsZip(const std::string& path);

// The manifest may lie at the top or in one folder below it. `max_bytes` bounds
// the sum of what is unpacked.
Expected<std::unique_ptr<Package>> OpenZip(const std::string& path,
                                           uint64_t max_bytes);

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_ZIP_PACKAGE_H_
