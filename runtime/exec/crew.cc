// See crew.h.
#include "runtime/exec/crew.h"

#include <algorithm>
#include <thread>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace aneref {
namespace {

// A share is cut into this many pieces where it has as many units: small enough
// to even out what cores do, few enough that taking one costs nothing.
constexpr int64_t kPiecesPerShare = 16;
// Pauses before a waiting member sleeps: some tens of microseconds, more than
// an op that one thread runs alone usually takes.
constexpr int kSpins = 2000;
// Pauses before member 0 lets others have its core: a member that it waits for
// may have lost its own.
constexpr int kSpinsBeforeYield = 200;

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

uint64_t Pack(int64_t first, int64_t end) {
  return static_cast<uint64_t>(first) << 32 | static_cast<uint64_t>(end);
}

}  // namespace

bool Crew::Take(size_t share, bool from_front, int64_t* piece) {
  std::atomic<uint64_t>& pieces = shares_[share].pieces;
  uint64_t seen = pieces.load(std::memory_order_relaxed);
  while (true) {
    const auto first = static_cast<int64_t>(seen >> 32);
    const auto end = static_cast<int64_t>(seen & UINT32_MAX);
    if (first >= end) return false;
    const uint64_t left =
        from_front ? Pack(first + 1, end) : Pack(first, end - 1);
    if (pieces.compare_exchange_weak(seen, left, std::memory_order_relaxed)) {
      *piece = from_front ? first : end - 1;
      return true;
    }
  }
}

void Crew::Work(int member) {
  const size_t count = shares_.size();
  for (size_t i = 0; i < count; ++i) {
    const size_t share = (static_cast<size_t>(member) + i) % count;
    int64_t piece = 0;
    while (Take(share, i == 0, &piece)) {
      const int64_t begin = piece * units_per_piece_;
      job_.work(job_.context, member, begin,
                std::min(begin + units_per_piece_, job_.num_units));
    }
  }
}

void Crew::Run(const Job& job) {
  job_ = job;
  const int64_t count = size();
  const int64_t wanted = job.whole_shares ? 1 : kPiecesPerShare;
  // Rounded up, so that a whole share is one piece.
  units_per_piece_ =
      std::max<int64_t>(1, DivideUp(job.num_units, count * wanted));
  const int64_t pieces = DivideUp(job.num_units, units_per_piece_);
  for (int64_t i = 0; i < count; ++i) {
    shares_[static_cast<size_t>(i)].pieces.store(
        Pack(pieces * i / count, pieces * (i + 1) / count),
        std::memory_order_relaxed);
  }
  epoch_.fetch_add(1);  // open
  epoch_.notify_all();
  Work(0);
  epoch_.fetch_add(1);  // closed: who comes now finds it so
  for (int spins = 0; num_active_.load() != 0; ++spins) {
    if (spins < kSpinsBeforeYield) {
      Pause();
    } else {
      std::this_thread::yield();
    }
  }
}

void Crew::Assemble() { dismissed_.store(false); }

void Crew::Dismiss() {
  dismissed_.store(true);
  epoch_.fetch_add(2);
  epoch_.notify_all();
}

uint32_t Crew::WaitForNews(uint32_t seen) const {
  for (int spins = 0; spins < kSpins; ++spins) {
    const uint32_t now = epoch_.load(std::memory_order_acquire);
    if (now != seen) return now;
    Pause();
  }
  epoch_.wait(seen);
  return epoch_.load();
}

void Crew::Member(int member) {
  // A job that is already open is news, too.
  uint32_t seen = epoch_.load() & ~uint32_t{1};
  while (!dismissed_.load()) {
    seen = WaitForNews(seen);
    if (seen % 2 == 0) continue;
    num_active_.fetch_add(1);
    if (epoch_.load() == seen) Work(member);
    num_active_.fetch_sub(1);
  }
}

}  // namespace aneref
