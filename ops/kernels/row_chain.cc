// See row_chain.h. Twins differ in which twins of the stages they call.
#include "ops/kernels/row_chain.h"

#include <algorithm>

namespace aneref {
namespace {

constexpr int64_t kLine = 64;

template <bool kSimd>
class Unit {
 public:
  Unit(const KernelCall& call, int64_t unit)
      : a_(*static_cast<const RowChainArgs*>(call.args)), call_(call) {
    const int64_t groups = DivideUp(a_.NumBands(), a_.bands_per_unit);
    const DataType type = call.out[0].dtype;
    matrix_ = unit / groups;
    first_band_ = unit % groups * a_.bands_per_unit;
    end_band_ = std::min(first_band_ + a_.bands_per_unit, a_.NumBands());
    std::byte* next = call.scratch;
    first_panels_ = {next, type, {1}, kLine};
    next += a_.first.PackedBytes(type);
    second_panels_ = {next, type, {1}, kLine};
    next += a_.second.PackedBytes(type);
    band_.data = next;
    band_.dtype = type;
    band_.row_pitch = RowChainPitch(a_.columns, type);
    next += band_.row_pitch * static_cast<size_t>(a_.rows_per_band);
    scratch_ = next;
  }

  Status Run() {
    ANEREF_TRY(Pack(a_.first, call_.in[1], first_panels_));
    ANEREF_TRY(Pack(a_.second, call_.in[2], second_panels_));
    for (int64_t i = first_band_; i < end_band_; ++i) ANEREF_TRY(RunBand(i));
    return Status();
  }

 private:
  static KernelFunction FunctionOf(const Kernel& kernel) {
    return kSimd ? kernel.simd : kernel.scalar;
  }

  Status Pack(const RowChainArgs::Product& product, const TensorView& y,
              const TensorView& panels) const {
    TensorView from = y;
    from.data = MatrixData(product.batch, product.y, y, matrix_);
    const KernelCall call = {{&from, 1}, {&panels, 1}, &product.pack, scratch_};
    for (int64_t i = 0; i < product.pack.NumPanels(); ++i)
      ANEREF_TRY(FunctionOf(matmul_pack_kernel)(call, i));
    return Status();
  }

  Status RunBand(int64_t index) {
    const int64_t row = index * a_.rows_per_band;
    const int64_t rows = std::min(a_.rows_per_band, a_.rows - row);
    band_.shape = {rows, a_.columns};
    const size_t which = rows < a_.rows_per_band ? 1 : 0;
    const auto run = [&](const RowStage& stage, std::span<const TensorView> in,
                         const TensorView& out) -> Status {
      const RowStage::Call& planned = stage.calls[which];
      const KernelCall call = {in, {&out, 1}, planned.args.get(), scratch_};
      for (int64_t i = 0; i < planned.num_units; ++i)
        ANEREF_TRY(FunctionOf(*stage.kernel)(call, i));
      return Status();
    };
    const TensorView x[] = {From(call_.in[0], a_.first.batch, a_.x, row),
                            first_panels_};
    ANEREF_TRY(run(a_.first.multiply, x, band_));
    for (const RowChainArgs::Between& between : a_.between) {
      TensorView in[] = {band_, {}};
      if (between.operand >= 0) {
        in[1] = From(call_.in[static_cast<size_t>(between.operand)],
                     a_.first.batch, between.layout, row);
        if (between.comes_first) std::swap(in[0], in[1]);
      }
      const size_t count = between.operand >= 0 ? 2 : 1;
      ANEREF_TRY(run(between.stage, {in, count}, band_));
    }
    const TensorView y[] = {band_, second_panels_};
    return run(a_.second.multiply, y,
               From(call_.out[0], a_.second.batch, a_.out, row));
  }

  // The matrix of this unit from a row on.
  TensorView From(const TensorView& view, const std::vector<int64_t>& batch,
                  const MatrixLayout& layout, int64_t row) const {
    TensorView part = view;
    part.data =
        MatrixData(batch, layout, view, matrix_) + row * layout.row.Bytes(view);
    return part;
  }

  const RowChainArgs& a_;
  const KernelCall& call_;
  int64_t matrix_, first_band_, end_band_;
  TensorView first_panels_, second_panels_, band_;
  std::byte* scratch_;
};

template <bool kSimd>
Status Run(const KernelCall& call, int64_t unit) {
  return Unit<kSimd>(call, unit).Run();
}

}  // namespace

size_t RowChainArgs::Product::PackedBytes(DataType type) const {
  return static_cast<size_t>(pack.NumPanels() * pack.depth * kPanelWidth) *
         ElementSize(type);
}

size_t RowChainPitch(int64_t columns, DataType type) {
  const int64_t lines =
      DivideUp(columns * static_cast<int64_t>(ElementSize(type)), kLine);
  return static_cast<size_t>((lines + 1 - lines % 2) * kLine);
}

size_t RowChainScratchBytes(const RowChainArgs& a, DataType type) {
  return a.first.PackedBytes(type) + a.second.PackedBytes(type) +
         RowChainPitch(a.columns, type) * static_cast<size_t>(a.rows_per_band) +
         a.scratch_bytes;
}

const Kernel row_chain_kernel = {"row_chain", Run<false>, Run<true>};

}  // namespace aneref
