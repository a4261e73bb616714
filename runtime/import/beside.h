// Opens files that a model names, safely: nothing outside a given folder is
// ever opened. No absolute paths, no "..", no links that lead out.
#ifndef ANEREF_RUNTIME_IMPORT_BESIDE_H_
#define ANEREF_RUNTIME_IMPORT_BESIDE_H_

#include <memory>
#include <string>

#include "runtime/graph/net.h"

namespace aneref {

// The folder of `path`, links resolved.
std::string FolderOf(const std::string& path);

// Whether the words of a relative path stay inside its folder.
bool StaysInside(const std::string& location);

// `location` is relative to `folder` (links resolved, see FolderOf); `what`
// leads errors. kInvalidFile: it leads out; kIo: it is missing or no file.
Expected<std::shared_ptr<const File>> OpenInside(const std::string& folder,
                                                 const std::string& location,
                                                 const std::string& what);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_IMPORT_BESIDE_H_
