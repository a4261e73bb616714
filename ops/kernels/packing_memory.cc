// See packing_memory.h.
#include "ops/kernels/packing_memory.h"

#include <string>

namespace aneref {
namespace {

thread_local PackingMemory* current = nullptr;

}  // namespace

PackingMemory::PackingMemory(const BlockSource& source, uint64_t limit)
    : source_(source), limit_(limit), outer_(current) {
  current = this;
}

PackingMemory::~PackingMemory() { current = outer_; }

PackingMemory* PackingMemory::Current() { return current; }

bool PackingMemory::Take(uint64_t bytes) {
  if (limit_ != 0 && bytes > limit_ - used_) {
    refused_ = used_ + bytes;
    return false;
  }
  used_ += bytes;
  return true;
}

Status PackingMemory::Refusal() const {
  if (refused_ == 0) {
    return Status(StatusCode::kOutOfMemory, "",
                  "no memory for packed weights");
  }
  return LimitError("packed weights would bring memory to " +
                    std::to_string(refused_) + " bytes, " +
                    std::to_string(limit_) + " are allowed (--max-memory)");
}

}  // namespace aneref
