// Handles of the C interface: numbers that stand for objects, so that a null,
// foreign or destroyed one is recognised and never followed (A1). Whoever looks
// one up shares the object until done, so that it may be destroyed meanwhile
// (A6).
#ifndef ANEREF_RUNTIME_CAPI_HANDLES_H_
#define ANEREF_RUNTIME_CAPI_HANDLES_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "aneref/aneref.h"

namespace aneref::capi {

class ModelObject;
class PlanObject;
class SessionObject;
class StringObject;

enum class HandleKind : uint8_t { kModel, kPlan, kSession, kString };

// What a C handle type stands for.
template <class Handle>
struct HandleTraits;
template <>
struct HandleTraits<aneref_model> {
  using Object = const ModelObject;
  static constexpr HandleKind kKind = HandleKind::kModel;
};
template <>
struct HandleTraits<aneref_plan> {
  using Object = const PlanObject;
  static constexpr HandleKind kKind = HandleKind::kPlan;
};
template <>
struct HandleTraits<aneref_session> {
  using Object = SessionObject;
  static constexpr HandleKind kKind = HandleKind::kSession;
};
template <>
struct HandleTraits<aneref_string> {
  using Object = const StringObject;
  static constexpr HandleKind kKind = HandleKind::kString;
};

// Thread-safe. Looking up allocates nothing.
class HandleTable {
 public:
  // The process's. Never destroyed: threads may outlive static destructors.
  static HandleTable& Global();

  // Throws std::bad_alloc.
  uintptr_t Insert(HandleKind kind, std::shared_ptr<void> object);
  // Null: no such handle.
  std::shared_ptr<void> Find(HandleKind kind, uintptr_t handle);
  std::shared_ptr<void> Remove(HandleKind kind, uintptr_t handle);

 private:
  // A handle is a slot's place and its generation, odd so that it is no
  // object's address.
  struct Slot {
    HandleKind kind = HandleKind::kModel;
    uintptr_t generation = 0;
    std::shared_ptr<void> object;
  };
  Slot* Look(HandleKind kind, uintptr_t handle);

  std::mutex mutex_;
  std::vector<Slot> slots_;
  std::vector<size_t> free_;
};

template <class Handle, class Object>
Handle* MakeHandle(std::shared_ptr<Object> object) {
  using Traits = HandleTraits<Handle>;
  return reinterpret_cast<Handle*>(HandleTable::Global().Insert(
      Traits::kKind,
      std::const_pointer_cast<std::remove_const_t<Object>>(std::move(object))));
}

template <class Handle>
std::shared_ptr<typename HandleTraits<Handle>::Object> FindObject(
    const Handle* handle) {
  using Traits = HandleTraits<Handle>;
  return std::static_pointer_cast<typename Traits::Object>(
      HandleTable::Global().Find(Traits::kKind,
                                 reinterpret_cast<uintptr_t>(handle)));
}

template <class Handle>
std::shared_ptr<typename HandleTraits<Handle>::Object> RemoveObject(
    const Handle* handle) {
  using Traits = HandleTraits<Handle>;
  return std::static_pointer_cast<typename Traits::Object>(
      HandleTable::Global().Remove(Traits::kKind,
                                   reinterpret_cast<uintptr_t>(handle)));
}

}  // namespace aneref::capi

#endif  // ANEREF_RUNTIME_CAPI_HANDLES_H_
