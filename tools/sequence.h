// Runs that remember: states read from and written to archives, and sequences
// fed step by step.
#ifndef ANEREF_TOOLS_SEQUENCE_H_
#define ANEREF_TOOLS_SEQUENCE_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "runtime/exec/session.h"
#include "tools/inputs.h"

namespace aneref::tool {

// --state-in, --state-out, --sequence, --link.
struct SequenceArgs {
  std::string state_in;
  std::string state_out;
  std::vector<std::string> sequence;
  std::vector<std::string> link;

  void Declare(CLI::App* app);
};

class SequenceRun {
 public:
  // Takes the inputs, in the order of the network's: those of --sequence have
  // one more axis in front, the steps. kInvalidArgument: unknown names,
  // different numbers of steps.
  static Expected<SequenceRun> Prepare(const SequenceArgs& args,
                                       const std::vector<PortSpec>& inputs,
                                       const std::vector<PortSpec>& outputs,
                                       std::vector<Array> arrays);

  // The shape that input i has in every step.
  const Shape& StepShape(size_t i) const { return shapes_[i]; }

  // Feeds all steps. Outputs of a sequence are stacked along a new first axis.
  Status Run(Session* session);
  const std::vector<Array>& outputs() const { return stacked_; }
  bool is_sequence() const { return !steps_.empty(); }

 private:
  Status SetInputs(Session* session, int64_t step);
  Status Keep(const Session& session, int64_t step);

  std::vector<Array> arrays_;
  std::vector<Shape> shapes_;
  std::vector<size_t> steps_;  // inputs that have the axis
  struct Link {
    size_t output, input;
  };
  std::vector<Link> links_;
  std::vector<Array> stacked_;
  int64_t num_steps_ = 1;
};

// Every state that the archive holds; the others keep their value.
Status LoadStates(const std::string& path, uint64_t max_memory,
                  Session* session);
Status SaveStates(const std::string& path, const Session& session);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_SEQUENCE_H_
