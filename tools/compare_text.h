// A comparison as text for people.
#ifndef ANEREF_TOOLS_COMPARE_TEXT_H_
#define ANEREF_TOOLS_COMPARE_TEXT_H_

#include "runtime/explain/compare.h"

namespace aneref::tool {

// On standard output: tensors, notes, findings, ranking, verdict.
void PrintComparison(const CompareReport& report);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_COMPARE_TEXT_H_
