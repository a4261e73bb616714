// Runs one node without a net: infer, then the reference, the scalar kernels
// and the SIMD kernels on every target, all of which must agree bit for bit
// (NaN as NaN). Tensors are engine surfaces with poisoned row padding.
#ifndef ANEREF_TESTS_SUPPORT_OP_RUNNER_H_
#define ANEREF_TESTS_SUPPORT_OP_RUNNER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ops/device.h"
#include "ops/op.h"

namespace aneref::test {

// A dense tensor of a test. Values are given as doubles; half() and floats()
// make the two floating types.
struct TestTensor {
  TensorType type;
  std::vector<std::byte> bytes;
  bool known = false;  // its value is known at plan time (a constant)
  bool absent = false;
  // Known fp16 values as the file stores them, where that is wider.
  std::vector<float> stored = {};
  std::vector<double> Values() const;  // widened
  std::vector<uint16_t> Bits() const;  // fp16 only
};
TestTensor Absent();
TestTensor Make(DataType type, const Shape& shape,
                const std::vector<double>& values);
TestTensor Half(const Shape& shape,
                const std::vector<double>& values);  // rounded RNE
TestTensor HalfBits(const Shape& shape, const std::vector<uint16_t>& bits);
TestTensor Float(const Shape& shape, const std::vector<double>& values);
TestTensor Ints(const Shape& shape,
                const std::vector<double>& values);  // int64
TestTensor Known(TestTensor tensor);
// Seeded values of a mixed magnitude, fp16-exact; `specials` mixes in +-0,
// subnormals, largest, inf and NaN.
TestTensor Random(DataType type, const Shape& shape, uint32_t seed,
                  bool specials = false);

struct RunResult {
  Status status;  // of infer, lower or the run
  std::vector<TestTensor> outputs;
};

// The context of "h13", "h15" or "h16", or with an option: "h13,mac=q15_16".
const DeviceContext& DeviceOf(const std::string& profile);

// `profile` empty: host numerics, and then, where the op has an engine
// datapath, the agreement of its rungs in every profile, too.
RunResult RunNode(const OpDef& def, fbs::NodeT* node,
                  const std::vector<TestTensor>& inputs, size_t num_outputs,
                  const std::string& profile = "");
// `attributes` is an object-API table, e.g. fbs::ConvT. Checks agreement of all
// rungs with doctest CHECKs.
template <class AttributesT>
RunResult RunOp(const OpDef& def, const AttributesT& attributes,
                const std::vector<TestTensor>& inputs, size_t num_outputs = 1) {
  fbs::NodeT node;
  node.op.Set(AttributesT(attributes));
  return RunNode(def, &node, inputs, num_outputs);
}
// The same in the engine's arithmetic: the results of `profile`.
template <class AttributesT>
RunResult RunDeviceOp(const std::string& profile, const OpDef& def,
                      const AttributesT& attributes,
                      const std::vector<TestTensor>& inputs,
                      size_t num_outputs = 1) {
  fbs::NodeT node;
  node.op.Set(AttributesT(attributes));
  return RunNode(def, &node, inputs, num_outputs, profile);
}

}  // namespace aneref::test

#endif  // ANEREF_TESTS_SUPPORT_OP_RUNNER_H_
