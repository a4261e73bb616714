// What the family `signal` (signal.cc) and its form on the engine
// (device_signal.cc) share: the geometry of transforms and of their frames, and
// Fourier transforms in double of any length, with the same bits on every
// machine (sine and cosine of runtime/core/elementary.h).
#ifndef ANEREF_OPS_SIGNAL_H_
#define ANEREF_OPS_SIGNAL_H_

#include <complex>
#include <cstdint>
#include <vector>

#include "ops/op.h"

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
// sin(2 pi k / n), likewise.
double SinOfTurns(int64_t k, int64_t n);

// dft: inputs x, length (optional), axis (optional).
struct DftGeometry {
  size_t axis = 0;
  int64_t length = 0;    // of the transform; the signal is cut or filled with 0
  bool to_real = false;  // the spectrum is one half, the signal real
  int64_t read = 0;      // elements of the transform that the input may hold
  int64_t written = 0;
};
Expected<DftGeometry> DftGeometryOf(const OpView& op, const Shape& x);

// stft: inputs x [batch, n, 1 or 2], step, window (optional), length
// (optional).
struct StftGeometry {
  int64_t step = 0;
  int64_t length = 0;
  int64_t frames = 0;
  int64_t bins = 0;
};
Expected<StftGeometry> StftGeometryOf(const OpView& op, const Shape& x);

}  // namespace aneref

#endif  // ANEREF_OPS_SIGNAL_H_
