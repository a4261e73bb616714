// The common parts of report pages: one self-contained HTML file, light and
// dark, no network. Texts are escaped here and nowhere else.
#ifndef ANEREF_RUNTIME_EXPLAIN_PAGE_H_
#define ANEREF_RUNTIME_EXPLAIN_PAGE_H_

#include <string>
#include <string_view>

namespace aneref {

// For text between tags and in quoted attributes.
std::string HtmlText(std::string_view text);
// The same for XML, which has no form for most control characters.
std::string XmlText(std::string_view text);
// A JSON text for a <script> element: no "</script>" can end it early.
std::string ScriptJson(std::string_view json);

// Up to and including <body> and the header line; `extra_css` follows the
// common style.
std::string PageHead(std::string_view title, std::string_view extra_css = {});
// The common script (sorting and filtering of tables with class "sortable" and
// inputs with data-filter="TABLE-ID"), then `extra_script`, and the end.
std::string PageFoot(std::string_view extra_script = {});

// A coloured word: "good", "note", "warn" or "bad".
std::string Badge(std::string_view kind, std::string_view text);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_PAGE_H_
