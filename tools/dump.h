// Tensors that somebody else's program wrote, in the forms people have: .npz,
// .npy (one file or a folder), raw buffers with a JSON manifest, ONNX Runtime's
// node dumps (.tensorproto), .safetensors. All input is untrusted.
#ifndef ANEREF_TOOLS_DUMP_H_
#define ANEREF_TOOLS_DUMP_H_

#include <span>
#include <string>

#include "runtime/core/status.h"
#include "runtime/explain/tensor_set.h"

namespace aneref::tool {

struct Dump {
  std::string format;  // "npz", "npy", "raw", "onnxruntime", "safetensors"
  TensorSet tensors;   // in the order of the file, or by name
};

// `path` is a file or a folder; the content decides. max_bytes bounds all
// tensors together (0: none). kIo, kInvalidFile, kUnsupported, kLimit.
Expected<Dump> ReadDump(const std::string& path, uint64_t max_bytes);

// The parts that read one form each; `name` leads messages.
// {"tensors": [{"name", "file", "dtype", "shape", "offset", "strides"}]}: byte
// strides per axis (absent: dense), files beside the manifest.
Expected<TensorSet> ReadRawManifest(const std::string& path,
                                    uint64_t max_bytes);
Expected<TensorSet> ParseSafetensors(std::span<const std::byte> file,
                                     const std::string& name);
// A serialised onnx.TensorProto.
Expected<NamedTensor> ParseTensorProto(std::span<const std::byte> file,
                                       const std::string& name);

// Elements of a type that we have or that widens to one: "bfloat16" to float32,
// the 8-bit floats to float16. `size`: bytes of one stored element.
struct ForeignType {
  DataType type = DataType::kFloat16;
  size_t size = 2;
  enum class Widen : uint8_t {
    kNone,
    kBfloat16,
    kE4m3,
    kE5m2
  } widen = Widen::kNone;
};
// Copies and widens `count` dense stored elements.
void WidenElements(const ForeignType& type, const std::byte* from, size_t count,
                   std::byte* to);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_DUMP_H_
