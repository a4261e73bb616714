// See verify.h. What holds behind these checks: tensor, constant and graph
// indices are in range; extents are bounded; every value has exactly one
// source, defined before it is read; data ranges lie inside the segment and
// have the right size.
#include "runtime/graph/verify.h"

#include <string>
#include <vector>

#include "runtime/core/tensor.h"
#include "runtime/graph/format.h"
#include "runtime/graph/limits.h"

namespace aneref {
namespace {

std::string At(const char* what, size_t index) {
  return std::string(what) + " " + std::to_string(index);
}

Status CheckRange(const fbs::Range& range, uint64_t segment_size,
                  const std::string& what) {
  if (range.offset() % format::kDataAlignment != 0) {
    return InvalidFile("F6", what + ": data offset " +
                                 std::to_string(range.offset()) +
                                 " is not a multiple of 64");
  }
  if (range.offset() > segment_size ||
      range.size() > segment_size - range.offset()) {
    return InvalidFile(
        "F6", what + ": data of " + std::to_string(range.size()) +
                  " bytes at offset " + std::to_string(range.offset()) +
                  " exceeds the weight segment of " +
                  std::to_string(segment_size) + " bytes");
  }
  return Status();
}

Status CheckConstant(const fbs::Constant& constant, uint64_t segment_size,
                     size_t num_constants, const std::string& what) {
  if (constant.encoding() > fbs::Encoding::MAX)
    return InvalidFile("F11", what + ": unknown encoding");
  if (constant.stored() > fbs::DataType::MAX)
    return InvalidFile("F11", what + ": unknown element type");
  for (const fbs::Range* range :
       {constant.data(), constant.palette(), constant.scales(),
        constant.zero_points(), constant.biases(), constant.mask()}) {
    if (range != nullptr) ANEREF_TRY(CheckRange(*range, segment_size, what));
  }
  for (int32_t index :
       {constant.values_constant(), constant.palette_constant()}) {
    if (index < -1 || index >= static_cast<int64_t>(num_constants))
      return InvalidFile("F5", what + ": index of its values is out of range");
  }
  return Status();
}

// F4: the FlatBuffers verifier does not look at the alignment of vectors of
// 8-byte elements.
bool IsAligned(const flatbuffers::Vector<int64_t>* values) {
  return values == nullptr ||
         reinterpret_cast<uintptr_t>(values->Data()) % alignof(int64_t) == 0;
}

template <class Table>
const Table& TableOf(const fbs::Node& node) {
  return *static_cast<const Table*>(node.op());
}

// The vectors of 8-byte integers in the attributes of a node.
bool HasAlignedVectors(const fbs::Node& node) {
  switch (node.op_type()) {
    case fbs::Op::Reshape:
      return IsAligned(TableOf<fbs::Reshape>(node).shape());
    case fbs::Op::Split:
      return IsAligned(TableOf<fbs::Split>(node).sizes());
    case fbs::Op::Slice:
      return IsAligned(TableOf<fbs::Slice>(node).starts()) &&
             IsAligned(TableOf<fbs::Slice>(node).ends()) &&
             IsAligned(TableOf<fbs::Slice>(node).steps());
    case fbs::Op::Pad:
      return IsAligned(TableOf<fbs::Pad>(node).pads());
    case fbs::Op::Tile:
      return IsAligned(TableOf<fbs::Tile>(node).repeats());
    case fbs::Op::Resample:
      return IsAligned(TableOf<fbs::Resample>(node).sizes());
    default:
      return true;
  }
}

// Extents as stored: -1 or a size.
Status CheckExtents(const fbs::Tensor& tensor, const std::string& what) {
  if (!IsAligned(tensor.shape()))
    return InvalidFile("F4", what + ": the shape is misaligned");
  const size_t rank = tensor.shape() ? tensor.shape()->size() : 0;
  if (rank > kMaxRank) {
    return InvalidFile("F10", what + ": rank " + std::to_string(rank) +
                                  " is over the limit of " +
                                  std::to_string(kMaxRank));
  }
  std::vector<int64_t> known;
  for (size_t i = 0; i < rank; ++i) {
    const int64_t extent = tensor.shape()->Get(static_cast<unsigned>(i));
    if (extent < -1)
      return InvalidFile("F10", what + ": extent " + std::to_string(extent));
    known.push_back(extent == -1 ? 1 : extent);
  }
  const Expected<Shape> shape = MakeShape(known);
  if (!shape.ok())
    return InvalidFile("F10", what + ": " + shape.status().message());
  if (tensor.shape_names() != nullptr && tensor.shape_names()->size() != rank) {
    return InvalidFile("F10", what + ": one name per extent is needed");
  }
  return Status();
}

// F7: a constant's data has the size that its tensor and encoding need.
// Compressed encodings are checked where decoded.
Status CheckConstantSize(const fbs::Tensor& tensor,
                         const fbs::Constant& constant,
                         const std::string& what) {
  std::vector<int64_t> dims;
  if (tensor.shape() != nullptr)
    dims.assign(tensor.shape()->begin(), tensor.shape()->end());
  for (int64_t dim : dims) {
    if (dim < 0)
      return InvalidFile("F7", what + ": a constant has a dynamic extent");
  }
  const auto stored = static_cast<DataType>(constant.stored());
  const auto dtype = static_cast<DataType>(tensor.dtype());
  if (stored != dtype && !(IsFloating(stored) && IsFloating(dtype))) {
    return InvalidFile("F7", what + ": is " + DataTypeName(dtype) +
                                 " but stored as " + DataTypeName(stored));
  }
  const uint64_t elements = static_cast<uint64_t>(Shape(dims).NumElements());
  const uint64_t size = constant.data() ? constant.data()->size() : 0;
  uint64_t needed = size;
  if (constant.encoding() == fbs::Encoding::dense)
    needed = elements * ElementSize(stored);
  if (constant.encoding() == fbs::Encoding::uniform)
    needed = ElementSize(stored);
  if (size != needed) {
    return InvalidFile("F7", what + ": has " + std::to_string(size) +
                                 " bytes of data, needs " +
                                 std::to_string(needed));
  }
  return Status();
}

// Tracks which tensors of a graph have a value at this point (F8, F9).
class GraphVerifier {
 public:
  GraphVerifier(const fbs::Net& net, unsigned index, std::string name)
      : net_(net),
        index_(index),
        graph_(*net.graphs()->Get(index)),
        name_(std::move(name)) {}

  Status Run() {
    ANEREF_TRY(CheckTensors());
    ANEREF_TRY(CheckPorts());
    if (graph_.nodes() != nullptr) {
      for (unsigned i = 0; i < graph_.nodes()->size(); ++i) {
        ANEREF_TRY(CheckNode(*graph_.nodes()->Get(i), name_ + At(", node", i)));
      }
    }
    for (unsigned i = 0; i < NumOutputs(); ++i) {
      const int32_t tensor = graph_.outputs()->Get(i)->tensor();
      const std::string what = name_ + At(", output", i);
      if (!InRange(tensor))
        return InvalidFile("F5",
                           what + ": tensor index " + std::to_string(tensor));
      if (!defined_[static_cast<size_t>(tensor)])
        return InvalidFile("F9", what + ": nothing computes it");
      ANEREF_TRY(CheckPortLimits(*graph_.outputs()->Get(i), what));
    }
    return CheckStates();
  }

 private:
  size_t NumTensors() const {
    return graph_.tensors() ? graph_.tensors()->size() : 0;
  }
  unsigned NumOutputs() const {
    return graph_.outputs() ? graph_.outputs()->size() : 0;
  }
  bool InRange(int32_t tensor) const {
    return tensor >= 0 && static_cast<size_t>(tensor) < NumTensors();
  }

  // F14: states of the main graph, their ports behind all others.
  Status CheckStates() const {
    if (graph_.states() == nullptr) return Status();
    const unsigned count = graph_.states()->size();
    const unsigned num_inputs = graph_.inputs() ? graph_.inputs()->size() : 0;
    for (unsigned i = 0; i < count; ++i) {
      const fbs::State& state = *graph_.states()->Get(i);
      const std::string what = name_ + At(", state", i);
      if (index_ != 0 || count > num_inputs || count > NumOutputs() ||
          state.input() != static_cast<int64_t>(num_inputs - count + i) ||
          state.output() != static_cast<int64_t>(NumOutputs() - count + i)) {
        return InvalidFile("F14", what + ": its ports are not the last ones");
      }
      const auto tensor_of = [&](const fbs::Port& port) -> const fbs::Tensor& {
        return *graph_.tensors()->Get(static_cast<unsigned>(port.tensor()));
      };
      const auto input = static_cast<unsigned>(state.input());
      const auto output = static_cast<unsigned>(state.output());
      if (tensor_of(*graph_.inputs()->Get(input)).dtype() !=
          tensor_of(*graph_.outputs()->Get(output)).dtype())
        return InvalidFile("F14", what + ": changes its type");
    }
    return Status();
  }

  Status CheckTensors() {
    defined_.assign(NumTensors(), false);
    const size_t num_constants =
        net_.constants() ? net_.constants()->size() : 0;
    for (size_t i = 0; i < NumTensors(); ++i) {
      const fbs::Tensor& tensor =
          *graph_.tensors()->Get(static_cast<unsigned>(i));
      const std::string what = name_ + At(", tensor", i);
      if (tensor.dtype() > fbs::DataType::MAX)
        return InvalidFile("F11", what + ": unknown element type");
      ANEREF_TRY(CheckExtents(tensor, what));
      if (tensor.constant() == -1) continue;
      if (tensor.constant() < 0 ||
          static_cast<size_t>(tensor.constant()) >= num_constants) {
        return InvalidFile("F5", what + ": constant index " +
                                     std::to_string(tensor.constant()));
      }
      ANEREF_TRY(CheckConstantSize(
          tensor,
          *net_.constants()->Get(static_cast<unsigned>(tensor.constant())),
          what));
      defined_[i] = true;
    }
    return Status();
  }

  Status Define(int32_t tensor, const std::string& what) {
    if (!InRange(tensor))
      return InvalidFile("F5",
                         what + ": tensor index " + std::to_string(tensor));
    if (defined_[static_cast<size_t>(tensor)]) {
      return InvalidFile("F8", what + ": tensor " + std::to_string(tensor) +
                                   " has two sources");
    }
    defined_[static_cast<size_t>(tensor)] = true;
    return Status();
  }

  // F15; the port's tensor is in range.
  Status CheckPortLimits(const fbs::Port& port, const std::string& what) const {
    const auto* shape =
        graph_.tensors()->Get(static_cast<unsigned>(port.tensor()))->shape();
    return VerifyLimits(port, shape == nullptr ? 0 : shape->size())
        .WithContext(what);
  }

  Status CheckPorts() {
    if (graph_.inputs() == nullptr) return Status();
    for (unsigned i = 0; i < graph_.inputs()->size(); ++i) {
      const fbs::Port& port = *graph_.inputs()->Get(i);
      const std::string what = name_ + At(", input", i);
      ANEREF_TRY(Define(port.tensor(), what));
      if (index_ == 0 && !graph_.tensors()
                              ->Get(static_cast<unsigned>(port.tensor()))
                              ->has_shape()) {
        return InvalidFile("F10", what + ": an input needs a rank");
      }
      if (port.declared() > fbs::DataType::MAX)
        return InvalidFile("F11", what + ": unknown element type");
      ANEREF_TRY(CheckPortLimits(port, what));
    }
    return Status();
  }

  // A body is a later graph, so that no graph can run itself.
  Status CheckBodies(const fbs::Node& node, const std::string& what) {
    if (node.op_type() != fbs::Op::Control) return Status();
    const auto* bodies = static_cast<const fbs::Control*>(node.op())->bodies();
    if (bodies == nullptr) return Status();
    for (int32_t body : *bodies) {
      if (body <= static_cast<int32_t>(index_) ||
          static_cast<size_t>(body) >= net_.graphs()->size()) {
        return InvalidFile("F5", what + ": body " + std::to_string(body) +
                                     " is no later graph");
      }
    }
    return Status();
  }

  Status CheckNode(const fbs::Node& node, const std::string& what) {
    if (node.op_type() == fbs::Op::NONE || node.op_type() > fbs::Op::MAX ||
        node.op() == nullptr) {
      return InvalidFile("F11",
                         what + ": unknown op " +
                             std::to_string(static_cast<int>(node.op_type())));
    }
    if (!HasAlignedVectors(node))
      return InvalidFile("F4", what + ": an attribute is misaligned");
    ANEREF_TRY(CheckBodies(node, what));
    if (node.inputs() != nullptr) {
      for (int32_t tensor : *node.inputs()) {
        if (tensor == -1) continue;
        if (!InRange(tensor))
          return InvalidFile("F5",
                             what + ": tensor index " + std::to_string(tensor));
        if (!defined_[static_cast<size_t>(tensor)]) {
          return InvalidFile("F9", what + ": reads tensor " +
                                       std::to_string(tensor) +
                                       " before it is computed");
        }
      }
    }
    if (node.outputs() == nullptr || node.outputs()->size() == 0)
      return InvalidFile("F9", what + ": has no output");
    for (int32_t tensor : *node.outputs()) {
      if (tensor != -1) ANEREF_TRY(Define(tensor, what));
    }
    return Status();
  }

  const fbs::Net& net_;
  unsigned index_;
  const fbs::Graph& graph_;
  std::string name_;
  std::vector<bool> defined_;
};

}  // namespace

Status VerifyNet(const fbs::Net& net, uint64_t segment_size) {
  if (net.graphs() == nullptr || net.graphs()->size() == 0)
    return InvalidFile("F5", "there is no graph");
  const size_t num_constants = net.constants() ? net.constants()->size() : 0;
  for (size_t i = 0; i < num_constants; ++i) {
    ANEREF_TRY(CheckConstant(*net.constants()->Get(static_cast<unsigned>(i)),
                             segment_size, num_constants, At("constant", i)));
  }
  for (unsigned i = 0; i < net.graphs()->size(); ++i) {
    ANEREF_TRY(GraphVerifier(net, i, At("graph", i)).Run());
  }
  return Status();
}

}  // namespace aneref
