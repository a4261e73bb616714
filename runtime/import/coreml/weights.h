// Weights of neural networks: every storage of WeightParams as float values.
// Core ML's bit order differs from the project's own: the first value lies in
// the highest bits.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_WEIGHTS_H_
#define ANEREF_RUNTIME_IMPORT_COREML_WEIGHTS_H_

#include <vector>

#include "runtime/import/coreml/proto.h"
#include "runtime/import/draft.h"

namespace aneref::coreml {

// True when the message holds any weights.
bool HasWeights(const WeightParams& weights);

// The values under `shape`; `channel_axis` is where per-channel scales advance.
// kInvalidFile: another number of values, bits, scales or table entries than
// needed; more than one storage, or none.
Expected<std::vector<float>> ReadWeights(const WeightParams& weights,
                                         const Shape& shape,
                                         size_t channel_axis = 0);

// The same weights as a constant. Quantised values stay compressed in the file
// that is written, where that is shorter.
Expected<DraftConstant> ReadConstant(const WeightParams& weights,
                                     const Shape& shape,
                                     size_t channel_axis = 0);

// Unsigned values of `bits` (1 to 8) bits, highest bits first.
std::vector<uint8_t> UnpackHighFirst(std::string_view bytes, size_t count,
                                     int bits);

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_WEIGHTS_H_
