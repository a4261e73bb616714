// Evaluators of other arithmetic in the same format, and of dumps that were
// read wrongly.
#include "runtime/explain/match.h"
#include "runtime/explain/quirk_sums.h"
#include "runtime/explain/quirk_tools.h"

namespace aneref {
namespace {

Expected<OwnedTensor> Doubles(const QuirkContext& context,
                              const std::vector<double>& values) {
  ANEREF_ASSIGN(OwnedTensor tensor,
                AllocateTensor({DataType::kFloat64, context.shape}));
  std::copy(values.begin(), values.end(),
            reinterpret_cast<double*>(tensor.bytes.get()));
  return tensor;
}

Expected<Candidates> PaddedRows(const QuirkContext& context) {
  ANEREF_ASSIGN(const OwnedTensor ours, Doubles(context, context.ours));
  ANEREF_ASSIGN(const OwnedTensor theirs, Doubles(context, context.theirs));
  return ExplainPaddedRows(theirs, ours).empty() ? Candidates{}
                                                 : Candidates{context.theirs};
}

Expected<Candidates> Overflow(const QuirkContext& context) {
  if (!context.half) return Candidates{};
  return EachElement(context, [](size_t, double y) {
    return std::abs(y) == 65504 ? std::copysign(kInfinite, y) : y;
  });
}

Expected<Candidates> FlushDenormals(const QuirkContext& context) {
  return EachElement(context, [](size_t, double y) {
    return std::abs(y) < 0x1p-14 ? 0.0 : y;
  });
}

Expected<Candidates> Truncate(const QuirkContext& context) {
  if (!context.half || OnlyMoves(*context.node)) return Candidates{};
  ANEREF_ASSIGN(
      const std::vector<double> wide,
      Evaluated(context, *context.node, AsInMemory(context), WideArithmetic()));
  return EachElement(context, [&](size_t i, double y) {
    if (!std::isfinite(wide[i]) || std::abs(y) <= std::abs(wide[i])) return y;
    const uint16_t bits = DoubleToHalf(y);
    return static_cast<double>(HalfToFloat(static_cast<uint16_t>(bits - 1)));
  });
}

constexpr EvaluatorRow kRows[] = {
    {"padded_rows", &PaddedRows},
    {"mask_beyond_fp16", &EvaluateMaskBeyondHalf},
    {"overflow_to_infinity", &Overflow},
    {"denormals_flushed", &FlushDenormals},
    {"truncating_rounding", &Truncate},
};

}  // namespace

QuirkEvaluator FindHostEvaluator(std::string_view name) {
  for (const EvaluatorRow& row : kRows) {
    if (row.name == name) return row.evaluate;
  }
  return nullptr;
}

}  // namespace aneref
