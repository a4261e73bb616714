// See import.h.
#include "runtime/import/onnx/import.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <climits>
#include <memory>

#include "runtime/import/onnx/converter.h"

namespace aneref::onnx {
namespace {

constexpr int kMaxMessageDepth = 100;

Status Parse(std::span<const std::byte> bytes, ModelProto* model) {
  if (bytes.size() > static_cast<size_t>(INT_MAX))
    return LimitError(
        "an ONNX file is at most 2 GiB; larger networks keep their weights in "
        "external data");
  google::protobuf::io::ArrayInputStream array(bytes.data(),
                                               static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream stream(&array);
  stream.SetTotalBytesLimit(INT_MAX);
  stream.SetRecursionLimit(kMaxMessageDepth);
  if (!model->ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return InvalidFile("",
                       "the file is damaged or cut off, or is no ONNX model");
  if (!model->has_graph())
    return InvalidFile("", "the file is no ONNX model: it has no graph");
  return Status();
}

}  // namespace

bool LooksLikeModel(std::span<const std::byte> bytes) {
  if (bytes.empty()) return false;
  const auto tag = std::to_integer<unsigned>(bytes[0]);
  const unsigned field = tag >> 3, wire = tag & 7;
  if (field == 1 || field == 5) return wire == 0;
  return (field >= 2 && field <= 8 && wire == 2) || (field == 14 && wire == 2);
}

Expected<NetDraft> ImportFile(const File& file, const std::string& path,
                              const ImportOptions& options) {
  auto model = std::make_unique<ModelProto>();
  ANEREF_TRY(Parse(file.bytes(), model.get()));
  file.DropPages(file.bytes());  // the message has copies
  ExternalData external(path, options.max_memory);
  NetDraft draft;
  ANEREF_TRY(Converter(model.get(), options, &external, &draft).Run());
  return draft;
}

}  // namespace aneref::onnx
