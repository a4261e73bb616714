// Walks over rows; the arithmetic is device_rows.h, scalar or Highway.
#include "ops/kernels/device_planar.h"

#include <algorithm>

#include "ops/kernels/device_rows.h"

namespace aneref {
namespace {

template <bool kSimd>
const DeviceRows& Rows() {
  return kSimd ? SimdDeviceRows() : ScalarDeviceRows();
}

template <class Fn>
void ForRows(const RowBlocks& blocks, int64_t unit, const Fn& fn) {
  const int64_t begin = unit * blocks.rows_per_unit;
  const int64_t end = std::min(begin + blocks.rows_per_unit, blocks.rows);
  for (int64_t row = begin; row < end; ++row) fn(row);
}

template <bool kSimd>
Status DecodeUnit(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const DeviceConvertArgs*>(call.args);
  const auto width = static_cast<size_t>(call.in[0].width());
  ForRows(args.blocks, unit, [&](int64_t row) {
    Rows<kSimd>().decode(call.in[0].Row<uint16_t>(row), width,
                         call.out[0].Row<float>(row));
  });
  return Status();
}

template <bool kSimd>
Status StoreUnit(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const DeviceConvertArgs*>(call.args);
  const auto width = static_cast<size_t>(call.in[0].width());
  ForRows(args.blocks, unit, [&](int64_t row) {
    Rows<kSimd>().store(args.rounding, call.in[0].Row<float>(row), width,
                        call.out[0].Row<uint16_t>(row));
  });
  return Status();
}

template <bool kSimd>
Status PlanarUnit(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const DevicePlanarArgs*>(call.args);
  ForEachSpan(args.plan, unit, [&](const BroadcastSpan& span) {
    const auto operand = [&](size_t i) {
      return HalfOperand{reinterpret_cast<const uint16_t*>(
                             OperandAt(args.plan, span, call.in[i], i)),
                         args.plan.repeats[i]};
    };
    Rows<kSimd>().planar(args.rounding, args.op, operand(0), operand(1),
                         static_cast<size_t>(span.count),
                         call.out[0].Row<uint16_t>(span.out_row) + span.column);
  });
  return Status();
}

Status LookupUnit(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const DeviceLookupArgs*>(call.args);
  const auto width = static_cast<size_t>(call.in[0].width());
  ForRows(args.blocks, unit, [&](int64_t row) {
    const uint16_t* x = call.in[0].Row<uint16_t>(row);
    uint16_t* y = call.out[0].Row<uint16_t>(row);
    for (size_t i = 0; i < width; ++i) y[i] = args.table[x[i]];
  });
  return Status();
}

template <bool kSimd>
Status AffineUnit(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const DeviceAffineArgs*>(call.args);
  const auto width = static_cast<size_t>(call.in[0].width());
  const bool per_column = args.rows_per_channel == 0;
  ForRows(args.blocks, unit, [&](int64_t row) {
    const size_t channel =
        per_column ? 0
                   : static_cast<size_t>(row / args.rows_per_channel) %
                         args.scale.size();
    const uint16_t* x = call.in[0].Row<uint16_t>(row);
    uint16_t* y = call.out[0].Row<uint16_t>(row);
    const auto& rows = Rows<kSimd>();
    rows.planar(args.rounding, PlanarOp::kMul, {x},
                {args.scale.data() + channel, !per_column}, width, y);
    rows.planar(args.rounding, PlanarOp::kAdd, {y},
                {args.bias.data() + channel, !per_column}, width, y);
  });
  return Status();
}

}  // namespace

RowBlocks MakeRowBlocks(const TensorType& type) {
  constexpr int64_t kUnitElements = 32768;
  const int64_t width = std::max<int64_t>(type.shape.back(), 1);
  RowBlocks blocks;
  blocks.rows = type.shape.NumElements() == 0 ? 0 : type.shape.NumRows();
  blocks.rows_per_unit = std::max<int64_t>(kUnitElements / width, 1);
  return blocks;
}

const Kernel device_decode_kernel = {"device_decode", DecodeUnit<false>,
                                     DecodeUnit<true>};
const Kernel device_store_kernel = {"device_store", StoreUnit<false>,
                                    StoreUnit<true>};
const Kernel device_planar_kernel = {"device_planar", PlanarUnit<false>,
                                     PlanarUnit<true>};
const Kernel device_lookup_kernel = {"device_lookup", LookupUnit, LookupUnit};
const Kernel device_affine_kernel = {"device_affine", AffineUnit<false>,
                                     AffineUnit<true>};

}  // namespace aneref
