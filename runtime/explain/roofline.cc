// See roofline.h.
#include "runtime/explain/roofline.h"

#include <algorithm>
#include <cmath>

#include "runtime/explain/svg.h"

namespace aneref {
namespace {

// Powers of ten at the edges: operations per byte, operations per second.
constexpr int kLowX = -2, kHighX = 4, kLowY = 8, kHighY = 14;

double Part(double value, int low, int high) {
  return std::clamp((std::log10(value) - low) / (high - low), 0.0, 1.0);
}
double X(double intensity) {
  return svg::kLeft + Part(intensity, kLowX, kHighX) * svg::kPlotWidth;
}
double Y(double rate) {
  return svg::kTop + svg::kPlotHeight -
         Part(rate, kLowY, kHighY) * svg::kPlotHeight;
}

void DrawAxes(svg::Svg* picture) {
  constexpr double kFloor = svg::kTop + svg::kPlotHeight;
  picture->Line(svg::kLeft, svg::kTop, svg::kLeft, kFloor);
  picture->Line(svg::kLeft, kFloor, svg::kWidth - svg::kRight, kFloor);
  for (int e = kLowX; e <= kHighX; ++e) {
    const double value = std::pow(10, e);
    picture->Text(X(value), svg::kHeight - 18, svg::Number(value), "middle");
  }
  for (int e = kLowY; e <= kHighY; ++e) {
    picture->Text(svg::kLeft - 6, Y(std::pow(10, e)) + 4,
                  svg::Number(std::pow(10, e - 9)) + " G", "end");
  }
  picture->Text(svg::kLeft + svg::kPlotWidth / 2, svg::kHeight - 3,
                "operations per DRAM byte", "middle");
}

}  // namespace

std::string DrawRoofline(const RooflineChart& chart) {
  svg::Svg picture(chart.title);
  DrawAxes(&picture);
  const char* kRoof = "stroke=\"#d9822b\" stroke-width=\"2\"";
  const RooflineChart::Roof& roof = chart.roof;
  const double lowest = std::pow(10, kLowX), highest = std::pow(10, kHighX);
  const double ridge = roof.flops / roof.bandwidth;
  picture.Line(X(lowest), Y(lowest * roof.bandwidth), X(ridge), Y(roof.flops),
               kRoof);
  picture.Line(X(ridge), Y(roof.flops), X(highest), Y(roof.flops), kRoof);
  for (const RooflinePoint& point : chart.points) {
    const double intensity =
        point.bytes > 0 ? point.flops / point.bytes : highest;
    picture.Point(X(intensity), Y(point.flops / point.seconds),
                  point.compute_bound ? "#2f9e8f" : "#5b7fd6", point.text);
  }
  return picture.Finish();
}

}  // namespace aneref
