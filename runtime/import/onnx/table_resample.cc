// Resize and its forerunner Upsample.
#include "runtime/import/onnx/table.h"

namespace aneref::onnx {
namespace {

template <class Value>
struct Choice {
  const char* name;
  Value value;
};

template <class Value, size_t n>
Value Pick(Lowering& node, const std::string& attribute,
           const std::string& otherwise, const Choice<Value> (&choices)[n]) {
  const std::string name = node.String(attribute, otherwise);
  for (const Choice<Value>& choice : choices) {
    if (name == choice.name) return choice.value;
  }
  node.Fail(InvalidFile("", "attribute '" + attribute + "' is '" + name + "'"));
  return choices[0].value;
}

constexpr Choice<fbs::ResampleMode> kModes[] = {
    {"nearest", fbs::ResampleMode::nearest},
    {"linear", fbs::ResampleMode::linear},
    {"bilinear", fbs::ResampleMode::linear},
    {"cubic", fbs::ResampleMode::cubic}};
constexpr Choice<fbs::CoordinateMode> kCoordinates[] = {
    {"half_pixel", fbs::CoordinateMode::half_pixel},
    {"half_pixel_symmetric", fbs::CoordinateMode::half_pixel_symmetric},
    {"pytorch_half_pixel", fbs::CoordinateMode::pytorch_half_pixel},
    {"align_corners", fbs::CoordinateMode::align_corners},
    {"asymmetric", fbs::CoordinateMode::asymmetric},
    {"tf_half_pixel_for_nn", fbs::CoordinateMode::tf_half_pixel_for_nn},
    {"tf_crop_and_resize", fbs::CoordinateMode::tf_crop_and_resize}};
constexpr Choice<fbs::NearestMode> kNearest[] = {
    {"round_prefer_floor", fbs::NearestMode::round_prefer_floor},
    {"round_prefer_ceil", fbs::NearestMode::round_prefer_ceil},
    {"floor", fbs::NearestMode::floor},
    {"ceil", fbs::NearestMode::ceil}};
constexpr Choice<fbs::AspectPolicy> kPolicies[] = {
    {"stretch", fbs::AspectPolicy::stretch},
    {"not_larger", fbs::AspectPolicy::not_larger},
    {"not_smaller", fbs::AspectPolicy::not_smaller}};

// Upsample, and Resize of opset 10: x_in = x_out / scale, nearest takes the
// floor.
void Upsample(Lowering& node) {
  fbs::ResampleT resample;
  resample.mode = Pick(node, "mode", "nearest", kModes);
  resample.coordinate_mode = fbs::CoordinateMode::asymmetric;
  resample.nearest_mode = fbs::NearestMode::floor;
  if (node.HasIn(1))
    return node.EmitOut(std::move(resample), {node.In(0), -1, node.In(1)});
  if (node.Has("height_scale") || node.Has("width_scale")) {
    resample.scales = {1.0f, 1.0f, node.Float("height_scale", 1.0f),
                       node.Float("width_scale", 1.0f)};
  } else {
    node.Require("scales");
    resample.scales = node.Floats("scales");
  }
  node.EmitOut(std::move(resample), {node.In(0)});
}

// An input that opsets 11 and 12 leave empty is absent.
int32_t UnlessEmpty(Lowering& node, size_t i) {
  const std::optional<aneref::Shape> shape = node.Static(node.In(i));
  return shape.has_value() && shape->NumElements() == 0 ? -1 : node.In(i);
}

void Resize(Lowering& node) {
  if (node.opset() < 11) return Upsample(node);
  fbs::ResampleT resample;
  resample.mode = Pick(node, "mode", "nearest", kModes);
  resample.coordinate_mode =
      Pick(node, "coordinate_transformation_mode", "half_pixel", kCoordinates);
  resample.nearest_mode =
      Pick(node, "nearest_mode", "round_prefer_floor", kNearest);
  resample.aspect_policy =
      Pick(node, "keep_aspect_ratio_policy", "stretch", kPolicies);
  resample.cubic_coefficient = node.Float("cubic_coeff_a", -0.75f);
  resample.exclude_outside = node.Int("exclude_outside", 0) != 0;
  resample.extrapolation_value = node.Float("extrapolation_value", 0.0f);
  resample.antialias = node.Int("antialias", 0) != 0;
  resample.axes = node.Ints32("axes");
  const bool uses_roi =
      resample.coordinate_mode == fbs::CoordinateMode::tf_crop_and_resize;
  const int32_t sizes = UnlessEmpty(node, 3);
  const int32_t scales = sizes >= 0 ? -1 : UnlessEmpty(node, 2);
  node.EmitOut(
      std::move(resample),
      {node.In(0), uses_roi ? UnlessEmpty(node, 1) : -1, scales, sizes});
}

constexpr LoweringRow kRows[] = {{"Upsample", Upsample}, {"Resize", Resize}};

}  // namespace

std::span<const LoweringRow> ResampleRows() { return kRows; }

}  // namespace aneref::onnx
