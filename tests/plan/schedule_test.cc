// schedule.h and dispatch.h: order, overlap, hand-over, the host's side.
#include "runtime/plan/engine/schedule.h"

#include <doctest/doctest.h>

#include <string>

#include "runtime/plan/engine/dispatch.h"
#include "tests/plan/models.h"

namespace aneref::engine {
namespace {

TEST_CASE("E40: ring members lead and node ids break the last tie") {
  // From weak to strong; each beats all before it.
  const Priority order[] = {
      {false, 0, 0, false, 1, 9}, {false, 0, 0, false, 1, 8},
      {false, 0, 0, false, 0, 9}, {false, 0, 0, true, 9, 9},
      {false, 0, 1, false, 9, 9}, {false, 1, 0, false, 9, 9},
      {true, 0, 0, false, 9, 9}};
  for (size_t weak = 0; weak < std::size(order); ++weak) {
    CHECK_FALSE(ScheduledBefore(order[weak], order[weak]));
    for (size_t strong = weak + 1; strong < std::size(order); ++strong) {
      CHECK(ScheduledBefore(order[strong], order[weak]));
      CHECK_FALSE(ScheduledBefore(order[weak], order[strong]));
    }
  }
}

TEST_CASE("E42: the larger branch that fits runs first") {
  const EngineModel m1 = ModelOf("m1");
  CHECK_EQ(FirstBranch(m1, {1000, {2000, 3000}}), 1);
  CHECK_EQ(FirstBranch(m1, {1000, {3000, 2000}}), 0);
  CHECK_EQ(FirstBranch(m1, {1000, {3000, 3000}}), 0);
  CHECK_EQ(FirstBranch(m1, {1048576, {1000, 2000000}}), 0);
  CHECK_EQ(FirstBranch(m1, {1048576, {2000000, 1000}}), 1);
  CHECK_EQ(FirstBranch(m1, {1048576, {2000000, 3000000}}), 0);
  CHECK_EQ(FirstBranch(m1, {2097153, {1, 2}}), 0);
}

TEST_CASE("E43: states carry the compiler's codes") {
  CHECK_EQ(static_cast<int>(AllocationState::kResident), 0);
  CHECK_EQ(static_cast<int>(AllocationState::kStreamed), 1);
  CHECK_EQ(static_cast<int>(AllocationState::kChained), 2);
  CHECK_EQ(static_cast<int>(AllocationState::kRing), 6);
  CHECK_EQ(static_cast<int>(AllocationState::kInPlaceStreamed), 8);
  CHECK_EQ(std::string(AllocationStateName(AllocationState::kChained)),
           "l2_chained");
  CHECK_EQ(std::string(AllocationStateName(AllocationState::kInPlaceStreamed)),
           "in_place_dram");
}

ChainQuery Chainable() {
  ChainQuery query;
  query.num_consumers = 1;
  query.same_tiles = true;
  query.consumer_is_next = true;
  query.producer_first_rows = 10;
  query.consumer_first_rows = 10;
  return query;
}

TEST_CASE("E44: chaining needs every condition") {
  const EngineModel m1 = ModelOf("m1");
  CHECK(TestChaining(m1, Chainable()) == ChainRefusal::kNone);
  ChainQuery query = Chainable();
  query.num_consumers = 2;
  CHECK(TestChaining(m1, query) == ChainRefusal::kFanOut);
  query = Chainable();
  query.consumer = EngineKind::kPlanar;
  CHECK(TestChaining(m1, query) == ChainRefusal::kEngine);
  query = Chainable();
  query.consumer_engine = 1;
  CHECK(TestChaining(m1, query) == ChainRefusal::kEngine);
  query = Chainable();
  query.same_tiles = false;
  CHECK(TestChaining(m1, query) == ChainRefusal::kTiles);
  query = Chainable();
  query.consumer_is_next = false;
  CHECK(TestChaining(m1, query) == ChainRefusal::kNotNext);
  query = Chainable();
  query.consumer_first_rows = 11;
  CHECK(TestChaining(m1, query) == ChainRefusal::kRows);
  CHECK(TestChaining(ModelOf("a12"), Chainable()) == ChainRefusal::kChip);
}

TEST_CASE("E45: serial unless the compiler's rule is asked for") {
  EngineModel model = ModelOf("m1");
  const IssueTask mac{EngineKind::kMac, true, false, false};
  const IssueTask planar{EngineKind::kPlanar, true, false, false};
  CHECK_FALSE(MayCoIssue(model, mac, planar, false));
  REQUIRE(ApplyOption("coissue=compiler", &model).ok());
  CHECK(MayCoIssue(model, mac, planar, false));
  CHECK(MayCoIssue(model, planar, mac, false));
  CHECK_FALSE(MayCoIssue(model, mac, mac, false));
  CHECK_FALSE(MayCoIssue(model, mac, planar, true));
  CHECK_FALSE(
      MayCoIssue(model, mac, {EngineKind::kPlanar, true, true, false}, false));
  CHECK_FALSE(MayCoIssue(model, mac, {EngineKind::kPlanar, false, false, false},
                         false));
  const IssueTask streaming{EngineKind::kMac, true, false, true};
  CHECK(MayCoIssue(model, streaming, planar, false));
  CHECK_FALSE(MayCoIssue(model, streaming,
                         {EngineKind::kPlanar, true, false, true}, false));
  CHECK_EQ(TimeOfPair(false, 2, 3), 5);
  CHECK_EQ(TimeOfPair(true, 2, 3), 3);
}

TEST_CASE("E47: two engines run two different programs") {
  CHECK_EQ(ParallelPrograms(ModelOf("m1")), 1);
  CHECK_EQ(ParallelPrograms(ModelOf("m6")), 2);
}

TEST_CASE("E48: descriptor versions and container subtypes") {
  const EngineModel m1 = ModelOf("m1");
  CHECK_EQ(m1.descriptor_version, 7);
  CHECK_EQ(m1.cpu_subtype, 4);
  CHECK(DescriptorsAreLinked(m1));
  struct Row {
    const char* chip;
    int64_t version;
    int64_t subtype;
  };
  for (const Row& row : {Row{"a12", 5, 1}, Row{"a13", 6, 3}}) {
    CHECK_EQ(ModelOf(row.chip).descriptor_version, row.version);
    CHECK_EQ(ModelOf(row.chip).cpu_subtype, row.subtype);
    CHECK(DescriptorsAreLinked(ModelOf(row.chip)));
  }
  for (const Row& row :
       {Row{"m2", 11, 5}, Row{"m3", 8, 6}, Row{"m4", 17, 7}, Row{"m5", 19, 9},
        Row{"a19", 20, 10}, Row{"m6", 24, 11}}) {
    CAPTURE(row.chip);
    CHECK_EQ(ModelOf(row.chip).descriptor_version, row.version);
    CHECK_EQ(ModelOf(row.chip).cpu_subtype, row.subtype);
    CHECK_FALSE(DescriptorsAreLinked(ModelOf(row.chip)));
  }
}

TEST_CASE("E49: unit codes and names") {
  CHECK_EQ(static_cast<int>(Unit::kMatrixMultiplication), 18);
  CHECK_EQ(static_cast<int>(Unit::kMacConv), 68);
  CHECK_EQ(std::string(UnitName(Unit::kMacConv)), "NEConv");
  CHECK_EQ(std::string(UnitName(Unit::kPlanarElementWise)), "PEElementWise");
  CHECK_EQ(std::string(UnitName(static_cast<Unit>(77))), "SDPA");
  CHECK_EQ(std::string(UnitName(static_cast<Unit>(7))), "");
}

TEST_CASE("E50: the parts of a tiny call add up to about 190 us") {
  const DispatchBudget budget;
  CHECK_EQ(budget.total(), 183.5);
  CHECK_EQ(budget.total(), doctest::Approx(190).epsilon(0.05));
}

TEST_CASE("E51: fusing 32 ops shares one call of 190 us") {
  // 6.3 us were measured.
  CHECK_EQ(SecondsPerOp(190e-6, 32) * 1e6, doctest::Approx(6.3).epsilon(0.1));
  CHECK_EQ(SecondsPerOp(190e-6, 0), 190e-6);
}

TEST_CASE("E53: caps of the driver") {
  ProcessLoad load{127, 128, 119, 16, 32, 16};
  CHECK(CheckProcessLoad(load).ok());
  load.requests_in_flight = 128;
  CHECK_EQ(CheckProcessLoad(load).rule(), "E53");
  load = {};
  load.loaded_programs = 129;
  CHECK(CheckProcessLoad(load).code() == StatusCode::kLimit);
  load = {};
  load.compiles = 120;
  CHECK_FALSE(CheckProcessLoad(load).ok());
  load = {};
  load.custom_bars = 33;
  CHECK_FALSE(CheckProcessLoad(load).ok());
}

}  // namespace
}  // namespace aneref::engine
