// Recurrent layers for tests, in every arithmetic.
#ifndef ANEREF_TESTS_OPS_RECURRENT_H_
#define ANEREF_TESTS_OPS_RECURRENT_H_

#include "tests/support/op_runner.h"

namespace aneref::test {

// Linear activations make layers whose values are small whole numbers and show
// their sums.
inline fbs::RecurrentT LinearLayer(fbs::RecurrentKind kind, int hidden,
                                   size_t directions = 1) {
  using Kind = fbs::RecurrentKind;
  fbs::RecurrentT layer;
  layer.kind = kind;
  layer.hidden_size = hidden;
  const size_t functions = kind == Kind::lstm ? 3 : kind == Kind::gru ? 2 : 1;
  layer.activations.assign(functions * directions,
                           fbs::ActivationKind::identity);
  if (directions == 2) layer.direction = fbs::RecurrentDirection::bidirectional;
  return layer;
}

}  // namespace aneref::test

#endif  // ANEREF_TESTS_OPS_RECURRENT_H_
