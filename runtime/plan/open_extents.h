// Shapes for those who look at a network without running it (reports, plans,
// traces): sizes for the extents that neither its file nor the caller settles.
#ifndef ANEREF_RUNTIME_PLAN_OPEN_EXTENTS_H_
#define ANEREF_RUNTIME_PLAN_OPEN_EXTENTS_H_

#include <map>
#include <string>
#include <vector>

#include "runtime/graph/port_spec.h"
#include "runtime/plan/specialize.h"

namespace aneref {

// Gives every port with a rank a shape in `shapes`, which holds the stated
// ones. An open extent is what a stated one of the same name is, else what it
// is in the port's usual shape (F15), else 1. Tells what was assumed: "extent 0
// of 'x' taken as 1".
std::vector<std::string> AssumeExtents(const std::vector<PortSpec>& ports,
                                       std::map<std::string, Shape>* shapes);

// For a network that cannot be settled, for the reason `why`: its ops with the
// shapes that stay open (V05), under stated shapes only. `why` when it cannot
// be read that way either.
Expected<Program> SpecializeOpen(const Net& net, SpecializeOptions stated,
                                 const Status& why);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_OPEN_EXTENTS_H_
