// Vector accumulators (acc-inl.h through mac_device) against the scalar ones of
// core on every target: literal lists first, then more than a million random
// outputs per accumulator over distributions that reach every special path.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "ops/kernels/mac_device.h"
#include "runtime/core/accumulator.h"
#include "tests/support/each_target.h"

namespace aneref {
namespace {

Profile Named(const char* name) { return NamedProfile(name).value(); }

// Owns what a tile points to.
struct Case {
  MacTile tile;
  std::vector<uint16_t> x_bits, w_bits, out, scale;
  std::vector<float> x, w, bias, scratch;

  Case(const Profile& profile, size_t rows, size_t depth, size_t columns) {
    const size_t w_stride = (columns + 15) / 16 * 16;
    x_bits.resize(rows * depth);
    w_bits.resize(depth * w_stride);
    out.resize(rows * columns);
    scratch.resize(MacScratchFloats(depth, columns));
    tile.profile = &profile;
    tile.rows = rows;
    tile.depth = depth;
    tile.columns = columns;
    tile.x_stride = depth;
    tile.w_stride = w_stride;
    tile.out_stride = columns;
    tile.scratch = scratch.data();
    tile.out = out.data();
  }
  void Decode() {
    x.resize(x_bits.size());
    w.resize(w_bits.size());
    DecodeOperandsScalar(*tile.profile, x_bits.data(), x.size(), x.data());
    DecodeOperandsScalar(*tile.profile, w_bits.data(), w.size(), w.data());
    tile.x = x.data();
    tile.w = w.data();
    tile.bias = bias.empty() ? nullptr : bias.data();
    tile.scale = scale.empty() ? nullptr : scale.data();
  }
};

using Random = std::mt19937;

uint16_t AnyHalf(Random& random) { return static_cast<uint16_t>(random()); }

uint16_t OneOf(Random& random, std::initializer_list<uint16_t> values) {
  return values.begin()[random() % values.size()];
}

// Sign and fraction random, exponent field in [low, high].
uint16_t WithExponent(Random& random, uint32_t low, uint32_t high) {
  const auto field = static_cast<uint32_t>(low + random() % (high - low + 1));
  return static_cast<uint16_t>((random() & 0x83FFu) | (field << 10));
}

// ±0, smallest and largest denormals and normals, largest, exponent 31.
uint16_t Special(Random& random) {
  return OneOf(
      random, {0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x8400,
               0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0xFE00, 0x7FFF, 0xFFFF,
               0x3C00, 0xBC00, 0x3C01, 0x3800, 0x0100, 0x1000, 0x0C00, 0x1C00});
}

struct Pair {
  uint16_t x, w;
};

// MacOperand pairs by kind; each kind aims at one part of the rules.
Pair Draw(Random& random, uint32_t kind) {
  switch (kind) {
    case 0:  // anything
      return {AnyHalf(random), AnyHalf(random)};
    case 1:  // like a network: no overflow
      return {WithExponent(random, 8, 17), WithExponent(random, 4, 14)};
    case 2:  // products around the drop rule and the last bit (N16)
      return {WithExponent(random, 0, 10), WithExponent(random, 0, 8)};
    case 3:  // sums around 32768 (N18, N20)
      return {WithExponent(random, 27, 29), OneOf(random, {0x3C00, 0xBC00})};
    case 4:  // products from 2^31 units on: pull-back and huge (N18)
      return {WithExponent(random, 22, 25), WithExponent(random, 21, 24)};
    case 5:
      return {Special(random), Special(random)};
    case 6:  // cancellation (N14): B, -B and 1, in any order
      return {OneOf(random, {0x6C00, 0xEC00, 0x3C00, 0x6FD0, 0xEFD0, 0x3C00}),
              0x3C00};
    case 7:  // exact midpoints: powers of two and their neighbours
      return {OneOf(random, {0x6800, 0x3C00, 0x4000, 0x6801, 0xE800, 0xBC00,
                             0x1000, 0x1200}),
              OneOf(random, {0x3C00, 0x3800, 0x0C00, 0xBC00})};
    default:  // mixed
      return {
          random() % 4 == 0 ? Special(random) : WithExponent(random, 0, 30),
          random() % 4 == 0 ? Special(random) : WithExponent(random, 0, 20)};
  }
}
constexpr uint32_t kNumKinds = 9;

void Fill(Random& random, uint32_t kind, Case* c) {
  const MacTile& tile = c->tile;
  for (auto& bits : c->x_bits) bits = Draw(random, kind).x;
  for (size_t k = 0; k < tile.depth; ++k)
    for (size_t i = 0; i < tile.columns; ++i)
      c->w_bits[k * tile.w_stride + i] = Draw(random, kind).w;
  c->tile.channels_are_rows = random() % 2 == 0;
  const size_t channels = tile.channels_are_rows ? tile.rows : tile.columns;
  if (random() % 2 == 0) {
    c->bias.resize((channels + 15) / 16 * 16);
    for (auto& bias : c->bias) {
      bias = static_cast<float>(
          EngineHalfToDouble(WithExponent(random, 0, kind == 1 ? 16 : 29)));
      if (random() % 4 == 0) bias *= 1.00123f;  // not an fp16 number
      if (kind == 5 && random() % 64 == 0) bias = 65536.0f;
    }
  }
  if (random() % 4 == 0) {
    c->scale.resize((channels + 15) / 16 * 16);
    for (auto& scale : c->scale)
      scale = random() % 4 == 0 ? 0x3C00 : WithExponent(random, 5, 20);
  }
  c->Decode();
}

// Random outputs of one profile on every target; returns how many were drawn.
size_t CompareRandom(const Profile& profile, size_t wanted, uint32_t seed) {
  Random random(seed);
  size_t drawn = 0, differing = 0, overflowed = 0;
  for (uint32_t round = 0; drawn < wanted; ++round) {
    Case c(profile, 1 + random() % 9, round % 41 == 0 ? 700 : random() % 40,
           1 + random() % 70);
    Fill(random, round % kNumKinds, &c);
    MacTileScalar(c.tile);
    const std::vector<uint16_t> expected = c.out;
    drawn += expected.size();
    for (const uint16_t bits : expected)
      overflowed += (bits & 0x7FFFu) == 0x7C00u;
    test::ForEachTarget([&] {
      std::fill(c.out.begin(), c.out.end(), uint16_t{0xA5A5});
      MacTileSimd(c.tile);
      for (size_t i = 0; i < expected.size(); ++i)
        differing += c.out[i] != expected[i];
    });
    if (differing != 0) {
      INFO("profile " << profile.name << " round " << round);
      CHECK_EQ(differing, 0);
      return drawn;
    }
  }
  CHECK_GT(overflowed, drawn / 20);  // the checked paths were reached
  CHECK_EQ(differing, 0);
  return drawn;
}

TEST_CASE("N18: vector q15_16 equals the scalar one on a million outputs") {
  const Profile profile = Named("h16");
  CHECK_GE(CompareRandom(profile, 1000000, 18), 1000000);
}

TEST_CASE("N11: vector radix4_w12 equals the scalar one on a million outputs") {
  const Profile profile = Named("h13");
  CHECK_GE(CompareRandom(profile, 1000000, 11), 1000000);
}

TEST_CASE("N21: vector kernels follow the bias and accumulator options") {
  for (const char* option :
       {"h13_bias_preload=true", "mac=q15_16", "rounding=rha",
        "h13_window_cut=truncate", "h13_group_lanes=strided16"}) {
    Profile profile = Named("h13");
    REQUIRE(ApplyOption(&profile, option).ok());
    CompareRandom(profile, 60000, 21);
  }
  Profile m5 = Named("h16");
  REQUIRE(ApplyOption(&m5, "m5_keep_denormals=true").ok());
  CompareRandom(m5, 60000, 22);
}

struct Listed {
  std::vector<uint16_t> x;
  std::vector<uint16_t> w;  // empty: all 1
  uint16_t expected;
};

void CheckLists(const Profile& profile, const std::vector<Listed>& lists) {
  for (const Listed& list : lists) {
    Case c(profile, 3, list.x.size(), 33);
    for (size_t k = 0; k < list.x.size(); ++k) {
      for (size_t r = 0; r < 3; ++r)
        c.x_bits[r * list.x.size() + k] = list.x[k];
      for (size_t i = 0; i < 33; ++i)
        c.w_bits[k * c.tile.w_stride + i] =
            list.w.empty() ? uint16_t{0x3C00} : list.w[k];
    }
    c.Decode();
    test::ForEachTarget([&] {
      MacTileSimd(c.tile);
      for (const uint16_t bits : c.out) CHECK_EQ(bits, list.expected);
    });
  }
}

TEST_CASE("N18: vector q15_16 overflows for good and pulls products back") {
  CheckLists(Named("h16"),
             {{{0x7400, 0x73FE}, {}, 0x77FF},  // 16384 + 16368 = 32752
              {{0x7400, 0x73FF}, {}, 0x7800},  // 32760 rounds to 32768
              {{0x7400, 0x7400}, {}, 0x7C00},
              {{0x7400, 0x7400, 0xF400, 0xF400, 0x3C00}, {}, 0x7C00},
              {{0xF800}, {}, 0xFC00},  // -32768
              // -16384 + 40000 = 23616: the product alone is out of range
              {{0xF400, 0x78E2}, {}, 0x75C4},
              {{0x7400, 0xF8E2}, {}, 0xF5C4},
              // -32752 + 65504 = 32752; -16384 + 65504 = 49120 overflows
              {{0xF7FF, 0x7BFF}, {}, 0x77FF},
              {{0xF400, 0x7BFF}, {}, 0x7C00},
              // -32752 + 131008 overflows: no sum can pull that back
              {{0xF7FF, 0x7FFF}, {}, 0x7C00},
              {{0x77FF, 0xFFFF}, {}, 0xFC00}});
}

TEST_CASE("N16: vector q15_16 drops products by their exponents") {
  CheckLists(Named("h16"),
             {{{0x07FF}, {0x33F6}, 0x0000},    // 1.98 units, exponents -14 - 3
              {{0x0400}, {0x3400}, 0x0100},    // 2^-14 * 2^-2 = 2^-16
              {{0x0080}, {0x3C00}, 0x0100},    // 2^-17 rounds up
              {{0x0040}, {0x3C00}, 0x0000},    // 2^-18
              {{0xAE00}, {0x0C00}, 0x8200}});  // -1.5 units round to -2
}

TEST_CASE("N14: vector radix4_w12 gives the published cancellation sums") {
  const auto repeat = [](std::vector<uint16_t> triple) {
    std::vector<uint16_t> list;
    for (int i = 0; i < 16; ++i)
      list.insert(list.end(), triple.begin(), triple.end());
    return list;
  };
  std::vector<uint16_t> ones(1025, 0x3C00);
  ones[0] = 0x6C00;
  CheckLists(Named("h13"),
             {{repeat({0x6BFA, 0xEBFA, 0x3C00}), {}, 0x4C00},  // B = 4084: 16
              {repeat({0x6C00, 0xEC00, 0x3C00}), {}, 0x4400},  // B = 4096: 4
              {repeat({0x6C00, 0x3C00, 0xEC00}), {}, 0x4400},
              {repeat({0x7753, 0xF753, 0x3C00}), {}, 0x4400},  // B = 30000: 4
              {ones, {}, 0x6CFF}});                            // 5116
}

TEST_CASE("N5: vector decoding reads every half as the engine does") {
  std::vector<uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i)
    halves[i] = static_cast<uint16_t>(i);
  for (const char* name : {"h13", "h16"}) {
    const Profile profile = Named(name);
    std::vector<float> expected(65536), values(65536);
    DecodeOperandsScalar(profile, halves.data(), 65536, expected.data());
    CHECK_EQ(expected[0x7E00], 98304.0f);
    CHECK_EQ(expected[0x0001], profile.name == "h13" ? 0.0f : 0x1p-24f);
    test::ForEachTarget([&] {
      DecodeOperandsSimd(profile, halves.data(), 65535, values.data());
      values[65535] = expected[65535];
      CHECK(values == expected);
    });
  }
}

TEST_CASE("N9: a row keeps its bits at every place of a batch and column") {
  Random random(9);
  for (const char* name : {"h13", "h16"}) {
    const Profile profile = Named(name);
    Case one(profile, 1, 100, 1);
    Fill(random, 1, &one);
    one.tile.bias = nullptr;
    one.tile.scale = nullptr;
    MacTileSimd(one.tile);
    Case many(profile, 16, 100, 37);
    for (size_t r = 0; r < 16; ++r)
      std::copy(one.x_bits.begin(), one.x_bits.end(),
                many.x_bits.begin() + static_cast<ptrdiff_t>(r * 100));
    for (size_t k = 0; k < 100; ++k)
      for (size_t i = 0; i < 37; ++i)
        many.w_bits[k * many.tile.w_stride + i] =
            one.w_bits[k * one.tile.w_stride];
    many.Decode();
    test::ForEachTarget([&] {
      MacTileSimd(many.tile);
      for (const uint16_t bits : many.out) CHECK_EQ(bits, one.out[0]);
    });
  }
}

}  // namespace
}  // namespace aneref
