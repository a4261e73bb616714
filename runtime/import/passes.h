// Rewrites of a draft that any source format profits from. They run in fp32,
// before any rounding to fp16, and change results by fp32 rounding at most.
// Each rewrite leaves one sentence in import_notes that names the source nodes.
#ifndef ANEREF_RUNTIME_IMPORT_PASSES_H_
#define ANEREF_RUNTIME_IMPORT_PASSES_H_

#include "runtime/import/draft.h"

namespace aneref {

// All of the below in their order; without `fold` only constant folding and the
// removal of dead nodes.
void RunPasses(NetDraft* draft, bool fold);

// Replaces nodes whose inputs are all constant by their values, and learns
// types and shapes on the way.
void FoldConstants(NetDraft* draft);
// Drops nodes that no output depends on.
void RemoveDeadNodes(NetDraft* draft);
// identity, casts to the same type, transposes and reshapes that move nothing,
// x * 1, x + 0.
void RemoveNoOps(NetDraft* draft);
// Transposes of transposes, reshapes of reshapes.
void MergeMovement(NetDraft* draft);
// Constant padding with zeros into the convolution or average pool that reads
// it.
void FoldPadding(NetDraft* draft);
// Batch norm, per-channel scale and offset into the convolution before them; a
// constant vector into a matmul's bias.
void FoldIntoWeights(NetDraft* draft);
// Decompositions that exporters write: layer norm, GELU, SiLU, hard swish.
void RecognisePatterns(NetDraft* draft);
// Formulas of one tensor, recognised by value; sums times constants.
void RecogniseFormulas(NetDraft* draft);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_IMPORT_PASSES_H_
