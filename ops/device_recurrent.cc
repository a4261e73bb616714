// Recurrent layers from the engine's pieces (N37): the reference from the
// scalar rule functions, and the one kernel call that a layer lowers to.
#include "ops/kernels/device_recurrent.h"

#include <algorithm>

#include "ops/device_mac.h"
#include "ops/device_ops.h"
#include "ops/recurrent.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

using Kind = fbs::RecurrentKind;
using Halves = std::vector<uint16_t>;

// ---- reference ----

// All operands, dense.
struct Operands {
  explicit Operands(const OpView& op, const RefTensors& tensors)
      : x(LoadHalves(tensors.in[0])),
        w(LoadHalves(tensors.in[1])),
        r(LoadHalves(tensors.in[2])),
        h(Optional(op, kRecurrentHidden, tensors)),
        c(Optional(op, kRecurrentCell, tensors)),
        peepholes(Optional(op, kRecurrentPeepholes, tensors)) {
    if (op.HasInput(kRecurrentBias))
      bias = LoadDeviceBias(op, kRecurrentBias, tensors.in[kRecurrentBias]);
  }
  static Halves Optional(const OpView& op, size_t i,
                         const RefTensors& tensors) {
    return op.HasInput(i) ? LoadHalves(tensors.in[i]) : Halves();
  }
  Halves x, w, r, h, c, peepholes;
  std::vector<float> bias;
};

// Elements [index * width, (index + 1) * width); zeros of an absent operand.
Halves RowOf(const Halves& values, int64_t index, int64_t width) {
  if (values.empty()) return Halves(static_cast<size_t>(width));
  const auto from = values.begin() + index * width;
  return Halves(from, from + width);
}

// One direction of one batch item, unit by unit.
class ReferenceCell {
 public:
  ReferenceCell(const OpView& op, const RecurrentArgs& args,
                const Operands& operands, const RecurrentRows& rows)
      : args_(args),
        profile_(op.device()->profile()),
        operands_(operands),
        direction_(rows.direction),
        h_(RowOf(operands.h, rows.State(), args.hidden)),
        c_(RowOf(operands.c, rows.State(), args.hidden)) {}

  void Step(const Halves& x) {
    const Halves old = h_;
    const auto hidden = static_cast<size_t>(args_.hidden);
    if (args_.kind == Kind::gru) return StepGru(x, old);
    for (size_t j = 0; j < hidden; ++j) {
      if (args_.kind == Kind::lstm)
        StepLstm(x, old, j);
      else
        h_[j] = Gate(0, Sum({&x, &old, true, true}, 0, j));
    }
  }
  const Halves& h() const { return h_; }
  const Halves& c() const { return c_; }

 private:
  // Which operands, and which halves of the bias, a sum takes in.
  struct Part {
    const Halves* x;
    const Halves* h;
    bool bias_of_w;
    bool bias_of_r;
  };

  uint16_t Sum(const Part& part, size_t gate, size_t j) const {
    const auto columns = static_cast<size_t>(args_.Columns());
    const size_t column = gate * static_cast<size_t>(args_.hidden) + j;
    const size_t row = static_cast<size_t>(direction_) * columns + column;
    MacEpilogue epilogue;
    epilogue.has_bias = !operands_.bias.empty();
    if (epilogue.has_bias) {
      const float* bias = operands_.bias.data() + 2 * (row - column);
      epilogue.bias =
          static_cast<double>((part.bias_of_w ? bias[column] : 0.0f) +
                              (part.bias_of_r ? bias[columns + column] : 0.0f));
    }
    Accumulator sum(profile_);
    sum.Start(epilogue);
    const auto add = [&](const Halves* list, const Halves& weights) {
      for (size_t k = 0; list != nullptr && k < list->size(); ++k)
        sum.Add((*list)[k], weights[row * list->size() + k]);
    };
    add(part.x, operands_.w);
    add(part.h, operands_.r);
    return sum.Finish();
  }

  uint16_t Do(PlanarOp op, uint16_t a, uint16_t b) const {
    return Planar(profile_, op, a, b);
  }
  uint16_t Clip(float bound, uint16_t x) const {
    if (!(bound > 0)) return x;
    x = Do(PlanarOp::kMax, x, FloatToHalf(-bound));
    return Do(PlanarOp::kMin, x, FloatToHalf(bound));
  }
  uint16_t Apply(size_t function, uint16_t x) const {
    const size_t first = static_cast<size_t>(direction_) * args_.NumFunctions();
    return EvaluateDeviceUnary(profile_, args_.functions[first + function], x);
  }
  uint16_t Gate(size_t function, uint16_t x) const {
    return Apply(function, Clip(args_.clip, x));
  }

  // Gate i, o or f with its peephole.
  uint16_t LstmSum(const Part& part, size_t gate, size_t j) const {
    const uint16_t sum = Sum(part, gate, j);
    if (operands_.peepholes.empty()) return sum;
    const auto hidden = static_cast<size_t>(args_.hidden);
    const size_t at = (static_cast<size_t>(direction_) * 3 + gate) * hidden + j;
    return Do(PlanarOp::kAdd, sum,
              Do(PlanarOp::kMul, operands_.peepholes[at], c_[j]));
  }

  void StepLstm(const Halves& x, const Halves& old, size_t j) {
    const Part all = {&x, &old, true, true};
    const uint16_t i = Gate(0, LstmSum(all, 0, j));
    const uint16_t f = args_.input_forget ? Do(PlanarOp::kSub, 0x3C00, i)
                                          : Gate(0, LstmSum(all, 2, j));
    const uint16_t g = Gate(1, Sum(all, 3, j));
    c_[j] = Do(PlanarOp::kAdd, Do(PlanarOp::kMul, f, c_[j]),
               Do(PlanarOp::kMul, i, g));
    c_[j] = Clip(args_.cell_clip, c_[j]);
    const uint16_t o = Gate(0, LstmSum(all, 1, j));
    h_[j] = Do(PlanarOp::kMul, o, Apply(2, c_[j]));
  }

  void StepGru(const Halves& x, const Halves& old) {
    const Part all = {&x, &old, true, true};
    Halves z, r, reset;
    for (size_t j = 0; j < old.size(); ++j) {
      z.push_back(Gate(0, Sum(all, 0, j)));
      r.push_back(Gate(0, Sum(all, 1, j)));
      reset.push_back(Do(PlanarOp::kMul, r[j], old[j]));
    }
    for (size_t j = 0; j < old.size(); ++j) {
      uint16_t n = 0;
      if (args_.linear_before_reset) {
        const uint16_t product = Sum({nullptr, &old, false, true}, 2, j);
        n = Do(PlanarOp::kAdd, Sum({&x, nullptr, true, false}, 2, j),
               Do(PlanarOp::kMul, r[j], product));
      } else {
        n = Sum({&x, &reset, true, true}, 2, j);
      }
      h_[j] =
          Do(PlanarOp::kAdd,
             Do(PlanarOp::kMul, Do(PlanarOp::kSub, 0x3C00, z[j]), Gate(1, n)),
             Do(PlanarOp::kMul, z[j], old[j]));
    }
  }

  const RecurrentArgs& args_;
  const Profile& profile_;
  const Operands& operands_;
  const int64_t direction_;
  Halves h_, c_;
};

void Put(const Halves& row, int64_t at, Halves* all) {
  std::copy(row.begin(), row.end(),
            all->begin() + at * static_cast<int64_t>(row.size()));
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const RecurrentArgs args, RecurrentArgsOf(op));
  const Operands operands(op, tensors);
  std::vector<Halves> results;
  for (size_t i = 0; i < 3; ++i) {
    const bool wanted = op.HasOutput(i);
    results.emplace_back(
        wanted ? static_cast<size_t>(op.Out(i).shape.NumElements()) : 0);
  }
  for (int64_t unit = 0; unit < args.directions * args.batch; ++unit) {
    const RecurrentRows rows{args, unit / args.batch, unit % args.batch};
    const TensorView lengths = op.HasInput(kRecurrentLengths)
                                   ? tensors.in[kRecurrentLengths]
                                   : TensorView();
    ANEREF_ASSIGN(const int64_t length,
                  SequenceLength(args, lengths, rows.item));
    ReferenceCell cell(op, args, operands, rows);
    for (int64_t i = 0; i < length; ++i) {
      const int64_t step = rows.IsReverse() ? length - 1 - i : i;
      cell.Step(RowOf(operands.x, rows.X(step), args.inputs));
      if (!results[0].empty()) Put(cell.h(), rows.Y(step), &results[0]);
    }
    if (!results[1].empty()) Put(cell.h(), rows.State(), &results[1]);
    if (!results[2].empty()) Put(cell.c(), rows.State(), &results[2]);
  }
  for (size_t i = 0; i < op.num_outputs(); ++i)
    if (op.HasOutput(i)) StoreHalves(results[i], tensors.out[i]);
  return Status();
}

// ---- lowering ----

Halves KnownBits(const OpView& op, size_t i) {
  const AlignedBytes dense = LoadKnown(op, i);
  const auto* bits = dense.as<uint16_t>();
  return Halves(bits, bits + op.In(i).shape.NumElements());
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  auto args = std::make_shared<DeviceRecurrentArgs>();
  ANEREF_ASSIGN(args->layer, RecurrentArgsOf(op));
  if (args->layer.batch == 0) return Status();
  args->profile = &op.device()->profile();
  for (const UnaryFunction& function : args->layer.functions)
    args->tables.push_back(DeviceUnaryTable(*op.device(), function));
  std::vector<size_t> packed;
  if (op.IsKnown(1) && op.IsKnown(2)) {
    PackDeviceRecurrentWeights(KnownBits(op, 1), KnownBits(op, 2), args.get());
    packed = {1, 2};
  }
  if (op.IsKnown(kRecurrentBias)) {
    args->bias = LoadDeviceBias(op, kRecurrentBias);
    packed.push_back(kRecurrentBias);
  }
  TaskSpec task =
      RecurrentTask(device_recurrent_kernel, op, args->layer, packed);
  task.scratch_bytes = DeviceRecurrentScratchBytes(*args);
  task.args = std::move(args);
  builder->Add(std::move(task));
  return Status();
}

}  // namespace

const DeviceOp recurrent_device = {RunsFromPieces, Lower, Reference};

}  // namespace aneref
