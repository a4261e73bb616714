// The engine's two multiply-accumulate datapaths, scalar, with wide integers,
// written to read like the rules: Start, Add for each pair of the list, Finish.
// The order of the list is the caller's (kernel position outer, input channel
// inner; k ascending). Rules N3, N4, N10-N22, N65. The vector forms are
// ops/kernels/acc-inl.h.
#ifndef ANEREF_RUNTIME_CORE_ACCUMULATOR_H_
#define ANEREF_RUNTIME_CORE_ACCUMULATOR_H_

#include <array>
#include <cstdint>

#include "runtime/core/numerics.h"
#include "runtime/core/profile.h"

namespace aneref {

// A decoded fp16 number: significand * 2^(exponent - 10). Exponent field 31 is
// 16 (N5), field 0 is -14 with |significand| < 1024.
struct MacOperand {
  int32_t significand = 0;
  int32_t exponent = -14;
};
MacOperand DecodeOperand(uint16_t bits);
// The same for an fp16 value that is held as fp32 (a decoded panel).
MacOperand OperandOf(float value);

// What follows the sum of one output element (N21, N22).
struct MacEpilogue {
  bool has_bias = false;
  bool has_scale = false;
  double bias = 0.0;        // fp32 or decoded fp16
  uint16_t scale = 0x3C00;  // fp16 bits
};
// Whether the accumulator starts at the bias, or it is added at the end.
bool PreloadsBias(const Profile& profile, const MacEpilogue& epilogue);

// What an accumulator has at its port: significand * 2^unit_exponent, or an
// overflow, which stays one whatever follows (N18, N20).
struct MacSum {
  Wide significand = 0;
  int unit_exponent = 0;
  int overflow = 0;  // 0, or the sign: 1, -1
};

// N10-N13, N20.
class Radix4Accumulator {
 public:
  void Start(const Profile& profile, bool has_ceiling, double bias);
  void Add(MacOperand x, MacOperand w);
  // Pads the list with zeros and gives the port's fp16 value (N12).
  MacSum Finish();

 private:
  void AddGroup(const std::array<Wide, 4>& products);
  void Flush();
  void Check(bool over, bool negative);

  WindowCut cut_ = WindowCut::kNearestEven;
  size_t block_ = 4;  // pairs that are grouped together: 4 or 16
  bool has_ceiling_ = true;
  int overflow_ = 0;
  float sum_ = 0.0f;  // binary32 across groups
  size_t num_pending_ = 0;
  std::array<Wide, 16> pending_{};  // products in units of 2^-48
};

// N15-N18.
class FixedAccumulator {
 public:
  void Start(const Profile& profile, bool has_ceiling, double bias);
  void Add(MacOperand x, MacOperand w);
  MacSum Finish() const;

 private:
  void Check();

  bool keep_denormals_ = false;
  bool has_ceiling_ = true;
  int overflow_ = 0;
  Wide sum_ = 0;  // in units of 2^-16, or of 2^-48
};

// The profile's accumulator with its epilogue: one output element of a MAC.
class Accumulator {
 public:
  // `single_tap`: a convolution with one pair per output (N20).
  explicit Accumulator(const Profile& profile, bool single_tap = false)
      : profile_(profile),
        has_ceiling_(!(single_tap && profile.single_tap_exempt)) {}

  void Start(const MacEpilogue& epilogue = {});
  void Add(MacOperand x, MacOperand w);
  void Add(uint16_t x, uint16_t w) { Add(DecodeOperand(x), DecodeOperand(w)); }
  uint16_t Finish();

 private:
  const Profile& profile_;
  bool has_ceiling_;
  MacEpilogue epilogue_;
  Radix4Accumulator radix4_;
  FixedAccumulator fixed_;
};

// N12, N19, N21, N22: from the port to the fp16 that leaves the MAC.
uint16_t FinishMac(const Profile& profile, const MacEpilogue& epilogue,
                   const MacSum& sum);

// N65: int8 x int8. Exact 32-bit sum; |sum| >= 2^31 after any addition is an
// overflow that no scale undoes; the scale comes after, one rounding.
class Int8Accumulator {
 public:
  void Start() { *this = Int8Accumulator(); }
  void Add(int32_t x, int32_t w);
  // The same pair `count` times.
  void AddRepeated(int32_t x, int32_t w, int64_t count);
  uint16_t Finish(const Profile& profile, double scale) const;

 private:
  int64_t sum_ = 0;
  int overflow_ = 0;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_ACCUMULATOR_H_
