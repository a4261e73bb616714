// Speed of the elementwise, unary and softmax kernels on one thread: bytes read
// and written per second. Runs the lowered tasks of one node on engine
// surfaces; correctness is the tests' business.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "ops/op.h"
#include "runtime/core/half.h"
#include "runtime/core/layout.h"

namespace aneref {
namespace {

struct Surface {
  explicit Surface(const TensorType& type)
      : data(static_cast<std::byte*>(
                 std::aligned_alloc(64, SurfaceBytes(type).value())),
             std::free),
        view(SurfaceView(type, data.get())) {}
  std::unique_ptr<std::byte, void (*)(void*)> data;
  TensorView view;
};

// Values of about normal size in (-4, 4).
void Fill(const Surface& surface, uint32_t seed) {
  uint32_t state = seed;
  for (int64_t row = 0; row < surface.view.num_rows(); ++row) {
    for (int64_t i = 0; i < surface.view.width(); ++i) {
      state = state * 1664525u + 1013904223u;
      const float value = static_cast<float>(state >> 8) * 0x1p-21f - 4.0f;
      if (surface.view.dtype == DataType::kFloat16) {
        surface.view.Row<uint16_t>(row)[i] = FloatToHalf(value);
      } else {
        surface.view.Row<float>(row)[i] = value;
      }
    }
  }
}

template <class AttributesT>
void RunNode(benchmark::State& state, const OpDef& def,
             const AttributesT& attributes,
             const std::vector<TensorType>& inputs) {
  fbs::NodeT node;
  node.op.Set(AttributesT(attributes));
  for (size_t i = 0; i < inputs.size(); ++i)
    node.inputs.push_back(static_cast<int>(i));
  node.outputs = {static_cast<int>(inputs.size())};
  flatbuffers::FlatBufferBuilder buffer;
  buffer.Finish(fbs::Node::Pack(buffer, &node));
  const auto* table =
      flatbuffers::GetRoot<fbs::Node>(buffer.GetBufferPointer());
  std::vector<OpView::Input> views;
  std::vector<Surface> surfaces;
  size_t bytes = 0;
  for (const TensorType& type : inputs) {
    views.push_back({true, type, {}});
    surfaces.emplace_back(type);
    Fill(surfaces.back(), static_cast<uint32_t>(surfaces.size()));
    bytes += DenseBytes(type);
  }
  const std::vector<TensorType> outputs =
      def.infer(OpView(*table, views)).value();
  bytes += DenseBytes(outputs[0]);
  const Surface out(outputs[0]);
  TaskBuilder builder;
  if (!def.lower(OpView(*table, views, outputs), &builder).ok())
    return state.SkipWithError("cannot lower");
  const TaskSpec& task = builder.tasks()[0];
  std::vector<TensorView> in;
  for (const Surface& surface : surfaces) in.push_back(surface.view);
  const Surface scratch(
      {DataType::kInt8, {static_cast<int64_t>(task.scratch_bytes)}});
  const KernelCall call = {
      in, {&out.view, 1}, task.args.get(), scratch.view.data};
  for (auto _ : state) {
    for (int64_t unit = 0; unit < task.num_units; ++unit) {
      if (!task.kernel->simd(call, unit).ok())
        return state.SkipWithError("failed");
    }
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

void Elementwise(benchmark::State& state, fbs::ElementwiseKind kind,
                 const TensorType& x, const TensorType& y) {
  fbs::ElementwiseT attributes;
  attributes.kind = kind;
  RunNode(state, elementwise_op, attributes, {x, y});
}

void Activation(benchmark::State& state, fbs::ActivationKind kind,
                const TensorType& x) {
  fbs::ActivationT attributes;
  attributes.kind = kind;
  attributes.alpha = 0.1f;
  attributes.beta = 0.5;
  RunNode(state, activation_op, attributes, {x});
}

void Softmax(benchmark::State& state, int axis, const TensorType& x) {
  fbs::SoftmaxT attributes;
  attributes.axis = axis;
  RunNode(state, softmax_op, attributes, {x});
}

constexpr DataType kHalf = DataType::kFloat16;
constexpr DataType kFloat = DataType::kFloat32;
using EKind = fbs::ElementwiseKind;
using AKind = fbs::ActivationKind;

BENCHMARK_CAPTURE(Elementwise, add_f16_64x56x56, EKind::add,
                  {kHalf, {1, 64, 56, 56}}, {kHalf, {1, 64, 56, 56}});
BENCHMARK_CAPTURE(Elementwise, add_f16_512x7x7, EKind::add,
                  {kHalf, {1, 512, 7, 7}}, {kHalf, {1, 512, 7, 7}});
BENCHMARK_CAPTURE(Elementwise, add_f32_64x56x56, EKind::add,
                  {kFloat, {1, 64, 56, 56}}, {kFloat, {1, 64, 56, 56}});
BENCHMARK_CAPTURE(Elementwise, mul_f16_channel, EKind::mul,
                  {kHalf, {1, 64, 56, 56}}, {kHalf, {1, 64, 1, 1}});
BENCHMARK_CAPTURE(Elementwise, less_f16, EKind::less, {kHalf, {256, 1024}},
                  {kHalf, {256, 1024}});
BENCHMARK_CAPTURE(Activation, relu_f16, AKind::relu, {kHalf, {1, 64, 56, 56}});
BENCHMARK_CAPTURE(Activation, relu_f32, AKind::relu, {kFloat, {1, 64, 56, 56}});
BENCHMARK_CAPTURE(Activation, leaky_relu_f16, AKind::leaky_relu,
                  {kHalf, {1, 64, 56, 56}});
BENCHMARK_CAPTURE(Activation, hard_swish_f16, AKind::hard_swish,
                  {kHalf, {1, 64, 56, 56}});
BENCHMARK_CAPTURE(Activation, sigmoid_f16_table, AKind::sigmoid,
                  {kHalf, {1, 64, 56, 56}});
BENCHMARK_CAPTURE(Activation, sigmoid_f32, AKind::sigmoid,
                  {kFloat, {1, 64, 56, 56}});
BENCHMARK_CAPTURE(Softmax, rows_f16_512x512, -1, {kHalf, {512, 512}});
BENCHMARK_CAPTURE(Softmax, rows_f32_512x512, -1, {kFloat, {512, 512}});
BENCHMARK_CAPTURE(Softmax, columns_f16_21x65x65, 1, {kHalf, {1, 21, 65, 65}});

}  // namespace
}  // namespace aneref

BENCHMARK_MAIN();
