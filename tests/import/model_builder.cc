// See model_builder.h.
#include "tests/import/model_builder.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "runtime/core/convert.h"
#include "runtime/exec/session.h"

namespace aneref::test {

TempFolder::TempFolder() {
  char name[] = "/tmp/aneref-import-XXXXXX";
  REQUIRE(mkdtemp(name) != nullptr);
  path_ = name;
}
TempFolder::~TempFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}
std::string TempFolder::Write(const std::string& name,
                              const std::string& bytes) const {
  const std::string path = path_ + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

ModelBuilder::ModelBuilder(int64_t opset) {
  model_.set_ir_version(8);
  model_.add_opset_import()->set_version(opset);
  graph().set_name("test");
}

void ModelBuilder::Input(const std::string& name,
                         const std::vector<int64_t>& dims, int32_t type) {
  onnx::ValueInfoProto* info = graph().add_input();
  info->set_name(name);
  onnx::TypeProto::Tensor* tensor = info->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  tensor->mutable_shape();
  for (int64_t dim : dims)
    tensor->mutable_shape()->add_dim()->set_dim_value(dim);
}

void ModelBuilder::Output(const std::string& name) {
  graph().add_output()->set_name(name);
}

onnx::TensorProto* ModelBuilder::Tensor(const std::string& name, int32_t type,
                                        const std::vector<int64_t>& dims) {
  onnx::TensorProto* tensor = graph().add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(type);
  for (int64_t dim : dims) tensor->add_dims(dim);
  return tensor;
}

onnx::TensorProto* ModelBuilder::Floats(const std::string& name,
                                        const std::vector<int64_t>& dims,
                                        const std::vector<float>& values) {
  onnx::TensorProto* tensor = Tensor(name, 1, dims);
  for (float value : values) tensor->add_float_data(value);
  return tensor;
}

onnx::TensorProto* ModelBuilder::Ints(const std::string& name,
                                      const std::vector<int64_t>& dims,
                                      const std::vector<int64_t>& values) {
  onnx::TensorProto* tensor = Tensor(name, 7, dims);
  for (int64_t value : values) tensor->add_int64_data(value);
  return tensor;
}

onnx::NodeProto MakeNode(const std::string& op,
                         const std::vector<std::string>& inputs,
                         const std::vector<std::string>& outputs,
                         const std::string& name) {
  onnx::NodeProto node;
  node.set_op_type(op);
  for (const std::string& input : inputs) node.add_input(input);
  for (const std::string& output : outputs) node.add_output(output);
  if (!name.empty()) node.set_name(name);
  return node;
}

onnx::NodeProto* ModelBuilder::Node(const std::string& op,
                                    const std::vector<std::string>& inputs,
                                    const std::vector<std::string>& outputs,
                                    const std::string& name) {
  onnx::NodeProto* node = graph().add_node();
  *node = MakeNode(op, inputs, outputs, name);
  return node;
}

onnx::AttributeProto* SetInt(onnx::NodeProto* node, const std::string& name,
                             int64_t value) {
  onnx::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(2);
  attribute->set_i(value);
  return attribute;
}
void SetFloat(onnx::NodeProto* node, const std::string& name, float value) {
  onnx::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(1);
  attribute->set_f(value);
}
void SetString(onnx::NodeProto* node, const std::string& name,
               const std::string& value) {
  onnx::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(3);
  attribute->set_s(value);
}
void SetInts(onnx::NodeProto* node, const std::string& name,
             const std::vector<int64_t>& values) {
  onnx::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(7);
  for (int64_t value : values) attribute->add_ints(value);
}
void SetFloats(onnx::NodeProto* node, const std::string& name,
               const std::vector<float>& values) {
  onnx::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(6);
  for (float value : values) attribute->add_floats(value);
}

const fbs::TensorT* Imported::Find(const std::string& name) const {
  for (const auto& tensor : graph().tensors) {
    if (tensor->name == name) return tensor.get();
  }
  return nullptr;
}

std::vector<std::string> Imported::InputNames(size_t node) const {
  std::vector<std::string> names;
  for (int32_t tensor : NodeAt(node).inputs)
    names.push_back(
        tensor < 0 ? "" : graph().tensors[static_cast<size_t>(tensor)]->name);
  return names;
}

std::string Imported::OutputName(size_t node) const {
  return graph().tensors[static_cast<size_t>(NodeAt(node).outputs[0])]->name;
}

std::vector<double> Imported::ValuesOf(int32_t tensor) const {
  const fbs::Tensor& packed =
      *file->main_graph().tensors()->Get(static_cast<unsigned>(tensor));
  if (packed.constant() < 0) return {};
  std::shared_ptr<void> owner;
  const Expected<TensorView> view = file->ConstantValue(packed, &owner);
  REQUIRE(view.ok());
  std::vector<double> values(static_cast<size_t>(view->shape.NumElements()));
  if (!values.empty())
    ConvertElements(view->dtype, view->data, DataType::kFloat64, values.data(),
                    values.size());
  return values;
}

std::vector<double> Imported::Values(const std::string& name) const {
  for (size_t i = 0; i < graph().tensors.size(); ++i) {
    if (graph().tensors[i]->name == name)
      return ValuesOf(static_cast<int32_t>(i));
  }
  return {};
}

DataType Imported::Stored(const std::string& name) const {
  const fbs::TensorT* tensor = Find(name);
  REQUIRE(tensor != nullptr);
  REQUIRE(tensor->constant >= 0);
  return static_cast<DataType>(
      net.constants[static_cast<size_t>(tensor->constant)]->stored);
}

Imported ImportPath(const std::string& path, const ImportOptions& options) {
  Imported result;
  ImportSummary summary;
  Expected<std::vector<std::byte>> bytes = ImportModel(path, options, &summary);
  result.status = bytes.status();
  if (!bytes.ok()) return result;
  Expected<std::shared_ptr<const Net>> net =
      Net::Parse(File::FromBuffer(std::move(bytes).value()), path);
  result.status = net.status();
  if (!net.ok()) return result;
  result.file = *net;
  result.file->table().UnPackTo(&result.net);
  return result;
}

Imported Import(const onnx::ModelProto& model, const ImportOptions& options) {
  const TempFolder folder;
  return ImportPath(folder.Write("model.onnx", model.SerializeAsString()),
                    options);
}

std::vector<std::vector<float>> Evaluate(
    const Imported& imported,
    const std::map<std::string, std::vector<float>>& inputs) {
  SessionOptions options;
  options.numerics = Numerics::kFp32;
  options.threads = 1;
  INFO(imported.status.ToString());
  REQUIRE(imported.status.ok());
  Expected<std::unique_ptr<Session>> session =
      Session::Create(imported.file, options);
  INFO(session.status().ToString());
  REQUIRE(session.ok());
  for (size_t i = 0; i < (*session)->inputs().size(); ++i) {
    const PortInfo& port = (*session)->inputs()[i];
    std::vector<float> values = inputs.at(port.name);
    const TensorType type{DataType::kFloat32, port.type.shape};
    REQUIRE((*session)->SetInput(i, DenseView(type, values.data())).ok());
  }
  REQUIRE((*session)->Run().ok());
  std::vector<std::vector<float>> outputs;
  for (size_t i = 0; i < (*session)->outputs().size(); ++i) {
    const TensorView view = (*session)->Output(i);
    std::vector<float> values(static_cast<size_t>(view.shape.NumElements()));
    for (int64_t row = 0; row < view.num_rows(); ++row) {
      ConvertElements(view.dtype, view.Row<std::byte>(row), DataType::kFloat32,
                      values.data() + row * view.width(),
                      static_cast<size_t>(view.width()));
    }
    outputs.push_back(std::move(values));
  }
  return outputs;
}

}  // namespace aneref::test
