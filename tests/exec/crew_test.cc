// The crew gives every unit to somebody exactly once, whoever comes.
#include "runtime/exec/crew.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace aneref {
namespace {

struct Counts {
  explicit Counts(int64_t units) : of_unit(static_cast<size_t>(units)) {}

  static void Work(void* context, int /*member*/, int64_t begin, int64_t end) {
    auto* counts = static_cast<Counts*>(context);
    counts->num_calls.fetch_add(1);
    for (int64_t unit = begin; unit < end; ++unit)
      counts->of_unit[static_cast<size_t>(unit)].fetch_add(1);
  }
  bool AllAre(int wanted) const {
    for (const std::atomic<int>& count : of_unit)
      if (count.load() != wanted) return false;
    return true;
  }

  std::vector<std::atomic<int>> of_unit;
  std::atomic<int> num_calls = 0;
};

// Runs `rounds` jobs of `units` with members 1 to `present` there.
void Rounds(Crew* crew, int present, int rounds, Counts* counts,
            bool whole_shares) {
  crew->Assemble();
  std::vector<std::thread> members;
  for (int i = 1; i <= present; ++i)
    members.emplace_back([crew, i] { crew->Member(i); });
  for (int round = 0; round < rounds; ++round) {
    crew->Run({Counts::Work, counts,
               static_cast<int64_t>(counts->of_unit.size()), whole_shares});
    // Whoever still worked would be seen here.
    if (!counts->AllAre(round + 1)) break;
  }
  crew->Dismiss();
  for (std::thread& member : members) member.join();
}

}  // namespace

TEST_CASE("crew: every unit of every job runs once") {
  for (const int size : {1, 2, 3, 5}) {
    for (const int64_t units : {0, 1, 2, 7, 64, 1000}) {
      for (const bool whole_shares : {false, true}) {
        CAPTURE(size);
        CAPTURE(units);
        Crew crew(size);
        Counts counts(units);
        Rounds(&crew, size - 1, 50, &counts, whole_shares);
        CHECK(counts.AllAre(50));
      }
    }
  }
}

TEST_CASE("crew: member 0 does the work of members that never come") {
  Crew crew(4);
  Counts counts(100);
  Rounds(&crew, 0, 3, &counts, false);
  CHECK(counts.AllAre(3));
  Counts others(100);
  Rounds(&crew, 2, 20, &others, false);  // the fourth stays away
  CHECK(others.AllAre(20));
}

TEST_CASE("crew: whole shares are one piece for each member") {
  Crew crew(4);
  Counts counts(10);
  Rounds(&crew, 0, 1, &counts, true);
  CHECK(counts.AllAre(1));
  CHECK(counts.num_calls.load() == 4);  // 3, 3, 3 and 1 units
}

TEST_CASE("crew: members that went to sleep wake for work and for the end") {
  Crew crew(2);
  Counts counts(8);
  crew.Assemble();
  std::thread member([&] { crew.Member(1); });
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    crew.Run({Counts::Work, &counts, 8, false});
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  crew.Dismiss();
  member.join();
  CHECK(counts.AllAre(3));
}

}  // namespace aneref
