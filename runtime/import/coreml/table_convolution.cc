// Convolution and deconvolution in two and three dimensions.
#include <algorithm>

#include "runtime/import/coreml/table.h"
#include "runtime/import/coreml/weights.h"

namespace aneref::coreml {
namespace {

using Case = NeuralNetworkLayer;

// Lists of the format: absent means `otherwise` for every axis.
template <class List>
std::vector<int32_t> Sizes(Layer& layer, const List& list, size_t rank,
                           uint64_t otherwise, const char* what) {
  std::vector<int32_t> sizes;
  for (uint64_t value : list)
    sizes.push_back(layer.Small(value == 0 ? otherwise : value, what));
  if (sizes.empty()) sizes.assign(rank, layer.Small(otherwise, what));
  if (sizes.size() != rank)
    layer.Fail(InvalidFile("", std::string(what) + " has " +
                                   std::to_string(sizes.size()) +
                                   " entries, needs " + std::to_string(rank)));
  return sizes;
}

// What 2-D and 3-D layers have in common.
struct Spec {
  std::vector<int32_t> kernel, strides, dilations;
  std::vector<int32_t> pads;  // begins, then ends
  fbs::PadMode mode = fbs::PadMode::explicit_;
  std::vector<int32_t> output_shape;
  int64_t out_channels = 0, kernel_channels = 0, groups = 1;
  bool transposed = false, has_bias = false;
  const WeightParams* weights = nullptr;
  const WeightParams* bias = nullptr;
};

std::vector<int32_t> PadsOf(Layer& layer, const BorderAmounts& amounts) {
  if (amounts.borderamounts_size() == 0) return {0, 0, 0, 0};
  if (amounts.borderamounts_size() != 2) {
    layer.Fail(InvalidFile(
        "", "has paddings for " + std::to_string(amounts.borderamounts_size()) +
                " axes, needs 2"));
    return {0, 0, 0, 0};
  }
  return layer.EdgePads(amounts);
}

int64_t Channels(Layer& layer, uint64_t value, const char* what) {
  const int32_t small = layer.Small(value, what);
  if (small == 0 && layer.status().ok())
    layer.Fail(InvalidFile("", std::string(what) + " is 0"));
  return small;
}

// The weight and bias tensors; a second and third input take their place.
std::vector<int32_t> Operands(Layer& layer, const Spec& spec, int32_t x) {
  if (layer.HasIn(1)) {
    if (layer.HasIn(2)) return {x, layer.In(1), layer.In(2)};
    return {x, layer.In(1)};
  }
  std::vector<int64_t> dims = {spec.out_channels, spec.kernel_channels};
  if (spec.transposed)
    dims = {spec.kernel_channels, spec.out_channels / spec.groups};
  dims.insert(dims.end(), spec.kernel.begin(), spec.kernel.end());
  const Shape shape = layer.CheckedShape(dims);
  std::vector<int32_t> operands = {
      x, layer.Weights(*spec.weights, "weights", shape, spec.transposed)};
  if (spec.has_bias)
    operands.push_back(
        layer.Weights(*spec.bias, "bias", Shape{spec.out_channels}));
  return operands;
}

void Convolve(Layer& layer, const Spec& spec) {
  if (!layer.NeedInputs(1, 3)) return;
  const size_t tail = spec.kernel.size() + 1;
  const int32_t x = layer.In(0);
  const std::vector<int32_t> operands =
      Operands(layer, spec, layer.ToBatch(x, tail));
  int32_t y = -1;
  if (spec.transposed) {
    fbs::ConvTransposeT conv;
    conv.strides = spec.strides;
    conv.pads = spec.pads;
    conv.pad_mode = spec.mode;
    conv.groups = static_cast<int32_t>(spec.groups);
    conv.output_shape = spec.output_shape;
    // An odd surplus is cropped with the smaller half at the start, unless the
    // layer says otherwise.
    conv.smaller_half_first = spec.mode != fbs::PadMode::same_lower;
    y = layer.EmitTemp(std::move(conv), operands);
  } else {
    fbs::ConvT conv;
    conv.strides = spec.strides;
    conv.dilations = spec.dilations;
    conv.pads = spec.pads;
    conv.pad_mode = spec.mode;
    conv.groups = static_cast<int32_t>(spec.groups);
    y = layer.EmitTemp(std::move(conv), operands);
  }
  layer.SetOutFromBatch(y, x, tail);
}

void Convolution(Layer& layer) {
  const ConvolutionLayer& source = layer.proto().convolution();
  Spec spec;
  spec.kernel = Sizes(layer, source.kernelsize(), 2, 3, "kernel size");
  spec.strides = Sizes(layer, source.stride(), 2, 1, "stride");
  spec.dilations = Sizes(layer, source.dilationfactor(), 2, 1, "dilation");
  spec.transposed = source.isdeconvolution();
  spec.has_bias = source.hasbias();
  spec.groups = std::max(layer.Small(source.ngroups(), "groups"), 1);
  spec.out_channels =
      Channels(layer, source.outputchannels(), "output channels");
  // With weights as an input the file may leave this out.
  spec.kernel_channels =
      layer.HasIn(1)
          ? 1
          : Channels(layer, source.kernelchannels(), "kernel channels");
  spec.weights = &source.weights();
  spec.bias = &source.bias();
  if (source.has_same()) {
    spec.mode = source.same().asymmetrymode() == 0 ? fbs::PadMode::same_upper
                                                   : fbs::PadMode::same_lower;
  } else {
    spec.pads = PadsOf(layer, source.valid().paddingamounts());
  }
  if (source.outputshape_size() > 0 && spec.transposed) {
    spec.output_shape =
        Sizes(layer, source.outputshape(), 2, 0, "output shape");
    if (spec.mode == fbs::PadMode::explicit_) spec.pads = {};
  }
  Convolve(layer, spec);
}

void Convolution3d(Layer& layer) {
  const Convolution3dLayer& source = layer.proto().convolution3d();
  const auto at_least_one = [&](int32_t value) { return std::max(value, 1); };
  const auto or_three = [&](int32_t value) { return value == 0 ? 3 : value; };
  Spec spec;
  spec.kernel = {or_three(source.kerneldepth()),
                 or_three(source.kernelheight()),
                 or_three(source.kernelwidth())};
  spec.strides = {at_least_one(source.stridedepth()),
                  at_least_one(source.strideheight()),
                  at_least_one(source.stridewidth())};
  spec.dilations = {at_least_one(source.dilationdepth()),
                    at_least_one(source.dilationheight()),
                    at_least_one(source.dilationwidth())};
  spec.transposed = source.isdeconvolution();
  spec.has_bias = source.hasbias();
  spec.groups = at_least_one(source.ngroups());
  spec.out_channels = source.outputchannels();
  // inputChannels counts all groups; weights hold one group's.
  spec.kernel_channels = spec.transposed ? source.inputchannels()
                                         : source.inputchannels() / spec.groups;
  spec.weights = &source.weights();
  spec.bias = &source.bias();
  constexpr int32_t kCustom = 0, kSame = 2;
  if (source.paddingtype() == kSame) {
    spec.mode = fbs::PadMode::same_upper;
  } else if (source.paddingtype() == kCustom) {
    spec.pads = {source.custompaddingfront(),  source.custompaddingtop(),
                 source.custompaddingleft(),   source.custompaddingback(),
                 source.custompaddingbottom(), source.custompaddingright()};
  }
  if (source.outputshape_size() > 0 && spec.transposed) {
    spec.output_shape =
        Sizes(layer, source.outputshape(), 3, 0, "output shape");
    if (spec.mode == fbs::PadMode::explicit_) spec.pads = {};
  }
  Convolve(layer, spec);
}

constexpr LayerRow kRows[] = {
    {Case::kConvolution, "convolution", Convolution},
    {Case::kConvolution3D, "convolution3d", Convolution3d},
};

}  // namespace

std::span<const LayerRow> ConvolutionLayers() { return kRows; }

}  // namespace aneref::coreml
