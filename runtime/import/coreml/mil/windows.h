// Strides, dilations and paddings: the operands that convolutions and pools
// share. MIL lists paddings axis by axis, the IR all beginnings first.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_MIL_WINDOWS_H_
#define ANEREF_RUNTIME_IMPORT_COREML_MIL_WINDOWS_H_

#include "runtime/import/coreml/mil/lowering.h"

namespace aneref::coreml::mil {

// [before0, after0, before1, ...] to [before0, before1, ..., after0, ...].
template <class T>
std::vector<T> BeginsThenEnds(const std::vector<T>& pairs) {
  std::vector<T> result;
  for (size_t side = 0; side < 2; ++side) {
    for (size_t i = side; i < pairs.size(); i += 2) result.push_back(pairs[i]);
  }
  return result;
}

fbs::PadMode PadModeOf(Lowering& node);

// strides, dilations and paddings into any table of windows.
template <class Table>
void ReadWindow(Lowering& node, Table* table) {
  table->strides = node.Ints32("strides");
  table->pad_mode = PadModeOf(node);
  if (table->pad_mode != fbs::PadMode::explicit_) return;
  const std::vector<int32_t> pads = node.Ints32("pad");
  if (pads.size() % 2 != 0)
    node.Fail(InvalidFile(
        "", "operand 'pad' has " + std::to_string(pads.size()) + " entries"));
  table->pads = BeginsThenEnds(pads);
}

}  // namespace aneref::coreml::mil

#endif  // ANEREF_RUNTIME_IMPORT_COREML_MIL_WINDOWS_H_
