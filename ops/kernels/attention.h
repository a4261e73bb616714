// Scaled-dot-product attention of one query head of one batch item (P20), with
// the operators' options: grouped heads, masks, windows, past keys and values.
#ifndef ANEREF_OPS_KERNELS_ATTENTION_H_
#define ANEREF_OPS_KERNELS_ATTENTION_H_

#include <array>
#include <cstdint>

#include "ops/kernels/kernel.h"

namespace aneref {

struct AttentionArgs {
  int64_t batch = 0;
  int64_t q_heads = 1;   // a multiple of kv_heads
  int64_t kv_heads = 1;  // each serves q_heads / kv_heads consecutive ones
  int64_t queries = 0;
  int64_t past = 0;
  int64_t keys = 0;  // past included
  int64_t depth = 1;
  int64_t v_depth = 1;
  float root_scale = 1.0f;  // times q and times k
  float softcap = 0.0f;     // 0: none
  bool is_causal = false;
  int64_t left_window = -1;  // -1: open
  int64_t right_window = -1;
  int product_mode = 0;  // what output 3 holds
  bool has_mask = false;
  int64_t mask_keys = 0;  // its last axis; later keys are not visible
  // Rows of the mask from one batch item, head and query to the next; 0 where
  // it broadcasts.
  std::array<int64_t, 3> mask_strides{};
};

// in = {q, k, v, mask, past k, past v, lengths}, out = {y, present k, present
// v, product}; those after the first three and the first are optional. Units:
// batch * q_heads.
extern const Kernel kAttentionKernel;

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_ATTENTION_H_
