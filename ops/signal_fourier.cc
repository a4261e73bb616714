// Fourier transforms of any length: split by the smallest prime factor
// (decimation in time), sums of a prime length as they are written.
#include "ops/signal.h"
#include "runtime/core/elementary.h"

namespace aneref {
namespace {

constexpr double kTwoPi = 0x1.921fb54442d18p+2;

size_t SmallestFactor(size_t n) {
  for (size_t factor = 2; factor * factor <= n; ++factor) {
    if (n % factor == 0) return factor;
  }
  return n;
}

// The operator of std::complex may check for infinities, depending on options.
Complex Multiply(const Complex& a, const Complex& b) {
  return {a.real() * b.real() - a.imag() * b.imag(),
          a.real() * b.imag() + a.imag() * b.real()};
}

}  // namespace

double CosOfTurns(int64_t k, int64_t n) {
  int64_t at = k % n;
  if (2 * at > n) at = n - at;  // even around half a turn
  if (4 * at == n) return 0;
  if (2 * at == n) return -1;
  return elementary::Cos(kTwoPi * static_cast<double>(at) /
                         static_cast<double>(n));
}

// cos(2 pi (4 k + 3 n) / 4 n), a quarter turn earlier.
double SinOfTurns(int64_t k, int64_t n) {
  return CosOfTurns(4 * k + 3 * n, 4 * n);
}

FourierTransform::FourierTransform(size_t length, bool inverse)
    : length_(length), inverse_(inverse), roots_(length) {
  const auto n = static_cast<int64_t>(length);
  for (int64_t k = 0; k < n; ++k) {
    const double sine = SinOfTurns(k, n);
    roots_[static_cast<size_t>(k)] = {CosOfTurns(k, n), inverse ? sine : -sine};
  }
}

std::vector<Complex> FourierTransform::Part(const std::vector<Complex>& x,
                                            size_t first, size_t stride,
                                            size_t count) const {
  if (count == 1) return {x[first]};
  const size_t factor = SmallestFactor(count);
  const size_t part = count / factor;
  std::vector<std::vector<Complex>> parts;
  for (size_t i = 0; i < factor; ++i)
    parts.push_back(Part(x, first + i * stride, stride * factor, part));
  std::vector<Complex> result(count);
  for (size_t k = 0; k < count; ++k) {
    Complex sum = 0;
    for (size_t i = 0; i < factor; ++i)
      sum += Multiply(parts[i][k % part], roots_[i * k % count * stride]);
    result[k] = sum;
  }
  return result;
}

std::vector<Complex> FourierTransform::operator()(
    const std::vector<Complex>& x) const {
  std::vector<Complex> result = Part(x, 0, 1, length_);
  if (!inverse_) return result;
  for (Complex& value : result) {
    value = {value.real() / static_cast<double>(length_),
             value.imag() / static_cast<double>(length_)};
  }
  return result;
}

}  // namespace aneref
