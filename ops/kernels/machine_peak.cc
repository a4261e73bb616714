// See machine_peak.h.
#include "ops/kernels/machine_peak.h"

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/machine_peak.cc"
#include "hwy/foreach_target.h"  // compiles this file once per target
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Twelve independent chains of multiply-adds; returns the operations done.
double MultiplyAddLoop(int64_t rounds, float* result) {
  const hn::ScalableTag<float> d;
  const auto a = hn::Set(d, 0.999f), b = hn::Set(d, 0.001f);
  // Different starts, or the compiler joins the chains.
  auto s0 = a, s1 = b, s2 = hn::Add(a, a), s3 = hn::Add(s2, b);
  auto s4 = hn::Add(s3, b), s5 = hn::Add(s4, b), s6 = hn::Add(s5, b);
  auto s7 = hn::Add(s6, b), s8 = hn::Add(s7, b), s9 = hn::Add(s8, b);
  auto s10 = hn::Add(s9, b), s11 = hn::Add(s10, b);
  for (int64_t i = 0; i < rounds; ++i) {
    s0 = hn::MulAdd(s0, a, b), s1 = hn::MulAdd(s1, a, b);
    s2 = hn::MulAdd(s2, a, b), s3 = hn::MulAdd(s3, a, b);
    s4 = hn::MulAdd(s4, a, b), s5 = hn::MulAdd(s5, a, b);
    s6 = hn::MulAdd(s6, a, b), s7 = hn::MulAdd(s7, a, b);
    s8 = hn::MulAdd(s8, a, b), s9 = hn::MulAdd(s9, a, b);
    s10 = hn::MulAdd(s10, a, b), s11 = hn::MulAdd(s11, a, b);
  }
  const auto sum =
      hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)),
              hn::Add(hn::Add(hn::Add(s4, s5), hn::Add(s6, s7)),
                      hn::Add(hn::Add(s8, s9), hn::Add(s10, s11))));
  *result = hn::GetLane(sum);
  return 24.0 * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

// Four sums of `count` words, a multiple of four vectors.
uint32_t ReadLoop(const uint32_t* words, size_t count) {
  const hn::ScalableTag<uint32_t> d;
  const size_t lanes = hn::Lanes(d);
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  for (size_t i = 0; i + 4 * lanes <= count; i += 4 * lanes) {
    s0 = hn::Add(s0, hn::LoadU(d, words + i));
    s1 = hn::Add(s1, hn::LoadU(d, words + i + lanes));
    s2 = hn::Add(s2, hn::LoadU(d, words + i + 2 * lanes));
    s3 = hn::Add(s3, hn::LoadU(d, words + i + 3 * lanes));
  }
  return hn::GetLane(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
}

std::string TargetName() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {

HWY_EXPORT(MultiplyAddLoop);
HWY_EXPORT(ReadLoop);
HWY_EXPORT(TargetName);

// What a loop computed must not be optimised away.
volatile float kept_float;
volatile uint32_t kept_word;

}  // namespace

double ThreadSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) +
         1e-9 * static_cast<double>(time.tv_nsec);
}

double MeasurePeakFlops() {
  constexpr int64_t kRounds = 100000;
  double best = 0;
  for (int i = 0; i < 20; ++i) {
    float result = 0;
    const double begin = ThreadSeconds();
    const double flops =
        HWY_DYNAMIC_DISPATCH(MultiplyAddLoop)(kRounds, &result);
    const double seconds = ThreadSeconds() - begin;
    kept_float = result;
    if (seconds > 0) best = std::max(best, flops / seconds);
  }
  return best;
}

double MeasureReadBandwidth(size_t bytes, int passes) {
  const size_t count = bytes / sizeof(uint32_t);
  const std::unique_ptr<uint32_t[]> words(new (std::nothrow) uint32_t[count]);
  if (words == nullptr) return 0;
  std::fill_n(words.get(), count, 1u);  // pages that exist
  double best = 0;
  for (int i = 0; i < passes; ++i) {
    const double begin = ThreadSeconds();
    kept_word = HWY_DYNAMIC_DISPATCH(ReadLoop)(words.get(), count);
    const double seconds = ThreadSeconds() - begin;
    if (seconds > 0)
      best = std::max(best, static_cast<double>(bytes) / seconds);
  }
  return best;
}

std::string SimdTargetName() { return HWY_DYNAMIC_DISPATCH(TargetName)(); }

}  // namespace aneref
#endif  // HWY_ONCE
