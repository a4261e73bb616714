// See bounds.h. Sums are bounded through the sum of absolute values, which the
// op itself computes on absolute operands in fp32; the effect of rounded
// operands through a few evaluations on randomly disturbed ones (Monte Carlo
// arithmetic), seeded, so that a bound is the same on every run.
#include "runtime/explain/bounds.h"

#include <algorithm>
#include <cmath>

#include "runtime/explain/tensor_set.h"

namespace aneref {
namespace {

constexpr double kHalfUnit = 0x1p-11;   // relative rounding error of fp16
constexpr double kFloatUnit = 0x1p-24;  // of fp32
constexpr int kSamples = 6;
// Of the largest of six disturbances, so that one unlucky sample does not
// decide.
constexpr double kSampleFactor = 8;

const Arithmetic& Wide() {
  static const Arithmetic wide{Numerics::kFp32, nullptr};
  return wide;
}

// xorshift64*: the same numbers everywhere.
class Random {
 public:
  double Symmetric() {  // in [-1, 1)
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    const uint64_t bits = state_ * 0x2545F4914F6CDD1Du;
    return static_cast<double>(bits >> 11) * 0x1p-52 - 1;
  }

 private:
  uint64_t state_ = 0x9E3779B97F4A7C15u;
};

bool IsFloat(const HostValue& value) {
  return value.defined && IsFloating(value.declared.dtype);
}

template <class Change>
Expected<HostValues> Changed(const HostValues& in, const Change& change) {
  HostValues out;
  for (const HostValue& value : in) {
    if (!IsFloat(value)) {
      out.push_back(value);
      continue;
    }
    ANEREF_ASSIGN(const HostValue wide, ConvertValue(value, Numerics::kFp32));
    ANEREF_ASSIGN(std::vector<double> elements, ElementsOfValue(wide));
    for (double& element : elements) element = change(element);
    ANEREF_ASSIGN(HostValue changed, WithElements(wide, elements));
    out.push_back(std::move(changed));
  }
  return out;
}

Expected<std::vector<double>> WideResult(NodeEvaluator* evaluator,
                                         const fbs::Node& node,
                                         const HostValues& in, size_t output) {
  ANEREF_ASSIGN(const HostValues out, evaluator->Evaluate(node, in, Wide()));
  return ElementsOfValue(out[output]);
}

bool IsSum(const fbs::Node& node) {
  if (IsMac(node)) return true;
  if (const fbs::Reduce* reduce = node.op_as_Reduce()) {
    return reduce->kind() == fbs::ReduceKind::sum ||
           reduce->kind() == fbs::ReduceKind::mean ||
           reduce->kind() == fbs::ReduceKind::l1 ||
           reduce->kind() == fbs::ReduceKind::sum_square;
  }
  const fbs::Pool* pool = node.op_as_Pool();
  return pool != nullptr && pool->kind() == fbs::PoolKind::average;
}

// Terms of one sum, at most: elements of the operands per result.
double TermsOf(const BoundRequest& request, size_t results) {
  int64_t terms = 1;
  for (const HostValue& value : request.in) {
    if (!value.defined) continue;
    terms = std::max(terms, value.view.shape.NumElements());
  }
  return static_cast<double>(terms) /
         std::max<double>(
             1, IsMac(*request.node) ? 1 : static_cast<double>(results));
}

// Error of a sum relative to the sum of absolute values.
double SumUnit(const BoundRequest& request, size_t results) {
  // Independent roundings grow with the root of their number; the largest
  // contraction of a network in practice has a few thousand terms.
  const double terms = std::min(TermsOf(request, results), 0x1p16);
  double unit = kFloatUnit * (4 + 2 * std::sqrt(terms));
  if (request.other_engine == nullptr || !IsMac(*request.node)) return unit;
  // N10: two roundings to 12 bits per addition, four additions per group.
  if (request.other_engine->mac == MacAccumulator::kRadix4W12) {
    unit += 4 * 0x1p-12;
  }
  return unit;
}

// N16: each product is rounded to 2^-16, small ones are dropped.
double FixedPointError(const BoundRequest& request) {
  if (request.other_engine == nullptr || !IsMac(*request.node) ||
      request.other_engine->mac != MacAccumulator::kQ15_16 ||
      request.in.size() < 2 || !request.in[1].defined) {
    return 0;
  }
  const Shape& weight = request.in[1].view.shape;
  const double outputs = std::max<double>(
      1, static_cast<double>(weight.rank() > 0 ? weight[0] : 1));
  const double terms = static_cast<double>(weight.NumElements()) / outputs;
  return 0x1p-17 * (2 + 6 * std::sqrt(std::max(terms, 1.0)));
}

Status AddSumError(NodeEvaluator* evaluator, const BoundRequest& request,
                   size_t output, std::vector<double>* bound) {
  if (!IsSum(*request.node)) return Status();
  ANEREF_ASSIGN(const HostValues absolute,
                Changed(request.in, [](double x) { return std::abs(x); }));
  ANEREF_ASSIGN(const std::vector<double> sums,
                WideResult(evaluator, *request.node, absolute, output));
  const double unit = SumUnit(request, bound->size());
  const double fixed = FixedPointError(request);
  for (size_t i = 0; i < bound->size() && i < sums.size(); ++i) {
    (*bound)[i] += unit * sums[i] + fixed;
  }
  return Status();
}

Status AddOperandError(NodeEvaluator* evaluator, const BoundRequest& request,
                       size_t output, std::vector<double>* bound) {
  // Without rounded operands: the few roundings inside the op.
  const double unit = request.rounded_operands ? kHalfUnit : 4 * kFloatUnit;
  ANEREF_ASSIGN(const std::vector<double> base,
                WideResult(evaluator, *request.node, request.in, output));
  if (base.size() != bound->size()) return Status();
  std::vector<double> largest(base.size(), 0.0);
  Random random;
  for (int sample = 0; sample < kSamples; ++sample) {
    ANEREF_ASSIGN(const HostValues disturbed,
                  Changed(request.in, [&](double x) {
                    return x * (1 + unit * random.Symmetric());
                  }));
    ANEREF_ASSIGN(const std::vector<double> result,
                  WideResult(evaluator, *request.node, disturbed, output));
    for (size_t i = 0; i < result.size() && i < largest.size(); ++i) {
      const double difference = std::abs(result[i] - base[i]);
      if (difference > largest[i]) largest[i] = difference;
    }
  }
  for (size_t i = 0; i < bound->size(); ++i) {
    (*bound)[i] += kSampleFactor * largest[i];
  }
  return Status();
}

// Functions of range 1, and those that multiply one with the operand.
Status AddFunctionError(const BoundRequest& request,
                        std::vector<double>* bound) {
  const fbs::Activation* activation = request.node->op_as_Activation();
  if (!request.foreign_functions || activation == nullptr) return Status();
  switch (activation->kind()) {
    case fbs::ActivationKind::sigmoid:
    case fbs::ActivationKind::tanh:
    case fbs::ActivationKind::erf:
    case fbs::ActivationKind::silu:
    case fbs::ActivationKind::gelu:
    case fbs::ActivationKind::gelu_tanh:
    case fbs::ActivationKind::mish:
      break;
    default:
      return Status();
  }
  ANEREF_ASSIGN(const std::vector<double> x, ElementsOfValue(request.in[0]));
  for (size_t i = 0; i < bound->size() && i < x.size(); ++i) {
    (*bound)[i] += 2 * kFloatUnit * std::max(1.0, std::abs(x[i]));
  }
  return Status();
}

}  // namespace

double UnitOf(double value, bool half) {
  const double magnitude = std::abs(value);
  if (!std::isfinite(magnitude)) return 0;
  const int smallest = half ? -24 : -149;
  if (magnitude == 0) return std::ldexp(1.0, smallest);
  const int exponent = std::ilogb(magnitude) - (half ? 10 : 23);
  return std::ldexp(1.0, std::max(exponent, smallest));
}

bool OnlyMoves(const fbs::Node& node) {
  switch (node.op_type()) {
    case fbs::Op::Reshape:
    case fbs::Op::Transpose:
    case fbs::Op::Concat:
    case fbs::Op::Split:
    case fbs::Op::Slice:
    case fbs::Op::Pad:
    case fbs::Op::Gather:
    case fbs::Op::Tile:
    case fbs::Op::Select:
    case fbs::Op::DepthSpace:
    case fbs::Op::Trilu:
      return true;
    case fbs::Op::Pool:
      return node.op_as_Pool()->kind() == fbs::PoolKind::max;
    default:
      return false;
  }
}

bool IsMac(const fbs::Node& node) {
  return node.op_type() == fbs::Op::Conv ||
         node.op_type() == fbs::Op::ConvTranspose ||
         node.op_type() == fbs::Op::Matmul || node.op_type() == fbs::Op::Einsum;
}

Expected<std::vector<double>> ElementsOfValue(const HostValue& value) {
  ANEREF_ASSIGN(const OwnedTensor dense, CopyDense(value.view));
  return ElementsOf(dense);
}

Expected<HostValue> WithElements(const HostValue& value,
                                 const std::vector<double>& values) {
  ANEREF_ASSIGN(OwnedTensor wide,
                AllocateTensor({DataType::kFloat64, value.view.shape}));
  std::copy(values.begin(), values.end(),
            reinterpret_cast<double*>(wide.bytes.get()));
  ANEREF_ASSIGN(const OwnedTensor same, ConvertTensor(wide, value.view.dtype));
  const Numerics numerics = value.view.dtype == DataType::kFloat16
                                ? Numerics::kPortable
                                : Numerics::kFp32;
  return MakeHostValue(value.declared, same.View(), numerics);
}

Expected<std::vector<double>> RoundingBound(NodeEvaluator* evaluator,
                                            const BoundRequest& request,
                                            size_t output,
                                            const std::vector<double>& ours) {
  std::vector<double> bound(ours.size());
  const bool moves = OnlyMoves(*request.node);
  for (size_t i = 0; i < ours.size(); ++i) {
    // Both sides round once; what only moves is rounded at most when it enters.
    const double units = moves ? (request.rounded_operands ? 0.5 : 0) : 1;
    bound[i] = units * UnitOf(ours[i], request.half_results);
  }
  if (moves) return bound;
  ANEREF_TRY(AddFunctionError(request, &bound));
  ANEREF_TRY(AddSumError(evaluator, request, output, &bound));
  ANEREF_TRY(AddOperandError(evaluator, request, output, &bound));
  return bound;
}

}  // namespace aneref
