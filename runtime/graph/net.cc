// Parsing of .anem bytes and decoding of constants.
#include "runtime/graph/net.h"

#include <cstring>
#include <list>

#include "runtime/core/convert.h"
#include "runtime/graph/decode.h"
#include "runtime/graph/engine_constants.h"
#include "runtime/graph/evaluate.h"
#include "runtime/graph/format.h"
#include "runtime/graph/verify.h"

namespace aneref {
namespace {

Status CheckHeader(const format::Header& header, uint64_t size) {
  if (header.version != format::kVersion) {
    return Status(StatusCode::kUnsupported, "F2",
                  "format version " + std::to_string(header.version) +
                      ", this program reads version " +
                      std::to_string(format::kVersion));
  }
  if (header.file_size != size) {
    return InvalidFile("F3", "the file has " + std::to_string(size) +
                                 " bytes, its header says " +
                                 std::to_string(header.file_size) +
                                 " (cut off?)");
  }
  const bool table_fits = header.header_bytes == format::kHeaderBytes &&
                          header.table_offset == format::kHeaderBytes &&
                          header.table_size <= size - header.table_offset &&
                          header.reserved == 0;
  if (!table_fits)
    return InvalidFile("F3", "the header does not describe this file");
  if (header.segment_size == 0) return Status();
  if (header.segment_offset % format::kSegmentAlignment != 0 ||
      header.segment_offset < header.table_offset + header.table_size ||
      header.segment_offset > size ||
      header.segment_size > size - header.segment_offset) {
    return InvalidFile(
        "F3", "the weight segment lies outside the file or is misaligned");
  }
  return Status();
}

std::vector<int64_t> Dims(const flatbuffers::Vector<uint32_t>* values) {
  return values == nullptr
             ? std::vector<int64_t>()
             : std::vector<int64_t>(values->begin(), values->end());
}

// A compressed constant and those that it is made of.
class EncodedViews {
 public:
  explicit EncodedViews(const Net& net, bool half_scales = false)
      : net_(net), half_scales_(half_scales) {}

  // `depth` bounds hostile chains.
  Expected<const EncodedConstant*> Add(const fbs::Constant& constant,
                                       const Shape& shape, int depth) {
    if (depth > 4)
      return InvalidFile("F7", "compressed constants are nested too deeply");
    EncodedConstant& view = views_.emplace_back();
    view.encoding = constant.encoding();
    view.stored = static_cast<DataType>(constant.stored());
    view.shape = shape;
    view.bits = constant.bits();
    view.is_signed = constant.is_signed();
    view.half_scales = half_scales_;
    view.axis = constant.axis();
    view.vector_axis = constant.vector_axis();
    view.data = Bytes(constant.data());
    view.palette = Bytes(constant.palette());
    view.scales = Bytes(constant.scales());
    view.zero_points = Bytes(constant.zero_points());
    view.biases = Bytes(constant.biases());
    view.mask = Bytes(constant.mask());
    view.palette_shape = Dims(constant.palette_shape());
    view.scales_shape = Dims(constant.scales_shape());
    if (constant.values_constant() >= 0) {
      ANEREF_ASSIGN(view.values_constant,
                    Add(At(constant.values_constant()), shape, depth + 1));
    }
    if (constant.palette_constant() >= 0) {
      ANEREF_ASSIGN(const Shape entries, MakeShape(view.palette_shape));
      ANEREF_ASSIGN(view.palette_constant,
                    Add(At(constant.palette_constant()), entries, depth + 1));
    }
    return &view;
  }

 private:
  std::span<const std::byte> Bytes(const fbs::Range* range) const {
    return range == nullptr ? std::span<const std::byte>() : net_.Data(*range);
  }
  const fbs::Constant& At(int32_t index) const {
    return *net_.table().constants()->Get(static_cast<unsigned>(index));
  }

  const Net& net_;
  bool half_scales_;
  std::list<EncodedConstant> views_;  // addresses stay
};

struct Reading {
  bool half_scales = false;
};

// A compressed constant, decoded.
Expected<TensorView> DecodeInto(const Net& net, const fbs::Tensor& tensor,
                                const Reading& reading,
                                std::shared_ptr<void>* owner) {
  const fbs::Constant& constant =
      *net.table().constants()->Get(static_cast<unsigned>(tensor.constant()));
  const std::string what = std::string("constant '") +
                           (tensor.name() ? tensor.name()->c_str() : "") + "'";
  std::vector<int64_t> dims;
  if (tensor.shape() != nullptr)
    dims.assign(tensor.shape()->begin(), tensor.shape()->end());
  const Shape shape(dims);
  EncodedViews views(net, reading.half_scales);
  const Expected<const EncodedConstant*> encoded =
      views.Add(constant, shape, 0);
  if (!encoded.ok()) return encoded.status().WithContext(what);
  ANEREF_TRY(CheckEncoded(**encoded).WithContext(what));
  const TensorType decoded{DecodedType(**encoded), shape};
  ANEREF_ASSIGN(const OwnedTensor values, AllocateTensor(decoded));
  ANEREF_TRY(
      DecodeConstant(**encoded, {values.bytes.get(), DenseBytes(decoded)})
          .WithContext(what));
  *owner = values.bytes;
  return values.View();
}

// Biases and other vectors keep the precision of the file (P3).
bool IsRoundedKernel(const fbs::Tensor& tensor, const TensorType& stored) {
  constexpr int64_t kFewest = 1 << 16;
  return tensor.dtype() == fbs::DataType::float16 &&
         stored.dtype == DataType::kFloat32 && stored.shape.rank() >= 2 &&
         stored.shape.NumElements() >= kFewest;
}

}  // namespace

Expected<std::shared_ptr<const Net>> Net::Parse(
    std::shared_ptr<const File> file, const std::string& name) {
  const std::span<const std::byte> bytes = file->bytes();
  if (!format::HasMagic(bytes))
    return InvalidFile("F1", name + ": is not an .anem file");
  if (bytes.size() < format::kHeaderBytes)
    return InvalidFile("F3", name + ": the header is cut off");
  format::Header header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  ANEREF_TRY(CheckHeader(header, bytes.size()).WithContext(name));

  const auto* table =
      reinterpret_cast<const uint8_t*>(bytes.data() + header.table_offset);
  // F4: at most 64 levels and a number of tables that the size itself bounds.
  flatbuffers::Verifier verifier(
      table, header.table_size, /*max_depth=*/64,
      /*max_tables=*/
      static_cast<flatbuffers::uoffset_t>(header.table_size / 4 + 16));
  if (header.table_size < 8 || !fbs::VerifyNetBuffer(verifier)) {
    return InvalidFile("F4", name + ": the network table is damaged");
  }
  auto net = std::shared_ptr<Net>(new Net());
  net->table_ = fbs::GetNet(table);
  net->name_ = name;
  if (header.segment_size > 0)
    net->segment_ = bytes.subspan(header.segment_offset, header.segment_size);
  ANEREF_TRY(VerifyNet(*net->table_, header.segment_size).WithContext(name));
  net->file_ = std::move(file);
  return std::shared_ptr<const Net>(std::move(net));
}

std::span<const std::byte> Net::Data(const fbs::Range& range) const {
  return segment_.subspan(range.offset(), range.size());
}

Expected<TensorView> Net::ConstantValue(const fbs::Tensor& tensor,
                                        std::shared_ptr<void>* owner,
                                        bool may_round) const {
  const fbs::Constant& constant =
      *table_->constants()->Get(static_cast<unsigned>(tensor.constant()));
  std::vector<int64_t> dims;
  if (tensor.shape() != nullptr)
    dims.assign(tensor.shape()->begin(), tensor.shape()->end());
  const TensorType type{static_cast<DataType>(constant.stored()), Shape(dims)};
  const std::span<const std::byte> data =
      constant.data() ? Data(*constant.data()) : std::span<const std::byte>();
  switch (constant.encoding()) {
    case fbs::Encoding::dense:
      // Views are mutable by type; nobody writes through a known value.
      return DenseView(type, const_cast<std::byte*>(data.data()));
    case fbs::Encoding::uniform: {
      const bool rounds = may_round && IsRoundedKernel(tensor, type);
      ANEREF_ASSIGN(const OwnedTensor values,
                    AllocateTensor({rounds ? DataType::kFloat16 : type.dtype,
                                    type.shape}));
      uint16_t half = 0;
      if (rounds) {
        float value = 0;
        std::memcpy(&value, data.data(), sizeof(value));
        ConvertConstantToHalf(&value, &half, 1, type.shape.NumElements());
      }
      RepeatElement(
          rounds ? reinterpret_cast<const std::byte*>(&half) : data.data(),
          ElementSize(values.type.dtype), values.bytes.get(),
          DenseBytes(values.type));
      *owner = values.bytes;
      return values.View();
    }
    default:
      break;
  }
  return DecodeInto(*this, tensor, {}, owner);
}

Expected<TensorView> EngineConstantValue(const Net& net,
                                         const fbs::Tensor& tensor,
                                         std::shared_ptr<void>* owner,
                                         bool may_round) {
  const fbs::Encoding encoding =
      net.table()
          .constants()
          ->Get(static_cast<unsigned>(tensor.constant()))
          ->encoding();
  const bool is_half =
      static_cast<DataType>(tensor.dtype()) == DataType::kFloat16;
  if (!is_half || encoding == fbs::Encoding::dense ||
      encoding == fbs::Encoding::uniform)
    return net.ConstantValue(tensor, owner, may_round);
  return DecodeInto(net, tensor, {.half_scales = true}, owner);
}

void Net::DropPages(const TensorView& constant) const {
  const std::span<const std::byte> all = file_->bytes();
  const size_t bytes = DenseBytes({constant.dtype, constant.shape});
  if (constant.data < all.data() || bytes > all.size() ||
      constant.data > all.data() + (all.size() - bytes))
    return;  // decoded elsewhere
  file_->DropPages({constant.data, bytes});
}

}  // namespace aneref
