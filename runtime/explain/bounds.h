// How far two correct evaluations of one op on the same operands may be apart:
// one rounding of the result (P2, N3), the order and width of its sums (P3, P5,
// N10-N19), and, where the operands had to be rounded to fp16 first, what that
// does to the result. Not a tolerance that somebody chose.
#ifndef ANEREF_RUNTIME_EXPLAIN_BOUNDS_H_
#define ANEREF_RUNTIME_EXPLAIN_BOUNDS_H_

#include <vector>

#include "runtime/core/profile.h"
#include "runtime/explain/replay.h"

namespace aneref {

struct BoundRequest {
  const fbs::Node* node = nullptr;
  HostValues in;
  // Operands of the other side that were wider than ours: each was rounded to
  // fp16 (relative 2^-11) before we used it.
  bool rounded_operands = false;
  // The other side may sum as this engine does; null: as we do, up to the
  // order.
  const Profile* other_engine = nullptr;
  // Unit of the result: 2^-11 relative for fp16, 2^-24 for fp32.
  bool half_results = true;
  // The other side has its own exp and tanh in fp32: sigmoid by way of tanh has
  // an absolute error of 2^-24, not a relative one.
  bool foreign_functions = false;
};

// Per element of output `output`, absolute. `ours` are the values it has.
Expected<std::vector<double>> RoundingBound(NodeEvaluator* evaluator,
                                            const BoundRequest& request,
                                            size_t output,
                                            const std::vector<double>& ours);

// The unit in the last place of `value` as fp16 or fp32.
double UnitOf(double value, bool half);

// Whether the op only moves elements, so that nothing is rounded.
bool OnlyMoves(const fbs::Node& node);
// Whether the op is a sum of products (N10-N22).
bool IsMac(const fbs::Node& node);

// A copy of a value with other elements: `values` in its shape, rounded to the
// type in memory as constants are (P12).
Expected<HostValue> WithElements(const HostValue& value,
                                 const std::vector<double>& values);
// The elements of a value's surface.
Expected<std::vector<double>> ElementsOfValue(const HostValue& value);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_BOUNDS_H_
