// What the plans of the convolution kernels share (conv_plan.cc,
// conv_direct_plan.cc).
#ifndef ANEREF_OPS_KERNELS_CONV_UNITS_H_
#define ANEREF_OPS_KERNELS_CONV_UNITS_H_

#include <cstdint>

#include "ops/kernels/conv.h"

namespace aneref {

// How many of `parts` make a unit of 20 to 40 microseconds.
int64_t PartsPerUnit(double flops_per_part, int64_t parts);

// The part that gives equal units, and an even number of them.
int64_t Balance(int64_t total, int64_t per_unit);

// Units of rows that follow the plan's tiles: a unit that is longer than a tile
// takes whole ones.
void FollowTiles(ConvArgs* args);

// The unit that touches most rows: it begins anywhere in one, unless units are
// whole rows.
ConvUnit LargestUnit(const ConvArgs& args);

// Plans for conv_direct. False, and nothing has changed: another kernel suits.
bool PlanDirect(ConvArgs* args, ConvPlan* plan);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_CONV_UNITS_H_
