// What the tests of the movement families share: counted inputs and checks of
// one result. Expected values stay literals in the tests.
#ifndef ANEREF_TESTS_OPS_MOVEMENT_H_
#define ANEREF_TESTS_OPS_MOVEMENT_H_

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ops/registry.h"
#include "tests/support/op_runner.h"

namespace aneref::test {

// 0, 1, 2, ... in row-major order.
inline TestTensor Counted(DataType type, const Shape& shape) {
  std::vector<double> values(static_cast<size_t>(shape.NumElements()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  return Make(type, shape, values);
}
inline TestTensor Counted(const Shape& shape) {
  return Counted(DataType::kInt32, shape);
}

// One type of each element size: 1, 2, 4 and 8 bytes.
inline constexpr DataType kOneTypePerSize[] = {
    DataType::kInt8, DataType::kFloat16, DataType::kInt32, DataType::kFloat64};

inline void CheckOutput(const RunResult& result, size_t output,
                        const Shape& shape, const std::vector<double>& values) {
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  REQUIRE(output < result.outputs.size());
  CHECK_EQ(result.outputs[output].type.shape.ToString(), shape.ToString());
  CHECK_EQ(result.outputs[output].Values(), values);
}
inline void CheckOnly(const RunResult& result, const Shape& shape,
                      const std::vector<double>& values) {
  CheckOutput(result, 0, shape, values);
}

inline void CheckFails(const RunResult& result, StatusCode code,
                       const std::string& part) {
  REQUIRE_FALSE(result.status.ok());
  CHECK_EQ(static_cast<int>(result.status.code()), static_cast<int>(code));
  INFO(result.status.ToString());
  CHECK_NE(result.status.message().find(part), std::string::npos);
}

}  // namespace aneref::test

#endif  // ANEREF_TESTS_OPS_MOVEMENT_H_
