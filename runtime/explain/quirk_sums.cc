// See quirk_sums.h.
#include "runtime/explain/quirk_sums.h"

#include "runtime/explain/quirk_tools.h"

namespace aneref {
namespace {

constexpr double kSmallestNormal = 0x1p-14;

Expected<Candidates> OnEngine(const QuirkContext& context,
                              const Arithmetic& engine) {
  if (engine.device == nullptr) return Candidates{};
  ANEREF_ASSIGN(std::vector<double> result,
                Evaluated(context, *context.node, context.in, engine));
  return Candidates{std::move(result)};
}

// `ours`, but the engine's element where `pick(ours, engine)`.
template <class Pick>
Expected<Candidates> PartOfEngine(const QuirkContext& context,
                                  const Arithmetic& engine, const Pick& pick) {
  ANEREF_ASSIGN(const Candidates whole, OnEngine(context, engine));
  if (whole.empty()) return Candidates{};
  return EachElement(context, [&](size_t i, double y) {
    return pick(y, whole[0][i]) ? whole[0][i] : y;
  });
}

}  // namespace

Expected<Candidates> SumSquareRounds(const QuirkContext& context) {
  ANEREF_ASSIGN(const HostValues in, WithOperand(context, 0, [](double x) {
                  return RoundHalf(x * x);
                }));
  ANEREF_ASSIGN(std::vector<double> sums, WithAttributes(
                                              context,
                                              [](fbs::NodeT* node) {
                                                node->op.AsReduce()->kind =
                                                    fbs::ReduceKind::sum;
                                              },
                                              in, context.arithmetic));
  return Candidates{std::move(sums)};
}

Expected<Candidates> DenormalOperands(const QuirkContext& context) {
  HostValues in = context.in;
  bool found = false;
  for (size_t k = 0; k < in.size() && k < 2; ++k) {
    if (!in[k].defined) continue;
    ANEREF_ASSIGN(std::vector<double> elements, ElementsOfValue(in[k]));
    for (double& element : elements) {
      if (element == 0 || std::abs(element) >= kSmallestNormal) continue;
      element = 0;
      found = true;
    }
    if (found) {
      ANEREF_ASSIGN(in[k], WithElements(in[k], elements));
    }
  }
  if (!found) return Candidates{};
  ANEREF_ASSIGN(std::vector<double> result,
                Evaluated(context, *context.node, in, context.arithmetic));
  return Candidates{std::move(result)};
}

// Where the engine has nothing left of a small sum.
Expected<Candidates> SmallProductsDropped(const QuirkContext& context) {
  return PartOfEngine(context, context.h16, [](double ours, double engine) {
    return ours != 0 && engine == 0;
  });
}

Expected<Candidates> MacCeiling(const QuirkContext& context) {
  const auto overflows = [](double ours, double engine) {
    return std::isfinite(ours) && std::isinf(engine);
  };
  // The result alone, and with the partial sums that each engine has.
  Candidates candidates = EachElement(context, [](size_t, double y) {
    return std::abs(y) >= 32768 ? std::copysign(kInfinite, y) : y;
  });
  for (const Arithmetic& engine : {context.h13, context.h16}) {
    ANEREF_ASSIGN(Candidates part, PartOfEngine(context, engine, overflows));
    for (std::vector<double>& candidate : part) {
      candidates.push_back(std::move(candidate));
    }
  }
  return candidates;
}

// The exact result of one operation on fp16 operands fits fp32, so a tie shows
// there. Sums of many products are judged by the engine's own (EngineH16).
Expected<Candidates> HalfAway(const QuirkContext& context) {
  if (!context.half || OnlyMoves(*context.node)) return Candidates{};
  ANEREF_ASSIGN(
      const std::vector<double> wide,
      Evaluated(context, *context.node, AsInMemory(context), WideArithmetic()));
  return EachElement(context, [&](size_t i, double y) {
    const double away =
        static_cast<double>(HalfToFloat(DoubleToHalfAway(wide[i])));
    const bool tie = std::isfinite(away) && away != y &&
                     std::abs(away - wide[i]) == std::abs(y - wide[i]);
    return tie ? away : y;
  });
}

Expected<Candidates> EngineH13(const QuirkContext& context) {
  return OnEngine(context, context.h13);
}

Expected<Candidates> EngineH16(const QuirkContext& context) {
  return OnEngine(context, context.h16);
}

Expected<Candidates> EngineTables(const QuirkContext& context) {
  ANEREF_ASSIGN(Candidates both, OnEngine(context, context.h13));
  ANEREF_ASSIGN(Candidates other, OnEngine(context, context.h16));
  for (std::vector<double>& candidate : other) {
    both.push_back(std::move(candidate));
  }
  return both;
}

}  // namespace aneref
