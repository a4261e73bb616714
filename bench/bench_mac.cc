// Convolution and matmul kernels on the shapes that networks have, one thread,
// every SIMD target: GFLOP/s and percent of the FMA peak, which a calibration
// loop measures on the same target just before; one row also in percent of the
// bandwidth of a plain read. Weights are constants; input and output are fp16
// surfaces.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "hwy/targets.h"
#include "ops/kernels/machine_peak.h"
#include "ops/op.h"
#include "runtime/core/half.h"
#include "runtime/core/layout.h"

namespace aneref {
namespace {

// 64-byte aligned, filled with small fp16 values.
class Surface {
 public:
  explicit Surface(const TensorType& type)
      : storage_(SurfaceBytes(type).value() + 64) {
    const auto address = reinterpret_cast<uintptr_t>(storage_.data());
    view_ = SurfaceView(type, storage_.data() + (64 - address % 64) % 64);
    for (int64_t row = 0; row < view_.num_rows(); ++row) {
      for (int64_t i = 0; i < view_.width(); ++i) {
        const int64_t value = (row * 7 + i * 3) % 17 - 8;
        view_.Row<uint16_t>(row)[i] =
            FloatToHalf(static_cast<float>(value) / 16);
      }
    }
  }
  const TensorView& view() const { return view_; }

 private:
  std::vector<std::byte> storage_;
  TensorView view_;
};

// A node with a constant second input, lowered and ready to run.
class Node {
 public:
  Node(const OpDef& def, fbs::NodeT* node, const Shape& x, const Shape& weight,
       bool known)
      : x_({DataType::kFloat16, x}), weight_({DataType::kFloat16, weight}) {
    node->inputs = {0, 1};
    node->outputs = {2};
    buffer_.Finish(fbs::Node::Pack(buffer_, node));
    const auto* table =
        flatbuffers::GetRoot<fbs::Node>(buffer_.GetBufferPointer());
    dense_.resize(static_cast<size_t>(weight.NumElements()));
    for (size_t i = 0; i < dense_.size(); ++i)
      dense_[i] = FloatToHalf(static_cast<float>(i % 13) / 8 - 0.75f);
    inputs_.resize(2);
    inputs_[0] = {true, {DataType::kFloat16, x}, {}};
    inputs_[1] = {true, {DataType::kFloat16, weight}, {}};
    if (known) inputs_[1].known = DenseView(inputs_[1].type, dense_.data());
    types_ = def.infer(OpView(*table, inputs_)).value();
    outputs_.emplace_back(types_[0]);
    const Status status = def.lower(OpView(*table, inputs_, types_), &builder_);
    ANEREF_CHECK(status.ok());
  }

  double flops() {
    double sum = 0;
    for (const TaskSpec& task : builder_.tasks()) sum += task.flops;
    return sum;
  }
  void Run() {
    for (const TaskSpec& task : builder_.tasks()) {
      if (scratch_.size() < task.scratch_bytes + 64)
        scratch_.resize(task.scratch_bytes + 64);
      const auto address = reinterpret_cast<uintptr_t>(scratch_.data());
      const TensorView in[2] = {x_.view(), weight_.view()};
      const TensorView out[1] = {outputs_[0].view()};
      const KernelCall call{std::span(in, task.in.size()), out, task.args.get(),
                            scratch_.data() + (64 - address % 64) % 64};
      for (int64_t unit = 0; unit < task.num_units; ++unit)
        ANEREF_CHECK(task.kernel->simd(call, unit).ok());
    }
  }

 private:
  Surface x_, weight_;
  flatbuffers::FlatBufferBuilder buffer_;
  std::vector<uint16_t> dense_;
  std::vector<OpView::Input> inputs_;
  std::vector<TensorType> types_;
  std::vector<Surface> outputs_;
  TaskBuilder builder_;
  std::vector<std::byte> scratch_;
};

void Measure(benchmark::State& state, Node* node, int64_t target, double peak) {
  hwy::SetSupportedTargetsForTest(target);
  node->Run();
  // The best iteration in processor time, because the machine has other work.
  double best = 1e30;
  for (auto _ : state) {
    const double begin = ThreadSeconds();
    node->Run();
    best = std::min(best, ThreadSeconds() - begin);
  }
  hwy::SetSupportedTargetsForTest(0);
  state.counters["us"] = best * 1e6;
  state.counters["GFLOPS"] = node->flops() / best / 1e9;
  state.counters["percent"] = 100 * node->flops() / best / peak;
}

struct ConvCase {
  const char* name;
  int64_t inputs, outputs, size;
  int kernel, stride;
  bool depthwise;
};
constexpr ConvCase kConvCases[] = {
    {"1x1_64_64_56", 64, 64, 56, 1, 1, false},
    {"1x1_256_64_56", 256, 64, 56, 1, 1, false},
    {"1x1_64_256_56", 64, 256, 56, 1, 1, false},
    {"1x1_128_512_28", 128, 512, 28, 1, 1, false},
    {"1x1_96_24_56", 96, 24, 56, 1, 1, false},
    {"1x1_16_96_112", 16, 96, 112, 1, 1, false},
    {"1x1_512_128_28", 512, 128, 28, 1, 1, false},
    {"1x1_256_1024_14", 256, 1024, 14, 1, 1, false},
    {"1x1_576_96_14", 576, 96, 14, 1, 1, false},
    {"1x1_960_160_7", 960, 160, 7, 1, 1, false},
    {"1x1_2048_512_7", 2048, 512, 7, 1, 1, false},
    {"1x1_s2_256_512_56", 256, 512, 56, 1, 2, false},
    {"3x3_64_64_56", 64, 64, 56, 3, 1, false},
    {"3x3_128_128_28", 128, 128, 28, 3, 1, false},
    {"3x3_256_256_14", 256, 256, 14, 3, 1, false},
    {"3x3_512_512_7", 512, 512, 7, 3, 1, false},
    {"3x3_s2_64_128_56", 64, 128, 56, 3, 2, false},
    {"7x7_s2_3_64_224", 3, 64, 224, 7, 2, false},
    {"3x3_s2_3_32_224", 3, 32, 224, 3, 2, false},
    {"9x9_3_8_256", 3, 8, 256, 9, 1, false},
    {"9x9_32_3_256", 32, 3, 256, 9, 1, false},
    {"3x3_16_8_256", 16, 8, 256, 3, 1, false},
    {"3x3_3_16_256", 3, 16, 256, 3, 1, false},
    {"5x5_s2_3_12_256", 3, 12, 256, 5, 2, false},
    {"3x3_64_2_256", 64, 2, 256, 3, 1, false},
    {"1x1_48_2_256", 48, 2, 256, 1, 1, false},
    {"1x1_64_8_128", 64, 8, 128, 1, 1, false},
    {"1x1_64_16_128", 64, 16, 128, 1, 1, false},
    {"dw3x3_32_112", 32, 32, 112, 3, 1, true},
    {"dw3x3_144_56", 144, 144, 56, 3, 1, true},
    {"dw3x3_384_14", 384, 384, 14, 3, 1, true},
    {"dw3x3_960_7", 960, 960, 7, 3, 1, true},
    {"dw3x3_s2_96_112", 96, 96, 112, 3, 2, true},
    {"dw5x5_240_28", 240, 240, 28, 5, 1, true},
};

void RegisterConv(const ConvCase& c, int64_t target, double peak) {
  const std::string name =
      std::string("conv/") + c.name + "/" + hwy::TargetName(target);
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    fbs::ConvT conv;
    conv.strides = {c.stride, c.stride};
    const int pad = c.kernel / 2;
    conv.pads = {pad, pad, pad, pad};
    conv.groups = c.depthwise ? static_cast<int>(c.inputs) : 1;
    fbs::NodeT attributes;
    attributes.op.Set(std::move(conv));
    Node node(conv_op, &attributes, {1, c.inputs, c.size, c.size},
              {c.outputs, c.depthwise ? 1 : c.inputs, c.kernel, c.kernel},
              true);
    Measure(state, &node, target, peak);
  });
}

void RegisterTransposed(int64_t channels, int64_t size, int kernel, int stride,
                        int64_t target, double peak) {
  const std::string name = "conv_transpose/" + std::to_string(kernel) + "x" +
                           std::to_string(kernel) + "_s" +
                           std::to_string(stride) + "_" +
                           std::to_string(channels) + "_" +
                           std::to_string(size) + "/" + hwy::TargetName(target);
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    fbs::ConvTransposeT conv;
    conv.strides = {stride, stride};
    fbs::NodeT attributes;
    attributes.op.Set(std::move(conv));
    Node node(conv_transpose_op, &attributes, {1, channels, size, size},
              {channels, channels, kernel, kernel}, true);
    Measure(state, &node, target, peak);
  });
}

struct MatmulCase {
  int64_t rows, depth, columns;
  int64_t batch;  // 1: y is a constant
  bool transpose_y;
};
constexpr MatmulCase kMatmulCases[] = {
    {256, 256, 256, 1, false},    {512, 512, 512, 1, false},
    {1024, 1024, 1024, 1, false}, {2048, 2048, 2048, 1, false},
    {128, 1024, 1024, 1, false},  {197, 768, 768, 1, false},
    {196, 256, 1024, 1, false},   {49, 2048, 512, 1, false},
    {1, 4096, 4096, 1, false},    {1, 1024, 1000, 1, false},
    {197, 64, 197, 12, true},     {197, 197, 64, 12, false},
};

void RegisterMatmul(const MatmulCase& c, int64_t target, double peak) {
  const std::string name =
      "matmul/" + std::to_string(c.batch) + "x" + std::to_string(c.rows) + "x" +
      std::to_string(c.depth) + "x" + std::to_string(c.columns) + "/" +
      hwy::TargetName(target);
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    fbs::MatmulT matmul;
    matmul.transpose_y = c.transpose_y;
    fbs::NodeT attributes;
    attributes.op.Set(std::move(matmul));
    const int64_t rows = c.transpose_y ? c.columns : c.depth;
    const int64_t columns = c.transpose_y ? c.depth : c.columns;
    Node node(matmul_op, &attributes, {c.batch, c.rows, c.depth},
              {c.batch, rows, columns}, c.batch == 1);
    Measure(state, &node, target, peak);
    if (c.rows > 1) return;
    // Bound by memory: the weights are read once.
    const double bytes = 2.0 * static_cast<double>(c.depth * c.columns);
    hwy::SetSupportedTargetsForTest(target);
    const double stream = MeasureReadBandwidth(static_cast<size_t>(bytes), 20);
    hwy::SetSupportedTargetsForTest(0);
    const double rate = bytes / (state.counters["us"] * 1e-6);
    state.counters["GBps"] = rate / 1e9;
    state.counters["stream_percent"] = 100 * rate / stream;
  });
}

void RegisterTarget(int64_t target) {
  hwy::SetSupportedTargetsForTest(target);
  const double peak = MeasurePeakFlops();
  hwy::SetSupportedTargetsForTest(0);
  const std::string name = std::string("peak/") + hwy::TargetName(target);
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    for (auto _ : state) {
    }
    state.counters["GFLOPS"] = peak / 1e9;
  })->Iterations(1);
  for (const ConvCase& c : kConvCases) RegisterConv(c, target, peak);
  RegisterTransposed(64, 40, 2, 2, target, peak);
  RegisterTransposed(64, 56, 3, 2, target, peak);
  for (const MatmulCase& c : kMatmulCases) RegisterMatmul(c, target, peak);
}

}  // namespace
}  // namespace aneref

int main(int argc, char** argv) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets())
    aneref::RegisterTarget(target);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
