// Corners that the families' own tests leave out: numbers that are none,
// tensors without elements, attributes that are rarely set. Expected values are
// worked out by hand. .ci/op_tests.py lists what is still missing; each case
// begins with the name of the family that it counts for.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

using Bits = std::vector<uint16_t>;
using Values = std::vector<double>;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Two NaN, both infinities, -0, the smallest subnormal: ops that move elements
// keep them bit by bit (P15).
constexpr uint16_t kA = 0x7E01, kB = 0xFE00, kC = 0x7C00, kD = 0xFC00,
                   kE = 0x8000, kF = 0x0001;
TestTensor Odd(const Shape& shape) {
  return HalfBits(shape, {kA, kB, kC, kD, kE, kF});
}

Bits BitsOf(const RunResult& result, size_t output = 0) {
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[output].Bits();
}
Values ValuesOf(const RunResult& result, size_t output = 0) {
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[output].Values();
}
// Equal, a NaN to a NaN.
void CheckSame(const Values& got, const Values& want) {
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    INFO(i << ": " << got[i]);
    CHECK((std::isnan(want[i]) ? std::isnan(got[i]) : got[i] == want[i]));
  }
}

TEST_CASE("transpose: P15 NaN and infinity keep their bits") {
  CHECK(BitsOf(RunOp(transpose_op, fbs::TransposeT(), {Odd({2, 3})})) ==
        Bits{kA, kD, kB, kE, kC, kF});
}

TEST_CASE("reshape: P15 NaN and infinity keep their bits") {
  fbs::ReshapeT reshape;
  reshape.shape = {3, 2};
  CHECK(BitsOf(RunOp(reshape_op, reshape, {Odd({2, 3})})) ==
        Bits{kA, kB, kC, kD, kE, kF});
}

TEST_CASE("concat: P15 NaN and infinity keep their bits") {
  fbs::ConcatT concat;
  concat.axis = 1;
  CHECK(BitsOf(RunOp(concat_op, concat,
                     {Odd({2, 3}), HalfBits({2, 1}, {kC, kB})})) ==
        Bits{kA, kB, kC, kC, kD, kE, kF, kB});
}

TEST_CASE("split: P15 NaN and infinity keep their bits") {
  fbs::SplitT split;
  split.axis = 1;
  split.sizes = {1, 2};
  const RunResult result = RunOp(split_op, split, {Odd({2, 3})}, 2);
  CHECK(BitsOf(result) == Bits{kA, kD});
  CHECK(BitsOf(result, 1) == Bits{kB, kC, kE, kF});
}

TEST_CASE("slice: P15 NaN and infinity keep their bits") {
  fbs::SliceT slice;
  slice.starts = {-1};
  slice.ends = {-100};
  slice.steps = {-2};
  CHECK(BitsOf(RunOp(slice_op, slice, {Odd({6})})) == Bits{kF, kD, kB});
}

TEST_CASE("pad: P15 NaN and infinity keep their bits") {
  fbs::PadT pad;
  pad.pads = {0, 1};
  CHECK(BitsOf(RunOp(pad_op, pad, {Odd({6})})) ==
        Bits{kA, kB, kC, kD, kE, kF, 0});
  pad.value = static_cast<float>(kInf);
  pad.pads = {1, 0};
  CHECK(BitsOf(RunOp(pad_op, pad, {Odd({6})})) ==
        Bits{0x7C00, kA, kB, kC, kD, kE, kF});
  // Nothing, framed.
  CheckOnly(RunOp(pad_op, pad, {Half(Shape{0}, {})}), {1}, {kInf});
}

TEST_CASE("gather: P15 NaN and infinity keep their bits") {
  CHECK(BitsOf(RunOp(gather_op, fbs::GatherT(),
                     {Odd({6}), Ints({4}, {-1, 0, 3, 2})})) ==
        Bits{kF, kA, kD, kC});
}

TEST_CASE("tile: P15 NaN and infinity keep their bits") {
  fbs::TileT tile;
  tile.repeats = {1, 2};
  CHECK(BitsOf(RunOp(tile_op, tile, {Odd({3, 2})})) ==
        Bits{kA, kB, kA, kB, kC, kD, kC, kD, kE, kF, kE, kF});
}

TEST_CASE("select: P15 NaN and infinity keep their bits") {
  CHECK(BitsOf(RunOp(select_op, fbs::SelectT(),
                     {Make(DataType::kBool, {6}, {1, 0, 1, 0, 1, 0}), Odd({6}),
                      HalfBits({1}, {kB})})) == Bits{kA, kB, kC, kB, kE, kB});
}

TEST_CASE("depth_space: P15 NaN and infinity keep their bits") {
  fbs::DepthSpaceT blocks;
  blocks.block = 2;
  CHECK(BitsOf(RunOp(depth_space_op, blocks,
                     {HalfBits({1, 4, 1, 1}, {kA, kB, kC, kD})})) ==
        Bits{kA, kB, kC, kD});
}

TEST_CASE("trilu: P15 NaN and infinity keep their bits") {
  // The upper triangle of [[A, B, C], [D, E, F]].
  CHECK(BitsOf(RunOp(trilu_op, fbs::TriluT(), {Odd({2, 3})})) ==
        Bits{kA, kB, kC, 0, kE, kF});
  CheckOnly(RunOp(trilu_op, fbs::TriluT(), {Half(Shape{2, 0}, {})}), {2, 0},
            {});
}

TEST_CASE("one_hot: P15 the two values keep their bits") {
  const RunResult result =
      RunOp(one_hot_op, fbs::OneHotT(),
            {Ints({2}, {1, -3}), Known(Ints({}, {2})),
             HalfBits({2}, {kA, kC})});  // off NaN, on infinity
  CHECK(BitsOf(result) == Bits{kA, kC, kA, kA});
  CheckOnly(
      RunOp(one_hot_op, fbs::OneHotT(),
            {Ints(Shape{0}, {}), Known(Ints({}, {2})), Half({2}, {0, 1})}),
      {0, 2}, {});
}

TEST_CASE("scatter: NaN and infinity in copies and sums") {
  fbs::ScatterT scatter;
  CHECK(BitsOf(RunOp(scatter_op, scatter,
                     {Odd({6}), Ints({2}, {4, 0}), HalfBits({2}, {kB, kF})})) ==
        Bits{kF, kB, kC, kD, kB, kF});
  scatter.reduction = fbs::ScatterReduction::add;
  // inf + -inf is NaN, 1 + inf is inf.
  CheckSame(ValuesOf(RunOp(scatter_op, scatter,
                           {Half({3}, {kInf, 1, 2}), Ints({2}, {0, 1}),
                            Half({2}, {-kInf, kInf})})),
            {kNan, kInf, 2});
  // Nothing to scatter, nowhere to scatter to.
  CheckOnly(RunOp(scatter_op, scatter,
                  {Half({2}, {5, 6}), Ints(Shape{0}, {}), Half(Shape{0}, {})}),
            {2}, {5, 6});
}

TEST_CASE("cumulative: NaN and infinity stay in what follows") {
  CheckSame(ValuesOf(RunOp(cumulative_op, fbs::CumulativeT(),
                           {Half({5}, {1, kInf, 2, -kInf, 3})})),
            {1, kInf, kInf, kNan, kNan});
  fbs::CumulativeT product;
  product.kind = fbs::ScanKind::product;
  CheckSame(ValuesOf(RunOp(cumulative_op, product, {Half({3}, {kInf, 0, 1})})),
            {kInf, kNan, kNan});
  CheckOnly(RunOp(cumulative_op, fbs::CumulativeT(), {Half(Shape{0, 2}, {})}),
            {0, 2}, {});
}

TEST_CASE("top_k: unsorted results are the same set and nothing may be asked") {
  fbs::TopKT top;
  top.k = 2;
  top.sorted = false;
  RunResult result = RunOp(top_k_op, top, {Half({4}, {3, 9, 7, 1})}, 2);
  Values values = ValuesOf(result), places = ValuesOf(result, 1);
  std::sort(values.begin(), values.end());
  std::sort(places.begin(), places.end());
  CHECK(values == Values{7, 9});
  CHECK(places == Values{1, 2});
  top.k = 0;
  result = RunOp(top_k_op, top, {Half({2, 3}, {1, 2, 3, 4, 5, 6})}, 2);
  CheckOutput(result, 0, {2, 0}, {});
  CheckOutput(result, 1, {2, 0}, {});
  top.k = 1;
  CheckOutput(RunOp(top_k_op, top, {Half(Shape{0, 3}, {})}, 2), 0, {0, 1}, {});
}

TEST_CASE("selection: NaN and infinity are not zero") {
  fbs::SelectionT attributes;
  CheckOnly(RunOp(selection_op, attributes,
                  {Known(Half({5}, {0, kNan, -kInf, -0.0, 1}))}),
            {1, 3}, {1, 2, 4});
}

TEST_CASE("selection: boxes by centre and size") {
  // As corners the second box has no area; as centre and size the boxes are
  // [0, 2] and [0.5, 1.5] square, and share a quarter.
  const TestTensor boxes = Known(Float({1, 2, 4}, {1, 1, 2, 2, 1, 1, 1, 1}));
  const TestTensor scores = Known(Float({1, 1, 2}, {0.9, 0.8}));
  fbs::SelectionT attributes;
  attributes.kind = fbs::SelectionKind::non_max_suppression;
  const auto run = [&] {
    return RunOp(
        selection_op, attributes,
        {boxes, scores, Known(Ints({}, {9})), Known(Float({}, {0.2}))});
  };
  CheckOnly(run(), {2, 3}, {0, 0, 0, 0, 0, 1});
  attributes.center_point_box = true;
  CheckOnly(run(), {1, 3}, {0, 0, 0});
}

TEST_CASE("quantize: nothing has no scale") {
  CheckOnly(RunOp(quantize_op, fbs::QuantizeT(),
                  {Half(Shape{0, 2}, {}), Half({2}, {1, 2})}),
            {0, 2}, {});
}

TEST_CASE("integer_mac: dilated taps and padded sizes") {
  fbs::IntegerMacT conv;
  conv.dilations = {2};
  const TestTensor x = Make(DataType::kInt8, {1, 1, 4}, {1, 2, 3, 4});
  const TestTensor w = Make(DataType::kInt8, {1, 1, 2}, {1, 10});
  // 1 + 10 * 3, 2 + 10 * 4
  CheckOnly(RunOp(integer_mac_op, conv, {x, w}), {1, 1, 2}, {31, 42});
  conv.dilations = {1};
  conv.pad_mode = fbs::PadMode::same_upper;
  CheckOnly(RunOp(integer_mac_op, conv, {x, w}), {1, 1, 4}, {21, 32, 43, 4});
  conv.pad_mode = fbs::PadMode::same_lower;
  CheckOnly(RunOp(integer_mac_op, conv, {x, w}), {1, 1, 4}, {10, 21, 32, 43});
  fbs::IntegerMacT product;
  product.kind = fbs::IntegerMacKind::matmul;
  CheckOnly(RunOp(integer_mac_op, product,
                  {Make(DataType::kInt8, Shape{0, 2}, {}),
                   Make(DataType::kInt8, {2, 3}, {1, 2, 3, 4, 5, 6})}),
            {0, 3}, {});
  CheckOnly(RunOp(integer_mac_op, product,
                  {Make(DataType::kInt8, Shape{1, 0}, {}),
                   Make(DataType::kInt8, Shape{0, 2}, {})}),
            {1, 2}, {0, 0});
}

TEST_CASE("matmul: NaN and infinity follow IEEE") {
  // 0 * inf is NaN; inf + 1 is inf; NaN spoils its row alone.
  CheckSame(ValuesOf(RunOp(matmul_op, fbs::MatmulT(),
                           {Half({3, 2}, {kInf, 1, 0, 1, kNan, 1}),
                            Half({2, 2}, {1, kInf, 1, 1})})),
            {kInf, kInf, 1, kNan, kNan, kNan});
}

TEST_CASE("einsum: NaN and infinity follow IEEE") {
  fbs::EinsumT einsum;
  einsum.equation = "i,i->";
  CheckSame(ValuesOf(RunOp(einsum_op, einsum,
                           {Half({2}, {kInf, 1}), Half({2}, {2, 3})})),
            {kInf});
  CheckSame(ValuesOf(RunOp(einsum_op, einsum,
                           {Half({2}, {kInf, 1}), Half({2}, {0, kNan})})),
            {kNan});
}

TEST_CASE("reduce: a sum may be scaled before its rounding") {
  fbs::ReduceT reduce;
  reduce.scale = 0.5f;
  // 2048 + 1 + 1 = 2050; half of it is 1025, which fp16 has.
  CheckOnly(RunOp(reduce_op, reduce, {Half({3}, {2048, 1, 1})}), {1}, {1025});
}

fbs::RecurrentT Lstm() {
  fbs::RecurrentT layer;
  layer.kind = fbs::RecurrentKind::lstm;
  layer.hidden_size = 1;
  layer.activations.assign(3, fbs::ActivationKind::identity);
  return layer;
}

TEST_CASE("recurrent: the cell is bounded where the gates are not") {
  // Gates i, o, f, c of x = 2 with weights 1: c = 2 * 2 = 4, bounded to 3; h =
  // 2 * 3.
  fbs::RecurrentT layer = Lstm();
  const std::vector<TestTensor> inputs = {Float({1, 1, 1}, {2}),
                                          Float({1, 4, 1}, {1, 1, 1, 1}),
                                          Float({1, 4, 1}, {0, 0, 0, 0})};
  RunResult result = RunOp(recurrent_op, layer, inputs, 3);
  CHECK(ValuesOf(result, 2) == Values{4});
  layer.cell_clip = 3;
  result = RunOp(recurrent_op, layer, inputs, 3);
  CHECK(ValuesOf(result) == Values{6});
  CHECK(ValuesOf(result, 2) == Values{3});
}

TEST_CASE("recurrent: no steps give the states as they came") {
  const RunResult result =
      RunOp(recurrent_op, Lstm(),
            {Half(Shape{0, 1, 1}, {}), Half({1, 4, 1}, {1, 1, 1, 1}),
             Half({1, 4, 1}, {0, 0, 0, 0}), Absent(), Absent(),
             Half({1, 1, 1}, {5}), Half({1, 1, 1}, {7})},
            3);
  CheckOutput(result, 0, {0, 1, 1, 1}, {});
  CheckOutput(result, 1, {1, 1, 1}, {5});
  CheckOutput(result, 2, {1, 1, 1}, {7});
}

TEST_CASE("recurrent: infinity and NaN go through the cell") {
  const auto run = [](double x) {
    return ValuesOf(RunOp(recurrent_op, Lstm(),
                          {Half({1, 1, 1}, {x}), Half({1, 4, 1}, {1, 1, 1, 1}),
                           Half({1, 4, 1}, {0, 0, 0, 0})}));
  };
  CheckSame(run(kNan), {kNan});
  CheckSame(run(kInf), {kNan});  // f * c is inf * 0
}

TEST_CASE("rotary_embedding: NaN and infinity and no steps") {
  const auto run = [](const Shape& shape, const Values& x, const Shape& cache,
                      const Values& cosine, const Values& sine) {
    return RunOp(rotary_embedding_op, fbs::RotaryEmbeddingT(),
                 {Half(shape, x), Half(cache, cosine), Half(cache, sine)});
  };
  // (inf, 2): inf * 1 - 2 * 1, inf * 1 + 2 * 1. (NaN, 2) with sine 0.
  CheckSame(ValuesOf(run({1, 1, 1, 2}, {kInf, 2}, {1, 1, 1}, {1}, {1})),
            {kInf, kInf});
  CheckSame(ValuesOf(run({1, 1, 1, 2}, {kNan, 2}, {1, 1, 1}, {1}, {0})),
            {kNan, kNan});
  CheckOnly(run(Shape{1, 1, 0, 2}, {}, Shape{1, 0, 1}, {}, {}), {1, 1, 0, 2},
            {});
}

fbs::SamplingT Sampling(fbs::SamplingKind kind) {
  fbs::SamplingT attributes;
  attributes.kind = kind;
  return attributes;
}

TEST_CASE("sampling: regions are scaled to the map") {
  fbs::SamplingT attributes = Sampling(fbs::SamplingKind::roi_align);
  attributes.output_size = {1, 2};
  attributes.sampling_ratio = 1;
  attributes.half_pixel = false;
  attributes.spatial_scale = 0.5f;
  // [0, 0, 8, 4] on the picture is [0, 0, 4, 2] on the map: points (1, 1), (1,
  // 3).
  CheckOnly(RunOp(sampling_op, attributes,
                  {Counted(DataType::kFloat32, {1, 1, 3, 4}),
                   Float({1, 4}, {0, 0, 8, 4}), Ints({1}, {0})}),
            {1, 1, 1, 2}, {5, 7});
}

TEST_CASE("sampling: deformable windows are dilated") {
  fbs::SamplingT attributes = Sampling(fbs::SamplingKind::deform_conv);
  attributes.dilations = {1, 2};
  // Taps 0 and 2, where they are: 1 + 10 * 4.
  CheckOnly(RunOp(sampling_op, attributes,
                  {Float({1, 1, 1, 3}, {1, 2, 4}), Float({1, 1, 1, 2}, {1, 10}),
                   Float({1, 4, 1, 1}, {0, 0, 0, 0})}),
            {1, 1, 1, 1}, {41});
}

TEST_CASE("sampling: deformable groups of channels and of offsets") {
  fbs::SamplingT attributes = Sampling(fbs::SamplingKind::deform_conv);
  attributes.groups = 2;
  const TestTensor x = Float({1, 2, 1, 2}, {1, 2, 3, 4});
  const TestTensor weight = Float({2, 1, 1, 1}, {10, 100});
  // One set of offsets: both channels move one column on, the second falls out.
  CheckOnly(RunOp(sampling_op, attributes,
                  {x, weight, Float({1, 2, 1, 2}, {0, 0, 1, 1})}),
            {1, 2, 1, 2}, {20, 0, 400, 0});
  // A set for each channel: the first moves, the second stays.
  attributes.offset_groups = 2;
  CheckOnly(RunOp(sampling_op, attributes,
                  {x, weight, Float({1, 4, 1, 2}, {0, 0, 1, 1, 0, 0, 0, 0})}),
            {1, 2, 1, 2}, {20, 0, 300, 400});
}

TEST_CASE("signal: the axis of a transform") {
  fbs::SignalT attributes;
  attributes.axis = 2;
  // Rows 1, 2 and 3, 4: sums 3, 7 and differences -1, -1.
  CheckOnly(RunOp(signal_op, attributes, {Half({1, 2, 2, 1}, {1, 2, 3, 4})}),
            {1, 2, 2, 2}, {3, 0, -1, 0, 7, 0, -1, 0});
  attributes.axis = 1;  // columns 1, 3 and 2, 4
  CheckOnly(RunOp(signal_op, attributes, {Half({1, 2, 2, 1}, {1, 2, 3, 4})}),
            {1, 2, 2, 2}, {4, 0, 6, 0, -2, 0, -2, 0});
}

TEST_CASE("signal: NaN and infinity spread over the spectrum") {
  const Values inf =
      ValuesOf(RunOp(signal_op, fbs::SignalT(), {Half({1, 2, 1}, {kInf, 1})}));
  CHECK(inf[0] == kInf);
  CHECK(inf[2] == kInf);
  const Values nan =
      ValuesOf(RunOp(signal_op, fbs::SignalT(), {Half({1, 2, 1}, {kNan, 1})}));
  CHECK(std::isnan(nan[0]));
  CHECK(std::isnan(nan[2]));
}

TEST_CASE("resample: the three ways of Core ML to lay out points") {
  fbs::ResampleT resample;
  resample.mode = fbs::ResampleMode::linear;
  const auto run = [&](fbs::CoordinateMode mode, const Values& x,
                       int64_t size) {
    resample.coordinate_mode = mode;
    resample.sizes = {size};
    return ValuesOf(RunOp(resample_op, resample,
                          {Float({static_cast<int64_t>(x.size())}, x)}));
  };
  // i (2 - 2/4) / 3: 0, 0.5, 1 and beyond the border.
  CHECK(run(fbs::CoordinateMode::coreml_upsample, {0, 4}, 4) ==
        Values{0, 2, 4, 4});
  // d = (3 - 1) / 2 = 1: 0.5 and 1.5.
  CHECK(run(fbs::CoordinateMode::coreml_offset_corners, {0, 4, 12}, 2) ==
        Values{2, 8});
  // Corners for several points, the middle for one.
  CHECK(run(fbs::CoordinateMode::align_corners_or_middle, {0, 4, 12}, 2) ==
        Values{0, 12});
  CHECK(run(fbs::CoordinateMode::align_corners_or_middle, {0, 4, 12}, 1) ==
        Values{4});
}

}  // namespace
}  // namespace aneref::test
