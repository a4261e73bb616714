// Einstein summation: letters name axes; letters that the result lacks are
// summed. One fp32 sum per result over the summed letters in row-major order,
// in the order in which the equation first names them; a term is the product of
// the operands from left to right (P3, P4). Integers wrap (P13).
#include <algorithm>
#include <array>
#include <string>

#include "ops/device_mac.h"
#include "ops/integers.h"
#include "ops/op.h"
#include "runtime/core/convert.h"

namespace aneref {
namespace {

// Axes of one term of the equation: letters, or kEllipsis.
constexpr char kEllipsis = '.';
constexpr size_t kMostOperands = 64;

struct Equation {
  std::vector<std::string> operands;
  std::string result;
};

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// "ab...c" to "ab.c".
Expected<std::string> ParseTerm(const std::string& text) {
  std::string term;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_ellipsis = text.compare(i, 3, "...") == 0 &&
                             term.find(kEllipsis) == std::string::npos;
    if (!IsLetter(text[i]) && !is_ellipsis)
      return ShapeError("the equation has the term \"" + text + "\"");
    term += is_ellipsis ? kEllipsis : text[i];
    if (is_ellipsis) i += 2;
  }
  return term;
}

// Without "->": the ellipsis, then the letters that stand once, in order.
std::string ImplicitResult(const std::vector<std::string>& operands) {
  std::array<size_t, 128> counts{};
  for (const std::string& term : operands) {
    for (char c : term) ++counts[static_cast<size_t>(c)];
  }
  std::string result;
  if (counts[static_cast<size_t>(kEllipsis)] > 0) result += kEllipsis;
  for (size_t c = 0; c < counts.size(); ++c) {
    const char letter = static_cast<char>(c);
    if (letter != kEllipsis && counts[c] == 1) result += letter;
  }
  return result;
}

Status CheckResult(const Equation& equation) {
  for (size_t i = 0; i < equation.result.size(); ++i) {
    const char c = equation.result[i];
    const bool read = std::any_of(
        equation.operands.begin(), equation.operands.end(),
        [&](const std::string& term) { return term.find(c) != term.npos; });
    // An ellipsis may stand for no axis at all.
    if ((read || c == kEllipsis) && equation.result.find(c) == i) continue;
    return ShapeError("the result \"" + equation.result +
                      "\" of the equation repeats a letter or adds one");
  }
  return Status();
}

Expected<Equation> Parse(const OpView& op) {
  const auto* attribute = op.attributes<fbs::Einsum>().equation();
  std::string text = attribute == nullptr ? "" : attribute->str();
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  const size_t arrow = text.find("->");
  const std::string left = text.substr(0, arrow);
  Equation equation;
  for (size_t begin = 0; begin <= left.size();) {
    const size_t end = std::min(left.find(',', begin), left.size());
    ANEREF_ASSIGN(std::string term, ParseTerm(left.substr(begin, end - begin)));
    equation.operands.push_back(std::move(term));
    begin = end + 1;
  }
  if (equation.operands.size() != op.num_inputs()) {
    return ShapeError("the equation has " +
                      std::to_string(equation.operands.size()) +
                      " operands, the node " + std::to_string(op.num_inputs()));
  }
  if (arrow == text.npos) {
    equation.result = ImplicitResult(equation.operands);
  } else {
    ANEREF_ASSIGN(equation.result, ParseTerm(text.substr(arrow + 2)));
  }
  ANEREF_TRY(CheckResult(equation));
  return equation;
}

// Every axis of the iteration: result axes, then summed ones. The axes of an
// ellipsis count from its end; they have the names 128, 129, ...
struct Plan {
  std::vector<int> names;
  std::vector<int64_t> extents;
  std::vector<std::vector<int64_t>> strides;  // per operand, in elements
  size_t num_result_axes = 0;
};

constexpr int kFirstEllipsisName = 128;

// The names of an operand's axes.
Expected<std::vector<int>> NamesOf(const std::string& term,
                                   const TensorType& type) {
  const size_t dots = term.find(kEllipsis) == term.npos ? 0 : 1;
  const size_t letters = term.size() - dots, rank = type.shape.rank();
  if (rank < letters || (dots == 0 && rank != letters)) {
    return ShapeError("operand " + type.ToString() + " has other axes than \"" +
                      term + "\"");
  }
  std::vector<int> names;
  for (char c : term) {
    if (c != kEllipsis) names.push_back(c);
    const auto hidden = static_cast<int>(c == kEllipsis ? rank - letters : 0);
    for (int i = hidden; i-- > 0;) names.push_back(kFirstEllipsisName + i);
  }
  return names;
}

void AddName(int name, Plan* plan) {
  if (std::find(plan->names.begin(), plan->names.end(), name) ==
      plan->names.end())
    plan->names.push_back(name);
}

// Result axes, then the others as the operands name them.
void OrderNames(const Equation& equation,
                const std::vector<std::vector<int>>& operand_names,
                Plan* plan) {
  int hidden = 0;  // axes that the ellipsis stands for
  for (const auto& names : operand_names) {
    for (int name : names)
      hidden = std::max(hidden, name - kFirstEllipsisName + 1);
  }
  for (char c : equation.result) {
    if (c != kEllipsis) AddName(c, plan);
    for (int i = c == kEllipsis ? hidden : 0; i-- > 0;)
      AddName(kFirstEllipsisName + i, plan);
  }
  plan->num_result_axes = plan->names.size();
  for (const auto& names : operand_names) {
    for (int name : names) AddName(name, plan);
  }
}

// Extents and strides; an axis of extent 1 broadcasts, a name that stands twice
// walks the diagonal.
Status MeasureOperand(const Shape& shape, const std::vector<int>& names,
                      Plan* plan) {
  std::vector<int64_t> strides(plan->names.size());
  for (size_t axis = 0; axis < names.size(); ++axis) {
    const auto found =
        std::find(plan->names.begin(), plan->names.end(), names[axis]);
    const auto i = static_cast<size_t>(found - plan->names.begin());
    int64_t& extent = plan->extents[i];
    if (extent == 1) extent = shape[axis];
    if (shape[axis] != 1 && shape[axis] != extent) {
      return ShapeError("an axis is " + std::to_string(extent) + " and " +
                        std::to_string(shape[axis]) + " long");
    }
    if (shape[axis] != 1)
      strides[i] += shape.NumElements(axis + 1, shape.rank());
  }
  plan->strides.push_back(std::move(strides));
  return Status();
}

Expected<Plan> MakePlan(const OpView& op) {
  ANEREF_ASSIGN(const Equation equation, Parse(op));
  std::vector<std::vector<int>> operand_names;
  for (size_t i = 0; i < op.num_inputs(); ++i) {
    ANEREF_ASSIGN(std::vector<int> names,
                  NamesOf(equation.operands[i], op.In(i)));
    operand_names.push_back(std::move(names));
  }
  Plan plan;
  OrderNames(equation, operand_names, &plan);
  plan.extents.assign(plan.names.size(), 1);
  for (size_t i = 0; i < op.num_inputs(); ++i)
    ANEREF_TRY(MeasureOperand(op.In(i).shape, operand_names[i], &plan));
  return plan;
}

Expected<Shape> ResultShape(const Plan& plan) {
  return MakeShape({plan.extents.begin(),
                    plan.extents.begin() +
                        static_cast<std::ptrdiff_t>(plan.num_result_axes)});
}

// The number of terms must not overflow.
Status CheckTerms(const Plan& plan) {
  int64_t terms = 1;
  for (int64_t extent : plan.extents) {
    if (terms > kMaxElements / std::max<int64_t>(extent, 1))
      return LimitError("the equation has more than 2^40 terms");
    terms *= std::max<int64_t>(extent, 1);
  }
  return Status();
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  if (op.num_inputs() < 1) return ShapeError("an equation needs an operand");
  ANEREF_TRY(CheckInputs(op, op.num_inputs(), kMostOperands));
  const DataType type = op.In(0).dtype;
  for (size_t i = 0; i < op.num_inputs(); ++i) {
    if (op.In(i).dtype != type || type == DataType::kBool)
      return ShapeError("operand " + std::to_string(i) + " is " +
                        op.In(i).ToString());
  }
  ANEREF_ASSIGN(const Plan plan, MakePlan(op));
  ANEREF_TRY(CheckTerms(plan));
  ANEREF_ASSIGN(const Shape shape, ResultShape(plan));
  return std::vector<TensorType>{{type, shape}};
}

// ---- reference ----

// Steps through axes [begin, end) of the iteration, row major, keeping the
// position in every operand.
class Odometer {
 public:
  Odometer(const Plan& plan, size_t begin, size_t end)
      : plan_(plan), begin_(begin), end_(end), index_(end) {}

  // Moves `positions` to the next element; back to the first after the last.
  void Next(std::vector<int64_t>* positions) {
    for (size_t axis = end_; axis-- > begin_;) {
      const bool wraps = ++index_[axis] == plan_.extents[axis];
      const int64_t steps = wraps ? 1 - plan_.extents[axis] : 1;
      for (size_t i = 0; i < positions->size(); ++i)
        (*positions)[i] += steps * plan_.strides[i][axis];
      if (!wraps) return;
      index_[axis] = 0;
    }
  }
  int64_t NumElements() const {
    int64_t count = 1;
    for (size_t axis = begin_; axis < end_; ++axis) {
      if (plan_.extents[axis] == 0) return 0;
      count *= plan_.extents[axis];
    }
    return count;
  }

 private:
  const Plan& plan_;
  size_t begin_, end_;
  std::vector<int64_t> index_;
};

// Sum is float, or uint64_t where integers wrap.
template <class Sum, class Value>
std::vector<Value> Contract(const Plan& plan,
                            const std::vector<std::vector<Value>>& operands) {
  const size_t num_axes = plan.names.size();
  Odometer outer(plan, 0, plan.num_result_axes);
  Odometer inner(plan, plan.num_result_axes, num_axes);
  const int64_t terms = inner.NumElements();
  std::vector<int64_t> at(operands.size());
  std::vector<Value> result(static_cast<size_t>(outer.NumElements()));
  for (Value& value : result) {
    Sum sum = 0;
    for (int64_t t = 0; t < terms; ++t) {
      auto term = static_cast<Sum>(operands[0][static_cast<size_t>(at[0])]);
      for (size_t i = 1; i < operands.size(); ++i)
        term *= static_cast<Sum>(operands[i][static_cast<size_t>(at[i])]);
      sum += term;
      inner.Next(&at);
    }
    value = static_cast<Value>(sum);
    outer.Next(&at);
  }
  return result;
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const Plan plan, MakePlan(op));
  if (tensors.out[0].shape.NumElements() == 0) return Status();
  if (IsInteger(op.In(0).dtype)) {
    std::vector<std::vector<int64_t>> operands;
    for (const TensorView& view : tensors.in)
      operands.push_back(LoadInts(view));
    StoreIntegers<int64_t>(Contract<uint64_t>(plan, operands), tensors.out[0]);
  } else {
    std::vector<std::vector<float>> operands;
    for (const TensorView& view : tensors.in)
      operands.push_back(LoadFloats(view));
    StoreFloats(Contract<float>(plan, operands), tensors.out[0]);
  }
  return Status();
}

// ---- device numerics ----

// The first factor of a term: of several operands all but the last are
// multiplied on the planar engine. One operand alone is summed there (N24).
uint16_t LeftFactor(const Profile& profile,
                    const std::vector<std::vector<uint16_t>>& operands,
                    const std::vector<int64_t>& at) {
  uint16_t product = operands[0][static_cast<size_t>(at[0])];
  for (size_t i = 1; i + 1 < operands.size(); ++i)
    product = Planar(profile, PlanarOp::kMul, product,
                     operands[i][static_cast<size_t>(at[i])]);
  return product;
}

Status DeviceReference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const Plan plan, MakePlan(op));
  if (tensors.out[0].shape.NumElements() == 0) return Status();
  const Profile& profile = op.device()->profile();
  std::vector<std::vector<uint16_t>> operands;
  for (const TensorView& view : tensors.in)
    operands.push_back(LoadHalves(view));
  Odometer outer(plan, 0, plan.num_result_axes);
  Odometer inner(plan, plan.num_result_axes, plan.names.size());
  const int64_t terms = inner.NumElements();
  std::vector<int64_t> at(operands.size());
  std::vector<uint16_t> result(static_cast<size_t>(outer.NumElements()));
  for (uint16_t& value : result) {
    Accumulator sum(profile);
    std::vector<uint16_t> list;
    sum.Start();
    for (int64_t t = 0; t < terms; ++t) {
      const uint16_t left = LeftFactor(profile, operands, at);
      if (operands.size() == 1)
        list.push_back(left);
      else
        sum.Add(left, operands.back()[static_cast<size_t>(at.back())]);
      inner.Next(&at);
    }
    value = operands.size() == 1
                ? ReduceSum(profile, {list.data(), list.size()})
                : sum.Finish();
    outer.Next(&at);
  }
  StoreHalves(result, tensors.out[0]);
  return Status();
}

Status DeviceLower(const OpView& op, TaskBuilder* builder) {
  if (op.Out(0).shape.NumElements() == 0) return Status();
  return LowerToReference(op, DeviceReference, builder);
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  if (op.Out(0).shape.NumElements() == 0) return Status();
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const DeviceOp einsum_device = {IsHalfOp, DeviceLower, DeviceReference};

const OpDef einsum_op = {
    "einsum", "Einstein summation: products of operands summed over letters.",
    Infer, Lower, Reference};

}  // namespace aneref
