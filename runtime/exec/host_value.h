// Values of a run node by node, and the memory that they take.
#ifndef ANEREF_RUNTIME_EXEC_HOST_VALUE_H_
#define ANEREF_RUNTIME_EXEC_HOST_VALUE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/core/block_source.h"
#include "runtime/core/tensor.h"
#include "runtime/plan/specialize.h"

namespace aneref {

// A value of the run. Immutable once made; copies share the memory.
struct HostValue {
  TensorType declared;
  TensorView view;   // a surface of the type in memory; a constant that no
                     // kernel asked for yet has no data here
  TensorView known;  // the same elements, dense (constants: as stored)
  std::shared_ptr<void> owner;  // of the surface
  std::shared_ptr<void> known_owner;
  bool defined = false;
  // The interpreter's own copy of a constant, the same in all its runs. Values
  // that leave a graph have none.
  HostValue* constant = nullptr;
};
using HostValues = std::vector<HostValue>;

// Where values come from, and how many bytes of them may be alive at once.
// Copies share the count.
class ValueMemory {
 public:
  // `limit` 0: none. `source` outlives every value.
  explicit ValueMemory(const BlockSource& source = {}, uint64_t limit = 0);

  // `bytes` of zeros at a multiple of 64; they count until the last copy of
  // the pointer is gone. kLimit (`what` would go over it), kOutOfMemory.
  Expected<std::shared_ptr<std::byte[]>> Allocate(uint64_t bytes,
                                                  const TensorType& what) const;
  uint64_t limit() const { return limit_; }
  uint64_t used() const { return used_->load(std::memory_order_relaxed); }
  const BlockSource& source() const { return source_; }

  // Counts bytes that come from elsewhere (packed weights).
  void Add(uint64_t bytes) const { *used_ += bytes; }
  void Remove(uint64_t bytes) const { *used_ -= bytes; }

 private:
  BlockSource source_;
  uint64_t limit_;
  std::shared_ptr<std::atomic<uint64_t>> used_;
};

// A zeroed surface of `memory` (L10).
Expected<HostValue> NewValue(const TensorType& declared,
                             const TensorType& memory,
                             const ValueMemory& from = ValueMemory());

// A surface holding `dense`, converted to the type in memory.
Expected<HostValue> MakeHostValue(const TensorType& declared,
                                  const TensorView& dense, Numerics numerics,
                                  const ValueMemory& from = ValueMemory());

// A constant as it is stored, which lowerings read; MakeSurface gives it a
// surface.
HostValue MakeStoredValue(const TensorType& declared, const TensorView& known,
                          std::shared_ptr<void> owner, Numerics numerics);

// MakeStoredValue with its surface.
Expected<HostValue> MakeConstantValue(const TensorType& declared,
                                      const TensorView& known,
                                      std::shared_ptr<void> owner,
                                      Numerics numerics);

// Gives a stored value its surface, in the type in memory (P12): that of its
// `constant`, where it has one.
Status MakeSurface(HostValue* value, const ValueMemory& from = ValueMemory());

// Gives the value a dense form, which inferring and lowering read.
Status MakeKnown(HostValue* value, const ValueMemory& from = ValueMemory());

// The one element of `value`, which messages call `what`. kShape.
Expected<int64_t> ScalarInt(const HostValue& value, const char* what);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_HOST_VALUE_H_
