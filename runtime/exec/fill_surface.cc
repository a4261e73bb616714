// See fill_surface.h.
#include "runtime/exec/fill_surface.h"

#include <vector>

#include "runtime/core/convert.h"

namespace aneref {

void FillSurface(const TensorView& values, const TensorView& surface,
                 ValueOrigin origin) {
  const auto width = static_cast<size_t>(surface.width());
  const bool saturates = origin == ValueOrigin::kConstant &&
                         surface.dtype == DataType::kFloat16 &&
                         values.dtype != DataType::kFloat16;
  std::vector<float> wide(saturates ? width : 0);
  for (int64_t row = 0; width > 0 && row < surface.num_rows(); ++row) {
    const std::byte* source = values.Row<std::byte>(row);
    if (saturates) {
      ConvertElements(values.dtype, source, DataType::kFloat32, wide.data(),
                      width);
      ConvertConstantToHalf(wide.data(), surface.Row<uint16_t>(row), width,
                            values.shape.NumElements());
    } else {
      ConvertElements(values.dtype, source, surface.dtype,
                      surface.Row<std::byte>(row), width);
    }
  }
}

}  // namespace aneref
