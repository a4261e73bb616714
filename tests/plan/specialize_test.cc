// What specialisation folds, and what it leaves to the run.
#include "runtime/plan/specialize.h"

#include <doctest/doctest.h>

#include "runtime/graph/evaluation_work.h"
#include "tests/support/draft.h"

namespace aneref {
namespace {

using test::DraftBuilder;

fbs::TileT ExpandTo(std::vector<int64_t> shape) {
  fbs::TileT expand;
  expand.kind = fbs::TileKind::expand;
  expand.repeats = std::move(shape);
  return expand;
}

// An average pool over a constant of rows x 4096 ones, plus an input.
size_t NodesLeft(int64_t rows) {
  DraftBuilder net;
  const int one = net.Constant({1, 1, 1, 1}, {1});
  const int ones = net.Node(ExpandTo({1, 1, rows, 4096}), {one});
  fbs::PoolT pool;
  pool.kind = fbs::PoolKind::average;
  pool.kernel = {3, 3};
  pool.pads = {1, 1, 1, 1};
  const int pooled = net.Node(pool, {ones});
  net.Output(
      net.Binary(fbs::ElementwiseKind::add, net.Input("x", {1}), pooled));
  const auto parsed = net.Parse();
  const auto program = Specialize(*parsed, {});
  REQUIRE_MESSAGE(program.ok(), program.status().ToString());
  return program->nodes.size();
}

}  // namespace

TEST_CASE("folding: constants fold and hostile amounts of work do not") {
  CHECK(NodesLeft(8) == 1);     // the sum is all that is left
  CHECK(NodesLeft(2048) == 2);  // 8 M windows: the pool runs with the net
}

TEST_CASE("folding: the work of many nodes adds up") {
  // Each copy reads and writes 2 x 8 M elements; the limit is 268 M.
  DraftBuilder net;
  int value = net.Constant({1, 1}, {1});
  value = net.Node(ExpandTo({2048, 4096}), {value});
  for (int i = 0; i < 40; ++i)
    value = net.Unary(fbs::ActivationKind::abs, value);
  net.Output(net.Binary(fbs::ElementwiseKind::add, net.Input("x", {1}), value));
  const auto parsed = net.Parse();
  const auto program = Specialize(*parsed, {});
  REQUIRE_MESSAGE(program.ok(), program.status().ToString());
  CHECK(program->nodes.size() > 20);
  CHECK(program->nodes.size() < 32);
}

TEST_CASE("folding: work counts what is read and written and multiplied") {
  fbs::NodeT node;
  node.op.Set(fbs::MatmulT());
  node.inputs = {0, 1};
  node.outputs = {2};
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fbs::Node::Pack(builder, &node));
  const auto& packed =
      *flatbuffers::GetRoot<fbs::Node>(builder.GetBufferPointer());
  std::vector<OpView::Input> inputs(2);
  inputs[0] = {true, {DataType::kFloat32, {2, 3}}, {}};
  inputs[1] = {true, {DataType::kFloat32, {3, 4}}, {}};
  const std::vector<TensorType> outputs = {{DataType::kFloat32, {2, 4}}};
  // 6 + 12 read, 8 written, 8 sums of 3 products.
  CHECK(EvaluationWork(packed, inputs, outputs) == 50.0);
}

}  // namespace aneref
