// What quirk evaluators share: evaluating variants of a node, fp16 rounding of
// doubles, element-by-element candidates.
#ifndef ANEREF_RUNTIME_EXPLAIN_QUIRK_TOOLS_H_
#define ANEREF_RUNTIME_EXPLAIN_QUIRK_TOOLS_H_

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/core/half.h"
#include "runtime/explain/bounds.h"
#include "runtime/explain/quirks.h"
#include "runtime/explain/tensor_set.h"

namespace aneref {

inline double RoundHalf(double value) {
  return static_cast<double>(HalfToFloat(DoubleToHalf(value)));
}

struct EvaluatorRow {
  std::string_view name;
  QuirkEvaluator evaluate;
};

// The context's node, or another one, on other operands.
inline Expected<std::vector<double>> Evaluated(const QuirkContext& context,
                                               const fbs::Node& node,
                                               const HostValues& in,
                                               const Arithmetic& arithmetic) {
  ANEREF_ASSIGN(const HostValues out,
                context.evaluator->Evaluate(node, in, arithmetic));
  if (context.output >= out.size()) return ShapeError("no such output");
  return ElementsOfValue(out[context.output]);
}

// The context's node after `change(NodeT*)`.
template <class Change>
Expected<std::vector<double>> WithAttributes(const QuirkContext& context,
                                             const Change& change,
                                             const HostValues& in,
                                             const Arithmetic& arithmetic) {
  const std::unique_ptr<fbs::NodeT> copy(context.node->UnPack());
  change(copy.get());
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fbs::CreateNode(builder, copy.get()));
  const fbs::Node* node =
      flatbuffers::GetRoot<fbs::Node>(builder.GetBufferPointer());
  return Evaluated(context, *node, in, arithmetic);
}

// `ours` with the elements that `change(i, value)` gives.
template <class Change>
Candidates EachElement(const QuirkContext& context, const Change& change) {
  std::vector<double> candidate = context.ours;
  for (size_t i = 0; i < candidate.size(); ++i) {
    candidate[i] = change(i, candidate[i]);
  }
  return {std::move(candidate)};
}

// The elements of operand `index`, spread to the result's shape where it is
// smaller; empty when it does not broadcast.
Expected<std::vector<double>> OperandElements(const QuirkContext& context,
                                              size_t index);

// Operand `index` with each element changed.
template <class Change>
Expected<HostValues> WithOperand(const QuirkContext& context, size_t index,
                                 const Change& change) {
  HostValues in = context.in;
  if (index >= in.size() || !in[index].defined) {
    return ShapeError("no such operand");
  }
  ANEREF_ASSIGN(std::vector<double> elements, ElementsOfValue(in[index]));
  for (double& element : elements) element = change(element);
  ANEREF_ASSIGN(in[index], WithElements(in[index], elements));
  return in;
}

// The operands as fp16 has them, without the digits that a file may store
// beyond it. Sums keep a bias as stored (P3).
inline HostValues AsInMemory(const QuirkContext& context) {
  HostValues in = context.in;
  for (size_t k = 0; k < in.size(); ++k) {
    if (IsMac(*context.node) && k >= 2) continue;
    in[k].known = TensorView{};
    in[k].known_owner = nullptr;
  }
  return in;
}

inline const Arithmetic& WideArithmetic() {
  static const Arithmetic wide{Numerics::kFp32, nullptr};
  return wide;
}

inline constexpr double kInfinite = std::numeric_limits<double>::infinity();

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_QUIRK_TOOLS_H_
