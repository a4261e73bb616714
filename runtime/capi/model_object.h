// What stands behind aneref_model and aneref_plan: immutable, shared by whoever
// needs them.
#ifndef ANEREF_RUNTIME_CAPI_MODEL_OBJECT_H_
#define ANEREF_RUNTIME_CAPI_MODEL_OBJECT_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/capi/boundary.h"
#include "runtime/core/chip.h"
#include "runtime/exec/session.h"
#include "runtime/graph/port_spec.h"

namespace aneref::capi {

// As many of a port's facts as the caller has room for. `shape` replaces the
// declared one when it is settled (may be null).
Result WritePort(const PortSpec& spec, const TensorType* type,
                 aneref_port* port);
Result CheckKind(aneref_port_kind kind);
Result CheckIndex(size_t index, size_t count, const char* what);
// The index of a name among ports; the error lists the names.
Result FindPort(const std::vector<PortSpec>& ports, const char* name,
                size_t* index);

class ModelObject {
 public:
  ModelObject(std::shared_ptr<const Net> net, std::string format);

  const std::shared_ptr<const Net>& net() const { return net_; }
  const std::string& format() const { return format_; }
  const std::vector<PortSpec>& ports(aneref_port_kind kind) const {
    return ports_[kind];
  }

 private:
  std::shared_ptr<const Net> net_;
  std::string format_;
  std::vector<PortSpec> ports_[3];  // by aneref_port_kind
};

class PlanObject {
 public:
  PlanObject(std::shared_ptr<const ModelObject> model,
             std::shared_ptr<const PreparedNet> prepared, const Chip* chip,
             std::string numerics, bool keeps)
      : model_(std::move(model)),
        prepared_(std::move(prepared)),
        chip_(chip),
        numerics_(std::move(numerics)),
        keeps_(keeps) {}

  const ModelObject& model() const { return *model_; }
  const std::shared_ptr<const PreparedNet>& prepared() const {
    return prepared_;
  }
  const Chip& chip() const { return *chip_; }
  const std::string& numerics() const { return numerics_; }
  bool keeps_intermediates() const { return keeps_; }
  const std::vector<PortInfo>& infos(aneref_port_kind kind) const;

 private:
  std::shared_ptr<const ModelObject> model_;
  std::shared_ptr<const PreparedNet> prepared_;
  const Chip* chip_;
  std::string numerics_;
  bool keeps_;
};

// The arithmetic and chip of options that name them: "portable" (null), "fp32",
// "device", "device:NAME=VALUE,...". Leaves the rest of `out` alone.
Status ChooseArithmetic(const char* target, const char* numerics,
                        SessionOptions* out);
// By name; kInvalidArgument: a name twice.
Result ReadShapes(const aneref_input_shape* shapes, size_t count,
                  std::map<std::string, Shape>* out);
Result ReadPlanOptions(const aneref_plan_options* given,
                       aneref_plan_options* read, SessionOptions* out);

}  // namespace aneref::capi

#endif  // ANEREF_RUNTIME_CAPI_MODEL_OBJECT_H_
