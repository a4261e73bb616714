// Geometry of sliding windows over spatial axes: output sizes, padding and the
// checks of untrusted attributes, for convolutions and pools. Knows nothing of
// channels, types or data.
#ifndef ANEREF_OPS_SPATIAL_H_
#define ANEREF_OPS_SPATIAL_H_

#include <cstdint>
#include <span>
#include <vector>

#include "ops/op.h"
#include "runtime/core/status.h"
#include "schema/net_generated.h"

namespace aneref {

// One spatial axis. Output o reads inputs o * stride - pad_begin + k * dilation
// for k in [0, kernel); those outside [0, in) are padding.
struct WindowAxis {
  int64_t in = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad_begin = 0;
  int64_t pad_end = 0;
  int64_t out = 0;

  int64_t Extent() const { return (kernel - 1) * dilation + 1; }
};

// Attributes of a window as the node states them. Empty strides and dilations
// are all 1, empty pads are all 0. `pads` holds all begins, then all ends, and
// counts only for PadMode::explicit.
struct WindowSpec {
  std::vector<int64_t> kernel;
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> pads;
  fbs::PadMode pad_mode = fbs::PadMode::explicit_;
  bool ceil_mode = false;  // a window that starts in the trailing padding goes
};

// What every windowed attribute table has; the kernel is the family's own.
template <class Attributes>
WindowSpec WindowSpecOf(const Attributes& attributes) {
  WindowSpec spec;
  spec.strides = ToInts(attributes.strides());
  spec.dilations = ToInts(attributes.dilations());
  spec.pads = ToInts(attributes.pads());
  spec.pad_mode = attributes.pad_mode();
  return spec;
}

// Every kernel extent, stride, dilation and pad is below this.
inline constexpr int64_t kMaxWindowValue = int64_t{1} << 30;

// ONNX's rules. kShape for lists of wrong length, non-positive kernels,
// strides or dilations, negative pads, an unknown pad mode, or a window that
// does not fit into a non-empty axis; kLimit for absurd values. An empty axis
// may have no outputs.
Expected<std::vector<WindowAxis>> MakeWindow(std::span<const int64_t> input,
                                             const WindowSpec& spec);

// The transposed window: `in` and `out` change places in the formula of
// WindowAxis, pads may be negative (they extend the output with zeros).
// Output o receives input i through kernel position k where
// o = i * stride - pad_begin + k * dilation.
struct TransposedSpec {
  WindowSpec window;
  std::vector<int64_t> output_padding;  // empty: all 0
  std::vector<int64_t> output_shape;    // empty: from the pads
  bool smaller_half_first = false;
};
Expected<std::vector<WindowAxis>> MakeTransposedWindow(
    std::span<const int64_t> input, const TransposedSpec& spec);

}  // namespace aneref

#endif  // ANEREF_OPS_SPATIAL_H_
