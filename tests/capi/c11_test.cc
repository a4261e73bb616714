// Runs c11.c.
#include "tests/capi/nets.h"

extern "C" int RunFromC(const void* bytes, size_t size);

namespace aneref {

TEST_CASE("capi: a C11 program compiles and runs") {
  const test::Bytes net = test::AddNet();
  CHECK_EQ(RunFromC(net.data(), net.size()), 0);
}

}  // namespace aneref
