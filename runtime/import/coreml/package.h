// The files of a Core ML container: a bare .mlmodel, an .mlpackage folder, or
// the same folder zipped (read in place, nothing is unpacked to disk). Knows
// neither models nor the blob format. Nothing outside the container is opened:
// no absolute paths, no "..", no links that lead out.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_PACKAGE_H_
#define ANEREF_RUNTIME_IMPORT_COREML_PACKAGE_H_

#include <memory>
#include <span>
#include <string>

#include "runtime/graph/net.h"

namespace aneref::coreml {

class Package {
 public:
  virtual ~Package() = default;

  // The model file: one serialized Model message.
  virtual std::span<const std::byte> model() const = 0;

  // A file that the model names, such as "@model_path/weights/weight.bin"
  // ("@model_path" is the folder of the model file). The bytes live as long as
  // the package. kIo "weight file missing" when there is none; kInvalidFile
  // when the name leads out of the container; kLimit over the memory limit.
  virtual Expected<std::span<const std::byte>> Open(
      const std::string& name) = 0;

  // Bytes read into memory so far (mapped files do not count).
  virtual uint64_t bytes_held() const { return 0; }
};

// True when `path` is a folder or a zip archive that looks like a package, by
// its contents.
bool IsPackage(const std::string& path);

// Opens any of the three. `max_memory` bounds what is unpacked (0: 4 GiB).
Expected<std::unique_ptr<Package>> OpenPackage(const std::string& path,
                                               uint64_t max_memory);

// A container of one file, for callers that have its bytes; other files are
// looked up beside `path`.
std::unique_ptr<Package> SingleFile(std::shared_ptr<const File> file,
                                    const std::string& path);

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_PACKAGE_H_
