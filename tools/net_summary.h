// What info and import say about a network.
#ifndef ANEREF_TOOLS_NET_SUMMARY_H_
#define ANEREF_TOOLS_NET_SUMMARY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/model.h"
#include "tools/output.h"

namespace aneref::tool {

struct NetSummary {
  std::vector<PortSpec> inputs;
  std::vector<PortSpec> outputs;
  std::vector<PortSpec> states;
  std::map<std::string, int64_t> ops;  // nodes of the graph that runs, by op
  uint64_t parameters = 0;    // elements of constants, integers over 8 bits not
  uint64_t weight_bytes = 0;  // of all constants, as stored
  uint64_t file_bytes = 0;    // of the native file
};
NetSummary Summarize(const Net& net);

Json PortToJson(const PortSpec& spec);
Json OpsToJson(const NetSummary& summary);
// Rows "conv  12", most frequent first.
std::string OpsText(const NetSummary& summary);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_NET_SUMMARY_H_
