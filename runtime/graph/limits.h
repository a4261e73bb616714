// Which sizes an input with open extents takes (F15): the check of the tables
// when a file is read, and of a shape when a session is made. Knows ports only.
#ifndef ANEREF_RUNTIME_GRAPH_LIMITS_H_
#define ANEREF_RUNTIME_GRAPH_LIMITS_H_

#include <string>
#include <vector>

#include "runtime/core/status.h"
#include "runtime/core/tensor.h"
#include "schema/net_generated.h"

namespace aneref {

// The limits of a port whose tensor has `rank` extents are well formed.
// kInvalidFile (F4, F15).
Status VerifyLimits(const fbs::Port& port, size_t rank);

// kInvalidArgument (F15) unless the port takes `shape`, whose rank is right.
Status CheckLimits(const fbs::Port& port, const Shape& shape);

// "[1, 3, 640, 360]" or "extents 2 from 100 to 640, 3 at least 100"; empty
// where the port has no limits.
std::string DescribeLimits(const fbs::Port& port, size_t rank);

// The shapes that the port lists; empty when it lists none.
std::vector<Shape> AllowedShapes(const fbs::Port& port, size_t rank);

// The port's usual shape, or of its limits the smallest, or nothing (rank 0).
Shape UsualShape(const fbs::Port& port, size_t rank);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_GRAPH_LIMITS_H_
