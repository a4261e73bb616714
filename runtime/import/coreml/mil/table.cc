// See table.h.
#include "runtime/import/coreml/mil/table.h"

#include <map>

namespace aneref::coreml::mil {
namespace {

std::map<std::string, const OperationRow*> MakeIndex() {
  std::map<std::string, const OperationRow*> index;
  for (std::span<const OperationRow> rows :
       {ConvRows(), PoolRows(), UnaryRows(), BinaryRows(), NormRows(),
        ReduceRows(), ShapeRows(), SliceRows(), MovementRows(), ResizeRows(),
        SamplingRows(), IndexRows(), ScatterRows(), MatrixRows(),
        RecurrentRows(), QuantizeRows(), ListRows(), BoxRows(), CropRows()}) {
    for (const OperationRow& row : rows) index.emplace(row.type, &row);
  }
  return index;
}

struct RefusedRow {
  const char* type;
  const char* why;
};
constexpr char kRandom[] = "its values are random, no two runs agree";
constexpr RefusedRow kRefused[] = {
    {"random_normal", kRandom},
    {"random_uniform", kRandom},
    {"random_bernoulli", kRandom},
    {"random_categorical", kRandom},
};

}  // namespace

const OperationRow* FindRow(const std::string& type) {
  static const auto* const kIndex =
      new std::map<std::string, const OperationRow*>(MakeIndex());
  const auto found = kIndex->find(type);
  return found == kIndex->end() ? nullptr : found->second;
}

const char* WhyRefused(const std::string& type) {
  for (const RefusedRow& row : kRefused) {
    if (type == row.type) return row.why;
  }
  return nullptr;
}

}  // namespace aneref::coreml::mil
