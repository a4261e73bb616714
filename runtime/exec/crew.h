// Threads that stay together for a whole run and share the work units of one
// kernel call after another. Between calls they spin, so that a call of a few
// microseconds is worth sharing. Who computes a unit changes no bit of a
// result.
#ifndef ANEREF_RUNTIME_EXEC_CREW_H_
#define ANEREF_RUNTIME_EXEC_CREW_H_

#include <atomic>
#include <cstdint>
#include <vector>

namespace aneref {

// Member 0 is the thread that runs: it gives out work and never depends on the
// others, who may come late or not at all. A member takes the units of its own
// contiguous share first, in order, and then from the ends of the others'.
class Crew {
 public:
  // `work` runs units [begin, end) as member `member`; every unit once.
  struct Job {
    void (*work)(void* context, int member, int64_t begin, int64_t end);
    void* context;
    int64_t num_units;
    bool whole_shares;  // a share is one piece, which nobody divides
  };

  explicit Crew(int size) : shares_(static_cast<size_t>(size)) {}
  int size() const { return static_cast<int>(shares_.size()); }

  // ---- member 0 ----

  // Lets members in (they call Member) until Dismiss, which wakes who sleeps.
  void Assemble();
  void Dismiss();
  // Returns when all units are done. Between Assemble and Dismiss, or outside,
  // where member 0 does everything.
  void Run(const Job& job);

  // ---- members 1 and up, each index on one thread ----

  // Works until Dismiss.
  void Member(int member);

 private:
  // Pieces of one member's share that nobody has taken yet: first in the upper
  // half, end in the lower.
  struct alignas(64) Share {
    std::atomic<uint64_t> pieces = 0;
  };

  // True with a piece, from the front of the member's own share or from the
  // back of another's.
  bool Take(size_t share, bool from_front, int64_t* piece);
  void Work(int member);
  uint32_t WaitForNews(uint32_t seen) const;

  std::vector<Share> shares_;
  Job job_ = {};
  int64_t units_per_piece_ = 1;
  // Odd while a job is open. Members look at job_ only while they are counted
  // in num_active_ and the job they came for is still open; member 0 changes
  // job_ only while it is closed and nobody is active.
  alignas(64) std::atomic<uint32_t> epoch_ = 0;
  alignas(64) std::atomic<int> num_active_ = 0;
  std::atomic<bool> dismissed_ = true;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_CREW_H_
