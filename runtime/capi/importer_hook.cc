// See importer_hook.h.
#include "runtime/capi/importer_hook.h"

#include <mutex>

#include "runtime/capi/boundary.h"

namespace aneref::capi {
namespace {

struct Registered {
  std::mutex mutex;
  aneref_importer importer{};
};

// Never destroyed: threads may outlive static destructors.
Registered& TheImporter() {
  static auto* registered = new Registered;
  return *registered;
}

}  // namespace

aneref_importer CurrentImporter() {
  Registered& registered = TheImporter();
  const std::lock_guard<std::mutex> lock(registered.mutex);
  return registered.importer;
}

}  // namespace aneref::capi

using namespace aneref::capi;  // NOLINT: the C function below is global

aneref_status aneref_set_importer(const aneref_importer* importer,
                                  aneref_error* error) {
  return Guard(error, [&]() -> Result {
    aneref_importer read;
    ANEREF_CAPI_TRY(ReadStruct(importer, "importer", &read));
    if (importer != nullptr &&
        (read.convert == nullptr || read.release == nullptr)) {
      return {ANEREF_INVALID_ARGUMENT, "importer: both functions are needed"};
    }
    Registered& registered = TheImporter();
    const std::lock_guard<std::mutex> lock(registered.mutex);
    registered.importer = read;
    return Result();
  });
}
