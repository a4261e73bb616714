// The interpreter's loops, scans and branches.
#include <algorithm>
#include <string>

#include "runtime/core/layout.h"
#include "runtime/exec/interpreter_impl.h"
#include "runtime/graph/evaluate.h"

namespace aneref {

Expected<HostValue> Interpreter::Impl::MakeScalar(DataType type,
                                                  int64_t number) const {
  const TensorType declared{type, Shape{}};
  return MakeHostValue(declared,
                       DenseView({DataType::kInt64, Shape{}}, &number),
                       options.numerics, memory);
}

namespace {

// Where element `index`, row major, of a view lies.
std::byte* ElementOf(const TensorView& view, int64_t index) {
  const int64_t width = std::max<int64_t>(view.width(), 1);
  return view.Row<std::byte>(index / width) +
         static_cast<size_t>(index % width) * ElementSize(view.dtype);
}

// Copies `part` to or from its place at `index` of `axis` of `whole`, which has
// that axis beyond part's. Rows stay whole unless it is the last.
enum class Direction : uint8_t { kIntoWhole, kFromWhole };
void CopyPart(const TensorView& part, const TensorView& whole, size_t axis,
              int64_t index, Direction direction) {
  const auto copy = [&](std::byte* in_part, std::byte* in_whole, size_t bytes) {
    if (direction == Direction::kIntoWhole) {
      std::copy_n(in_part, bytes, in_whole);
    } else {
      std::copy_n(in_whole, bytes, in_part);
    }
  };
  const size_t size = ElementSize(part.dtype), rank = part.shape.rank();
  if (part.shape.NumElements() == 0) return;
  if (axis == rank) {
    for (int64_t i = 0; i < part.shape.NumElements(); ++i) {
      copy(ElementOf(part, i),
           whole.Row<std::byte>(i) + static_cast<size_t>(index) * size, size);
    }
    return;
  }
  const int64_t outer = part.shape.NumElements(0, axis),
                rows = part.shape.NumElements(axis, rank - 1);
  const size_t bytes = static_cast<size_t>(part.width()) * size;
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t row = 0; row < rows; ++row) {
      copy(part.Row<std::byte>(o * rows + row),
           whole.Row<std::byte>((o * whole.shape[axis] + index) * rows + row),
           bytes);
    }
  }
}

}  // namespace

// Values of one type along a new axis of the result; `empty` types a stack of
// nothing.
Expected<HostValue> Interpreter::Impl::Stack(const HostValues& parts,
                                             size_t axis, bool reverse,
                                             const TensorType& empty) const {
  TensorType type = parts.empty() ? empty : parts[0].declared;
  if (axis > type.shape.rank())
    return ShapeError("scan output axis is outside the rank");
  for (const HostValue& part : parts) {
    if (!(part.declared == type))
      return ShapeError("a scan output changes its type between iterations");
  }
  std::vector<int64_t> dims = type.shape.ToVector();
  dims.insert(dims.begin() + static_cast<ptrdiff_t>(axis),
              static_cast<int64_t>(parts.size()));
  ANEREF_ASSIGN(const Shape shape, MakeShape(dims));
  const TensorType stacked{type.dtype, shape};
  ANEREF_ASSIGN(
      HostValue result,
      NewValue(stacked, {MemoryType(type.dtype, options.numerics), shape},
               memory));
  for (size_t i = 0; i < parts.size(); ++i) {
    CopyPart(parts[reverse ? parts.size() - 1 - i : i].view, result.view, axis,
             static_cast<int64_t>(i), Direction::kIntoWhole);
  }
  return result;
}

// The part of `value` at `index` of `axis`, without that axis.
Expected<HostValue> Interpreter::Impl::Slice(const HostValue& value,
                                             size_t axis, int64_t index) const {
  TensorType type = value.declared;
  type.shape.Erase(axis);
  ANEREF_ASSIGN(HostValue result,
                NewValue(type, {value.view.dtype, type.shape}, memory));
  CopyPart(result.view, value.view, axis, index, Direction::kFromWhole);
  return result;
}

Expected<HostValues> Interpreter::Impl::RunControl(const fbs::Node& node,
                                                   const Operands& operands) {
  HostValues in(operands.size());
  for (size_t i = 0; i < in.size(); ++i)
    if (operands[i] != nullptr) in[i] = *operands[i];
  const auto& control = *static_cast<const fbs::Control*>(node.op());
  const size_t num_bodies = control.bodies() ? control.bodies()->size() : 0;
  const size_t needed = control.kind() == fbs::ControlKind::branch ? 2 : 1;
  if (num_bodies != needed || control.captured() == nullptr ||
      control.captured()->size() != needed) {
    return InvalidFile(
        "F11", "a control op needs " + std::to_string(needed) + " bodies");
  }
  for (int32_t body : *control.bodies()) {
    if (body <= 0 ||
        static_cast<size_t>(body) >= net.table().graphs()->size()) {
      return InvalidFile("F5", "body " + std::to_string(body) + " is no graph");
    }
  }
  const auto graph = [&](unsigned i) -> const fbs::Graph& {
    return *net.table().graphs()->Get(
        static_cast<unsigned>(control.bodies()->Get(i)));
  };
  const size_t num_outputs = node.outputs()->size();
  if (control.kind() == fbs::ControlKind::loop)
    return RunLoop(control, graph(0), in, num_outputs);
  if (control.kind() == fbs::ControlKind::scan)
    return RunScan(control, graph(0), in, num_outputs);
  if (in.empty() || !in[0].defined)
    return ShapeError("a branch needs a condition");
  ANEREF_ASSIGN(const int64_t condition, ScalarInt(in[0], "the condition"));
  const unsigned taken = condition != 0 ? 0 : 1;
  const auto first = static_cast<size_t>(control.captured()->Get(0)),
             second = static_cast<size_t>(control.captured()->Get(1));
  if (first + second + 1 != in.size())
    return InvalidFile("F5", "captured values do not match");
  const auto begin =
      in.begin() + 1 + static_cast<ptrdiff_t>(taken == 0 ? 0 : first);
  return RunGraph(graph(taken),
                  HostValues(begin, begin + static_cast<ptrdiff_t>(
                                                taken == 0 ? first : second)),
                  false);
}

Expected<HostValues> Interpreter::Impl::RunLoop(const fbs::Control& control,
                                                const fbs::Graph& body,
                                                const HostValues& in,
                                                size_t num_outputs) {
  const auto captured = static_cast<size_t>(control.captured()->Get(0));
  if (in.size() < 2 + captured)
    return InvalidFile("F5", "captured values do not match");
  const size_t num_carried = in.size() - 2 - captured;
  int64_t limit = INT64_MAX, condition = 1;
  if (in[0].defined) {
    ANEREF_ASSIGN(limit, ScalarInt(in[0], "the trip count"));
  }
  if (in[1].defined) {
    ANEREF_ASSIGN(condition, ScalarInt(in[1], "the condition"));
  }
  HostValues carried(in.begin() + 2,
                     in.begin() + 2 + static_cast<ptrdiff_t>(num_carried));
  // Constants in the first turn only would lower the body twice.
  for (HostValue& value : carried) ANEREF_TRY(Detach(&value));
  if (num_outputs < num_carried)
    return ShapeError("a loop has fewer outputs than carried values");
  std::vector<HostValues> scans(num_outputs - num_carried);
  for (int64_t i = 0; i < limit && condition != 0; ++i) {
    HostValues arguments;
    ANEREF_ASSIGN(HostValue iteration, MakeScalar(DataType::kInt64, i));
    ANEREF_ASSIGN(HostValue flag, MakeScalar(DataType::kBool, condition));
    arguments.push_back(std::move(iteration));
    arguments.push_back(std::move(flag));
    arguments.insert(arguments.end(), carried.begin(), carried.end());
    arguments.insert(arguments.end(),
                     in.end() - static_cast<ptrdiff_t>(captured), in.end());
    ANEREF_ASSIGN(const HostValues results, RunGraph(body, arguments, false));
    if (results.size() != 1 + num_outputs)
      return ShapeError("the loop's body gives another number of outputs");
    ANEREF_ASSIGN(condition, ScalarInt(results[0], "the condition"));
    carried.assign(results.begin() + 1,
                   results.begin() + 1 + static_cast<ptrdiff_t>(num_carried));
    for (size_t s = 0; s < scans.size(); ++s)
      scans[s].push_back(results[1 + num_carried + s]);
  }
  HostValues outputs = carried;
  for (size_t s = 0; s < scans.size(); ++s) {
    TensorType empty;
    const auto index = static_cast<unsigned>(
        body.outputs()
            ->Get(static_cast<unsigned>(1 + num_carried + s))
            ->tensor());
    empty.dtype = static_cast<DataType>(body.tensors()->Get(index)->dtype());
    ANEREF_ASSIGN(HostValue stacked, Stack(scans[s], 0, false, empty));
    outputs.push_back(std::move(stacked));
  }
  return outputs;
}

Expected<HostValues> Interpreter::Impl::RunScan(const fbs::Control& control,
                                                const fbs::Graph& body,
                                                const HostValues& in,
                                                size_t num_outputs) {
  const auto captured = static_cast<size_t>(control.captured()->Get(0));
  const auto num_scans =
      static_cast<size_t>(std::max(control.num_scan_inputs(), 0));
  if (num_scans == 0 || in.size() < captured + num_scans)
    return ShapeError("a scan needs scanned inputs");
  const size_t num_states = in.size() - captured - num_scans;
  if (num_outputs < num_states)
    return ShapeError("a scan has fewer outputs than states");
  const auto axis_of = [](const flatbuffers::Vector<int32_t>* axes, size_t i,
                          size_t rank) -> Expected<size_t> {
    return NormalizeAxis(axes != nullptr && i < axes->size()
                             ? axes->Get(static_cast<unsigned>(i))
                             : 0,
                         rank);
  };
  const auto flag_of = [](const flatbuffers::Vector<uint8_t>* flags, size_t i) {
    return flags != nullptr && i < flags->size() &&
           flags->Get(static_cast<unsigned>(i)) != 0;
  };
  std::vector<size_t> axes(num_scans);
  HostValues scanned;
  int64_t length = -1;
  for (size_t s = 0; s < num_scans; ++s) {
    const Shape& shape = in[num_states + s].declared.shape;
    ANEREF_ASSIGN(axes[s], axis_of(control.scan_input_axes(), s, shape.rank()));
    if (length >= 0 && shape[axes[s]] != length)
      return ShapeError("scanned inputs differ in length");
    length = shape[axes[s]];
    scanned.push_back(in[num_states + s]);
    ANEREF_TRY(MakeSurface(&scanned.back(), memory));
  }
  HostValues states(in.begin(),
                    in.begin() + static_cast<ptrdiff_t>(num_states));
  for (HostValue& value : states) ANEREF_TRY(Detach(&value));
  std::vector<HostValues> scans(num_outputs - num_states);
  for (int64_t i = 0; i < length; ++i) {
    HostValues arguments = states;
    for (size_t s = 0; s < num_scans; ++s) {
      const int64_t index =
          flag_of(control.scan_input_reverse(), s) ? length - 1 - i : i;
      ANEREF_ASSIGN(HostValue part, Slice(scanned[s], axes[s], index));
      arguments.push_back(std::move(part));
    }
    arguments.insert(arguments.end(),
                     in.end() - static_cast<ptrdiff_t>(captured), in.end());
    ANEREF_ASSIGN(const HostValues results, RunGraph(body, arguments, false));
    if (results.size() != num_outputs)
      return ShapeError("the scan's body gives another number of outputs");
    states.assign(results.begin(),
                  results.begin() + static_cast<ptrdiff_t>(num_states));
    for (size_t s = 0; s < scans.size(); ++s)
      scans[s].push_back(results[num_states + s]);
  }
  HostValues outputs = states;
  for (size_t s = 0; s < scans.size(); ++s) {
    if (scans[s].empty())
      return ShapeError("a scan over nothing has no output type");
    ANEREF_ASSIGN(const size_t axis,
                  axis_of(control.scan_output_axes(), s,
                          scans[s][0].declared.shape.rank() + 1));
    ANEREF_ASSIGN(
        HostValue stacked,
        Stack(scans[s], axis, flag_of(control.scan_output_reverse(), s),
              TensorType{}));
    outputs.push_back(std::move(stacked));
  }
  return outputs;
}

}  // namespace aneref
