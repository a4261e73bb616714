// Fourier transforms from the engine's pieces (N37): products with constant
// matrices of cosines and sines (N10-N22), as converters write them, and planar
// sums of the parts (N23). The reference is the only form; windows and mel
// weights are constants of the host.
#include <algorithm>
#include <functional>

#include "ops/device_mac.h"
#include "ops/device_ops.h"
#include "ops/doubles.h"
#include "ops/kernels/mac_device.h"
#include "ops/signal.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

using Halves = std::vector<uint16_t>;

// A longer transform is no product with a constant any more: the matrix grows
// with the square. It stays the host's.
constexpr int64_t kMostLength = 4096;
// Signals that share the matrices of one product.
constexpr int64_t kRowsAtOnce = 64;

// Rows of signals by columns of the matrices, in blocks.
class DeviceFourier {
 public:
  // `window` scales the matrices; empty: none.
  DeviceFourier(const Profile& profile, int64_t length, bool inverse,
                const std::vector<double>& window)
      : profile_(profile),
        length_(static_cast<size_t>(length)),
        inverse_(inverse),
        window_(window),
        mac_(MacScratchFloats(length_, kColumns)) {
    for (int64_t k = 0; k < length; ++k) {
      cosines_.push_back(CosOfTurns(k, length));
      sines_.push_back(SinOfTurns(k, length));
    }
  }

  // Bins [0, bins) of signals of `length` numbers each, real and imaginary
  // parts apart; `store` takes (signal, bin, real, imaginary).
  void Transform(
      const std::vector<Halves>& real, const std::vector<Halves>& imaginary,
      size_t bins,
      const std::function<void(size_t, size_t, uint16_t, uint16_t)>& store) {
    const std::vector<float> re = Decode(real), im = Decode(imaginary);
    for (size_t first = 0; first < bins; first += kColumns) {
      const size_t count = std::min(kColumns, bins - first);
      const std::vector<float> c = Panel(cosines_, first, count);
      const std::vector<float> s = Panel(sines_, first, count);
      const Halves c_re = Multiply(re, c), s_re = Multiply(re, s);
      Halves c_im(c_re.size()), s_im(c_re.size());
      if (!imaginary.empty()) {
        c_im = Multiply(im, c);
        s_im = Multiply(im, s);
      }
      for (size_t i = 0; i < real.size() * kColumns; ++i) {
        if (i % kColumns >= count) continue;
        const auto op = [&](bool adds) {
          return adds ? PlanarOp::kAdd : PlanarOp::kSub;
        };
        uint16_t a = Planar(profile_, op(!inverse_), c_re[i], s_im[i]);
        uint16_t b = Planar(profile_, op(inverse_), c_im[i], s_re[i]);
        if (inverse_) {
          const uint16_t n = DoubleToHalf(static_cast<double>(length_));
          a = Planar(profile_, PlanarOp::kDiv, a, n);
          b = Planar(profile_, PlanarOp::kDiv, b, n);
        }
        store(i / kColumns, first + i % kColumns, a, b);
      }
    }
  }

 private:
  static constexpr size_t kColumns = kMacColumnGranule;

  std::vector<float> Decode(const std::vector<Halves>& rows) const {
    std::vector<float> values(rows.size() * length_);
    for (size_t r = 0; r < rows.size(); ++r)
      DecodeOperandsScalar(profile_, rows[r].data(), length_,
                           values.data() + r * length_);
    return values;
  }

  // [length][kColumns]: bins first .. first + count - 1, decoded.
  std::vector<float> Panel(const std::vector<double>& roots, size_t first,
                           size_t count) const {
    std::vector<float> panel(length_ * kColumns);
    for (size_t j = 0; j < length_; ++j) {
      Halves bits(kColumns);
      for (size_t k = 0; k < count; ++k) {
        const double root = roots[(first + k) * j % length_];
        bits[k] = DoubleToHalf(window_.empty() ? root : window_[j] * root);
      }
      DecodeOperandsScalar(profile_, bits.data(), kColumns,
                           panel.data() + j * kColumns);
    }
    return panel;
  }

  Halves Multiply(const std::vector<float>& x, const std::vector<float>& w) {
    Halves out(x.size() / length_ * kColumns);
    MacTile tile;
    tile.profile = &profile_;
    tile.x = x.data();
    tile.x_stride = tile.depth = length_;
    tile.w = w.data();
    tile.w_stride = tile.columns = tile.out_stride = kColumns;
    tile.rows = x.size() / length_;
    tile.single_tap = !window_.empty() && length_ == 1;
    tile.out = out.data();
    tile.scratch = mac_.data();
    MacTileScalar(tile);
    return out;
  }

  const Profile& profile_;
  const size_t length_;
  const bool inverse_;
  const std::vector<double> window_;
  std::vector<double> cosines_, sines_;
  std::vector<float> mac_;
};

// Number `at` of a tensor with `parts` halves per number.
uint16_t PartOf(const Halves& x, int64_t at, int64_t parts, int64_t part) {
  return part < parts ? x[static_cast<size_t>(at * parts + part)] : uint16_t{0};
}

// ---- dft ----

Status ReferenceDft(const OpView& op, const RefTensors& tensors) {
  const Shape& x = tensors.in[0].shape;
  const Shape& out = tensors.out[0].shape;
  ANEREF_ASSIGN(const DftGeometry g, DftGeometryOf(op, x));
  const bool inverse = op.attributes<fbs::Signal>().inverse();
  const int64_t inner = x.NumElements(g.axis + 1, x.rank() - 1);
  const int64_t lines = x.NumElements(0, g.axis) * inner;
  const Halves values = LoadHalves(tensors.in[0]);
  Halves result(static_cast<size_t>(out.NumElements()));
  if (result.empty()) return Status();
  DeviceFourier fourier(op.device()->profile(), g.length, inverse, {});
  const auto n = static_cast<size_t>(g.length);
  const int64_t held = std::min(x[g.axis], g.read);
  for (int64_t first = 0; first < lines; first += kRowsAtOnce) {
    std::vector<Halves> re, im;
    for (int64_t l = first; l < std::min(first + kRowsAtOnce, lines); ++l) {
      Halves a(n), b(n);
      for (int64_t k = 0; k < held; ++k) {
        const int64_t at = (l / inner * x[g.axis] + k) * inner + l % inner;
        a[static_cast<size_t>(k)] = PartOf(values, at, x.back(), 0);
        b[static_cast<size_t>(k)] = PartOf(values, at, x.back(), 1);
      }
      for (size_t k = n / 2 + 1; g.to_real && k < n; ++k) {
        a[k] = a[n - k];
        b[k] = static_cast<uint16_t>(b[n - k] ^ 0x8000u);
      }
      re.push_back(std::move(a));
      im.push_back(std::move(b));
    }
    const auto store = [&](size_t r, size_t k, uint16_t a, uint16_t b) {
      const int64_t l = first + static_cast<int64_t>(r);
      const int64_t bin = l / inner * g.written + static_cast<int64_t>(k);
      const auto at =
          static_cast<size_t>((bin * inner + l % inner) * out.back());
      result[at] = a;
      if (out.back() == 2) result[at + 1] = b;
    };
    if (x.back() == 1) im.clear();
    fourier.Transform(re, im, static_cast<size_t>(g.written), store);
  }
  StoreHalves(result, tensors.out[0]);
  return Status();
}

// ---- stft ----

// A known window as the file stores it: the matrices are constants, rounded
// once.
std::vector<double> WindowOf(const OpView& op, const RefTensors& tensors,
                             int64_t length) {
  if (!op.HasInput(2))
    return std::vector<double>(static_cast<size_t>(length), 1.0);
  if (!op.IsKnown(2)) return LoadDoubles(tensors.in[2]);
  const std::vector<float> known = op.KnownFloats(2).value();
  return std::vector<double>(known.begin(), known.end());
}

Status ReferenceStft(const OpView& op, const RefTensors& tensors) {
  const Shape& x = tensors.in[0].shape;
  ANEREF_ASSIGN(const StftGeometry g, StftGeometryOf(op, x));
  const Halves values = LoadHalves(tensors.in[0]);
  Halves result(static_cast<size_t>(tensors.out[0].shape.NumElements()));
  if (result.empty()) return Status();
  DeviceFourier fourier(op.device()->profile(), g.length, false,
                        WindowOf(op, tensors, g.length));
  const int64_t frames = x[0] * g.frames;
  for (int64_t first = 0; first < frames; first += kRowsAtOnce) {
    std::vector<Halves> re, im;
    for (int64_t f = first; f < std::min(first + kRowsAtOnce, frames); ++f) {
      const int64_t begin = f / g.frames * x[1] + f % g.frames * g.step;
      Halves a, b;
      for (int64_t k = 0; k < g.length; ++k) {
        a.push_back(PartOf(values, begin + k, x[2], 0));
        b.push_back(PartOf(values, begin + k, x[2], 1));
      }
      re.push_back(std::move(a));
      im.push_back(std::move(b));
    }
    const auto store = [&](size_t r, size_t k, uint16_t a, uint16_t b) {
      const size_t at =
          (static_cast<size_t>(first) + r) * static_cast<size_t>(g.bins) + k;
      result[2 * at] = a;
      result[2 * at + 1] = b;
    };
    if (x[2] == 1) im.clear();
    fourier.Transform(re, im, static_cast<size_t>(g.bins), store);
  }
  StoreHalves(result, tensors.out[0]);
  return Status();
}

// ---- the family ----

bool IsStft(const OpView& op) {
  return op.attributes<fbs::Signal>().kind() == fbs::SignalKind::stft;
}

bool Applies(const OpView& op) {
  if (!RunsFromPieces(op)) return false;
  const Shape& x = op.In(0).shape;
  if (IsStft(op)) {
    const Expected<StftGeometry> g = StftGeometryOf(op, x);
    return g.ok() && g->length <= kMostLength;
  }
  if (op.attributes<fbs::Signal>().kind() != fbs::SignalKind::dft) return false;
  const Expected<DftGeometry> g = DftGeometryOf(op, x);
  return g.ok() && g->length <= kMostLength;
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  return IsStft(op) ? ReferenceStft(op, tensors) : ReferenceDft(op, tensors);
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const DeviceOp signal_device = {Applies, Lower, Reference};

}  // namespace aneref
