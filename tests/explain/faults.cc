// See faults.h.
#include "tests/explain/faults.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>

#include "ops/registry.h"
#include "runtime/core/half.h"
#include "runtime/core/layout.h"
#include "runtime/explain/bounds.h"

namespace aneref::test {
namespace {

using Values = std::vector<double>;

double Half(double x) {
  return static_cast<double>(HalfToFloat(DoubleToHalf(x)));
}

Values Rounded(Values values) {
  for (double& value : values) value = Half(value);
  return values;
}

bool Is(const FaultSite& site, std::initializer_list<const char*> names) {
  const std::string op = OpName(*site.node);
  return std::any_of(names.begin(), names.end(),
                     [&](const char* name) { return op == name; });
}

size_t Varied(const Values& values) {
  Values sorted = values;
  std::sort(sorted.begin(), sorted.end());
  return static_cast<size_t>(std::unique(sorted.begin(), sorted.end()) -
                             sorted.begin());
}

Values Run(const FaultSite& site, const fbs::Node& node, const HostValues& in,
           const Arithmetic& arithmetic) {
  const Expected<HostValues> out =
      site.replay->evaluator().Evaluate(node, in, arithmetic);
  if (!out.ok()) return {};
  const Expected<Values> values = ElementsOfValue((*out)[0]);
  return values.ok() ? *values : Values{};
}

Values RunOn(const FaultSite& site, const HostValues& in) {
  return Run(site, *site.node, in, site.arithmetic);
}

// The exact result on the operands as they are in fp16.
Values Exactly(const FaultSite& site) {
  HostValues in = site.in;
  for (HostValue& value : in) value.known = TensorView{};
  return Run(site, *site.node, in, {Numerics::kFp32, nullptr});
}

template <class Change>
Values RunChanged(const FaultSite& site, const Change& change) {
  const std::unique_ptr<fbs::NodeT> copy(site.node->UnPack());
  change(*copy);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fbs::CreateNode(builder, copy.get()));
  return Run(site, *flatbuffers::GetRoot<fbs::Node>(builder.GetBufferPointer()),
             site.in, site.arithmetic);
}

// The site on operand `k` with elements moved: to[i] = from[order(i)].
template <class Order>
Values RunReordered(const FaultSite& site, size_t k, const Order& order) {
  if (k >= site.in.size() || !site.in[k].defined) return {};
  HostValues in = site.in;
  const Values old = *ElementsOfValue(in[k]);
  Values moved(old.size());
  for (size_t i = 0; i < old.size(); ++i) moved[i] = old[order(i)];
  in[k] = *WithElements(in[k], moved);
  return RunOn(site, in);
}

template <class Change>
Values Each(const FaultSite& site, const Change& change) {
  Values values = site.out;
  for (size_t i = 0; i < values.size(); ++i) values[i] = change(i, values[i]);
  return values;
}

Values OnEngine(const FaultSite& site, const char* profile) {
  static std::map<std::string, Arithmetic> engines;
  Arithmetic& engine = engines[profile];
  if (engine.device == nullptr) {
    engine.numerics = Numerics::kDevice;
    engine.device = std::make_shared<const DeviceContext>(
        std::move(*NamedProfile(profile)));
  }
  return Run(site, *site.node, site.in, engine);
}

bool IsPicture(const FaultSite& site) {
  const size_t rank = site.shape.rank();
  return rank == 4 && site.shape[2] >= 6 && site.shape[3] >= 6 &&
         Varied(site.out) > 32;
}
size_t Width(const FaultSite& site) {
  return static_cast<size_t>(site.shape.back());
}

Values MovedPads(const FaultSite& site, int axis) {
  if (!Is(site, {"conv", "max_pool"})) return {};
  return RunChanged(site, [&](fbs::NodeT& node) {
    std::vector<int32_t>* pads = nullptr;
    if (auto* conv = node.op.AsConv()) pads = &conv->pads;
    if (auto* pool = node.op.AsPool()) pads = &pool->pads;
    if (pads == nullptr || pads->size() != 4 ||
        (*pads)[static_cast<size_t>(axis) + 2] == 0) {
      return;
    }
    (*pads)[static_cast<size_t>(axis)] += 1;
    (*pads)[static_cast<size_t>(axis) + 2] -= 1;
  });
}

Values GatesMoved(const FaultSite& site) {
  if (!Is(site, {"recurrent"})) return {};
  HostValues in = site.in;
  for (size_t k = 1; k <= 3 && k < in.size(); ++k) {
    if (!in[k].defined) continue;
    const Shape& shape = in[k].view.shape;
    const size_t hidden = static_cast<size_t>(shape[1]) / (k == 3 ? 8 : 4);
    const auto block =
        hidden * static_cast<size_t>(shape.NumElements(2, shape.rank()));
    const Values old = *ElementsOfValue(in[k]);
    Values moved = old;
    for (size_t i = 0; i < old.size(); ++i) {
      const size_t gate = i / block % 4;  // i o f c -> i f o c
      if (gate == 1) moved[i] = old[i + block];
      if (gate == 2) moved[i] = old[i - block];
    }
    in[k] = *WithElements(in[k], moved);
  }
  return RunOn(site, in);
}

// What reading surface rows of 64 bytes as dense rows gives; zeros lie between.
Values ReadPadded(const FaultSite& site) {
  const size_t width = Width(site);
  const size_t pitch =
      SurfaceRowPitch({DataType::kFloat16, site.shape}) / sizeof(uint16_t);
  if (site.shape.rank() < 2 || pitch == width || width < 4 ||
      site.out.size() < 8 * pitch || Varied(site.out) < 16) {
    return {};
  }
  Values read(site.out.size(), 0.0);
  for (size_t i = 0; i < site.out.size(); ++i) {
    const size_t at = i / width * pitch + i % width;
    if (at < read.size()) read[at] = site.out[i];
  }
  return read;
}

Values WithBias(const FaultSite& site, const char*) {
  if (!Is(site, {"conv", "matmul"}) || site.in.size() < 3 ||
      !site.in[2].defined) {
    return {};
  }
  HostValues in = site.in;
  in[2] = HostValue{};
  return RunOn(site, in);
}

Values Transposed(const FaultSite& site) {
  if (!Is(site, {"conv", "matmul"}) || site.in.size() < 2) return {};
  const Shape& shape = site.in[1].view.shape;
  const size_t rank = shape.rank();
  if (rank < 2 || shape[rank - 1] != shape[rank - 2] || shape[rank - 1] < 2) {
    return {};
  }
  const auto n = static_cast<size_t>(shape[rank - 1]);
  return RunReordered(site, 1, [&](size_t i) {
    const size_t at = i % (n * n);
    return i - at + at % n * n + at / n;
  });
}

Values FlippedKernel(const FaultSite& site) {
  if (!Is(site, {"conv"})) return {};
  const Shape& shape = site.in[1].view.shape;
  const auto taps = static_cast<size_t>(shape.NumElements(2, shape.rank()));
  if (taps < 4) return {};
  return RunReordered(
      site, 1, [&](size_t i) { return i - i % taps + (taps - 1 - i % taps); });
}

Values Colours(const FaultSite& site) {
  if (!Is(site, {"conv"}) || site.in[0].view.shape[1] != 3) return {};
  const Shape& shape = site.in[0].view.shape;
  const auto plane = static_cast<size_t>(shape.NumElements(2, shape.rank()));
  return RunReordered(site, 0, [&](size_t i) {
    const size_t channel = i / plane % 3;
    return i - channel * plane + (2 - channel) * plane;
  });
}

Values ChannelsLast(const FaultSite& site) {
  if (!Is(site, {"reshape", "flatten"}) || site.in[0].view.shape.rank() < 3) {
    return {};
  }
  const Shape& shape = site.in[0].view.shape;
  const auto channels = static_cast<size_t>(shape[1]);
  const auto inner = static_cast<size_t>(shape.NumElements(2, shape.rank()));
  if (channels < 2 || inner < 2 || shape[0] != 1) return {};
  return RunReordered(
      site, 0, [&](size_t i) { return i % channels * inner + i / channels; });
}

Values Swapped(const FaultSite& site) {
  if (!Is(site, {"sub", "div", "concat"}) || site.in.size() != 2) return {};
  HostValues in = {site.in[1], site.in[0]};
  return RunOn(site, in);
}

Values FirstColumns(const FaultSite& site) {
  if (!IsPicture(site)) return {};
  return Each(site, [&](size_t i, double y) {
    return i % Width(site) + 1 < Width(site) ? site.out[i + 1] : y;
  });
}

Values Mirror(const FaultSite& site) {
  if (!IsPicture(site)) return {};
  return Each(site, [&](size_t i, double) {
    return site.out[i - i % Width(site) + (Width(site) - 1 - i % Width(site))];
  });
}

Values ChannelOrder(const FaultSite& site) {
  if (!IsPicture(site) || site.shape[1] < 3) return {};
  const auto channels = static_cast<size_t>(site.shape[1]);
  const size_t plane = site.out.size() / channels;
  return Each(site, [&](size_t i, double) {
    return site.out[(i + plane) % site.out.size()];
  });
}

Values MaskInfinite(const FaultSite& site) {
  HostValues in = site.in;
  bool found = false;
  for (HostValue& value : in) {
    if (!value.defined || value.known.data == nullptr ||
        !IsFloating(value.known.dtype) ||
        value.known.dtype == value.view.dtype) {
      continue;
    }
    Values elements = *ElementsOfValue(value);
    for (double& element : elements) {
      if (std::abs(element) < 65504) continue;
      element = std::copysign(HUGE_VAL, element);
      found = true;
    }
    value = *WithElements(value, elements);
  }
  return found ? RunOn(site, in) : Values{};
}

Values Resized(const FaultSite& site, fbs::CoordinateMode mode,
               fbs::NearestMode nearest) {
  if (!Is(site, {"resample"})) return {};
  return RunChanged(site, [&](fbs::NodeT& node) {
    node.op.AsResample()->coordinate_mode = mode;
    node.op.AsResample()->nearest_mode = nearest;
  });
}

Values Quantised(const FaultSite& site) {
  if (!IsPicture(site)) return {};
  double largest = 0;
  for (const double y : site.out) largest = std::max(largest, std::abs(y));
  return Rounded(Each(site, [&](size_t, double y) {
    return std::round(y / largest * 127) * largest / 127;
  }));
}

Values Stuck(const FaultSite& site) {
  if (!IsPicture(site) || site.shape[1] < 2) return {};
  const size_t plane = site.out.size() / static_cast<size_t>(site.shape[1]);
  return Each(site, [&](size_t i, double y) { return i < plane ? 0.0 : y; });
}

Values Truncated(const FaultSite& site) {
  if (!Is(site, {"add", "mul", "sub", "sigmoid", "tanh"})) return {};
  const Values wide = Exactly(site);
  if (wide.size() != site.out.size()) return {};
  return Each(site, [&](size_t i, double y) {
    const uint16_t bits = DoubleToHalf(y);
    return std::abs(y) > std::abs(wide[i])
               ? static_cast<double>(
                     HalfToFloat(static_cast<uint16_t>(bits - 1)))
               : y;
  });
}

Values AwayFromZero(const FaultSite& site) {
  if (!Is(site, {"add", "mul", "sub"})) return {};
  const Values wide = Exactly(site);
  if (wide.size() != site.out.size()) return {};
  return Each(site, [&](size_t i, double) {
    return static_cast<double>(HalfToFloat(DoubleToHalfAway(wide[i])));
  });
}

const std::vector<Fault>& Table() {
  static const std::vector<Fault> faults = {
      {"pad_rows", "shifted_padding", "padding moved from bottom to top",
       [](const FaultSite& s) { return MovedPads(s, 0); }},
      {"pad_columns", "shifted_padding", "padding moved from right to left",
       [](const FaultSite& s) { return MovedPads(s, 1); }},
      {"colours", "swapped_channels", "BGR fed as RGB", Colours},
      {"overflow", "overflow_to_infinity", "beyond 65504 becomes infinite",
       [](const FaultSite& s) {
         return Each(s, [](size_t, double y) {
           return std::abs(y) == 65504 ? std::copysign(HUGE_VAL, y) : y;
         });
       }},
      {"ceiling", "mac_ceiling", "sums from 32768 on overflow (N20)",
       [](const FaultSite& s) {
         if (!Is(s, {"conv", "matmul"})) return Values{};
         return Each(s, [](size_t, double y) {
           return std::abs(y) >= 32768 ? std::copysign(HUGE_VAL, y) : y;
         });
       }},
      {"mask", "mask_beyond_fp16", "a mask of -3.4e38 becomes infinite",
       MaskInfinite},
      {"transposed", "transposed_weight", "a square weight transposed",
       Transposed},
      {"flipped", "flipped_kernel", "kernel turned by 180 degrees",
       FlippedKernel},
      {"palette", "pairs_of_weights_swapped",
       "4-bit palette indices, high nibble first",
       [](const FaultSite& s) {
         if (!Is(s, {"conv", "matmul"})) return Values{};
         const auto n =
             static_cast<size_t>(s.in[1].view.shape.NumElements()) & ~size_t{1};
         return RunReordered(s, 1,
                             [&](size_t i) { return i < n ? (i ^ 1) : i; });
       }},
      {"bias", "dropped_bias", "bias left out",
       [](const FaultSite& s) { return WithBias(s, ""); }},
      {"relu_missing", "dropped_op", "activation left out",
       [](const FaultSite& s) {
         if (!Is(s, {"relu", "leaky_relu", "clip"})) return Values{};
         return *ElementsOfValue(s.in[0]);
       }},
      {"count_padding", "padding_counted", "average counts the padding",
       [](const FaultSite& s) {
         if (!Is(s, {"average_pool"})) return Values{};
         return RunChanged(s, [](fbs::NodeT& node) {
           bool& counted = node.op.AsPool()->count_include_pad;
           counted = !counted;
         });
       }},
      {"resize_linear", "resize_mode", "linear in place of nearest",
       [](const FaultSite& s) {
         if (!Is(s, {"resample"})) return Values{};
         return RunChanged(s, [](fbs::NodeT& node) {
           node.op.AsResample()->mode = fbs::ResampleMode::linear;
         });
       }},
      {"resize_floor", "resize_mode", "nearest rounds the other way",
       [](const FaultSite& s) {
         return Resized(s, fbs::CoordinateMode::half_pixel,
                        fbs::NearestMode::ceil);
       }},
      {"flatten", "channels_last_flatten", "flattened with channels last",
       ChannelsLast},
      {"operands", "swapped_operands", "operands exchanged", Swapped},
      {"softmax_axis", "wrong_axis", "softmax along the first axis",
       [](const FaultSite& s) {
         if (!Is(s, {"softmax"})) return Values{};
         return RunChanged(s, [](fbs::NodeT& node) {
           fbs::SoftmaxT* table = node.op.AsSoftmax();
           table->axis = table->axis == 1 ? 2 : 1;
         });
       }},
      {"pixel_shuffle", "depth_order", "depth-to-space in the other order",
       [](const FaultSite& s) {
         if (!Is(s, {"depth_to_space"})) return Values{};
         return RunChanged(s, [](fbs::NodeT& node) {
           bool& order = node.op.AsDepthSpace()->column_row_depth;
           order = !order;
         });
       }},
      {"gates", "reversed_gates", "LSTM gates in another order", GatesMoved},
      {"shift", "spatial_shift", "picture shifted by one column", FirstColumns},
      {"mirror", "mirrored", "picture mirrored", Mirror},
      {"scale", "constant_factor", "scale 1/255 forgotten",
       [](const FaultSite& s) {
         if (Varied(s.out) < 32) return Values{};
         return Rounded(
             Each(s, [](size_t, double y) { return y * 0.0039215689; }));
       }},
      {"offset", "constant_offset", "zero point off by a constant",
       [](const FaultSite& s) {
         if (!IsPicture(s)) return Values{};
         return Rounded(Each(s, [](size_t, double y) { return y + 0.5; }));
       }},
      {"channel_order", "permuted_channels", "channels rotated by one",
       ChannelOrder},
      {"padded_rows", "padded_rows", "rows read with the wrong stride",
       ReadPadded},
      {"denormals", "denormals_flushed", "results below 2^-14 are 0",
       [](const FaultSite& s) {
         size_t small = 0;
         Values flushed = Each(s, [&](size_t, double y) {
           small += y != 0 && std::abs(y) < 0x1p-14;
           return std::abs(y) < 0x1p-14 ? 0.0 : y;
         });
         return small > 0 ? flushed : Values{};
       }},
      {"truncation", "truncating_rounding", "results cut off, not rounded",
       Truncated},
      {"ties_away", "half_away_rounding", "ties away from zero (N23)",
       AwayFromZero},
      {"tables", "lookup_tables", "a function from the engine's table (N40)",
       [](const FaultSite& s) {
         if (!Is(s, {"sigmoid", "tanh", "gelu", "silu", "exp"})) {
           return Values{};
         }
         return OnEngine(s, "h13");
       }},
      {"fixed_point", "fixed_point_sums", "one op summed as an M4 does (N15)",
       [](const FaultSite& s) {
         if (!Is(s, {"conv", "matmul"})) return Values{};
         return OnEngine(s, "h16");
       }},
      {"window", "twelve_bit_sums", "one op summed as an M1 does (N10)",
       [](const FaultSite& s) {
         if (!Is(s, {"conv", "matmul"})) return Values{};
         return OnEngine(s, "h13");
       }},
      {"nan", "", "one NaN",
       [](const FaultSite& s) {
         if (s.out.size() < 8) return Values{};
         return Each(s, [&](size_t i, double y) {
           return i == s.out.size() / 3 ? NAN : y;
         });
       }},
      {"bit_flip", "", "one exponent bit of one element",
       [](const FaultSite& s) {
         if (s.out.size() < 8) return Values{};
         return Each(s, [&](size_t i, double y) {
           return i == s.out.size() / 2 ? (y == 0 ? 0.25 : y * 4) : y;
         });
       }},
      {"stuck_channel", "", "one channel is 0", Stuck},
      {"relu6", "", "clipped at 6",
       [](const FaultSite& s) {
         if (!Is(s, {"relu"})) return Values{};
         return Each(s, [](size_t, double y) { return std::min(y, 6.0); });
       }},
      {"slope", "", "a leaky slope of 0.2",
       [](const FaultSite& s) {
         if (!Is(s, {"relu"})) return Values{};
         const Values x = *ElementsOfValue(s.in[0]);
         return Rounded(Each(
             s, [&](size_t i, double y) { return y > 0 ? y : x[i] * 0.2; }));
       }},
      {"int8", "", "result quantised to 8 bits", Quantised},
      {"seam", "", "one column of a tile is stale",
       [](const FaultSite& s) {
         if (!IsPicture(s)) return Values{};
         return Each(s, [&](size_t i, double y) {
           return i % Width(s) == Width(s) / 2 ? s.out[i - 1] : y;
         });
       }},
      {"noise", "", "noise of 1 %",
       [](const FaultSite& s) {
         if (Varied(s.out) < 32) return Values{};
         return Rounded(Each(s, [](size_t i, double y) {
           return y * (i % 7 < 3 ? 1.01 : 0.99);
         }));
       }},
      {"square", "", "squared result",
       [](const FaultSite& s) {
         if (!Is(s, {"add", "conv"}) || Varied(s.out) < 32) return Values{};
         return Rounded(Each(s, [](size_t, double y) { return y * y; }));
       }},
      {"absolute", "", "signs lost",
       [](const FaultSite& s) {
         return Each(s, [](size_t, double y) { return std::abs(y); });
       }},
      {"last_row", "", "last row of a picture is 0",
       [](const FaultSite& s) {
         if (!IsPicture(s)) return Values{};
         const auto height = static_cast<size_t>(s.shape[2]);
         return Each(s, [&](size_t i, double y) {
           return i / Width(s) % height == height - 1 ? 0.0 : y;
         });
       }},
      {"norm_scale", "", "standard deviation in place of its root",
       [](const FaultSite& s) {
         if (!Is(s, {"layer_norm", "batch_norm", "instance_norm", "reduce_mean",
                     "average_pool"})) {
           return Values{};
         }
         return Rounded(Each(s, [](size_t i, double y) {
           return y * (1 + 0.1 * static_cast<double>(i % 5));
         }));
       }},
  };
  return faults;
}

}  // namespace

std::span<const Fault> AllFaults() { return Table(); }

}  // namespace aneref::test
