// A verb of the program: its words for --help, man page and completion, and how
// it declares its options. One file cmd_<verb>.cc per verb, one row in
// verbs.cc.
#ifndef ANEREF_TOOLS_VERB_H_
#define ANEREF_TOOLS_VERB_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/status.h"

namespace aneref::tool {

// Does the work once the options are parsed; gives the exit status (0 or 1).
// A Status ends the program with 2 (kInternal: 3) and one line.
using Runner = std::function<Expected<int>()>;

struct Example {
  const char* command;
  const char* what;
};

struct Verb {
  const char* name;
  const char* summary;      // one line of `aneref --help`
  const char* description;  // opens `aneref VERB --help`
  std::vector<Example> examples;
  // Declares options on `app`; the runner keeps their values alive.
  Runner (*declare)(CLI::App* app);
};

extern const Verb kImportVerb;
extern const Verb kInfoVerb;
extern const Verb kRunVerb;
extern const Verb kBenchVerb;
extern const Verb kPlanVerb;
extern const Verb kTraceVerb;
extern const Verb kCompareVerb;
extern const Verb kLockVerb;
extern const Verb kVerifyVerb;
extern const Verb kProbeVerb;
extern const Verb kExplainVerb;
extern const Verb kTargetsVerb;
extern const Verb kHelpVerb;

// In the order of --help.
std::span<const Verb* const> AllVerbs();

// Options in this group are for experts: parsed, but in no help text.
inline constexpr const char* kHiddenGroup = "";

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_VERB_H_
