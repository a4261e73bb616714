// Style, body and script of the explain page. Data, no logic in C++.
#ifndef ANEREF_RUNTIME_EXPLAIN_REPORT_PAGE_ASSETS_H_
#define ANEREF_RUNTIME_EXPLAIN_REPORT_PAGE_ASSETS_H_

#include <string_view>

namespace aneref::explain {

extern const std::string_view kPageStyle;
extern const std::string_view kPageBody;
extern const std::string_view kPageScript;

}  // namespace aneref::explain

#endif  // ANEREF_RUNTIME_EXPLAIN_REPORT_PAGE_ASSETS_H_
