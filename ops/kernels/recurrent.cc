// See recurrent.h. The order of the sums is P19: products of x, then of h, k
// ascending, one fp32 sum per output. Twins differ in the row product and in
// the functions of rows.
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

// What differs between the twins.
struct Twin {
  RowProductFunction add_product;
  UnaryBlockFunction (*find_function)(const UnaryFunction& function);
};
UnaryBlockFunction ScalarFunction(const UnaryFunction& function) {
  return ScalarUnary(function.kind, DataType::kFloat32);
}
UnaryBlockFunction SimdFunction(const UnaryFunction& function) {
  const UnaryBlockFunction found = SimdUnary(function, DataType::kFloat32);
  return found != nullptr ? found : ScalarFunction(function);
}
constexpr Twin kScalarTwin = {AddRowProductScalar, ScalarFunction};
constexpr Twin kSimdTwin = {AddRowProductSimd, SimdFunction};

// Steps whose products with x are summed at once, so that w is read once.
constexpr int64_t kStepsAtOnce = 16;

// One direction of one batch item.
class Cell {
 public:
  Cell(const RecurrentArgs& args, const Twin& twin,
       std::span<const TensorView> in, int64_t direction, int64_t state_row)
      : args_(args),
        add_product_(twin.add_product),
        hidden_(static_cast<size_t>(args.hidden)),
        columns_(static_cast<size_t>(args.Columns())),
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
        scratch_(hidden_ + columns_) {
    const UnaryFunction* functions =
        args.functions.data() +
        static_cast<size_t>(direction) * args.NumFunctions();
    for (size_t i = 0; i < args.NumFunctions(); ++i) {
      functions_[i].function = functions[i];
      run_[i] = twin.find_function(functions[i]);
    }
  }

  // sums[i] = x[i] w for `steps` rows of x, all gates.
  void Prepare(const float* x, size_t steps, float* sums) const {
    std::fill_n(sums, steps * columns_, 0.0f);
    const auto inputs = static_cast<size_t>(args_.inputs);
    add_product_({x, inputs, input_weights_, columns_, columns_, steps, inputs,
                  columns_},
                 sums);
  }

  // One step from its row of Prepare, which is overwritten.
  void Step(float* sum) {
    if (args_.kind == Kind::lstm) return StepLstm(sum);
    if (args_.kind == Kind::gru) return StepGru(sum);
    AddState(h_, 0, args_.Gates(), sum);
    AddBias(0, 0, args_.Gates(), sum);
    AddBias(1, 0, args_.Gates(), sum);
    std::copy_n(sum, hidden_, h_.data());
    Activate(0, hidden_, h_.data());
  }
  const Floats& h() const { return h_; }
  const Floats& c() const { return c_; }

 private:
  // Gates [from, to) of `sum` get operand r.
  void AddState(const Floats& operand, int64_t from, int64_t to,
                float* sum) const {
    const size_t begin = static_cast<size_t>(from) * hidden_;
    add_product_({operand.data(), hidden_, hidden_weights_ + begin, columns_,
                  static_cast<size_t>(to) * hidden_ - begin},
                 sum + begin);
  }

  // `half` 0: the bias of w, 1: of r.
  void AddBias(size_t half, int64_t from, int64_t to, float* sum) const {
    if (!has_bias_) return;
    const float* bias = bias_.data() + half * columns_;
    const size_t end = static_cast<size_t>(to) * hidden_;
    for (size_t j = static_cast<size_t>(from) * hidden_; j < end; ++j)
      sum[j] += bias[j];
  }

  // NaN stays.
  static float Clip(float x, float bound) {
    if (bound > 0 && x < -bound) return -bound;
    return bound > 0 && x > bound ? bound : x;
  }
  void Activate(size_t function, size_t count, float* values) const {
    if (args_.clip > 0) {
      for (size_t j = 0; j < count; ++j)
        values[j] = Clip(values[j], args_.clip);
    }
    Apply(function, count, values, values);
  }
  void Apply(size_t function, size_t count, const float* values,
             float* out) const {
    UnaryBlock block;
    block.x = reinterpret_cast<const std::byte*>(values);
    block.out = reinterpret_cast<std::byte*>(out);
    block.count = count;
    run_[function](functions_[function], block);
  }

  // Gate `gate` (i, o, f) gets the peephole of c; that of gate g is row g.
  void AddPeephole(size_t gate, float* sum) const {
    if (!has_peepholes_) return;
    for (size_t j = 0; j < hidden_; ++j)
      sum[gate * hidden_ + j] += peepholes_[gate * hidden_ + j] * c_[j];
  }

  // Gates i, o, f, c: x w + h r + wb + rb.
  void StepLstm(float* sum) {
    float *const i = sum, *const o = sum + hidden_, *const f = o + hidden_,
                 *const g = f + hidden_;
    AddState(h_, 0, 4, sum);
    AddBias(0, 0, 4, sum);
    AddBias(1, 0, 4, sum);
    AddPeephole(0, sum);
    AddPeephole(2, sum);
    Activate(0, hidden_, i);
    if (args_.input_forget) {
      for (size_t j = 0; j < hidden_; ++j) f[j] = 1.0f - i[j];
    } else {
      Activate(0, hidden_, f);
    }
    Activate(1, hidden_, g);
    for (size_t j = 0; j < hidden_; ++j)
      c_[j] = Clip(f[j] * c_[j] + i[j] * g[j], args_.cell_clip);
    AddPeephole(1, sum);
    Activate(0, hidden_, o);
    Apply(2, hidden_, c_.data(), h_.data());
    for (size_t j = 0; j < hidden_; ++j) h_[j] = o[j] * h_[j];
  }

  // Gates z, r, h.
  void StepGru(float* sum) {
    AddState(h_, 0, 2, sum);
    AddBias(0, 0, 2, sum);
    AddBias(1, 0, 2, sum);
    Activate(0, 2 * hidden_, sum);
    SumCandidate(sum);
    float* n = sum + 2 * hidden_;
    Activate(1, hidden_, n);
    for (size_t j = 0; j < hidden_; ++j)
      h_[j] = (1.0f - sum[j]) * n[j] + sum[j] * h_[j];
  }

  // Gate h of the GRU; r stands at sum[hidden_ ...].
  void SumCandidate(float* sum) {
    const float* r = sum + hidden_;
    if (!args_.linear_before_reset) {
      std::copy(h_.begin(), h_.end(), scratch_.begin());
      for (size_t j = 0; j < hidden_; ++j) scratch_[j] *= r[j];
      AddState(scratch_, 2, 3, sum);
      AddBias(0, 2, 3, sum);
      AddBias(1, 2, 3, sum);
      return;
    }
    float* product = scratch_.data() + hidden_;
    std::fill_n(product, columns_, 0.0f);
    AddState(h_, 2, 3, product);
    AddBias(0, 2, 3, sum);
    AddBias(1, 2, 3, product);
    for (size_t j = 0; j < hidden_; ++j)
      sum[2 * hidden_ + j] += r[j] * product[2 * hidden_ + j];
  }

  const RecurrentArgs& args_;
  RowProductFunction add_product_;
  size_t hidden_, columns_;
  const float* input_weights_;
  const float* hidden_weights_;
  Floats bias_, peepholes_;
  bool has_bias_, has_peepholes_;
  Floats h_, c_;
  Floats scratch_;  // an operand, then the sums of r alone
  UnaryArgs functions_[3];
  UnaryBlockFunction run_[3] = {};
};

TensorView ViewOr(std::span<const TensorView> views, size_t i) {
  return i < views.size() ? views[i] : TensorView();
}

Status Walk(const RecurrentArgs& args, const Twin& twin, const KernelCall& call,
            int64_t unit) {
  constexpr size_t kNumInputs = 8;
  TensorView in[kNumInputs];
  for (size_t i = 0; i < kNumInputs; ++i) in[i] = ViewOr(call.in, i);
  const RecurrentRows rows{args, unit / args.batch, unit % args.batch};
  ANEREF_ASSIGN(const int64_t length, SequenceLength(args, in[4], rows.item));
  const auto step_at = [&](int64_t i) {
    return rows.IsReverse() ? length - 1 - i : i;
  };
  Cell cell(args, twin, in, rows.direction, rows.State());
  const TensorView y = ViewOr(call.out, 0);
  const int64_t at_once = std::min(length, kStepsAtOnce);
  Floats x(static_cast<size_t>(at_once * args.inputs));
  Floats sums(static_cast<size_t>(at_once * args.Columns()));
  for (int64_t begin = 0; begin < length; begin += at_once) {
    const int64_t count = std::min(at_once, length - begin);
    for (int64_t i = 0; i < count; ++i) {
      LoadFloatRow(
          in[0].dtype, in[0].Row<std::byte>(rows.X(step_at(begin + i))),
          static_cast<size_t>(args.inputs), x.data() + i * args.inputs);
    }
    cell.Prepare(x.data(), static_cast<size_t>(count), sums.data());
    for (int64_t i = 0; i < count; ++i) {
      cell.Step(sums.data() + i * args.Columns());
      StoreRow(cell.h(), y, rows.Y(step_at(begin + i)));
    }
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

template <const Twin& kTwin>
Status Run(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const RecurrentArgs*>(call.args);
  if (args.weights.size() > 0) return Walk(args, kTwin, call, unit);
  RecurrentArgs packed = args;
  PackRecurrentWeights(LoadAll(call.in[1]), LoadAll(call.in[2]), &packed);
  for (int64_t i = 0; i < args.directions * args.batch; ++i)
    ANEREF_TRY(Walk(packed, kTwin, call, i));
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

const Kernel kRecurrentKernel = {"recurrent", Run<kScalarTwin>, Run<kSimdTwin>};

}  // namespace aneref
