// JSON on standard output, and arrays into folders.
#ifndef ANEREF_TOOLS_OUTPUT_H_
#define ANEREF_TOOLS_OUTPUT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/status.h"
#include "runtime/core/tensor.h"
#include "tools/atomic_file.h"
#include "tools/npy.h"

namespace aneref::tool {

// Keys keep the order in which they were set.
using Json = nlohmann::ordered_json;

// One document and a newline. Names that are no UTF-8 get replacement
// characters; NaN and infinities become null.
void PrintJson(const Json& document);

Json ShapeToJson(const Shape& shape);

// A file name for a tensor name: '/' and everything odd becomes '_', never
// hidden, never empty, at most 200 bytes.
std::string SafeFileName(const std::string& name);

// An image output, encoded.
struct Picture {
  std::string name;
  std::vector<std::byte> png;
};

// NAME.npy per array and NAME.png per picture in `folder`, which is made when
// it is missing. Nothing is left behind on errors. kInvalidArgument: two names
// meet in one file name.
Status WriteFolder(
    const std::string& folder,
    const std::vector<std::pair<std::string, const Array*>>& arrays,
    const std::vector<Picture>& pictures = {});

// The whole text to a file, or nothing. An empty path writes nothing.
Status WriteText(const std::string& path, const std::string& text);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_OUTPUT_H_
