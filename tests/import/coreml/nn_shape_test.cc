// Layers of neural networks that move elements, each with values worked out by
// hand.
#include "tests/import/coreml/nn_builder.h"

namespace aneref::test {
namespace {

using L = NeuralNetworkLayer;

const Array kSix = {{2, 3}, {1, 2, 3, 4, 5, 6}};
// [C,H,W] = [2,2,2]: 1..8.
const Array kCube = {{2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}};

TEST_CASE("coreml layers: flatten and reshape channel first and last") {
  CheckLayer(
      "flatten", [](L& l) { l.mutable_flatten(); }, {kCube},
      {{{8}, {1, 2, 3, 4, 5, 6, 7, 8}}}, false);
  CheckLayer(
      "flatten channel last", [](L& l) { l.mutable_flatten()->set_axis(1); },
      {kCube}, {{{8}, {1, 5, 2, 6, 3, 7, 4, 8}}}, false);
  CheckLayer(
      "reshape",
      [](L& l) {
        SetList(l.mutable_reshape()->mutable_targetshape(), {4, 1, 2});
      },
      {kCube}, {{{4, 1, 2}, {1, 2, 3, 4, 5, 6, 7, 8}}}, false);
  // H,W,C order 1 5 2 6 3 7 4 8 as [1,2,4] (H,W,C), then channels first.
  CheckLayer(
      "reshape channel last",
      [](L& l) {
        SetList(l.mutable_reshape()->mutable_targetshape(), {4, 1, 2});
        l.mutable_reshape()->set_mode(1);
      },
      {kCube}, {{{4, 1, 2}, {1, 3, 5, 7, 2, 4, 6, 8}}}, false);
  CheckLayer(
      "reshape with Seq",
      [](L& l) {
        SetList(l.mutable_reshape()->mutable_targetshape(), {1, -1, 1, 4});
      },
      {kCube}, {{{2, 1, 4}, {1, 2, 3, 4, 5, 6, 7, 8}}}, false);
}

TEST_CASE("coreml layers: permute names four axes and transpose any") {
  CheckLayer(
      "permute C and W",
      [](L& l) {
        SetList(l.mutable_permute()->mutable_sizes(), {0, 3, 2, 1});
      },
      {{{2, 1, 3}, {1, 2, 3, 4, 5, 6}}}, {{{3, 1, 2}, {1, 4, 2, 5, 3, 6}}},
      false);
  CheckLayer("transpose",
             [](L& l) {
               SetList(l.mutable_transpose()->mutable_sizes(), {1, 0});
             },
             {kSix}, {{{3, 2}, {1, 4, 2, 5, 3, 6}}});
}

TEST_CASE("coreml layers: reorganised blocks") {
  const Array channels = {{4, 1, 1}, {1, 2, 3, 4}};
  const Array eight = {{8, 1, 1}, {1, 2, 3, 4, 5, 6, 7, 8}};
  const auto mode = [](int32_t value) {
    return [value](L& l) {
      l.mutable_reorganizedata()->set_mode(value);
      l.mutable_reorganizedata()->set_blocksize(2);
    };
  };
  CheckLayer("depth to space", mode(1), {channels}, {{{1, 2, 2}, {1, 2, 3, 4}}},
             false);
  // Channel (r 2 + s) 2 + c: place 0 of both outputs is channels 0 and 1.
  CheckLayer("depth to space of two channels", mode(1), {eight},
             {{{2, 2, 2}, {1, 3, 5, 7, 2, 4, 6, 8}}}, false);
  // Channel c 4 + r 2 + s.
  CheckLayer("pixel shuffle", mode(2), {eight},
             {{{2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}}}, false);
  CheckLayer("space to depth", mode(0), {{{1, 2, 2}, {1, 2, 3, 4}}},
             {{{4}, {1, 2, 3, 4}}}, false);
}

TEST_CASE("coreml layers: concat and split") {
  const Array a = {{1, 1, 2}, {1, 2}}, b = {{2, 1, 2}, {3, 4, 5, 6}};
  CheckLayer(
      "concat", [](L& l) { l.mutable_concat(); }, {a, b},
      {{{3, 1, 2}, {1, 2, 3, 4, 5, 6}}}, false);
  CheckLayer(
      "split", [](L& l) { l.mutable_split()->set_count(2); },
      {{{4, 1, 1}, {1, 2, 3, 4}}}, {{{2}, {1, 2}}, {{2}, {3, 4}}}, false);
  CheckLayer("concatND", [](L& l) { l.mutable_concatnd()->set_axis(-1); },
             {kSix, kSix}, {{{2, 6}, {1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6}}});
  CheckLayer("concatND interleaved",
             [](L& l) {
               l.mutable_concatnd()->set_axis(1);
               l.mutable_concatnd()->set_option(1);
             },
             {{{2, 2}, {1, 2, 3, 4}}, {{2, 2}, {5, 6, 7, 8}}},
             {{{2, 4}, {1, 5, 2, 6, 3, 7, 4, 8}}});
  CheckLayer("splitND by sizes",
             [](L& l) {
               l.mutable_splitnd()->set_axis(1);
               SetList(l.mutable_splitnd()->mutable_splitsizes(), {1, 2});
             },
             {kSix}, {{{2, 1}, {1, 4}}, {{2, 2}, {2, 3, 5, 6}}});
  CheckLayer("stack", [](L& l) { l.mutable_stack()->set_axis(1); },
             {{{2}, {1, 2}}, {{2}, {3, 4}}}, {{{2, 2}, {1, 3, 2, 4}}});
}

TEST_CASE("coreml layers: repeats and tiles") {
  CheckLayer(
      "sequenceRepeat", [](L& l) { l.mutable_sequencerepeat()->set_count(2); },
      {{{2}, {1, 2}}}, {{{2, 1, 2, 1, 1}, {1, 2, 1, 2}}}, false);
  CheckLayer("tile",
             [](L& l) {
               SetList(l.mutable_tile()->mutable_sizes(), {1, 2});
             },
             {{{2, 2}, {1, 2, 3, 4}}}, {{{2, 4}, {1, 2, 1, 2, 3, 4, 3, 4}}});
  CheckLayer("broadcastToStatic",
             [](L& l) {
               SetList(l.mutable_broadcasttostatic()->mutable_sizes(), {2, 2});
             },
             {{{2}, {1, 2}}}, {{{2, 2}, {1, 2, 1, 2}}});
  CheckLayer("broadcastToDynamic", [](L& l) { l.mutable_broadcasttodynamic(); },
             {{{2}, {1, 2}}, {{2}, {2, 2}}}, {{{-1, -1}, {1, 2, 1, 2}}});
  CheckLayer("broadcastToLike", [](L& l) { l.mutable_broadcasttolike(); },
             {{{1, 3}, {1, 2, 3}}, kSix}, {{{2, 3}, {1, 2, 3, 1, 2, 3}}});
}

TEST_CASE("coreml layers: old slices count from the end and stop at it") {
  const auto slice = [](int64_t start, int64_t end, uint64_t step,
                        int32_t axis) {
    return [=](L& l) {
      auto* p = l.mutable_slice();
      p->set_startindex(start);
      p->set_endindex(end);
      p->set_stride(step);
      p->set_axis(axis);
    };
  };
  const Array row = {{1, 1, 5}, {1, 2, 3, 4, 5}};
  CheckLayer("part", slice(1, 3, 1, 2), {row}, {{{1, 1, 2}, {2, 3}}}, false);
  CheckLayer("to the end", slice(-2, 0, 1, 2), {row}, {{{1, 1, 2}, {4, 5}}},
             false);
  CheckLayer("strides", slice(0, -1, 2, 2), {row}, {{{1, 1, 2}, {1, 3}}},
             false);
  CheckLayer("channels", slice(1, 2, 1, 0), {kCube},
             {{{1, 2, 2}, {5, 6, 7, 8}}}, false);
}

TEST_CASE("coreml layers: slices with masks") {
  const auto fill = [](const std::vector<int64_t>& begins,
                       const std::vector<int64_t>& ends,
                       const std::vector<int64_t>& strides,
                       const std::vector<int64_t>& begin_masks,
                       const std::vector<int64_t>& end_masks,
                       const std::vector<int64_t>& squeezes) {
    return [=](L& l) {
      auto* p = l.mutable_slicestatic();
      SetList(p->mutable_beginids(), begins);
      SetList(p->mutable_endids(), ends);
      SetList(p->mutable_strides(), strides);
      SetList(p->mutable_beginmasks(), begin_masks);
      SetList(p->mutable_endmasks(), end_masks);
      SetList(p->mutable_squeezemasks(), squeezes);
    };
  };
  CheckLayer("plain", fill({0, 1}, {2, 3}, {1, 1}, {}, {}, {}), {kSix},
             {{{2, 2}, {2, 3, 5, 6}}});
  CheckLayer("open ends", fill({1, 9}, {9, 9}, {1, 2}, {0, 1}, {1, 1}, {}),
             {kSix}, {{{1, 2}, {4, 6}}});
  CheckLayer("backwards", fill({0, 0}, {2, 0}, {1, -1}, {0, 1}, {0, 1}, {}),
             {kSix}, {{{2, 3}, {3, 2, 1, 6, 5, 4}}});
  CheckLayer("squeeze", fill({-1, 0}, {0, 3}, {1, 1}, {}, {}, {1, 0}), {kSix},
             {{{3}, {4, 5, 6}}});
  CheckLayer("sliceDynamic with inputs that are fed",
             [](L& l) {
               auto* p = l.mutable_slicedynamic();
               SetList(p->mutable_endids(), {2, 3});
               SetList(p->mutable_strides(), {1, 1});
             },
             {kSix, {{2}, {1, 1}}}, {{{-1, -1}, {5, 6}}});
  CheckLayer("sliceBySize",
             [](L& l) {
               l.mutable_slicebysize()->set_size(2);
               l.mutable_slicebysize()->set_axis(1);
             },
             {kSix, {{1}, {1}}}, {{{-1, -1}, {2, 3, 5, 6}}});
}

TEST_CASE("coreml layers: windows and reversals") {
  CheckLayer("slidingWindows",
             [](L& l) {
               l.mutable_slidingwindows()->set_windowsize(3);
               l.mutable_slidingwindows()->set_step(2);
             },
             {{{5}, {1, 2, 3, 4, 5}}}, {{{2, 3}, {1, 2, 3, 3, 4, 5}}});
  CheckLayer("reverse",
             [](L& l) {
               SetList(l.mutable_reverse()->mutable_flags(), {0, 1});
             },
             {kSix}, {{{2, 3}, {3, 2, 1, 6, 5, 4}}});
  CheckLayer("reverseSeq",
             [](L& l) { l.mutable_reverseseq()->set_sequenceaxis(1); },
             {{{2, 4}, {0, 1, 2, 3, 4, 5, 6, 7}}, {{2}, {3, 0}}},
             {{{2, 4}, {2, 1, 0, 3, 4, 5, 6, 7}}});
}

TEST_CASE("coreml layers: squeezed and expanded axes") {
  const Array ones = {{1, 3, 1}, {1, 2, 3}};
  CheckLayer("squeeze",
             [](L& l) { SetList(l.mutable_squeeze()->mutable_axes(), {0}); },
             {ones}, {{{3, 1}, {1, 2, 3}}});
  CheckLayer("squeezeAll", [](L& l) { l.mutable_squeeze()->set_all(true); },
             {ones}, {{{3}, {1, 2, 3}}});
  CheckLayer("nothing left is one axis",
             [](L& l) { l.mutable_squeeze()->set_all(true); }, {{{1, 1}, {5}}},
             {{{1}, {5}}});
  CheckLayer("expandDims counts axes of the result",
             [](L& l) {
               SetList(l.mutable_expanddims()->mutable_axes(), {0, -1});
             },
             {{{2}, {1, 2}}}, {{{1, 2, 1}, {1, 2}}});
}

TEST_CASE("coreml layers: reshapes of any rank") {
  CheckLayer("reshapeStatic",
             [](L& l) {
               SetList(l.mutable_reshapestatic()->mutable_axes(), {3, -1});
             },
             {kSix}, {{{3, 2}, {1, 2, 3, 4, 5, 6}}});
  CheckLayer("reshapeDynamic", [](L& l) { l.mutable_reshapedynamic(); },
             {kSix, {{2}, {6, 1}}}, {{{-1, -1}, {1, 2, 3, 4, 5, 6}}});
  CheckLayer("reshapeLike", [](L& l) { l.mutable_reshapelike(); },
             {kSix, {{6}, {0, 0, 0, 0, 0, 0}}}, {{{6}, {1, 2, 3, 4, 5, 6}}});
  CheckLayer(
      "rankPreservingReshape: 0 keeps the axis",
      [](L& l) {
        SetList(l.mutable_rankpreservingreshape()->mutable_axes(), {0, -1});
      },
      {kSix}, {{{2, 3}, {1, 2, 3, 4, 5, 6}}});
  CheckLayer("flattenTo2D", [](L& l) { l.mutable_flattento2d()->set_axis(-1); },
             {{{2, 3, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}},
             {{{6, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}});
  CheckLayer("getShape", [](L& l) { l.mutable_getshape(); }, {kSix},
             {{{2}, {2, 3}}});
}

TEST_CASE("coreml layers: padding and cropping") {
  const auto borders = [](coreml::BorderAmounts* amounts,
                          const std::vector<uint64_t>& edges) {
    for (size_t i = 0; i < 4; i += 2) {
      auto* edge = amounts->add_borderamounts();
      edge->set_startedgesize(edges[i]);
      edge->set_endedgesize(edges[i + 1]);
    }
  };
  const Array row = {{1, 1, 3}, {1, 2, 3}};
  CheckLayer(
      "constant",
      [&](L& l) {
        l.mutable_padding()->mutable_constant()->set_alpha(9);
        borders(l.mutable_padding()->mutable_paddingamounts(), {0, 0, 1, 2});
      },
      {row}, {{{1, 1, 6}, {9, 1, 2, 3, 9, 9}}}, false);
  CheckLayer(
      "reflection",
      [&](L& l) {
        l.mutable_padding()->mutable_reflection();
        borders(l.mutable_padding()->mutable_paddingamounts(), {0, 0, 2, 1});
      },
      {row}, {{{1, 1, 6}, {3, 2, 1, 2, 3, 2}}}, false);
  CheckLayer(
      "replication",
      [&](L& l) {
        l.mutable_padding()->mutable_replication();
        borders(l.mutable_padding()->mutable_paddingamounts(), {0, 1, 1, 1});
      },
      {row}, {{{1, 2, 5}, {1, 1, 2, 3, 3, 1, 1, 2, 3, 3}}}, false);
  CheckLayer(
      "constantPad",
      [](L& l) {
        SetList(l.mutable_constantpad()->mutable_padamounts(), {0, 1, 2, 0});
        l.mutable_constantpad()->set_value(7);
      },
      {{{1, 2}, {1, 2}}}, {{{2, 4}, {7, 7, 1, 2, 7, 7, 7, 7}}});
  CheckLayer(
      "constantPad to a size",
      [](L& l) {
        SetList(l.mutable_constantpad()->mutable_padamounts(), {0, 2, 4, 0});
        l.mutable_constantpad()->set_padtogivenoutputsizemode(true);
      },
      {{{1, 2}, {1, 2}}}, {{{2, 4}, {0, 0, 1, 2, 0, 0, 0, 0}}});
  CheckLayer(
      "crop",
      [&](L& l) {
        borders(l.mutable_crop()->mutable_cropamounts(), {0, 1, 1, 0});
      },
      {kCube}, {{{2, 1, 1}, {2, 6}}}, true);
  CheckLayer(
      "crop to a second blob",
      [](L& l) {
        SetList(l.mutable_crop()->mutable_offset(), {1, 0});
      },
      {kCube, {{1, 1, 2}, {0, 0}}}, {{{2, 1, 2}, {3, 4, 7, 8}}}, true);
}

}  // namespace
}  // namespace aneref::test
