// Writes .anem bytes: an object-API net plus the elements of its constants,
// laid out as docs/spec/format.md says. Importers fill a NetDraft; passes edit
// it; WriteNet makes the file. Deterministic: same draft, same bytes.
#ifndef ANEREF_RUNTIME_GRAPH_NET_WRITER_H_
#define ANEREF_RUNTIME_GRAPH_NET_WRITER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "runtime/core/status.h"
#include "runtime/core/tensor.h"
#include "runtime/graph/draft_bytes.h"
#include "schema/net_generated.h"

namespace aneref {

// A constant as it is written: `parts` holds everything but ranges and nested
// constants.
struct CompressedConstant {
  fbs::ConstantT parts;
  std::vector<std::byte> data, palette, scales, zero_points, biases, mask;
  std::shared_ptr<const CompressedConstant> palette_constant, values_constant;
};

// A network under construction. net.constants stays empty until it is written;
// tensor.constant indexes `constants`.
struct NetDraft {
  struct DraftConstant {
    DataType stored = DataType::kFloat32;  // element type of `bytes`
    Shape shape;
    DraftBytes bytes;  // dense, row major
    // Null, or how the same elements are written.
    std::shared_ptr<const CompressedConstant> compressed = nullptr;
  };
  fbs::NetT net;
  std::vector<DraftConstant> constants;
};

// Serialises. Lossless compaction on the way: float32/float64 constants of
// float16 tensors whose values all survive fp16 are stored as fp16; constants
// with a single value are stored once (F rules, "uniform"); equal constants are
// stored once; constants and tensors nobody reads are dropped.
Expected<std::vector<std::byte>> WriteNet(NetDraft draft);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_GRAPH_NET_WRITER_H_
