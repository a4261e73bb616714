// Reads indices, checks them, copies what they name. One datapath: the copies
// are memcpy, the rest is scalar.
#include "ops/kernels/move_gather.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "ops/kernels/move.h"

namespace aneref {
namespace {

template <class T>
T Load(const std::byte* address) {
  T value;
  std::memcpy(&value, address, sizeof(T));
  return value;
}

// Unsigned values beyond int64 become its largest, which no axis reaches.
int64_t LoadIndex(DataType type, const std::byte* address) {
  switch (type) {
    case DataType::kInt8:
      return Load<int8_t>(address);
    case DataType::kUint8:
      return Load<uint8_t>(address);
    case DataType::kInt16:
      return Load<int16_t>(address);
    case DataType::kUint16:
      return Load<uint16_t>(address);
    case DataType::kInt32:
      return Load<int32_t>(address);
    case DataType::kUint32:
      return Load<uint32_t>(address);
    case DataType::kUint64:
      return static_cast<int64_t>(
          std::min<uint64_t>(Load<uint64_t>(address), INT64_MAX));
    default:
      return Load<int64_t>(address);
  }
}

// "[1, 2]": where element `position` of `shape` is.
std::string PlaceOf(const Shape& shape, int64_t position) {
  Shape place = shape;
  for (size_t axis = shape.rank(); axis-- > 0; position /= shape[axis])
    place[axis] = position % shape[axis];
  return place.ToString();
}

Status OutOfRange(const TensorView& indices, int64_t position, int64_t index,
                  int64_t extent) {
  const bool beyond = indices.dtype == DataType::kUint64 && index == INT64_MAX;
  return InvalidArgument("index " + std::string(beyond ? "over " : "") +
                         std::to_string(index) + " at " +
                         PlaceOf(indices.shape, position) +
                         " of the indices is outside " +
                         (extent == 0 ? "an axis of extent 0"
                                      : "[" + std::to_string(-extent) + ", " +
                                            std::to_string(extent - 1) + "]"));
}

// Position in the flattened indexed axes that tuple number `tuple` names.
Status ReadTuple(const GatherSlicesArgs& args, const TensorView& indices,
                 int64_t tuple, int64_t* flat) {
  const auto depth = static_cast<int64_t>(args.depth);
  *flat = 0;
  for (size_t i = 0; i < args.depth; ++i) {
    ANEREF_ASSIGN(const int64_t index,
                  ReadIndex(indices, tuple * depth + static_cast<int64_t>(i),
                            args.extents[i]));
    *flat = *flat * args.extents[i] + index;
  }
  return Status();
}

// Copies `count` rows; neighbours in one piece where both sides allow it.
void CopyRows(const TensorView& src, int64_t src_row, const TensorView& dst,
              int64_t dst_row, int64_t count) {
  const size_t bytes =
      static_cast<size_t>(dst.width()) * ElementSize(dst.dtype);
  if (src.row_pitch == bytes && dst.row_pitch == bytes) {
    std::memcpy(dst.Row<std::byte>(dst_row), src.Row<const std::byte>(src_row),
                bytes * static_cast<size_t>(count));
    return;
  }
  for (int64_t row = 0; row < count; ++row) {
    std::memcpy(dst.Row<std::byte>(dst_row + row),
                src.Row<const std::byte>(src_row + row), bytes);
  }
}

// Number of the source slice for slice `slice` of the output.
Status FindSlice(const GatherSlicesArgs& args, const TensorView& indices,
                 int64_t slice, int64_t* source) {
  const int64_t batch = slice / args.tuples_per_batch;
  int64_t positions = 1;  // in one batch
  for (size_t i = 0; i < args.depth; ++i) positions *= args.extents[i];
  ANEREF_TRY(ReadTuple(
      args, indices, args.shared_tuples ? slice % args.tuples_per_batch : slice,
      source));
  *source += batch * positions;
  return Status();
}

Status RunSlices(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const GatherSlicesArgs*>(call.args);
  const TensorView& x = call.in[0];
  const TensorView& out = call.out[0];
  const bool single = args.slice_rows == 0;
  const int64_t total = single ? out.shape.NumElements() : out.num_rows();
  const size_t size = ElementSize(out.dtype);
  int64_t at = unit * args.rows_per_unit;  // a row, or an element
  const int64_t end = std::min(at + args.rows_per_unit, total);
  while (at < end) {
    int64_t source = 0;
    if (single) {
      ANEREF_TRY(FindSlice(args, call.in[1], at, &source));
      std::memcpy(out.Row<std::byte>(at / out.width()) +
                      static_cast<size_t>(at % out.width()) * size,
                  x.Row<const std::byte>(source / x.width()) +
                      static_cast<size_t>(source % x.width()) * size,
                  size);
      ++at;
      continue;
    }
    const int64_t within = at % args.slice_rows;
    const int64_t count = std::min(args.slice_rows - within, end - at);
    ANEREF_TRY(FindSlice(args, call.in[1], at / args.slice_rows, &source));
    CopyRows(x, source * args.slice_rows + within, out, at, count);
    at += count;
  }
  return Status();
}

// Row of x under row `row` of the output, with index 0 along `axis`.
int64_t RowWithoutAxis(const TensorView& x, const Shape& out, size_t axis,
                       int64_t row) {
  int64_t result = 0;
  int64_t rows = 1;
  for (size_t i = out.rank() - 1; i-- > 0; row /= out[i]) {
    if (i != axis) result += row % out[i] * rows;
    rows *= x.shape[i];
  }
  return result;
}

Status RunElements(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const GatherElementsArgs*>(call.args);
  const TensorView& x = call.in[0];
  const TensorView& out = call.out[0];
  const bool last = args.axis + 1 == x.shape.rank();
  const int64_t extent = x.shape[args.axis];
  const int64_t rows_per_step =
      last ? 0 : x.shape.NumElements(args.axis + 1, x.shape.rank() - 1);
  const size_t size = ElementSize(out.dtype);
  const int64_t first = unit * args.rows_per_unit;
  const int64_t end = std::min(first + args.rows_per_unit, out.num_rows());
  for (int64_t row = first; row < end; ++row) {
    const int64_t x_row = RowWithoutAxis(x, out.shape, args.axis, row);
    std::byte* to = out.Row<std::byte>(row);
    for (int64_t column = 0; column < out.width(); ++column, to += size) {
      ANEREF_ASSIGN(const int64_t index,
                    ReadIndex(call.in[1], row * out.width() + column, extent));
      const std::byte* from =
          x.Row<const std::byte>(x_row + index * rows_per_step) +
          static_cast<size_t>(last ? index : column) * size;
      std::memcpy(to, from, size);
    }
  }
  return Status();
}

}  // namespace

const Kernel kGatherSlicesKernel = {"gather", RunSlices, RunSlices};
const Kernel kGatherElementsKernel = {"gather_elements", RunElements,
                                      RunElements};

Expected<int64_t> ReadIndex(const TensorView& indices, int64_t row,
                            int64_t column, int64_t extent) {
  const int64_t index =
      LoadIndex(indices.dtype,
                indices.Row<const std::byte>(row) +
                    static_cast<size_t>(column) * ElementSize(indices.dtype));
  if (index < -extent || index >= extent)
    return OutOfRange(indices, row * indices.width() + column, index, extent);
  return index < 0 ? index + extent : index;
}

Expected<int64_t> ReadIndex(const TensorView& indices, int64_t position,
                            int64_t extent) {
  const int64_t width = indices.width();
  return ReadIndex(indices, position / width, position % width, extent);
}

void CutGatherUnits(const TensorType& out, GatherSlicesArgs* args) {
  const auto size = static_cast<int64_t>(ElementSize(out.dtype));
  const bool single = args->slice_rows == 0;
  const int64_t total = single ? out.shape.NumElements() : out.shape.NumRows();
  const int64_t bytes =
      single ? size : std::max<int64_t>(out.shape.back() * size, 64);
  args->rows_per_unit = std::max<int64_t>(kMoveUnitBytes / bytes, 1);
  args->units = out.shape.NumElements() == 0
                    ? 0
                    : (total + args->rows_per_unit - 1) / args->rows_per_unit;
}

void CutGatherUnits(const TensorType& out, GatherElementsArgs* args) {
  const auto size = static_cast<int64_t>(ElementSize(out.dtype));
  const int64_t bytes = std::max<int64_t>(out.shape.back() * size, 64);
  args->rows_per_unit = std::max<int64_t>(kMoveUnitBytes / bytes, 1);
  args->units = out.shape.NumElements() == 0
                    ? 0
                    : (out.shape.NumRows() + args->rows_per_unit - 1) /
                          args->rows_per_unit;
}

}  // namespace aneref
