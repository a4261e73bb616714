// Convolutions, pools, norms, matrix products and resizes of neural networks,
// each with values worked out by hand.
#include "tests/import/coreml/nn_builder.h"

namespace aneref::test {
namespace {

using L = NeuralNetworkLayer;

void AddEdges(coreml::BorderAmounts* amounts,
              const std::vector<uint64_t>& edges) {
  for (size_t i = 0; i < edges.size(); i += 2) {
    auto* edge = amounts->add_borderamounts();
    edge->set_startedgesize(edges[i]);
    edge->set_endedgesize(edges[i + 1]);
  }
}

// 1x3 kernel 1, 10, 100 over one channel.
coreml::ConvolutionLayer* RowKernel(L& l) {
  auto* p = l.mutable_convolution();
  p->set_outputchannels(1);
  p->set_kernelchannels(1);
  SetList(p->mutable_kernelsize(), {1, 3});
  SetFloats(p->mutable_weights(), {1, 10, 100});
  return p;
}

const Array kRow = {{1, 1, 4}, {1, 2, 3, 4}};

TEST_CASE("coreml layers: convolution and its paddings") {
  CheckLayer(
      "valid without padding", [](L& l) { RowKernel(l); }, {kRow},
      {{{1, 1, 2}, {321, 432}}}, false);
  CheckLayer(
      "valid with padding",
      [](L& l) {
        AddEdges(RowKernel(l)->mutable_valid()->mutable_paddingamounts(),
                 {0, 0, 1, 0});
      },
      {kRow}, {{{1, 1, 3}, {210, 321, 432}}}, false);
  CheckLayer(
      "same", [](L& l) { RowKernel(l)->mutable_same(); }, {kRow},
      {{{1, 1, 4}, {210, 321, 432, 43}}}, false);
  // Stride 2: out 2, total padding (2-1)*2 + 3 - 4 = 1: at the end by default.
  CheckLayer(
      "same, the end heavier",
      [](L& l) {
        auto* p = RowKernel(l);
        p->mutable_same();
        SetList(p->mutable_stride(), {1, 2});
      },
      {kRow}, {{{1, 1, 2}, {321, 43}}}, false);
  CheckLayer(
      "same, the start heavier",
      [](L& l) {
        auto* p = RowKernel(l);
        p->mutable_same()->set_asymmetrymode(1);
        SetList(p->mutable_stride(), {1, 2});
      },
      {kRow}, {{{1, 1, 2}, {210, 432}}}, false);
  CheckLayer(
      "dilation, bias",
      [](L& l) {
        auto* p = RowKernel(l);
        SetList(p->mutable_dilationfactor(), {1, 2});
        p->set_hasbias(true);
        SetFloats(p->mutable_bias(), {0.5f});
      },
      {{{1, 1, 5}, {1, 2, 3, 4, 5}}}, {{{1}, {531.5f}}}, false);
}

TEST_CASE("coreml layers: groups and weights that are an input") {
  CheckLayer(
      "one kernel per channel",
      [](L& l) {
        auto* p = l.mutable_convolution();
        p->set_outputchannels(2);
        p->set_kernelchannels(1);
        p->set_ngroups(2);
        SetList(p->mutable_kernelsize(), {1, 1});
        SetFloats(p->mutable_weights(), {2, 3});
      },
      {{{2, 1, 2}, {1, 2, 3, 4}}}, {{{2, 1, 2}, {2, 4, 9, 12}}}, false);
  CheckLayer("fed weights",
             [](L& l) {
               auto* p = l.mutable_convolution();
               p->set_outputchannels(1);
               SetList(p->mutable_kernelsize(), {1, 2});
             },
             {{{1, 1, 1, 3}, {1, 2, 3}}, {{1, 1, 1, 2}, {1, 10}}},
             {{{1, 1, 1, 2}, {21, 32}}});
}

TEST_CASE("coreml layers: deconvolution crops its full size") {
  const auto fill = [](L& l) {
    auto* p = RowKernel(l);
    p->set_isdeconvolution(true);
    SetList(p->mutable_stride(), {1, 2});
    return p;
  };
  const Array x = {{1, 1, 2}, {1, 2}};
  // Full size (2-1)*2 + 3 = 5: 1, 10, 100 and 2, 20, 200 two further.
  CheckLayer(
      "valid", [&](L& l) { fill(l); }, {x},
      {{{1, 1, 5}, {1, 10, 102, 20, 200}}}, false);
  CheckLayer(
      "valid, cropped",
      [&](L& l) {
        AddEdges(fill(l)->mutable_valid()->mutable_paddingamounts(),
                 {0, 0, 1, 2});
      },
      {x}, {{{1, 1, 2}, {10, 102}}}, false);
  // out = 4, one too many: nothing from the start, or nothing from the end.
  CheckLayer(
      "same", [&](L& l) { fill(l)->mutable_same(); }, {x},
      {{{1, 1, 4}, {1, 10, 102, 20}}}, false);
  CheckLayer(
      "same, the start heavier",
      [&](L& l) { fill(l)->mutable_same()->set_asymmetrymode(1); }, {x},
      {{{1, 1, 4}, {10, 102, 20, 200}}}, false);
  CheckLayer(
      "output shape",
      [&](L& l) {
        SetList(fill(l)->mutable_outputshape(), {1, 3});
      },
      {x}, {{{1, 1, 3}, {10, 102, 20}}}, false);
}

TEST_CASE("coreml layers: three-dimensional convolution and pooling") {
  const Array x = {{1, 1, 2, 1, 2}, {1, 2, 3, 4}};
  CheckLayer("convolution3d",
             [](L& l) {
               auto* p = l.mutable_convolution3d();
               p->set_outputchannels(1);
               p->set_inputchannels(1);
               p->set_kerneldepth(2);
               p->set_kernelheight(1);
               p->set_kernelwidth(1);
               p->set_paddingtype(1);
               SetFloats(p->mutable_weights(), {1, 10});
             },
             {x}, {{{1, 1, 1, 1, 2}, {31, 42}}});
  CheckLayer("pooling3d",
             [](L& l) {
               auto* p = l.mutable_pooling3d();
               p->set_kerneldepth(2);
               p->set_kernelheight(1);
               p->set_kernelwidth(1);
               p->set_paddingtype(1);
             },
             {x}, {{{1, 1, 1, 1, 2}, {3, 4}}});
  CheckLayer("globalPooling3d",
             [](L& l) { l.mutable_globalpooling3d()->set_mode(1); }, {x},
             {{{1, 1, 1, 1, 1}, {2.5f}}});
}

coreml::PoolingLayer* Pool(L& l, int32_t type, int64_t kernel, int64_t stride) {
  auto* p = l.mutable_pooling();
  p->set_type(type);
  SetList(p->mutable_kernelsize(), {1, kernel});
  SetList(p->mutable_stride(), {1, stride});
  return p;
}

TEST_CASE("coreml layers: pools and what they divide by") {
  const Array x = {{1, 1, 5}, {1, 2, 3, 4, 5}};
  CheckLayer(
      "max", [](L& l) { Pool(l, 0, 2, 2); }, {x}, {{{1, 1, 2}, {2, 4}}}, false);
  CheckLayer(
      "average", [](L& l) { Pool(l, 1, 2, 2); }, {x},
      {{{1, 1, 2}, {1.5f, 3.5f}}}, false);
  CheckLayer(
      "L2", [](L& l) { Pool(l, 2, 2, 2); }, {x},
      {{{1, 1, 2}, {2.23606798f, 5}}}, false);
  CheckLayer(
      "the last pixel: padding of 1, one more window",
      [](L& l) {
        auto* p = Pool(l, 0, 2, 2);
        SetList(p->mutable_includelastpixel()->mutable_paddingamounts(),
                {0, 0});
      },
      {x}, {{{1, 1, 3}, {2, 4, 5}}}, false);
  const auto padded = [](bool exclude) {
    return [=](L& l) {
      auto* p = Pool(l, 1, 2, 2);
      p->set_avgpoolexcludepadding(exclude);
      AddEdges(p->mutable_valid()->mutable_paddingamounts(), {0, 0, 1, 0});
    };
  };
  CheckLayer("padding counts", padded(false), {x},
             {{{1, 1, 3}, {0.5f, 2.5f, 4.5f}}}, false);
  CheckLayer("padding does not count", padded(true), {x},
             {{{1, 1, 3}, {1, 2.5f, 4.5f}}}, false);
  CheckLayer(
      "global",
      [](L& l) {
        l.mutable_pooling()->set_type(1);
        l.mutable_pooling()->set_globalpooling(true);
      },
      {{{2, 1, 2}, {1, 3, 5, 9}}}, {{{2}, {2, 7}}}, false);
}

TEST_CASE("coreml layers: batch normalisation, given and computed") {
  const Array x = {{2, 1, 2}, {1, 3, 2, 10}};
  const auto fill = [](bool compute, bool instance) {
    return [=](L& l) {
      auto* p = l.mutable_batchnorm();
      p->set_channels(2);
      p->set_epsilon(1e-12f);
      p->set_computemeanvar(compute);
      p->set_instancenormalization(instance);
      SetFloats(p->mutable_gamma(), {2, 1});
      SetFloats(p->mutable_beta(), {0, 10});
      if (compute) return;
      SetFloats(p->mutable_mean(), {1, 2});
      SetFloats(p->mutable_variance(), {4, 16});
    };
  };
  CheckLayer("given", fill(false, false), {x}, {{{2, 1, 2}, {0, 2, 10, 12}}},
             false);
  CheckLayer("of each sample", fill(true, true), {x},
             {{{2, 1, 2}, {-2, 2, 9, 11}}}, false);
  CheckLayer("of all samples", fill(true, false), {x},
             {{{2, 1, 2}, {-2, 2, 9, 11}}}, false);
}

TEST_CASE("coreml layers: other normalisations") {
  const Array x = {{2, 1, 2}, {1, 3, 5, 7}};
  CheckLayer(
      "mvn per channel",
      [](L& l) {
        l.mutable_mvn()->set_normalizevariance(true);
        l.mutable_mvn()->set_epsilon(1e-12f);
      },
      {x}, {{{2, 1, 2}, {-1, 1, -1, 1}}}, false);
  CheckLayer(
      "mvn, the mean only",
      [](L& l) { l.mutable_mvn()->set_acrosschannels(true); }, {x},
      {{{2, 1, 2}, {-3, -1, 1, 3}}}, false);
  CheckLayer(
      "l2normalize", [](L& l) { l.mutable_l2normalize()->set_alpha(1e-12f); },
      {{{2, 1, 1}, {3, 4}}}, {{{2}, {0.6f, 0.8f}}}, false);
  // 3 channels, alpha 3: x / (1 + sum of squares of the neighbours).
  CheckLayer(
      "lrn",
      [](L& l) {
        l.mutable_lrn()->set_alpha(3);
        l.mutable_lrn()->set_beta(1);
        l.mutable_lrn()->set_localsize(3);
      },
      {{{3, 1, 1}, {1, 2, 0}}}, {{{3}, {1.0f / 6, 2.0f / 6, 0}}}, false);
  CheckLayer("layerNormalization",
             [](L& l) {
               auto* p = l.mutable_layernormalization();
               SetList(p->mutable_normalizedshape(), {2});
               SetFloats(p->mutable_gamma(), {1, 2});
               SetFloats(p->mutable_beta(), {0, 1});
             },
             {{{2, 2}, {1, 3, 2, 6}}}, {{{2, 2}, {-1, 3, -1, 3}}});
}

TEST_CASE("coreml layers: softmax over channels or any axis") {
  const float low = 0.26894142f, high = 0.73105858f;
  CheckLayer(
      "softmax", [](L& l) { l.mutable_softmax(); }, {{{2, 1, 2}, {0, 5, 1, 4}}},
      {{{2, 1, 2}, {low, high, high, low}}}, false);
  CheckLayer("softmaxND", [](L& l) { l.mutable_softmaxnd()->set_axis(-1); },
             {{{2, 2}, {0, 1, 5, 4}}}, {{{2, 2}, {low, high, high, low}}});
}

coreml::InnerProductLayer* Dense(L& l) {
  auto* p = l.mutable_innerproduct();
  p->set_inputchannels(3);
  p->set_outputchannels(2);
  SetFloats(p->mutable_weights(), {1, 2, 3, 0, -1, 1});
  p->set_hasbias(true);
  SetFloats(p->mutable_bias(), {10, 20});
  return p;
}

TEST_CASE("coreml layers: inner products of vectors wherever they lie") {
  const std::vector<float> v = {1, 2, 4};
  CheckLayer(
      "[C]", [](L& l) { Dense(l); }, {{{3}, v}}, {{{2}, {27, 22}}}, false);
  CheckLayer(
      "[C,1,1]", [](L& l) { Dense(l); }, {{{3, 1, 1}, v}}, {{{2}, {27, 22}}},
      false);
  CheckLayer(
      "the last axis", [](L& l) { Dense(l); }, {{{1, 1, 3}, v}},
      {{{2}, {27, 22}}}, false);
  CheckLayer("exact, a batch", [](L& l) { Dense(l); },
             {{{2, 3}, {1, 2, 4, 1, 0, 0}}}, {{{2, 2}, {27, 22, 11, 20}}});
}

TEST_CASE("coreml layers: embeddings read columns of their tables") {
  CheckLayer(
      "embedding",
      [](L& l) {
        auto* p = l.mutable_embedding();
        p->set_inputchannels(3);
        p->set_outputchannels(2);
        SetFloats(p->mutable_weights(), {1, 2, 3, 4, 5, 6});
        p->set_hasbias(true);
        SetFloats(p->mutable_bias(), {10, 20});
      },
      {{{1}, {2}}}, {{{2}, {13, 26}}}, false);
  CheckLayer("embeddingND",
             [](L& l) {
               auto* p = l.mutable_embeddingnd();
               p->set_vocabsize(3);
               p->set_embeddingsize(2);
               SetFloats(p->mutable_weights(), {1, 2, 3, 4, 5, 6});
             },
             {{{2, 1}, {1, 0}}}, {{{2, 2}, {2, 5, 1, 4}}});
}

TEST_CASE("coreml layers: matrix products") {
  const Array a = {{2, 2}, {1, 2, 3, 4}}, b = {{2, 2}, {1, 1, 0, 2}};
  CheckLayer("two inputs", [](L& l) { l.mutable_batchedmatmul(); }, {a, b},
             {{{2, 2}, {1, 5, 3, 11}}});
  CheckLayer("transposed",
             [](L& l) {
               l.mutable_batchedmatmul()->set_transposea(true);
               l.mutable_batchedmatmul()->set_transposeb(true);
             },
             {a, b}, {{{2, 2}, {4, 6, 6, 8}}});
  CheckLayer("weights are stored transposed",
             [](L& l) {
               auto* p = l.mutable_batchedmatmul();
               p->set_weightmatrixfirstdimension(2);
               p->set_weightmatrixseconddimension(1);
               SetFloats(p->mutable_weights(), {10, 1});
               p->set_hasbias(true);
               SetFloats(p->mutable_bias(), {0.5f});
             },
             {a}, {{{2, 1}, {12.5f, 34.5f}}});
}

coreml::UpsampleLayer* Upsample(L& l, int32_t mode, int32_t linear_mode) {
  auto* p = l.mutable_upsample();
  SetList(p->mutable_scalingfactor(), {1, 2});
  p->set_mode(mode);
  p->set_linearupsamplemode(linear_mode);
  return p;
}

TEST_CASE("coreml layers: upsampling points") {
  const Array x = {{1, 1, 2}, {0, 12}};
  CheckLayer(
      "nearest", [](L& l) { Upsample(l, 0, 0); }, {x},
      {{{1, 1, 4}, {0, 0, 12, 12}}}, false);
  // i / 2, clamped to the last element.
  CheckLayer(
      "bilinear by default", [](L& l) { Upsample(l, 1, 0); }, {x},
      {{{1, 1, 4}, {0, 6, 12, 12}}}, false);
  CheckLayer(
      "aligned corners", [](L& l) { Upsample(l, 1, 1); }, {x},
      {{{1, 1, 4}, {0, 4, 8, 12}}}, false);
  CheckLayer(
      "half pixels", [](L& l) { Upsample(l, 1, 2); }, {x},
      {{{1, 1, 4}, {0, 3, 9, 12}}}, false);
}

TEST_CASE("coreml layers: resize sampling modes") {
  const auto fill = [](int32_t mode, int64_t width) {
    return [=](L& l) {
      SetList(l.mutable_resizebilinear()->mutable_targetsize(), {1, width});
      l.mutable_resizebilinear()->mutable_mode()->set_mode(mode);
    };
  };
  const Array x = {{1, 1, 3}, {0, 8, 16}};
  CheckLayer("strict ends", fill(0, 2), {x}, {{{1, 1, 2}, {0, 16}}}, false);
  CheckLayer("strict ends of one", fill(0, 1), {x}, {{{1}, {0}}}, false);
  CheckLayer("the middle of one", fill(1, 1), {x}, {{{1}, {8}}}, false);
  // i (3 - 3/2) / (2 - 1): 0 and 1.5.
  CheckLayer("upsample points", fill(2, 2), {x}, {{{1, 1, 2}, {0, 12}}}, false);
  // Spacing 2 / 2, from half of it: 0.5 and 1.5.
  CheckLayer("region points", fill(3, 2), {x}, {{{1, 1, 2}, {4, 12}}}, false);
}

}  // namespace
}  // namespace aneref::test
