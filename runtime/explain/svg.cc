// See svg.h.
#include "runtime/explain/svg.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "runtime/explain/page.h"

namespace aneref::svg {

// Up to two digits behind the point.
std::string Number(double value) {
  std::array<char, 40> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                 std::round(value * 100) / 100);
  return std::string(digits.data(), end.ptr);
}

std::string ByteText(double bytes) {
  if (bytes >= 1 << 20) return Number(bytes / (1 << 20)) + " MiB";
  if (bytes >= 1 << 10) return Number(bytes / (1 << 10)) + " KiB";
  return Number(bytes) + " B";
}

Svg::Svg(const std::string& title, double height) {
  text_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " +
          Number(kWidth) + " " + Number(height) +
          "\" font-family=\"system-ui,sans-serif\" font-size=\"12\" "
          "role=\"img\"><title>" +
          HtmlText(title) + "</title>\n";
  Text(kLeft, 18, title, "start", "600");
}

void Svg::Text(double x, double y, const std::string& text, const char* anchor,
               const char* weight) {
  text_ += "<text x=\"" + Number(x) + "\" y=\"" + Number(y) +
           "\" fill=\"#808a96\" text-anchor=\"" + anchor + "\" font-weight=\"" +
           weight + "\">" + HtmlText(text) + "</text>\n";
}

void Svg::Line(double x1, double y1, double x2, double y2, const char* style) {
  text_ += "<line x1=\"" + Number(x1) + "\" y1=\"" + Number(y1) + "\" x2=\"" +
           Number(x2) + "\" y2=\"" + Number(y2) + "\" " + style + "/>\n";
}

void Svg::Box(double x, double y, double w, double h, const std::string& fill,
              const std::string& tip) {
  text_ += "<rect x=\"" + Number(x) + "\" y=\"" + Number(y) + "\" width=\"" +
           Number(std::max(w, 0.5)) + "\" height=\"" +
           Number(std::max(h, 0.5)) + "\" fill=\"" + fill +
           "\" stroke=\"#11151a\" stroke-width=\"0.4\"><title>" +
           HtmlText(tip) + "</title></rect>\n";
}

void Svg::Point(double x, double y, const std::string& fill,
                const std::string& tip) {
  text_ += "<circle cx=\"" + Number(x) + "\" cy=\"" + Number(y) +
           "\" r=\"4\" fill=\"" + fill + "\" fill-opacity=\"0.75\"><title>" +
           HtmlText(tip) + "</title></circle>\n";
}

}  // namespace aneref::svg
