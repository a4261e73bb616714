// See model_object.h.
#include "runtime/capi/model_object.h"

#include <algorithm>

#include "runtime/capi/tensors.h"
#include "runtime/core/layout.h"
#include "runtime/core/suggest.h"
#include "runtime/exec/numerics_choice.h"

namespace aneref::capi {
ModelObject::ModelObject(std::shared_ptr<const Net> net, std::string format)
    : net_(std::move(net)), format_(std::move(format)) {
  ports_[ANEREF_INPUT] = InputSpecs(*net_);
  ports_[ANEREF_OUTPUT] = OutputSpecs(*net_);
  ports_[ANEREF_STATE] = StateSpecs(*net_);
}

const std::vector<PortInfo>& PlanObject::infos(aneref_port_kind kind) const {
  if (kind == ANEREF_INPUT) return prepared_->inputs();
  return kind == ANEREF_OUTPUT ? prepared_->outputs() : prepared_->states();
}

Result CheckKind(aneref_port_kind kind) {
  if (kind >= ANEREF_INPUT && kind <= ANEREF_STATE) return Result();
  return {ANEREF_INVALID_ARGUMENT,
          "there is no port kind " + std::to_string(kind)};
}

Result CheckIndex(size_t index, size_t count, const char* what) {
  if (index < count) return Result();
  return {ANEREF_INVALID_ARGUMENT, std::string("there is no ") + what + " " +
                                       std::to_string(index) + " of " +
                                       std::to_string(count)};
}

Result WritePort(const PortSpec& spec, const TensorType* type,
                 aneref_port* port) {
  aneref_port full = aneref_port_init();
  full.name = spec.name.c_str();
  full.description = spec.description.c_str();
  full.dtype =
      static_cast<aneref_dtype>(type != nullptr ? type->dtype : spec.dtype);
  full.declared = static_cast<aneref_dtype>(spec.declared);
  full.image = static_cast<aneref_image>(spec.image);
  full.num_labels = static_cast<int32_t>(spec.labels.size());
  std::vector<int64_t> dims = spec.dims;
  full.rank = spec.has_shape ? static_cast<int32_t>(dims.size()) : -1;
  if (type != nullptr) {
    dims = type->shape.ToVector();
    full.rank = static_cast<int32_t>(dims.size());
  }
  for (size_t i = 0; i < ANEREF_MAX_RANK; ++i) {
    full.shape[i] = i < dims.size() ? dims[i] : 0;
    full.extent_names[i] =
        i < spec.dim_names.size() ? spec.dim_names[i].c_str() : "";
  }
  const bool settled =
      full.rank >= 0 && std::none_of(dims.begin(), dims.end(),
                                     [](int64_t dim) { return dim < 0; });
  if (settled) {
    const Expected<Shape> shape = MakeShape(dims);
    if (!shape.ok()) return shape.status();
    const TensorType whole{static_cast<DataType>(full.dtype), *shape};
    const Expected<size_t> bytes = SurfaceBytes(whole);
    if (!bytes.ok()) return bytes.status();
    full.surface_bytes = *bytes;
    const TensorView view = SurfaceView(whole, nullptr);
    for (size_t axis = 0; axis < dims.size(); ++axis)
      full.surface_strides[axis] = static_cast<int64_t>(view.Stride(axis));
  }
  return WriteStruct(full, "port", port);
}

Result FindPort(const std::vector<PortSpec>& ports, const char* name,
                size_t* index) {
  ANEREF_CAPI_TRY(NeedPointer(name, "name"));
  ANEREF_CAPI_TRY(NeedPointer(index, "index"));
  std::vector<std::string> names;
  for (size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].name == name) {
      *index = i;
      return Result();
    }
    names.push_back(ports[i].name);
  }
  return {ANEREF_INVALID_ARGUMENT, std::string("there is no '") + name +
                                       "'; there are: " + JoinNames(names)};
}

Status ChooseArithmetic(const char* target, const char* numerics,
                        SessionOptions* out) {
  ANEREF_ASSIGN(out->chip,
                ChipTable::Embedded().Find(target != nullptr ? target : "m1"));
  return ParseNumerics(numerics != nullptr ? numerics : "portable", *out->chip,
                       &out->numerics, &out->device);
}

Result ReadShapes(const aneref_input_shape* shapes, size_t count,
                  std::map<std::string, Shape>* out) {
  for (size_t i = 0; i < count; ++i) {
    aneref_input_shape read;
    ANEREF_CAPI_TRY(ReadElement(shapes, i, "input_shapes", &read));
    ANEREF_CAPI_TRY(NeedPointer(read.name, "an input shape's name"));
    TensorType type;
    ANEREF_CAPI_TRY(ReadType(ANEREF_FLOAT16, read.rank, read.shape, &type));
    if (!out->emplace(read.name, type.shape).second) {
      return {ANEREF_INVALID_ARGUMENT,
              std::string("the shape of '") + read.name + "' is given twice"};
    }
  }
  return Result();
}

Result ReadPlanOptions(const aneref_plan_options* given,
                       aneref_plan_options* read, SessionOptions* out) {
  ANEREF_CAPI_TRY(ReadStruct(given, "options", read));
  ANEREF_CAPI_TRY(ChooseArithmetic(read->target, read->numerics, out));
  ANEREF_CAPI_TRY(ReadShapes(read->input_shapes, read->num_input_shapes,
                             &out->input_shapes));
  ANEREF_CAPI_TRY(ReadAllocator(read->allocator, &out->source));
  out->max_memory = read->max_memory;
  out->keep_intermediates = read->keep_intermediates != 0;
  return Result();
}

}  // namespace aneref::capi
