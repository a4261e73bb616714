// Numeric probes (section n): each becomes a network of one or two nodes that a
// session runs in device numerics. int8 products and the stored weight forms
// have no network of their own and are asked of the rule's function.
#include <cmath>

#include "runtime/core/accumulator.h"
#include "runtime/core/elementary.h"
#include "runtime/core/half.h"
#include "runtime/core/numerics.h"
#include "tools/probe.h"
#include "tools/probe_net.h"

namespace aneref::tool {
namespace {

using AK = fbs::ActivationKind;
using EK = fbs::ElementwiseKind;
using Bits = std::vector<uint16_t>;

constexpr char kSession[] = "session";

ProbeResult Compare(const Probe& probe, const Expected<Bits>& ours) {
  if (!ours.ok()) return NotApplicable(probe, ours.status().ToString());
  return CompareBits(probe, *ours, kSession);
}

ProbeResult Unreadable(const Probe& probe) {
  return NotApplicable(probe, "its inputs are not in a form that is known");
}

std::vector<float> Floats(const Bits& bits) {
  std::vector<float> values;
  for (const uint16_t half : bits) values.push_back(HalfToFloat(half));
  return values;
}

bool Member(const JsonValue& inputs, const char* key, uint16_t* bits) {
  const JsonValue* raw = inputs.Find((std::string(key) + "_bits16").c_str());
  const JsonValue* value = raw != nullptr ? raw : inputs.Find(key);
  return value != nullptr && ReadHalf(*value, bits);
}

bool List(const JsonValue& inputs, const char* key, Bits* bits) {
  const JsonValue* list = inputs.Find(key);
  if (list == nullptr || list->AsArray() == nullptr) return false;
  for (const JsonValue& item : *list->AsArray()) {
    uint16_t half = 0;
    if (!ReadHalf(item, &half)) return false;
    bits->push_back(half);
  }
  return true;
}

// ---- multiply-accumulate ----

struct MacList {
  Bits x, w;
  std::vector<float> bias;
};

Expected<Bits> RunMatmul(const MacList& list, const Device& device) {
  const auto n = static_cast<int64_t>(list.x.size());
  ProbeNet net;
  const int x = net.Input({1, n}, list.x);
  const int w = net.Constant({n, 1}, Floats(list.w));
  return net.Run(net.Node(fbs::MatmulT(), {x, w}), device);
}

// A 1x1 convolution with one output; the list fills the first channels.
Expected<Bits> RunConv(MacList list, size_t channels, const Device& device) {
  channels = std::max(channels, list.x.size());
  list.x.resize(channels, 0);
  list.w.resize(channels, list.w.empty() ? uint16_t{0} : list.w.back());
  const auto n = static_cast<int64_t>(channels);
  ProbeNet net;
  std::vector<int> inputs = {net.Input({1, n, 1, 1}, list.x),
                             net.Constant({1, n, 1, 1}, Floats(list.w))};
  if (!list.bias.empty()) inputs.push_back(net.Constant({1}, list.bias));
  return net.Run(net.Node(fbs::ConvT(), inputs), device);
}

ProbeResult ReplayMac(const Probe& probe, const Device& device) {
  constexpr size_t kChannels = 64;  // of the published convolutions
  const JsonValue& in = *probe.inputs;
  MacList list;
  if (probe.op == "conv1x1_single_product") {
    uint16_t x = 0, w = 0;
    if (!Member(in, "x", &x) || !Member(in, "w", &w)) return Unreadable(probe);
    list.x = {x};
    list.w = {w};
    return Compare(probe, RunConv(list, kChannels, device));
  }
  if (probe.op == "matmul_with_ones" || probe.op == "conv1x1_weights_one") {
    if (!ReadHalves(in, &list.x)) return Unreadable(probe);
    list.w.assign(list.x.size(), 0x3C00);
    if (in.Find("bias") != nullptr)
      list.bias = {static_cast<float>(NumberOr(in, "bias", 0.0))};
    return Compare(probe, probe.op == "matmul_with_ones"
                              ? RunMatmul(list, device)
                              : RunConv(list, kChannels, device));
  }
  if (!List(in, "x", &list.x) || !List(in, "w", &list.w) ||
      list.x.size() != list.w.size())
    return Unreadable(probe);
  return Compare(probe, probe.op == "conv1x1" ? RunConv(list, 0, device)
                                              : RunMatmul(list, device));
}

// Reproducible fp16 numbers, sums of twelve uniform ones (nearly normal).
class Generator {
 public:
  uint16_t Next() {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      sum += static_cast<double>(state_ >> 40) * 0x1p-24;
    }
    return DoubleToHalf(sum);
  }
  Bits Many(size_t count) {
    Bits bits(count);
    for (uint16_t& half : bits) half = Next();
    return bits;
  }

 private:
  uint64_t state_ = 20261122;
};

ProbeResult ResultOf(const Probe& probe, bool same, const std::string& ours) {
  ProbeResult result = NotApplicable(probe, "");
  result.outcome = same ? ProbeOutcome::kPass : ProbeOutcome::kDiffers;
  result.ours = ours;
  result.through = kSession;
  return result;
}

// How many rows each product has.
std::vector<int64_t> BatchesOf(const JsonValue& inputs) {
  constexpr IntegerRange kRange = {1, 1024};
  if (inputs.Find("batch") != nullptr)
    return {1, IntegerOr(inputs, "batch", 1, kRange)};
  const JsonValue* list = inputs.Find("batches");
  if (list == nullptr || list->AsArray() == nullptr)
    return std::vector<int64_t>(
        static_cast<size_t>(IntegerOr(inputs, "repeats", 1, kRange)), 1);
  std::vector<int64_t> batches;
  for (const JsonValue& item : *list->AsArray()) {
    const double* size = item.AsNumber();
    if (size != nullptr && *size >= 1 && *size <= 1024)
      batches.push_back(static_cast<int64_t>(*size));
  }
  return batches;
}

// N9: one row of a product, alone, in batches, at every position, repeatedly.
ProbeResult ReplayDeterminism(const Probe& probe, const Device& device) {
  constexpr int64_t kDepth = 256, kColumns = 32;
  Generator random;
  const Bits row = random.Many(kDepth);
  const std::vector<float> weights =
      Floats(random.Many(static_cast<size_t>(kDepth * kColumns)));
  const std::vector<int64_t> batches = BatchesOf(*probe.inputs);
  const bool same_everywhere = probe.inputs->Find("batch") != nullptr;
  Bits first;
  for (const int64_t batch : batches) {
    Bits x;
    for (int64_t i = 0; i < batch; ++i) {
      const Bits other = random.Many(row.size());
      const Bits& next = i == 0 || same_everywhere ? row : other;
      x.insert(x.end(), next.begin(), next.end());
    }
    ProbeNet net;
    const int input = net.Input({batch, kDepth}, x);
    const int w = net.Constant({kDepth, kColumns}, weights);
    const Expected<Bits> y =
        net.Run(net.Node(fbs::MatmulT(), {input, w}), device);
    if (!y.ok()) return NotApplicable(probe, y.status().ToString());
    if (first.empty()) first.assign(y->begin(), y->begin() + kColumns);
    for (int64_t i = 0; i < (same_everywhere ? batch : 1); ++i) {
      if (!std::equal(first.begin(), first.end(), y->begin() + i * kColumns))
        return ResultOf(probe, false, "other bits");
    }
  }
  return ResultOf(probe, true, "identical");
}

// ---- planar ----

const std::pair<const char*, EK> kPlanar[] = {
    {"add", EK::add}, {"sub", EK::sub},         {"mul", EK::mul},
    {"div", EK::div}, {"maximum", EK::maximum}, {"minimum", EK::minimum}};

fbs::ElementwiseT Elementwise(EK kind) {
  fbs::ElementwiseT table;
  table.kind = kind;
  return table;
}

ProbeResult ReplayPlanar(const Probe& probe, EK kind, const Device& device) {
  uint16_t a = 0, b = 0;
  if (!Member(*probe.inputs, "a", &a) || !Member(*probe.inputs, "b", &b))
    return Unreadable(probe);
  ProbeNet net;
  const int x = net.Input({1}, {a}), y = net.Input({1}, {b});
  return Compare(probe, net.Run(net.Node(Elementwise(kind), {x, y}), device));
}

// N9: (a + b) + c against a + (b + c); the operands were not published.
ProbeResult ReplayAssociation(const Probe& probe, const Device& device) {
  constexpr int64_t kCount = 16384;
  Generator random;
  const Bits a = random.Many(kCount), b = random.Many(kCount),
             c = random.Many(kCount);
  const auto sum = [&](bool left) {
    ProbeNet net;
    const Shape shape{kCount};
    const int x = net.Input(shape, a), y = net.Input(shape, b),
              z = net.Input(shape, c);
    const fbs::ElementwiseT add = Elementwise(EK::add);
    const int inner = left ? net.Node(add, {x, y}) : net.Node(add, {y, z});
    return net.Run(left ? net.Node(add, {inner, z}) : net.Node(add, {x, inner}),
                   device);
  };
  const Expected<Bits> left = sum(true), right = sum(false);
  if (!left.ok()) return NotApplicable(probe, left.status().ToString());
  if (!right.ok()) return NotApplicable(probe, right.status().ToString());
  double differing = 0, largest = 0;
  for (size_t i = 0; i < left->size(); ++i) {
    differing += (*left)[i] != (*right)[i];
    largest = std::fmax(largest, std::fabs(EngineHalfToDouble((*left)[i]) -
                                           EngineHalfToDouble((*right)[i])));
  }
  char text[80];
  std::snprintf(text, sizeof text, "differs in %.2f, at most by %.4f",
                differing / kCount, largest);
  return ResultOf(probe, differing > 0, text);
}

// ---- tables ----

struct Table {
  const char* op;
  AK kind;
  double (*exact)(double x);
  double low, high;  // where errors are measured
};
double GeluOf(double x) {
  return 0.5 * x * (1.0 + elementary::Erf(x * 0.70710678118654752440));
}
double SiluOf(double x) { return x * elementary::Sigmoid(x); }
double RootOf(double x) { return std::sqrt(x); }
double InverseRootOf(double x) { return 1.0 / std::sqrt(x); }
double ReciprocalOf(double x) { return 1.0 / x; }

constexpr Table kTables[] = {
    {"sigmoid", AK::sigmoid, elementary::Sigmoid, -65504, 65504},
    {"tanh", AK::tanh, elementary::Tanh, -65504, 65504},
    {"gelu", AK::gelu, GeluOf, -65504, 65504},
    {"silu", AK::silu, SiluOf, -65504, 65504},
    {"erf", AK::erf, elementary::Erf, -65504, 65504},
    {"sin", AK::sin, elementary::Sin, -8, 8},
    {"cos", AK::cos, elementary::Cos, -8, 8},
    {"log", AK::log, elementary::Log, 0x1p-14, 65504},
    {"exp", AK::exp, elementary::Exp, -9.5, 11.0},
    {"sqrt", AK::sqrt, RootOf, 0x1p-14, 65504},
    {"rsqrt", AK::rsqrt, InverseRootOf, 0x1p-14, 65504},
    {"inverse", AK::inverse, ReciprocalOf, 0x1p-14, 16384},
    {"relu", AK::relu, nullptr, 0, 0},
    {"softplus", AK::softplus, nullptr, 0, 0},
    {"softsign", AK::softsign, nullptr, 0, 0},
    {"square", AK::square, nullptr, 0, 0}};

Expected<Bits> RunFunction(AK kind, const Bits& x, const Device& device) {
  fbs::ActivationT table;
  table.kind = kind;
  if (kind == AK::silu) table.alpha = 1.0;
  ProbeNet net;
  const int input = net.Input({static_cast<int64_t>(x.size())}, x);
  return net.Run(net.Node(table, {input}), device);
}

// fp16's unit in the last place at a real value.
double UnitAt(double value) {
  int exponent = 0;
  std::frexp(value, &exponent);
  return std::ldexp(1.0, (exponent < -13 ? -13 : exponent) - 11);
}

ProbeResult ReplayWorstError(const Probe& probe, const Table& table,
                             const Device& device) {
  if (table.exact == nullptr) return Unreadable(probe);
  Bits x;
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const double value = EngineHalfToDouble(static_cast<uint16_t>(bits));
    if (value >= table.low && value <= table.high)
      x.push_back(static_cast<uint16_t>(bits));
  }
  const Expected<Bits> y = RunFunction(table.kind, x, device);
  if (!y.ok()) return NotApplicable(probe, y.status().ToString());
  double worst = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = table.exact(EngineHalfToDouble(x[i]));
    const double error = std::fabs(EngineHalfToDouble((*y)[i]) - exact);
    worst = std::fmax(worst,
                      probe.kind == "max_ulp" ? error / UnitAt(exact) : error);
  }
  ProbeResult result = CompareNumber(probe, worst, kSession);
  if (result.outcome == ProbeOutcome::kDiffers && probe.op == "gelu")
    result.reason = "N54: M6's measured knot at 0.25 alone is 0.00612 off";
  return result;
}

ProbeResult ReplayTable(const Probe& probe, const Table& table,
                        const Device& device) {
  if (probe.kind == "max_abs_error" || probe.kind == "max_ulp")
    return ReplayWorstError(probe, table, device);
  Bits x;
  if (List(*probe.inputs, "clamps", &x))
    return Compare(probe, RunFunction(table.kind, x, device));
  if (probe.inputs->Find("compare") != nullptr && probe.op == "gelu") {
    for (uint32_t bits = 0; bits < 65536; ++bits)
      x.push_back(static_cast<uint16_t>(bits));
    const Expected<Bits> exact = RunFunction(AK::gelu, x, device);
    const Expected<Bits> tanh = RunFunction(AK::gelu_tanh, x, device);
    const bool same = exact.ok() && tanh.ok() && *exact == *tanh;
    return ResultOf(probe, same, same ? "identical" : "other bits");
  }
  uint16_t a = 0;
  if (!Member(*probe.inputs, "a", &a)) return Unreadable(probe);
  return Compare(probe, RunFunction(table.kind, {a}, device));
}

// ---- rows and movement ----

ProbeResult ReplayRow(const Probe& probe, const Device& device) {
  Bits x;
  if (!ReadHalves(*probe.inputs, &x)) return Unreadable(probe);
  ProbeNet net;
  const int input = net.Input({1, static_cast<int64_t>(x.size())}, x);
  if (probe.op == "softmax")
    return Compare(probe, net.Run(net.Node(fbs::SoftmaxT(), {input}), device));
  fbs::ReduceT table;
  table.axes = {1};
  return Compare(probe, net.Run(net.Node(table, {input}), device));
}

ProbeResult ReplaySlice(const Probe& probe, const Device& device) {
  constexpr int64_t kExtent = 4;
  uint16_t fill = 0;
  const JsonValue* axis = probe.inputs->Find("axis");
  if (!Member(*probe.inputs, "fill", &fill) || axis == nullptr ||
      axis->AsString() == nullptr)
    return Unreadable(probe);
  const size_t index = std::string("NCHW").find(*axis->AsString());
  if (index > 3) return Unreadable(probe);
  fbs::SliceT table;
  table.starts = {IntegerOr(*probe.inputs, "begin", 0, {0, kExtent - 1})};
  table.ends = {kExtent};
  table.axes = {static_cast<int32_t>(index)};
  ProbeNet net;
  const int x =
      net.Input({kExtent, kExtent, kExtent, kExtent}, Bits(256, fill));
  const Expected<Bits> y = net.Run(net.Node(table, {x}), device);
  if (!y.ok() || probe.kind != "identical_to_input") return Compare(probe, y);
  const bool same = *y == Bits(y->size(), fill);
  return ResultOf(probe, same, same ? "identical" : "other bits");
}

// N6: a row with a NaN and the same row with an infinity.
ProbeResult ReplayRms(const Probe& probe, const Device& device) {
  fbs::NormT table;
  table.kind = fbs::NormKind::rms;
  Bits rows[2];
  for (size_t i = 0; i < 2; ++i) {
    ProbeNet net;
    const uint16_t odd = i == 0 ? uint16_t{0x7E00} : uint16_t{0x7C00};
    const int x = net.Input({1, 4}, {odd, 0x3C00, 0x4000, 0x4200});
    const Expected<Bits> y = net.Run(net.Node(table, {x}), device);
    if (!y.ok()) return NotApplicable(probe, y.status().ToString());
    rows[i] = *y;
  }
  return ResultOf(probe, rows[0] == rows[1],
                  rows[0] == rows[1] ? "identical" : "other bits");
}

// ---- rules without a network ----

ProbeResult ReplayInt8(const Probe& probe, const Device& device) {
  Int8Accumulator sum;
  const auto byte = [&](const char* key) {
    return static_cast<int32_t>(IntegerOr(*probe.inputs, key, 0, {-128, 127}));
  };
  sum.AddRepeated(byte("q_x"), byte("q_w"),
                  IntegerOr(*probe.inputs, "terms", 0, {0, int64_t{1} << 31}));
  return CompareBits(
      probe,
      {sum.Finish(device->profile(), NumberOr(*probe.inputs, "scale", 1.0))},
      "rule N65");
}

ProbeResult ReplayFloorDivision(const Probe& probe, const Device& device) {
  uint16_t a = 0, b = 0;
  if (!Member(*probe.inputs, "a", &a) || !Member(*probe.inputs, "b", &b))
    return Unreadable(probe);
  return CompareBits(probe, {FloorDivideByConstant(device->profile(), a, b)},
                     "rule N23");
}

}  // namespace

ProbeResult ReplayNumericProbe(const Probe& probe, const Device& device) {
  const std::string& op = probe.op;
  if (op == "matmul" && probe.kind == "identical")
    return ReplayDeterminism(probe, device);
  if (op.starts_with("conv1x1") || op.starts_with("matmul") || op == "linear")
    return ReplayMac(probe, device);
  for (const auto& [name, kind] : kPlanar)
    if (op == name) return ReplayPlanar(probe, kind, device);
  for (const Table& table : kTables)
    if (op == table.op) return ReplayTable(probe, table, device);
  if (op == "softmax" || op == "reduce_sum") return ReplayRow(probe, device);
  if (op == "slice") return ReplaySlice(probe, device);
  if (op == "rms_norm") return ReplayRms(probe, device);
  if (op == "add3") return ReplayAssociation(probe, device);
  if (op == "w8a8_conv_constant") return ReplayInt8(probe, device);
  if (op == "floor_div") return ReplayFloorDivision(probe, device);
  if (op == "conv_weight_gradient_sat")
    return NotApplicable(probe, "the shape of the convolution is unpublished");
  return NotApplicable(probe, "no network for op '" + op + "'");
}

}  // namespace aneref::tool
