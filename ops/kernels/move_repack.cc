// Copies runs that end where a source row or a destination row ends.
#include "ops/kernels/move_repack.h"

#include <algorithm>
#include <cstring>

#include "ops/kernels/move.h"

namespace aneref {
namespace {

// A view as a stream of elements; a dense one is a single row.
struct Stream {
  explicit Stream(const TensorView& view)
      : data(view.data),
        size(ElementSize(view.dtype)),
        pitch(view.row_pitch),
        width(view.IsDense() ? view.shape.NumElements() : view.width()) {}

  std::byte* At(int64_t element) const {
    return data + static_cast<size_t>(element / width) * pitch +
           static_cast<size_t>(element % width) * size;
  }
  int64_t LeftInRow(int64_t element) const { return width - element % width; }

  std::byte* data;
  size_t size;
  size_t pitch;
  int64_t width;
};

Status RunSimd(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const RepackArgs*>(call.args);
  const Stream src(call.in[0]);
  const Stream dst(call.out[0]);
  if (src.data == dst.data) return Status();
  int64_t position = unit * args.elements_per_unit;
  const int64_t end =
      std::min(position + args.elements_per_unit, args.elements);
  while (position < end) {
    const int64_t run = std::min(
        {src.LeftInRow(position), dst.LeftInRow(position), end - position});
    std::memcpy(dst.At(position), src.At(position),
                static_cast<size_t>(run) * src.size);
    position += run;
  }
  return Status();
}

Status RunScalar(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const RepackArgs*>(call.args);
  const Stream src(call.in[0]);
  const Stream dst(call.out[0]);
  if (src.data == dst.data) return Status();
  const int64_t begin = unit * args.elements_per_unit;
  const int64_t end = std::min(begin + args.elements_per_unit, args.elements);
  for (int64_t position = begin; position < end; ++position)
    std::memcpy(dst.At(position), src.At(position), src.size);
  return Status();
}

}  // namespace

const Kernel kRepackKernel = {"repack", RunScalar, RunSimd};

RepackArgs MakeRepackArgs(const TensorType& out) {
  RepackArgs args;
  args.elements = out.shape.NumElements();
  const auto size = static_cast<int64_t>(ElementSize(out.dtype));
  const int64_t width = std::max<int64_t>(out.shape.back(), 1);
  // A row of a surface takes at least 64 bytes (L10).
  const int64_t row_bytes = std::max<int64_t>(width * size, 64);
  args.elements_per_unit =
      row_bytes > 2 * kMoveUnitBytes
          ? kMoveUnitBytes / size
          : std::max<int64_t>(kMoveUnitBytes / row_bytes, 1) * width;
  return args;
}

int64_t RepackUnits(const RepackArgs& args) {
  return (args.elements + args.elements_per_unit - 1) / args.elements_per_unit;
}

}  // namespace aneref
