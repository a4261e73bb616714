// See op_runner.h. The mini executor here is sequential and independent of
// exec/.
#include "tests/support/op_runner.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <random>

#include "runtime/core/convert.h"
#include "runtime/core/half.h"
#include "runtime/core/layout.h"
#include "tests/support/each_target.h"

namespace aneref::test {
namespace {

// 64-byte aligned memory filled with 0xA5, so that reads of undefined bytes and
// writes to padding show.
struct Buffer {
  explicit Buffer(size_t size) : storage(size + 64, std::byte{0xA5}) {}
  std::byte* data() {
    auto address = reinterpret_cast<uintptr_t>(storage.data());
    return storage.data() + ((64 - address % 64) % 64);
  }
  std::vector<std::byte> storage;
};

struct Surface {
  explicit Surface(const TensorType& type)
      : buffer(SurfaceBytes(type).value()),
        view(SurfaceView(type, buffer.data())) {}
  Buffer buffer;
  TensorView view;
};

void CopyIn(const TestTensor& tensor, const TensorView& view) {
  CopyTensor(
      DenseView(tensor.type, const_cast<std::byte*>(tensor.bytes.data())),
      view);
}

TestTensor CopyOut(const TensorView& view) {
  TestTensor tensor{{view.dtype, view.shape}, {}, false, false};
  tensor.bytes.resize(DenseBytes(tensor.type));
  CopyTensor(view, DenseView(tensor.type, tensor.bytes.data()));
  return tensor;
}

enum class Rung { kReference, kScalar, kSimd };

struct Node {
  const OpDef& def;
  const fbs::Node& node;
  std::vector<OpView::Input> inputs;
  std::vector<TensorType> outputs;
  const DeviceContext* device = nullptr;
  OpView View() const { return OpView(node, inputs, outputs, device); }
};

Status RunTasks(const Node& n, TaskBuilder& builder, bool simd,
                const std::vector<TensorView>& in,
                const std::vector<TensorView>& out) {
  std::vector<std::unique_ptr<Surface>> temporaries;
  for (const TensorType& type : builder.temporaries())
    temporaries.push_back(std::make_unique<Surface>(type));
  auto resolve = [&](const std::vector<Operand>& operands) {
    std::vector<TensorView> views;
    for (const Operand& operand : operands) {
      switch (operand.kind) {
        case Operand::Kind::kInput:
          views.push_back(in[operand.index]);
          break;
        case Operand::Kind::kOutput:
          views.push_back(out[operand.index]);
          break;
        case Operand::Kind::kTemporary:
          views.push_back(temporaries[operand.index]->view);
          break;
        case Operand::Kind::kAbsent:
          views.emplace_back();
          break;
      }
    }
    return views;
  };
  for (const TaskSpec& task : builder.tasks()) {
    const std::vector<TensorView> task_in = resolve(task.in),
                                  task_out = resolve(task.out);
    Buffer scratch(task.scratch_bytes);
    const KernelCall call{task_in, task_out, task.args.get(), scratch.data()};
    // Units may run in any order: backwards here.
    for (int64_t unit = task.num_units - 1; unit >= 0; --unit) {
      ANEREF_TRY((simd ? task.kernel->simd : task.kernel->scalar)(call, unit));
    }
  }
  (void)n;
  return Status();
}

Status RunRung(const Node& n, Rung rung, const std::vector<TestTensor>& inputs,
               std::vector<TestTensor>* results) {
  std::vector<std::unique_ptr<Surface>> surfaces;
  std::vector<TensorView> in, out;
  for (const TestTensor& input : inputs) {
    if (input.absent) {
      in.emplace_back();
      continue;
    }
    surfaces.push_back(std::make_unique<Surface>(input.type));
    CopyIn(input, surfaces.back()->view);
    in.push_back(surfaces.back()->view);
  }
  for (const TensorType& type : n.outputs) {
    surfaces.push_back(std::make_unique<Surface>(type));
    out.push_back(surfaces.back()->view);
  }
  if (rung == Rung::kReference) {
    ANEREF_TRY(ReferenceOp(n.def, n.View(), RefTensors{in, out}));
  } else {
    TaskBuilder builder;
    ANEREF_TRY(LowerOp(n.def, n.View(), &builder));
    ANEREF_TRY(RunTasks(n, builder, rung == Rung::kSimd, in, out));
  }
  results->clear();
  for (const TensorView& view : out) results->push_back(CopyOut(view));
  return Status();
}

// Bitwise equality, NaN equal to NaN.
void CheckSame(const TestTensor& a, const TestTensor& b, const char* what) {
  REQUIRE(a.type == b.type);
  if (a.bytes == b.bytes) return;
  const std::vector<double> x = a.Values(), y = b.Values();
  size_t differing = 0, first = 0;
  const size_t size = ElementSize(a.type.dtype);
  for (size_t i = x.size(); i-- > 0;) {
    if (std::isnan(x[i]) && std::isnan(y[i])) continue;
    if (std::memcmp(a.bytes.data() + i * size, b.bytes.data() + i * size,
                    size) == 0)
      continue;
    ++differing;
    first = i;
  }
  if (differing > 0) {
    FAIL_CHECK(what << ": " << differing << " of " << x.size()
                    << " elements differ, first at " << first << ": "
                    << x[first] << " and " << y[first]);
  }
}

// All rungs of one node; the reference's results go to `result`.
void RunRungs(const Node& node, const std::vector<TestTensor>& inputs,
              RunResult* result) {
  result->status = RunRung(node, Rung::kReference, inputs, &result->outputs);
  if (!result->status.ok()) return;
  std::vector<TestTensor> other;
  const Status scalar = RunRung(node, Rung::kScalar, inputs, &other);
  REQUIRE_MESSAGE(scalar.ok(), scalar.ToString());
  for (size_t i = 0; i < other.size(); ++i)
    CheckSame(result->outputs[i], other[i], "reference and scalar kernels");
  ForEachTarget([&] {
    const Status simd = RunRung(node, Rung::kSimd, inputs, &other);
    REQUIRE_MESSAGE(simd.ok(), simd.ToString());
    for (size_t i = 0; i < other.size(); ++i)
      CheckSame(result->outputs[i], other[i], "reference and SIMD kernels");
  });
}

// The engine's datapath of the same node, where it has one, in every profile.
void CheckDeviceRungs(Node node, const std::vector<TestTensor>& inputs) {
  for (const char* name : {"h13", "h15", "h16"}) {
    const DeviceContext& device = DeviceOf(name);
    node.device = &device;
    if (FindDeviceOp(node.View()) == nullptr) return;
    INFO("device numerics, profile " << name);
    RunResult result;
    RunRungs(node, inputs, &result);
  }
}

}  // namespace

const DeviceContext& DeviceOf(const std::string& profile) {
  static std::map<std::string, std::unique_ptr<DeviceContext>> contexts;
  auto& context = contexts[profile];
  if (context == nullptr) {
    auto named = NamedProfile(profile.substr(0, 3));
    REQUIRE(named.ok());
    if (profile.size() > 4)
      REQUIRE(ApplyOption(&*named, profile.substr(4)).ok());
    context = std::make_unique<DeviceContext>(*named);
  }
  return *context;
}

std::vector<double> TestTensor::Values() const {
  std::vector<double> values(static_cast<size_t>(type.shape.NumElements()));
  if (!values.empty())
    ConvertElements(type.dtype, bytes.data(), DataType::kFloat64, values.data(),
                    values.size());
  return values;
}

std::vector<uint16_t> TestTensor::Bits() const {
  std::vector<uint16_t> bits(bytes.size() / 2);
  if (!bits.empty()) std::memcpy(bits.data(), bytes.data(), bytes.size());
  return bits;
}

TestTensor Absent() {
  TestTensor tensor;
  tensor.absent = true;
  return tensor;
}

TestTensor Make(DataType type, const Shape& shape,
                const std::vector<double>& values) {
  TestTensor tensor{{type, shape}, {}, false, false};
  REQUIRE(static_cast<int64_t>(values.size()) == shape.NumElements());
  tensor.bytes.resize(DenseBytes(tensor.type));
  if (!values.empty())
    ConvertElements(DataType::kFloat64, values.data(), type,
                    tensor.bytes.data(), values.size());
  return tensor;
}
TestTensor Half(const Shape& shape, const std::vector<double>& values) {
  return Make(DataType::kFloat16, shape, values);
}
TestTensor Float(const Shape& shape, const std::vector<double>& values) {
  return Make(DataType::kFloat32, shape, values);
}
TestTensor Ints(const Shape& shape, const std::vector<double>& values) {
  return Make(DataType::kInt64, shape, values);
}

TestTensor HalfBits(const Shape& shape, const std::vector<uint16_t>& bits) {
  TestTensor tensor{{DataType::kFloat16, shape}, {}, false, false};
  REQUIRE(static_cast<int64_t>(bits.size()) == shape.NumElements());
  tensor.bytes.resize(bits.size() * 2);
  if (!bits.empty())
    std::memcpy(tensor.bytes.data(), bits.data(), tensor.bytes.size());
  return tensor;
}

TestTensor Known(TestTensor tensor) {
  tensor.known = true;
  return tensor;
}

TestTensor Random(DataType type, const Shape& shape, uint32_t seed,
                  bool specials) {
  std::mt19937 random(seed);
  std::vector<double> values(static_cast<size_t>(shape.NumElements()));
  constexpr double kSpecials[] = {0.0,
                                  -0.0,
                                  5.9604644775390625e-8,
                                  -6.097555160522461e-5,
                                  65504,
                                  -65504,
                                  HUGE_VAL,
                                  -HUGE_VAL,
                                  NAN,
                                  1.0009765625,
                                  2049,
                                  0.333251953125};
  for (double& value : values) {
    const auto bits = static_cast<uint32_t>(random());
    if (specials && bits % 7 == 0) {
      value = kSpecials[(bits >> 8) % std::size(kSpecials)];
    } else if (IsFloating(type)) {
      const int exponent = static_cast<int>((bits >> 11) % 12) - 8;
      value = std::ldexp(1024.0 + (bits & 1023), exponent - 10) *
              ((bits >> 31) != 0 ? -1 : 1);
    } else {
      value = type == DataType::kBool ? bits % 2
                                      : static_cast<double>(bits % 100) -
                                            (type == DataType::kUint8 ? 0 : 50);
    }
  }
  return Make(type, shape, values);
}

RunResult RunNode(const OpDef& def, fbs::NodeT* node_object,
                  const std::vector<TestTensor>& inputs, size_t num_outputs,
                  const std::string& profile) {
  RunResult result;
  int next = 0;
  for (const TestTensor& input : inputs)
    node_object->inputs.push_back(input.absent ? -1 : next++);
  for (size_t i = 0; i < num_outputs; ++i)
    node_object->outputs.push_back(next++);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fbs::Node::Pack(builder, node_object));
  const auto* table =
      flatbuffers::GetRoot<fbs::Node>(builder.GetBufferPointer());

  Node node{def, *table, {}, {}, nullptr};
  for (const TestTensor& input : inputs) {
    OpView::Input view;
    view.present = !input.absent;
    view.type = input.type;
    if (input.known)
      view.known =
          DenseView(input.type, const_cast<std::byte*>(input.bytes.data()));
    if (!input.stored.empty())
      view.known = DenseView({DataType::kFloat32, input.type.shape},
                             const_cast<float*>(input.stored.data()));
    node.inputs.push_back(view);
  }
  Expected<std::vector<TensorType>> types =
      def.infer(OpView(*table, node.inputs));
  if (!types.ok()) {
    result.status = types.status();
    return result;
  }
  node.outputs = *types;
  REQUIRE(node.outputs.size() == num_outputs);

  if (!profile.empty()) node.device = &DeviceOf(profile);
  RunRungs(node, inputs, &result);
  if (profile.empty() && result.status.ok()) CheckDeviceRungs(node, inputs);
  return result;
}

}  // namespace aneref::test
