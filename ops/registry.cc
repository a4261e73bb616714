// Expands ops.def into the table and proves at compile time that it matches the
// schema's union.
#include "ops/registry.h"

#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "ops/chosen_families.h"

namespace aneref {
namespace {

constexpr fbs::Op kSchemaOrder[] = {
#define ANEREF_OP(table, family) fbs::OpTraits<fbs::table>::enum_value,
#include "ops/ops.def"
#undef ANEREF_OP
};
constexpr size_t kNumOps = std::size(kSchemaOrder);
static_assert(kNumOps == static_cast<size_t>(fbs::Op::MAX),
              "ops.def must list every member of union Op");

constexpr bool InSchemaOrder() {
  for (size_t i = 0; i < kNumOps; ++i) {
    if (kSchemaOrder[i] != static_cast<fbs::Op>(i + 1)) return false;
  }
  return true;
}
static_assert(InSchemaOrder(), "ops.def must follow the order of union Op");

Status IsAbsent(const OpView& op) {
  return Unsupported("this build of aneref has no op '" + OpName(op.node()) +
                     "' (ANEREF_OPS)");
}
constexpr OpDef kAbsent{
    "absent", "Left out of this build.",
    [](const OpView& op) -> Expected<std::vector<TensorType>> {
      return IsAbsent(op);
    },
    [](const OpView& op, TaskBuilder*) { return IsAbsent(op); },
    [](const OpView& op, const RefTensors&) { return IsAbsent(op); }};

constexpr std::array<const OpDef*, kNumOps> kOps = {
#define ANEREF_OP(table, family) IsChosen(#family) ? &family##_op : &kAbsent,
#include "ops/ops.def"
#undef ANEREF_OP
};

// "cast" -> "cast"; enumerators that clash with C++ words end in '_'.
std::string Trim(const char* name) {
  std::string text(name);
  while (!text.empty() && text.back() == '_') text.pop_back();
  return text;
}

template <class Table>
std::string KindName(
    const fbs::Node& node,
    const char* (*name)(decltype(std::declval<Table>().kind()))) {
  return Trim(name(static_cast<const Table*>(node.op())->kind()));
}

}  // namespace

const OpDef* FindOp(fbs::Op op) {
  const auto index = static_cast<size_t>(op);
  return index == 0 || index > kNumOps ? nullptr : kOps[index - 1];
}

std::span<const OpDef* const> AllOps() { return kOps; }

std::string OpName(const fbs::Node& node) {
  switch (node.op_type()) {  // the families whose kinds are what users call ops
    case fbs::Op::Pool:
      return KindName<fbs::Pool>(node, fbs::EnumNamePoolKind) + "_pool";
    case fbs::Op::Elementwise:
      return KindName<fbs::Elementwise>(node, fbs::EnumNameElementwiseKind);
    case fbs::Op::Activation:
      return KindName<fbs::Activation>(node, fbs::EnumNameActivationKind);
    case fbs::Op::Norm:
      return KindName<fbs::Norm>(node, fbs::EnumNameNormKind) + "_norm";
    case fbs::Op::Reduce:
      return "reduce_" + KindName<fbs::Reduce>(node, fbs::EnumNameReduceKind);
    case fbs::Op::Reshape:
      return KindName<fbs::Reshape>(node, fbs::EnumNameReshapeKind);
    case fbs::Op::Gather: {
      const std::string kind =
          KindName<fbs::Gather>(node, fbs::EnumNameGatherKind);
      return kind == "gather" ? kind : "gather_" + kind;
    }
    case fbs::Op::Tile:
      return KindName<fbs::Tile>(node, fbs::EnumNameTileKind);
    case fbs::Op::DepthSpace:
      return KindName<fbs::DepthSpace>(node, fbs::EnumNameDepthSpaceKind);
    case fbs::Op::Generate:
      return KindName<fbs::Generate>(node, fbs::EnumNameGenerateKind);
    default: {
      const OpDef* def = FindOp(node.op_type());
      return def == nullptr ? "unknown" : def->name;
    }
  }
}

}  // namespace aneref
