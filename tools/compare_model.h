// aneref compare with a network: what is asked for, and a run of the network
// held against a dump. The verb and its words: cmd_compare.cc.
#ifndef ANEREF_TOOLS_COMPARE_MODEL_H_
#define ANEREF_TOOLS_COMPARE_MODEL_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/explain/compare.h"
#include "tools/inputs.h"
#include "tools/model.h"

namespace aneref::tool {

struct CompareOptions {
  ModelArgs model;  // the first operand
  std::string other;
  std::string device;
  EngineArgs engine;
  InputArgs inputs;
  std::optional<double> rtol, atol, max_ulp, min_psnr;
  std::vector<std::string> modes;
  std::string mode_file, map_file;
  bool bisect = false;
  bool json = false;
  std::string html, sarif, junit;

  bool HasTolerance() const {
    return rtol || atol || max_ulp || min_psnr || !modes.empty() ||
           !mode_file.empty();
  }
};

// A file of JSON, at most 64 MiB.
Expected<JsonValue> ReadJson(const std::string& path);
// A JSON object {"ours": "theirs"}; an empty path gives an empty map.
Expected<std::map<std::string, std::string>> ReadNameMap(
    const std::string& path);

// Runs the network, compares every named value, bisects where that is asked for
// or no tolerance decides.
Expected<CompareReport> CompareModel(const CompareOptions& options,
                                     const ModeTable& modes,
                                     uint64_t max_memory);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_COMPARE_MODEL_H_
