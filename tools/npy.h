// numpy's .npy files (versions 1 to 3) and the arrays read from them.
// Numbers and bool only; both byte orders and both element orders are read,
// little-endian C order is written. Input bytes are untrusted.
#ifndef ANEREF_TOOLS_NPY_H_
#define ANEREF_TOOLS_NPY_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/status.h"
#include "runtime/core/tensor.h"

namespace aneref::tool {

// Dense, row major, native byte order.
struct Array {
  TensorType type;
  std::vector<std::byte> bytes;
  // The view must not be written through.
  TensorView View() const {
    return DenseView(type, const_cast<std::byte*>(bytes.data()));
  }
};
// A dense copy of a view of any pitch.
Array CopyToArray(const TensorView& view);

// Header of a .npy: how many bytes it has, what follows.
struct NpyHeader {
  TensorType type;
  bool big_endian = false;
  bool fortran_order = false;
  size_t size = 0;  // of the header; DenseBytes(type) bytes of data follow
};

// `start` is the file's beginning, at least its header. kInvalidFile: no .npy,
// or a header that breaks the format; kUnsupported: element types that are no
// numbers; kLimit: rank or size. `name` leads messages.
Expected<NpyHeader> ParseNpyHeader(std::span<const std::byte> start,
                                   const std::string& name);
// Headers that need more bytes than this are refused.
inline constexpr size_t kMaxNpyHeader = size_t{1} << 16;

// A whole file. kInvalidFile also when the data's size is not the header's.
Expected<Array> ParseNpy(std::span<const std::byte> file,
                         const std::string& name);
// `data`: the elements as the header describes them.
Array DecodeNpy(const NpyHeader& header, std::span<const std::byte> data);

// What numpy.save writes before the elements of a C-order array.
std::vector<std::byte> MakeNpyHeader(const TensorType& type);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_NPY_H_
