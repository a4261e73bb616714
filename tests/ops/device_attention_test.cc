// Attention in the engine's arithmetic (N36): bits worked out by hand from the
// rules of its pieces. That all rungs and SIMD targets agree in every profile
// is checked by the runner, here and in attention_test.cc.
#include <doctest/doctest.h>

#include "tests/support/op_runner.h"

namespace aneref {
namespace {

using test::Absent;
using test::Half;
using test::HalfBits;
using test::Make;
using test::Random;
using test::RunDeviceOp;
using test::RunResult;
using test::TestTensor;
using Bits = std::vector<uint16_t>;
using Values = std::vector<double>;

fbs::AttentionT Unscaled() {
  fbs::AttentionT table;
  table.scale = 1.0f;
  return table;
}

RunResult Run(const std::string& profile, const fbs::AttentionT& table,
              const std::vector<TestTensor>& inputs, size_t num_outputs = 1) {
  RunResult result =
      RunDeviceOp(profile, attention_op, table, inputs, num_outputs);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result;
}

// The raw product of one query and one key.
uint16_t Score(const std::string& profile, fbs::AttentionT table,
               const Values& q, const Values& k) {
  const auto depth = static_cast<int64_t>(q.size());
  const RunResult result =
      Run(profile, table,
          {Half({1, 1, 1, depth}, q), Half({1, 1, 1, depth}, k),
           Half({1, 1, 1, 1}, {1})},
          4);
  return result.outputs[3].Bits()[0];
}

TEST_CASE("N36: equal scores average the values") {
  for (const char* profile : {"h13", "h15", "h16"}) {
    const RunResult result =
        Run(profile, Unscaled(),
            {Half({1, 1, 1, 1}, {1}), Half({1, 1, 2, 1}, {1, 1}),
             Half({1, 1, 2, 1}, {1, 4})});
    CHECK(result.outputs[0].Values() == Values{2.5});
  }
}

TEST_CASE("N36: the scale is fp16 and its product is rounded") {
  fbs::AttentionT table;
  table.scale = 0.1f;
  // 3 * 0.0999755859375 lies halfway between 1228 and 1229 times 2^-12.
  CHECK(Score("h13", table, {3}, {1}) == 0x34CC);
  CHECK(Score("h16", table, {3}, {1}) == 0x34CD);
  // 1 / sqrt(4) when the node gives none.
  CHECK(Score("h16", fbs::AttentionT(), {2, 2, 2, 2}, {1, 1, 1, 1}) == 0x4400);
}

TEST_CASE("N36: scores are sums of the accumulator") {
  CHECK(Score("h13", Unscaled(), {2048, 1}, {1, 1}) == 0x6800);
  CHECK(Score("h16", Unscaled(), {2048, 1}, {1, 1}) == 0x6801);
  // N18 and N20: beyond 32768.
  CHECK(Score("h13", Unscaled(), {256}, {128}) == 0x7C00);
  CHECK(Score("h16", Unscaled(), {256}, {128}) == 0x7C00);
}

TEST_CASE("N36: a hidden key has no weight") {
  fbs::AttentionT causal = Unscaled();
  causal.is_causal = true;
  const TestTensor q = Half({1, 1, 2, 1}, {1, 1}),
                   k = Half({1, 1, 2, 1}, {1, 1}),
                   v = Half({1, 1, 2, 1}, {1, 4});
  CHECK(Run("h13", causal, {q, k, v}).outputs[0].Values() == Values{1, 2.5});
  const TestTensor mask = Make(DataType::kBool, {2, 2}, {0, 1, 1, 0});
  CHECK(Run("h16", Unscaled(), {q, k, v, mask}).outputs[0].Values() ==
        Values{4, 1});
  // What a hidden key holds does not matter.
  CHECK(Run("h16", Unscaled(),
            {q, HalfBits({1, 1, 2, 1}, {0x7E00, 0x3C00}),
             HalfBits({1, 1, 2, 1}, {0x7E00, 0x4400}),
             Make(DataType::kBool, {2, 2}, {0, 1, 0, 1})})
            .outputs[0]
            .Values() == Values{4, 4});
}

TEST_CASE("N36: a row without a visible key averages all") {
  const TestTensor q = Half({1, 1, 1, 1}, {1}), k = Half({1, 1, 2, 1}, {7, -3}),
                   v = Half({1, 1, 2, 1}, {1, 4});
  const TestTensor none = Make(DataType::kBool, {1, 2}, {0, 0});
  CHECK(Run("h13", Unscaled(), {q, k, v, none}).outputs[0].Values() ==
        Values{2.5});
}

TEST_CASE("N36: an additive mask is a planar addition") {
  fbs::AttentionT table = Unscaled();
  table.product_mode = 2;
  // 2048 + 1 is a tie.
  for (const auto& [profile, bits] :
       {std::pair<const char*, uint16_t>{"h13", 0x6800}, {"h16", 0x6801}}) {
    const RunResult result =
        Run(profile, table,
            {Half({1, 1, 1, 1}, {2048}), Half({1, 1, 1, 1}, {1}),
             Half({1, 1, 1, 1}, {5}), Half({1, 1}, {1})},
            4);
    CHECK(result.outputs[3].Bits()[0] == bits);
    CHECK(result.outputs[0].Values() == Values{5});
  }
}

TEST_CASE("N36: a softcap bounds the scores by the table of tanh") {
  fbs::AttentionT table = Unscaled();
  table.softcap = 2.0f;
  table.product_mode = 1;
  // tanh jumps to 1 beyond 4 (N44): 2 * 1; tanh(0) = 0.
  const RunResult result =
      Run("h16", table,
          {Half({1, 1, 1, 1}, {10}), Half({1, 1, 2, 1}, {1, 0}),
           Half({1, 1, 2, 1}, {1, 1})},
          4);
  CHECK(result.outputs[3].Values() == Values{2, 0});
}

TEST_CASE("N36: past keys and values are joined bit by bit") {
  const RunResult result =
      Run("h16", Unscaled(),
          {Half({1, 1, 1, 1}, {0}), Half({1, 1, 1, 1}, {3}),
           Half({1, 1, 1, 1}, {8}), Absent(), HalfBits({1, 1, 1, 1}, {0x7E01}),
           Half({1, 1, 1, 1}, {2})},
          3);
  CHECK(result.outputs[1].Bits() == Bits{0x7E01, 0x4200});
  CHECK(result.outputs[2].Values() == Values{2, 8});
  // 0 times anything is 0 (N6): equal scores.
  CHECK(result.outputs[0].Values() == Values{5});
}

TEST_CASE("N36: heads and blocks of queries are independent") {
  fbs::AttentionT table;
  // 70 queries and 37 keys, four query heads over two of keys.
  const RunResult result = Run("h16", table,
                               {Random(DataType::kFloat16, {2, 4, 70, 24}, 1),
                                Random(DataType::kFloat16, {2, 2, 37, 24}, 2),
                                Random(DataType::kFloat16, {2, 2, 37, 19}, 3)});
  CHECK(result.outputs[0].type ==
        TensorType{DataType::kFloat16, {2, 4, 70, 19}});
}

}  // namespace
}  // namespace aneref
