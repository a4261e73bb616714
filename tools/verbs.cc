// The table of verbs.
#include <array>

#include "tools/verb.h"

namespace aneref::tool {

std::span<const Verb* const> AllVerbs() {
  static constexpr std::array kVerbs = {
      &kRunVerb,      //
      &kInfoVerb,     //
      &kImportVerb,   //
      &kBenchVerb,    //
      &kExplainVerb,  //
      &kPlanVerb,     //
      &kTraceVerb,    //
      &kCompareVerb,  //
      &kLockVerb,     //
      &kVerifyVerb,   //
      &kProbeVerb,    //
      &kTargetsVerb,  //
      &kHelpVerb,
  };
  return kVerbs;
}

}  // namespace aneref::tool
