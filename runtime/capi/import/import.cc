// The library aneref_import: hands ImportModel to the core library. It has its
// own copy of the runtime; nothing but bytes crosses the border.
#include "aneref/import.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "aneref/aneref.h"
#include "runtime/import/importer.h"

namespace aneref {
namespace {

aneref_status Fail(const Status& status, aneref_error* error) {
  // StatusCode and the codes of types.h count alike.
  const auto code = static_cast<aneref_status>(status.code());
  if (error == nullptr) return code;
  error->code = code;
  status.rule().copy(error->rule, sizeof(error->rule) - 1);
  status.message().copy(error->message, sizeof(error->message) - 1);
  return code;
}
static_assert(static_cast<int>(StatusCode::kInvalidFile) ==
              ANEREF_INVALID_FILE);
static_assert(static_cast<int>(StatusCode::kInternal) == ANEREF_INTERNAL);

Expected<std::vector<std::byte>> Run(const char* path, const void* bytes,
                                     size_t num_bytes,
                                     const aneref_model_options& given) {
  ImportOptions options;
  options.fold = given.no_fold == 0;
  options.max_memory = given.max_memory;
  if (given.function != nullptr) options.function = given.function;
  switch (given.precision) {
    case ANEREF_PRECISION_DEFAULT:
      break;
    case ANEREF_PRECISION_FP16:
      options.precision = Precision::kFp16;
      break;
    case ANEREF_PRECISION_SOURCE:
      options.precision = Precision::kSource;
      break;
    default:
      return InvalidArgument("there is no precision " +
                             std::to_string(given.precision));
  }
  if (path != nullptr) return ImportModel(path, options, nullptr);
  return ImportBytes({static_cast<const std::byte*>(bytes), num_bytes},
                     given.name, options, nullptr);
}

aneref_status Convert(void*, const char* path, const void* bytes,
                      size_t num_bytes, const aneref_model_options* options,
                      const void** anem, size_t* size,
                      aneref_error* error) noexcept {
  try {
    Expected<std::vector<std::byte>> imported =
        Run(path, bytes, num_bytes, *options);
    if (!imported.ok()) return Fail(imported.status(), error);
    // Aligned memory that Release can free by its address alone.
    constexpr size_t kAlignment = 64;
    const size_t room =
        (imported->size() + kAlignment - 1) / kAlignment * kAlignment;
    void* copy = std::aligned_alloc(kAlignment, room);
    if (copy == nullptr)
      return Fail(Status(StatusCode::kOutOfMemory, "", "out of memory"), error);
    std::copy(imported->begin(), imported->end(),
              static_cast<std::byte*>(copy));
    *anem = copy;
    *size = imported->size();
    return ANEREF_OK;
  } catch (const std::bad_alloc&) {
    return ANEREF_OUT_OF_MEMORY;
  } catch (...) {
    return ANEREF_INTERNAL;
  }
}

void Release(void*, const void* anem, size_t) {
  std::free(const_cast<void*>(anem));
}

}  // namespace
}  // namespace aneref

aneref_status aneref_import_enable(aneref_error* error) {
  const aneref_status fits = aneref_check_abi(ANEREF_ABI_VERSION, error);
  if (fits != ANEREF_OK) return fits;
  aneref_importer importer = aneref_importer_init();
  importer.convert = aneref::Convert;
  importer.release = aneref::Release;
  return aneref_set_importer(&importer, error);
}
