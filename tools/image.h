// Pictures (.png, .jpg) as uint8 arrays for image inputs, image outputs as
// .png.
#ifndef ANEREF_TOOLS_IMAGE_H_
#define ANEREF_TOOLS_IMAGE_H_

#include <string>
#include <vector>

#include "runtime/core/status.h"
#include "schema/net_generated.h"
#include "tools/npy.h"

namespace aneref::tool {

struct ImageSize {
  int64_t height = 0;
  int64_t width = 0;
};

bool IsImageFile(const std::string& path);  // by its ending

// Pixels as uint8 [C,H,W] with the channels in the order of `layout` (rgb, bgr:
// 3, grayscale: 1); transparency is dropped. `want`: the size the input has, 0:
// any. kInvalidArgument: another size (both are named); kInvalidFile.
Expected<Array> ReadImage(const std::string& path, fbs::ImageLayout layout,
                          const ImageSize& want);

// The same from a uint8 array [H,W,3] in RGB order, or [H,W] for grayscale.
Expected<Array> ImageFromPixels(const Array& pixels, fbs::ImageLayout layout,
                                const ImageSize& want, const std::string& name);

// An image output as the bytes of a PNG file: planes [C,H,W] (leading ones are
// dropped), values rounded and clamped to 0..255, NaN as 0. kInvalidArgument:
// another shape.
Expected<std::vector<std::byte>> EncodePng(const Array& planes,
                                           fbs::ImageLayout layout,
                                           const std::string& name);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_IMAGE_H_
