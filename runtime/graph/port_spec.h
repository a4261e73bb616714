// The ports of a network's main graph as its file declares them, as plain data:
// what programs and interfaces show, and what they check names and shapes
// against before a session is made.
#ifndef ANEREF_RUNTIME_GRAPH_PORT_SPEC_H_
#define ANEREF_RUNTIME_GRAPH_PORT_SPEC_H_

#include <string>
#include <vector>

#include "runtime/graph/net.h"

namespace aneref {

// A graph input or output as the file declares it; -1 is a dynamic extent.
struct PortSpec {
  std::string name;
  DataType dtype = DataType::kFloat16;
  DataType declared = DataType::kFloat32;
  bool has_shape = false;
  std::vector<int64_t> dims;
  std::vector<std::string> dim_names;  // as many as dims, "" without a name
  fbs::ImageLayout image = fbs::ImageLayout::none;
  std::vector<std::string> labels;
  std::string description;
  std::string limits;  // of open extents (F15), in words; "" for none
  Shape usual;         // the shape it has when nobody says; rank 0: unknown
  std::vector<Shape> allowed;  // the only shapes; empty: not listed

  std::string ShapeText() const;  // "[N, 3, ?, 224]", "[...]" without a shape
};
// Without the ports of states (F14).
std::vector<PortSpec> InputSpecs(const Net& net);
std::vector<PortSpec> OutputSpecs(const Net& net);
// Values that outlive a run (F14).
std::vector<PortSpec> StateSpecs(const Net& net);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_GRAPH_PORT_SPEC_H_
