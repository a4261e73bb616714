// Row functions of one operand: the vector twins against the scalar ones, on
// every target, over all halves and over fp32 numbers of every exponent.
#include "ops/kernels/unary.h"

#include <doctest/doctest.h>

#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/each_target.h"

namespace aneref::test {
namespace {

using Kind = fbs::ActivationKind;

template <class T>
std::vector<T> RunRow(UnaryBlockFunction function, const UnaryFunction& f,
                      const std::vector<T>& x) {
  std::vector<T> out(x.size());
  UnaryArgs args;
  args.function = f;
  UnaryBlock block;
  block.x = reinterpret_cast<const std::byte*>(x.data());
  block.out = reinterpret_cast<std::byte*>(out.data());
  block.count = x.size();
  function(args, block);
  return out;
}

template <class T>
size_t Differences(const UnaryFunction& f, DataType type,
                   const std::vector<T>& x) {
  const UnaryBlockFunction vector = SimdUnary(f, type);
  REQUIRE((vector != nullptr));
  const std::vector<T> got = RunRow(vector, f, x);
  const std::vector<T> want = RunRow(ScalarUnary(f.kind, type), f, x);
  size_t count = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::memcmp(&got[i], &want[i], sizeof(T)) == 0) continue;
    if (++count == 1)
      MESSAGE(std::string(fbs::EnumNameActivationKind(f.kind))
              << " of " << static_cast<double>(x[i]));
  }
  return count;
}

TEST_CASE("P7: lanes of double give the bits of the definition in fp32") {
  // Patterns a prime apart reach every exponent and both signs; the rest of
  // the row is a tail of every vector.
  std::vector<float> x;
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += 40009)
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (int i = -4000; i <= 4000; ++i)
    x.push_back(static_cast<float>(i) / 256.0f);
  for (const uint32_t bits :
       {0x80000000u, 0x7F800000u, 0xFF800000u, 0x7F800001u, 0xFFC01234u})
    x.push_back(std::bit_cast<float>(bits));
  if (x.size() % 2 == 0) x.push_back(-0.25f);
  const std::vector<UnaryFunction> functions = {{Kind::exp},
                                                {Kind::sigmoid},
                                                {Kind::tanh},
                                                {Kind::silu, 1.0},
                                                {Kind::silu, 0.0},
                                                {Kind::silu, 1.702},
                                                {Kind::gelu_tanh},
                                                {Kind::elu, 0.5},
                                                {Kind::selu, 1.67326, 1.0507},
                                                {Kind::linear, 2, 1},
                                                {Kind::leaky_relu, 0.1},
                                                {Kind::hard_swish}};
  ForEachTarget([&] {
    for (const UnaryFunction& f : functions)
      CHECK_EQ(Differences(f, DataType::kFloat32, x), 0);
  });
}

TEST_CASE("P7: functions made of lines give the nearest half") {
  std::vector<uint16_t> x(65536 + 1);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<uint16_t>(i * 40503);  // neighbours are strangers
  const std::vector<UnaryFunction> functions = {
      {Kind::hard_swish},
      {Kind::leaky_relu, 0.1},
      {Kind::leaky_relu, 0.25},
      {Kind::leaky_relu, -3.0},
      {Kind::leaky_relu, 1e-7},
      {Kind::hard_sigmoid, 0.2, 0.5},
      {Kind::hard_sigmoid, 1.0 / 6, 0.5},
      {Kind::linear, 1.0, 1.0},  // ties everywhere
      {Kind::linear, 1.0, -1.0},
      {Kind::linear, 0.333, 0.0},
      {Kind::linear, -0.1, 1e-6},
      {Kind::linear, 1e-40, 3.0},
      {Kind::linear, 1e30, -1e30},
      {Kind::linear, 7e4, 65504.0}};
  ForEachTarget([&] {
    for (const UnaryFunction& f : functions)
      CHECK_EQ(Differences(f, DataType::kFloat16, x), 0);
    // Beyond fp32, and no NaN: the table's or the scalar twin's.
    CHECK((SimdUnary({Kind::linear, 1e35, 0}, DataType::kFloat16) == nullptr));
  });
}

}  // namespace
}  // namespace aneref::test
