// See metrics.h. One pass over both tensors as doubles; ULP distances from the
// ordered integers of the coarser type.
#include "runtime/explain/metrics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "runtime/core/half.h"

namespace aneref {
namespace {

constexpr int64_t kFarApart = int64_t{1} << 40;

int64_t OrderOfHalf(uint16_t bits) {
  const int64_t magnitude = bits & 0x7FFF;
  return (bits & kHalfSignBit) != 0 ? -magnitude : magnitude;
}

int64_t OrderOfFloat(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const int64_t magnitude = bits & 0x7FFFFFFFu;
  return (bits >> 31) != 0 ? -magnitude : magnitude;
}

// float64 counts as float32: nobody compares networks closer than that.
DataType UlpType(DataType a, DataType b) {
  if (a == DataType::kFloat16 || b == DataType::kFloat16) {
    return DataType::kFloat16;
  }
  if (IsFloating(a) || IsFloating(b)) return DataType::kFloat32;
  return a;
}

int64_t UlpDistance(DataType type, double a, double b) {
  if (type == DataType::kFloat16) {
    return std::abs(OrderOfHalf(DoubleToHalf(a)) -
                    OrderOfHalf(DoubleToHalf(b)));
  }
  if (type == DataType::kFloat32) {
    return std::abs(OrderOfFloat(static_cast<float>(a)) -
                    OrderOfFloat(static_cast<float>(b)));
  }
  return static_cast<int64_t>(std::min(std::abs(a - b), 0x1p40));
}

size_t UlpBin(int64_t distance) {
  if (distance <= 2) return static_cast<size_t>(distance);
  const auto log = std::bit_width(static_cast<uint64_t>(distance - 1));
  return std::min(static_cast<size_t>(log) + 1, kNumUlpBins - 2);
}

int ClassOf(double value) {
  if (std::isnan(value)) return 3;
  if (std::isinf(value)) return value > 0 ? 1 : 2;
  return 0;
}

uint64_t BitsAt(const OwnedTensor& tensor, int64_t index) {
  const size_t size = ElementSize(tensor.type.dtype);
  uint64_t bits = 0;
  std::memcpy(&bits, tensor.bytes.get() + static_cast<size_t>(index) * size,
              size);
  return bits;
}

// Rows of what a classifier or a segmenter decides with.
size_t DecisionWidth(const Shape& shape) {
  for (size_t axis = shape.rank(); axis-- > 0;) {
    if (shape[axis] > 1) return static_cast<size_t>(shape[axis]);
  }
  return 1;
}

size_t ArgMax(const double* values, size_t count) {
  size_t best = 0;
  for (size_t i = 1; i < count; ++i) {
    if (values[i] > values[best] || std::isnan(values[best])) best = i;
  }
  return best;
}

void CountDecisions(const Shape& shape, const std::vector<double>& a,
                    const std::vector<double>& b, TensorMetrics* metrics) {
  const size_t width = DecisionWidth(shape);
  if (width < 2) return;
  for (size_t row = 0; row + width <= a.size(); row += width) {
    ++metrics->decisions;
    if (ArgMax(a.data() + row, width) != ArgMax(b.data() + row, width)) {
      ++metrics->decisions_differ;
    }
  }
}

// Running sums of one comparison.
class Accumulated {
 public:
  explicit Accumulated(TensorMetrics* metrics) : metrics_(*metrics) {}

  void Add(int64_t index, double a, double b) {
    const int class_a = ClassOf(a), class_b = ClassOf(b);
    metrics_.nonfinite_a += class_a != 0;
    metrics_.nonfinite_b += class_b != 0;
    if (SameValue(a, b)) ++metrics_.equal;
    if (class_a != class_b) {
      ++metrics_.class_differs;
      ++metrics_.ulp_histogram[kNumUlpBins - 1];
      Worst(index, std::numeric_limits<double>::infinity());
      return;
    }
    if (class_a != 0) {
      ++metrics_.ulp_histogram[0];
      return;
    }
    const double difference = std::abs(a - b);
    const int64_t ulps = UlpDistance(metrics_.ulp_type, a, b);
    ++metrics_.ulp_histogram[UlpBin(ulps)];
    metrics_.max_ulp = std::max(metrics_.max_ulp, ulps);
    metrics_.max_abs = std::max(metrics_.max_abs, difference);
    if (difference > 0) {
      metrics_.max_rel = std::max(metrics_.max_rel, difference / std::abs(b));
      Worst(index, difference);
    }
    ++finite_;
    sum_abs_ += difference;
    noise_ += difference * difference;
    aa_ += a * a;
    bb_ += b * b;
    ab_ += a * b;
    peak_ = std::max(peak_, std::abs(b));
  }

  // coremltools' PSNR: the reference's largest magnitude over the RMS error.
  void Finish() {
    if (finite_ == 0) return;
    metrics_.mean_abs = sum_abs_ / static_cast<double>(finite_);
    if (noise_ > 0) {
      const double mean = noise_ / static_cast<double>(finite_);
      metrics_.psnr_db = 10 * std::log10(peak_ * peak_ / mean);
    }
    // Equal tensors have the cosine 1 also where the quotient would round.
    if (noise_ > 0) metrics_.cosine = ab_ / (std::sqrt(aa_) * std::sqrt(bb_));
    if (aa_ == 0 && bb_ == 0) metrics_.cosine = 1;
  }

 private:
  void Worst(int64_t index, double difference) {
    if (difference <= worst_) return;
    worst_ = difference;
    metrics_.worst.index = index;
  }

  TensorMetrics& metrics_;
  int64_t finite_ = 0;
  double sum_abs_ = 0, noise_ = 0, aa_ = 0, bb_ = 0, ab_ = 0, peak_ = 0;
  double worst_ = 0;
};

}  // namespace

const char* UlpBinName(size_t bin) {
  static constexpr std::array<const char*, kNumUlpBins> kNames = {
      "0",       "1",        "2",     "3-4",       "5-8",
      "9-16",    "17-32",    "33-64", "65-128",    "129-256",
      "257-512", "513-1024", ">1024", "non-finite"};
  return kNames[bin];
}

bool SameValue(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

int64_t HalfUlps(double a, double b) {
  if (SameValue(a, b)) return 0;
  if (ClassOf(a) != ClassOf(b)) return kFarApart;
  return UlpDistance(DataType::kFloat16, a, b);
}

TensorMetrics ComputeMetrics(const OwnedTensor& a, const OwnedTensor& b) {
  ANEREF_CHECK(a.type.shape == b.type.shape);
  TensorMetrics metrics;
  const std::vector<double> values_a = ElementsOf(a), values_b = ElementsOf(b);
  metrics.elements = static_cast<int64_t>(values_a.size());
  metrics.ulp_type = UlpType(a.type.dtype, b.type.dtype);
  Accumulated sums(&metrics);
  for (size_t i = 0; i < values_a.size(); ++i) {
    sums.Add(static_cast<int64_t>(i), values_a[i], values_b[i]);
  }
  sums.Finish();
  CountDecisions(a.type.shape, values_a, values_b, &metrics);
  if (metrics.worst.index >= 0) {
    const auto at = static_cast<size_t>(metrics.worst.index);
    metrics.worst.a = values_a[at];
    metrics.worst.b = values_b[at];
    metrics.worst.bits_a = BitsAt(a, metrics.worst.index);
    metrics.worst.bits_b = BitsAt(b, metrics.worst.index);
  }
  return metrics;
}

std::string IndexText(const Shape& shape, int64_t index) {
  std::string text = "]";
  for (size_t axis = shape.rank(); axis-- > 0;) {
    const int64_t extent = std::max<int64_t>(shape[axis], 1);
    text = std::to_string(index % extent) + (text == "]" ? "" : ", ") + text;
    index /= extent;
  }
  return "[" + text;
}

std::string BitsText(DataType type, uint64_t bits) {
  char text[20];
  std::snprintf(text, sizeof text, "%0*llX",
                static_cast<int>(ElementSize(type) * 2),
                static_cast<unsigned long long>(bits));
  return text;
}

}  // namespace aneref
