// The frame of an .anem file: the constants of docs/spec/format.md (F1 to F3,
// F6).
#ifndef ANEREF_RUNTIME_GRAPH_FORMAT_H_
#define ANEREF_RUNTIME_GRAPH_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace aneref::format {

// F1: "ANEM", then line ends and a Ctrl-Z that text-mode transfers damage.
inline constexpr unsigned char kMagic[8] = {'A',  'N',  'E',  'M',
                                            '\r', '\n', 0x1A, '\n'};
inline constexpr uint32_t kVersion = 1;     // F2
inline constexpr size_t kHeaderBytes = 64;  // F3
inline constexpr uint64_t kSegmentAlignment =
    16384;  // F6: the engine's page (L11)
inline constexpr uint64_t kDataAlignment =
    64;  // F6: the engine's row and weight granule (L65)

// The first 64 bytes, little endian (F3).
struct Header {
  unsigned char magic[8];
  uint32_t version;
  uint32_t header_bytes;
  uint64_t table_offset;  // the FlatBuffer
  uint64_t table_size;
  uint64_t segment_offset;  // weights; 0 when there are none
  uint64_t segment_size;
  uint64_t file_size;
  uint64_t reserved;  // 0
};
static_assert(sizeof(Header) == kHeaderBytes);

inline bool HasMagic(std::span<const std::byte> bytes) {
  return bytes.size() >= sizeof(kMagic) &&
         std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) == 0;
}

}  // namespace aneref::format

#endif  // ANEREF_RUNTIME_GRAPH_FORMAT_H_
