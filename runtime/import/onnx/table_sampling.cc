// Sampling at computed positions, spectra and windows.
#include "runtime/import/onnx/table.h"

namespace aneref::onnx {
namespace {

using SK = fbs::SamplingKind;

// ---- sampling ----

fbs::SamplingT Sampling(fbs::SamplingKind kind) {
  fbs::SamplingT sampling;
  sampling.kind = kind;
  return sampling;
}

void BadChoice(Lowering& node, const std::string& attribute,
               const std::string& value) {
  node.Fail(
      InvalidFile("", "attribute '" + attribute + "' is '" + value + "'"));
}

// Opset 16 says bilinear and bicubic, 20 linear and cubic.
void GridSample(Lowering& node) {
  fbs::SamplingT sampling = Sampling(SK::grid_sample);
  const std::string mode = node.String("mode", "linear");
  if (mode == "linear" || mode == "bilinear") {
    sampling.mode = fbs::ResampleMode::linear;
  } else if (mode == "cubic" || mode == "bicubic") {
    sampling.mode = fbs::ResampleMode::cubic;
  } else if (mode == "nearest") {
    sampling.mode = fbs::ResampleMode::nearest;
  } else {
    BadChoice(node, "mode", mode);
  }
  const std::string border = node.String("padding_mode", "zeros");
  if (border == "border") {
    sampling.border = fbs::BorderMode::border;
  } else if (border == "reflection") {
    sampling.border = fbs::BorderMode::reflection;
  } else if (border != "zeros") {
    BadChoice(node, "padding_mode", border);
  }
  sampling.align_corners = node.Int("align_corners", 0) != 0;
  node.EmitOut(std::move(sampling), node.Ins(0, 2));
}

void AffineGrid(Lowering& node) {
  fbs::SamplingT sampling = Sampling(SK::affine_grid);
  sampling.align_corners = node.Int("align_corners", 0) != 0;
  node.EmitOut(std::move(sampling), node.Ins(0, 2));
}

// Opset 10 has no coordinate mode and behaves as output_half_pixel.
void RoiAlign(Lowering& node) {
  fbs::SamplingT sampling = Sampling(SK::roi_align);
  const std::string mode = node.String("mode", "avg");
  if (mode != "avg" && mode != "max") BadChoice(node, "mode", mode);
  sampling.mode =
      mode == "max" ? fbs::ResampleMode::nearest : fbs::ResampleMode::linear;
  const std::string otherwise =
      node.opset() < 16 ? "output_half_pixel" : "half_pixel";
  const std::string coordinates =
      node.String("coordinate_transformation_mode", otherwise);
  if (coordinates != "half_pixel" && coordinates != "output_half_pixel")
    BadChoice(node, "coordinate_transformation_mode", coordinates);
  sampling.half_pixel = coordinates == "half_pixel";
  sampling.output_size = {node.Int32("output_height", 1),
                          node.Int32("output_width", 1)};
  sampling.sampling_ratio = node.Int32("sampling_ratio", 0);
  sampling.spatial_scale = node.Float("spatial_scale", 1.0f);
  node.EmitOut(std::move(sampling), node.Ins(0, 3));
}

void MaxUnpool(Lowering& node) {
  fbs::SamplingT sampling = Sampling(SK::max_unpool);
  node.Require("kernel_shape");
  sampling.output_size = node.Ints32("kernel_shape");
  sampling.strides = node.Ints32("strides");
  sampling.pads = node.Ints32("pads");
  node.EmitOut(std::move(sampling), node.Ins(0, 3));
}

void DeformConv(Lowering& node) {
  fbs::SamplingT sampling = Sampling(SK::deform_conv);
  sampling.strides = node.Ints32("strides");
  sampling.dilations = node.Ints32("dilations");
  sampling.pads = node.Ints32("pads");
  sampling.groups = node.Int32("group", 1);
  sampling.offset_groups = node.Int32("offset_group", 1);
  node.EmitOut(std::move(sampling), node.Ins(0, 5));
}

void ColToImage(Lowering& node) {
  fbs::SamplingT sampling = Sampling(SK::col2im);
  sampling.strides = node.Ints32("strides");
  sampling.dilations = node.Ints32("dilations");
  sampling.pads = node.Ints32("pads");
  node.EmitOut(std::move(sampling), node.Ins(0, 3));
}

void CenterCropPad(Lowering& node) {
  fbs::SamplingT sampling = Sampling(SK::center_crop_pad);
  sampling.axes = node.Ints32("axes");
  node.EmitOut(std::move(sampling), node.Ins(0, 2));
}

void ReverseSequence(Lowering& node) {
  fbs::SamplingT sampling = Sampling(SK::reverse_sequence);
  sampling.time_axis = node.Int32("time_axis", 0);
  sampling.batch_axis = node.Int32("batch_axis", 1);
  node.EmitOut(std::move(sampling), node.Ins(0, 2));
}

void Det(Lowering& node) { node.EmitOut(Sampling(SK::det), {node.In(0)}); }

// ---- signal ----

// The axis is an attribute until opset 19, an input from 20 on.
void Dft(Lowering& node) {
  fbs::SignalT signal;
  signal.kind = fbs::SignalKind::dft;
  signal.axis = node.Int32("axis", node.opset() < 20 ? 1 : -2);
  signal.inverse = node.Int("inverse", 0) != 0;
  signal.onesided = node.Int("onesided", 0) != 0;
  node.EmitOut(std::move(signal), node.Ins(0, 3));
}

void Stft(Lowering& node) {
  fbs::SignalT signal;
  signal.kind = fbs::SignalKind::stft;
  signal.onesided = node.Int("onesided", 1) != 0;
  node.EmitOut(std::move(signal), node.Ins(0, 4));
}

constexpr int64_t kOnnxFloat = 1;

template <fbs::SignalKind kind>
void Window(Lowering& node) {
  fbs::SignalT signal;
  signal.kind = kind;
  signal.periodic = node.Int("periodic", 1) != 0;
  signal.dtype = static_cast<fbs::DataType>(
      node.DeclaredOnnx(node.Int("output_datatype", kOnnxFloat)));
  node.EmitOut(std::move(signal), {node.In(0)});
}

void MelWeightMatrix(Lowering& node) {
  fbs::SignalT signal;
  signal.kind = fbs::SignalKind::mel_weight_matrix;
  signal.dtype = static_cast<fbs::DataType>(
      node.DeclaredOnnx(node.Int("output_datatype", kOnnxFloat)));
  node.EmitOut(std::move(signal), node.Ins(0, 5));
}

constexpr LoweringRow kRows[] = {
    {"GridSample", GridSample},
    {"AffineGrid", AffineGrid},
    {"RoiAlign", RoiAlign},
    {"MaxUnpool", MaxUnpool},
    {"DeformConv", DeformConv},
    {"Col2Im", ColToImage},
    {"CenterCropPad", CenterCropPad},
    {"ReverseSequence", ReverseSequence},
    {"Det", Det},
    {"DFT", Dft},
    {"STFT", Stft},
    {"HannWindow", Window<fbs::SignalKind::hann_window>},
    {"HammingWindow", Window<fbs::SignalKind::hamming_window>},
    {"BlackmanWindow", Window<fbs::SignalKind::blackman_window>},
    {"MelWeightMatrix", MelWeightMatrix},
};

}  // namespace

std::span<const LoweringRow> SamplingRows() { return kRows; }

}  // namespace aneref::onnx
