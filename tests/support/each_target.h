// Runs a body once per Highway target that is compiled in and that this machine
// supports.
#ifndef ANEREF_TESTS_SUPPORT_EACH_TARGET_H_
#define ANEREF_TESTS_SUPPORT_EACH_TARGET_H_

#include <doctest/doctest.h>

#include <string>

#include "hwy/targets.h"

namespace aneref::test {

template <class Body>
void ForEachTarget(const Body& body) {
  for (int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    INFO("target " << std::string(hwy::TargetName(target)));
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
}

}  // namespace aneref::test

#endif  // ANEREF_TESTS_SUPPORT_EACH_TARGET_H_
