// Running sum or product along an axis, one element after the other: in fp32
// for float16 and float32, each result rounded once (P2); in double for
// float64; integers wrap (P13). Not the reductions, whose order is P5.
#include <string>
#include <vector>

#include "ops/doubles.h"
#include "ops/integers.h"
#include "ops/op.h"

namespace aneref {
namespace {

using Kind = fbs::ScanKind;

// One integer, by which the axis may also be given at run time.
Status CheckAxisInput(const OpView& op) {
  if (!op.HasInput(1)) return Status();
  if (!IsInteger(op.In(1).dtype) || op.In(1).shape.NumElements() != 1)
    return ShapeError("the axis is " + op.In(1).ToString() +
                      ", one integer is needed");
  if (!op.IsKnown(1)) return Status();
  ANEREF_ASSIGN(const std::vector<int64_t> known, op.KnownInts(1));
  return NormalizeAxis(known[0], op.In(0).shape.rank()).status();
}

Expected<size_t> AxisOf(const OpView& op, const RefTensors& tensors) {
  const int64_t axis = op.HasInput(1) ? LoadInts(tensors.in[1])[0]
                                      : op.attributes<fbs::Cumulative>().axis();
  return NormalizeAxis(axis, op.In(0).shape.rank());
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 2));
  const auto& attributes = op.attributes<fbs::Cumulative>();
  if (attributes.kind() > Kind::MAX)
    return Unsupported("unknown kind of cumulative");
  ANEREF_TRY(CheckAxisInput(op));
  if (!op.HasInput(1)) {
    ANEREF_TRY(
        NormalizeAxis(attributes.axis(), op.In(0).shape.rank()).status());
  }
  if (op.In(0).dtype == DataType::kBool)
    return ShapeError("x is " + op.In(0).ToString() + ", numbers are needed");
  return std::vector<TensorType>{op.In(0)};
}

// y[i] = op(x[0], ..., x[i]), without x[i] when exclusive, backwards when
// reverse. `values` is x and becomes y.
template <class T, class Combine>
void Scan(const OpView& op, size_t axis, T identity, const Combine& combine,
          std::vector<T>* values) {
  const auto& attributes = op.attributes<fbs::Cumulative>();
  const Shape& shape = op.In(0).shape;
  const int64_t extent = shape[axis];
  const int64_t inner = shape.NumElements(axis + 1, shape.rank());
  const int64_t outer = shape.NumElements(0, axis);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      T running = identity;
      for (int64_t n = 0; n < extent; ++n) {
        const int64_t along = attributes.reverse() ? extent - 1 - n : n;
        T& value =
            (*values)[static_cast<size_t>((o * extent + along) * inner + i)];
        const T next = n == 0 ? value : combine(running, value);
        value = attributes.exclusive() ? running : next;
        running = next;
      }
    }
  }
}

template <class T>
void ScanAll(const OpView& op, size_t axis, std::vector<T>* values) {
  if (op.attributes<fbs::Cumulative>().kind() == Kind::sum) {
    Scan<T>(
        op, axis, T{0}, [](T a, T b) { return a + b; }, values);
  } else {
    Scan<T>(
        op, axis, T{1}, [](T a, T b) { return a * b; }, values);
  }
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const size_t axis, AxisOf(op, tensors));
  const TensorView &x = tensors.in[0], &y = tensors.out[0];
  if (x.dtype == DataType::kFloat64) {
    std::vector<double> values = LoadDoubles(x);
    ScanAll(op, axis, &values);
    StoreDoubles(values, y);
  } else if (IsFloating(x.dtype)) {
    std::vector<float> values = LoadFloats(x);
    ScanAll(op, axis, &values);
    StoreFloats(values, y);
  } else {
    const std::vector<int64_t> integers = LoadInts(x);
    std::vector<uint64_t> values(integers.begin(), integers.end());
    ScanAll(op, axis, &values);
    StoreIntegers(std::vector<int64_t>(values.begin(), values.end()), y);
  }
  return Status();
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef cumulative_op = {"cumulative",
                             "Running sum or product along an axis.", Infer,
                             Lower, Reference};

}  // namespace aneref
