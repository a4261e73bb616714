// Planning: from a specialised program to the plan of one chip, without weights
// being packed. A ResNet-50-like network and a chain of 1,000 ops.
#define DOCTEST_CONFIG_DISABLE
#include <benchmark/benchmark.h>

#include "runtime/plan/plan.h"
#include "tests/support/draft.h"

namespace aneref {
namespace {

int Conv(test::DraftBuilder* draft, int x, const Shape& weight, int stride) {
  fbs::ConvT conv;
  const auto pad = static_cast<int>(weight[2] / 2);
  conv.pads = {pad, pad, pad, pad};
  conv.strides = {stride, stride};
  const int constant = draft->Constant(
      weight,
      std::vector<double>(static_cast<size_t>(weight.NumElements()), 0.0));
  return draft->Node(conv, {x, constant});
}

int Relu(test::DraftBuilder* draft, int x) {
  return draft->Unary(fbs::ActivationKind::relu, x);
}

// Stages of bottlenecks: 3, 4, 6, 3, as in the paper; 16 channels for 64, so
// that building the weights takes no time. Shapes count, not weights.
std::shared_ptr<const Net> ResidualNet() {
  test::DraftBuilder draft;
  int x = Relu(&draft, Conv(&draft, draft.Input("x", {1, 3, 224, 224}),
                            {16, 3, 7, 7}, 2));
  int64_t in = 16;
  const int blocks[] = {3, 4, 6, 3};
  for (int stage = 0; stage < 4; ++stage) {
    const int64_t width = int64_t{16} << stage;
    for (int block = 0; block < blocks[stage]; ++block) {
      const int stride = block == 0 ? 2 : 1;
      int y = Relu(&draft, Conv(&draft, x, {width, in, 1, 1}, 1));
      y = Relu(&draft, Conv(&draft, y, {width, width, 3, 3}, stride));
      y = Conv(&draft, y, {4 * width, width, 1, 1}, 1);
      if (block == 0) x = Conv(&draft, x, {4 * width, in, 1, 1}, stride);
      x = Relu(&draft, draft.Binary(fbs::ElementwiseKind::add, x, y));
      in = 4 * width;
    }
  }
  draft.Output(x);
  return draft.Parse();
}

std::shared_ptr<const Net> Chain(int ops) {
  test::DraftBuilder draft;
  int x = draft.Input("x", {1, 16, 32, 32});
  int kept = x;
  for (int i = 0; i < ops / 2; ++i) {
    x = Conv(&draft, x, {16, 16, 3, 3}, 1);
    if (i % 5 == 4) {
      x = draft.Binary(fbs::ElementwiseKind::add, x, kept);
      kept = x;
    } else {
      x = Relu(&draft, x);
    }
  }
  draft.Output(x);
  return draft.Parse();
}

void PlanNet(benchmark::State& state, const std::shared_ptr<const Net>& net) {
  const auto program = Specialize(*net, SpecializeOptions());
  if (!program.ok()) return state.SkipWithError("the net does not specialise");
  PlanOptions options;
  options.chip = ChipTable::Embedded().Find("m1").value();
  for (auto _ : state)
    benchmark::DoNotOptimize(BuildPlan(*net, *program, options));
  state.counters["nodes"] = static_cast<double>(program->nodes.size());
}

void BM_PlanResidualNet(benchmark::State& state) {
  PlanNet(state, ResidualNet());
}
BENCHMARK(BM_PlanResidualNet)->Unit(benchmark::kMillisecond);

void BM_PlanThousandOps(benchmark::State& state) {
  PlanNet(state, Chain(1000));
}
BENCHMARK(BM_PlanThousandOps)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace aneref
BENCHMARK_MAIN();
