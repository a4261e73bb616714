// Texts that the library hands out.
#ifndef ANEREF_RUNTIME_CAPI_STRINGS_H_
#define ANEREF_RUNTIME_CAPI_STRINGS_H_

#include <memory>
#include <string>
#include <utility>

#include "runtime/capi/boundary.h"
#include "runtime/core/tensor.h"

namespace aneref::capi {

class StringObject {
 public:
  explicit StringObject(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

inline Result GiveString(std::string text, aneref_string** out) {
  ANEREF_CAPI_TRY(NeedPointer(out, "report"));
  *out = MakeHandle<aneref_string>(
      std::make_shared<const StringObject>(std::move(text)));
  return Result();
}

}  // namespace aneref::capi

#endif  // ANEREF_RUNTIME_CAPI_STRINGS_H_
