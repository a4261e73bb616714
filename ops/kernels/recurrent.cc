// See recurrent.h. The order of the sums is P19: products of x, then of h, k
// ascending, one fp32 sum per output. Twins differ in the row product alone.
#include "ops/kernels/recurrent.h"

#include <algorithm>
#include <string>

#include "ops/kernels/float_row.h"
#include "ops/kernels/row_product.h"

namespace aneref {
namespace {

using Kind = fbs::RecurrentKind;
using Floats = std::vector<float>;

Floats LoadRow(const TensorView& view, int64_t row) {
  Floats values(static_cast<size_t>(view.width()));
  LoadFloatRow(view.dtype, view.Row<std::byte>(row), values.size(),
               values.data());
  return values;
}

void StoreRow(const Floats& values, const TensorView& view, int64_t row) {
  if (view.data != nullptr)
    StoreFloatRow(values, view.dtype, view.Row<std::byte>(row));
}

Floats LoadOptionalRow(const TensorView& view, int64_t row, int64_t width) {
  if (view.data == nullptr) return Floats(static_cast<size_t>(width));
  return LoadRow(view, row);
}

// Columns [begin, end) of weights with rows `stride` apart.
struct Columns {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t stride = 0;
};

// One direction of one batch item.
class Cell {
 public:
  Cell(const RecurrentArgs& args, RowProductFunction add_product,
       std::span<const TensorView> in, int64_t direction, int64_t state_row)
      : args_(args),
        add_product_(add_product),
        hidden_(static_cast<size_t>(args.hidden)),
        functions_(args.functions.data() +
                   static_cast<size_t>(direction) * args.NumFunctions()),
        input_weights_(args.weights.as<float>() +
                       direction * (args.inputs + args.hidden) *
                           args.Columns()),
        hidden_weights_(input_weights_ + args.inputs * args.Columns()),
        bias_(LoadOptionalRow(in[3], direction, 2 * args.Columns())),
        peepholes_(LoadOptionalRow(in[7], direction, 3 * args.hidden)),
        has_bias_(in[3].data != nullptr),
        has_peepholes_(in[7].data != nullptr),
        h_(LoadOptionalRow(in[5], state_row, args.hidden)),
        c_(LoadOptionalRow(in[6], state_row, args.hidden)),
        sum_(static_cast<size_t>(args.Columns())) {}

  void Step(const Floats& x) {
    if (args_.kind == Kind::lstm) return StepLstm(x);
    if (args_.kind == Kind::gru) return StepGru(x);
    SumGates(x, args_.Gates());
    for (size_t j = 0; j < hidden_; ++j) h_[j] = Activate(0, sum_[j]);
  }
  const Floats& h() const { return h_; }
  const Floats& c() const { return c_; }

 private:
  Columns GateColumns(int64_t from, int64_t to) const {
    return {from * args_.hidden, to * args_.hidden, args_.Columns()};
  }

  void AddProducts(const Floats& x, const float* w, const Columns& columns,
                   float* sum) const {
    const auto begin = static_cast<size_t>(columns.begin);
    add_product_(
        {x.data(), x.size(), w + begin, static_cast<size_t>(columns.stride),
         static_cast<size_t>(columns.end) - begin},
        sum + begin);
  }

  // `half` 0: the bias of w, 1: of r.
  void AddBias(size_t half, const Columns& columns, float* sum) const {
    if (!has_bias_) return;
    const float* bias =
        bias_.data() + half * static_cast<size_t>(columns.stride);
    for (int64_t j = columns.begin; j < columns.end; ++j) sum[j] += bias[j];
  }

  // The first `gates` gates: x w + h r + wb + rb.
  void SumGates(const Floats& x, int64_t gates) {
    const Columns columns = GateColumns(0, gates);
    std::fill(sum_.begin(), sum_.end(), 0.0f);
    AddProducts(x, input_weights_, columns, sum_.data());
    AddProducts(h_, hidden_weights_, columns, sum_.data());
    AddBias(0, columns, sum_.data());
    AddBias(1, columns, sum_.data());
  }

  // NaN stays.
  static float Clip(float x, float bound) {
    if (bound > 0 && x < -bound) return -bound;
    return bound > 0 && x > bound ? bound : x;
  }
  float Activate(size_t function, float x) const {
    return Apply(function, Clip(x, args_.clip));
  }
  float Apply(size_t function, float x) const {
    return static_cast<float>(
        EvaluateUnary(functions_[function], static_cast<double>(x)));
  }

  // Gate `gate` (i, o, f, c) of unit j before its activation; the peephole of
  // gate g is row g.
  float LstmGate(size_t gate, size_t j, float cell) const {
    const float sum = sum_[gate * hidden_ + j];
    if (!has_peepholes_) return sum;
    return sum + peepholes_[gate * hidden_ + j] * cell;
  }

  void StepLstm(const Floats& x) {
    SumGates(x, args_.Gates());
    for (size_t j = 0; j < hidden_; ++j) {
      const float i = Activate(0, LstmGate(0, j, c_[j]));
      const float f =
          args_.input_forget ? 1.0f - i : Activate(0, LstmGate(2, j, c_[j]));
      const float g = Activate(1, sum_[3 * hidden_ + j]);
      c_[j] = Clip(f * c_[j] + i * g, args_.cell_clip);
      const float o = Activate(0, LstmGate(1, j, c_[j]));
      h_[j] = o * Apply(2, c_[j]);
    }
  }

  void StepGru(const Floats& x) {
    SumGates(x, 2);
    for (size_t j = 0; j < 2 * hidden_; ++j) sum_[j] = Activate(0, sum_[j]);
    SumCandidate(x);
    for (size_t j = 0; j < hidden_; ++j) {
      const float z = sum_[j];
      const float n = Activate(1, sum_[2 * hidden_ + j]);
      h_[j] = (1.0f - z) * n + z * h_[j];
    }
  }

  // Gate h of the GRU; r stands at sum_[hidden_ ...].
  void SumCandidate(const Floats& x) {
    const Columns columns = GateColumns(2, 3);
    AddProducts(x, input_weights_, columns, sum_.data());
    Floats operand = h_;
    if (!args_.linear_before_reset) {
      for (size_t j = 0; j < hidden_; ++j) operand[j] *= sum_[hidden_ + j];
      AddProducts(operand, hidden_weights_, columns, sum_.data());
      AddBias(0, columns, sum_.data());
      AddBias(1, columns, sum_.data());
      return;
    }
    Floats product(sum_.size());
    AddProducts(operand, hidden_weights_, columns, product.data());
    AddBias(0, columns, sum_.data());
    AddBias(1, columns, product.data());
    for (size_t j = 0; j < hidden_; ++j) {
      sum_[2 * hidden_ + j] += sum_[hidden_ + j] * product[2 * hidden_ + j];
    }
  }

  const RecurrentArgs& args_;
  RowProductFunction add_product_;
  size_t hidden_;
  const UnaryFunction* functions_;
  const float* input_weights_;
  const float* hidden_weights_;
  Floats bias_, peepholes_;
  bool has_bias_, has_peepholes_;
  Floats h_, c_, sum_;
};

TensorView ViewOr(std::span<const TensorView> views, size_t i) {
  return i < views.size() ? views[i] : TensorView();
}

Status Walk(const RecurrentArgs& args, RowProductFunction add_product,
            const KernelCall& call, int64_t unit) {
  constexpr size_t kNumInputs = 8;
  TensorView in[kNumInputs];
  for (size_t i = 0; i < kNumInputs; ++i) in[i] = ViewOr(call.in, i);
  const RecurrentRows rows{args, unit / args.batch, unit % args.batch};
  ANEREF_ASSIGN(const int64_t length, SequenceLength(args, in[4], rows.item));
  const bool reverse = rows.IsReverse();
  Cell cell(args, add_product, in, rows.direction, rows.State());
  const TensorView y = ViewOr(call.out, 0);
  for (int64_t i = 0; i < length; ++i) {
    const int64_t step = reverse ? length - 1 - i : i;
    cell.Step(LoadRow(in[0], rows.X(step)));
    StoreRow(cell.h(), y, rows.Y(step));
  }
  const Floats zeros(static_cast<size_t>(args.hidden));
  for (int64_t step = length; step < args.steps; ++step)
    StoreRow(zeros, y, rows.Y(step));
  StoreRow(cell.h(), ViewOr(call.out, 1), rows.State());
  StoreRow(cell.c(), ViewOr(call.out, 2), rows.State());
  return Status();
}

Floats LoadAll(const TensorView& view) {
  Floats values;
  values.reserve(static_cast<size_t>(view.shape.NumElements()));
  for (int64_t row = 0; row < view.num_rows(); ++row) {
    const Floats part = LoadRow(view, row);
    values.insert(values.end(), part.begin(), part.end());
  }
  return values;
}

template <RowProductFunction add_product>
Status Run(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const RecurrentArgs*>(call.args);
  if (args.weights.size() > 0) return Walk(args, add_product, call, unit);
  RecurrentArgs packed = args;
  PackRecurrentWeights(LoadAll(call.in[1]), LoadAll(call.in[2]), &packed);
  for (int64_t i = 0; i < args.directions * args.batch; ++i)
    ANEREF_TRY(Walk(packed, add_product, call, i));
  return Status();
}

// Rows [columns][depth] into `to` [depth][columns].
void Transpose(const float* from, int64_t columns, int64_t depth, float* to) {
  for (int64_t j = 0; j < columns; ++j) {
    for (int64_t k = 0; k < depth; ++k) to[k * columns + j] = *from++;
  }
}

}  // namespace

int64_t RecurrentArgs::Gates() const {
  return kind == Kind::lstm ? 4 : kind == Kind::gru ? 3 : 1;
}

size_t RecurrentArgs::NumFunctions() const {
  return kind == Kind::lstm ? 3 : kind == Kind::gru ? 2 : 1;
}

Expected<int64_t> SequenceLength(const RecurrentArgs& args,
                                 const TensorView& lengths, int64_t item) {
  if (lengths.data == nullptr) return args.steps;
  int64_t length = 0;
  ConvertElements(
      lengths.dtype,
      lengths.data + static_cast<size_t>(item) * ElementSize(lengths.dtype),
      DataType::kInt64, &length, 1);
  if (length < 0 || length > args.steps) {
    return InvalidArgument("sequence length " + std::to_string(length) +
                           " is outside [0, " + std::to_string(args.steps) +
                           "]");
  }
  return length;
}

void PackRecurrentWeights(const Floats& w, const Floats& r,
                          RecurrentArgs* args) {
  const int64_t columns = args->Columns();
  args->weights = AlignedBytes((w.size() + r.size()) * sizeof(float));
  float* to = args->weights.as<float>();
  for (int64_t d = 0; d < args->directions; ++d) {
    Transpose(w.data() + d * columns * args->inputs, columns, args->inputs, to);
    to += columns * args->inputs;
    Transpose(r.data() + d * columns * args->hidden, columns, args->hidden, to);
    to += columns * args->hidden;
  }
}

const Kernel kRecurrentKernel = {"recurrent", Run<AddRowProductScalar>,
                                 Run<AddRowProductSimd>};

}  // namespace aneref
