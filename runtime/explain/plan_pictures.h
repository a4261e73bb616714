// Pictures of a plan as self-contained SVG: the arena over the run, the chip's
// memory over the tasks, the roofline with every task as a point, and how one
// task's output is cut over tiles, patches and cores. Drawn from the plan only;
// readable on light and dark grounds.
#ifndef ANEREF_RUNTIME_EXPLAIN_PLAN_PICTURES_H_
#define ANEREF_RUNTIME_EXPLAIN_PLAN_PICTURES_H_

#include <string>

#include "runtime/core/chip.h"
#include "runtime/plan/plan.h"

namespace aneref {

// x: tasks in order, y: byte of the arena; one box per storage while it lives.
std::string ArenaPicture(const Plan& plan);

// The same for on-chip memory, with partitions as vertical lines (E41).
std::string ChipMemoryPicture(const Plan& plan);

// C20: sustained peaks where the chip has published ones, else the anchors of
// C4; operations per DRAM byte against operations per second, both logarithmic.
std::string RooflinePicture(const Plan& plan, const Chip& chip);

// E12-E14, E23, E24, L42: rows and columns of task `index` with its tiles and
// patches, and which core computes which channels in which pass.
std::string TilePicture(const Plan& plan, int32_t index);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_PLAN_PICTURES_H_
