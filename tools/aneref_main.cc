// The program aneref; everything is in program.cc, which tests link, too.
#include <string>
#include <vector>

#include "tools/program.h"

int main(int argc, char** argv) {
  return aneref::tool::RunProgram(
      std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
