// See open_extents.h.
#include "runtime/plan/open_extents.h"

namespace aneref {
namespace {

std::map<std::string, int64_t> StatedExtents(
    const std::vector<PortSpec>& ports,
    const std::map<std::string, Shape>& shapes) {
  std::map<std::string, int64_t> named;
  for (const PortSpec& port : ports) {
    const auto stated = shapes.find(port.name);
    if (stated == shapes.end() || stated->second.rank() != port.dims.size())
      continue;  // a wrong rank is refused where shapes are checked
    for (size_t axis = 0; axis < port.dims.size(); ++axis) {
      if (!port.dim_names[axis].empty())
        named[port.dim_names[axis]] = stated->second[axis];
    }
  }
  return named;
}

}  // namespace

std::vector<std::string> AssumeExtents(const std::vector<PortSpec>& ports,
                                       std::map<std::string, Shape>* shapes) {
  std::vector<std::string> assumed;
  const std::map<std::string, int64_t> named = StatedExtents(ports, *shapes);
  for (const PortSpec& port : ports) {
    if (shapes->count(port.name) != 0 || !port.has_shape) continue;
    std::vector<int64_t> dims = port.dims;
    for (size_t axis = 0; axis < dims.size(); ++axis) {
      if (dims[axis] >= 0) continue;
      const auto known = named.find(port.dim_names[axis]);
      if (known != named.end()) {
        dims[axis] = known->second;
        continue;
      }
      dims[axis] = port.usual.rank() == dims.size() ? port.usual[axis] : 1;
      assumed.push_back("extent " + std::to_string(axis) + " of '" + port.name +
                        "' taken as " + std::to_string(dims[axis]));
    }
    (*shapes)[port.name] = Shape(dims);
  }
  return assumed;
}

Expected<Program> SpecializeOpen(const Net& net, SpecializeOptions stated,
                                 const Status& why) {
  stated.keep_open = true;
  Expected<Program> open = Specialize(net, stated);
  if (!open.ok()) return why;
  return open;
}

}  // namespace aneref
