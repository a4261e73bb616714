// See blob_file.h. All numbers are little endian. Records of old writers hold
// garbage behind byte 24, so the unused bits are read for packed types only.
#include "runtime/import/coreml/mil/blob_file.h"

#include <cstring>
#include <string>

#include "runtime/import/coreml/mil/values.h"

namespace aneref::coreml::mil {
namespace {

constexpr uint64_t kRecordBytes = 64;
constexpr uint64_t kAlignment = 64;
constexpr uint32_t kSentinel = 0xDEADBEEF;
constexpr uint32_t kVersion = 2;

// MIL type of each blob type, by number; 0 where there is none.
constexpr int32_t kTypes[] = {
    0,           kTypeFp16,    kTypeFp32,   kTypeUint8, kTypeInt8,
    kTypeBf16,   kTypeInt16,   kTypeUint16, kTypeInt4,  kTypeUint1,
    kTypeUint2,  kTypeUint4,   kTypeUint3,  kTypeUint6, kTypeInt32,
    kTypeUint32, kTypeFp8E4m3, kTypeFp8E5m2};

uint64_t Number(std::span<const std::byte> bytes, uint64_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i)
    value |= std::to_integer<uint64_t>(bytes[at + i]) << (8 * i);
  return value;
}

Status Damaged(uint64_t offset, const std::string& why) {
  return InvalidFile("", "weight file: the record at offset " +
                             std::to_string(offset) + " " + why);
}

}  // namespace

Expected<std::span<const std::byte>> ReadBlob(std::span<const std::byte> file,
                                              uint64_t offset, int32_t type,
                                              uint64_t count) {
  if (file.size() < kRecordBytes || Number(file, 4, 4) != kVersion)
    return InvalidFile("", "weight file: is no blob file of version 2");
  if (offset % kAlignment != 0 || offset > file.size() - kRecordBytes)
    return Damaged(offset, "is outside of the file or misaligned");
  if (Number(file, offset, 4) != kSentinel)
    return Damaged(offset, "is none: its mark is missing");
  const uint64_t blob_type = Number(file, offset + 4, 4);
  if (blob_type >= std::size(kTypes) || kTypes[blob_type] != type)
    return Damaged(offset, "has type " + std::to_string(blob_type) +
                               ", the program wants " + TypeName(type));
  const auto bits = static_cast<uint64_t>(BitsOf(type));
  const uint64_t size = Number(file, offset + 8, 8);
  const uint64_t data = Number(file, offset + 16, 8);
  if (data % kAlignment != 0 || data > file.size() || size > file.size() - data)
    return Damaged(offset, "names data outside of the file");
  const uint64_t unused = bits < 8 ? Number(file, offset + 24, 8) : 0;
  if (count > UINT64_MAX / 64 || size != (count * bits + 7) / 8 ||
      (bits < 8 && unused != size * 8 - count * bits))
    return Damaged(offset, "has " + std::to_string(size) + " bytes, " +
                               std::to_string(count) + " elements of " +
                               TypeName(type) + " are wanted");
  return file.subspan(data, size);
}

}  // namespace aneref::coreml::mil
