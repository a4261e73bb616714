// Plans boxes (joined axes, tile, units) and walks them unit by unit. How one
// tile is copied is in move_tile.cc.
#include "ops/kernels/move.h"

#include <algorithm>
#include <iterator>

#include "runtime/core/layout.h"

namespace aneref {
namespace {

// A transposed piece of a unit: at least 32 columns, so that a unit writes
// whole cache lines of 2-byte elements; at most 1024, so that 32 rows of it
// stay near kMoveUnitBytes.
constexpr int64_t kMinTransposeRows = 32;
constexpr int64_t kMaxTransposeColumns = 1024;
// A row of a surface takes at least this much memory traffic (L10).
constexpr int64_t kCacheLine = 64;

int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

// `box` without axes of extent 1 and with neighbours joined.
CopyBox JoinAxes(const CopyBox& box) {
  CopyBox joined = box;
  joined.rank = 0;
  for (size_t axis = 0; axis < box.rank; ++axis) {
    const int64_t extent = box.extents[axis];
    if (extent == 1) continue;
    const size_t last = joined.rank - 1;
    if (joined.rank > 0 &&
        joined.src_strides[last] == box.src_strides[axis] * extent &&
        joined.dst_strides[last] == box.dst_strides[axis] * extent) {
      joined.extents[last] *= extent;
      joined.src_strides[last] = box.src_strides[axis];
      joined.dst_strides[last] = box.dst_strides[axis];
    } else {
      joined.AddAxis(extent, box.src_strides[axis], box.dst_strides[axis]);
    }
  }
  return joined;
}

void RemoveAxis(CopyBox* box, size_t axis) {
  for (size_t i = axis; i + 1 < box->rank; ++i) {
    box->extents[i] = box->extents[i + 1];
    box->src_strides[i] = box->src_strides[i + 1];
    box->dst_strides[i] = box->dst_strides[i + 1];
  }
  --box->rank;
}

// Takes the innermost axis as columns. Rows are the axis along which the source
// is contiguous when the columns' is not (a transpose), else the next one.
CopyTile TakeTile(CopyBox* box, int64_t element_size) {
  CopyTile tile;
  tile.src_column = tile.dst_column = element_size;
  if (box->rank == 0) return tile;
  size_t axis = box->rank - 1;
  tile.columns = box->extents[axis];
  tile.src_column = box->src_strides[axis];
  tile.dst_column = box->dst_strides[axis];
  RemoveAxis(box, axis);
  if (box->rank == 0) return tile;
  axis = box->rank - 1;
  if (tile.src_column != element_size) {
    for (size_t i = 0; i < box->rank; ++i) {
      if (box->src_strides[i] == element_size) axis = i;
    }
  }
  tile.rows = box->extents[axis];
  tile.src_row = box->src_strides[axis];
  tile.dst_row = box->dst_strides[axis];
  RemoveAxis(box, axis);
  return tile;
}

// Cuts a tile that is much larger than a unit; else puts tiles together.
void CutUnits(PlannedBox* planned, int64_t element_size) {
  const CopyTile& tile = planned->tile;
  const bool transposed =
      tile.src_row == element_size && tile.src_column != element_size;
  const int64_t limit = 2 * kMoveUnitBytes;
  const auto bytes = [&](int64_t rows, int64_t columns) {
    return rows * std::max(columns * element_size, kCacheLine);
  };
  planned->columns_per_unit = tile.columns;
  planned->rows_per_unit = tile.rows;
  if (bytes(tile.rows, tile.columns) > limit) {
    const int64_t most =
        transposed ? kMaxTransposeColumns : kMoveUnitBytes / element_size;
    if (tile.columns > 2 * most) planned->columns_per_unit = most;
    int64_t rows = kMoveUnitBytes / bytes(1, planned->columns_per_unit);
    rows = rows / kMinTransposeRows * kMinTransposeRows;
    planned->rows_per_unit = std::min(
        tile.rows, std::max(rows, transposed ? kMinTransposeRows : int64_t{1}));
  }
  planned->column_units = CeilDivide(tile.columns, planned->columns_per_unit);
  planned->row_units = CeilDivide(tile.rows, planned->rows_per_unit);
  if (planned->column_units * planned->row_units == 1) {
    planned->outer_per_unit =
        std::max<int64_t>(kMoveUnitBytes / bytes(tile.rows, tile.columns), 1);
  }
}

// Position of one tile while the outer axes are walked in order.
struct TileCursor {
  TileCursor(const PlannedBox& planned, int64_t first) : box(planned) {
    for (size_t axis = box.rank; axis-- > 0; first /= box.extents[axis]) {
      index[axis] = first % box.extents[axis];
      src += index[axis] * box.src_strides[axis];
      dst += index[axis] * box.dst_strides[axis];
    }
  }
  void Next() {
    for (size_t axis = box.rank; axis-- > 0;) {
      src += box.src_strides[axis];
      dst += box.dst_strides[axis];
      if (++index[axis] < box.extents[axis]) return;
      index[axis] = 0;
      src -= box.extents[axis] * box.src_strides[axis];
      dst -= box.extents[axis] * box.dst_strides[axis];
    }
  }

  const PlannedBox& box;
  std::array<int64_t, kMaxBoxRank> index{};
  int64_t src = 0;  // bytes
  int64_t dst = 0;
};

bool IsSurface(const TensorView& view) {
  return view.row_pitch == SurfaceRowPitch({view.dtype, view.shape});
}

using TileFunction = void (*)(const CopyTile&, size_t, const std::byte*,
                              std::byte*);

Status RunUnit(const KernelCall& call, int64_t unit, TileFunction copy) {
  const auto& args = *static_cast<const CopyArgs*>(call.args);
  const PlannedBox& box = *std::prev(std::upper_bound(
      args.boxes.begin(), args.boxes.end(), unit,
      [](int64_t u, const PlannedBox& b) { return u < b.first_unit; }));
  const bool from_value = box.in == CopyBox::kFromValue;
  if ((!from_value && !IsSurface(call.in[box.in])) ||
      !IsSurface(call.out[box.out])) {
    return InternalError("movement was planned for surfaces (L10)");
  }
  const std::byte* src =
      (from_value ? args.value.data() : call.in[box.in].data) + box.src_offset;
  std::byte* dst = call.out[box.out].data + box.dst_offset;

  unit -= box.first_unit;
  const int64_t column = unit % box.column_units * box.columns_per_unit;
  unit /= box.column_units;
  const int64_t row = unit % box.row_units * box.rows_per_unit;
  unit /= box.row_units;
  CopyTile tile = box.tile;
  tile.columns = std::min(tile.columns - column, box.columns_per_unit);
  tile.rows = std::min(tile.rows - row, box.rows_per_unit);
  src += column * tile.src_column + row * tile.src_row;
  dst += column * tile.dst_column + row * tile.dst_row;

  const int64_t first = unit * box.outer_per_unit;
  const int64_t last = std::min(first + box.outer_per_unit, box.outer);
  TileCursor cursor(box, first);
  for (int64_t i = first; i < last; ++i, cursor.Next())
    copy(tile, args.element_size, src + cursor.src, dst + cursor.dst);
  return Status();
}

Status RunScalar(const KernelCall& call, int64_t unit) {
  return RunUnit(call, unit, CopyTileScalar);
}
Status RunSimd(const KernelCall& call, int64_t unit) {
  return RunUnit(call, unit, CopyTileSimd);
}

}  // namespace

const Kernel kStridedCopyKernel = {"strided_copy", RunScalar, RunSimd};

std::array<int64_t, kMaxRank> SurfaceStrides(const TensorType& type) {
  std::array<int64_t, kMaxRank> strides{};
  auto stride = static_cast<int64_t>(SurfaceRowPitch(type));
  const size_t rank = type.shape.rank();
  if (rank == 0) return strides;
  strides[rank - 1] = static_cast<int64_t>(ElementSize(type.dtype));
  for (size_t axis = rank - 1; axis-- > 0;) {
    strides[axis] = stride;
    stride *= type.shape[axis];
  }
  return strides;
}

void CopyBox::AddAxis(int64_t extent, int64_t src_stride, int64_t dst_stride) {
  ANEREF_CHECK(rank < kMaxBoxRank);
  extents[rank] = extent;
  src_strides[rank] = src_stride;
  dst_strides[rank] = dst_stride;
  ++rank;
}

void CopyArgs::Add(const CopyBox& box) {
  for (size_t axis = 0; axis < box.rank; ++axis) {
    if (box.extents[axis] == 0) return;
  }
  CopyBox joined = JoinAxes(box);
  PlannedBox planned;
  planned.in = box.in;
  planned.out = box.out;
  planned.src_offset = box.src_offset;
  planned.dst_offset = box.dst_offset;
  planned.tile = TakeTile(&joined, static_cast<int64_t>(element_size));
  planned.rank = joined.rank;
  planned.extents = joined.extents;
  planned.src_strides = joined.src_strides;
  planned.dst_strides = joined.dst_strides;
  for (size_t axis = 0; axis < planned.rank; ++axis)
    planned.outer *= planned.extents[axis];
  CutUnits(&planned, static_cast<int64_t>(element_size));
  planned.first_unit = num_units;
  num_units += CeilDivide(planned.outer, planned.outer_per_unit) *
               planned.row_units * planned.column_units;
  boxes.push_back(planned);
}

}  // namespace aneref
