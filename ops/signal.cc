// Spectra and windows: discrete Fourier transforms, also of overlapping frames,
// window functions and mel filter banks. All follow P17. Complex numbers are a
// last axis of 2.
#include "ops/signal.h"

#include <cmath>

#include "ops/doubles.h"
#include "ops/movement.h"
#include "runtime/core/elementary.h"

namespace aneref {
namespace {

using SK = fbs::SignalKind;

// No transform and no window is longer.
constexpr int64_t kMaxLength = int64_t{1} << 24;

// Input `i`, one integer that is known.
Expected<int64_t> KnownInt(const OpView& op, size_t i) {
  if (!IsInteger(op.In(i).dtype) || op.In(i).shape.NumElements() != 1) {
    return ShapeError("input " + std::to_string(i) +
                      " must be one integer, not " + op.In(i).ToString());
  }
  ANEREF_ASSIGN(const std::vector<int64_t> values, op.KnownInts(i));
  return values[0];
}

Expected<int64_t> KnownLength(const OpView& op, size_t i, int64_t least) {
  ANEREF_ASSIGN(const int64_t length, KnownInt(op, i));
  if (length < least || length > kMaxLength) {
    return ShapeError("input " + std::to_string(i) + " is the length " +
                      std::to_string(length) + ", allowed are " +
                      std::to_string(least) + " to " +
                      std::to_string(kMaxLength));
  }
  return length;
}

// Input 0: floating, the last axis real numbers (1) or complex ones (2).
Status CheckNumbers(const OpView& op, size_t least_rank) {
  const TensorType& x = op.In(0);
  if (IsFloating(x.dtype) && x.shape.rank() >= least_rank &&
      (x.shape.back() == 1 || x.shape.back() == 2))
    return Status();
  return ShapeError("input 0 is " + x.ToString() +
                    ", the last axis must be 1 or 2 floating elements");
}

// ---- dft ----

}  // namespace

Expected<DftGeometry> DftGeometryOf(const OpView& op, const Shape& x) {
  const auto& attributes = op.attributes<fbs::Signal>();
  DftGeometry geometry;
  int64_t axis = attributes.axis();
  if (op.HasInput(2)) {
    ANEREF_ASSIGN(axis, KnownInt(op, 2));
  }
  ANEREF_ASSIGN(geometry.axis, NormalizeAxis(axis, x.rank()));
  if (geometry.axis + 1 == x.rank())
    return ShapeError("the last axis holds the parts of one number");
  const int64_t extent = x[geometry.axis];
  geometry.to_real = attributes.inverse() && attributes.onesided();
  geometry.length = geometry.to_real ? 2 * (extent - 1) : extent;
  if (op.HasInput(1)) {
    ANEREF_ASSIGN(geometry.length, KnownLength(op, 1, 1));
  }
  if (geometry.length < 1 || geometry.length > kMaxLength) {
    return ShapeError("a transform of length " +
                      std::to_string(geometry.length) + " is not possible");
  }
  const int64_t half = geometry.length / 2 + 1;
  geometry.read = geometry.to_real ? half : geometry.length;
  geometry.written =
      attributes.onesided() && !geometry.to_real ? half : geometry.length;
  return geometry;
}

namespace {

Expected<std::vector<TensorType>> InferDft(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 3));
  ANEREF_TRY(CheckNumbers(op, 2));
  const Shape& x = op.In(0).shape;
  ANEREF_ASSIGN(const DftGeometry geometry, DftGeometryOf(op, x));
  std::vector<int64_t> dims = x.ToVector();
  dims[geometry.axis] = geometry.written;
  dims.back() = geometry.to_real ? 1 : 2;
  return OneOutput(op.In(0).dtype, dims);
}

// Reads element k of the line at `line`, `stride` numbers apart.
Complex ReadNumber(const std::vector<double>& x, int64_t number,
                   int64_t parts) {
  const auto at = static_cast<size_t>(number * parts);
  return {x[at], parts == 2 ? x[at + 1] : 0};
}

// The second half of a real signal's spectrum mirrors the first; bins 0 and n/2
// are real.
void MirrorSpectrum(std::vector<Complex>* bins) {
  const size_t n = bins->size();
  (*bins)[0] = (*bins)[0].real();
  if (n % 2 == 0) (*bins)[n / 2] = (*bins)[n / 2].real();
  for (size_t k = n / 2 + 1; k < n; ++k) (*bins)[k] = std::conj((*bins)[n - k]);
}

Status ReferenceDft(const OpView& op, const RefTensors& tensors) {
  const auto& attributes = op.attributes<fbs::Signal>();
  const Shape& x = tensors.in[0].shape;
  const Shape& out = tensors.out[0].shape;
  ANEREF_ASSIGN(const DftGeometry geometry, DftGeometryOf(op, x));
  const int64_t outer = x.NumElements(0, geometry.axis);
  const int64_t inner = x.NumElements(geometry.axis + 1, x.rank() - 1);
  const std::vector<double> values = LoadDoubles(tensors.in[0]);
  std::vector<double> result(static_cast<size_t>(out.NumElements()));
  if (result.empty()) return Status();
  const FourierTransform transform(static_cast<size_t>(geometry.length),
                                   attributes.inverse());
  const int64_t held = std::min(x[geometry.axis], geometry.read);
  for (int64_t line = 0; line < outer * inner; ++line) {
    const int64_t o = line / inner, i = line % inner;
    std::vector<Complex> numbers(static_cast<size_t>(geometry.length));
    for (int64_t k = 0; k < held; ++k) {
      numbers[static_cast<size_t>(k)] =
          ReadNumber(values, (o * x[geometry.axis] + k) * inner + i, x.back());
    }
    if (geometry.to_real) MirrorSpectrum(&numbers);
    numbers = transform(numbers);
    for (int64_t k = 0; k < geometry.written; ++k) {
      const auto at = static_cast<size_t>(
          ((o * geometry.written + k) * inner + i) * out.back());
      result[at] = numbers[static_cast<size_t>(k)].real();
      if (out.back() == 2)
        result[at + 1] = numbers[static_cast<size_t>(k)].imag();
    }
  }
  StoreDoubles(std::move(result), tensors.out[0]);
  return Status();
}

// ---- stft ----

}  // namespace

Expected<StftGeometry> StftGeometryOf(const OpView& op, const Shape& x) {
  StftGeometry geometry;
  ANEREF_ASSIGN(geometry.step, KnownLength(op, 1, 1));
  geometry.length = op.HasInput(2) ? op.In(2).shape.NumElements() : x[1];
  if (op.HasInput(3)) {
    ANEREF_ASSIGN(geometry.length, KnownLength(op, 3, 1));
  }
  if (geometry.length < 1 || geometry.length > std::min(x[1], kMaxLength)) {
    return ShapeError("frames of length " + std::to_string(geometry.length) +
                      " do not fit " + x.ToString());
  }
  if (op.HasInput(2) && op.In(2).shape != Shape{geometry.length}) {
    return ShapeError("a window " + op.In(2).shape.ToString() +
                      " does not fit frames of length " +
                      std::to_string(geometry.length));
  }
  geometry.frames = (x[1] - geometry.length) / geometry.step + 1;
  geometry.bins = op.attributes<fbs::Signal>().onesided()
                      ? geometry.length / 2 + 1
                      : geometry.length;
  return geometry;
}

namespace {

Expected<std::vector<TensorType>> InferStft(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 2, 4));
  ANEREF_TRY(CheckNumbers(op, 3));
  const Shape& x = op.In(0).shape;
  if (x.rank() != 3 || (op.HasInput(2) && !IsFloating(op.In(2).dtype)))
    return ShapeError("stft of " + x.ToString() +
                      " needs [batch, length, 1 or 2] and a floating window");
  ANEREF_ASSIGN(const StftGeometry geometry, StftGeometryOf(op, x));
  return OneOutput(op.In(0).dtype, {x[0], geometry.frames, geometry.bins, 2});
}

Status ReferenceStft(const OpView& op, const RefTensors& tensors) {
  const Shape& x = tensors.in[0].shape;
  ANEREF_ASSIGN(const StftGeometry geometry, StftGeometryOf(op, x));
  const std::vector<double> values = LoadDoubles(tensors.in[0]);
  std::vector<double> window(static_cast<size_t>(geometry.length), 1.0);
  if (op.HasInput(2)) window = LoadDoubles(tensors.in[2]);
  const FourierTransform transform(static_cast<size_t>(geometry.length), false);
  std::vector<double> result;
  for (int64_t frame = 0; frame < x[0] * geometry.frames; ++frame) {
    const int64_t first = frame / geometry.frames * x[1] +
                          frame % geometry.frames * geometry.step;
    std::vector<Complex> numbers;
    for (int64_t k = 0; k < geometry.length; ++k) {
      numbers.push_back(ReadNumber(values, first + k, x[2]) *
                        window[static_cast<size_t>(k)]);
    }
    numbers = transform(numbers);
    for (int64_t k = 0; k < geometry.bins; ++k) {
      result.push_back(numbers[static_cast<size_t>(k)].real());
      result.push_back(numbers[static_cast<size_t>(k)].imag());
    }
  }
  StoreDoubles(std::move(result), tensors.out[0]);
  return Status();
}

// ---- windows: input length ----

Expected<std::vector<TensorType>> InferWindow(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 1));
  ANEREF_ASSIGN(const int64_t length, KnownLength(op, 0, 0));
  const auto dtype =
      static_cast<DataType>(op.attributes<fbs::Signal>().dtype());
  if (static_cast<int>(dtype) >= kNumDataTypes || dtype == DataType::kBool)
    return Unsupported("unknown type of a window");
  return OneOutput(dtype, {length});
}

// a0 - a1 cos(2 pi k / n) + a2 cos(4 pi k / n)
Status ReferenceWindow(const OpView& op, const RefTensors& tensors) {
  const auto& attributes = op.attributes<fbs::Signal>();
  double a0 = 0.5, a1 = 0.5, a2 = 0;
  if (attributes.kind() == SK::hamming_window) {
    a0 = 25.0 / 46.0;
    a1 = 1 - a0;
  } else if (attributes.kind() == SK::blackman_window) {
    a0 = 0.42;
    a2 = 0.08;
  }
  const int64_t length = tensors.out[0].shape[0];
  const int64_t n =
      std::max<int64_t>(attributes.periodic() ? length : length - 1, 1);
  std::vector<double> result;
  for (int64_t k = 0; k < length; ++k)
    result.push_back(a0 - a1 * CosOfTurns(k, n) + a2 * CosOfTurns(2 * k, n));
  if (length == 1) result[0] = 1;
  StoreDoubles(std::move(result), tensors.out[0]);
  return Status();
}

// ---- mel_weight_matrix: inputs bins, transform length, sample rate, lower and
// upper edge in hertz ----

Expected<std::vector<TensorType>> InferMelWeights(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 5, 5));
  ANEREF_ASSIGN(const int64_t bins, KnownLength(op, 0, 0));
  ANEREF_ASSIGN(const int64_t length, KnownLength(op, 1, 1));
  ANEREF_TRY(KnownLength(op, 2, 1).status());
  for (size_t i = 3; i < 5; ++i) {
    if (!IsFloating(op.In(i).dtype) || op.In(i).shape.NumElements() != 1)
      return ShapeError("an edge must be one floating element, not " +
                        op.In(i).ToString());
  }
  const auto dtype =
      static_cast<DataType>(op.attributes<fbs::Signal>().dtype());
  if (static_cast<int>(dtype) >= kNumDataTypes || dtype == DataType::kBool)
    return Unsupported("unknown type of mel weights");
  return OneOutput(dtype, {length / 2 + 1, bins});
}

double Log10(double x) { return elementary::Log(x) / elementary::Log(10.0); }

// Corners of the triangles: the spectrogram bin of frequencies that are equally
// far apart in mel.
std::vector<int64_t> MelCorners(int64_t bins, int64_t length, int64_t rate,
                                double lower, double upper) {
  const double low = 2595 * Log10(1 + lower / 700);
  const double high = 2595 * Log10(1 + upper / 700);
  const double step = (high - low) / static_cast<double>(bins + 2);
  std::vector<int64_t> corners;
  for (int64_t i = 0; i < bins + 2; ++i) {
    const double mel = static_cast<double>(i) * step + low;
    const double hertz = 700 * (elementary::Pow(10.0, mel / 2595) - 1);
    const double bin = std::floor(static_cast<double>(length + 1) * hertz /
                                  static_cast<double>(rate));
    // What is not within the spectrum has no weight.
    corners.push_back(static_cast<int64_t>(std::clamp(bin, -1e15, 1e15)));
  }
  return corners;
}

Status ReferenceMelWeights(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const int64_t bins, KnownLength(op, 0, 0));
  ANEREF_ASSIGN(const int64_t length, KnownLength(op, 1, 1));
  ANEREF_ASSIGN(const int64_t rate, KnownLength(op, 2, 1));
  const double lower = LoadDoubles(tensors.in[3])[0];
  const double upper = LoadDoubles(tensors.in[4])[0];
  if (!(lower > -700 && upper > -700 && std::isfinite(lower) &&
        std::isfinite(upper)))
    return InvalidArgument("edges of " + std::to_string(lower) + " and " +
                           std::to_string(upper) + " hertz have no mel scale");
  const std::vector<int64_t> corners =
      MelCorners(bins, length, rate, lower, upper);
  std::vector<double> result;
  for (int64_t row = 0; row <= length / 2; ++row) {
    for (size_t i = 0; i < static_cast<size_t>(bins); ++i) {
      const int64_t left = corners[i], top = corners[i + 1];
      const int64_t right = corners[i + 2];
      double weight = 0;
      if (row == top && left == top) {
        weight = 1;
      } else if (row >= left && row <= top) {
        weight =
            static_cast<double>(row - left) / static_cast<double>(top - left);
      }
      if (row >= top && row < right)
        weight =
            static_cast<double>(right - row) / static_cast<double>(right - top);
      result.push_back(weight);
    }
  }
  StoreDoubles(std::move(result), tensors.out[0]);
  return Status();
}

// ---- the family ----

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  switch (op.attributes<fbs::Signal>().kind()) {
    case SK::dft:
      return InferDft(op);
    case SK::stft:
      return InferStft(op);
    case SK::hann_window:
    case SK::hamming_window:
    case SK::blackman_window:
      return InferWindow(op);
    case SK::mel_weight_matrix:
      return InferMelWeights(op);
  }
  return Unsupported("unknown kind of signal");
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  switch (op.attributes<fbs::Signal>().kind()) {
    case SK::dft:
      return ReferenceDft(op, tensors);
    case SK::stft:
      return ReferenceStft(op, tensors);
    case SK::hann_window:
    case SK::hamming_window:
    case SK::blackman_window:
      return ReferenceWindow(op, tensors);
    case SK::mel_weight_matrix:
      return ReferenceMelWeights(op, tensors);
  }
  return Unsupported("unknown kind of signal");
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef signal_op = {"signal", "Spectra and windows.", Infer, Lower,
                         Reference};

}  // namespace aneref
