// Ops by hand and their verdicts, for the tests of the placement rules.
#ifndef ANEREF_TESTS_PLAN_PLACEMENT_SUPPORT_H_
#define ANEREF_TESTS_PLAN_PLACEMENT_SUPPORT_H_

#include <doctest/doctest.h>

#include <string>

#include "runtime/plan/placement.h"

namespace aneref::placement {

inline PlacementChip ChipNamed(const std::string& name) {
  const auto chip = ChipTable::Embedded().Find(name);
  REQUIRE_MESSAGE(chip.ok(), name);
  auto read = ReadPlacementChip(**chip);
  REQUIRE_MESSAGE(read.ok(), name);
  return *read;
}

inline OperandFacts Live(const Shape& shape,
                         DataType dtype = DataType::kFloat16) {
  OperandFacts operand;
  operand.shape = shape;
  operand.dtype = dtype;
  return operand;
}

inline OperandFacts Constant(const Shape& shape,
                             DataType dtype = DataType::kFloat16) {
  OperandFacts operand = Live(shape, dtype);
  operand.constant = true;
  return operand;
}

inline OpFacts Op(const std::string& name, const Shape& shape) {
  OpFacts op;
  op.op = name;
  op.inputs = {Live(shape)};
  op.outputs = {Live(shape)};
  return op;
}

// 64 -> 64 channels on 64x64, constant weights, no padding.
inline OpFacts Conv(int64_t kernel_h, int64_t kernel_w) {
  OpFacts op = Op("conv", {1, 64, 64, 64});
  op.channels_second = true;
  op.kernel = {1, kernel_h, kernel_w};
  op.cin = op.cout = 64;
  op.inputs.push_back(Constant({64, 64, kernel_h, kernel_w}));
  return op;
}

inline OpFacts Pool(const std::string& name, int64_t kernel_h,
                    int64_t kernel_w) {
  OpFacts op = Op(name, {1, 64, 256, 256});
  op.channels_second = true;
  op.kernel = {1, kernel_h, kernel_w};
  return op;
}

inline OpFacts Product(const Shape& x, const Shape& y) {
  OpFacts op = Op("matmul", x);
  op.inputs.push_back(Live(y));
  op.inner = x.back();
  return op;
}

inline OpPlacement On(const std::string& chip, const OpFacts& op,
                      Route route = Route::kCoreMl) {
  PlacementOptions options;
  options.route = route;
  return PlaceOp(op, ChipNamed(chip), options);
}

inline bool Accepts(const std::string& chip, const OpFacts& op,
                    Route route = Route::kCoreMl) {
  return On(chip, op, route).accepted;
}

// The finding of a rule; an empty one: it has nothing to say.
inline Reason Finds(const std::string& chip, const OpFacts& op,
                    const std::string& rule, Route route = Route::kCoreMl) {
  for (const Reason& reason : On(chip, op, route).reasons) {
    if (reason.rule == rule) return reason;
  }
  return {};
}
inline bool Rejects(const std::string& chip, const OpFacts& op,
                    const std::string& rule, Route route = Route::kCoreMl) {
  for (const Reason& reason : On(chip, op, route).reasons) {
    if (reason.rule != rule || reason.severity != Severity::kReject) continue;
    // Every refusal names the smallest change that would help.
    CHECK_MESSAGE(!reason.fix.empty(), rule << ": " << reason.text);
    return true;
  }
  return false;
}
inline bool Says(const std::string& chip, const OpFacts& op,
                 const std::string& rule, Route route = Route::kCoreMl) {
  return !Finds(chip, op, rule, route).rule.empty();
}

}  // namespace aneref::placement

#endif  // ANEREF_TESTS_PLAN_PLACEMENT_SUPPORT_H_
