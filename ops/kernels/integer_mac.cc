// See integer_mac.h. A unit is a block of output channels of one image, or of
// rows of one product; rows of x (convolution) or w (matrix product) are
// widened four at a time and added into the sums of the whole block.
#include "ops/kernels/integer_mac.h"

#include <algorithm>

#include "ops/kernels/gemm.h"
#include "ops/kernels/requantize.h"
#include "runtime/core/convert.h"

namespace aneref {
namespace {

constexpr auto kStep = static_cast<int64_t>(kIntegerRows);
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

// Every `stride`th byte of a row, widened, less its zero point.
template <class Byte>
void WidenBytes(const Byte* from, int64_t stride, int32_t zero, size_t count,
                int32_t* to) {
  for (size_t i = 0; i < count; ++i)
    to[i] = int32_t{from[static_cast<int64_t>(i) * stride]} - zero;
}
void Widen(const TensorView& view, int64_t row, int64_t first, int64_t stride,
           int32_t zero, size_t count, int32_t* to) {
  if (view.dtype == DataType::kInt8)
    WidenBytes(view.Row<int8_t>(row) + first, stride, zero, count, to);
  else
    WidenBytes(view.Row<uint8_t>(row) + first, stride, zero, count, to);
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

// The outputs in [begin, end) whose tap k lies inside the input.
struct Span {
  int64_t begin = 0, end = 0;
};
Span Inside(const IntegerAxis& axis, int64_t k) {
  const int64_t shift = axis.pad_begin - k * axis.dilation;
  Span span;
  span.begin = shift <= 0 ? 0 : (shift + axis.stride - 1) / axis.stride;
  const int64_t last = axis.in - 1 + shift;
  span.end = last < 0 ? 0 : last / axis.stride + 1;
  span.end = std::min(span.end, axis.out);
  return span;
}

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
    const auto &h = g_.axes[1], &w = g_.axes[2];
    for (int64_t p = 0; p < positions_; ++p) {
      const int64_t k[3] = {p / (h.kernel * w.kernel), p / w.kernel % h.kernel,
                            p % w.kernel};
      for (int64_t c = 0; c < g_.in_channels; c += kStep) AddChannels(k, p, c);
    }
    Store();
  }

 private:
  // [channel of the block][input channel, padded][position].
  void LoadWeights(const Ints& zeros) {
    const auto &d = g_.axes[0], &h = g_.axes[1], &w = g_.axes[2];
    positions_ = d.kernel * h.kernel * w.kernel;
    stride_ = RoundUp(g_.in_channels, kStep) * positions_;
    weights_.resize(static_cast<size_t>(count_ * stride_));
    const int64_t rows = g_.in_channels * d.kernel * h.kernel;
    for (int64_t m = 0; m < count_; ++m) {
      const int32_t zero =
          PerLine(zeros, g_.groups * g_.out_channels, 0, channel_ + m);
      for (int64_t row = 0; row < rows; ++row)
        Widen(call_.in[kW], (channel_ + m) * rows + row, 0, 1, zero,
              static_cast<size_t>(w.kernel),
              weights_.data() + m * stride_ + row * w.kernel);
    }
  }

  void AddBias() {
    const TensorView& bias = call_.in[kBias];
    if (bias.data == nullptr) return;
    for (int64_t m = 0; m < count_; ++m)
      std::fill_n(sums_.begin() + m * size_, size_,
                  bias.Row<int32_t>(0)[channel_ + m]);
  }

  // The tap at `k` of input channels c .. c + kIntegerRows - 1; those beyond
  // the last have weights 0.
  void AddChannels(const int64_t k[3], int64_t position, int64_t c) {
    const auto &d = g_.axes[0], &h = g_.axes[1], &w = g_.axes[2];
    const Span sd = Inside(d, k[0]), sh = Inside(h, k[1]), sw = Inside(w, k[2]);
    if (sw.begin >= sw.end) return;
    const auto width = static_cast<size_t>(sw.end - sw.begin);
    buffer_.resize(width * kIntegerRows);
    const int64_t first = sw.begin * w.stride - w.pad_begin + k[2] * w.dilation;
    IntegerRows rows{};
    rows.count = width;
    for (int64_t od = sd.begin; od < sd.end; ++od) {
      const int64_t id = od * d.stride - d.pad_begin + k[0] * d.dilation;
      for (int64_t oh = sh.begin; oh < sh.end; ++oh) {
        const int64_t ih = oh * h.stride - h.pad_begin + k[1] * h.dilation;
        for (size_t i = 0; i < kIntegerRows; ++i) {
          const int64_t channel =
              (image_ * g_.groups + group_) * g_.in_channels +
              std::min(c + static_cast<int64_t>(i), g_.in_channels - 1);
          int32_t* to = buffer_.data() + i * width;
          Widen(call_.in[kX], (channel * d.in + id) * h.in + ih, first,
                w.stride, x_zero_, width, to);
          rows.row[i] = to;
        }
        for (int64_t m = 0; m < count_; ++m) {
          for (size_t i = 0; i < kIntegerRows; ++i)
            rows.factor[i] = weights_[static_cast<size_t>(
                m * stride_ + (c + static_cast<int64_t>(i)) * positions_ +
                position)];
          add_(rows,
               sums_.data() + m * size_ + (od * h.out + oh) * w.out + sw.begin);
        }
      }
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
  int64_t size_ = 0, positions_ = 0, stride_ = 0;
  int32_t x_zero_ = 0;
  Ints sums_, weights_, buffer_;
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
    Ints zeros, buffer(columns * kIntegerRows);
    for (int64_t n = 0; n < g_.columns; ++n)
      zeros.push_back(PerLine(w_zero, g_.columns, w_matrix_, n));
    sums_.resize(static_cast<size_t>(count_) * columns);
    IntegerRows rows{};
    rows.count = columns;
    for (int64_t k = 0; k < g_.depth; k += kStep) {
      for (size_t i = 0; i < kIntegerRows; ++i) {
        int32_t* to = buffer.data() + i * columns;
        LoadW(std::min(k + static_cast<int64_t>(i), g_.depth - 1), zeros, to);
        rows.row[i] = to;
      }
      for (int64_t r = 0; r < count_; ++r) {
        for (size_t i = 0; i < kIntegerRows; ++i)
          rows.factor[i] = x_[static_cast<size_t>(r * stride_ + k) + i];
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
    for (int64_t r = 0; r < count_; ++r)
      Widen(call_.in[kX], x_matrix_ * g_.rows + row_ + r, 0, 1,
            PerLine(zeros, g_.rows, x_matrix_, row_ + r),
            static_cast<size_t>(g_.depth), x_.data() + r * stride_);
  }

  // Row k of w; a vector has its elements in one row.
  void LoadW(int64_t k, const Ints& zeros, int32_t* to) const {
    const TensorView& w = call_.in[kW];
    const auto columns = static_cast<size_t>(g_.columns);
    if (w.shape.rank() == 1)
      Widen(w, 0, k, 1, 0, columns, to);
    else
      Widen(w, w_matrix_ * g_.depth + k, 0, 1, 0, columns, to);
    for (size_t n = 0; n < columns; ++n) to[n] -= zeros[n];
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
  Ints x_, sums_;
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
  constexpr int64_t kMostChannels = 8, kMostRows = 32;
  args->block = args->is_conv ? std::min(args->conv.out_channels, kMostChannels)
                              : std::min(args->matmul.rows, kMostRows);
  args->block = std::max<int64_t>(args->block, 1);
}

void AddIntegerRowsScalar(const IntegerRows& rows, int32_t* sum) {
  for (size_t i = 0; i < rows.count; ++i) {
    auto value = static_cast<uint32_t>(sum[i]);
    for (size_t k = 0; k < kIntegerRows; ++k)
      value += static_cast<uint32_t>(rows.factor[k]) *
               static_cast<uint32_t>(rows.row[k][i]);
    sum[i] = static_cast<int32_t>(value);
  }
}

const Kernel integer_mac_kernel = {"integer_mac", Run<AddIntegerRowsScalar>,
                                   Run<AddIntegerRowsSimd>};

}  // namespace aneref
