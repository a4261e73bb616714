// Small pictures of tensors for the comparison's page: where the error is, and
// both sides of an output that is an image.
#ifndef ANEREF_RUNTIME_EXPLAIN_COMPARE_PICTURE_H_
#define ANEREF_RUNTIME_EXPLAIN_COMPARE_PICTURE_H_

#include <string>

#include "runtime/explain/tensor_set.h"

namespace aneref {

struct Picture {
  int width = 0;
  int height = 0;
  int channels = 1;  // 1: a heat map's levels, 3: RGB
  std::string base64;
  bool empty() const { return width == 0; }
};

// |a - b|, the planes of a tensor side by side, each cell the largest error
// under it on a logarithmic scale (0: equal, 255: the largest). At most about
// 256 x 256 cells.
Picture ErrorPicture(const OwnedTensor& a, const OwnedTensor& b);

// The tensor as an image, when it has the shape of one ([1, 1|3, H, W] or
// [1, H, W, 1|3] of at least 16 x 16); `like` gives the range of values.
Picture ImagePicture(const OwnedTensor& tensor, const OwnedTensor& like);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_COMPARE_PICTURE_H_
