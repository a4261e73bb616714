// See integer_mac.h. A unit is a block of output channels of one image, or of
// rows of one product; rows of x (convolution) or w (matrix product) are
// widened to pairs of 16 bits, four rows at a time, and added into the sums of
// the whole block. Differences of bytes and zero points fit 16 bits.
#include "ops/kernels/integer_mac.h"

#include <algorithm>

#include "ops/kernels/gemm.h"
#include "ops/kernels/requantize.h"
#include "runtime/core/convert.h"

namespace aneref {
namespace {

constexpr size_t kRows = 2 * kIntegerPairs;
constexpr auto kStep = static_cast<int64_t>(kRows);
using Words = std::vector<int16_t>;
using Ints = std::vector<int32_t>;
enum Port : size_t {
  kX,
  kW,
  kXZero,
  kWZero,
  kXScale,
  kWScale,
  kYScale,
  kYZero,
  kBias
};

template <class T>
std::vector<T> LoadAll(const TensorView& view, DataType to) {
  std::vector<T> values(static_cast<size_t>(view.shape.NumElements()));
  const auto width = static_cast<size_t>(view.width());
  for (size_t i = 0; i < values.size(); i += width) {
    const auto row = static_cast<int64_t>(i / width);
    ConvertElements(view.dtype, view.Row<std::byte>(row), to, values.data() + i,
                    width);
  }
  return values;
}
Ints LoadZeros(const TensorView& view) {
  if (view.data == nullptr) return {0};
  return LoadAll<int32_t>(view, DataType::kInt32);
}
std::vector<float> LoadScales(const std::vector<float>& known,
                              const TensorView& view) {
  if (!known.empty()) return known;
  return LoadAll<float>(view, DataType::kFloat32);
}

// `count` bytes of a row, `stride` apart, less their zero point, to every
// `step`th word.
struct Piece {
  int64_t row = 0;
  int64_t first = 0;
  int64_t stride = 1;
  size_t count = 0;
};
template <class Byte>
void WidenBytes(const Byte* from, const Piece& piece, int32_t zero, size_t step,
                int16_t* to) {
  for (size_t i = 0; i < piece.count; ++i)
    to[i * step] = static_cast<int16_t>(
        int32_t{from[static_cast<int64_t>(i) * piece.stride]} - zero);
}
void Widen(const TensorView& view, const Piece& piece, int32_t zero,
           size_t step, int16_t* to) {
  if (view.dtype == DataType::kInt8)
    WidenBytes(view.Row<int8_t>(piece.row) + piece.first, piece, zero, step,
               to);
  else
    WidenBytes(view.Row<uint8_t>(piece.row) + piece.first, piece, zero, step,
               to);
}

// What follows a sum: as it is, or saturate(round_half_even(fl(sum * factor)) +
// zero) with factor = fl(fl(x_scale * w_scale) / y_scale).
class Finish {
 public:
  Finish(const IntegerMacArgs& args, const KernelCall& call)
      : out_(call.out[0]), is_quantized_(args.is_quantized) {
    if (!is_quantized_) return;
    x_scale_ = LoadScales(args.x_scale, call.in[kXScale]);
    w_scale_ = LoadScales(args.w_scale, call.in[kWScale]);
    y_scale_ = LoadScales(args.y_scale, call.in[kYScale])[0];
    zero_ = LoadAll<int32_t>(call.in[kYZero], DataType::kInt32)[0];
    range_ = RangeOf(out_.dtype);
  }
  const std::vector<float>& x_scale() const { return x_scale_; }
  const std::vector<float>& w_scale() const { return w_scale_; }
  bool is_quantized() const { return is_quantized_; }

  // Column `at` of row `row` of the result.
  void Store(int32_t sum, float x_scale, float w_scale, int64_t row,
             int64_t at) const {
    if (!is_quantized_) {
      out_.Row<int32_t>(row)[at] = sum;
      return;
    }
    const float factor = x_scale * w_scale / y_scale_;
    const int64_t y =
        Requantize(static_cast<float>(sum) * factor, zero_, range_);
    if (out_.dtype == DataType::kInt8)
      out_.Row<int8_t>(row)[at] = static_cast<int8_t>(y);
    else
      out_.Row<uint8_t>(row)[at] = static_cast<uint8_t>(y);
  }

 private:
  const TensorView out_;
  const bool is_quantized_;
  std::vector<float> x_scale_, w_scale_;
  float y_scale_ = 1;
  int64_t zero_ = 0;
  IntegerRange range_;
};

// ---- convolution ----

class ConvUnit {
 public:
  ConvUnit(const IntegerMacArgs& args, const KernelCall& call,
           AddIntegerRowsFunction add, int64_t unit)
      : g_(args.conv), call_(call), add_(add), finish_(args, call) {
    const int64_t blocks = DivideUp(g_.out_channels, args.block);
    const int64_t first = unit % blocks * args.block;
    group_ = unit / blocks % g_.groups;
    image_ = unit / blocks / g_.groups;
    channel_ = group_ * g_.out_channels + first;
    count_ = std::min(args.block, g_.out_channels - first);
    size_ = g_.axes[0].out * g_.axes[1].out * g_.axes[2].out;
    sums_.resize(static_cast<size_t>(count_ * size_));
    x_zero_ = LoadZeros(call.in[kXZero])[0];
    LoadWeights(LoadZeros(call.in[kWZero]));
  }

  void Run() {
    AddBias();
    const int64_t rows = g_.axes[0].in * g_.axes[1].in;
    for (int64_t c = 0; c < g_.in_channels; c += kStep) {
      for (int64_t row = 0; row < rows; ++row) AddInputRow(c, row);
    }
    Store();
  }

 private:
  // [channel of the block][position][input channel, padded with 0].
  void LoadWeights(const Ints& zeros) {
    const auto &d = g_.axes[0], &h = g_.axes[1], &w = g_.axes[2];
    positions_ = d.kernel * h.kernel * w.kernel;
    padded_ = RoundUp(g_.in_channels, kStep);
    weights_.resize(static_cast<size_t>(count_ * positions_ * padded_));
    const int64_t rows = d.kernel * h.kernel;
    for (int64_t m = 0; m < count_; ++m) {
      const int32_t zero =
          PerLine(zeros, g_.groups * g_.out_channels, 0, channel_ + m);
      for (int64_t c = 0; c < g_.in_channels; ++c) {
        for (int64_t r = 0; r < rows; ++r) {
          const int64_t row = ((channel_ + m) * g_.in_channels + c) * rows + r;
          Widen(
              call_.in[kW], {row, 0, 1, static_cast<size_t>(w.kernel)}, zero,
              static_cast<size_t>(padded_),
              weights_.data() + (m * positions_ + r * w.kernel) * padded_ + c);
        }
      }
    }
  }

  void AddBias() {
    const TensorView& bias = call_.in[kBias];
    if (bias.data == nullptr) return;
    for (int64_t m = 0; m < count_; ++m)
      std::fill_n(sums_.begin() + m * size_, size_,
                  bias.Row<int32_t>(0)[channel_ + m]);
  }

  // Columns first, first + stride ... of input channels c .. c + kRows - 1 as
  // pairs; channels beyond the last repeat it, their weights are 0.
  void LoadPairs(int64_t c, int64_t row, int64_t first, size_t count) {
    const auto &d = g_.axes[0], &h = g_.axes[1], &w = g_.axes[2];
    buffer_.resize(count * kRows);
    for (size_t i = 0; i < kRows; ++i) {
      const int64_t channel =
          (image_ * g_.groups + group_) * g_.in_channels +
          std::min(c + static_cast<int64_t>(i), g_.in_channels - 1);
      Widen(call_.in[kX], {channel * d.in * h.in + row, first, w.stride, count},
            x_zero_, 2, buffer_.data() + i / 2 * 2 * count + i % 2);
    }
    loaded_ = count;
  }

  // What one row of four input channels gives to all outputs that see it.
  void AddInputRow(int64_t c, int64_t row) {
    const auto &d = g_.axes[0], &h = g_.axes[1], &w = g_.axes[2];
    if (w.stride == 1) LoadPairs(c, row, 0, static_cast<size_t>(w.in));
    for (int64_t kd = 0; kd < d.kernel; ++kd) {
      const int64_t od = OutputOf(d, row / h.in, kd);
      for (int64_t kh = 0; od >= 0 && kh < h.kernel; ++kh) {
        const int64_t oh = OutputOf(h, row % h.in, kh);
        if (oh < 0) continue;
        for (int64_t kw = 0; kw < w.kernel; ++kw)
          AddTap(c, row, (kd * h.kernel + kh) * w.kernel + kw,
                 (od * h.out + oh) * w.out);
      }
    }
  }

  // The output that reads input `i` with tap `k`, or -1.
  static int64_t OutputOf(const IntegerAxis& axis, int64_t i, int64_t k) {
    const int64_t shifted = i + axis.pad_begin - k * axis.dilation;
    if (shifted < 0 || shifted % axis.stride != 0) return -1;
    return shifted / axis.stride < axis.out ? shifted / axis.stride : -1;
  }

  void AddTap(int64_t c, int64_t row, int64_t position, int64_t output) {
    const IntegerAxis& w = g_.axes[2];
    const int64_t k = position % w.kernel;
    const OutputSpan span = OutputsInside(w, k);
    if (span.begin >= span.end) return;
    int64_t first = span.begin * w.stride - w.pad_begin + k * w.dilation;
    IntegerRows rows{};
    rows.count = static_cast<size_t>(span.end - span.begin);
    if (w.stride != 1) {
      LoadPairs(c, row, first, rows.count);
      first = 0;
    }
    for (size_t p = 0; p < kIntegerPairs; ++p)
      rows.pairs[p] = buffer_.data() + p * 2 * loaded_ + 2 * first;
    for (int64_t m = 0; m < count_; ++m) {
      const int16_t* factor =
          weights_.data() + (m * positions_ + position) * padded_ + c;
      for (size_t i = 0; i < kRows; ++i) rows.factor[i / 2][i % 2] = factor[i];
      add_(rows, sums_.data() + m * size_ + output + span.begin);
    }
  }

  void Store() const {
    const int64_t width = g_.axes[2].out;
    const int64_t rows = size_ / width;
    const int64_t channels = g_.groups * g_.out_channels;
    for (int64_t m = 0; m < count_; ++m) {
      float x_scale = 1, w_scale = 1;
      if (finish_.is_quantized()) {
        x_scale = finish_.x_scale()[0];
        w_scale = PerLine(finish_.w_scale(), channels, 0, channel_ + m);
      }
      for (int64_t i = 0; i < size_; ++i)
        finish_.Store(
            sums_[static_cast<size_t>(m * size_ + i)], x_scale, w_scale,
            (image_ * channels + channel_ + m) * rows + i / width, i % width);
    }
  }

  const IntegerConvShape& g_;
  const KernelCall& call_;
  AddIntegerRowsFunction add_;
  const Finish finish_;
  int64_t group_ = 0, image_ = 0, channel_ = 0, count_ = 0;
  int64_t size_ = 0, positions_ = 0, padded_ = 0;
  int32_t x_zero_ = 0;
  Ints sums_;
  Words weights_, buffer_;
  size_t loaded_ = 0;  // elements per row of the buffer
};

// ---- matrix product ----

class MatmulUnit {
 public:
  MatmulUnit(const IntegerMacArgs& args, const KernelCall& call,
             AddIntegerRowsFunction add, int64_t unit)
      : g_(args.matmul), call_(call), add_(add), finish_(args, call) {
    const int64_t blocks = DivideUp(g_.rows, args.block);
    product_ = unit / blocks;
    row_ = unit % blocks * args.block;
    count_ = std::min(args.block, g_.rows - row_);
    x_matrix_ = MatrixIndex(g_.x_batch, g_.batch, product_);
    w_matrix_ = MatrixIndex(g_.w_batch, g_.batch, product_);
  }

  void Run() {
    const Ints w_zero = LoadZeros(call_.in[kWZero]);
    const auto columns = static_cast<size_t>(g_.columns);
    LoadX(LoadZeros(call_.in[kXZero]));
    Words zeros(columns), buffer(columns * kRows);
    for (size_t n = 0; n < columns; ++n)
      zeros[n] = static_cast<int16_t>(
          PerLine(w_zero, g_.columns, w_matrix_, static_cast<int64_t>(n)));
    sums_.resize(static_cast<size_t>(count_) * columns);
    IntegerRows rows{};
    rows.count = columns;
    for (size_t p = 0; p < kIntegerPairs; ++p)
      rows.pairs[p] = buffer.data() + p * 2 * columns;
    for (int64_t k = 0; k < g_.depth; k += kStep) {
      for (size_t i = 0; i < kRows; ++i)
        LoadW(std::min(k + static_cast<int64_t>(i), g_.depth - 1), zeros,
              buffer.data() + i / 2 * 2 * columns + i % 2);
      for (int64_t r = 0; r < count_; ++r) {
        for (size_t i = 0; i < kRows; ++i)
          rows.factor[i / 2][i % 2] =
              x_[static_cast<size_t>(r * stride_ + k) + i];
        add_(rows, sums_.data() + r * g_.columns);
      }
    }
    Store();
  }

 private:
  // [row of the block][k], 0 beyond the depth.
  void LoadX(const Ints& zeros) {
    stride_ = RoundUp(g_.depth, kStep);
    x_.resize(static_cast<size_t>(count_ * stride_));
    const auto depth = static_cast<size_t>(g_.depth);
    for (int64_t r = 0; r < count_; ++r)
      Widen(call_.in[kX], {x_matrix_ * g_.rows + row_ + r, 0, 1, depth},
            PerLine(zeros, g_.rows, x_matrix_, row_ + r), 1,
            x_.data() + r * stride_);
  }

  // Row k of w, to every second word; a vector has its elements in one row.
  void LoadW(int64_t k, const Words& zeros, int16_t* to) const {
    const TensorView& w = call_.in[kW];
    const size_t columns = zeros.size();
    if (w.shape.rank() == 1)
      Widen(w, {0, k, 1, columns}, 0, 2, to);
    else
      Widen(w, {w_matrix_ * g_.depth + k, 0, 1, columns}, 0, 2, to);
    for (size_t n = 0; n < columns; ++n)
      to[2 * n] = static_cast<int16_t>(to[2 * n] - zeros[n]);
  }

  void Store() const {
    // A vector of x has no row axis, one of w no column axis: the result's
    // elements follow each other over as many rows as it has.
    const int64_t width = call_.out[0].width();
    const int64_t first = (product_ * g_.rows + row_) * g_.columns;
    for (int64_t i = 0; i < count_ * g_.columns; ++i) {
      const int64_t r = row_ + i / g_.columns, n = i % g_.columns;
      float x_scale = 1, w_scale = 1;
      if (finish_.is_quantized()) {
        x_scale = PerLine(finish_.x_scale(), g_.rows, x_matrix_, r);
        w_scale = PerLine(finish_.w_scale(), g_.columns, w_matrix_, n);
      }
      finish_.Store(sums_[static_cast<size_t>(i)], x_scale, w_scale,
                    (first + i) / width, (first + i) % width);
    }
  }

  const IntegerMatmulShape& g_;
  const KernelCall& call_;
  AddIntegerRowsFunction add_;
  const Finish finish_;
  int64_t product_ = 0, row_ = 0, count_ = 0;
  int64_t x_matrix_ = 0, w_matrix_ = 0, stride_ = 0;
  Words x_;
  Ints sums_;
};

template <AddIntegerRowsFunction add>
Status Run(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const IntegerMacArgs*>(call.args);
  if (args.is_conv)
    ConvUnit(args, call, add, unit).Run();
  else
    MatmulUnit(args, call, add, unit).Run();
  return Status();
}

}  // namespace

OutputSpan OutputsInside(const IntegerAxis& axis, int64_t k) {
  const int64_t shift = axis.pad_begin - k * axis.dilation;
  OutputSpan span;
  span.begin = shift <= 0 ? 0 : (shift + axis.stride - 1) / axis.stride;
  const int64_t last = axis.in - 1 + shift;
  span.end = last < 0 ? 0 : last / axis.stride + 1;
  span.end = std::min(span.end, axis.out);
  return span;
}

int64_t MatrixIndex(const Shape& shape, const Shape& batch, int64_t n) {
  int64_t index = 0, step = 1;
  for (size_t i = 0; i < shape.rank(); ++i) {
    const int64_t extent = shape[shape.rank() - 1 - i];
    const int64_t of_batch = batch[batch.rank() - 1 - i];
    if (extent != 1) index += n % of_batch * step;
    n /= of_batch;
    step *= extent;
  }
  return index;
}

int64_t IntegerMacArgs::NumUnits() const {
  if (is_conv)
    return conv.batch * conv.groups * DivideUp(conv.out_channels, block);
  return matmul.batch.NumElements() * DivideUp(matmul.rows, block);
}

void PlanIntegerMac(IntegerMacArgs* args) {
  constexpr int64_t kMostChannels = 16, kMostRows = 32;
  args->block = args->is_conv ? std::min(args->conv.out_channels, kMostChannels)
                              : std::min(args->matmul.rows, kMostRows);
  args->block = std::max<int64_t>(args->block, 1);
}

void AddIntegerRowsScalar(const IntegerRows& rows, int32_t* sum) {
  for (size_t i = 0; i < rows.count; ++i) {
    int64_t value = sum[i];
    for (size_t p = 0; p < kIntegerPairs; ++p)
      value += int64_t{rows.factor[p][0]} * rows.pairs[p][2 * i] +
               int64_t{rows.factor[p][1]} * rows.pairs[p][2 * i + 1];
    sum[i] = static_cast<int32_t>(static_cast<uint32_t>(value));
  }
}

const Kernel integer_mac_kernel = {"integer_mac", Run<AddIntegerRowsScalar>,
                                   Run<AddIntegerRowsSimd>};

}  // namespace aneref
