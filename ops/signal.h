// Discrete Fourier transforms in double, for the family `signal`: any length,
// same bits on every machine (sine and cosine of runtime/core/elementary.h).
// Knows nothing of tensors.
#ifndef ANEREF_OPS_SIGNAL_H_
#define ANEREF_OPS_SIGNAL_H_

#include <complex>
#include <cstdint>
#include <vector>

namespace aneref {

using Complex = std::complex<double>;

// X[k] = sum over j of x[j] * exp(-2 pi i j k / n), or with + in the exponent
// and divided by n for the inverse. Made once per length.
class FourierTransform {
 public:
  FourierTransform(size_t length, bool inverse);
  std::vector<Complex> operator()(const std::vector<Complex>& x) const;

 private:
  // The transform of x[first], x[first + stride], ... (`count` elements).
  std::vector<Complex> Part(const std::vector<Complex>& x, size_t first,
                            size_t stride, size_t count) const;

  size_t length_;
  bool inverse_;
  std::vector<Complex> roots_;  // exp(-+2 pi i k / n)
};

// cos(2 pi k / n), exact at multiples of a quarter turn; k >= 0, n >= 1.
double CosOfTurns(int64_t k, int64_t n);

}  // namespace aneref

#endif  // ANEREF_OPS_SIGNAL_H_
