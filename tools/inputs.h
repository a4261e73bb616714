// The values of a network's inputs: found, decoded and checked against what the
// network declares, before anything runs.
#ifndef ANEREF_TOOLS_INPUTS_H_
#define ANEREF_TOOLS_INPUTS_H_

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "runtime/core/status.h"
#include "runtime/core/tensor.h"
#include "runtime/graph/net.h"
#include "tools/model.h"
#include "tools/npy.h"

namespace aneref::tool {

// --input NAME=FILE, --inputs FILE.npz, --shape NAME=1,3,224,224,
// --allow-nonfinite.
struct InputArgs {
  std::vector<std::string> input;
  std::string inputs;
  std::vector<std::string> shape;
  bool allow_nonfinite = false;
  // Inputs whose first axis holds the steps of a sequence (--sequence, declared
  // by those verbs that have it).
  std::vector<std::string> sequence;

  void Declare(CLI::App* app);
};

// NAME=VALUE of an option, NAME optional where there is one input. Names may
// hold '='. kInvalidArgument lists the right names.
struct NamedValue {
  size_t index = 0;  // of the input
  std::string value;
};
Expected<NamedValue> SplitNamed(const std::string& option,
                                const std::string& text,
                                const std::vector<PortSpec>& specs);

// --shape by input name.
Expected<std::map<std::string, Shape>> ParseShapes(
    const std::vector<std::string>& texts, const std::vector<PortSpec>& specs);

// One array per graph input, in order; types and shapes fit the declaration.
Expected<std::vector<Array>> LoadInputs(const InputArgs& args, const Net& net,
                                        uint64_t max_memory);

// For benchmarks: seeded values in [-1, 1) for floats, zeros for integers.
// Extents come from the declaration and `shapes`; kInvalidArgument: unknown.
Expected<std::vector<Array>> MakeInputs(
    const Net& net, const std::map<std::string, Shape>& shapes,
    uint64_t max_memory);

// The given files, or made-up values of `shapes` when none is given.
Expected<std::vector<Array>> LoadOrMakeInputs(
    const InputArgs& args, const Net& net,
    const std::map<std::string, Shape>& shapes, uint64_t max_memory);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_INPUTS_H_
