// In place of conv_direct.cc and conv_direct_plan.cc in the smallest library
// (ANEREF_MINIMAL): the other kernels do all.
#include "ops/kernels/conv.h"
#include "ops/kernels/conv_units.h"

namespace aneref {

const Kernel conv_direct_kernel = {"conv_direct", ConvScalar, ConvScalar};

bool PlanDirect(ConvArgs*, ConvPlan*) { return false; }

}  // namespace aneref
