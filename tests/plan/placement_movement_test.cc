// The V rules on both sides of each limit: reductions, pools, movement,
// weights, control, and the whole network's rows.
#include <doctest/doctest.h>

#include "tests/plan/placement_support.h"

namespace aneref::placement {
namespace {

constexpr Route kDirect = Route::kDirect;

TEST_CASE("V55: products are not reduced and sums are") {
  CHECK(Rejects("m1", Op("reduce_prod", {1, 8}), "V55"));
  CHECK(Rejects("m4", Op("reduce_prod", {1, 8}), "V55"));
  CHECK(Accepts("m1", Op("reduce_sum", {1, 8})));
}

TEST_CASE("V56: an argument reduction takes 2048 elements") {
  OpFacts arg = Op("reduce_argmax", {1, 2048, 1, 1});
  arg.axes = {2};
  CHECK(Accepts("m1", arg));
  arg.inputs[0] = Live({1, 2049, 1, 1});
  CHECK(Rejects("m1", arg, "V56"));
  CHECK(Rejects("m2", arg, "V56"));
  CHECK(Finds("m1", arg, "V56").fix ==
        "split the axis into 2 parts and compare their extremes");
  CHECK(Rejects("m1", Op("global_argmax", {1, 8}), "V56"));
  CHECK(Accepts("m1", Op("global_argmax", {1, 8}), kDirect));
  CHECK(Accepts("m3", Op("global_argmax", {1, 8})));
}

TEST_CASE("V57: maximum pools are 1 to 8 or 32 wide from H16 on") {
  for (const int64_t width : {1, 8, 32})
    CHECK(Accepts("m4", Pool("max_pool", 2, width)));
  for (const int64_t width : {9, 31, 33})
    CHECK(Rejects("m4", Pool("max_pool", 2, width), "V57"));
  CHECK(Accepts("m4", Pool("max_pool", 9, 1)));
  CHECK(Accepts("m1", Pool("max_pool", 9, 9)));
  CHECK(Accepts("m4", Pool("avg_pool", 13, 13)));
  CHECK(Finds("m4", Pool("max_pool", 1, 13), "V57").fix ==
        "chain max pools of widths 8, 6; strides go to the last one");
  CHECK_FALSE(Says("m1", Pool("avg_pool", 28, 29), "V57"));
  CHECK(Finds("m1", Pool("avg_pool", 30, 30), "V57").severity ==
        Severity::kFallback);
  CHECK(Says("m1", Pool("max_pool", 15, 15), "V57"));
  OpFacts padded = Pool("max_pool", 2, 2);
  padded.pad_begin = {0, 2, 2};
  CHECK(Rejects("m1", padded, "V57"));
}

OpFacts Gather(const Shape& data, const OperandFacts& index) {
  OpFacts gather = Op("gather", data);
  gather.inputs.push_back(index);
  return gather;
}

TEST_CASE("V60: gather wants constant or 16-bit indices and more on H13") {
  const Shape data = {1000, 64};
  CHECK(Accepts("m4", Gather(data, Constant({8}, DataType::kInt32))));
  CHECK(Rejects("m4", Gather(data, Live({8}, DataType::kInt32)), "V60"));
  CHECK(Accepts("m4", Gather(data, Live({8}, DataType::kUint16))));
  CHECK(Rejects("m1", Gather(data, Constant({8}, DataType::kInt32)), "V60"));
  CHECK(Accepts("m1", Gather(data, Constant({3, 8, 1}, DataType::kInt32))));
  CHECK(Accepts("m2", Gather(data, Constant({8}, DataType::kInt32))));
}

TEST_CASE("V61: long transposes take passes and older chips have none") {
  CHECK_FALSE(Says("m1", Op("transpose", {1, 1, 16384, 8}), "V61"));
  CHECK_FALSE(Says("m4", Op("transpose", {1, 1, 16385, 8}), "V61"));
  CHECK(Says("m1", Op("transpose", {1, 1, 16385, 8}), "V61"));
  CHECK(Rejects("a12", Op("transpose", {1, 1, 8, 8}), "V61"));
}

TEST_CASE("V62: a concat has two inputs") {
  OpFacts concat = Op("concat", {1, 8});
  CHECK(Rejects("m1", concat, "V62"));
  concat.inputs.push_back(Live({1, 8}));
  CHECK(Accepts("m1", concat));
}

TEST_CASE("V63: padding of channels and modes of padding by chip") {
  OpFacts pad = Op("pad", {1, 8, 8, 8});
  pad.axes = {4};
  pad.pads = {4};
  CHECK(Accepts("m1", pad));
  pad.axes = {2};
  CHECK(Rejects("m1", pad, "V63"));
  CHECK(Rejects("m4", pad, "V63", kDirect));
  CHECK(Accepts("m4", pad));
  pad.axes = {3};
  pad.pad_mode = PadMode::kReflect;
  CHECK(Rejects("m1", pad, "V63"));
  CHECK(Accepts("m2", pad));
  pad.pad_mode = PadMode::kWrap;
  CHECK(Rejects("m4", pad, "V63"));
}

TEST_CASE("V64: reshapes stay within rank 5 and before H13 only flatten") {
  OpFacts reshape = Op("reshape", {1, 8, 8});
  CHECK(Accepts("m1", reshape));
  reshape.outputs[0] = Live({1, 2, 2, 2, 2, 4});
  CHECK(Rejects("m1", reshape, "V64"));
  reshape.outputs[0] = Live({4, 4, 4});
  CHECK(Rejects("a12", reshape, "V64"));
  reshape.outputs[0] = Live({1, 64});
  CHECK_FALSE(Says("a12", reshape, "V64"));
}

TEST_CASE("V65: shuffle factors are 2 3 4 and 8") {
  OpFacts shuffle = Op("depth_to_space", {1, 64, 8, 8});
  shuffle.axes = {2, 3, 4};
  shuffle.factors = {1, 4, 4};
  CHECK(Accepts("m1", shuffle));
  shuffle.factors = {1, 6, 6};
  CHECK(Rejects("m1", shuffle, "V65"));
  CHECK(Finds("m4", shuffle, "V65").fix ==
        "two shuffles whose factors multiply to 6");
}

TEST_CASE("V66: batches divide by the factors of batch_to_space") {
  OpFacts op = Op("batch_to_space", {8, 4, 4, 4});
  op.factors = {2, 2};
  CHECK(Accepts("m4", op));
  op.inputs[0] = Live({6, 4, 4, 4});
  CHECK(Finds("m4", op, "V66").text ==
        "Input batch n = 6 is not divisible by factor x = 2 * factor y = 2");
  op.factors = {5, 1};
  CHECK(Rejects("m4", op, "V66"));
}

TEST_CASE("V67: tile factors are products of 2 3 4 and 8") {
  OpFacts tile = Op("tile", {1, 8});
  tile.factors = {6};
  CHECK(Accepts("m1", tile));
  tile.factors = {5};
  CHECK(Rejects("m1", tile, "V67"));
  tile.factors = {2};
  CHECK(Says("m3", tile, "V67"));
  CHECK_FALSE(Says("m1", tile, "V67"));
}

TEST_CASE("V68: slices begin at constants and H13 dislikes offsets on W") {
  OpFacts slice = Op("slice_by_index", {1, 8});
  CHECK(Accepts("m1", slice));
  CHECK_FALSE(Says("m1", slice, "V68"));
  slice.width_offset = true;
  CHECK(Says("m1", slice, "V68"));
  CHECK(Says("m2", slice, "V68"));
  CHECK_FALSE(Says("m3", slice, "V68"));
  slice.op = "dynamic_slice";
  slice.dynamic_begin = true;
  CHECK(Rejects("m1", slice, "V68"));
  CHECK(Rejects("m4", slice, "V68"));
}

TEST_CASE("V69: resizing is native from H14 on and only along H and W") {
  OpFacts resize = Op("upsample_bilinear", {1, 8, 8, 8});
  CHECK(Finds("m1", resize, "V69").severity == Severity::kFallback);
  CHECK_FALSE(Says("m2", resize, "V69"));
  resize.spatial_only = false;
  CHECK(Rejects("m4", resize, "V69"));
  for (const char* op : {"crop_resize", "resample", "affine"}) {
    CHECK(Rejects("m1", Op(op, {1, 8, 8, 8}), "V69"));
    CHECK(Accepts("m2", Op(op, {1, 8, 8, 8})));
  }
  CHECK(Rejects("m4", Op("crop_resize", {1, 8, 8, 8}), "V69"));
  CHECK(Accepts("m5", Op("crop_resize", {1, 8, 8, 8}), kDirect));
}

TEST_CASE("V70: ops without an engine form on any chip") {
  for (const char* op : {"scatter_nd", "one_hot", "non_zero", "cumsum", "lstm",
                         "range_1d", "non_maximum_suppression"}) {
    CHECK(Rejects("m1", Op(op, {1, 8}), "V70"));
    CHECK(Rejects("m4", Op(op, {1, 8}), "V70"));
  }
  CHECK(Accepts("m1", Op("reverse", {1, 8})));
}

TEST_CASE("V71: top-k by chip and by k") {
  OpFacts topk = Op("topk", {1, 64, 32, 32});
  topk.count = 5;
  CHECK(Rejects("m1", topk, "V71"));
  CHECK(Accepts("m2", topk));
  CHECK(Accepts("m4", topk));
  CHECK(Says("m4", topk, "V71"));
  CHECK(Rejects("m4", topk, "V71", kDirect));
  CHECK(Accepts("m5", topk));
  topk.count = 4;
  CHECK(Rejects("m5", topk, "V71"));
  CHECK(Accepts("m6", topk, kDirect));
}

TEST_CASE("V72: special layers and their shapes") {
  CHECK(Accepts("m1", Op("cross_product", {1, 3, 1, 1})));
  CHECK(Rejects("m1", Op("cross_product", {1, 4, 1, 1}), "V72"));
  OpFacts points = Op("furthest_point_sampling", {1, 3, 1, 8192});
  points.count = 1024;
  CHECK(Accepts("m1", points));
  points.count = 1025;
  CHECK(Rejects("m1", points, "V72"));
  OpFacts cost = Op("cost_volume", {1, 1, 1, 16});
  cost.count = 4;
  cost.inputs.push_back(Live({1, 1, 1, 20}));
  CHECK(Accepts("m5", cost));
  cost.inputs[1] = Live({1, 1, 1, 19});
  CHECK(Rejects("m5", cost, "V72"));
}

OpFacts Compressed(const std::string& compression) {
  OpFacts conv = Conv(3, 3);
  conv.inputs[1].compression = compression;
  return conv;
}

TEST_CASE("V75: palette widths and vectors by chip") {
  OpFacts conv = Compressed("palette");
  for (const int64_t bits : {4, 8}) {
    conv.inputs[1].palette_bits = bits;
    CHECK(Accepts("m1", conv));
  }
  conv.inputs[1].palette_bits = 6;
  CHECK(Rejects("m1", conv, "V75"));
  CHECK(Accepts("m2", conv));
  conv.inputs[1].palette_bits = 2;
  CHECK(Rejects("m4", conv, "V75"));
  conv.inputs[1].palette_bits = 4;
  conv.inputs[1].palette_vector = 3;
  CHECK(Rejects("m4", conv, "V75"));
  conv.inputs[1].palette_vector = 4;
  CHECK(Accepts("m4", conv));
}

TEST_CASE("V76: asymmetric int8 is expanded on H13") {
  OpFacts conv = Compressed("affine");
  CHECK_FALSE(Says("m1", conv, "V76"));
  conv.inputs[1].nonzero_zero_point = true;
  CHECK(Finds("m1", conv, "V76").severity == Severity::kFallback);
  CHECK_FALSE(Says("m2", conv, "V76"));
}

TEST_CASE("V77: E4M3 comes with H18 and has no zero point") {
  OpFacts quant = Op("fp8_e4m3_quant", {1, 8});
  CHECK(Rejects("m5", quant, "V77"));
  CHECK(Accepts("m6", quant));
  quant.inputs[0].nonzero_zero_point = true;
  CHECK(Rejects("m6", quant, "V77"));
}

TEST_CASE("V78: one compression per weight") {
  CHECK(Rejects("m4", Compressed("joint"), "V78"));
  CHECK(Accepts("m4", Compressed("sparse")));
}

TEST_CASE("V79: 4-bit integer weights are expanded") {
  CHECK(Finds("m4", Compressed("affine4"), "V79").severity ==
        Severity::kFallback);
  CHECK_FALSE(Says("m4", Compressed("affine"), "V79"));
}

TEST_CASE("V80: weights beyond a core's kernel memory are split") {
  OpFacts conv = Conv(1, 1);
  conv.cin = conv.cout = 512;
  CHECK_FALSE(Says("m4", conv, "V80"));
  conv.kernel = {1, 3, 3};
  CHECK(Says("m4", conv, "V80"));
  CHECK(Accepts("m4", conv));
  // 64 KiB per core: 64 channels of 512 weights in fp16 on each of 8 cores.
  conv.kernel = {1, 1, 1};
  CHECK_FALSE(Says("a13", conv, "V80"));
  conv.cout = 520;
  CHECK(Says("a13", conv, "V80"));
  CHECK_FALSE(Says("m4", conv, "V80"));
}

TEST_CASE("V81: sparse weights exclude Winograd") {
  CHECK(Says("m4", Compressed("sparse"), "V81"));
  OpFacts conv = Compressed("sparse");
  conv.kernel = {1, 1, 1};
  CHECK_FALSE(Says("m4", conv, "V81"));
}

TEST_CASE("V90: states do not compile on the direct route") {
  CHECK(Rejects("m1", Op("read_state", {1, 8}), "V90", kDirect));
  CHECK(Accepts("m1", Op("read_state", {1, 8})));
}

TEST_CASE("V91: loops and branches stay on the host") {
  CHECK(Rejects("m1", Op("while_loop", {1, 8}), "V91"));
  CHECK(Rejects("m4", Op("cond", {1, 8}), "V91"));
}

TEST_CASE("V95: operands beyond the on-chip memory stream") {
  CHECK_FALSE(Says("m1", Op("relu", {1, 64, 128, 128}), "V95"));
  CHECK(Says("m1", Op("relu", {1, 65, 128, 128}), "V95"));
  // 1 MiB on a watch.
  CHECK_FALSE(Says("s4", Op("relu", {1, 64, 64, 128}), "V95"));
  CHECK(Says("s4", Op("relu", {1, 65, 64, 128}), "V95"));
}

TEST_CASE("V96: folklore is a note and never a refusal") {
  OpFacts pool = Pool("avg_pool", 14, 14);
  pool.inputs = pool.outputs = {Live({1, 64, 32, 32})};
  pool.legacy_layer = "pooling";
  PlacementOptions options;
  CHECK(PlaceOp(pool, ChipNamed("m1"), options).reasons.empty());
  options.legacy = true;
  const OpPlacement placed = PlaceOp(pool, ChipNamed("m1"), options);
  CHECK(placed.accepted);
  REQUIRE_FALSE(placed.reasons.empty());
  CHECK(placed.reasons[0].rule == "V96");
  CHECK(placed.reasons[0].provenance == "community");
  pool.kernel = {1, 13, 13};
  pool.stride = {1, 2, 2};
  CHECK(PlaceOp(pool, ChipNamed("m1"), options).reasons.empty());
}

TEST_CASE("V99: before H13 the MIL route lacks norms and reductions") {
  CHECK(Rejects("a12", Op("reduce_sum", {1, 8}), "V99"));
  CHECK(Accepts("m1", Op("reduce_sum", {1, 8})));
  CHECK(Rejects("s9", Op("reduce_prod", {1, 8}), "V55"));
  CHECK(Accepts("s9", Op("reduce_sum", {1, 8})));
  CHECK(Finds("m1", Op("reduce_argmin", {1, 8}), "V99").severity ==
        Severity::kFallback);
}

TEST_CASE("V00: every chip answers for every op of the table") {
  for (const Chip& chip : ChipTable::Embedded().chips()) {
    if (!chip.coreml) continue;
    const PlacementChip placed = ChipNamed(chip.name);
    for (const OpRow& row : OpTable::Embedded().rows()) {
      for (const Route route : {Route::kCoreMl, Route::kDirect}) {
        PlacementOptions options;
        options.route = route;
        const OpPlacement answer =
            PlaceOp(Op(row.name, {1, 8, 8, 8}), placed, options);
        for (const Reason& reason : answer.reasons) {
          CHECK_FALSE(reason.text.empty());
          CHECK_FALSE(reason.provenance.empty());
        }
      }
    }
  }
}

}  // namespace
}  // namespace aneref::placement
