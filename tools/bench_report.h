// What `aneref bench` measured, and how it is told: JSON, a table, the roofline
// picture. Measures nothing.
#ifndef ANEREF_TOOLS_BENCH_REPORT_H_
#define ANEREF_TOOLS_BENCH_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "runtime/exec/session.h"

namespace aneref::tool {

struct OpTime {
  TaskProfile profile;
  double median_ms = 0;
  double bytes = 0;  // of operands; 0: not known
  bool on_engine = false;
  std::string within;  // the op that computed it too; its time has this one's
};

// What the cores in use could do.
struct Machine {
  std::string simd;
  double flops = 0;      // per second
  double bandwidth = 0;  // bytes per second from memory, one thread
};

// How far an output is from that of portable numerics.
struct OutputError {
  std::string name;
  double max_abs = 0;
  double largest = 0;  // magnitude in portable
  int64_t max_ulp = 0;
  double psnr_db = 0;
};

struct BenchResult {
  std::string model;
  int runs = 0;
  double median_ms = 0;
  double p90_ms = 0;
  double min_ms = 0;
  double load_ms = 0;
  double peak_rss_mib = 0;
  std::vector<OpTime> ops;  // in execution order
  Machine machine;
  std::vector<OutputError> errors;  // fast numerics only
};

void PrintBenchAsJson(const Session& session, const BenchResult& result);
void PrintBenchAsText(const Session& session, BenchResult result);
// SVG: every op with arithmetic under the machine's measured roof.
std::string BenchRoofline(const BenchResult& result);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_BENCH_REPORT_H_
