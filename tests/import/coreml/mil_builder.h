// ML Programs built in memory, imported and run: one function, operands by name
// or in place. Weight files are bytes given by the test.
#ifndef ANEREF_TESTS_IMPORT_COREML_MIL_BUILDER_H_
#define ANEREF_TESTS_IMPORT_COREML_MIL_BUILDER_H_

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/core/convert.h"
#include "runtime/exec/session.h"
#include "runtime/graph/net_writer.h"
#include "runtime/import/coreml/mil/import.h"
#include "runtime/import/coreml/mil/values.h"
#include "runtime/import/passes.h"

namespace aneref::mil_test {

using coreml::Block;
using coreml::Operation;
using coreml::Value;
using coreml::ValueTensorType;
namespace mil = coreml::mil;

// A package without files, or with one weight file.
class MemoryPackage : public coreml::Package {
 public:
  std::vector<std::byte> weights;
  bool has_weights = false;

  std::span<const std::byte> model() const override { return {}; }
  Expected<std::span<const std::byte>> Open(const std::string& name) override {
    if (has_weights) return std::span<const std::byte>(weights);
    return IoError(name + ": weight file missing");
  }
};

inline void SetType(int32_t type, const std::vector<int64_t>& dims,
                    ValueTensorType* tensor) {
  tensor->set_datatype(type);
  tensor->set_rank(static_cast<int64_t>(dims.size()));
  for (int64_t dim : dims) {
    auto* dimension = tensor->add_dimensions();
    if (dim < 0) {
      dimension->mutable_unknown();
    } else {
      dimension->mutable_constant()->set_size(static_cast<uint64_t>(dim));
    }
  }
}

inline Value EmptyValue(int32_t type, const std::vector<int64_t>& dims) {
  Value value;
  SetType(type, dims, value.mutable_type()->mutable_tensortype());
  value.mutable_immediatevalue()->mutable_tensor();
  return value;
}
inline Value Floats(const std::vector<int64_t>& dims,
                    const std::vector<float>& values) {
  Value value = EmptyValue(mil::kTypeFp32, dims);
  auto* field =
      value.mutable_immediatevalue()->mutable_tensor()->mutable_floats();
  for (float v : values) field->add_values(v);
  return value;
}
inline Value Ints(const std::vector<int64_t>& dims,
                  const std::vector<int32_t>& values) {
  Value value = EmptyValue(mil::kTypeInt32, dims);
  auto* field =
      value.mutable_immediatevalue()->mutable_tensor()->mutable_ints();
  for (int32_t v : values) field->add_values(v);
  return value;
}
inline Value Bools(const std::vector<int64_t>& dims,
                   const std::vector<bool>& values) {
  Value value = EmptyValue(mil::kTypeBool, dims);
  auto* field =
      value.mutable_immediatevalue()->mutable_tensor()->mutable_bools();
  for (bool v : values) field->add_values(v);
  return value;
}
inline Value Text(const std::string& text) {
  Value value = EmptyValue(mil::kTypeString, {});
  value.mutable_immediatevalue()
      ->mutable_tensor()
      ->mutable_strings()
      ->add_values(text);
  return value;
}
// Packed or little-endian elements, as the file holds them.
inline Value Bytes(int32_t type, const std::vector<int64_t>& dims,
                   const std::vector<uint8_t>& bytes) {
  Value value = EmptyValue(type, dims);
  value.mutable_immediatevalue()->mutable_tensor()->mutable_bytes()->set_values(
      std::string(bytes.begin(), bytes.end()));
  return value;
}
inline Value F(float value) { return Floats({}, {value}); }
inline Value I(int32_t value) { return Ints({}, {value}); }
inline Value Is(const std::vector<int32_t>& values) {
  return Ints({static_cast<int64_t>(values.size())}, values);
}
inline Value B(bool value) { return Bools({}, {value}); }

// An operand: names of values, or a value in place.
struct Operand {
  std::vector<std::string> names;
  std::vector<Value> values;
  Operand(const char* name) : names{name} {}  // NOLINT: reads as a name
  Operand(std::initializer_list<const char*> tuple)
      : names(tuple.begin(), tuple.end()) {}
  Operand(Value value) : values{std::move(value)} {}  // NOLINT
};
using Operands = std::map<std::string, Operand>;

struct Output {
  std::string name;
  std::vector<int64_t> dims;
  int32_t type = mil::kTypeFp32;
};

struct Tensor {
  std::vector<int64_t> dims;
  std::vector<float> values;
};

class Program {
 public:
  Program() {
    auto& function = (*model.mutable_mlprogram()->mutable_functions())["main"];
    function.set_opset("CoreML8");
    block_ = &(*function.mutable_block_specializations())["CoreML8"];
    function_ = &function;
  }

  Program& Input(const std::string& name, const std::vector<int64_t>& dims,
                 int32_t type = mil::kTypeFp32) {
    auto* input = function_->add_inputs();
    input->set_name(name);
    SetType(type, dims, input->mutable_type()->mutable_tensortype());
    return *this;
  }
  Program& State(const std::string& name, const std::vector<int64_t>& dims,
                 int32_t type = mil::kTypeFp32) {
    auto* input = function_->add_inputs();
    input->set_name(name);
    SetType(type, dims,
            input->mutable_type()
                ->mutable_statetype()
                ->mutable_wrappedtype()
                ->mutable_tensortype());
    return *this;
  }
  Program& Const(const std::string& name, const Value& value) {
    Operation* op = block_->add_operations();
    op->set_type("const");
    (*op->mutable_attributes())["val"] = value;
    auto* output = op->add_outputs();
    output->set_name(name);
    *output->mutable_type() = value.type();
    return *this;
  }
  // Adds an operation to the function's block, or to another one.
  Operation* Op(const std::string& type, const Operands& operands,
                const std::vector<Output>& outputs, Block* block = nullptr) {
    Operation* op = (block != nullptr ? block : block_)->add_operations();
    op->set_type(type);
    for (const auto& [key, operand] : operands) {
      auto& argument = (*op->mutable_inputs())[key];
      for (const std::string& name : operand.names)
        argument.add_arguments()->set_name(name);
      for (const Value& value : operand.values)
        *argument.add_arguments()->mutable_value() = value;
    }
    for (const Output& output : outputs) {
      auto* result = op->add_outputs();
      result->set_name(output.name);
      SetType(output.type, output.dims,
              result->mutable_type()->mutable_tensortype());
    }
    return op;
  }
  Program& Returns(const std::vector<std::string>& names) {
    for (const std::string& name : names) block_->add_outputs(name);
    return *this;
  }

  Expected<std::vector<std::byte>> Import(bool fold = true) {
    ImportOptions options;
    options.fold = fold;
    options.function = function_name;
    ANEREF_ASSIGN(NetDraft draft, coreml::ImportMlProgram(coreml::Source{
                                      model, &package, options}));
    RunPasses(&draft, fold);
    return WriteNet(std::move(draft));
  }
  Expected<std::unique_ptr<Session>> MakeSession(
      Numerics numerics, const std::map<std::string, Tensor>& inputs) {
    ANEREF_ASSIGN(std::vector<std::byte> bytes, Import());
    ANEREF_ASSIGN(const std::shared_ptr<const Net> net,
                  Net::Parse(File::FromBuffer(std::move(bytes)), "test"));
    SessionOptions options;
    options.numerics = numerics;
    options.threads = 1;
    for (const auto& [name, tensor] : inputs)
      options.input_shapes[name] = Shape(tensor.dims);
    return Session::Create(net, options);
  }
  // Every output, converted to float.
  Expected<std::vector<Tensor>> Run(const std::map<std::string, Tensor>& inputs,
                                    Numerics numerics = Numerics::kFp32) {
    ANEREF_ASSIGN(const std::unique_ptr<Session> session,
                  MakeSession(numerics, inputs));
    ANEREF_TRY(Feed(session.get(), inputs));
    ANEREF_TRY(session->Run());
    std::vector<Tensor> outputs;
    for (size_t i = 0; i < session->outputs().size(); ++i)
      outputs.push_back(Read(session->Output(i)));
    return outputs;
  }
  static Status Feed(Session* session,
                     const std::map<std::string, Tensor>& inputs) {
    for (size_t i = 0; i < session->inputs().size(); ++i) {
      const PortInfo& port = session->inputs()[i];
      const Tensor& given = inputs.at(port.name);
      std::vector<std::byte> bytes(
          given.values.size() * ElementSize(port.type.dtype) + 8);
      ConvertElements(DataType::kFloat32, given.values.data(), port.type.dtype,
                      bytes.data(), given.values.size());
      ANEREF_TRY(session->SetInput(
          i, DenseView({port.type.dtype, Shape(given.dims)}, bytes.data())));
    }
    return Status();
  }
  static Tensor Read(const TensorView& view) {
    return {view.shape.ToVector(), LoadFloats(view)};
  }

  coreml::Model model;
  MemoryPackage package;
  std::string function_name;
  Block* block() { return block_; }

 private:
  coreml::Function* function_;
  Block* block_;
};

}  // namespace aneref::mil_test

#endif  // ANEREF_TESTS_IMPORT_COREML_MIL_BUILDER_H_
