// Style, mark-up and script of the compare page (compare_page.cc).
#ifndef ANEREF_RUNTIME_EXPLAIN_COMPARE_PAGE_ASSETS_H_
#define ANEREF_RUNTIME_EXPLAIN_COMPARE_PAGE_ASSETS_H_

#include <string_view>

namespace aneref {

extern const std::string_view kCompareStyle;
// Where the network is drawn; its data follows as JSON in #graph-data.
extern const std::string_view kCompareGraph;
extern const std::string_view kCompareScript;

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_COMPARE_PAGE_ASSETS_H_
