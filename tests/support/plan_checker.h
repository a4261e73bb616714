// Checks a plan from the outside: knows the program and the plan's data, none
// of the planner's code. Replays the run symbolically: which value's content
// each byte of the arena holds.
#ifndef ANEREF_TESTS_SUPPORT_PLAN_CHECKER_H_
#define ANEREF_TESTS_SUPPORT_PLAN_CHECKER_H_

#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace aneref::test {

// What is wrong, in words; empty when the plan is sound:
// - every node in exactly one task, after everything that it reads;
// - every operand still holds what its producer wrote when it is read;
// - every output element belongs to exactly one work unit;
// - on-chip tensors lie within the pool and never overlap while alive;
// - weights of each descriptor fit the kernel memory, all channels are covered.
std::vector<std::string> CheckPlan(const Program& program, const Plan& plan);

}  // namespace aneref::test

#endif  // ANEREF_TESTS_SUPPORT_PLAN_CHECKER_H_
