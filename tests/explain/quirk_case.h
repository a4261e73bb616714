// A quirk replayed into the dump of a net of one op: what both tables of quirk
// tests share.
#ifndef ANEREF_TESTS_EXPLAIN_QUIRK_CASE_H_
#define ANEREF_TESTS_EXPLAIN_QUIRK_CASE_H_

#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/explain/bisect.h"
#include "tests/support/draft.h"

namespace aneref::test {

struct QuirkCase {
  const char* id;
  // Builds the net of one op on input "x"; gives the op's tensor.
  std::function<int(DraftBuilder&, int x)> build;
  std::vector<int64_t> shape;
  std::vector<double> x;
  // What the device has in place of the right elements.
  std::vector<std::pair<size_t, double>> device;
};

inline int Unary(DraftBuilder& net, fbs::ActivationKind kind, int x) {
  return net.Unary(kind, x);
}

inline int MatmulWith(DraftBuilder& net, int x, const Shape& shape,
                      const std::vector<double>& weight) {
  return net.Node(fbs::MatmulT(), {x, net.Constant(shape, weight)});
}

inline int Binary(DraftBuilder& net, fbs::ElementwiseKind kind, int x,
                  const std::vector<double>& other) {
  return net.Binary(
      kind, x, net.Constant(Shape{static_cast<int64_t>(other.size())}, other));
}

inline std::vector<double> Ramp(int count) {
  std::vector<double> values;
  for (int i = 1; i <= count; ++i) values.push_back(i);
  return values;
}

// 48 terms that cancel in threes to 16; an M1 sums them to 4 (N10).
inline std::vector<double> Cancelling() {
  std::vector<double> x;
  for (int i = 0; i < 16; ++i) x.insert(x.end(), {4096, -4096, 1});
  return x;
}

inline Arithmetic Engine(const char* profile) {
  return {Numerics::kDevice,
          std::make_shared<const DeviceContext>(*NamedProfile(profile))};
}

inline OwnedTensor Doubles(const std::vector<double>& values,
                           const Shape& shape) {
  OwnedTensor tensor = *AllocateTensor({DataType::kFloat64, shape});
  std::memcpy(tensor.bytes.get(), values.data(), values.size() * 8);
  return tensor;
}

inline std::unique_ptr<Replay> ReplayOf(const std::shared_ptr<const Net>& net,
                                        const OwnedTensor& x) {
  ReplayOptions options;
  auto replay = Replay::Create(net, options);
  REQUIRE_MESSAGE(replay.ok(), replay.status().ToString());
  REQUIRE((*replay)->SetInput(0, x.View()).ok());
  return std::move(*replay);
}

// The bisection of the case's dump.
inline Bisection BlameOf(const QuirkCase& test_case) {
  DraftBuilder builder;
  const int x = builder.Input("x", test_case.shape);
  const int y = test_case.build(builder, x);
  builder.Output(y);
  const auto net = builder.Parse();
  const OwnedTensor input = Doubles(test_case.x, Shape(test_case.shape));
  const auto right = ReplayOf(net, input);
  const Status status = right->Run(nullptr);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  std::map<int32_t, OwnedTensor> dump;
  for (const Replay::Step& step : right->steps()) {
    dump[step.outputs[0]] = *CopyDense(right->value(step.outputs[0]).view);
  }
  std::vector<double> values = ElementsOf(dump[y]);
  for (const auto& [index, value] : test_case.device) values[index] = value;
  dump[y] =
      *ConvertTensor(Doubles(values, dump[y].type.shape), DataType::kFloat16);
  const auto replay = ReplayOf(net, input);
  BisectOptions options;
  options.h13 = Engine("h13");
  options.h16 = Engine("h16");
  return *Bisect(replay.get(), dump, options);
}

}  // namespace aneref::test

#endif  // ANEREF_TESTS_EXPLAIN_QUIRK_CASE_H_
