// Reductions, gathers, scatters, sorting and made values of neural networks,
// each with values worked out by hand.
#include "tests/import/coreml/nn_builder.h"

namespace aneref::test {
namespace {

using L = NeuralNetworkLayer;

const Array kSix = {{2, 3}, {1, 2, 3, 4, 5, 6}};

TEST_CASE("coreml layers: old reductions keep their axes as 1") {
  const Array x = {{2, 1, 2}, {1, 2, 3, -4}};
  const auto fill = [](int32_t mode, int32_t axis) {
    return [=](L& l) {
      l.mutable_reduce()->set_mode(mode);
      l.mutable_reduce()->set_axis(axis);
    };
  };
  CheckLayer("sum CHW", fill(0, 0), {x}, {{{1, 1, 1}, {2}}});
  CheckLayer("avg HW", fill(1, 1), {x}, {{{2, 1, 1}, {1.5f, -0.5f}}});
  CheckLayer("prod C", fill(2, 2), {x}, {{{1, 1, 2}, {3, -8}}});
  CheckLayer("sumsquare W", fill(4, 4), {x}, {{{2, 1, 1}, {5, 25}}});
  CheckLayer("L1 W", fill(5, 4), {x}, {{{2, 1, 1}, {3, 7}}});
  CheckLayer("L2 W", fill(6, 4), {x}, {{{2, 1, 1}, {2.23606798f, 5}}});
  CheckLayer("max H", fill(7, 3), {x}, {{{2, 1, 2}, {1, 2, 3, -4}}});
  CheckLayer("min C", fill(8, 2), {x}, {{{1, 1, 2}, {1, -4}}});
  CheckLayer("argmax C", fill(9, 2), {x}, {{{1, 1, 2}, {1, 0}}});
  // ln 2 + ln 4 with an epsilon of 1.
  CheckLayer("logsum W",
             [](L& l) {
               l.mutable_reduce()->set_mode(3);
               l.mutable_reduce()->set_axis(4);
               l.mutable_reduce()->set_epsilon(1);
             },
             {{{1, 1, 2}, {1, 3}}}, {{{1, 1, 1}, {2.07944154f}}});
}

TEST_CASE("coreml layers: reductions over any axes") {
  using Get = coreml::ReduceLayer* (L::*)();
  const auto fill = [](Get get, bool keep) {
    return [=](L& l) {
      SetList((l.*get)()->mutable_axes(), {1});
      (l.*get)()->set_keepdims(keep);
    };
  };
  const std::vector<std::pair<Get, std::vector<float>>> rows = {
      {&L::mutable_reducesum, {6, 15}},
      {&L::mutable_reducemean, {2, 5}},
      {&L::mutable_reduceprod, {6, 120}},
      {&L::mutable_reducemax, {3, 6}},
      {&L::mutable_reducemin, {1, 4}},
      {&L::mutable_reducel1, {6, 15}},
      {&L::mutable_reducel2, {3.74165739f, 8.77496439f}},
      {&L::mutable_reducesumsquare, {14, 77}},
      {&L::mutable_reducelogsum, {1.79175947f, 2.70805020f}},
      {&L::mutable_reducelogsumexp, {3.40760596f, 6.40760596f}},
  };
  for (const auto& [get, want] : rows) {
    CheckLayer("kept", fill(get, true), {kSix}, {{{2, 1}, want}});
    CheckLayer("removed", fill(get, false), {kSix}, {{{2}, want}});
  }
  CheckLayer("everything gives one axis",
             [](L& l) { l.mutable_reducesum()->set_reduceall(true); }, {kSix},
             {{{1}, {21}}});
}

TEST_CASE("coreml layers: places of extremes") {
  const Array x = {{2, 3}, {1, 5, 3, 9, 5, 6}};
  CheckLayer("argMax", [](L& l) { l.mutable_argmax()->set_axis(1); }, {x},
             {{{2, 1}, {1, 0}}});
  CheckLayer("argMin without the axis",
             [](L& l) {
               l.mutable_argmin()->set_axis(-1);
               l.mutable_argmin()->set_option(1);
             },
             {x}, {{{2}, {0, 1}}});
  CheckLayer("topK",
             [](L& l) {
               l.mutable_topk()->set_axis(1);
               l.mutable_topk()->set_k(2);
             },
             {x}, {{{2, 2}, {5, 3, 9, 6}}, {{2, 2}, {1, 2, 0, 2}}});
  CheckLayer("bottomK",
             [](L& l) {
               l.mutable_topk()->set_axis(1);
               l.mutable_topk()->set_k(1);
               l.mutable_topk()->set_usebottomk(true);
             },
             {x}, {{{2, 1}, {1, 5}}, {{2, 1}, {0, 1}}});
  CheckLayer("argSort", [](L& l) { l.mutable_argsort()->set_axis(1); }, {x},
             {{{2, 3}, {0, 2, 1, 1, 2, 0}}});
  CheckLayer("argSort descending",
             [](L& l) {
               l.mutable_argsort()->set_axis(1);
               l.mutable_argsort()->set_option(1);
             },
             {x}, {{{2, 3}, {1, 2, 0, 0, 2, 1}}});
}

TEST_CASE("coreml layers: gathers") {
  CheckLayer("gather", [](L& l) { l.mutable_gather()->set_axis(1); },
             {kSix, {{2}, {2, 0}}}, {{{2, 2}, {3, 1, 6, 4}}});
  CheckLayer("gatherND", [](L& l) { l.mutable_gathernd(); },
             {kSix, {{2, 2}, {0, 1, 1, 2}}}, {{{2}, {2, 6}}});
  CheckLayer("gatherAlongAxis",
             [](L& l) { l.mutable_gatheralongaxis()->set_axis(1); },
             {kSix, {{2, 2}, {2, 0, 1, 1}}}, {{{2, 2}, {3, 1, 5, 5}}});
}

TEST_CASE("coreml layers: scatters in all modes") {
  const Array x = {{3}, {10, 20, 30}}, at = {{2}, {2, 0}}, with = {{2}, {2, 5}};
  const std::vector<std::vector<float>> want = {
      {5, 20, 2},  {15, 20, 32}, {5, 20, 28}, {50, 20, 60},
      {2, 20, 15}, {10, 20, 30}, {5, 20, 2}};
  for (int64_t mode = 0; mode < 7; ++mode) {
    const std::vector<float>& y = want[static_cast<size_t>(mode)];
    CheckLayer("scatter", [&](L& l) { l.mutable_scatter()->set_option(mode); },
               {x, at, with}, {{{3}, y}});
    CheckLayer("scatterAlongAxis",
               [&](L& l) { l.mutable_scatteralongaxis()->set_option(mode); },
               {x, at, with}, {{{3}, y}});
    CheckLayer("scatterND",
               [&](L& l) {
                 l.mutable_scatternd()->set_mode(static_cast<int32_t>(mode));
               },
               {x, {{2, 1}, {2, 0}}, with}, {{{3}, y}});
  }
  CheckLayer("scatter along the second axis",
             [](L& l) { l.mutable_scatter()->set_axis(1); },
             {kSix, {{1}, {2}}, {{2, 1}, {7, 8}}},
             {{{2, 3}, {1, 2, 7, 4, 5, 8}}});
}

TEST_CASE("coreml layers: one-hot vectors") {
  const auto fill = [](L& l) {
    auto* p = l.mutable_onehot();
    p->set_onehotvectorsize(4);
    p->set_axis(-1);
    p->set_onvalue(5);
    p->set_offvalue(-1);
  };
  CheckLayer("places outside give the off value", fill, {{{3}, {2, -1, 4}}},
             {{{3, 4}, {-1, -1, 5, -1, -1, -1, -1, -1, -1, -1, -1, -1}}});
}

TEST_CASE("coreml layers: running sums") {
  const Array x = {{3}, {4, 6, 7}};
  const auto fill = [](bool exclude, bool reverse) {
    return [=](L& l) {
      l.mutable_cumsum()->set_excludefinalsum(exclude);
      l.mutable_cumsum()->set_reverse(reverse);
    };
  };
  CheckLayer("plain", fill(false, false), {x}, {{{3}, {4, 10, 17}}});
  CheckLayer("exclusive", fill(true, false), {x}, {{{3}, {0, 4, 10}}});
  CheckLayer("reverse", fill(false, true), {x}, {{{3}, {17, 13, 7}}});
  CheckLayer("both", fill(true, true), {x}, {{{3}, {13, 7, 0}}});
}

TEST_CASE("coreml layers: triangles and bands") {
  const Array x = {{3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}};
  CheckLayer("upper", [](L& l) { l.mutable_uppertriangular(); }, {x},
             {{{3, 3}, {1, 2, 3, 0, 5, 6, 0, 0, 9}}});
  CheckLayer("lower, one diagonal below",
             [](L& l) { l.mutable_lowertriangular()->set_lower(-1); }, {x},
             {{{3, 3}, {0, 0, 0, 4, 0, 0, 7, 8, 0}}});
  CheckLayer("band",
             [](L& l) {
               l.mutable_matrixbandpart()->set_lower(1);
               l.mutable_matrixbandpart()->set_upper(0);
             },
             {x}, {{{3, 3}, {1, 0, 0, 4, 5, 0, 0, 8, 9}}});
  CheckLayer("negative widths keep everything",
             [](L& l) {
               l.mutable_matrixbandpart()->set_lower(-1);
               l.mutable_matrixbandpart()->set_upper(-1);
             },
             {x}, {{{3, 3}, x.values}});
}

TEST_CASE("coreml layers: places that are not zero") {
  CheckLayer("whereNonZero", [](L& l) { l.mutable_wherenonzero(); },
             {{{2, 2}, {0, 3, 4, 0}}}, {{{-1, -1}, {0, 1, 1, 0}}});
}

TEST_CASE("coreml layers: made values") {
  CheckLayer("fillLike", [](L& l) { l.mutable_filllike()->set_value(3); },
             {{{2}, {0, 0}}}, {{{2}, {3, 3}}});
  CheckLayer("fillStatic",
             [](L& l) {
               l.mutable_fillstatic()->set_value(2);
               SetList(l.mutable_fillstatic()->mutable_targetshape(), {1, 2});
             },
             {}, {{{1, 2}, {2, 2}}});
  CheckLayer("fillDynamic", [](L& l) { l.mutable_filldynamic()->set_value(4); },
             {{{2}, {1, 3}}}, {{{-1, -1}, {4, 4, 4}}});
  CheckLayer("rangeStatic",
             [](L& l) {
               l.mutable_rangestatic()->set_startvalue(1);
               l.mutable_rangestatic()->set_endvalue(2);
               l.mutable_rangestatic()->set_stepsizevalue(0.25f);
             },
             {}, {{{4}, {1, 1.25f, 1.5f, 1.75f}}});
  CheckLayer("rangeDynamic",
             [](L& l) { l.mutable_rangedynamic()->set_stepsizevalue(2); },
             {{{1}, {5}}}, {{{-1}, {0, 2, 4}}});
  CheckLayer("loadConstantND",
             [](L& l) {
               SetList(l.mutable_loadconstantnd()->mutable_shape(), {2, 1});
               SetFloats(l.mutable_loadconstantnd()->mutable_data(), {5, 6});
             },
             {}, {{{2, 1}, {5, 6}}});
  CheckLayer(
      "loadConstant",
      [](L& l) {
        SetList(l.mutable_loadconstant()->mutable_shape(), {2, 1, 1});
        SetFloats(l.mutable_loadconstant()->mutable_data(), {5, 6});
      },
      {}, {{{2}, {5, 6}}}, false);
}

// What is drawn is open; that it repeats, and its range, is not.
TEST_CASE("coreml layers: random numbers repeat and keep to their range") {
  const auto draw = [](const Fill& fill) {
    const Imported imported = ImportLayer(fill, {{{100}, {}}}, 1, true);
    return Evaluate(imported, {{"x0", std::vector<float>(100, 0.0f)}})[0];
  };
  const auto uniform = [](L& l) {
    l.mutable_randomuniformlike()->set_seed(7);
    l.mutable_randomuniformlike()->set_first(-1);
    l.mutable_randomuniformlike()->set_second(3);
  };
  CHECK(draw(uniform) == draw(uniform));
  float least = 9, most = -9;
  for (float value : draw(uniform)) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
  CHECK(least >= -1.0f);
  CHECK(least < 0.0f);
  CHECK(most < 3.0f);
  CHECK(most > 2.0f);
  float sum = 0;
  for (float value : draw([](L& l) {
         l.mutable_randomnormallike()->set_first(10);
         l.mutable_randomnormallike()->set_second(1);
       }))
    sum += value;
  CHECK(sum / 100 == doctest::Approx(10).epsilon(0.05));
  float ones = 0;
  for (float value :
       draw([](L& l) { l.mutable_randombernoullilike()->set_prob(0.5f); })) {
    CHECK((value == 0.0f || value == 1.0f));
    ones += value;
  }
  CHECK(ones > 25);
  CHECK(ones < 75);
}

// A spread of 0 leaves nothing to chance: the shapes and which number is which.
TEST_CASE("coreml layers: random numbers of a given shape") {
  const Array three = {{1, 3}, {5, 5, 5}}, ones = {{1, 3}, {1, 1, 1}};
  CheckLayer(
      "randomNormalStatic",
      [](L& l) {
        l.mutable_randomnormalstatic()->set_first(5);
        SetList(l.mutable_randomnormalstatic()->mutable_outputshape(), {1, 3});
      },
      {}, {three});
  CheckLayer(
      "randomUniformStatic",
      [](L& l) {
        l.mutable_randomuniformstatic()->set_first(5);
        l.mutable_randomuniformstatic()->set_second(5);
        SetList(l.mutable_randomuniformstatic()->mutable_outputshape(), {1, 3});
      },
      {}, {three});
  CheckLayer("randomBernoulliStatic",
             [](L& l) {
               l.mutable_randombernoullistatic()->set_prob(1);
               SetList(l.mutable_randombernoullistatic()->mutable_outputshape(),
                       {1, 3});
             },
             {}, {ones});
}

// The shape is the value of a blob: here of a constant.
std::vector<float> DrawOfShape(const Fill& fill) {
  NetworkBuilder builder;
  builder.Input("x", {1});
  builder.Output("y");
  L& shape = builder.Add({}, {"shape"});
  SetList(shape.mutable_loadconstantnd()->mutable_shape(), {1});
  SetFloats(shape.mutable_loadconstantnd()->mutable_data(), {3});
  fill(builder.Add({"shape"}, {"drawn"}));
  builder.Add({"drawn", "x"}, {"y"}).mutable_addbroadcastable();
  return Evaluate(ImportCoreml(builder.model), {{"x", {10}}})[0];
}

TEST_CASE("coreml layers: random numbers of a shape that a blob gives") {
  CheckClose(
      DrawOfShape([](L& l) { l.mutable_randomnormaldynamic()->set_first(5); }),
      {15, 15, 15});
  CheckClose(DrawOfShape([](L& l) {
               l.mutable_randomuniformdynamic()->set_first(2);
               l.mutable_randomuniformdynamic()->set_second(2);
             }),
             {12, 12, 12});
  CheckClose(DrawOfShape(
                 [](L& l) { l.mutable_randombernoullidynamic()->set_prob(1); }),
             {11, 11, 11});
  CHECK(Refusal([](L& l) { l.mutable_randomnormaldynamic(); }, {{{1}, {3}}})
            .find("known only while the network runs") != std::string::npos);
}

}  // namespace
}  // namespace aneref::test
