// Evaluators of the engine's own behaviour: functions, masks, slices, norms.
// Sums and roundings: quirk_sums.cc.
#include <array>

#include "runtime/explain/quirk_sums.h"
#include "runtime/explain/quirk_tools.h"

namespace aneref {
namespace {

// The largest fp16 operand whose exponential stays below 2^15 is 10.390625
// (N20): softplus is 0 from the next one on.
constexpr double kSoftplusCliff = 10.3984375;
constexpr double kOverflowsHalf = 65520;  // rounds to infinity
constexpr double kLogOfZero = -45440;     // N32

Expected<Candidates> Softplus(const QuirkContext& context) {
  ANEREF_ASSIGN(const std::vector<double> x, OperandElements(context, 0));
  return EachElement(context, [&](size_t i, double y) {
    return x[i] >= kSoftplusCliff ? 0.0 : y;
  });
}

Expected<Candidates> LogSumExp(const QuirkContext& context) {
  // In fp32, so that the sum shows how large it is.
  ANEREF_ASSIGN(const HostValue wide_x,
                ConvertValue(context.in[0], Numerics::kFp32));
  ANEREF_ASSIGN(std::vector<double> x, ElementsOfValue(wide_x));
  for (double& value : x) value = std::exp(value);
  HostValues in = context.in;
  ANEREF_ASSIGN(in[0], WithElements(wide_x, x));
  ANEREF_ASSIGN(const std::vector<double> sums,
                WithAttributes(
                    context,
                    [](fbs::NodeT* node) {
                      node->op.AsReduce()->kind = fbs::ReduceKind::sum;
                    },
                    in, WideArithmetic()));
  return EachElement(context, [&](size_t i, double y) {
    return sums[i] >= kOverflowsHalf ? 0.0 : y;
  });
}

Expected<Candidates> LogOfSoftmax(const QuirkContext& context) {
  if (!context.node->op_as_Softmax()->log()) return Candidates{};
  ANEREF_ASSIGN(
      const std::vector<double> shares,
      WithAttributes(
          context, [](fbs::NodeT* node) { node->op.AsSoftmax()->log = false; },
          context.in, Arithmetic{Numerics::kPortable, nullptr}));
  Candidates candidates;
  for (const double zero : {kLogOfZero, -kInfinite}) {
    candidates.push_back(EachElement(context, [&](size_t i, double) {
      return shares[i] == 0 ? zero : RoundHalf(std::log(RoundHalf(shares[i])));
    })[0]);
  }
  return candidates;
}

Expected<Candidates> MaskBeyondHalf(const QuirkContext& context) {
  Candidates candidates;
  for (size_t k = 0; k < context.in.size(); ++k) {
    const HostValue& value = context.in[k];
    if (!value.defined || value.known.data == nullptr ||
        !IsFloating(value.known.dtype)) {
      continue;
    }
    ANEREF_ASSIGN(const OwnedTensor stored, CopyDense(value.known));
    std::vector<double> elements = ElementsOf(stored);
    bool found = false;
    for (double& element : elements) {
      if (std::abs(element) < kOverflowsHalf || std::isinf(element)) continue;
      element = std::copysign(kInfinite, element);
      found = true;
    }
    if (!found) continue;
    HostValues in = context.in;
    ANEREF_ASSIGN(in[k], WithElements(value, elements));
    ANEREF_ASSIGN(std::vector<double> result,
                  Evaluated(context, *context.node, in, context.arithmetic));
    candidates.push_back(std::move(result));
  }
  return candidates;
}

// The first column that a slice keeps, found by slicing column numbers.
Expected<double> FirstColumn(const QuirkContext& context) {
  ANEREF_ASSIGN(const HostValue wide,
                ConvertValue(context.in[0], Numerics::kFp32));
  ANEREF_ASSIGN(std::vector<double> columns, ElementsOfValue(wide));
  const auto width = static_cast<size_t>(wide.view.width());
  for (size_t i = 0; i < columns.size(); ++i) {
    columns[i] = static_cast<double>(i % width);
  }
  HostValues in = context.in;
  ANEREF_ASSIGN(in[0], WithElements(wide, columns));
  ANEREF_ASSIGN(const std::vector<double> kept,
                Evaluated(context, *context.node, in, WideArithmetic()));
  return kept.empty() ? 0.0 : kept[0];
}

Expected<Candidates> WidthSlice16(const QuirkContext& context) {
  ANEREF_ASSIGN(const double column, FirstColumn(context));
  if (column == 0) return Candidates{};
  return EachElement(context, [](size_t, double y) {
    return std::abs(y) >= 4096 ? std::copysign(kInfinite, y) : y;
  });
}

// N6: where we have a NaN or an infinity made of one, the engine has a number.
Expected<Candidates> Exponent31(const QuirkContext& context) {
  if (std::none_of(context.ours.begin(), context.ours.end(),
                   [](double y) { return !std::isfinite(y); })) {
    return Candidates{};
  }
  Candidates candidates;
  for (const Arithmetic& engine : {context.h13, context.h16}) {
    if (engine.device == nullptr) continue;
    ANEREF_ASSIGN(const std::vector<double> device,
                  Evaluated(context, *context.node, context.in, engine));
    candidates.push_back(EachElement(context, [&](size_t i, double y) {
      return std::isfinite(y) ? y : device[i];
    })[0]);
  }
  return candidates;
}

Expected<Candidates> LogZero(const QuirkContext& context) {
  return EachElement(context, [](size_t, double y) {
    return y == -kInfinite ? kLogOfZero : y;
  });
}

Expected<Candidates> SoftsignInfinity(const QuirkContext& context) {
  ANEREF_ASSIGN(const std::vector<double> x, OperandElements(context, 0));
  return EachElement(
      context, [&](size_t i, double y) { return std::isinf(x[i]) ? 0.0 : y; });
}

Expected<Candidates> SignOfZero(const QuirkContext& context) {
  const size_t divisor =
      context.node->op_type() == fbs::Op::Elementwise ? 1 : 0;
  ANEREF_ASSIGN(const std::vector<double> x, OperandElements(context, divisor));
  return EachElement(context, [&](size_t i, double y) {
    return x[i] == 0 && std::signbit(x[i]) && std::isinf(y) ? -y : y;
  });
}

// N34: 1 / (x + 1e-4), rsqrt(x + 1e-12), log(x + 1e-45), and their epsilons as
// fp16 has them.
Expected<Candidates> InverseEpsilon(const QuirkContext& context) {
  ANEREF_ASSIGN(const std::vector<double> x, OperandElements(context, 0));
  Candidates candidates;
  const fbs::Activation* activation = context.node->op_as_Activation();
  for (const double epsilon : {1e-4, RoundHalf(1e-4), 1e-6, 1e-12}) {
    candidates.push_back(EachElement(context, [&](size_t i, double) {
      const double at = x[i] + epsilon;
      switch (activation->kind()) {
        case fbs::ActivationKind::inverse:
          return RoundHalf(1 / at);
        case fbs::ActivationKind::rsqrt:
          return RoundHalf(1 / std::sqrt(at));
        default:
          return RoundHalf(std::log(at));
      }
    })[0]);
  }
  return candidates;
}

Expected<Candidates> NormEpsilon(const QuirkContext& context) {
  const auto epsilon =
      static_cast<double>(context.node->op_as_Norm()->epsilon());
  const double rounded = RoundHalf(epsilon);
  if (std::abs(rounded - epsilon) < 0.01 * epsilon) return Candidates{};
  ANEREF_ASSIGN(const std::vector<double> with_half,
                WithAttributes(
                    context,
                    [&](fbs::NodeT* node) {
                      node->op.AsNorm()->epsilon = static_cast<float>(rounded);
                    },
                    context.in, context.arithmetic));
  // 0 * (1 / 0) is NaN, on the engine 0.
  std::vector<double> on_engine = with_half;
  for (double& y : on_engine) y = std::isnan(y) ? 0 : y;
  return Candidates{with_half, on_engine};
}

// rms(x / m) with the same epsilon, m the largest magnitude of each row.
Expected<Candidates> RmsScaledEpsilon(const QuirkContext& context) {
  ANEREF_ASSIGN(const HostValue wide,
                ConvertValue(context.in[0], Numerics::kFp32));
  ANEREF_ASSIGN(std::vector<double> x, ElementsOfValue(wide));
  const auto width = static_cast<size_t>(wide.view.width());
  for (size_t row = 0; row + width <= x.size(); row += width) {
    double largest = 0;
    for (size_t i = 0; i < width; ++i) {
      largest = std::max(largest, std::abs(x[row + i]));
    }
    for (size_t i = 0; i < width && largest > 0; ++i) x[row + i] /= largest;
  }
  HostValues in = context.in;
  ANEREF_ASSIGN(in[0], WithElements(wide, x));
  ANEREF_ASSIGN(std::vector<double> result,
                Evaluated(context, *context.node, in, WideArithmetic()));
  if (context.half) {
    for (double& y : result) y = RoundHalf(y);
  }
  return Candidates{std::move(result)};
}

Expected<Candidates> CausalIgnored(const QuirkContext& context) {
  Candidates candidates;
  if (context.node->op_as_Attention()->is_causal()) {
    ANEREF_ASSIGN(
        std::vector<double> result,
        WithAttributes(
            context,
            [](fbs::NodeT* node) { node->op.AsAttention()->is_causal = false; },
            context.in, context.arithmetic));
    candidates.push_back(std::move(result));
  }
  if (context.in.size() > 3 && context.in[3].defined) {
    HostValues in = context.in;
    in[3] = HostValue{};
    ANEREF_ASSIGN(std::vector<double> result,
                  Evaluated(context, *context.node, in, context.arithmetic));
    candidates.push_back(std::move(result));
  }
  return candidates;
}

Expected<Candidates> ReciprocalDivision(const QuirkContext& context) {
  if (context.in.size() < 2 || context.in[1].known.data == nullptr) {
    return Candidates{};
  }
  ANEREF_ASSIGN(const std::vector<double> a, OperandElements(context, 0));
  ANEREF_ASSIGN(const std::vector<double> b, OperandElements(context, 1));
  return EachElement(context, [&](size_t i, double) {
    return RoundHalf(a[i] * RoundHalf(1 / b[i]));
  });
}

double RelativeDistance(const std::vector<double>& a,
                        const std::vector<double>& b) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += a[i] * a[i];
  }
  return norm > 0 ? std::sqrt(difference / norm) : kInfinite;
}

// Only the pattern and the size of the deviation are known.
Expected<Candidates> MatmulHardSwish(const QuirkContext& context) {
  if (context.shape.rank() != 2 || context.producer == nullptr ||
      context.producer->op_type() != fbs::Op::Matmul) {
    return Candidates{};
  }
  const double distance = RelativeDistance(context.ours, context.theirs);
  return distance > 0.002 && distance < 0.15 ? Candidates{context.theirs}
                                             : Candidates{};
}

Expected<Candidates> StateWidth(const QuirkContext& context) {
  return context.state && context.shape.back() % 32 != 0
             ? Candidates{context.theirs}
             : Candidates{};
}

constexpr EvaluatorRow kRows[] = {
    {"softplus_cliff", &Softplus},
    {"mish_through_softplus", &Softplus},
    {"log_sum_exp_without_shift", &LogSumExp},
    {"log_softmax_of_softmax", &LogOfSoftmax},
    {"width_slice_x16", &WidthSlice16},
    {"exponent_31_is_a_number", &Exponent31},
    {"log_of_zero", &LogZero},
    {"softsign_of_infinity", &SoftsignInfinity},
    {"sign_of_zero", &SignOfZero},
    {"inverse_epsilon", &InverseEpsilon},
    {"norm_epsilon_underflow", &NormEpsilon},
    {"causal_mask_ignored", &CausalIgnored},
    {"divide_by_reciprocal", &ReciprocalDivision},
    {"matmul_2d_hard_swish", &MatmulHardSwish},
    {"state_width", &StateWidth},
    {"sum_square_rounds_squares", &SumSquareRounds},
    {"denormal_operands", &DenormalOperands},
    {"small_products_dropped", &SmallProductsDropped},
    {"mac_ceiling", &MacCeiling},
    {"half_away_rounding", &HalfAway},
    {"fixed_point_sums", &EngineH16},
    {"twelve_bit_sums", &EngineH13},
    {"lookup_tables", &EngineTables},
};

}  // namespace

Expected<std::vector<double>> OperandElements(const QuirkContext& context,
                                              size_t index) {
  if (index >= context.in.size() || !context.in[index].defined) {
    return ShapeError("no such operand");
  }
  const Shape& from = context.in[index].view.shape;
  ANEREF_ASSIGN(const std::vector<double> elements,
                ElementsOfValue(context.in[index]));
  if (from == context.shape) return elements;
  const size_t rank = context.shape.rank();
  if (from.rank() > rank) return ShapeError("an operand of a higher rank");
  std::vector<double> spread(context.ours.size());
  for (size_t i = 0; i < spread.size(); ++i) {
    auto rest = static_cast<int64_t>(i);
    int64_t at = 0, stride = 1;
    for (size_t axis = rank; axis-- > 0;) {
      const int64_t position = rest % context.shape[axis];
      rest /= context.shape[axis];
      if (axis + from.rank() < rank) continue;
      const int64_t extent = from[axis + from.rank() - rank];
      if (extent != 1 && extent != context.shape[axis]) {
        return ShapeError("an operand of another shape");
      }
      at += extent == 1 ? 0 : position * stride;
      stride *= extent;
    }
    spread[i] = elements[static_cast<size_t>(at)];
  }
  return spread;
}

QuirkEvaluator FindChipEvaluator(std::string_view name) {
  for (const EvaluatorRow& row : kRows) {
    if (row.name == name) return row.evaluate;
  }
  return nullptr;
}

Expected<Candidates> EvaluateMaskBeyondHalf(const QuirkContext& context) {
  return MaskBeyondHalf(context);
}
Expected<Candidates> EvaluateRmsScaledEpsilon(const QuirkContext& context) {
  return RmsScaledEpsilon(context);
}

}  // namespace aneref
