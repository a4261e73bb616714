// Recurrent layers: one direction of one batch item is walked step by step in
// fp32 (P19). Not a fallback of matmul: each step needs the one before it.
#ifndef ANEREF_OPS_KERNELS_RECURRENT_H_
#define ANEREF_OPS_KERNELS_RECURRENT_H_

#include <cstdint>
#include <vector>

#include "ops/kernels/gemm.h"
#include "ops/kernels/kernel.h"
#include "ops/kernels/unary.h"

namespace aneref {

struct RecurrentArgs {
  fbs::RecurrentKind kind = fbs::RecurrentKind::rnn;
  int64_t steps = 0;
  int64_t batch = 0;
  int64_t inputs = 0;  // features of x
  int64_t hidden = 0;
  int64_t directions = 1;
  bool starts_reverse = false;  // direction 0 walks backwards
  bool batch_first = false;
  bool input_forget = false;
  bool linear_before_reset = false;
  float clip = 0;                        // 0: none
  float cell_clip = 0;                   // bound of c, 0: none
  std::vector<UnaryFunction> functions;  // per direction NumFunctions()
  // [directions][inputs + hidden][columns]: w and r transposed, one row per
  // operand element, so that the outputs of a gate product lie side by side.
  // Empty: w and r are computed values and are packed in every run.
  AlignedBytes weights;

  int64_t Gates() const;
  int64_t Columns() const { return Gates() * hidden; }
  size_t NumFunctions() const;
};

// The operands' rows for one direction of one batch item.
struct RecurrentRows {
  const RecurrentArgs& args;
  int64_t direction = 0;
  int64_t item = 0;
  bool IsReverse() const { return args.starts_reverse || direction == 1; }
  int64_t X(int64_t step) const {
    return args.batch_first ? item * args.steps + step
                            : step * args.batch + item;
  }
  int64_t Y(int64_t step) const {
    return args.batch_first
               ? X(step) * args.directions + direction
               : (step * args.directions + direction) * args.batch + item;
  }
  int64_t State() const {
    return args.batch_first ? item * args.directions + direction
                            : direction * args.batch + item;
  }
};
// Steps of batch item `item`: all of them where `lengths` is absent. Fails on a
// length outside [0, steps].
Expected<int64_t> SequenceLength(const RecurrentArgs& args,
                                 const TensorView& lengths, int64_t item);

// Fills args->weights; w and r are dense, as the op declares them.
void PackRecurrentWeights(const std::vector<float>& w,
                          const std::vector<float>& r, RecurrentArgs* args);

// in = {x, w, r, b, lengths, h, c, peepholes}, of which w and r are absent when
// packed; out = {y, last h, last c}, each optional. Units: directions * batch
// when packed, else 1.
extern const Kernel kRecurrentKernel;

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_RECURRENT_H_
