// See bench_report.h.
#include "tools/bench_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "runtime/explain/roofline.h"
#include "tools/output.h"
#include "tools/table.h"

namespace aneref::tool {
namespace {

// 1e9 operations, or bytes, per second.
double Gflops(const OpTime& op) {
  return op.median_ms > 0 ? op.profile.flops / (op.median_ms * 1e6) : 0;
}
double Gigabytes(const OpTime& op) {
  return op.median_ms > 0 ? op.bytes / (op.median_ms * 1e6) : 0;
}
double PercentOfPeak(const OpTime& op, const Machine& machine) {
  return machine.flops > 0 ? 100 * Gflops(op) * 1e9 / machine.flops : 0;
}
double AllFlops(const BenchResult& result) {
  double flops = 0;
  for (const OpTime& op : result.ops) flops += op.profile.flops;
  return flops;
}

}  // namespace

std::string BenchRoofline(const BenchResult& result) {
  const Machine& machine = result.machine;
  RooflineChart chart;
  chart.title = result.model + ": " + FormatFixed(machine.flops / 1e9, 0) +
                " GFLOP/s (" + machine.simd + "), " +
                FormatFixed(machine.bandwidth / 1e9, 1) +
                " GB/s from memory, both measured";
  chart.roof = {machine.flops, std::max(machine.bandwidth, 1.0)};
  for (const OpTime& op : result.ops) {
    if (op.profile.flops <= 0 || op.median_ms <= 0) continue;
    const bool compute =
        op.profile.flops * chart.roof.bandwidth >= op.bytes * chart.roof.flops;
    chart.points.push_back(
        {op.profile.flops, op.bytes, op.median_ms * 1e-3, compute,
         op.profile.op + " " + op.profile.name + " (" + op.profile.kernel +
             "): " + FormatFixed(op.median_ms, 3) + " ms, " +
             FormatFixed(Gflops(op), 1) + " GFLOP/s, " +
             FormatFixed(PercentOfPeak(op, machine), 0) + " % of the peak, " +
             FormatFixed(Gigabytes(op), 1) + " GB/s"});
  }
  return DrawRoofline(chart);
}

void PrintBenchAsJson(const Session& session, const BenchResult& result) {
  Json out;
  out["model"] = result.model;
  out["threads"] = session.threads();
  out["runs"] = result.runs;
  out["median_ms"] = result.median_ms;
  out["p90_ms"] = result.p90_ms;
  out["min_ms"] = result.min_ms;
  out["load_ms"] = result.load_ms;
  out["peak_rss_mib"] = result.peak_rss_mib;
  out["arena_mib"] = static_cast<double>(session.arena_bytes()) / (1 << 20);
  out["weights_mib"] = static_cast<double>(session.weight_bytes()) / (1 << 20);
  out["gflops"] =
      result.median_ms > 0 ? AllFlops(result) / (result.median_ms * 1e6) : 0;
  out["machine"]["simd"] = result.machine.simd;
  out["machine"]["peak_gflops"] = result.machine.flops / 1e9;
  out["machine"]["read_gbytes_per_s"] = result.machine.bandwidth / 1e9;
  out["ops"] = Json::array();
  for (const OpTime& op : result.ops) {
    Json row;
    row["name"] = op.profile.name;
    row["op"] = op.profile.op;
    row["median_ms"] = op.median_ms;
    row["gflops"] = Gflops(op);
    row["percent_of_peak"] = PercentOfPeak(op, result.machine);
    row["bytes"] = op.bytes;
    row["gbytes_per_s"] = Gigabytes(op);
    row["placement"] = op.on_engine ? "ane" : "cpu";
    row["kernel"] = op.profile.kernel;
    if (!op.within.empty()) row["within"] = op.within;
    row["dtype"] = DataTypeName(op.profile.output.dtype);
    row["shape"] = ShapeToJson(op.profile.output.shape);
    out["ops"].push_back(std::move(row));
  }
  for (const OutputError& error : result.errors) {
    Json row;
    row["name"] = error.name;
    row["max_abs"] = error.max_abs;
    row["largest"] = error.largest;
    row["max_ulp"] = error.max_ulp;
    row["psnr_db"] =
        std::isfinite(error.psnr_db) ? Json(error.psnr_db) : Json();
    out["error_against_portable"].push_back(std::move(row));
  }
  PrintJson(out);
}

void PrintBenchAsText(const Session& session, BenchResult result) {
  double total = 0;
  for (const OpTime& op : result.ops) total += op.median_ms;
  std::stable_sort(result.ops.begin(), result.ops.end(),
                   [](const OpTime& a, const OpTime& b) {
                     return a.median_ms > b.median_ms;
                   });
  Table table("rrrrrllll");
  table.Add({"ms", "share", "GFLOP/s", "% peak", "GB/s", "op", "place",
             "output", "name"});
  for (const OpTime& op : result.ops) {
    const double share = total > 0 ? 100 * op.median_ms / total : 0;
    const bool is_timed = op.within.empty();
    const bool has_flops = is_timed && op.profile.flops > 0;
    table.Add(
        {FormatFixed(op.median_ms, 3), FormatFixed(share, 1) + " %",
         has_flops ? FormatFixed(Gflops(op), 1) : "-",
         has_flops ? FormatFixed(PercentOfPeak(op, result.machine), 0) : "-",
         is_timed && op.bytes > 0 ? FormatFixed(Gigabytes(op), 1) : "-",
         op.profile.op, op.on_engine ? "ane" : "cpu",
         op.profile.output.ToString(),
         is_timed ? op.profile.name
                  : op.profile.name + ", computed in " + op.within});
  }
  Table head("lrl");
  const auto milliseconds = [&](const char* name, double ms,
                                const std::string& more) {
    head.Add({name, FormatFixed(ms, 3) + " ms", more});
  };
  milliseconds("median", result.median_ms,
               result.median_ms > 0
                   ? FormatFixed(1e3 / result.median_ms, 1) + " per second"
                   : "");
  milliseconds("p90", result.p90_ms, "");
  milliseconds("min", result.min_ms, std::to_string(result.runs) + " runs");
  milliseconds("load", result.load_ms, "");
  head.Add({"peak memory", FormatFixed(result.peak_rss_mib, 1) + " MiB",
            "arena " + FormatBytes(session.arena_bytes()) + ", weights " +
                FormatBytes(session.weight_bytes())});
  head.Add({"threads", std::to_string(session.threads()), ""});
  head.Add({"peak", FormatFixed(result.machine.flops / 1e9, 1) + " GFLOP/s",
            result.machine.simd + ", measured; " +
                FormatFixed(result.machine.bandwidth / 1e9, 1) +
                " GB/s from memory"});
  for (const OutputError& error : result.errors) {
    head.Add({"error", FormatNumber(error.max_abs),
              error.name + ", against portable: of " +
                  FormatNumber(error.largest) + " at most, " +
                  std::to_string(error.max_ulp) + " ulp, " +
                  FormatFixed(error.psnr_db, 1) + " dB"});
  }
  std::fputs((head.ToString() + "\n" + table.ToString()).c_str(), stdout);
}

}  // namespace aneref::tool
