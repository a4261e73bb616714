// Operations of ML Programs that move, join, index, multiply and loop; states.
// Expected values are worked out by hand.
#include <doctest/doctest.h>

#include "tests/import/coreml/mil_builder.h"

namespace aneref::mil_test {
namespace {

using Values = std::vector<float>;

// Runs one operation of an input x and checks its outputs.
void Check(const std::string& type, const Operands& operands, const Tensor& x,
           const std::vector<Tensor>& expected,
           int32_t type_in = mil::kTypeFp32,
           const std::vector<int32_t>& types = {}) {
  CAPTURE(type);
  Program program;
  program.Input("x", x.dims, type_in);
  std::vector<Output> outputs;
  std::vector<std::string> names;
  for (size_t i = 0; i < expected.size(); ++i) {
    names.push_back("out" + std::to_string(i));
    outputs.push_back({names.back(), expected[i].dims,
                       i < types.size() ? types[i] : type_in});
  }
  program.Op(type, operands, outputs);
  program.Returns(names);
  const auto got = program.Run({{"x", x}});
  REQUIRE_MESSAGE(got.ok(), got.status().message());
  for (size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK((*got)[i].dims == expected[i].dims);
    REQUIRE((*got)[i].values.size() == expected[i].values.size());
    for (size_t k = 0; k < expected[i].values.size(); ++k) {
      CAPTURE(k);
      CHECK((*got)[i].values[k] ==
            doctest::Approx(expected[i].values[k]).epsilon(1e-5));
    }
  }
}

const Tensor kMatrix{{2, 3}, {1, 2, 3, 4, 5, 6}};

TEST_CASE("mil: reshape and its relatives") {
  Check("reshape", {{"x", "x"}, {"shape", Is({3, -1})}}, kMatrix,
        {{{3, 2}, {1, 2, 3, 4, 5, 6}}});
  Check("reshape", {{"x", "x"}, {"shape", Is({0, 0, -1})}}, kMatrix,
        {{{1, 2, 3}, {1, 2, 3, 4, 5, 6}}});
  Check("reshape", {{"x", "x"}, {"shape", Is({0, -1})}}, kMatrix,
        {{{2, 3}, {1, 2, 3, 4, 5, 6}}});
  Check("expand_dims", {{"x", "x"}, {"axes", Is({0, -1})}}, kMatrix,
        {{{1, 2, 3, 1}, {1, 2, 3, 4, 5, 6}}});
  Check("squeeze", {{"x", "x"}}, {{1, 2, 1}, {1, 2}}, {{{2}, {1, 2}}});
  Check("flatten2d", {{"x", "x"}, {"axis", I(2)}}, {{1, 2, 2}, {1, 2, 3, 4}},
        {{{2, 2}, {1, 2, 3, 4}}});
  Check("transpose", {{"x", "x"}, {"perm", Is({1, 0})}}, kMatrix,
        {{{3, 2}, {1, 4, 2, 5, 3, 6}}});
  Check("shape", {{"x", "x"}}, kMatrix, {{{2}, {2, 3}}}, mil::kTypeFp32,
        {mil::kTypeInt32});
}

TEST_CASE("mil: joining and splitting") {
  Check("concat", {{"values", {"x", "x"}}, {"axis", I(1)}}, {{2, 1}, {1, 2}},
        {{{2, 2}, {1, 1, 2, 2}}});
  Check("concat",
        {{"values", {"x", "x"}}, {"axis", I(0)}, {"interleave", B(true)}},
        {{2}, {1, 2}}, {{{4}, {1, 1, 2, 2}}});
  Check("stack", {{"values", {"x", "x"}}, {"axis", I(1)}}, {{2}, {1, 2}},
        {{{2, 2}, {1, 1, 2, 2}}});
  Check("split", {{"x", "x"}, {"axis", I(1)}, {"split_sizes", Is({1, 2})}},
        kMatrix, {{{2, 1}, {1, 4}}, {{2, 2}, {2, 3, 5, 6}}});
  Check("split", {{"x", "x"}, {"axis", I(0)}, {"num_splits", I(2)}}, kMatrix,
        {{{1, 3}, {1, 2, 3}}, {{1, 3}, {4, 5, 6}}});
}

TEST_CASE("mil: slices") {
  Check("slice_by_index",
        {{"x", "x"},
         {"begin", Is({0, 2})},
         {"end", Is({0, 0})},
         {"stride", Is({1, -1})},
         {"end_mask", Bools({2}, {false, true})},
         {"squeeze_mask", Bools({2}, {true, false})}},
        kMatrix, {{{3}, {3, 2, 1}}});
  Check("slice_by_index",
        {{"x", "x"},
         {"begin", Is({-1, 0})},
         {"end", Is({2, -1})},
         {"begin_mask", Bools({2}, {false, true})}},
        kMatrix, {{{1, 2}, {4, 5}}});
  Check("slice_by_size",
        {{"x", "x"}, {"begin", Is({0, 1})}, {"size", Is({2, -1})}}, kMatrix,
        {{{2, 2}, {2, 3, 5, 6}}});
  Check("reverse", {{"x", "x"}, {"axes", Is({1})}}, kMatrix,
        {{{2, 3}, {3, 2, 1, 6, 5, 4}}});
  Check("crop",
        {{"x", "x"}, {"crop_height", Is({1, 0})}, {"crop_width", Is({0, 2})}},
        {{1, 1, 2, 3}, {1, 2, 3, 4, 5, 6}}, {{{1, 1, 1, 1}, {4}}});
  Check("slice_update",
        {{"x", "x"},
         {"update", Floats({1, 2}, {8, 9})},
         {"begin", Is({1, 0})},
         {"end", Is({2, 2})}},
        kMatrix, {{{2, 3}, {1, 2, 3, 8, 9, 6}}});
}

TEST_CASE("mil: bounds that are computed in the run") {
  Program program;
  program.Input("x", {4}).Input("i", {1}, mil::kTypeInt32);
  program.Op("slice_by_size", {{"x", "x"}, {"begin", "i"}, {"size", Is({2})}},
             {{"a", {2}}});
  program.Op("slice_by_index",
             {{"x", "x"},
              {"begin", "i"},
              {"end", Is({0})},
              {"squeeze_mask", Bools({1}, {true})}},
             {{"b", {}}});
  program.Returns({"a", "b"});
  const auto got = program.Run({{"x", {{4}, {1, 2, 3, 4}}}, {"i", {{1}, {2}}}});
  REQUIRE_MESSAGE(got.ok(), got.status().message());
  CHECK((*got)[0].values == Values{3, 4});
  CHECK((*got)[1].values == Values{3});
}

TEST_CASE("mil: padding and pixels") {
  Check("pad", {{"x", "x"}, {"pad", Is({1, 2})}, {"constant_val", F(9)}},
        {{1, 2}, {1, 2}}, {{{1, 5}, {9, 1, 2, 9, 9}}});
  Check("pad", {{"x", "x"}, {"pad", Is({1, 1})}, {"mode", Text("reflect")}},
        {{3}, {1, 2, 3}}, {{{5}, {2, 1, 2, 3, 2}}});
  Check("pad", {{"x", "x"}, {"pad", Is({1, 1})}, {"mode", Text("replicate")}},
        {{2}, {1, 2}}, {{{4}, {1, 1, 2, 2}}});
  const Tensor depth{{1, 8, 1, 1}, {0, 1, 2, 3, 4, 5, 6, 7}};
  // channel (r b + s) C + c, C = 2
  Check("depth_to_space", {{"x", "x"}, {"block_size", I(2)}}, depth,
        {{{1, 2, 2, 2}, {0, 2, 4, 6, 1, 3, 5, 7}}});
  // channel c b^2 + r b + s
  Check("pixel_shuffle", {{"x", "x"}, {"upscale_factor", I(2)}}, depth,
        {{{1, 2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7}}});
  const Tensor space{{1, 2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7}};
  Check("space_to_depth", {{"x", "x"}, {"block_size", I(2)}}, space,
        {{{1, 8, 1, 1}, {0, 4, 1, 5, 2, 6, 3, 7}}});
  Check("pixel_unshuffle", {{"x", "x"}, {"downscale_factor", I(2)}}, space,
        {{{1, 8, 1, 1}, {0, 1, 2, 3, 4, 5, 6, 7}}});
  Check("space_to_batch",
        {{"x", "x"},
         {"block_shape", Is({1, 2})},
         {"paddings", Ints({2, 2}, {0, 0, 1, 0})}},
        {{1, 1, 1, 3}, {1, 2, 3}}, {{{2, 1, 1, 2}, {0, 2, 1, 3}}});
  Check("batch_to_space",
        {{"x", "x"},
         {"block_shape", Is({1, 2})},
         {"crops", Ints({2, 2}, {0, 0, 1, 0})}},
        {{2, 1, 1, 2}, {0, 2, 1, 3}}, {{{1, 1, 1, 3}, {1, 2, 3}}});
  Check("sliding_windows",
        {{"x", "x"}, {"axis", I(0)}, {"size", I(2)}, {"stride", I(1)}},
        {{3}, {1, 2, 3}}, {{{2, 2}, {1, 2, 2, 3}}});
}

TEST_CASE("mil: tensors made of shapes") {
  Check("fill_like", {{"ref_tensor", "x"}, {"value", F(7)}}, {{2}, {1, 2}},
        {{{2}, {7, 7}}});
  Check("fill", {{"shape", Is({2})}, {"value", F(3)}}, {{1}, {0}},
        {{{2}, {3, 3}}});
  Check("range_1d", {{"start", F(1)}, {"end", F(6)}, {"step", F(2)}},
        {{1}, {0}}, {{{3}, {1, 3, 5}}});
  Check("tile", {{"x", "x"}, {"reps", Is({2})}}, {{2}, {1, 2}},
        {{{4}, {1, 2, 1, 2}}});
  Check("reshape_like",
        {{"x", "x"},
         {"ref_tensors", {"x", "x"}},
         {"begins", Is({1, 0})},
         {"ends", Is({2, 1})},
         {"end_masks", Bools({2}, {false, false})}},
        kMatrix, {{{3, 2}, {1, 2, 3, 4, 5, 6}}});
}

TEST_CASE("mil: gathering") {
  Check("gather", {{"x", "x"}, {"indices", Is({2, -3})}, {"axis", I(1)}},
        kMatrix, {{{2, 2}, {3, 1, 6, 4}}});
  Check("gather",
        {{"x", "x"},
         {"indices", Ints({2, 1}, {2, 0})},
         {"axis", I(1)},
         {"batch_dims", I(1)}},
        kMatrix, {{{2, 1}, {3, 4}}});
  Check("gather_along_axis",
        {{"x", "x"}, {"indices", Ints({2, 1}, {2, 0})}, {"axis", I(1)}},
        kMatrix, {{{2, 1}, {3, 4}}});
  Check("gather_nd", {{"x", "x"}, {"indices", Ints({1, 2}, {1, 2})}}, kMatrix,
        {{{1}, {6}}});
  Check("band_part", {{"x", "x"}, {"lower", I(0)}, {"upper", I(1)}},
        {{2, 3}, {1, 2, 3, 4, 5, 6}}, {{{2, 3}, {1, 2, 0, 0, 5, 6}}});
  Check("topk", {{"x", "x"}, {"k", I(2)}, {"axis", I(0)}}, {{3}, {5, 9, 7}},
        {{{2}, {9, 7}}, {{2}, {1, 2}}}, mil::kTypeFp32,
        {mil::kTypeFp32, mil::kTypeInt32});
  Check("argsort", {{"x", "x"}, {"ascending", B(true)}}, {{3}, {5, 9, 7}},
        {{{3}, {0, 2, 1}}}, mil::kTypeFp32, {mil::kTypeInt32});
  Check("one_hot",
        {{"indices", "x"},
         {"one_hot_vector_size", I(3)},
         {"on_value", I(5)},
         {"off_value", I(1)}},
        {{2}, {2, 0}}, {{{2, 3}, {1, 1, 5, 5, 1, 1}}}, mil::kTypeInt32);
  Check("non_zero", {{"x", "x"}}, {{2, 2}, {0, 3, 4, 0}},
        {{{2, 2}, {0, 1, 1, 0}}}, mil::kTypeFp32, {mil::kTypeInt32});
}

TEST_CASE("mil: scattering in every mode") {
  const Operands base = {{"data", "x"}, {"axis", I(0)}};
  const auto run = [&](const char* mode, const Values& expected) {
    Operands operands = base;
    operands.emplace("indices", Is({1, 1}));
    operands.emplace("updates", Floats({2}, {2, 4}));
    operands.emplace("mode", Text(mode));
    Check("scatter", operands, {{2}, {8, 16}}, {{{2}, expected}});
    Check("scatter_along_axis", operands, {{2}, {8, 16}}, {{{2}, expected}});
  };
  run("add", {8, 22});
  run("sub", {8, 10});
  run("mul", {8, 128});
  run("div", {8, 2});
  run("max", {8, 16});
  run("min", {8, 2});
  run("update", {8, 4});
  Check("scatter",
        {{"data", "x"},
         {"indices", Is({2})},
         {"updates", Floats({2, 1}, {10, 20})},
         {"axis", I(1)}},
        kMatrix, {{{2, 3}, {1, 2, 13, 4, 5, 26}}});
  Check("scatter_nd",
        {{"data", "x"},
         {"indices", Ints({1, 2}, {1, 0})},
         {"updates", Floats({1}, {10})}},
        kMatrix, {{{2, 3}, {1, 2, 3, 14, 5, 6}}});
}

TEST_CASE("mil: convolutions") {
  const Tensor x{{1, 1, 4}, {1, 2, 3, 4}};
  const Value weight = Floats({1, 1, 2}, {1, 10});
  Check("conv", {{"x", "x"}, {"weight", weight}}, x,
        {{{1, 1, 3}, {21, 32, 43}}});
  Check("conv",
        {{"x", "x"},
         {"weight", weight},
         {"pad_type", Text("custom")},
         {"pad", Is({1, 0})},
         {"strides", Is({2})},
         {"bias", Floats({1}, {5})}},
        x, {{{1, 1, 2}, {15, 37}}});
  Check("conv", {{"x", "x"}, {"weight", weight}, {"pad_type", Text("same")}}, x,
        {{{1, 1, 4}, {21, 32, 43, 4}}});
  Check("conv",
        {{"x", "x"}, {"weight", weight}, {"pad_type", Text("same_lower")}}, x,
        {{{1, 1, 4}, {10, 21, 32, 43}}});
  Check("conv_quantized",
        {{"x", "x"},
         {"weight", Bytes(mil::kTypeUint8, {1, 1, 2}, {1, 19})},
         {"quant_scale", Floats({1}, {0.5f})},
         {"quant_bias", Floats({1}, {0.5f})}},
        x, {{{1, 1, 3}, {21, 32, 43}}});
  const Tensor two{{1, 1, 2}, {1, 2}};
  Check("conv_transpose", {{"x", "x"}, {"weight", weight}}, two,
        {{{1, 1, 3}, {1, 12, 20}}});
  Check("conv_transpose",
        {{"x", "x"},
         {"weight", Floats({1, 1, 3}, {1, 10, 100})},
         {"strides", Is({2})},
         {"pad_type", Text("same")}},
        two, {{{1, 1, 4}, {1, 10, 102, 20}}});
  Check("conv_transpose",
        {{"x", "x"},
         {"weight", weight},
         {"strides", Is({2})},
         {"pad_type", Text("custom")},
         {"pad", Is({1, 0})},
         {"output_shape", Is({1, 1, 4})}},
        two, {{{1, 1, 4}, {10, 2, 20, 0}}});
}

TEST_CASE("mil: pools") {
  const Tensor x{{1, 1, 5}, {1, 2, 3, 4, 6}};
  const Operands base = {{"x", "x"}, {"kernel_sizes", Is({2})}};
  const auto with = [&](Operands more) {
    for (const auto& [key, value] : base) more.emplace(key, value);
    return more;
  };
  Check("max_pool", with({{"strides", Is({2})}, {"pad_type", Text("valid")}}),
        x, {{{1, 1, 2}, {2, 4}}});
  Check("max_pool",
        with({{"strides", Is({2})},
              {"pad_type", Text("valid")},
              {"ceil_mode", B(true)}}),
        x, {{{1, 1, 3}, {2, 4, 6}}});
  const Operands padded = {
      {"pad_type", Text("custom")}, {"pad", Is({1, 0})}, {"strides", Is({2})}};
  Check("avg_pool", with(padded), x, {{{1, 1, 3}, {0.5f, 2.5f, 5}}});
  Operands excluding = with(padded);
  excluding.emplace("exclude_padding_from_average", B(true));
  Check("avg_pool", excluding, x, {{{1, 1, 3}, {1, 2.5f, 5}}});
  Check("l2_pool", with({{"strides", Is({2})}, {"pad_type", Text("valid")}}),
        {{1, 1, 2}, {3, 4}}, {{{1, 1, 1}, {5}}});
}

TEST_CASE("mil: resizing") {
  const Tensor x{{1, 1, 1, 2}, {0, 10}};
  const auto width = [](float factor) {
    return Operands{{"x", "x"}, {"scale_factor_width", F(factor)}};
  };
  Check("upsample_nearest_neighbor", width(2), x,
        {{{1, 1, 1, 4}, {0, 0, 10, 10}}});
  Check("upsample_bilinear", width(2), x,
        {{{1, 1, 1, 4}, {0, 10.0f / 3, 20.0f / 3, 10}}});
  Operands half = width(2);
  half.emplace("align_corners", B(false));
  Check("upsample_bilinear", half, x, {{{1, 1, 1, 4}, {0, 2.5f, 7.5f, 10}}});
  half.emplace("half_pixel_centers", B(false));
  Check("upsample_bilinear", half, x, {{{1, 1, 1, 4}, {0, 5, 10, 10}}});
  Check("resize_nearest_neighbor",
        {{"x", "x"}, {"target_size_height", I(1)}, {"target_size_width", I(3)}},
        x, {{{1, 1, 1, 3}, {0, 0, 10}}});
  const auto resized = [&](const char* mode, const Values& expected) {
    Check("resize_bilinear",
          {{"x", "x"},
           {"target_size_height", I(1)},
           {"target_size_width", I(4)},
           {"sampling_mode", Text(mode)}},
          x, {{{1, 1, 1, 4}, expected}});
  };
  resized("STRICT_ALIGN_CORNERS", {0, 10.0f / 3, 20.0f / 3, 10});
  resized("ALIGN_CORNERS", {0, 10.0f / 3, 20.0f / 3, 10});
  resized("DEFAULT", {0, 5, 10, 10});
  resized("UNALIGN_CORNERS", {0, 2.5f, 7.5f, 10});
  resized("OFFSET_CORNERS", {1.25f, 3.75f, 6.25f, 8.75f});
  Check("resize",
        {{"x", "x"},
         {"shape", Is({0, 3})},
         {"resized_dims", I(2)},
         {"sampling_mode", Text("ALIGN_CORNERS")}},
        x, {{{1, 1, 1, 3}, {0, 5, 10}}});
}

TEST_CASE("mil: sampling") {
  const Tensor x{{1, 1, 2, 2}, {0, 10, 20, 30}};
  const auto sample = [&](const char* mode, const char* padding,
                          const Values& points, const Values& expected) {
    Check("resample",
          {{"x", "x"},
           {"coordinates",
            Floats({1, 1, static_cast<int64_t>(expected.size()), 2}, points)},
           {"sampling_mode", Text("bilinear")},
           {"padding_mode", Text(padding)},
           {"padding_value", F(100)},
           {"coordinates_mode", Text(mode)},
           {"align_corners", B(true)}},
          x, {{{1, 1, 1, static_cast<int64_t>(expected.size())}, expected}});
  };
  sample("unnormalized", "constant", {0.5f, 0, 1, 1, 5, 5}, {5, 30, 100});
  sample("normalized_minus_one_to_one", "border", {0, 0, 9, 9}, {15, 30});
  sample("normalized_zero_to_one", "reflection", {0.5f, 0.5f, 1.5f, 0},
         {15, 5});
  sample("unnormalized", "symmetric", {-1, 0}, {0});
  Check("affine",
        {{"x", "x"},
         {"transform_matrix", Floats({1, 6}, {-1, 0, 0, 0, 1, 0})},
         {"output_height", I(2)},
         {"output_width", I(2)},
         {"sampling_mode", Text("bilinear")},
         {"padding_mode", Text("constant")},
         {"padding_value", F(0)},
         {"coordinates_mode", Text("normalized_minus_one_to_one")},
         {"align_corners", B(true)}},
        x, {{{1, 1, 2, 2}, {10, 0, 30, 20}}});
  Check("crop_resize",
        {{"x", "x"},
         {"boxes", Floats({2, 4}, {0, 0, 1, 1, 0, 0, 0, 2})},
         {"target_height", I(1)},
         {"target_width", I(2)},
         {"pad_value", F(-1)},
         {"sampling_mode", Text("STRICT_ALIGN_CORNERS")}},
        x, {{{2, 1, 1, 2}, {0, 10, 0, -1}}});
  Check("crop_resize",
        {{"x", "x"},
         {"roi", Floats({1, 1, 4, 1, 1}, {0.5f, 0.5f, 1, 1})},
         {"normalized_coordinates", B(true)},
         {"box_coordinate_mode", Text("CENTER_SIZE_HEIGHT_FIRST")},
         {"sampling_mode", Text("ALIGN_CORNERS")}},
        x, {{{1, 1, 1, 1, 1}, {15}}});
  Check("reverse_sequence",
        {{"x", "x"},
         {"lengths", Is({2, 1})},
         {"seq_axis", I(1)},
         {"batch_axis", I(0)}},
        kMatrix, {{{2, 3}, {2, 1, 3, 4, 5, 6}}});
}

TEST_CASE("mil: products") {
  Check("linear",
        {{"x", "x"},
         {"weight", Floats({2, 3}, {1, 0, 0, 1, 1, 1})},
         {"bias", Floats({2}, {10, 20})}},
        kMatrix, {{{2, 2}, {11, 26, 14, 35}}});
  Check("matmul",
        {{"x", "x"}, {"y", Floats({2, 1}, {1, 10})}, {"transpose_x", B(true)}},
        kMatrix, {{{3, 1}, {41, 52, 63}}});
  Check("einsum", {{"values", {"x", "x"}}, {"equation", Text("chw,whr->chr")}},
        {{1, 1, 1}, {3}}, {{{1, 1, 1}, {9}}});
  // One query; equal scores: the mean of the values.
  Check("scaled_dot_product_attention",
        {{"query", "x"}, {"key", "x"}, {"value", Floats({1, 1, 2, 1}, {4, 8})}},
        {{1, 1, 2, 1}, {0, 0}}, {{{1, 1, 2, 1}, {6, 6}}});
  Check("scaled_dot_product_attention",
        {{"query", "x"},
         {"key", "x"},
         {"value", Floats({1, 2, 1}, {4, 8})},
         {"attn_mask", Bools({2, 2}, {true, false, true, true})}},
        {{1, 2, 1}, {0, 0}}, {{{1, 2, 1}, {4, 6}}});
}

TEST_CASE("mil: quantised activations") {
  Check("quantize",
        {{"input", "x"},
         {"scale", F(0.5f)},
         {"zero_point", Bytes(mil::kTypeUint8, {}, {10})},
         {"output_dtype", Text("uint8")}},
        {{3}, {1, -6, 1000}}, {{{3}, {12, 0, 255}}}, mil::kTypeFp32,
        {mil::kTypeUint8});
  Check("dequantize",
        {{"input", Bytes(mil::kTypeInt8, {2}, {4, 252})},
         {"scale", Floats({2}, {0.5f, 2})},
         {"axis", I(0)}},
        {{1}, {0}}, {{{2}, {2, -8}}});
}

TEST_CASE("mil: recurrent layers and the order of their gates") {
  // H = 1, no recurrence; x = 1. Gates i f o z: sigmoid(0) = 0.5, sigmoid(ln 3)
  // = 0.75, sigmoid(0) and linear z = 2; c0 = 4: c = 3 + 1 = 4, h = 0.5 * 4.
  const Value zero = Floats({1, 1}, {0});
  Check("lstm",
        {{"x", "x"},
         {"initial_h", zero},
         {"initial_c", Floats({1, 1}, {4})},
         {"weight_ih", Floats({4, 1}, {0, 1.09861229f, 0, 2})},
         {"weight_hh", Floats({4, 1}, {0, 0, 0, 0})},
         {"cell_activation", Text("linear")},
         {"activation", Text("linear")},
         {"output_sequence", B(true)}},
        {{1, 1, 1}, {1}}, {{{1, 1, 1}, {2}}, {{1, 1}, {2}}, {{1, 1}, {4}}});
  Check("lstm",
        {{"x", "x"},
         {"initial_h", zero},
         {"initial_c", Floats({1, 1}, {4})},
         {"weight_ih", Floats({4, 1}, {0, 1.09861229f, 0, 2})},
         {"weight_hh", Floats({4, 1}, {0, 0, 0, 0})},
         {"cell_activation", Text("linear")},
         {"activation", Text("linear")},
         {"clip", F(3)}},
        {{1, 1, 1}, {1}},
        {{{1, 1, 1}, {1.5f}}, {{1, 1}, {1.5f}}, {{1, 1}, {3}}});
  // Gates r o z: z = 0.75, o = 2 + r h with r = 0.5, h0 = 4: o = 4;
  // h = 0.25 * 4 + 0.75 * 4.
  Check("gru",
        {{"x", "x"},
         {"initial_h", Floats({1, 1}, {4})},
         {"weight_ih", Floats({3, 1}, {0, 2, 1.09861229f})},
         {"weight_hh", Floats({3, 1}, {0, 1, 0})},
         {"activation", Text("linear")}},
        {{1, 1, 1}, {1}}, {{{1, 1, 1}, {4}}, {{1, 1}, {4}}});
  // h1 = 1, h2 = 2 + 3 * 1.
  Check("rnn",
        {{"x", "x"},
         {"initial_h", zero},
         {"weight_ih", Floats({1, 1}, {1})},
         {"weight_hh", Floats({1, 1}, {3})},
         {"activation", Text("linear")},
         {"output_sequence", B(true)}},
        {{2, 1, 1}, {1, 2}}, {{{2, 1, 1}, {1, 5}}, {{1, 1}, {5}}});
}

TEST_CASE("mil: non-maximum suppression pads its results") {
  Check("non_maximum_suppression",
        {{"boxes", "x"},
         {"scores", Floats({1, 3, 1}, {0.5f, 0.9f, 0.8f})},
         {"iou_threshold", F(0.5f)},
         {"score_threshold", F(0.1f)},
         {"max_boxes", I(3)}},
        {{1, 3, 4}, {0, 0, 2, 2, 0, 0, 2, 2, 9, 9, 2, 2}},
        {{{1, 3, 4}, {0, 0, 2, 2, 9, 9, 2, 2, 0, 0, 0, 0}},
         {{1, 3, 1}, {0.9f, 0.8f, 0}},
         {{1, 3}, {1, 2, -1}},
         {{1}, {2}}},
        mil::kTypeFp32,
        {mil::kTypeFp32, mil::kTypeFp32, mil::kTypeInt32, mil::kTypeInt32});
}

// while (i < limit) { x = x + x; i = i + 1 } with the limit given or known.
Expected<std::vector<Tensor>> RunLoop(bool known) {
  Program program;
  program.Input("x", {1}).Input("limit", {}, mil::kTypeInt32);
  program.Const("three", I(3)).Const("zero", I(0)).Const("one", I(1));
  Operation* loop = program.Op("while_loop", {{"loop_vars", {"zero", "x"}}},
                               {{"i_out", {}, mil::kTypeInt32}, {"y", {1}}});
  for (const bool is_condition : {true, false}) {
    Block* block = loop->add_blocks();
    const std::string suffix = is_condition ? "c" : "b";
    for (const char* name : {"i_", "v_"}) {
      auto* input = block->add_inputs();
      input->set_name(name + suffix);
      SetType(name[0] == 'i' ? mil::kTypeInt32 : mil::kTypeFp32,
              name[0] == 'i' ? std::vector<int64_t>{} : std::vector<int64_t>{1},
              input->mutable_type()->mutable_tensortype());
    }
    if (is_condition) {
      program.Op("less", {{"x", "i_c"}, {"y", known ? "three" : "limit"}},
                 {{"go", {}, mil::kTypeBool}}, block);
      block->add_outputs("go");
    } else {
      program.Op("add", {{"x", "v_b"}, {"y", "v_b"}}, {{"twice", {1}}}, block);
      program.Op("add", {{"x", "i_b"}, {"y", "one"}},
                 {{"next", {}, mil::kTypeInt32}}, block);
      block->add_outputs("next");
      block->add_outputs("twice");
    }
  }
  program.Returns({"y"});
  return program.Run({{"x", {{1}, {5}}}, {"limit", {{}, {3}}}});
}

TEST_CASE("mil: loops are unrolled or run on the host alike") {
  for (const bool known : {true, false}) {
    CAPTURE(known);
    const auto got = RunLoop(known);
    REQUIRE_MESSAGE(got.ok(), got.status().message());
    CHECK((*got)[0].values == Values{40});
  }
}

TEST_CASE("mil: branches on computed conditions") {
  Program program;
  program.Input("x", {1}).Input("p", {}, mil::kTypeBool);
  Operation* cond = program.Op("cond", {{"pred", "p"}}, {{"y", {1}}});
  for (const char* type : {"add", "mul"}) {
    Block* block = cond->add_blocks();
    program.Op(type, {{"x", "x"}, {"y", F(10)}}, {{type, {1}}}, block);
    block->add_outputs(type);
  }
  program.Returns({"y"});
  for (const float p : {1.0f, 0.0f}) {
    const auto got = program.Run({{"x", {{1}, {5}}}, {"p", {{}, {p}}}});
    REQUIRE_MESSAGE(got.ok(), got.status().message());
    CHECK((*got)[0].values == Values{p != 0 ? 15.0f : 50.0f});
  }
}

TEST_CASE("mil: lists grow where they are written") {
  Program program;
  program.Input("x", {2}).Input("i", {}, mil::kTypeInt32);
  program.Const("two", I(2));
  program.Op(
      "make_list",
      {{"init_length", I(1)}, {"elem_shape", {"two"}}, {"dtype", Text("fp32")}},
      {{"l0", {1, 2}}});
  program.Op("list_write", {{"ls", "l0"}, {"index", "i"}, {"value", "x"}},
             {{"l1", {-1, 2}}});
  program.Op("list_length", {{"ls", "l1"}}, {{"n", {}, mil::kTypeInt32}});
  program.Op("list_read", {{"ls", "l1"}, {"index", "i"}}, {{"r", {2}}});
  program.Op("list_gather", {{"ls", "l1"}, {"indices", Is({0, 2})}},
             {{"g", {2, 2}}});
  program.Op("list_scatter",
             {{"ls", "l0"},
              {"indices", Is({1, 0})},
              {"value", Floats({2, 2}, {1, 2, 3, 4})}},
             {{"s", {2, 2}}});
  program.Returns({"n", "r", "g", "s"});
  const auto got = program.Run({{"x", {{2}, {7, 8}}}, {"i", {{}, {2}}}});
  REQUIRE_MESSAGE(got.ok(), got.status().message());
  CHECK((*got)[0].values == Values{3});
  CHECK((*got)[1].values == Values{7, 8});
  CHECK((*got)[2].values == Values{0, 0, 7, 8});
  CHECK((*got)[3].values == Values{3, 4, 1, 2});
}

TEST_CASE("F14: states are zero at first and outlive runs") {
  Program program;
  program.Input("x", {2}).State("s", {2});
  program.Op("read_state", {{"input", "s"}}, {{"old", {2}}});
  program.Op("add", {{"x", "old"}, {"y", "x"}}, {{"new", {2}}});
  program.Op("write_state", {{"input", "s"}, {"data", "new"}}, {});
  program.Op("read_state", {{"input", "s"}}, {{"y", {2}}});
  program.Returns({"y"});
  const std::map<std::string, Tensor> inputs = {{"x", {{2}, {1, 10}}}};
  auto session = program.MakeSession(Numerics::kPortable, inputs);
  REQUIRE_MESSAGE(session.ok(), session.status().message());
  REQUIRE((*session)->states().size() == 1);
  CHECK((*session)->states()[0].name == "s");
  CHECK((*session)->inputs().size() == 1);
  CHECK((*session)->outputs().size() == 1);
  REQUIRE(Program::Feed(session->get(), inputs).ok());
  for (const float n : {1.0f, 2.0f, 3.0f}) {
    REQUIRE((*session)->Run().ok());
    CHECK(Program::Read((*session)->Output(0)).values == Values{n, 10 * n});
    CHECK(Program::Read((*session)->State(0)).values == Values{n, 10 * n});
  }
  REQUIRE((*session)->ResetStates().ok());
  REQUIRE((*session)->Run().ok());
  CHECK(Program::Read((*session)->Output(0)).values == Values{1, 10});
}

TEST_CASE("mil: functions are chosen by name") {
  Program program;
  program.Input("x", {1});
  program.Op("add", {{"x", "x"}, {"y", F(1)}}, {{"y", {1}}});
  program.Returns({"y"});
  auto& functions = *program.model.mutable_mlprogram()->mutable_functions();
  auto& other = functions["other"];
  other = functions["main"];
  other.mutable_block_specializations()
      ->at("CoreML8")
      .mutable_operations(0)
      ->set_type("sub");
  program.function_name = "other";
  const auto got = program.Run({{"x", {{1}, {5}}}});
  REQUIRE_MESSAGE(got.ok(), got.status().message());
  CHECK((*got)[0].values == Values{4});
  program.function_name = "third";
  const auto missing = program.Import();
  CHECK(missing.status().message().find("main, other") != std::string::npos);
}

TEST_CASE("mil: classify labels the probabilities") {
  Program program;
  program.Input("x", {1, 2});
  Value classes = EmptyValue(mil::kTypeString, {2});
  auto* strings =
      classes.mutable_immediatevalue()->mutable_tensor()->mutable_strings();
  strings->add_values("cat");
  strings->add_values("dog");
  program.Op("classify", {{"probabilities", "x"}, {"classes", classes}},
             {{"label", {}, mil::kTypeString}, {"odds", {}}});
  program.Returns({"label", "odds"});
  auto* description = program.model.mutable_description();
  description->set_predictedfeaturename("label");
  description->set_predictedprobabilitiesname("odds");
  auto* label = description->add_output();
  label->set_name("label");
  label->mutable_type()->mutable_stringtype();
  auto* odds = description->add_output();
  odds->set_name("odds");
  odds->mutable_type()->mutable_dictionarytype()->mutable_stringkeytype();
  const std::map<std::string, Tensor> inputs = {
      {"x", {{1, 2}, {0.25f, 0.75f}}}};
  const auto session = program.MakeSession(Numerics::kFp32, inputs);
  REQUIRE_MESSAGE(session.ok(), session.status().message());
  REQUIRE((*session)->outputs().size() == 1);
  CHECK((*session)->outputs()[0].name == "odds");
  CHECK((*session)->outputs()[0].labels ==
        std::vector<std::string>{"cat", "dog"});
  REQUIRE(Program::Feed(session->get(), inputs).ok());
  REQUIRE((*session)->Run().ok());
  CHECK(Program::Read((*session)->Output(0)).values == Values{0.25f, 0.75f});
}

TEST_CASE("mil: what is refused names operation and reason") {
  Program program;
  program.Input("x", {1});
  program.Op("random_normal", {{"shape", Is({1})}}, {{"y", {1}}});
  program.Returns({"y"});
  CHECK(program.Import().status().message().find(
            "op \"random_normal\" (operation \"y\") is not supported: its "
            "values are random") != std::string::npos);
  Program unknown;
  unknown.Input("x", {1});
  unknown.Op("no_such_op", {{"x", "x"}}, {{"y", {1}}});
  unknown.Returns({"y"});
  CHECK(unknown.Import().status().message().find("op \"no_such_op\"") !=
        std::string::npos);
}

TEST_CASE("mil: values of the weight file") {
  std::vector<uint8_t> file(192, 0);
  file[0] = 1;
  file[4] = 2;  // version
  const uint8_t record[] = {0xEF, 0xBE, 0xAD, 0xDE, 1, 0, 0, 0,  4,
                            0,    0,    0,    0,    0, 0, 0, 128};
  std::copy(std::begin(record), std::end(record), file.begin() + 64);
  file[129] = 0x3C;  // 1, -2 in fp16
  file[131] = 0xC0;
  const auto run = [&](uint64_t offset, int32_t type) {
    Program program;
    program.package.has_weights = true;
    for (uint8_t byte : file)
      program.package.weights.push_back(static_cast<std::byte>(byte));
    Value value;
    SetType(type, {2}, value.mutable_type()->mutable_tensortype());
    value.mutable_blobfilevalue()->set_filename("@model_path/weights/w.bin");
    value.mutable_blobfilevalue()->set_offset(offset);
    program.Const("w", value);
    program.Op("identity", {{"x", "w"}}, {{"y", {2}, type}});
    program.Returns({"y"});
    return program.Run({});
  };
  const auto good = run(64, mil::kTypeFp16);
  REQUIRE_MESSAGE(good.ok(), good.status().message());
  CHECK((*good)[0].values == Values{1, -2});
  CHECK_FALSE(run(64, mil::kTypeInt16).ok());  // another type
  CHECK_FALSE(run(128, mil::kTypeFp16).ok());  // no record
  CHECK_FALSE(run(1 << 20, mil::kTypeFp16).ok());
  file[72] = 6;  // another size
  CHECK_FALSE(run(64, mil::kTypeFp16).ok());
  file[72] = 4;
  file[81] = 1;  // data out of the file
  CHECK_FALSE(run(64, mil::kTypeFp16).ok());
}

}  // namespace
}  // namespace aneref::mil_test
