// The walk of the weighted resampling kernel over scalar or vector row
// primitives (`Rows`). Included by resample.cc alone. The inputs of an output
// row are gathered once per source row into runs, one per column tap, which
// consecutive output rows share.
#ifndef ANEREF_OPS_KERNELS_RESAMPLE_DRIVER_H_
#define ANEREF_OPS_KERNELS_RESAMPLE_DRIVER_H_

#include <algorithm>

#include "ops/kernels/reduce_lattice.h"
#include "ops/kernels/resample.h"

namespace aneref {
namespace resample_internal {

// Where things are in the scratch.
struct Buffers {
  Buffers(const ResampleTapsArgs& args, std::byte* scratch) {
    const int64_t num_taps = args.rows.num_taps * args.columns.num_taps;
    tags = reinterpret_cast<int64_t*>(scratch);
    runs = reinterpret_cast<const float**>(tags + args.rows.num_taps);
    widened = reinterpret_cast<float*>(runs + num_taps);
    out = widened + args.columns.in;
    gathered = out + args.columns.out;
    weights = gathered + num_taps * args.columns.out;
  }
  static double Bytes(const ResampleTapsArgs& args) {
    const auto out = static_cast<double>(args.columns.out);
    const double num_taps = static_cast<double>(args.rows.num_taps) *
                            static_cast<double>(args.columns.num_taps);
    return 8.0 * (static_cast<double>(args.rows.num_taps) + num_taps) +
           4.0 * (static_cast<double>(args.columns.in) + out +
                  num_taps * out *
                      (1.0 + static_cast<double>(args.rows_per_unit)));
  }

  int64_t* tags;       // [row taps] source row that a slot holds
  const float** runs;  // [row taps * column taps] the runs of one output row
  float* widened;      // [in columns]
  float* out;          // [out columns]
  float* gathered;     // [row taps: slot][column taps][out columns]
  float* weights;      // [rows of the unit][row taps][column taps][out columns]
};

// RN32 of the products, the same for all planes.
inline void MakeWeights(const ResampleTapsArgs& args, int64_t first,
                        int64_t end, float* weights) {
  const AxisTaps& columns = args.columns;
  for (int64_t oh = first; oh < end; ++oh) {
    for (int64_t r = 0; r < args.rows.num_taps; ++r) {
      const double row_weight =
          args.rows.weights[static_cast<size_t>(oh * args.rows.num_taps + r)];
      for (int64_t c = 0; c < columns.num_taps; ++c) {
        for (int64_t ow = 0; ow < columns.out; ++ow) {
          *weights++ = static_cast<float>(
              row_weight *
              columns.weights[static_cast<size_t>(ow * columns.num_taps + c)]);
        }
      }
    }
  }
}

// Points `runs` at the inputs of output row `oh`, gathering the source rows
// that are not there yet. The source rows of one output row are consecutive or
// repeat the border, so that each has a slot of its own.
template <class Rows>
void GatherRuns(const ResampleTapsArgs& args, const Buffers& buffers,
                const TensorView& x, int64_t plane, int64_t oh) {
  const AxisTaps& columns = args.columns;
  const auto width = static_cast<size_t>(columns.out);
  size_t run = 0;
  for (int64_t r = 0; r < args.rows.num_taps; ++r) {
    const int64_t ih =
        args.rows.indices[static_cast<size_t>(oh * args.rows.num_taps + r)];
    const int64_t row = plane * args.rows.in + ih;
    const int64_t slot = ih % args.rows.num_taps;
    float* first = buffers.gathered + slot * columns.num_taps * columns.out;
    const bool is_new = buffers.tags[slot] != row;
    if (is_new)
      Rows::Widen(x.dtype, x.Row<std::byte>(row),
                  static_cast<size_t>(columns.in), buffers.widened);
    buffers.tags[slot] = row;
    for (int64_t c = 0; c < columns.num_taps; ++c) {
      float* gathered = first + c * columns.out;
      if (is_new)
        Rows::Gather(buffers.widened,
                     args.column_indices.data() + c * columns.out, width,
                     gathered);
      buffers.runs[run++] = gathered;
    }
  }
}

template <class Rows>
Status RunTaps(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const ResampleTapsArgs*>(call.args);
  const TensorView& y = call.out[0];
  const Buffers buffers(args, call.scratch);
  const int64_t num_taps = args.rows.num_taps * args.columns.num_taps;
  const auto width = static_cast<size_t>(args.columns.out);
  const int64_t first = unit * args.rows_per_unit;
  const int64_t end = std::min(args.rows.out, first + args.rows_per_unit);
  MakeWeights(args, first, end, buffers.weights);
  std::fill_n(buffers.tags, args.rows.num_taps, int64_t{-1});
  for (int64_t plane = 0; plane < args.num_planes; ++plane) {
    for (int64_t oh = first; oh < end; ++oh) {
      GatherRuns<Rows>(args, buffers, call.in[0], plane, oh);
      const float* weights =
          buffers.weights + (oh - first) * num_taps * args.columns.out;
      Rows::Combine(weights, {buffers.runs, static_cast<size_t>(num_taps)},
                    width, buffers.out);
      Rows::Narrow(buffers.out, width, y.dtype,
                   y.Row<std::byte>(plane * args.rows.out + oh));
    }
  }
  return Status();
}

// Scalar twins of the primitives.
struct ScalarTapRows : ScalarRows {
  static void Gather(const float* src, const int32_t* indices, size_t count,
                     float* dst) {
    for (size_t i = 0; i < count; ++i) dst[i] = src[indices[i]];
  }
  // P16: from +0, tap by tap. weights is [taps][count].
  static void Combine(const float* weights, std::span<const float* const> runs,
                      size_t count, float* out) {
    for (size_t i = 0; i < count; ++i) {
      float sum = 0.0f;
      for (size_t tap = 0; tap < runs.size(); ++tap) {
        const float product = weights[tap * count + i] * runs[tap][i];
        sum += product;
      }
      out[i] = sum;
    }
  }
};

}  // namespace resample_internal
}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_RESAMPLE_DRIVER_H_
