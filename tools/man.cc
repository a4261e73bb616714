// The man page (roff) and the completion files, from the same words as --help.
#include "tools/help.h"
#include "tools/help_data.h"
#include "tools/program.h"

namespace aneref::tool {
namespace {

// Escapes what roff would read as its own: backslashes, '-' (a hyphen else),
// and a '.' or "'" that begins a line.
std::string Roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += "\\&";
    }
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Examples(const std::vector<Example>& examples) {
  std::string text;
  for (const Example& example : examples) {
    text +=
        ".TP\n.B " + Roff(example.command) + "\n" + Roff(example.what) + "\n";
  }
  return text;
}

std::string Words(const std::vector<std::string>& flags) {
  std::string text;
  for (const std::string& flag : flags) {
    text += (text.empty() ? "" : " ") + flag;
  }
  return text;
}

std::vector<std::string> Flags(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const OptionWords& option : VisibleOptions(app)) {
    flags.insert(flags.end(), option.flags.begin(), option.flags.end());
  }
  return flags;
}

std::string VerbNames() {
  std::vector<std::string> names;
  for (const Verb* verb : AllVerbs()) names.emplace_back(verb->name);
  return Words(names);
}

// Inside '...' of zsh's _arguments: no quotes, brackets or colons.
std::string ZshText(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == '[' || c == ']' || c == ':') {
      out += std::string("\\") + c;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string ManPage() {
  const Parser parser = MakeParser();
  std::string text = ".TH ANEREF 1 \"\" \"" + std::string(VersionText()) +
                     "\" \"User Commands\"\n.SH NAME\naneref \\- reference "
                     "model of the Apple Neural Engine\n.SH SYNOPSIS\n.B "
                     "aneref\n.I verb\n[options]\n.SH EXAMPLES\n" +
                     Examples(ProgramExamples()) + ".SH VERBS\n";
  for (const Verb* verb : AllVerbs()) {
    const CLI::App& app = *parser.app->get_subcommand(verb->name);
    text += ".SS " + Roff(Usage(app)) + "\n" + Roff(verb->description) + "\n";
    for (const OptionWords& option : VisibleOptions(app)) {
      text += ".TP\n.B " + Roff(option.names);
      if (!option.value.empty()) text += " " + Roff(option.value);
      text += "\n" + Roff(option.description) + "\n";
    }
    if (!verb->examples.empty()) text += ".PP\nExamples:\n";
    text += Examples(verb->examples);
  }
  return text +
         ".SH EXIT STATUS\n.TP\n0\nDone.\n.TP\n1\nA comparison failed.\n.TP\n"
         "2\nWrong usage, or a bad, missing or unsupported input; one line on "
         "standard error says which.\n.TP\n3\nAn internal error.\n";
}

std::string BashCompletion() {
  const Parser parser = MakeParser();
  std::string text =
      "# bash completion of aneref; made by: aneref help --completion bash\n"
      "_aneref() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]}\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W '" +
      VerbNames() +
      " --help --version' -- \"$word\"))\n    return\n  fi\n"
      "  local flags=\n  case ${COMP_WORDS[1]} in\n";
  for (const Verb* verb : AllVerbs()) {
    const CLI::App& app = *parser.app->get_subcommand(verb->name);
    text += std::string("    ") + verb->name + ") flags='" + Words(Flags(app)) +
            "' ;;\n";
  }
  return text +
         "  esac\n  case $word in\n"
         "    -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$word\")) ;;\n"
         "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
         "  esac\n}\ncomplete -o filenames -F _aneref aneref\n";
}

std::string ZshCompletion() {
  const Parser parser = MakeParser();
  std::string text =
      "#compdef aneref\n"
      "# zsh completion of aneref; made by: aneref help --completion zsh\n"
      "_aneref() {\n  if (( CURRENT == 2 )); then\n    local -a verbs=(\n";
  for (const Verb* verb : AllVerbs()) {
    text += std::string("      '") + verb->name + ":" + ZshText(verb->summary) +
            "'\n";
  }
  text +=
      "    )\n    _describe verb verbs\n    return\n  fi\n"
      "  local verb=$words[2]\n  shift words\n  (( CURRENT-- ))\n"
      "  case $verb in\n";
  for (const Verb* verb : AllVerbs()) {
    const CLI::App& app = *parser.app->get_subcommand(verb->name);
    text += std::string("    ") + verb->name + ") _arguments";
    for (const OptionWords& option : VisibleOptions(app)) {
      for (const std::string& flag : option.flags) {
        text +=
            " \\\n      '" + flag + "[" + ZshText(option.description) + "]" +
            (option.value.empty() ? std::string()
                                  : ":" + ZshText(option.value) + ":_files") +
            "'";
      }
    }
    text += " \\\n      '*:file:_files' ;;\n";
  }
  return text + "  esac\n}\n_aneref \"$@\"\n";
}

}  // namespace aneref::tool
