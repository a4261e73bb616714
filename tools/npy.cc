// The header of a .npy is a Python dict literal with three keys; exactly that
// is parsed. All bounds are checked before anything is allocated.
#include "tools/npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

namespace aneref::tool {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr size_t kAlignment = 64;  // numpy pads headers to this

struct Descr {
  const char* code;  // kind and size
  DataType type;
};
// In the order of DataType.
constexpr Descr kDescrs[] = {
    {"f2", DataType::kFloat16}, {"f4", DataType::kFloat32},
    {"f8", DataType::kFloat64}, {"i1", DataType::kInt8},
    {"u1", DataType::kUint8},   {"i2", DataType::kInt16},
    {"u2", DataType::kUint16},  {"i4", DataType::kInt32},
    {"u4", DataType::kUint32},  {"i8", DataType::kInt64},
    {"u8", DataType::kUint64},  {"b1", DataType::kBool}};

// The literal {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
class DictReader {
 public:
  explicit DictReader(std::string_view text) : text_(text) {}

  // False when the text is not that dict.
  bool Read() {
    if (!Take('{')) return false;
    while (!Take('}')) {
      std::string_view key;
      if (!String(&key) || !Take(':') || !Member(key)) return false;
      if (!Take(',') && Peek() != '}') return false;
    }
    SkipSpace();
    return at_ == text_.size() && descr && fortran && shape;
  }

  std::optional<std::string_view> descr;
  std::optional<bool> fortran;
  std::optional<std::vector<int64_t>> shape;

 private:
  bool Member(std::string_view key) {
    if (key == "descr" && !descr) {
      std::string_view text;
      if (!String(&text)) return false;
      descr = text;
      return true;
    }
    if (key == "fortran_order" && !fortran) {
      fortran = Word("True");
      return *fortran || Word("False");
    }
    return key == "shape" && !shape && Tuple();
  }

  bool Tuple() {
    if (!Take('(')) return false;
    std::vector<int64_t> dims;
    constexpr size_t kMaxNumpyRank = 64;
    while (!Take(')')) {
      int64_t dim = 0;
      if (dims.size() == kMaxNumpyRank || !Number(&dim)) return false;
      dims.push_back(dim);
      if (!Take(',')) {
        if (Peek() != ')' || dims.size() == 1) return false;  // (3) is no tuple
      }
    }
    shape = std::move(dims);
    return true;
  }

  bool Number(int64_t* value) {
    SkipSpace();
    const auto read = std::from_chars(text_.data() + at_,
                                      text_.data() + text_.size(), *value);
    if (read.ec != std::errc() || *value < 0) return false;
    at_ = static_cast<size_t>(read.ptr - text_.data());
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // written by Python 2
    return true;
  }

  bool String(std::string_view* value) {
    SkipSpace();
    const char quote = Peek();
    if (quote != '\'' && quote != '"') return false;
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return false;
    *value = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return value->find('\\') == std::string_view::npos;
  }

  bool Word(std::string_view word) {
    SkipSpace();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  char Peek() {
    SkipSpace();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool Take(char c) {
    if (at_ >= text_.size() || Peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) {
      ++at_;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

// Printable part of a type code for messages.
std::string Shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 24)) {
    out += c >= 0x20 && c < 0x7F ? c : '?';
  }
  return out;
}

Expected<DataType> ParseDescr(std::string_view descr, const std::string& name,
                              bool* big_endian) {
  const char order = descr.empty() ? '\0' : descr.front();
  if (std::string_view("<>=|").find(order) != std::string_view::npos) {
    *big_endian = order == '>';
    const std::string_view code = descr.substr(1);
    for (const Descr& known : kDescrs) {
      if (code == known.code) return known.type;
    }
  }
  return Unsupported(name + ": element type '" + Shown(descr) +
                     "' is neither a number nor bool");
}

void SwapBytes(std::span<std::byte> data, size_t element_size) {
  for (size_t at = 0; at + element_size <= data.size(); at += element_size) {
    std::reverse(data.begin() + static_cast<std::ptrdiff_t>(at),
                 data.begin() + static_cast<std::ptrdiff_t>(at + element_size));
  }
}

// Column major to row major: walks the result and keeps the source's offset.
void TransposeFortran(const TensorType& type, std::span<const std::byte> src,
                      std::byte* dst) {
  const size_t rank = type.shape.rank();
  const size_t size = ElementSize(type.dtype);
  std::array<size_t, kMaxRank> stride{};
  std::array<int64_t, kMaxRank> index{};
  size_t step = size;
  for (size_t axis = 0; axis < rank; ++axis) {
    stride[axis] = step;
    step *= static_cast<size_t>(type.shape[axis]);
  }
  const int64_t count = type.shape.NumElements();
  size_t offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(dst, src.data() + offset, size);
    dst += size;
    for (size_t axis = rank; axis-- > 0;) {
      offset += stride[axis];
      if (++index[axis] < type.shape[axis]) break;
      offset -= stride[axis] * static_cast<size_t>(index[axis]);
      index[axis] = 0;
    }
  }
}

}  // namespace

Array CopyToArray(const TensorView& view) {
  Array array{{view.dtype, view.shape}, {}};
  array.bytes.resize(DenseBytes(array.type));
  CopyTensor(view, DenseView(array.type, array.bytes.data()));
  return array;
}

Expected<NpyHeader> ParseNpyHeader(std::span<const std::byte> start,
                                   const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(start.data()),
                              start.size());
  constexpr size_t kFixed = 12;  // magic, version, length of version 2
  if (!text.starts_with(kMagic)) {
    return InvalidFile("", name + ": is no .npy file (wrong magic)");
  }
  const Status truncated = InvalidFile("", name + ": truncated .npy header");
  if (text.size() < kFixed) return truncated;
  const auto byte = [&](size_t at) {
    return static_cast<size_t>(static_cast<unsigned char>(text[at]));
  };
  const size_t version = byte(6);
  if (version < 1 || version > 3) {
    return Unsupported(name + ": .npy version " + std::to_string(version) +
                       ", expected 1 to 3");
  }
  const size_t prefix = version == 1 ? 10 : 12;
  size_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (length > kMaxNpyHeader - prefix) {
    return InvalidFile("", name + ": .npy header of " + std::to_string(length) +
                               " bytes is too long");
  }
  if (text.size() < prefix + length) return truncated;
  DictReader dict(text.substr(prefix, length));
  if (!dict.Read()) {
    return InvalidFile("", name + ": malformed .npy header");
  }
  NpyHeader header;
  ANEREF_ASSIGN(header.type.dtype,
                ParseDescr(*dict.descr, name, &header.big_endian));
  const Expected<Shape> shape = MakeShape(*dict.shape);
  if (!shape.ok()) return shape.status().WithContext(name);
  header.type.shape = *shape;
  header.fortran_order = *dict.fortran;
  header.size = prefix + length;
  return header;
}

Array DecodeNpy(const NpyHeader& header, std::span<const std::byte> data) {
  Array array{header.type, {}};
  array.bytes.resize(DenseBytes(header.type));
  if (array.bytes.empty()) return array;
  if (header.fortran_order && header.type.shape.rank() > 1) {
    TransposeFortran(header.type, data, array.bytes.data());
  } else {
    std::memcpy(array.bytes.data(), data.data(), array.bytes.size());
  }
  if (header.big_endian) {
    SwapBytes(array.bytes, ElementSize(header.type.dtype));
  }
  if (header.type.dtype == DataType::kBool) {
    // Any other byte than 0 and 1 would be no bool.
    for (std::byte& b : array.bytes) b = std::byte{b != std::byte{0}};
  }
  return array;
}

Expected<Array> ParseNpy(std::span<const std::byte> file,
                         const std::string& name) {
  ANEREF_ASSIGN(const NpyHeader header, ParseNpyHeader(file, name));
  const size_t want = DenseBytes(header.type);
  if (file.size() - header.size != want) {
    return InvalidFile("", name + ": " +
                               std::to_string(file.size() - header.size) +
                               " bytes of data, but " + header.type.ToString() +
                               " has " + std::to_string(want));
  }
  return DecodeNpy(header, file.subspan(header.size));
}

std::vector<std::byte> MakeNpyHeader(const TensorType& type) {
  const bool one_byte = ElementSize(type.dtype) == 1;
  std::string dict = std::string("{'descr': '") + (one_byte ? "|" : "<") +
                     kDescrs[static_cast<size_t>(type.dtype)].code +
                     "', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < type.shape.rank(); ++i) {
    dict += (i > 0 ? ", " : "") + std::to_string(type.shape[i]);
  }
  dict += type.shape.rank() == 1 ? ",), }" : "), }";
  // Magic, version, length (2 bytes), dict, blanks, newline: a multiple of 64.
  const size_t used = kMagic.size() + 4 + dict.size() + 1;
  dict.append((kAlignment - used % kAlignment) % kAlignment, ' ');
  dict += '\n';
  std::string text(kMagic);
  text += {'\1', '\0', static_cast<char>(dict.size() & 0xFF),
           static_cast<char>(dict.size() >> 8)};
  text += dict;
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

}  // namespace aneref::tool
