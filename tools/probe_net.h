// Small networks in memory for probes: built node by node, run by a session in
// device numerics.
#ifndef ANEREF_TOOLS_PROBE_NET_H_
#define ANEREF_TOOLS_PROBE_NET_H_

#include <string>
#include <vector>

#include "runtime/import/draft.h"
#include "tools/probe.h"

namespace aneref::tool {

class ProbeNet {
 public:
  ProbeNet();
  // An fp16 input that holds these bits.
  int Input(const Shape& shape, std::vector<uint16_t> bits);
  int Constant(const Shape& shape, const std::vector<float>& values);
  template <class Attributes>
  int Node(const Attributes& attributes, std::vector<int> inputs) {
    auto node = std::make_unique<fbs::NodeT>();
    node->op.Set(Attributes(attributes));
    return Add(std::move(node), std::move(inputs));
  }
  // The bits of `output`, row major. Once only.
  Expected<std::vector<uint16_t>> Run(int output, const Device& device);

 private:
  int Add(std::unique_ptr<fbs::NodeT> node, std::vector<int> inputs);

  NetDraft draft_;
  std::vector<Shape> shapes_;
  std::vector<std::vector<uint16_t>> inputs_;
};

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_PROBE_NET_H_
