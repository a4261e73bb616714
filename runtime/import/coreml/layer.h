// What a lowering function of a neural network's layer sees: the layer, its
// blobs, and the means to emit nodes for it. Blobs keep their true rank; old
// layers work on negative axes (C = -3, H = -2, W = -1), whatever comes before.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_LAYER_H_
#define ANEREF_RUNTIME_IMPORT_COREML_LAYER_H_

#include <map>
#include <string>
#include <vector>

#include "runtime/import/coreml/model.h"
#include "runtime/import/emitter.h"

namespace aneref::coreml {

// What the layers of one network share.
struct NetworkContext : EmitContext {
  NetworkContext(NetDraft* net, DataType type)
      : EmitContext{net, ConstantFolder(net), {}}, float_type(type) {}

  DataType float_type;  // of all blobs that hold numbers, not indices
  bool rank5 = true;    // the array mapping
  size_t leading = 1;   // axes in front of [C, H, W] in a rank-5 network
  int64_t specification = 1;
};

class Layer : public Emitter {
 public:
  // `inputs` are tensors of the draft.
  Layer(NetworkContext* context, const NeuralNetworkLayer& proto,
        std::string kind, std::vector<int32_t> inputs);

  const NeuralNetworkLayer& proto() const { return proto_; }
  const NetworkContext& network() const { return *context_; }
  DataType FloatType() const { return context_->float_type; }

  // ---- blobs; -1 and an error beyond the end ----
  size_t num_inputs() const { return inputs_.size(); }
  size_t num_outputs() const {
    return static_cast<size_t>(proto_.output_size());
  }
  bool HasIn(size_t i) const { return i < inputs_.size(); }
  // As it is: a number of any type.
  int32_t Raw(size_t i);
  // As the network's floating type.
  int32_t In(size_t i) { return AsFloat(Raw(i)); }
  // As int64: values are rounded toward zero, as the engine's gathers do.
  int32_t Index(size_t i) { return AsInts(Raw(i)); }
  int32_t Bool(size_t i) { return AsBool(Raw(i)); }
  std::vector<int32_t> AllIn();
  void SetOut(size_t i, int32_t tensor);
  const std::vector<int32_t>& outputs() const { return outputs_; }

  int32_t AsFloat(int32_t tensor);
  int32_t AsInts(int32_t tensor);
  int32_t AsBool(int32_t tensor);

  // ---- shapes ----
  // The rank, which every layer here needs to know.
  size_t RankOf(int32_t tensor);
  // `axis` counted from the front; fails outside of the tensor's rank.
  int32_t Axis(int64_t axis, int32_t tensor);
  // The extent when it is known, else -1. `axis` may be negative.
  int64_t Extent(int32_t tensor, int64_t axis);
  // int64 vector of the extents [from, to) of a tensor; negative ones count
  // from the back; `to` = 0 is the end.
  int32_t Extents(int32_t tensor, int64_t from, int64_t to = 0);
  int32_t Reshape(int32_t tensor, const std::vector<int64_t>& shape);
  // The shape is the concatenation of int64 vectors.
  int32_t ReshapeTo(int32_t tensor, const std::vector<int32_t>& parts);
  // Notes that a result has the shape of another tensor, where inference sees
  // open extents only.
  void KeepShape(int32_t result, int32_t like);
  int32_t Unsqueeze(int32_t tensor, const std::vector<int32_t>& axes);
  int32_t Squeeze(int32_t tensor, const std::vector<int32_t>& axes);
  int32_t Transpose(int32_t tensor, const std::vector<int32_t>& perm);
  // Brings a tensor to [N, <tail extents>] for ops that want one batch axis,
  // and a result of the same tail rank back to the leading axes of `like`.
  int32_t ToBatch(int32_t tensor, size_t tail);
  int32_t FromBatch(int32_t result, int32_t like, size_t tail);
  // A result of the op, whose leading axes are those of `like`, is output 0.
  void SetOutFromBatch(int32_t result, int32_t like, size_t tail) {
    SetOut(0, FromBatch(result, like, tail));
  }

  // ---- constants ----
  // Checked: positive extents whose product fits; an error otherwise.
  Shape CheckedShape(const std::vector<int64_t>& dims);
  template <class List>
  Shape CheckedShape(const List& dims) {
    std::vector<int64_t> extents;
    for (const auto dim : dims) extents.push_back(static_cast<int64_t>(dim));
    return CheckedShape(extents);
  }
  // Weights as a constant tensor of `shape`, of the network's floating type.
  // `what` names them in errors.
  int32_t Weights(const WeightParams& weights, const char* what,
                  const Shape& shape, size_t channel_axis = 0);
  std::vector<float> WeightValues(const WeightParams& weights, const char* what,
                                  const Shape& shape, size_t channel_axis = 0);
  int32_t Floats(const Shape& shape, const std::vector<float>& values) {
    return ConstantFloats(FloatType(), shape, values);
  }
  int32_t Number(double value) { return Scalar(FloatType(), value); }
  // A number of the source that has to be a small non-negative int.
  int32_t Small(uint64_t value, const char* what);
  // Paddings of the two axes: top, left, bottom, right.
  std::vector<int32_t> EdgePads(const BorderAmounts& amounts);

  // ---- arithmetic on floating tensors ----
  int32_t Apply(fbs::ElementwiseKind kind, int32_t a, int32_t b) {
    return EmitTemp(Binary(kind), {a, b});
  }
  int32_t Apply(fbs::ActivationKind kind, int32_t x, double alpha = 0,
                double beta = 0) {
    return EmitTemp(Unary(kind, alpha, beta), {x});
  }
  int32_t Reduce(fbs::ReduceKind kind, int32_t x,
                 const std::vector<int32_t>& axes, bool keep_dims = true);
  int32_t Concat(const std::vector<int32_t>& parts, int32_t axis);
  // starts, ends, steps for `axes`.
  int32_t Slice(int32_t x, int32_t axis, int64_t start, int64_t end,
                int64_t step = 1);

  // Fails unless the number of inputs is in the range.
  bool NeedInputs(size_t least, size_t most);

 private:
  // What is known of the values of a shape vector: -1 where it is open.
  std::vector<int64_t> KnownExtents(int32_t vector);

  NetworkContext* context_;
  const NeuralNetworkLayer& proto_;
  std::map<int32_t, std::vector<int64_t>> extents_;  // that Extents() gave
  std::vector<int32_t> inputs_;
  std::vector<int32_t> outputs_;
};

// 'layer "conv1" (convolution)'.
std::string DescribeLayer(const NeuralNetworkLayer& layer,
                          const std::string& kind);

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_LAYER_H_
