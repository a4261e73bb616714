// See net_writer.h; the layout is F1 to F7 of docs/spec/format.md.
#include "runtime/graph/net_writer.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>

#include "runtime/core/convert.h"
#include "runtime/core/half.h"
#include "runtime/graph/format.h"

namespace aneref {
namespace {

using DraftConstant = NetDraft::DraftConstant;

// Drops what nobody reads: tensors outside ports and nodes, and the constants
// only they held.
void DropUnused(fbs::GraphT* graph) {
  std::vector<int32_t> renumbered(graph->tensors.size(), -1);
  std::vector<std::unique_ptr<fbs::TensorT>> kept;
  auto keep = [&](int32_t& tensor) {
    if (tensor < 0) return;
    int32_t& number = renumbered[static_cast<size_t>(tensor)];
    if (number < 0) {
      number = static_cast<int32_t>(kept.size());
      kept.push_back(std::move(graph->tensors[static_cast<size_t>(tensor)]));
    }
    tensor = number;
  };
  for (auto& port : graph->inputs) keep(port->tensor);
  for (auto& node : graph->nodes) {
    for (int32_t& tensor : node->inputs) keep(tensor);
    for (int32_t& tensor : node->outputs) keep(tensor);
  }
  for (auto& port : graph->outputs) keep(port->tensor);
  graph->tensors = std::move(kept);
}

// float32 values of a float16 tensor become fp16 when nothing is lost.
void CompactToHalf(DraftConstant* constant) {
  if (constant->stored != DataType::kFloat32) return;
  if (constant->bytes.is_repeated()) {
    DraftConstant one{constant->stored, Shape(), constant->bytes.element()};
    CompactToHalf(&one);
    if (one.stored == constant->stored) return;
    constant->stored = one.stored;
    constant->bytes =
        DraftBytes::Repeated(one.bytes.Take(), constant->bytes.size() / 2);
    return;
  }
  const std::byte* floats = constant->bytes.raw().data();
  const size_t count = constant->bytes.size() / sizeof(float);
  std::vector<std::byte> halves;
  for (size_t i = 0; i < count; ++i) {
    float value = 0;
    std::memcpy(&value, floats + i * sizeof(float), sizeof(float));
    const uint16_t half = FloatToHalf(value);
    const float back = HalfToFloat(half);
    if (std::memcmp(&back, &value, sizeof(float)) != 0) return;
    // Most constants that do not fit say so at once: no memory before that.
    if (i == 0) halves.resize(count * sizeof(uint16_t));
    std::memcpy(halves.data() + i * sizeof(uint16_t), &half, sizeof(half));
  }
  constant->stored = DataType::kFloat16;
  constant->bytes = std::move(halves);
}

bool IsUniform(const DraftConstant& constant) {
  const size_t size = ElementSize(constant.stored);
  const std::span<const std::byte> bytes = constant.bytes.raw();
  // Equal to itself shifted by one element: all elements are equal.
  return bytes.size() > 64 && std::memcmp(bytes.data(), bytes.data() + size,
                                          bytes.size() - size) == 0;
}

// Lays constants out in the segment, equal ones once.
class SegmentWriter {
 public:
  std::unique_ptr<fbs::ConstantT> Add(DraftConstant constant) {
    auto entry = std::make_unique<fbs::ConstantT>();
    if (constant.bytes.is_repeated()) {
      entry->encoding = fbs::Encoding::uniform;
      constant.bytes = DraftBytes::Vector(constant.bytes.element());
    } else if (IsUniform(constant)) {
      entry->encoding = fbs::Encoding::uniform;
      constant.bytes.resize(ElementSize(constant.stored));
    }
    entry->stored = static_cast<fbs::DataType>(constant.stored);
    entry->data =
        std::make_unique<fbs::Range>(Place(std::move(constant.bytes)));
    return entry;
  }
  // Appends to `constants` what `constant` is made of, then itself; gives its
  // index.
  int32_t AddCompressed(
      const CompressedConstant& constant,
      std::vector<std::unique_ptr<fbs::ConstantT>>* constants) {
    auto entry = std::make_unique<fbs::ConstantT>(constant.parts);
    const auto place = [this](const std::vector<std::byte>& bytes,
                              std::unique_ptr<fbs::Range>* range) {
      if (!bytes.empty())
        *range = std::make_unique<fbs::Range>(Place(DraftBytes(bytes)));
    };
    entry->data =
        std::make_unique<fbs::Range>(Place(DraftBytes(constant.data)));
    place(constant.palette, &entry->palette);
    place(constant.scales, &entry->scales);
    place(constant.zero_points, &entry->zero_points);
    place(constant.biases, &entry->biases);
    place(constant.mask, &entry->mask);
    if (constant.palette_constant != nullptr)
      entry->palette_constant =
          AddCompressed(*constant.palette_constant, constants);
    if (constant.values_constant != nullptr)
      entry->values_constant =
          AddCompressed(*constant.values_constant, constants);
    constants->push_back(std::move(entry));
    return static_cast<int32_t>(constants->size() - 1);
  }
  uint64_t size() const { return size_; }
  // Appends every range to `file`, whose end is where the segment begins, and
  // gives its memory back.
  void MoveTo(std::vector<std::byte>* file) {
    const size_t segment = file->size();
    for (size_t i = 0; i < bytes_.size(); ++i) {
      file->resize(segment + offsets_[i]);
      const std::span<const std::byte> bytes = bytes_[i].raw();
      file->insert(file->end(), bytes.begin(), bytes.end());
      bytes_[i].Release();
    }
    bytes_.clear();
  }

 private:
  // Of the length and the first bytes: constants that differ do so early, and
  // equal ones are compared anyway.
  static size_t HashOf(std::span<const std::byte> bytes) {
    constexpr size_t kMost = 1024;
    const std::string_view start(reinterpret_cast<const char*>(bytes.data()),
                                 std::min(bytes.size(), kMost));
    return std::hash<std::string_view>()(start) ^ bytes.size();
  }

  fbs::Range Place(DraftBytes bytes) {
    const std::span<const std::byte> content = bytes.raw();
    const size_t hash = HashOf(content);
    const auto [first, last] = by_hash_.equal_range(hash);
    for (auto it = first; it != last; ++it) {
      const std::span<const std::byte> other = bytes_[it->second].raw();
      if (std::equal(other.begin(), other.end(), content.begin(),
                     content.end())) {
        return fbs::Range(offsets_[it->second], content.size());
      }
    }
    size_ = (size_ + format::kDataAlignment - 1) / format::kDataAlignment *
            format::kDataAlignment;
    offsets_.push_back(size_);
    by_hash_.emplace(hash, bytes_.size());
    const fbs::Range range(size_, bytes.size());
    size_ += bytes.size();
    bytes_.push_back(std::move(bytes));
    return range;
  }

  uint64_t size_ = 0;
  std::vector<uint64_t> offsets_;
  std::vector<DraftBytes> bytes_;
  std::multimap<size_t, size_t> by_hash_;
};

// Moves the constants that tensors still use into the segment and renumbers
// them.
Status PlaceConstants(NetDraft* draft, SegmentWriter* segment) {
  std::vector<bool> half_only(draft->constants.size(), true);
  for (auto& graph : draft->net.graphs) {
    for (auto& tensor : graph->tensors) {
      if (tensor->constant < 0) continue;
      const auto index = static_cast<size_t>(tensor->constant);
      ANEREF_CHECK(index < draft->constants.size());
      const DraftConstant& constant = draft->constants[index];
      if (!(Shape(tensor->shape) == constant.shape))
        return InternalError("constant '" + tensor->name + "': shape");
      if (tensor->dtype != fbs::DataType::float16) half_only[index] = false;
    }
  }
  std::vector<int32_t> renumbered(draft->constants.size(), -1);
  for (auto& graph : draft->net.graphs) {
    for (auto& tensor : graph->tensors) {
      if (tensor->constant < 0) continue;
      const auto index = static_cast<size_t>(tensor->constant);
      const auto* compressed = draft->constants[index].compressed.get();
      if (renumbered[index] < 0 && compressed != nullptr) {
        renumbered[index] =
            segment->AddCompressed(*compressed, &draft->net.constants);
      } else if (renumbered[index] < 0) {
        if (half_only[index]) CompactToHalf(&draft->constants[index]);
        renumbered[index] = static_cast<int32_t>(draft->net.constants.size());
        draft->net.constants.push_back(
            segment->Add(std::move(draft->constants[index])));
      }
      tensor->constant = renumbered[index];
    }
  }
  return Status();
}

}  // namespace

Expected<std::vector<std::byte>> WriteNet(NetDraft draft) {
  for (auto& graph : draft.net.graphs) DropUnused(graph.get());
  draft.net.constants.clear();
  SegmentWriter segment;
  ANEREF_TRY(PlaceConstants(&draft, &segment));

  flatbuffers::FlatBufferBuilder builder(1 << 16);
  fbs::FinishNetBuffer(builder, fbs::Net::Pack(builder, &draft.net));
  format::Header header{};
  std::memcpy(header.magic, format::kMagic, sizeof(format::kMagic));
  header.version = format::kVersion;
  header.header_bytes = format::kHeaderBytes;
  header.table_offset = format::kHeaderBytes;
  header.table_size = builder.GetSize();
  header.file_size = header.table_offset + header.table_size;
  header.segment_size = segment.size();
  if (segment.size() > 0) {
    header.segment_offset = (header.file_size + format::kSegmentAlignment - 1) /
                            format::kSegmentAlignment *
                            format::kSegmentAlignment;
    header.file_size = header.segment_offset + header.segment_size;
  }
  std::vector<std::byte> file;
  file.reserve(header.file_size);
  file.resize(header.table_offset + header.table_size);
  std::memcpy(file.data(), &header, sizeof(header));
  std::memcpy(file.data() + header.table_offset, builder.GetBufferPointer(),
              builder.GetSize());
  if (segment.size() > 0) {
    file.resize(header.segment_offset);
    segment.MoveTo(&file);
  }
  ANEREF_CHECK(file.size() == header.file_size);
  return file;
}

}  // namespace aneref
