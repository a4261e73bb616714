// Gather, gather_elements, gather_nd: hand-worked results, every index type,
// and indices that point outside.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

constexpr auto kElements = fbs::GatherKind::elements;
constexpr auto kTuples = fbs::GatherKind::nd;

RunResult Gather(int axis, const TestTensor& x, const TestTensor& indices) {
  fbs::GatherT attributes;
  attributes.axis = axis;
  return RunOp(gather_op, attributes, {x, indices});
}

RunResult Elements(int axis, const TestTensor& x, const TestTensor& indices) {
  fbs::GatherT attributes;
  attributes.kind = kElements;
  attributes.axis = axis;
  return RunOp(gather_op, attributes, {x, indices});
}

RunResult Tuples(int batch_dims, const TestTensor& x,
                 const TestTensor& indices) {
  fbs::GatherT attributes;
  attributes.kind = kTuples;
  attributes.batch_dims = batch_dims;
  return RunOp(gather_op, attributes, {x, indices});
}

TEST_CASE("gather: rows and columns for every element size") {
  for (DataType type : kOneTypePerSize) {
    const TestTensor x = Counted(type, {3, 2});
    CheckOnly(Gather(0, x, Ints({2}, {2, 0})), {2, 2}, {4, 5, 0, 1});
    CheckOnly(Gather(1, x, Ints({2}, {1, 1})), {3, 2}, {1, 1, 3, 3, 5, 5});
    CheckOnly(Gather(-2, x, Ints({1}, {1})), {1, 2}, {2, 3});
  }
}

TEST_CASE("gather: known indices give what computed ones give") {
  for (const bool known : {false, true}) {
    TestTensor indices = Ints({2, 2}, {0, -1, 1, 0});
    indices.known = known;
    CheckOnly(Gather(1, Counted({2, 3, 1}), indices), {2, 2, 2, 1},
              {0, 2, 1, 0, 3, 5, 4, 3});
    TestTensor scalar = Ints({}, {-1});
    scalar.known = known;
    CheckOnly(Gather(0, Counted({3, 2}), scalar), {2}, {4, 5});
    CheckOnly(Gather(1, Counted({3, 2}), scalar), {3}, {1, 3, 5});
    CheckOnly(Gather(0, Counted({3}), scalar), {}, {2});
  }
}

TEST_CASE("gather: every integer type counts from either end") {
  for (DataType type : {DataType::kInt8, DataType::kInt16, DataType::kInt32,
                        DataType::kInt64}) {
    CheckOnly(Gather(0, Counted({3}), Make(type, {2}, {-3, 2})), {2}, {0, 2});
  }
  for (DataType type : {DataType::kUint8, DataType::kUint16, DataType::kUint32,
                        DataType::kUint64}) {
    CheckOnly(Gather(0, Counted({3}), Make(type, {2}, {1, 2})), {2}, {1, 2});
  }
}

TEST_CASE("gather: slices of several rows") {
  CheckOnly(Gather(0, Counted({2, 2, 3}), Ints({3}, {1, 0, 1})), {3, 2, 3},
            {6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CheckOnly(Gather(1, Counted({2, 2, 2}), Ints({1}, {1})), {2, 1, 2},
            {2, 3, 6, 7});
}

TEST_CASE("gather: an index outside names itself and its place") {
  const TestTensor x = Counted({3, 2});
  CheckFails(Gather(0, x, Ints({1, 2}, {0, 3})), StatusCode::kInvalidArgument,
             "index 3 at [0, 1] of the indices is outside [-3, 2]");
  CheckFails(Gather(1, x, Ints({}, {-3})), StatusCode::kInvalidArgument,
             "index -3 at [] of the indices is outside [-2, 1]");
  CheckFails(Gather(0, x, Known(Ints({1}, {9}))), StatusCode::kInvalidArgument,
             "index 9 at [0]");
  CheckFails(Gather(0, Counted({0, 2}), Ints({1}, {0})),
             StatusCode::kInvalidArgument, "extent 0");
  CheckFails(Gather(0, x, Make(DataType::kUint8, {1}, {255})),
             StatusCode::kInvalidArgument, "index 255");
  CheckFails(Gather(0, x, Make(DataType::kUint64, {1}, {1e19})),
             StatusCode::kInvalidArgument, "index over");
}

TEST_CASE("gather: kernels find the same error as the reference") {
  for (int kind = 0; kind < 3; ++kind) {
    fbs::GatherT table;
    table.kind = static_cast<fbs::GatherKind>(kind);
    fbs::NodeT node;
    node.op.Set(table);
    node.inputs = {0, 1};
    node.outputs = {2};
    flatbuffers::FlatBufferBuilder buffer;
    buffer.Finish(fbs::Node::Pack(buffer, &node));
    TestTensor x = Counted({2});
    TestTensor indices = Ints({1}, {2});
    const std::vector<OpView::Input> inputs = {{true, x.type, {}},
                                               {true, indices.type, {}}};
    const auto* packed =
        flatbuffers::GetRoot<fbs::Node>(buffer.GetBufferPointer());
    const auto types = gather_op.infer(OpView(*packed, inputs));
    REQUIRE(types.ok());
    TaskBuilder builder;
    REQUIRE(gather_op.lower(OpView(*packed, inputs, *types), &builder).ok());
    REQUIRE_EQ(builder.tasks().size(), 1);
    int32_t out[2] = {-7, -7};
    const TensorView in[] = {DenseView(x.type, x.bytes.data()),
                             DenseView(indices.type, indices.bytes.data())};
    const TensorView result[] = {DenseView((*types)[0], out)};
    const TaskSpec& task = builder.tasks()[0];
    const KernelCall call{in, result, task.args.get(), nullptr};
    for (auto run : {task.kernel->scalar, task.kernel->simd}) {
      const Status status = run(call, 0);
      CHECK_EQ(static_cast<int>(status.code()),
               static_cast<int>(StatusCode::kInvalidArgument));
      CHECK_NE(status.message().find("index 2 at [0]"), std::string::npos);
      CHECK_EQ(out[0], -7);
    }
  }
}

TEST_CASE("gather: empty indices and empty slices") {
  CheckOnly(Gather(0, Counted({3, 2}), Ints({0}, {})), {0, 2}, {});
  CheckOnly(Gather(0, Counted({3, 0}), Ints({2}, {0, 1})), {2, 0}, {});
  CheckOnly(Elements(0, Counted({3}), Ints({0}, {})), {0}, {});
  CheckOnly(Tuples(0, Counted({2, 2}), Ints({0, 2}, {})), {0}, {});
}

TEST_CASE("gather: many slices and long rows are cut into units") {
  std::vector<double> numbers;
  for (int i = 0; i < 5000; ++i) numbers.push_back((i * 7) % 40);
  const TestTensor indices = Make(DataType::kInt32, {5000}, numbers);
  const TestTensor x = Random(DataType::kFloat16, {40, 3, 33}, 3);
  CHECK(Gather(0, x, indices).status.ok());
  CHECK(Gather(0, Random(DataType::kFloat16, {40}, 3), indices).status.ok());
  CHECK(Gather(1, Random(DataType::kInt64, {9, 40}, 4), indices).status.ok());
}

TEST_CASE("gather: elements along the inner and the outer axis") {
  CheckOnly(Elements(1, Counted({2, 2}), Ints({2, 2}, {0, 0, 1, 0})), {2, 2},
            {0, 0, 3, 2});
  CheckOnly(Elements(0, Counted({3, 3}), Ints({2, 3}, {1, 2, 0, 2, 0, 0})),
            {2, 3}, {3, 7, 2, 6, 1, 2});
  CheckOnly(
      Elements(0, Counted({3, 3}), Ints({2, 3}, {-2, -1, -3, -1, -3, -3})),
      {2, 3}, {3, 7, 2, 6, 1, 2});
  // Fewer indices than x has along another axis.
  CheckOnly(Elements(-1, Counted({2, 3}), Ints({1, 2}, {2, 0})), {1, 2},
            {2, 0});
  CheckOnly(Elements(1, Counted({2, 2, 2}), Ints({2, 1, 2}, {1, 0, 0, 1})),
            {2, 1, 2}, {2, 1, 4, 7});
}

TEST_CASE("gather: elements that do not fit are refused") {
  const TestTensor x = Counted({2, 3});
  CheckFails(Elements(1, x, Ints({3, 1}, {0, 0, 0})), StatusCode::kShape,
             "do not fit");
  CheckFails(Elements(0, x, Ints({1}, {0})), StatusCode::kShape, "do not fit");
  CheckFails(Elements(2, x, Ints({1, 1}, {0})), StatusCode::kShape, "axis 2");
  CheckFails(Elements(0, x, Ints({1, 2}, {0, -3})),
             StatusCode::kInvalidArgument,
             "index -3 at [0, 1] of the indices is outside [-2, 1]");
}

TEST_CASE("gather: tuples name elements and slices") {
  const TestTensor x = Counted({2, 2});
  CheckOnly(Tuples(0, x, Ints({2, 2}, {0, 0, 1, 1})), {2}, {0, 3});
  CheckOnly(Tuples(0, x, Ints({2, 1}, {1, 0})), {2, 2}, {2, 3, 0, 1});
  CheckOnly(Tuples(0, Counted({2, 2, 2}), Ints({2, 1, 2}, {0, 1, -1, 0})),
            {2, 1, 2}, {2, 3, 4, 5});
  CheckOnly(Tuples(0, Counted({3}), Ints({1}, {-1})), {}, {2});
}

TEST_CASE("gather: tuples within batches") {
  CheckOnly(Tuples(1, Counted({2, 2, 2}), Ints({2, 1}, {1, 0})), {2, 2},
            {2, 3, 4, 5});
  CheckOnly(Tuples(1, Counted({2, 3}), Ints({2, 2, 1}, {2, 0, 1, 1})), {2, 2},
            {2, 0, 4, 4});
}

TEST_CASE("gather: tuples that do not fit are refused") {
  const TestTensor x = Counted({2, 2});
  CheckFails(Tuples(0, x, Ints({1, 3}, {0, 0, 0})), StatusCode::kShape,
             "length 3");
  CheckFails(Tuples(0, x, Ints({1, 0}, {})), StatusCode::kShape, "length 0");
  CheckFails(Tuples(2, x, Ints({2, 2}, {0, 0, 0, 0})), StatusCode::kShape,
             "batch_dims 2");
  CheckFails(Tuples(-1, x, Ints({1, 1}, {0})), StatusCode::kShape,
             "batch_dims -1");
  CheckFails(Tuples(1, x, Ints({3, 1}, {0, 0, 0})), StatusCode::kShape,
             "differ");
  CheckFails(Tuples(0, Counted({}), Ints({1}, {0})), StatusCode::kShape,
             "batch_dims 0");
  CheckFails(Tuples(0, x, Ints({1, 2}, {1, 2})), StatusCode::kInvalidArgument,
             "index 2 at [0, 1]");
}

TEST_CASE("gather: hostile nodes are refused") {
  const TestTensor x = Counted({2});
  CheckFails(Gather(1, x, Ints({1}, {0})), StatusCode::kShape, "axis 1");
  CheckFails(Gather(0, Counted({}), Ints({1}, {0})), StatusCode::kShape,
             "axis 0");
  CheckFails(Gather(0, x, Float({1}, {0})), StatusCode::kShape, "integers");
  CheckFails(Gather(0, Counted({1, 1, 1, 1, 1}), Ints({1, 1, 1, 1, 1}, {0})),
             StatusCode::kLimit, "rank 9");
  CheckFails(RunOp(gather_op, fbs::GatherT(), {x}), StatusCode::kShape,
             "input 1 is missing");
}

}  // namespace
}  // namespace aneref::test
