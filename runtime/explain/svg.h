// What pictures as self-contained SVG share: the frame of a plot, and the
// marks. Middle greys, so that a picture reads on light and on dark grounds.
#ifndef ANEREF_RUNTIME_EXPLAIN_SVG_H_
#define ANEREF_RUNTIME_EXPLAIN_SVG_H_

#include <string>

namespace aneref::svg {

inline constexpr double kWidth = 960, kHeight = 420;
inline constexpr double kLeft = 80, kRight = 20, kTop = 30, kBottom = 40;
inline constexpr double kPlotWidth = kWidth - kLeft - kRight;
inline constexpr double kPlotHeight = kHeight - kTop - kBottom;

// Up to two digits behind the point.
std::string Number(double value);
// In B, KiB or MiB.
std::string ByteText(double bytes);

class Svg {
 public:
  explicit Svg(const std::string& title, double height = kHeight);
  void Text(double x, double y, const std::string& text,
            const char* anchor = "start", const char* weight = "400");
  void Line(double x1, double y1, double x2, double y2,
            const char* style = "stroke=\"#808a96\"");
  // `tip` shows under the pointer.
  void Box(double x, double y, double w, double h, const std::string& fill,
           const std::string& tip);
  void Point(double x, double y, const std::string& fill,
             const std::string& tip);
  std::string Finish() { return text_ + "</svg>\n"; }

 private:
  std::string text_;
};

}  // namespace aneref::svg

#endif  // ANEREF_RUNTIME_EXPLAIN_SVG_H_
