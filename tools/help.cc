// --help: sentences first, then examples, then options. Plain text, 80 columns.
#include "tools/help.h"

#include <algorithm>
#include <sstream>

#include "tools/help_data.h"
#include "tools/verb.h"

#ifndef ANEREF_VERSION
#error "ANEREF_VERSION comes from the build"
#endif

namespace aneref::tool {
namespace {

constexpr size_t kWidth = 80;

// Breaks `text` at blanks; lines after the first begin with `indent` blanks.
std::string Wrap(const std::string& text, size_t indent, size_t column) {
  std::istringstream words(text);
  std::string out, word;
  bool first = true;
  while (words >> word) {
    if (!first && column + 1 + word.size() > kWidth) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    first = false;
  }
  return out;
}

// "  left   right", the right part wrapped in a column of its own.
std::string Row(const std::string& left, const std::string& right,
                size_t column) {
  std::string line = "  " + left;
  if (line.size() + 2 > column) {
    line += "\n" + std::string(column, ' ');
  } else {
    line.resize(column, ' ');
  }
  return line + Wrap(right, column, column) + "\n";
}

std::string Examples(const std::vector<Example>& examples) {
  std::string text;
  for (const Example& example : examples) {
    text +=
        std::string("  # ") + example.what + "\n  " + example.command + "\n";
  }
  return text;
}

}  // namespace

const char* VersionText() { return "aneref " ANEREF_VERSION; }

const Verb* FindVerb(const std::string& name) {
  for (const Verb* verb : AllVerbs()) {
    if (verb->name == name) return verb;
  }
  return nullptr;
}

const std::vector<Example>& ProgramExamples() {
  static const std::vector<Example> examples = {
      {"aneref run model.onnx --input photo.npy --output result.npz",
       "evaluate a model as the engine would: fp16 values"},
      {"aneref info model.onnx", "what a model expects, gives and contains"},
      {"aneref import model.onnx -o model.anem",
       "convert once; the native file loads without parsing"},
      {"aneref bench model.anem --threads 2", "how fast, and which ops cost"},
      {"aneref run --help", "options and examples of one verb"}};
  return examples;
}

std::vector<OptionWords> VisibleOptions(const CLI::App& app) {
  std::vector<OptionWords> out;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty() && !option->get_positional()) continue;
    OptionWords words;
    words.positional = option->get_positional();
    if (words.positional) {
      words.names = option->get_name(true, false);
      words.value = "";
    } else {
      for (const std::string& name : option->get_snames()) {
        words.flags.push_back("-" + name);
      }
      for (const std::string& name : option->get_lnames()) {
        words.flags.push_back("--" + name);
      }
      for (const std::string& flag : words.flags) {
        words.names += (words.names.empty() ? "" : ", ") + flag;
      }
      if (option->get_type_size() > 0) {
        // Behind ':' stands what the checks allow, in CLI11's words.
        const std::string type = option->get_type_name();
        words.value = type.substr(0, type.find(':'));
      }
    }
    words.description = option->get_description();
    out.push_back(std::move(words));
  }
  return out;
}

std::string Usage(const CLI::App& app) {
  std::string text = "aneref " + app.get_name();
  for (const OptionWords& option : VisibleOptions(app)) {
    if (option.positional) text += " " + option.names;
  }
  return text + " [options]";
}

std::string ProgramHelp() {
  std::string text =
      "aneref - a reference model of the Apple Neural Engine: runs networks "
      "anywhere,\nbit for bit the same on every machine.\n\nExamples:\n";
  text += Examples(ProgramExamples());
  text += "\nVerbs:\n";
  for (const Verb* verb : AllVerbs()) {
    text += Row(verb->name, verb->summary, 13);
  }
  text += "\n" + Row("--version", "Print the version", 13) +
          "\nExit status: 0 done; 1 a comparison failed; 2 wrong usage or bad "
          "input; 3 an\ninternal error.\n";
  return text;
}

std::string VerbHelp(const CLI::App& app) {
  const Verb* verb = FindVerb(app.get_name());
  if (verb == nullptr) return ProgramHelp();
  std::string text = Wrap(verb->description, 0, 0) +
                     "\n\nUsage: " + Usage(app) + "\n\nExamples:\n" +
                     Examples(verb->examples);
  text += "\nOptions:\n";
  for (const OptionWords& option : VisibleOptions(app)) {
    text += Row(option.names + (option.value.empty() ? "" : " " + option.value),
                option.description, 26);
  }
  return text;
}

}  // namespace aneref::tool
