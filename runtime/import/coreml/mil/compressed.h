// The constexpr_* operations: compressed weights, kept as they are in the
// draft's constants, with their decoded elements beside them for whoever needs
// values while importing. Pure functions of constants; know no graph.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_MIL_COMPRESSED_H_
#define ANEREF_RUNTIME_IMPORT_COREML_MIL_COMPRESSED_H_

#include <memory>
#include <optional>

#include "runtime/import/coreml/mil/values.h"

namespace aneref::coreml::mil {

// The two results of the forms between "compressed" and "sparse": one bit per
// index, and the values of the set bits, encoded over the dense shape.
struct Masked {
  std::vector<std::byte> mask;
  Shape shape;  // dense
  DataType stored = DataType::kFloat16;
  std::shared_ptr<const CompressedConstant> values;
};

// An operand: a value of the file, or the result of another constexpr
// operation.
struct ConstexprOperand {
  std::optional<RawValue> raw;
  std::shared_ptr<const DraftConstant> constant;
  std::shared_ptr<const Masked> masked;
  bool present() const {
    return raw.has_value() || constant != nullptr || masked != nullptr;
  }
};

// scale * (quantized_data - zero_point), one scale or a vector along `axis`.
Expected<DraftConstant> AffineDequantize(const RawValue& data,
                                         const RawValue& scale,
                                         const RawValue* zero_point,
                                         int64_t axis);

// `shape`: of the older form, whose indices are a byte stream; null for the
// newer one, whose indices have the shape of the result (divided along
// `vector_axis`).
Expected<DraftConstant> LutToDense(const RawValue& indices,
                                   const ConstexprOperand& lut,
                                   const RawValue* shape, int64_t vector_axis);

// The same for `mask`: of the older form when `shape` is given.
Expected<DraftConstant> SparseToDense(const ConstexprOperand& nonzero,
                                      const ConstexprOperand& mask,
                                      const RawValue* shape);

Expected<DraftConstant> BlockwiseShiftScale(const ConstexprOperand& data,
                                            const RawValue& scale,
                                            const RawValue* offset);

Expected<Masked> LutToSparse(const RawValue& mask, const RawValue& nonzero,
                             const ConstexprOperand& lut, int64_t vector_axis);

Expected<Masked> SparseBlockwiseShiftScale(const ConstexprOperand& mask,
                                           const ConstexprOperand& nonzero,
                                           const RawValue& scale,
                                           const RawValue* offset);

}  // namespace aneref::coreml::mil

#endif  // ANEREF_RUNTIME_IMPORT_COREML_MIL_COMPRESSED_H_
