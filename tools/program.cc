// Parsing, dispatch and the one place where errors become text and exit status.
#include "tools/program.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include "runtime/core/suggest.h"
#include "tools/help.h"

namespace aneref::tool {
namespace {

// One line: control characters of hostile names and nested messages become
// blanks.
int Fail(int exit_status, const std::string& message) {
  std::string line = "aneref: " + message;
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  while (line.ends_with(' ')) line.pop_back();
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
  return exit_status;
}

int FailWith(const Status& status) {
  const bool ours = status.code() == StatusCode::kInternal;
  return Fail(ours ? kExitInternal : kExitUsage,
              (ours ? "internal error: " : "") + status.ToString());
}

std::string DidYouMean(const std::string& word,
                       const std::vector<std::string>& known) {
  const std::vector<std::string> near = NearMatches(word, known);
  return near.empty() ? "" : ", did you mean " + JoinNames(near) + "?";
}

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return names;
}

const CLI::App& SelectedApp(const CLI::App& app) {
  const auto selected = app.get_subcommands();
  return selected.empty() ? app : *selected.front();
}

// What is left over is the better answer when both an argument is unknown and
// another is missing.
std::string DescribeParseError(const CLI::App& app,
                               const CLI::ParseError& error) {
  const std::vector<std::string> left = app.remaining();
  const auto unknown = std::find_if(
      left.begin(), left.end(),
      [](const std::string& word) { return word.starts_with("-"); });
  if (unknown != left.end()) {
    const std::string name = unknown->substr(0, unknown->find('='));
    return "unknown option '" + name + "'" + DidYouMean(name, OptionNames(app));
  }
  if (!left.empty()) return "unexpected '" + left.front() + "'";
  return error.what();
}

int FailParse(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& selected = SelectedApp(app);
  const std::string message = DescribeParseError(selected, error);
  if (&selected == &app) {
    return Fail(kExitUsage, message + " (see aneref --help)");
  }
  const std::string& verb = selected.get_name();
  return Fail(kExitUsage,
              verb + ": " + message + " (see aneref " + verb + " --help)");
}

// The first argument that is no option names the verb.
int FailVerb(const std::string& word) {
  std::vector<std::string> names;
  for (const Verb* verb : AllVerbs()) names.emplace_back(verb->name);
  std::string hint = DidYouMean(word, names);
  if (hint.empty()) hint = ", expected one of: " + JoinNames(names);
  return Fail(kExitUsage, "unknown verb '" + word + "'" + hint);
}

bool IsVerb(const std::string& word) {
  return std::any_of(AllVerbs().begin(), AllVerbs().end(),
                     [&](const Verb* verb) { return verb->name == word; });
}

// Text on a closed or full standard output must not pass for success.
int Finish(int exit_status) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_status;
  return Fail(kExitUsage, "cannot write to standard output");
}

int Dispatch(std::vector<std::string> args) {
  if (args.empty()) {
    std::fputs(ProgramHelp().c_str(), stdout);
    return Finish(0);
  }
  if (!args.front().starts_with("-") && !IsVerb(args.front())) {
    return FailVerb(args.front());
  }
  Parser parser = MakeParser();
  try {
    std::reverse(args.begin(), args.end());  // CLI11 takes them from the back
    parser.app->parse(std::move(args));
  } catch (const CLI::CallForHelp&) {
    const CLI::App& selected = SelectedApp(*parser.app);
    std::fputs(&selected == parser.app.get() ? ProgramHelp().c_str()
                                             : VerbHelp(selected).c_str(),
               stdout);
    return Finish(0);
  } catch (const CLI::CallForVersion&) {
    std::puts(VersionText());
    return Finish(0);
  } catch (const CLI::ParseError& error) {
    return FailParse(*parser.app, error);
  }
  const Expected<int> result =
      parser.runners.at(SelectedApp(*parser.app).get_name())();
  if (!result.ok()) {
    std::fflush(stdout);
    return FailWith(result.status());
  }
  return Finish(*result);
}

}  // namespace

Parser MakeParser() {
  Parser parser;
  parser.app = std::make_unique<CLI::App>("", "aneref");
  parser.app->set_version_flag("--version", VersionText(), "Print the version");
  parser.app->require_subcommand(1);
  for (const Verb* verb : AllVerbs()) {
    CLI::App* sub = parser.app->add_subcommand(verb->name, verb->summary);
    parser.runners[verb->name] = verb->declare(sub);
  }
  return parser;
}

int RunProgram(std::vector<std::string> args) {
  // A write beyond RLIMIT_FSIZE is an ordinary error (EFBIG), not a death.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return Dispatch(std::move(args));
  } catch (const std::bad_alloc&) {
    return Fail(kExitUsage, "out of memory");
  } catch (const std::length_error&) {
    return Fail(kExitUsage, "out of memory");
  } catch (const std::exception& error) {
    return Fail(kExitInternal, std::string("internal error: ") + error.what());
  } catch (...) {
    return Fail(kExitInternal, "internal error: unknown exception");
  }
}

}  // namespace aneref::tool
