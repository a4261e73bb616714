// What help.cc and man.cc share: verbs and options as words.
#ifndef ANEREF_TOOLS_HELP_DATA_H_
#define ANEREF_TOOLS_HELP_DATA_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tools/verb.h"

namespace aneref::tool {

struct OptionWords {
  bool positional = false;
  std::vector<std::string> flags;  // "-o", "--output"
  std::string names;               // "-o, --output", or "MODEL"
  std::string value;               // "FILE"; empty: takes none
  std::string description;
};
// In order of declaration; without those of kHiddenGroup.
std::vector<OptionWords> VisibleOptions(const CLI::App& app);
std::string Usage(const CLI::App& app);  // "aneref run MODEL [options]"
const Verb* FindVerb(const std::string& name);
const std::vector<Example>& ProgramExamples();

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_HELP_DATA_H_
