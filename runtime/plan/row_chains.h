// Products of the rows of a product, as attention has them. They may run as one
// (ops/row_chain.h), when the last of their nodes would: whatever the others
// read has to stay until then.
#ifndef ANEREF_RUNTIME_PLAN_ROW_CHAINS_H_
#define ANEREF_RUNTIME_PLAN_ROW_CHAINS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/plan/arena.h"

namespace aneref {

struct RowChain {
  std::vector<int32_t> operands;  // values that nodes before the last one read
  int32_t end = 0;                // the step of the last one
};

// All that begin with a product and end with one of its rows, with functions
// and elementwise ops of these between, each alone in reading the one before.
std::vector<RowChain> FindRowChains(const Program& program,
                                    std::span<const RunStep> order);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_ROW_CHAINS_H_
