// All words for people who ask how to use the program: --help, the man page and
// shell completion, made from the table of verbs and the parsers' options.
#ifndef ANEREF_TOOLS_HELP_H_
#define ANEREF_TOOLS_HELP_H_

#include <CLI/CLI.hpp>
#include <string>

namespace aneref::tool {

const char* VersionText();  // "aneref 0.1.0"
std::string ProgramHelp();
std::string VerbHelp(const CLI::App& app);  // `app` is a verb's parser

std::string ManPage();  // roff, aneref.1
std::string BashCompletion();
std::string ZshCompletion();

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_HELP_H_
