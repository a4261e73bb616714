// Runs the built program as users do and collects what it says; folders that
// vanish with the test; tiny model and array files.
#ifndef ANEREF_TESTS_TOOLS_RUN_TOOL_H_
#define ANEREF_TESTS_TOOLS_RUN_TOOL_H_

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace aneref::test {

class TempFolder {
 public:
  TempFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "aneref-test-XXXXXX")
            .string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string operator/(const std::string& name) const {
    return (path_ / name).string();
  }
  std::string path() const { return path_.string(); }
  // Everything in the folder, sorted.
  std::vector<std::string> List() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::filesystem::path path_;
};

inline std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void WriteText(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

struct Outcome {
  int status = -1;  // exit status; 1000 + n: died of signal n
  std::string out;
  std::string err;
};

struct RunLimits {
  rlim_t file_bytes = RLIM_INFINITY;  // a full disk, as a process sees it
  std::string output;  // standard output goes there; empty: is collected
};

inline void Redirect(int from, const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || ::dup2(fd, from) < 0) ::_exit(125);
}

inline Outcome RunTool(const std::vector<std::string>& args,
                       const RunLimits& limits = {}) {
  const TempFolder scratch;
  const std::string out =
      limits.output.empty() ? scratch / "out" : limits.output;
  const std::string err = scratch / "err";
  std::vector<char*> argv;
  std::vector<std::string> copy = args;
  std::string program = ANEREF_TOOL;
  argv.push_back(program.data());
  for (std::string& arg : copy) argv.push_back(arg.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    Redirect(STDOUT_FILENO, out);
    Redirect(STDERR_FILENO, err);
    const rlimit limit = {limits.file_bytes, limits.file_bytes};
    if (limits.file_bytes != RLIM_INFINITY) ::setrlimit(RLIMIT_FSIZE, &limit);
    ::execv(program.c_str(), argv.data());
    ::_exit(126);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  Outcome outcome;
  outcome.status =
      WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  if (limits.output.empty()) outcome.out = ReadText(out);
  outcome.err = ReadText(err);
  return outcome;
}

// A refusal: exit 2, one line on standard error that begins with the program's
// name and holds `words`, nothing on standard output.
inline void CheckRefused(const Outcome& outcome, const std::string& words) {
  CHECK_MESSAGE(outcome.status == 2, outcome.err);
  CHECK(outcome.out.empty());
  CHECK_MESSAGE(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1,
                outcome.err);
  CHECK_MESSAGE(outcome.err.starts_with("aneref: "), outcome.err);
  CHECK_MESSAGE(outcome.err.find(words) != std::string::npos, outcome.err);
}

// A .npy of version 1; `elements` are its bytes.
inline std::string Npy(const std::string& descr, const std::string& shape,
                       const std::string& elements,
                       const std::string& fortran = "False") {
  std::string dict = "{'descr': '" + descr + "', 'fortran_order': " + fortran +
                     ", 'shape': " + shape + ", }";
  dict.resize(117, ' ');
  dict += '\n';
  return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + dict + elements;
}

}  // namespace aneref::test

#endif  // ANEREF_TESTS_TOOLS_RUN_TOOL_H_
