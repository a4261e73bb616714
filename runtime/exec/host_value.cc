// See host_value.h.
#include "runtime/exec/host_value.h"

#include <string>
#include <utility>

#include "ops/op.h"
#include "runtime/core/layout.h"
#include "runtime/exec/fill_surface.h"
#include "runtime/exec/memory_block.h"

namespace aneref {

ValueMemory::ValueMemory(const BlockSource& source, uint64_t limit)
    : source_(source),
      limit_(limit),
      used_(std::make_shared<std::atomic<uint64_t>>(0)) {}

Expected<std::shared_ptr<std::byte[]>> ValueMemory::Allocate(
    uint64_t bytes, const TensorType& what) const {
  const uint64_t used = this->used();
  if (limit_ != 0 && (used >= limit_ || bytes > limit_ - used)) {
    return LimitError(what.ToString() + " would bring memory to " +
                      std::to_string(used + bytes) + " bytes, " +
                      std::to_string(limit_) + " are allowed (--max-memory)");
  }
  ANEREF_ASSIGN(MemoryBlock block, AllocateBlock(bytes, source_));
  const BlockDeleter release = block.get_deleter();
  Add(bytes);
  return std::shared_ptr<std::byte[]>(
      block.release(), [release, bytes, count = used_](std::byte* memory) {
        release(memory);
        *count -= bytes;
      });
}

Expected<HostValue> NewValue(const TensorType& declared,
                             const TensorType& memory,
                             const ValueMemory& from) {
  ANEREF_ASSIGN(const size_t bytes, SurfaceBytes(memory));
  HostValue value;
  ANEREF_ASSIGN(const std::shared_ptr<std::byte[]> storage,
                from.Allocate(bytes, memory));
  value.declared = declared;
  value.view = SurfaceView(memory, storage.get());
  value.owner = storage;
  value.defined = true;
  return value;
}

Expected<HostValue> MakeHostValue(const TensorType& declared,
                                  const TensorView& dense, Numerics numerics,
                                  const ValueMemory& from) {
  ANEREF_ASSIGN(
      HostValue value,
      NewValue(declared, {MemoryType(declared.dtype, numerics), declared.shape},
               from));
  FillSurface(dense, value.view, ValueOrigin::kInput);
  return value;
}

HostValue MakeStoredValue(const TensorType& declared, const TensorView& known,
                          std::shared_ptr<void> owner, Numerics numerics) {
  HostValue value;
  value.declared = declared;
  value.view = SurfaceView(
      {MemoryType(declared.dtype, numerics), declared.shape}, nullptr);
  value.known = known;
  value.known_owner = std::move(owner);
  value.defined = true;
  return value;
}

Expected<HostValue> MakeConstantValue(const TensorType& declared,
                                      const TensorView& known,
                                      std::shared_ptr<void> owner,
                                      Numerics numerics) {
  HostValue value =
      MakeStoredValue(declared, known, std::move(owner), numerics);
  ANEREF_TRY(MakeSurface(&value));
  return value;
}

Status MakeSurface(HostValue* value, const ValueMemory& from) {
  if (!value->defined || value->view.data != nullptr) return Status();
  if (value->constant != nullptr && value->constant != value) {
    ANEREF_TRY(MakeSurface(value->constant, from));
    value->view = value->constant->view;
    value->owner = value->constant->owner;
    return Status();
  }
  ANEREF_ASSIGN(
      HostValue surface,
      NewValue(value->declared, {value->view.dtype, value->view.shape}, from));
  FillSurface(value->known, surface.view, ValueOrigin::kConstant);
  value->view = surface.view;
  value->owner = std::move(surface.owner);
  return Status();
}

Status MakeKnown(HostValue* value, const ValueMemory& from) {
  if (!value->defined || value->known.data != nullptr ||
      value->view.shape.NumElements() == 0)
    return Status();
  const TensorType type{value->view.dtype, value->view.shape};
  if (value->view.IsDense()) {
    value->known = value->view;
    value->known.row_pitch = DenseRowPitch(type);
    value->known_owner = value->owner;
    return Status();
  }
  // Not over 2^63: the surface exists and is larger.
  const auto elements = static_cast<uint64_t>(type.shape.NumElements());
  ANEREF_ASSIGN(const std::shared_ptr<std::byte[]> dense,
                from.Allocate(elements * ElementSize(type.dtype), type));
  value->known = DenseView(type, dense.get());
  CopyTensor(value->view, value->known);
  value->known_owner = dense;
  return Status();
}

Expected<int64_t> ScalarInt(const HostValue& value, const char* what) {
  if (value.view.shape.NumElements() != 1)
    return ShapeError(std::string(what) + " must be one value");
  return LoadInts(value.view.data != nullptr ? value.view : value.known)[0];
}

}  // namespace aneref
