// The engine's arithmetic for whole ops (--numerics device): which families
// have an engine datapath, how they lower to it and what they mean there.
// Families without one (integers, fp32 and fp64 tensors, shapes that depend on
// data) keep host numerics. The kernels are ops/kernels/device_*.h.
#ifndef ANEREF_OPS_DEVICE_H_
#define ANEREF_OPS_DEVICE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ops/op.h"
#include "runtime/core/activation_table.h"
#include "runtime/core/profile.h"

namespace aneref {

// What all ops of a session share in device numerics: the chip's choices and
// the lookup tables that they lead to. Immutable from the outside; safe to use
// from several threads.
class DeviceContext {
 public:
  explicit DeviceContext(Profile profile) : profile_(std::move(profile)) {}
  DeviceContext(const DeviceContext&) = delete;
  DeviceContext& operator=(const DeviceContext&) = delete;

  const Profile& profile() const { return profile_; }

  // 65,536 results by operand bits, built at the first use; they live as long
  // as the context.
  const uint16_t* Table(const Activation& activation) const;
  // The same for any other function of one operand; `key` names it.
  const uint16_t* Table(
      const std::string& key,
      const std::function<uint16_t(uint16_t)>& evaluate) const;

 private:
  const Profile profile_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::unique_ptr<const std::vector<uint16_t>>>
      tables_;
};

// A family's second pair of functions, for op.device() != nullptr.
struct DeviceOp {
  // Whether this node computes on the engine; else it keeps host numerics.
  bool (*applies)(const OpView& op);
  Status (*lower)(const OpView& op, TaskBuilder* builder);
  // From the scalar rule functions of runtime/core.
  Status (*reference)(const OpView& op, const RefTensors& tensors);
};

// Null: host numerics.
const DeviceOp* FindDeviceOp(const OpView& op);

// What sessions call: the family's lowering or, under a device context, that of
// its engine datapath.
Status LowerOp(const OpDef& def, const OpView& op, TaskBuilder* builder);
// The same for the reference rung, as one task.
Status LowerOpToReference(const OpDef& def, const OpView& op,
                          TaskBuilder* builder);
Status ReferenceOp(const OpDef& def, const OpView& op,
                   const RefTensors& tensors);

}  // namespace aneref

#endif  // ANEREF_OPS_DEVICE_H_
