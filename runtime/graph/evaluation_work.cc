// See evaluation_work.h. An upper bound for ops that do more per element than
// read and write it.
#include "runtime/graph/evaluation_work.h"

#include <algorithm>

namespace aneref {
namespace {

// What a reference spends on finding its place for one output element, in
// elements of a plain copy.
constexpr double kPlace = 32;

class WorkOf {
 public:
  WorkOf(const fbs::Node& node, std::span<const OpView::Input> inputs)
      : node_(node), inputs_(inputs) {}

  double In(size_t i) const {
    return i < inputs_.size() && inputs_[i].present
               ? static_cast<double>(inputs_[i].type.shape.NumElements())
               : 1.0;
  }

  // Steps beyond one for each element read and written.
  double Extra(double outputs) const {
    switch (node_.op_type()) {
      case fbs::Op::Conv:
        return outputs * (kPlace + In(1) / Extent(1, 0));
      case fbs::Op::ConvTranspose:
        return outputs * kPlace + In(0) * In(1) / Extent(1, 0);
      case fbs::Op::Matmul:
        return outputs * Last(0);
      case fbs::Op::IntegerMac:
        return outputs * (kPlace + std::max(In(1), In(3)));
      case fbs::Op::Pool:
        return outputs * (kPlace + Window());
      case fbs::Op::Einsum:
        return kPlace * AllLetters();
      case fbs::Op::Resample:
        return outputs * (kPlace + std::min(In(0), 4096.0));
      case fbs::Op::Norm:
        return outputs * (kPlace + NormWindow());
      case fbs::Op::Attention:
        return In(0) * (In(1) + In(2) + In(4));
      case fbs::Op::Recurrent:
        return In(0) / Last(0) * (In(1) + In(2)) * kPlace;
      case fbs::Op::Selection:
        return kPlace * In(0) * (IsSuppression() ? In(0) : 1.0);
      case fbs::Op::Sampling:
        return kPlace * outputs * (kPlace + In(1));
      case fbs::Op::Signal:
        return kPlace * outputs * std::max(Longest(0), 32.0);
      case fbs::Op::TopK:
        return kPlace * In(0);
      default:
        return 0.0;
    }
  }

 private:
  double Extent(size_t i, size_t axis) const {
    return i < inputs_.size() && axis < inputs_[i].type.shape.rank()
               ? std::max(1.0, static_cast<double>(inputs_[i].type.shape[axis]))
               : 1.0;
  }
  double Last(size_t i) const {
    return i < inputs_.size() && inputs_[i].type.shape.rank() > 0
               ? Extent(i, inputs_[i].type.shape.rank() - 1)
               : 1.0;
  }
  double Longest(size_t i) const {
    double longest = 1.0;
    for (size_t axis = 0;
         i < inputs_.size() && axis < inputs_[i].type.shape.rank(); ++axis) {
      longest = std::max(longest, Extent(i, axis));
    }
    return longest;
  }
  // A window reads no more than the tensor.
  double Window() const {
    double window = 1.0;
    const auto& pool = *static_cast<const fbs::Pool*>(node_.op());
    if (pool.kernel() == nullptr) return window;
    for (const int extent : *pool.kernel()) window *= std::max(1, extent);
    return std::min(window, In(0));
  }
  double NormWindow() const {
    const auto& norm = *static_cast<const fbs::Norm*>(node_.op());
    return norm.kind() == fbs::NormKind::lrn ? std::max(1, norm.size()) : 1;
  }
  bool IsSuppression() const {
    return static_cast<const fbs::Selection*>(node_.op())->kind() ==
           fbs::SelectionKind::non_max_suppression;
  }
  double AllLetters() const {
    double product = 1.0;
    for (size_t i = 0; i < inputs_.size(); ++i) product *= In(i);
    return product;
  }

  const fbs::Node& node_;
  std::span<const OpView::Input> inputs_;
};

}  // namespace

double EvaluationWork(const fbs::Node& node,
                      std::span<const OpView::Input> inputs,
                      std::span<const TensorType> outputs) {
  const WorkOf work(node, inputs);
  double read = 0.0, written = 0.0;
  for (size_t i = 0; i < inputs.size(); ++i)
    read += inputs[i].present ? work.In(i) : 0.0;
  for (const TensorType& type : outputs)
    written += static_cast<double>(type.shape.NumElements());
  return read + written + work.Extra(written);
}

}  // namespace aneref
