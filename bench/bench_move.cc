// Movement as nets use it: layout changes of fp16 maps, concat, pad, reshape,
// gather. One thread; bytes read and written per second.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "ops/registry.h"
#include "runtime/core/layout.h"

namespace aneref {
namespace {

struct Surface {
  explicit Surface(const TensorType& type)
      : bytes(SurfaceBytes(type).value()),
        memory(static_cast<std::byte*>(std::aligned_alloc(64, bytes)),
               std::free),
        view(SurfaceView(type, memory.get())) {
    std::fill_n(memory.get(), bytes, std::byte{0});
  }
  size_t bytes;
  std::unique_ptr<std::byte, void (*)(void*)> memory;
  TensorView view;
};

// Infers and lowers one node, then runs its tasks over and over.
template <class AttributesT>
void RunNode(benchmark::State& state, const OpDef& def,
             const AttributesT& attributes,
             const std::vector<TensorType>& types) {
  fbs::NodeT object;
  object.op.Set(AttributesT(attributes));
  std::vector<OpView::Input> inputs;
  std::vector<std::unique_ptr<Surface>> surfaces;
  std::vector<TensorView> in;
  int next = 0;
  for (const TensorType& type : types) {
    object.inputs.push_back(next++);
    inputs.push_back({true, type, {}});
    surfaces.push_back(std::make_unique<Surface>(type));
    in.push_back(surfaces.back()->view);
  }
  object.outputs.push_back(next);
  flatbuffers::FlatBufferBuilder buffer;
  buffer.Finish(fbs::Node::Pack(buffer, &object));
  const auto* node = flatbuffers::GetRoot<fbs::Node>(buffer.GetBufferPointer());
  const auto outputs = def.infer(OpView(*node, inputs));
  ANEREF_CHECK(outputs.ok());
  const Surface result((*outputs)[0]);
  TaskBuilder builder;
  ANEREF_CHECK(def.lower(OpView(*node, inputs, *outputs), &builder).ok());
  for (auto _ : state) {
    for (const TaskSpec& task : builder.tasks()) {
      std::vector<TensorView> task_in;
      for (const Operand& operand : task.in)
        task_in.push_back(in[operand.index]);
      const KernelCall call{
          task_in, {&result.view, 1}, task.args.get(), nullptr};
      for (int64_t unit = 0; unit < task.num_units; ++unit)
        ANEREF_CHECK(task.kernel->simd(call, unit).ok());
    }
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * 2 *
                          static_cast<int64_t>(DenseBytes((*outputs)[0])));
}

TensorType Map(int64_t channels, int64_t side) {
  return {DataType::kFloat16, {1, channels, side, side}};
}

void ChannelsLast(benchmark::State& state) {
  fbs::TransposeT attributes;
  attributes.perm = {0, 2, 3, 1};
  RunNode(state, transpose_op, attributes,
          {Map(state.range(0), state.range(1))});
}
void ChannelsFirst(benchmark::State& state) {
  fbs::TransposeT attributes;
  attributes.perm = {0, 3, 1, 2};
  RunNode(state, transpose_op, attributes,
          {{DataType::kFloat16,
            {1, state.range(1), state.range(1), state.range(0)}}});
}
void Matrix(benchmark::State& state) {
  fbs::TransposeT attributes;
  attributes.perm = {1, 0};
  RunNode(state, transpose_op, attributes,
          {{DataType::kFloat16, {state.range(0), state.range(1)}}});
}
void ConcatChannels(benchmark::State& state) {
  fbs::ConcatT attributes;
  attributes.axis = 1;
  const TensorType map = Map(state.range(0), state.range(1));
  RunNode(state, concat_op, attributes, {map, map});
}
void PadFrame(benchmark::State& state) {
  fbs::PadT attributes;
  attributes.pads = {0, 0, 1, 1, 0, 0, 1, 1};
  attributes.fill = static_cast<fbs::PadFill>(state.range(2));
  RunNode(state, pad_op, attributes, {Map(state.range(0), state.range(1))});
}
void FlattenMap(benchmark::State& state) {
  fbs::ReshapeT attributes;
  attributes.shape = {1, -1};
  RunNode(state, reshape_op, attributes, {Map(state.range(0), state.range(1))});
}
void DepthToSpace(benchmark::State& state) {
  fbs::DepthSpaceT attributes;
  attributes.block = static_cast<int>(state.range(2));
  RunNode(state, depth_space_op, attributes,
          {Map(state.range(0), state.range(1))});
}
void EmbeddingRows(benchmark::State& state) {
  RunNode(state, gather_op, fbs::GatherT(),
          {{DataType::kFloat16, {1000, state.range(0)}},
           {DataType::kInt64, {1, 384}}});
}

BENCHMARK(ChannelsLast)->Args({64, 56})->Args({256, 14})->Args({512, 7});
BENCHMARK(ChannelsFirst)->Args({64, 56})->Args({256, 14})->Args({512, 7});
BENCHMARK(Matrix)->Args({768, 384})->Args({4096, 1024});
BENCHMARK(ConcatChannels)->Args({64, 56})->Args({256, 14});
BENCHMARK(PadFrame)->Args({64, 56, 0})->Args({64, 56, 1})->Args({256, 14, 0});
BENCHMARK(FlattenMap)->Args({64, 56})->Args({512, 7});
BENCHMARK(DepthToSpace)->Args({36, 224, 2})->Args({9, 224, 3});
BENCHMARK(EmbeddingRows)->Arg(768);

}  // namespace
}  // namespace aneref

BENCHMARK_MAIN();
