// layout.h against the worked examples of docs/spec/layout.md.
#include "runtime/core/layout.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

namespace aneref {
namespace {

TensorType Half(const Shape& shape) { return {DataType::kFloat16, shape}; }

size_t BytesOf(const TensorType& type) { return SurfaceBytes(type).value(); }
size_t AllocationOf(const TensorType& type) {
  return SurfaceAllocationBytes(type).value();
}

// Strides in bytes, outermost first.
std::vector<size_t> StridesOf(const TensorType& type) {
  const TensorView view = SurfaceView(type, nullptr);
  std::vector<size_t> strides;
  for (size_t axis = 0; axis < type.shape.rank(); ++axis)
    strides.push_back(view.Stride(axis));
  return strides;
}

TEST_CASE("L1: N D C H W with W innermost at every rank") {
  CHECK_EQ(StridesOf(Half({2, 3, 4, 5, 32})),
           std::vector<size_t>{3840, 1280, 320, 64, 2});
  CHECK_EQ(StridesOf(Half({3, 4, 5, 32})),
           std::vector<size_t>{1280, 320, 64, 2});
}

TEST_CASE("L2: a B C 1 S activation is one row per channel") {
  CHECK_EQ(StridesOf(Half({1, 768, 1, 256})),
           std::vector<size_t>{393216, 512, 512, 2});
}

TEST_CASE("L10: rows are padded to 64 bytes and planes follow rows") {
  CHECK_EQ(StridesOf(Half({1, 8, 16, 32})),
           std::vector<size_t>{8192, 1024, 64, 2});
  CHECK_EQ(StridesOf(Half({1, 1, 1, 64})),
           std::vector<size_t>{128, 128, 128, 2});
  // Measured on M4 in elements of two bytes.
  CHECK_EQ(StridesOf(Half({1, 64, 16, 16})),
           std::vector<size_t>{65536, 1024, 64, 2});
  CHECK_EQ(StridesOf(Half({4, 64, 8, 8})),
           std::vector<size_t>{32768, 512, 64, 2});
  CHECK_EQ(StridesOf(Half({1, 16, 16})), std::vector<size_t>{1024, 64, 2});
  CHECK_EQ(SurfaceRowPitch(Half({1, 1, 1, 65537})), 131136u);  // 65568 elements
  CHECK_EQ(StridesOf(Half({1, 16, 8, 16, 16})),
           std::vector<size_t>{131072, 8192, 1024, 64, 2});
}

TEST_CASE("L10: rank 0 and rank 1 are one row") {
  CHECK_EQ(SurfaceRowPitch(Half({})), 64u);
  CHECK_EQ(BytesOf(Half({})), 64u);
  CHECK_EQ(SurfaceRowPitch(Half({33})), 128u);
  CHECK_EQ(BytesOf(Half({33})), 128u);
}

TEST_CASE("L11: allocations are whole granules of 16 KiB") {
  CHECK_EQ(AllocationOf(Half({1, 1, 1, 1})), 16384u);
  CHECK_EQ(AllocationOf(Half({1, 1, 1, 8192})), 16384u);
  CHECK_EQ(AllocationOf(Half({1, 1, 1, 8193})), 32768u);
}

struct Example {
  Shape shape;
  size_t row_pitch;
  size_t plane_stride;
  size_t bytes;
  size_t allocation;
};

TEST_CASE("L14: worked examples") {
  const Example examples[] = {
      {{1, 3, 224, 224}, 448, 100352, 301056, 311296},
      {{1, 64, 56, 56}, 128, 7168, 458752, 458752},
      {{1, 512, 1, 1}, 64, 64, 32768, 32768},
      {{1, 1, 1, 512}, 1024, 1024, 1024, 16384},
      {{1, 768, 1, 256}, 512, 512, 393216, 393216},
      {{1, 10, 20, 30}, 64, 1280, 12800, 16384},
      {{1, 8, 16, 32}, 64, 1024, 8192, 16384},
  };
  for (const Example& example : examples) {
    const TensorType type = Half(example.shape);
    CAPTURE(type.ToString());
    CHECK_EQ(SurfaceRowPitch(type), example.row_pitch);
    CHECK_EQ(SurfaceView(type, nullptr).Stride(1), example.plane_stride);
    CHECK_EQ(BytesOf(type), example.bytes);
    CHECK_EQ(AllocationOf(type), example.allocation);
  }
}

TEST_CASE("L15: a last axis of 1 costs 32 times the dense bytes") {
  CHECK_EQ(BytesOf(Half({1, 512, 1, 1})),
           32u * DenseBytes(Half({1, 512, 1, 1})));
  const TensorType bytes = {DataType::kInt8, {1, 512, 1, 1}};
  CHECK_EQ(BytesOf(bytes), 64u * DenseBytes(bytes));
}

TEST_CASE("L16: other element sizes follow the same rule") {
  CHECK_EQ(SurfaceRowPitch({DataType::kUint8, {1, 3, 8, 65}}), 128u);
  CHECK_EQ(SurfaceRowPitch({DataType::kInt8, {64}}), 64u);
  CHECK_EQ(SurfaceRowPitch({DataType::kFloat32, {17}}), 128u);
  CHECK_EQ(SurfaceRowPitch({DataType::kInt64, {8}}), 64u);
  CHECK_EQ(SurfaceRowPitch({DataType::kBool, {2, 3}}), 64u);
}

TEST_CASE("layout: empty tensors still have an address") {
  CHECK_EQ(SurfaceRowPitch(Half({2, 0})), 0u);
  CHECK_EQ(BytesOf(Half({2, 0})), 64u);
  CHECK_EQ(BytesOf(Half({0, 2})), 64u);
  CHECK_EQ(AllocationOf(Half({0})), 16384u);
  Pack(DenseView(Half({2, 0}), nullptr), SurfaceView(Half({2, 0}), nullptr));
  Unpack(SurfaceView(Half({0, 2}), nullptr), DenseView(Half({0, 2}), nullptr));
}

TEST_CASE("layout: sizes beyond 2^62 bytes and negative extents are errors") {
  const int64_t huge = int64_t{1} << 40;
  CHECK_EQ(SurfaceBytes(Half({huge, huge})).status().code(),
           StatusCode::kLimit);
  CHECK_EQ(SurfaceBytes(Half({INT64_MAX})).status().code(), StatusCode::kLimit);
  CHECK_EQ(SurfaceBytes(Half({-1, 4})).status().code(), StatusCode::kLimit);
  CHECK_EQ(SurfaceAllocationBytes(Half({huge, huge})).status().code(),
           StatusCode::kLimit);
  CHECK_EQ(MakeInterleavedLayout(Half({huge, 1, huge, 1}), 2).status().code(),
           StatusCode::kLimit);
  CHECK_EQ(MakeInterleavedLayout(Half({1, INT64_MAX, 1, 1}), 2).status().code(),
           StatusCode::kLimit);
}

TEST_CASE("L12: a packer zeroes row padding and a reader ignores it") {
  const TensorType type = Half({1, 2, 1, 3});
  std::vector<uint16_t> dense = {1, 2, 3, 4, 5, 6};
  std::vector<uint16_t> surface(64, 0xDEAD);
  Pack(DenseView(type, dense.data()), SurfaceView(type, surface.data()));
  std::vector<uint16_t> expected(64, 0);
  expected[0] = 1;
  expected[1] = 2;
  expected[2] = 3;
  expected[32] = 4;
  expected[33] = 5;
  expected[34] = 6;
  CHECK_EQ(surface, expected);
  surface[3] = 0xBEEF;
  std::vector<uint16_t> back(6);
  Unpack(SurfaceView(type, surface.data()), DenseView(type, back.data()));
  CHECK_EQ(back, dense);
}

TEST_CASE("L13: a surface without padding equals the dense tensor") {
  const TensorType type = Half({1, 2, 2, 32});
  std::vector<uint16_t> dense(128);
  for (size_t i = 0; i < dense.size(); ++i) dense[i] = static_cast<uint16_t>(i);
  std::vector<uint16_t> surface(128, 0xDEAD);
  Pack(DenseView(type, dense.data()), SurfaceView(type, surface.data()));
  CHECK_EQ(surface, dense);
}

TEST_CASE("L13: element n c h of a dense tensor lands at plane and row") {
  const TensorType type = Half({2, 3, 4, 5});
  std::vector<uint16_t> dense(120);
  for (size_t i = 0; i < dense.size(); ++i)
    dense[i] = static_cast<uint16_t>(i + 1);
  std::vector<uint16_t> surface(BytesOf(type) / 2, 0xDEAD);
  Pack(DenseView(type, dense.data()), SurfaceView(type, surface.data()));
  // Plane 4 rows of 64 bytes = 128 elements; (1, 2, 3, 4) is dense element 119,
  // plane 5, row 3.
  CHECK_EQ(surface[5 * 128 + 3 * 32 + 4], 120);
  CHECK_EQ(surface[1 * 128 + 2 * 32 + 1],
           32);  // (0, 1, 2, 1) is dense element 31
}

TEST_CASE("L30: addresses of interleaved channels") {
  const InterleavedLayout layout =
      MakeInterleavedLayout(Half({2, 6, 3, 10}), 4).value();
  CHECK_EQ(layout.num_groups, 2);
  CHECK_EQ(layout.row_pitch, 128u);  // 10 * 4 * 2 = 80 bytes
  CHECK_EQ(layout.bytes, 1536u);     // 2 * 2 * 3 rows
  CHECK_EQ(layout.Offset(0, 0, 0, 0), 0u);
  CHECK_EQ(layout.Offset(0, 3, 0, 0), 6u);
  CHECK_EQ(layout.Offset(0, 0, 0, 1), 8u);
  CHECK_EQ(layout.Offset(0, 5, 2, 7),
           698u);  // row 1 * 3 + 2 = 5: 640 + (7 * 4 + 1) * 2
  CHECK_EQ(layout.Offset(1, 4, 0, 9),
           1224u);  // row (2 + 1) * 3 = 9: 1152 + 36 * 2
}

TEST_CASE("L30: factor 1 is the plain surface") {
  const TensorType type = Half({1, 10, 20, 30});
  const InterleavedLayout layout = MakeInterleavedLayout(type, 1).value();
  CHECK_EQ(layout.row_pitch, 64u);
  CHECK_EQ(layout.bytes, 12800u);
  CHECK_EQ(layout.Offset(0, 3, 7, 11), 4310u);  // 3 * 1280 + 7 * 64 + 11 * 2
}

TEST_CASE("L30: packing interleaves channels and zeroes padding channels") {
  const TensorType type = Half({1, 3, 1, 2});
  std::vector<uint16_t> dense = {1, 2, 3,
                                 4, 5, 6};  // channels (1 2) (3 4) (5 6)
  const InterleavedLayout layout = MakeInterleavedLayout(type, 2).value();
  CHECK_EQ(layout.bytes, 128u);
  std::vector<uint16_t> packed(64, 0xDEAD);
  PackInterleaved(layout, DenseView(type, dense.data()), packed.data());
  std::vector<uint16_t> expected(64, 0);
  const std::vector<uint16_t> first = {1, 3, 2, 4};
  const std::vector<uint16_t> second = {5, 0, 6, 0};
  std::copy(first.begin(), first.end(), expected.begin());
  std::copy(second.begin(), second.end(), expected.begin() + 32);
  CHECK_EQ(packed, expected);
}

TEST_CASE("L30: every factor round-trips an odd shape of every element size") {
  for (const DataType dtype : {DataType::kInt8, DataType::kFloat16,
                               DataType::kFloat32, DataType::kInt64}) {
    for (const int factor : {1, 2, 3, 4, 8}) {
      const TensorType type = {dtype, {2, 5, 3, 7}};
      std::vector<uint8_t> dense(DenseBytes(type));
      for (size_t i = 0; i < dense.size(); ++i)
        dense[i] = static_cast<uint8_t>(i * 7 + 1);
      const InterleavedLayout layout =
          MakeInterleavedLayout(type, factor).value();
      std::vector<uint8_t> packed(layout.bytes);
      PackInterleaved(layout, DenseView(type, dense.data()), packed.data());
      std::vector<uint8_t> back(dense.size());
      UnpackInterleaved(layout, packed.data(), DenseView(type, back.data()));
      CHECK_EQ(back, dense);
    }
  }
}

TEST_CASE("L30: other factors and other ranks are refused") {
  for (const int factor : {0, -1, 5, 6, 7, 16}) {
    CHECK_EQ(MakeInterleavedLayout(Half({1, 8, 1, 1}), factor).status().code(),
             StatusCode::kInvalidArgument);
  }
  CHECK_EQ(MakeInterleavedLayout(Half({8, 1, 1}), 4).status().code(),
           StatusCode::kShape);
}

}  // namespace
}  // namespace aneref
