// Operations of two or three tensors with broadcasting.
#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

using EK = fbs::ElementwiseKind;

template <EK kind>
void Elementwise(Lowering& node) {
  node.EmitOut(Binary(kind), {node.Need("x"), node.Need("y")});
}

// The quotient's floor. x minus the remainder is a multiple of y, so that
// rounding gives it where the rounded quotient alone might be one too large.
void FloorDiv(Lowering& node) {
  const int32_t x = node.Need("x"), y = node.Need("y");
  const int32_t rest = node.Op(EK::mod, x, y);
  const int32_t multiple = node.Op(EK::sub, x, rest);
  if (!IsFloating(node.TypeOf(x)))
    return node.EmitOut(Binary(EK::div), {multiple, y});
  const int32_t quotient = node.Op(EK::div, multiple, y);
  node.EmitOut(Unary(fbs::ActivationKind::round), {quotient});
}

void Select(Lowering& node) {
  const int32_t condition = node.Cast(node.Need("cond"), DataType::kBool);
  node.EmitOut(fbs::SelectT(), {condition, node.Need("a"), node.Need("b")});
}

constexpr OperationRow kRows[] = {
    {"add", Elementwise<EK::add>},
    {"equal", Elementwise<EK::equal>},
    {"floor_div", FloorDiv},
    {"greater", Elementwise<EK::greater>},
    {"greater_equal", Elementwise<EK::greater_equal>},
    {"less", Elementwise<EK::less>},
    {"less_equal", Elementwise<EK::less_equal>},
    {"logical_and", Elementwise<EK::logical_and>},
    {"logical_or", Elementwise<EK::logical_or>},
    {"logical_xor", Elementwise<EK::logical_xor>},
    {"maximum", Elementwise<EK::maximum>},
    {"minimum", Elementwise<EK::minimum>},
    {"mod", Elementwise<EK::mod>},
    {"mul", Elementwise<EK::mul>},
    {"not_equal", Elementwise<EK::not_equal>},
    {"pow", Elementwise<EK::pow>},
    {"real_div", Elementwise<EK::div>},
    {"select", Select},
    {"sub", Elementwise<EK::sub>},
};

}  // namespace

std::span<const OperationRow> BinaryRows() { return kRows; }

}  // namespace aneref::coreml::mil
