// From the words of a command line to a plan: for plan, explain and trace,
// which need shapes but no values. Extents that neither the file nor the caller
// settles are taken as usual (plan/open_extents.h), and said so.
#ifndef ANEREF_TOOLS_PLANNING_H_
#define ANEREF_TOOLS_PLANNING_H_

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/plan/plan.h"
#include "runtime/plan/specialize.h"
#include "tools/inputs.h"
#include "tools/model.h"

namespace aneref::tool {

// A model with all shapes settled.
struct SettledModel {
  Model model;
  std::map<std::string, Shape> input_shapes;
  std::vector<std::string> assumed;  // "extent 0 of 'x' taken as 1"
  Program program;
};
// Shapes come from --shape, --input and --inputs, the file, else they are
// assumed; notices go to standard error. kUnsupported: shapes that depend on
// values.
Expected<SettledModel> SettleModel(const ModelArgs& model,
                                   const InputArgs& inputs);

// --engine NAME=VALUE, repeatable: options of the engine model.
void DeclareEngineOptions(CLI::App* app, std::vector<std::string>* options);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_PLANNING_H_
