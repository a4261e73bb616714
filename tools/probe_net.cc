// See probe_net.h.
#include "tools/probe_net.h"

#include <cstring>

#include "runtime/exec/session.h"
#include "runtime/graph/net.h"

namespace aneref::tool {

ProbeNet::ProbeNet() {
  draft_.net.graphs.push_back(std::make_unique<fbs::GraphT>());
}

int ProbeNet::Input(const Shape& shape, std::vector<uint16_t> bits) {
  const std::string name = "x" + std::to_string(inputs_.size());
  const int32_t tensor = AddTensor(&draft_, name, DataType::kFloat16);
  SetStaticShape(&TensorAt(draft_, tensor), shape);
  auto port = std::make_unique<fbs::PortT>();
  port->tensor = tensor;
  MainGraph(draft_).inputs.push_back(std::move(port));
  shapes_.push_back(shape);
  inputs_.push_back(std::move(bits));
  return tensor;
}

int ProbeNet::Constant(const Shape& shape, const std::vector<float>& values) {
  return AddConstant(&draft_, "", DataType::kFloat16,
                     MakeFloats(shape, values));
}

int ProbeNet::Add(std::unique_ptr<fbs::NodeT> node, std::vector<int> inputs) {
  node->inputs.assign(inputs.begin(), inputs.end());
  const int32_t output = AddTensor(&draft_, "", DataType::kFloat16);
  node->outputs = {output};
  MainGraph(draft_).nodes.push_back(std::move(node));
  return output;
}

Expected<std::vector<uint16_t>> ProbeNet::Run(int output,
                                              const Device& device) {
  auto port = std::make_unique<fbs::PortT>();
  port->tensor = output;
  MainGraph(draft_).outputs.push_back(std::move(port));
  ANEREF_ASSIGN(std::vector<std::byte> bytes, WriteNet(std::move(draft_)));
  ANEREF_ASSIGN(const std::shared_ptr<const Net> net,
                Net::Parse(File::FromBuffer(std::move(bytes)), "probe"));
  SessionOptions options;
  options.numerics = Numerics::kDevice;
  options.device = device;
  options.threads = 1;
  ANEREF_ASSIGN(const std::unique_ptr<Session> session,
                Session::Create(net, options));
  for (size_t i = 0; i < inputs_.size(); ++i)
    ANEREF_TRY(session->SetInput(
        i, DenseView({DataType::kFloat16, shapes_[i]}, inputs_[i].data())));
  ANEREF_TRY(session->Run());
  const TensorView view = session->Output(0);
  std::vector<uint16_t> bits(static_cast<size_t>(view.shape.NumElements()));
  CopyTensor(view, DenseView({view.dtype, view.shape}, bits.data()));
  return bits;
}

}  // namespace aneref::tool
