// Builds small nets in tests: values are tensor indices; float constants are
// kept as float32 for float16 tensors.
#ifndef ANEREF_TESTS_SUPPORT_DRAFT_H_
#define ANEREF_TESTS_SUPPORT_DRAFT_H_

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "runtime/graph/net.h"
#include "runtime/graph/net_writer.h"

namespace aneref::test {

class DraftBuilder {
 public:
  DraftBuilder() {
    draft_.net.graphs.push_back(std::make_unique<fbs::GraphT>());
  }

  int Input(const std::string& name, std::vector<int64_t> shape,
            fbs::DataType type = fbs::DataType::float16) {
    auto port = std::make_unique<fbs::PortT>();
    port->tensor = AddTensor(name, type);
    graph().tensors.back()->shape = std::move(shape);
    graph().tensors.back()->has_shape = true;
    const int index = port->tensor;
    graph().inputs.push_back(std::move(port));
    return index;
  }
  int Constant(const Shape& shape, const std::vector<double>& values) {
    NetDraft::DraftConstant constant;
    constant.shape = shape;
    for (double value : values) {
      const auto narrow = static_cast<float>(value);
      const auto* bytes = reinterpret_cast<const std::byte*>(&narrow);
      constant.bytes.insert(constant.bytes.end(), bytes,
                            bytes + sizeof(narrow));
    }
    const int index = AddTensor("", fbs::DataType::float16);
    graph().tensors.back()->shape = shape.ToVector();
    graph().tensors.back()->has_shape = true;
    graph().tensors.back()->constant =
        static_cast<int>(draft_.constants.size());
    draft_.constants.push_back(std::move(constant));
    return index;
  }
  template <class AttributesT>
  int Node(const AttributesT& attributes, std::vector<int> inputs) {
    auto node = std::make_unique<fbs::NodeT>();
    node->op.Set(AttributesT(attributes));
    node->inputs = std::move(inputs);
    const int output = AddTensor("v" + std::to_string(graph().tensors.size()),
                                 fbs::DataType::float16);
    node->outputs = {output};
    graph().nodes.push_back(std::move(node));
    return output;
  }
  int Binary(fbs::ElementwiseKind kind, int x, int y) {
    fbs::ElementwiseT attributes;
    attributes.kind = kind;
    return Node(attributes, {x, y});
  }
  int Unary(fbs::ActivationKind kind, int x) {
    fbs::ActivationT attributes;
    attributes.kind = kind;
    return Node(attributes, {x});
  }
  void Output(int tensor) {
    auto port = std::make_unique<fbs::PortT>();
    port->tensor = tensor;
    graph().outputs.push_back(std::move(port));
  }
  // The net as a file's bytes, parsed. May be called again.
  std::shared_ptr<const Net> Parse() {
    NetDraft copy;
    copy.constants = draft_.constants;
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(fbs::Net::Pack(builder, &draft_.net));
    flatbuffers::GetRoot<fbs::Net>(builder.GetBufferPointer())
        ->UnPackTo(&copy.net);
    auto bytes = WriteNet(std::move(copy));
    REQUIRE(bytes.ok());
    auto net = Net::Parse(File::FromBuffer(std::move(*bytes)), "test");
    REQUIRE_MESSAGE(net.ok(), net.status().ToString());
    return *net;
  }

 private:
  fbs::GraphT& graph() { return *draft_.net.graphs[0]; }
  int AddTensor(const std::string& name, fbs::DataType type) {
    auto tensor = std::make_unique<fbs::TensorT>();
    tensor->name = name;
    tensor->dtype = type;
    graph().tensors.push_back(std::move(tensor));
    return static_cast<int>(graph().tensors.size()) - 1;
  }
  NetDraft draft_;
};

}  // namespace aneref::test

#endif  // ANEREF_TESTS_SUPPORT_DRAFT_H_
