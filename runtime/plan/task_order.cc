// See task_order.h. A branch is a chain of tasks between a fork and a merge.
// E40 names its scores, not their formulas; modelled here: the branch score is
// the most that the chain's outputs hold at once (E42: the larger one first, if
// it fits beside its end points), a nested branch counts at least as much as
// the one around it, so that a branch is finished once it is begun; the merge
// score of a task is the bytes that its last operands free.
#include "runtime/plan/task_order.h"

#include <algorithm>
#include <set>

#include "runtime/plan/engine/schedule.h"

namespace aneref {
namespace {

class Scheduler {
 public:
  Scheduler(const engine::EngineModel& model,
            const std::vector<OrderTask>& tasks)
      : model_(model), tasks_(tasks), users_(tasks.size()) {
    for (size_t i = 0; i < tasks.size(); ++i) {
      for (int32_t need : tasks[i].needs)
        users_[static_cast<size_t>(need)].push_back(static_cast<int32_t>(i));
    }
    priorities_.resize(tasks.size());
    Score();
  }

  std::vector<int32_t> Run() {
    std::vector<size_t> missing(tasks_.size());
    const auto before = [this](int32_t a, int32_t b) {
      return engine::ScheduledBefore(priorities_[static_cast<size_t>(a)],
                                     priorities_[static_cast<size_t>(b)]);
    };
    std::set<int32_t, decltype(before)> ready(before);
    for (size_t i = 0; i < tasks_.size(); ++i) {
      missing[i] = tasks_[i].needs.size();
      if (missing[i] == 0) ready.insert(static_cast<int32_t>(i));
    }
    std::vector<int32_t> order;
    while (!ready.empty()) {
      const int32_t task = *ready.begin();
      ready.erase(ready.begin());
      order.push_back(task);
      for (int32_t user : users_[static_cast<size_t>(task)]) {
        if (--missing[static_cast<size_t>(user)] == 0) ready.insert(user);
      }
    }
    return order;
  }

 private:
  int64_t BytesOf(int32_t task) const {
    return tasks_[static_cast<size_t>(task)].output_bytes;
  }
  bool IsFork(int32_t task) const {
    return users_[static_cast<size_t>(task)].size() > 1;
  }
  bool IsMerge(int32_t task) const {
    return tasks_[static_cast<size_t>(task)].needs.size() > 1;
  }

  // The chain from `head` on: up to the next fork or merge.
  std::vector<int32_t> ChainFrom(int32_t head) const {
    std::vector<int32_t> chain;
    for (int32_t task = head; !IsMerge(task);) {
      chain.push_back(task);
      const std::vector<int32_t>& next = users_[static_cast<size_t>(task)];
      if (next.size() != 1) break;
      task = next[0];
    }
    return chain;
  }

  // A task's output lives beside the next one's.
  int64_t ChainBytes(const std::vector<int32_t>& chain) const {
    int64_t most = 0, previous = 0;
    for (int32_t task : chain) {
      most = std::max(most, previous + BytesOf(task));
      previous = BytesOf(task);
    }
    return most;
  }

  void ScoreBranches(int32_t fork) {
    const int64_t around = priorities_[static_cast<size_t>(fork)].branch_score;
    for (int32_t head : users_[static_cast<size_t>(fork)]) {
      const std::vector<int32_t> chain = ChainFrom(head);
      if (chain.empty()) continue;
      const int64_t bytes = ChainBytes(chain);
      const bool fits = bytes + BytesOf(fork) <= model_.working_set_bytes;
      for (int32_t task : chain) {
        engine::Priority& priority = priorities_[static_cast<size_t>(task)];
        priority.branch_score = std::max(around, fits ? bytes : 0);
        priority.fits_branch = fits;
      }
    }
  }

  void Score() {
    for (size_t i = 0; i < tasks_.size(); ++i) {
      engine::Priority& priority = priorities_[i];
      priority.ring_member = tasks_[i].ring_member;
      priority.topological_order = static_cast<int64_t>(i);
      priority.node_id = static_cast<int64_t>(i);
      if (tasks_[i].needs.size() < 2) continue;
      for (int32_t need : tasks_[i].needs) {
        const auto& users = users_[static_cast<size_t>(need)];
        if (users.back() == static_cast<int32_t>(i))
          priority.merge_score += BytesOf(need);
      }
    }
    for (size_t i = 0; i < tasks_.size(); ++i) {
      const auto task = static_cast<int32_t>(i);
      if (IsMerge(task))
        InheritBranch(task);
      else
        InheritChain(task);
      if (IsFork(task)) ScoreBranches(task);
    }
  }
  void InheritChain(int32_t task) {
    const auto& needs = tasks_[static_cast<size_t>(task)].needs;
    if (needs.empty() || IsFork(needs[0])) return;
    const engine::Priority& from = priorities_[static_cast<size_t>(needs[0])];
    engine::Priority& to = priorities_[static_cast<size_t>(task)];
    to.branch_score = from.branch_score;
    to.fits_branch = from.fits_branch;
  }
  // A merge closes the branches that it joins and goes on with what is around
  // the innermost one: the least score of its operands.
  void InheritBranch(int32_t merge) {
    int64_t least = INT64_MAX;
    for (int32_t need : tasks_[static_cast<size_t>(merge)].needs)
      least =
          std::min(least, priorities_[static_cast<size_t>(need)].branch_score);
    priorities_[static_cast<size_t>(merge)].branch_score = least;
  }

  const engine::EngineModel& model_;
  const std::vector<OrderTask>& tasks_;
  std::vector<std::vector<int32_t>> users_;
  std::vector<engine::Priority> priorities_;
};

}  // namespace

std::vector<int32_t> OrderTasks(const engine::EngineModel& model,
                                const std::vector<OrderTask>& tasks) {
  return Scheduler(model, tasks).Run();
}

}  // namespace aneref
