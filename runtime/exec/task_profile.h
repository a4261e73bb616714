// What a profile says of one kernel call.
#ifndef ANEREF_RUNTIME_EXEC_TASK_PROFILE_H_
#define ANEREF_RUNTIME_EXEC_TASK_PROFILE_H_

#include <cstdint>
#include <string>

#include "runtime/core/tensor.h"

namespace aneref {

// What one kernel call of the last run did.
struct TaskProfile {
  std::string name;  // the node's source name
  std::string op;    // OpName of the node
  std::string kernel;
  TensorType output;  // of the node
  double flops = 0;
  double seconds = 0;
  int32_t node = -1;       // of the program; -1: no plan
  int32_t task = -1;       // of the plan
  int32_t within = -1;     // the call that computed it too; -1: none did
  bool on_engine = false;  // where the plan puts it
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_TASK_PROFILE_H_
