// aneref help: the same words as --help, as text, man page or completion file.
#include <cstdio>
#include <memory>

#include "tools/help.h"
#include "tools/program.h"

namespace aneref::tool {
namespace {

struct Options {
  std::string verb;
  std::string completion;
  bool man = false;
};

Expected<int> Run(const Options& options) {
  std::string text = ProgramHelp();
  if (options.man) {
    text = ManPage();
  } else if (options.completion == "bash") {
    text = BashCompletion();
  } else if (options.completion == "zsh") {
    text = ZshCompletion();
  } else if (!options.verb.empty()) {
    const Parser parser = MakeParser();
    if (!parser.runners.contains(options.verb)) {
      return InvalidArgument("no verb '" + options.verb + "' to help with");
    }
    text = VerbHelp(*parser.app->get_subcommand(options.verb));
  }
  std::fputs(text.c_str(), stdout);
  return 0;
}

Runner Declare(CLI::App* app) {
  auto options = std::make_shared<Options>();
  app->add_option("VERB", options->verb, "The verb to explain");
  app->add_flag("--man", options->man, "Print the man page (roff)");
  app->add_option("--completion", options->completion,
                  "Print the completion file of a shell: bash or zsh")
      ->type_name("SHELL")
      ->check(CLI::IsMember({"bash", "zsh"}));
  return [options] { return Run(*options); };
}

}  // namespace

const Verb kHelpVerb = {
    "help",
    "Explain the program or one verb",
    "Prints the help of the program or of one verb, the man page, or a file "
    "that teaches a shell to complete options.",
    {{"aneref help run", "the same as aneref run --help"},
     {"aneref help --man | man -l -", "the man page"},
     {"aneref help --completion bash > ~/.local/share/bash-completion/"
      "completions/aneref",
      "completion in bash"}},
    &Declare};

}  // namespace aneref::tool
