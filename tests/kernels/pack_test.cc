// Panels of weights: a hand-worked one, and the vector twin against the scalar
// one for ragged sizes.
#include "ops/kernels/pack.h"

#include <doctest/doctest.h>

#include <vector>

#include "runtime/core/huge_pages.h"
#include "tests/support/each_target.h"

namespace aneref::test {
namespace {

TEST_CASE("pack: rows become columns of a panel and zeros fill it") {
  // Two rows of three elements, four apart; the middle column is left out and
  // the others change places.
  const std::vector<uint16_t> rows = {1, 2, 3, 99, 4, 5, 6};
  const std::vector<int64_t> place = {1, -1, 0};
  ForEachTarget([&] {
    std::vector<uint16_t> panel(3 * kPanelWidth, 7);
    TransposeToPanel({rows.data(), 4, 2, 3}, place.data(), panel.data());
    CHECK_EQ(panel[0], 3);
    CHECK_EQ(panel[1], 6);
    CHECK_EQ(panel[2], 0);
    CHECK_EQ(panel[63], 0);
    CHECK_EQ(panel[64], 1);
    CHECK_EQ(panel[65], 4);
    CHECK_EQ(panel[66], 0);
    CHECK_EQ(panel[127], 0);
    CHECK_EQ(panel[128], 7);  // no column goes there
  });
}

TEST_CASE("pack: vector and scalar panels agree for all small sizes") {
  ForEachTarget([&] {
    int mismatches = 0;
    for (const int64_t num_rows : {1, 3, 15, 16, 17, 48, 63, 64}) {
      for (const int64_t columns : {1, 2, 15, 16, 17, 31, 32, 33, 70}) {
        const int64_t stride = columns + num_rows % 3;
        // Exactly as long as what may be read.
        std::vector<uint16_t> rows(
            static_cast<size_t>((num_rows - 1) * stride + columns));
        for (size_t i = 0; i < rows.size(); ++i)
          rows[i] = static_cast<uint16_t>(i * 31 + 5);
        std::vector<int64_t> place;
        for (int64_t j = 0; j < columns; ++j)
          place.push_back(j % 5 == 4 ? -1 : columns - 1 - j);
        const PanelSource source = {rows.data(), stride, num_rows, columns};
        std::vector<uint16_t> simd(static_cast<size_t>(columns * kPanelWidth),
                                   0xA5A5);
        std::vector<uint16_t> scalar = simd;
        TransposeToPanel(source, place.data(), simd.data());
        TransposeToPanelScalar(source, place.data(), scalar.data());
        mismatches += simd == scalar ? 0 : 1;
      }
    }
    CHECK_EQ(mismatches, 0);
  });
}

TEST_CASE("pack: large blocks begin at a huge page and views own nothing") {
  AlignedBytes large(size_t{3} << 20);
  CHECK_EQ(reinterpret_cast<uintptr_t>(large.as<std::byte>()) % kHugePage, 0);
  large.as<uint8_t>()[(size_t{3} << 20) - 1] = 7;
  const AlignedBytes small(100);
  CHECK_EQ(reinterpret_cast<uintptr_t>(small.as<std::byte>()) % 64, 0);
  const uint16_t values[2] = {1, 2};
  AlignedBytes view =
      AlignedBytes::View(reinterpret_cast<const std::byte*>(values), 4);
  CHECK(view.as<uint16_t>() == values);
  large = std::move(view);  // frees the block, not the view
  CHECK_EQ(large.size(), 4);
  CHECK_EQ(large.as<uint16_t>()[1], 2);
}

}  // namespace
}  // namespace aneref::test
