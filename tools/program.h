// The program: builds the parser from the table of verbs, runs one verb, turns
// every error into one line and an exit status (docs/cli.md).
#ifndef ANEREF_TOOLS_PROGRAM_H_
#define ANEREF_TOOLS_PROGRAM_H_

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tools/verb.h"

namespace aneref::tool {

inline constexpr int kExitUsage = 2;     // wrong usage, bad input
inline constexpr int kExitInternal = 3;  // an error of ours

struct Parser {
  std::unique_ptr<CLI::App> app;
  std::map<std::string, Runner> runners;
};
Parser MakeParser();

// Everything main() does; `args` without the program's name. Never throws.
int RunProgram(std::vector<std::string> args);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_PROGRAM_H_
