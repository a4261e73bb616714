// Plans of small nets: layers, cuts, order, memory and cost with the worked
// numbers of the rules, and that the checker of plans notices broken ones.
#include "runtime/plan/plan.h"

#include <doctest/doctest.h>

#include "runtime/plan/plan_json.h"
#include "tests/support/draft.h"
#include "tests/support/plan_checker.h"

namespace aneref {
namespace {

using test::CheckPlan;
using test::DraftBuilder;

struct Planned {
  std::shared_ptr<const Net> net;
  Program program;
  Plan plan;
};

Planned PlanOf(DraftBuilder* draft, const char* chip = "m1") {
  Planned planned;
  planned.net = draft->Parse();
  auto program = Specialize(*planned.net, SpecializeOptions());
  REQUIRE_MESSAGE(program.ok(), program.status().ToString());
  planned.program = std::move(*program);
  PlanOptions options;
  options.chip = ChipTable::Embedded().Find(chip).value();
  auto plan = BuildPlan(*planned.net, planned.program, options);
  REQUIRE_MESSAGE(plan.ok(), plan.status().ToString());
  planned.plan = std::move(*plan);
  return planned;
}

int Conv(DraftBuilder* draft, int x, int64_t cin, int64_t cout, int64_t kernel,
         int pad) {
  fbs::ConvT conv;
  conv.pads = {pad, pad, pad, pad};
  const auto count = static_cast<size_t>(cin * cout * kernel * kernel);
  const int weight = draft->Constant({cout, cin, kernel, kernel},
                                     std::vector<double>(count, 0.5));
  return draft->Node(conv, {x, weight});
}

void CheckSound(const Planned& planned) {
  for (const std::string& problem : CheckPlan(planned.program, planned.plan))
    CHECK_MESSAGE(problem.empty(), problem);
}

const PlanTensor& TensorOf(const Planned& planned, int value) {
  return planned.plan.tensors[static_cast<size_t>(value)];
}

}  // namespace

TEST_CASE("E11: scale and offset and activation enter the slots of a conv") {
  DraftBuilder draft;
  int x = draft.Input("x", {1, 8, 16, 16});
  x = Conv(&draft, x, 8, 8, 3, 1);
  x = draft.Binary(fbs::ElementwiseKind::mul, x,
                   draft.Constant({8, 1, 1}, std::vector<double>(8, 2.0)));
  x = draft.Binary(fbs::ElementwiseKind::add, x, draft.Constant({}, {1.0}));
  x = draft.Unary(fbs::ActivationKind::relu, x);
  draft.Output(x);
  const Planned planned = PlanOf(&draft);
  REQUIRE_EQ(planned.plan.tasks.size(), 1);
  const PlanTask& task = planned.plan.tasks[0];
  REQUIRE_EQ(task.nodes.size(), 4);
  CHECK_EQ(task.nodes[1].slot, engine::Slot::kGain);
  CHECK_EQ(task.nodes[2].slot, engine::Slot::kGain);
  CHECK_EQ(task.nodes[3].slot, engine::Slot::kPostActivation);
  CHECK_EQ(task.engine, engine::EngineKind::kMac);
  CheckSound(planned);
}

TEST_CASE("E11: no gain behind an offset and no two live tensors in one slot") {
  DraftBuilder draft;
  const int in = draft.Input("x", {1, 8, 16, 16});
  int x = Conv(&draft, in, 8, 8, 1, 0);
  x = draft.Binary(fbs::ElementwiseKind::add, x, draft.Constant({}, {1.0}));
  x = draft.Binary(fbs::ElementwiseKind::mul, x, draft.Constant({}, {2.0}));
  x = draft.Binary(fbs::ElementwiseKind::add, x, in);
  draft.Output(x);
  const Planned planned = PlanOf(&draft);
  REQUIRE_EQ(planned.plan.tasks.size(), 3);
  CHECK_EQ(planned.plan.tasks[0].nodes.size(), 2);
  CHECK_EQ(planned.plan.tasks[1].engine, engine::EngineKind::kPlanar);
  CheckSound(planned);
}

TEST_CASE("E11: a value with a second user keeps its follower out") {
  DraftBuilder draft;
  const int in = draft.Input("x", {1, 8, 16, 16});
  const int conv = Conv(&draft, in, 8, 8, 1, 0);
  draft.Output(draft.Unary(fbs::ActivationKind::relu, conv));
  draft.Output(conv);
  const Planned planned = PlanOf(&draft);
  CHECK_EQ(planned.plan.tasks.size(), 2);
  CheckSound(planned);
}

TEST_CASE("E11: zero padding in front becomes the padding of the conv") {
  DraftBuilder draft;
  fbs::PadT pad;
  pad.pads = {0, 0, 1, 1, 0, 0, 1, 1};
  int x = draft.Node(pad, {draft.Input("x", {1, 8, 16, 16})});
  x = Conv(&draft, x, 8, 8, 3, 0);
  draft.Output(x);
  const Planned planned = PlanOf(&draft);
  REQUIRE_EQ(planned.plan.tasks.size(), 1);
  CHECK_EQ(planned.plan.tasks[0].nodes[0].role, LayerRole::kPadding);
  CheckSound(planned);
}

TEST_CASE("E12: the plan carries the groups of both formulas") {
  const auto ocg = [](const char* chip, int64_t kernel, int64_t cin) {
    DraftBuilder draft;
    const int x = draft.Input("x", {1, cin, 32, 32});
    draft.Output(
        Conv(&draft, x, cin, 256, kernel, static_cast<int>(kernel / 2)));
    const Planned planned = PlanOf(&draft, chip);
    CheckSound(planned);
    return planned.plan.tasks[0].mac->ocg;
  };
  CHECK_EQ(ocg("m1", 1, 64), 16);  // book, fp16
  CHECK_EQ(ocg("m1", 3, 64), 1);
  CHECK_EQ(ocg("m6", 5, 16), 16);  // kbuf
  CHECK_EQ(ocg("m6", 5, 256), 4);
  CHECK_EQ(ocg("m6", 7, 256), 2);
}

TEST_CASE("E10: a product with large weights is a tiled one") {
  const auto is_conv = [](int64_t inner) {
    DraftBuilder draft;
    const int x = draft.Input("x", {4, inner});
    const auto count = static_cast<size_t>(inner * 1024);
    draft.Output(draft.Node(
        fbs::MatmulT(),
        {x, draft.Constant({inner, 1024}, std::vector<double>(count, 0.5))}));
    const Planned planned = PlanOf(&draft);
    CheckSound(planned);
    return planned.plan.tasks[0].mac->conv.has_value();
  };
  CHECK(is_conv(1023));        // below 2 MiB
  CHECK_FALSE(is_conv(1024));  // exactly the limit
}

TEST_CASE("E14: three output channels keep three cores at work") {
  DraftBuilder draft;
  const int x = draft.Input("x", {1, 16, 8, 8});
  draft.Output(Conv(&draft, x, 16, 3, 1, 0));
  const Planned planned = PlanOf(&draft);
  CHECK_EQ(planned.plan.tasks[0].mac->cores, 3);
  CHECK_EQ(planned.plan.tasks[0].mac->lanes_register, 4);
  const WorkUnit unit = WorkUnitOf(planned.plan.tasks[0].grid, 1);
  CHECK_EQ(unit.core, 1);
  CHECK_EQ(unit.first_channel, 1);  // round robin (L42)
  CHECK_EQ(unit.channel_step, 3);
  CheckSound(planned);
}

TEST_CASE("E24: tiles of 31 rows for 256 channels of 32 columns") {
  DraftBuilder draft;
  const int x = draft.Input("x", {1, 256, 64, 32});
  draft.Output(Conv(&draft, x, 256, 256, 3, 1));
  const Planned planned = PlanOf(&draft);
  CHECK_EQ(planned.plan.tasks[0].grid.tile_rows, 31);
  CHECK_EQ(planned.plan.tasks[0].grid.Tiles(), 3);
  CheckSound(planned);
}

TEST_CASE("E42: the larger branch that fits runs first") {
  DraftBuilder draft;
  const int in = draft.Input("x", {1, 8, 16, 16});
  const int fork = Conv(&draft, in, 8, 8, 1, 0);
  const int small = Conv(&draft, fork, 8, 8, 3, 1);
  int large = Conv(&draft, fork, 8, 64, 1, 0);
  large = Conv(&draft, large, 64, 8, 1, 0);
  draft.Output(draft.Binary(fbs::ElementwiseKind::add, small, large));
  const Planned planned = PlanOf(&draft);
  REQUIRE_EQ(planned.plan.tasks.size(), 5);
  CHECK_EQ(planned.plan.tasks[1].main, 2);  // the 64-channel branch
  CHECK_EQ(planned.plan.tasks[2].main, 3);
  CHECK_EQ(planned.plan.tasks[3].main, 1);
  CheckSound(planned);
}

TEST_CASE("E41: a partition closes before the pool is full") {
  // Each value of 1 MiB: two of them are more than 85 % of 2 MiB.
  DraftBuilder draft;
  const int in = draft.Input("x", {1, 128, 64, 64});
  int x = in;
  for (int i = 0; i < 4; ++i) x = Conv(&draft, x, 128, 128, 1, 0);
  draft.Output(x);
  const Planned planned = PlanOf(&draft);
  CHECK_EQ(planned.plan.partitions.size(), 3);
  CheckSound(planned);
}

TEST_CASE("E11: operands of a concat are written where its result lies") {
  DraftBuilder draft;
  const int in = draft.Input("x", {1, 8, 16, 16});
  const int a = Conv(&draft, in, 8, 8, 1, 0);
  const int b = Conv(&draft, in, 8, 24, 1, 0);
  fbs::ConcatT concat;
  concat.axis = 1;
  const int out = draft.Node(concat, {a, b});
  draft.Output(draft.Unary(fbs::ActivationKind::relu, out));
  const Planned planned = PlanOf(&draft);
  CHECK_EQ(TensorOf(planned, a).place.offset,
           TensorOf(planned, out).place.offset);
  CHECK_EQ(TensorOf(planned, b).place.offset,
           TensorOf(planned, out).place.offset + 8 * 16 * 64);
  CHECK_EQ(TensorOf(planned, b).place.sharing, Sharing::kPart);
  CheckSound(planned);
}

TEST_CASE("plan: a reshape of whole rows is a view and costs nothing") {
  DraftBuilder draft;
  const int in = draft.Input("x", {1, 4, 8, 32});
  fbs::ReshapeT reshape;
  reshape.shape = {1, 32, 32};
  const int copy = draft.Unary(fbs::ActivationKind::relu, in);
  const int flat = draft.Node(reshape, {copy});
  draft.Output(draft.Unary(fbs::ActivationKind::abs, flat));
  const Planned planned = PlanOf(&draft);
  CHECK_EQ(TensorOf(planned, flat).place.sharing, Sharing::kView);
  CheckSound(planned);
}

TEST_CASE("C10: the plan of a reference conv predicts its published time") {
  DraftBuilder draft;
  const int x = draft.Input("x", {1, 256, 28, 28});
  draft.Output(Conv(&draft, x, 256, 256, 3, 1));
  const Planned planned = PlanOf(&draft);
  CHECK_EQ(planned.plan.totals.predicted_us,
           doctest::Approx(504.6).epsilon(0.001));
  CHECK_EQ(planned.plan.totals.dispatches, 1);
}

TEST_CASE("C8: cycles of a task") {
  // 16 outputs of 3x3 from 16 inputs at 28x28: one pass on M1, 16 cores.
  DraftBuilder draft;
  const int x = draft.Input("x", {1, 16, 28, 28});
  draft.Output(Conv(&draft, x, 16, 16, 3, 1));
  const Planned planned = PlanOf(&draft);
  CHECK_EQ(planned.plan.tasks[0].mac->passes, 1);
  CHECK_EQ(planned.plan.tasks[0].cycles, 9 * 16 * 784 / 16 + 44);
}

TEST_CASE("plan: the checker notices broken plans") {
  DraftBuilder draft;
  const int in = draft.Input("x", {1, 8, 16, 16});
  const int a = Conv(&draft, in, 8, 8, 1, 0);
  const int b = Conv(&draft, a, 8, 8, 3, 1);
  draft.Output(draft.Binary(fbs::ElementwiseKind::add, a, b));
  const Planned planned = PlanOf(&draft);
  CheckSound(planned);
  const auto broken = [&](const auto& change) {
    Plan plan = planned.plan;
    change(&plan);
    return !CheckPlan(planned.program, plan).empty();
  };
  const auto at = [](Plan* plan, int value) -> PlanTensor& {
    return plan->tensors[static_cast<size_t>(value)];
  };
  CHECK(broken([&](Plan* plan) {  // b over a, which is still needed
    at(plan, b).place.offset = at(plan, a).place.offset;
  }));
  CHECK(broken([](Plan* plan) { std::swap(plan->tasks[0], plan->tasks[1]); }));
  CHECK(broken([](Plan* plan) { plan->tasks.pop_back(); }));
  CHECK(broken([](Plan* plan) { plan->arena.arena_bytes = 64; }));
  CHECK(broken([](Plan* plan) { plan->tasks[0].grid.channels = 0; }));
  CHECK(broken(
      [](Plan* plan) { plan->tasks[0].mac->descriptor_channels = {1}; }));
  CHECK(broken([&](Plan* plan) {
    at(plan, a).chip_address = plan->model.working_set_bytes;
  }));
}

TEST_CASE("plan: the difference of two chips names what changes") {
  DraftBuilder draft;
  const int x = draft.Input("x", {1, 64, 32, 32});
  draft.Output(Conv(&draft, x, 64, 256, 5, 2));
  const Planned m1 = PlanOf(&draft, "m1"), m6 = PlanOf(&draft, "m6");
  bool found = false;
  for (const PlanDifference& row : DiffPlans(m1.plan, m6.plan))
    found |= row.field == "ocg" && row.a == "1" && row.b == "16";
  CHECK(found);
  CHECK(DiffPlans(m1.plan, m1.plan).empty());
}

TEST_CASE("plan: an unknown engine option is refused") {
  DraftBuilder draft;
  draft.Output(
      draft.Unary(fbs::ActivationKind::relu, draft.Input("x", {1, 4})));
  const auto net = draft.Parse();
  const auto program = Specialize(*net, SpecializeOptions());
  PlanOptions options;
  options.chip = ChipTable::Embedded().Find("m1").value();
  options.engine_options = {"ocg=other"};
  CHECK_EQ(BuildPlan(*net, *program, options).status().code(),
           StatusCode::kInvalidArgument);
}

}  // namespace aneref
