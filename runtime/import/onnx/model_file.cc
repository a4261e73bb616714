// See model_file.h. A message's bytes are a row of fields, and merging the
// messages of two stretches of them gives that of both: so protobuf reads the
// stretches between large initializers, and nothing copies what they hold.
#include "runtime/import/onnx/model_file.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <climits>
#include <optional>
#include <span>

#include "runtime/import/onnx/tensors.h"

namespace aneref::onnx {
namespace {

using Bytes = std::span<const std::byte>;

constexpr int kMaxMessageDepth = 100;
// Smaller ones are not worth a stretch of their own.
constexpr size_t kLeastRawBytes = 4096;

// Numbers of fields in schema/onnx.proto.
constexpr uint64_t kModelGraph = 7, kGraphInitializer = 5, kTensorType = 2,
                   kTensorRawData = 9, kTensorLocation = 14;

// Adds the fields of `part` to `message`.
bool Merge(Bytes part, google::protobuf::MessageLite* message) {
  if (part.empty()) return true;
  google::protobuf::io::ArrayInputStream array(part.data(),
                                               static_cast<int>(part.size()));
  google::protobuf::io::CodedInputStream stream(&array);
  stream.SetTotalBytesLimit(INT_MAX);
  stream.SetRecursionLimit(kMaxMessageDepth);
  return message->MergeFromCodedStream(&stream) &&
         stream.ConsumedEntireMessage();
}

// One field of a message; `payload` of one with a length, `value` of a varint.
struct Field {
  uint64_t number = 0;
  bool has_payload = false;
  Bytes payload;
  uint64_t value = 0;
  size_t begin = 0, end = 0;  // in the message
};

// The fields of a message one by one. Stops at what it does not know: groups,
// and damage.
class FieldReader {
 public:
  explicit FieldReader(Bytes message) : message_(message) {}
  bool AtEnd() const { return at_ == message_.size(); }

  std::optional<Field> Next() {
    Field field;
    field.begin = at_;
    uint64_t tag = 0, length = 0;
    if (!Varint(&tag)) return std::nullopt;
    field.number = tag >> 3;
    switch (tag & 7) {
      case 0:
        if (!Varint(&field.value)) return std::nullopt;
        break;
      case 1:
        length = 8;
        break;
      case 2:
        if (!Varint(&length)) return std::nullopt;
        field.has_payload = true;
        break;
      case 5:
        length = 4;
        break;
      default:
        return std::nullopt;
    }
    if (length > message_.size() - at_) return std::nullopt;
    field.payload = message_.subspan(at_, length);
    at_ += length;
    field.end = at_;
    return field;
  }

 private:
  bool Varint(uint64_t* value) {
    for (int shift = 0; shift < 64 && at_ < message_.size(); shift += 7) {
      const auto byte = std::to_integer<uint64_t>(message_[at_++]);
      *value |= (byte & 127) << shift;
      if (byte < 128) return true;
    }
    return false;
  }

  Bytes message_;
  size_t at_ = 0;
};

// The raw_data of a large tensor of float16 or float32 that has it once and
// nowhere else.
std::optional<Field> LargeRawData(Bytes tensor) {
  if (tensor.size() < kLeastRawBytes) return std::nullopt;
  std::optional<Field> raw;
  uint64_t type = 0;
  FieldReader reader(tensor);
  while (!reader.AtEnd()) {
    const std::optional<Field> field = reader.Next();
    if (!field.has_value() || field->number == kTensorLocation)
      return std::nullopt;
    if (field->number == kTensorType) type = field->value;
    if (field->number != kTensorRawData) continue;
    if (raw.has_value() || !field->has_payload) return std::nullopt;
    raw = field;
  }
  const bool is_float = type == kOnnxFloat || type == kOnnxFloat16;
  if (!is_float || !raw.has_value() || raw->payload.size() < kLeastRawBytes)
    return std::nullopt;
  return raw;
}

// False where the plain way must say what is wrong.
bool ReadGraph(Bytes bytes, const std::shared_ptr<const File>& file,
               GraphProto* graph, std::vector<DraftBytes>* raw_data) {
  FieldReader reader(bytes);
  size_t done = 0;
  while (!reader.AtEnd()) {
    const std::optional<Field> field = reader.Next();
    if (!field.has_value()) return false;
    if (field->number != kGraphInitializer || !field->has_payload) continue;
    const Bytes tensor = field->payload;
    const std::optional<Field> raw = LargeRawData(tensor);
    if (!raw.has_value()) continue;
    if (!Merge(bytes.subspan(done, field->begin - done), graph)) return false;
    done = field->end;
    TensorProto* message = graph->add_initializer();
    if (!Merge(tensor.first(raw->begin), message) ||
        !Merge(tensor.subspan(raw->end), message))
      return false;
    raw_data->resize(static_cast<size_t>(graph->initializer_size()));
    raw_data->back() = DraftBytes(raw->payload, file);
  }
  if (!Merge(bytes.subspan(done), graph)) return false;
  raw_data->resize(static_cast<size_t>(graph->initializer_size()));
  return true;
}

bool ReadParts(Bytes bytes, const std::shared_ptr<const File>& file,
               ModelFile* result) {
  std::optional<Field> graph;
  FieldReader reader(bytes);
  while (!reader.AtEnd()) {
    const std::optional<Field> field = reader.Next();
    if (!field.has_value()) return false;
    if (field->number != kModelGraph) continue;
    // Several would be merged into one.
    if (graph.has_value() || !field->has_payload) return false;
    graph = field;
  }
  return graph.has_value() &&
         Merge(bytes.first(graph->begin), result->model.get()) &&
         Merge(bytes.subspan(graph->end), result->model.get()) &&
         ReadGraph(graph->payload, file, result->model->mutable_graph(),
                   &result->raw_data);
}

}  // namespace

Expected<ModelFile> ReadModel(const std::shared_ptr<const File>& file) {
  const Bytes bytes = file->bytes();
  if (bytes.size() > static_cast<size_t>(INT_MAX))
    return LimitError(
        "an ONNX file is at most 2 GiB; larger networks keep their weights in "
        "external data");
  ModelFile result;
  result.model = std::make_unique<ModelProto>();
  if (!ReadParts(bytes, file, &result)) {
    result.model->Clear();
    result.raw_data.clear();
    if (!Merge(bytes, result.model.get()))
      return InvalidFile("",
                         "the file is damaged or cut off, or is no ONNX model");
  }
  file->DropPages(bytes);  // what was copied; the rest is read again
  if (!result.model->has_graph())
    return InvalidFile("", "the file is no ONNX model: it has no graph");
  return result;
}

}  // namespace aneref::onnx
