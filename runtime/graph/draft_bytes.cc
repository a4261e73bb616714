// See draft_bytes.h.
#include "runtime/graph/draft_bytes.h"

#include "runtime/core/convert.h"
#include "runtime/graph/net.h"

namespace aneref {

DraftBytes::Vector& DraftBytes::Own() const {
  if (is_repeated()) {
    Vector all(repeated_size_);
    RepeatElement(own_.data(), own_.size(), all.data(), all.size());
    own_ = std::move(all);
    repeated_size_ = 0;
  }
  if (file_ == nullptr) return own_;
  own_.assign(range_.begin(), range_.end());
  file_->DropPages(range_);
  file_.reset();
  range_ = {};
  return own_;
}

void DraftBytes::Release() {
  if (file_ != nullptr) file_->DropPages(range_);
  *this = DraftBytes();
}

}  // namespace aneref
