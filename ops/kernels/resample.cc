// Resampling kernels: copies of nearest elements (one form for all), and the
// walk of resample_driver.h over scalar rows and, per Highway target, vector
// rows (P16).
#include "ops/kernels/resample.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/resample.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/kernels/reduce_rows-inl.h"
#include "ops/kernels/resample_driver.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {

using resample_internal::ScalarTapRows;

struct SimdTapRows : SimdRows {
  static HWY_NOINLINE void Gather(const float* src, const int32_t* indices,
                                  size_t count, float* dst) {
    const RowTag d;
    const hn::RebindToSigned<RowTag> di;
    size_t i = 0;
    for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
      hn::StoreU(hn::GatherIndex(d, src, hn::LoadU(di, indices + i)), d,
                 dst + i);
    }
    ScalarTapRows::Gather(src, indices + i, count - i, dst + i);
  }

  static HWY_NOINLINE void Combine(const float* weights,
                                   std::span<const float* const> runs,
                                   size_t count, float* out) {
    const RowTag d;
    size_t i = 0;
    for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
      auto sum = hn::Zero(d);
      for (size_t tap = 0; tap < runs.size(); ++tap) {
        const auto product = hn::Mul(hn::LoadU(d, weights + tap * count + i),
                                     hn::LoadU(d, runs[tap] + i));
        sum = hn::Add(sum, product);
      }
      hn::StoreU(sum, d, out + i);
    }
    for (; i < count; ++i) {
      float sum = 0.0f;
      for (size_t tap = 0; tap < runs.size(); ++tap) {
        const float product = weights[tap * count + i] * runs[tap][i];
        sum += product;
      }
      out[i] = sum;
    }
  }
};

Status ResampleTaps(const KernelCall& call, int64_t unit) {
  return resample_internal::RunTaps<SimdTapRows>(call, unit);
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {

HWY_EXPORT(ResampleTaps);
Status ResampleTapsSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(ResampleTaps)(call, unit);
}

template <class T>
void CopyColumns(const ResampleNearestArgs& args, const T* src, T* dst) {
  const size_t count = args.columns.size();
  if (args.doubles_rows) {
    for (size_t i = 0; i < count / 2; ++i) dst[2 * i] = dst[2 * i + 1] = src[i];
    return;
  }
  for (size_t i = 0; i < count; ++i) dst[i] = src[args.columns[i]];
}

void CopyRow(const ResampleNearestArgs& args, size_t element_size,
             const std::byte* src, std::byte* dst) {
  if (args.copies_rows) {
    std::memcpy(dst, src, args.columns.size() * element_size);
  } else if (element_size == 1) {
    CopyColumns(args, reinterpret_cast<const uint8_t*>(src),
                reinterpret_cast<uint8_t*>(dst));
  } else if (element_size == 2) {
    CopyColumns(args, reinterpret_cast<const uint16_t*>(src),
                reinterpret_cast<uint16_t*>(dst));
  } else if (element_size == 4) {
    CopyColumns(args, reinterpret_cast<const uint32_t*>(src),
                reinterpret_cast<uint32_t*>(dst));
  } else {
    CopyColumns(args, reinterpret_cast<const uint64_t*>(src),
                reinterpret_cast<uint64_t*>(dst));
  }
}

// The input row of output row `row`.
int64_t SourceRow(const ResampleNearestArgs& args, const TensorView& x,
                  int64_t row) {
  int64_t source = 0, stride = 1;
  for (size_t axis = args.outer.size(); axis-- > 0;) {
    const auto extent = static_cast<int64_t>(args.outer[axis].size());
    source += args.outer[axis][static_cast<size_t>(row % extent)] * stride;
    stride *= x.shape[axis];
    row /= extent;
  }
  return source;
}

Status ResampleNearest(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const ResampleNearestArgs*>(call.args);
  const TensorView& x = call.in[0];
  const TensorView& y = call.out[0];
  const size_t element_size = ElementSize(x.dtype);
  const int64_t end = std::min(y.num_rows(), (unit + 1) * args.rows_per_unit);
  int64_t previous = -1;
  for (int64_t row = unit * args.rows_per_unit; row < end; ++row) {
    const int64_t source = SourceRow(args, x, row);
    if (source == previous) {
      std::memcpy(y.Row<std::byte>(row), y.Row<std::byte>(row - 1),
                  args.columns.size() * element_size);
    } else {
      CopyRow(args, element_size, x.Row<std::byte>(source),
              y.Row<std::byte>(row));
    }
    previous = source;
  }
  return Status();
}

}  // namespace

size_t ResampleTapsScratch(const ResampleTapsArgs& args) {
  constexpr double kMostBytes = 32.0 * 1024 * 1024;
  const double bytes = resample_internal::Buffers::Bytes(args);
  return bytes > kMostBytes ? SIZE_MAX : static_cast<size_t>(bytes);
}

const Kernel kResampleNearestKernel = {"resample_nearest", ResampleNearest,
                                       ResampleNearest};
const Kernel kResampleTapsKernel = {
    "resample_taps",
    resample_internal::RunTaps<resample_internal::ScalarTapRows>,
    ResampleTapsSimd};

}  // namespace aneref
#endif  // HWY_ONCE
