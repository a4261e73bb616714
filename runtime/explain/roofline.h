// The roofline picture: operations per byte against operations per second, both
// logarithmic, with a point for each piece of work under the machine's roof.
#ifndef ANEREF_RUNTIME_EXPLAIN_ROOFLINE_H_
#define ANEREF_RUNTIME_EXPLAIN_ROOFLINE_H_

#include <string>
#include <vector>

namespace aneref {

struct RooflinePoint {
  double flops = 0;
  double bytes = 0;  // 0: drawn at the right edge
  double seconds = 0;
  bool compute_bound = false;
  std::string text;  // under the pointer
};

struct RooflineChart {
  struct Roof {
    double flops = 0;      // per second
    double bandwidth = 0;  // bytes per second
  };
  std::string title;
  Roof roof;
  std::vector<RooflinePoint> points;  // flops and seconds above 0
};

// Self-contained SVG.
std::string DrawRoofline(const RooflineChart& chart);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_ROOFLINE_H_
