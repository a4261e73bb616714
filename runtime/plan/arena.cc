// See arena.h. Values are grouped into storages first (views and parts, which
// no lifetime can forbid, then in-place ops, which need the operand to die),
// then the storages are placed.
#include "runtime/plan/arena.h"

#include <algorithm>
#include <limits>

#include "runtime/core/layout.h"
#include "runtime/plan/memory.h"
#include "runtime/plan/row_chains.h"

namespace aneref {
namespace {

constexpr int32_t kBeforeRun = -1;

// A value inside its storage.
struct Home {
  int32_t root = -1;  // value that names the storage; -1: no memory
  uint64_t offset = 0;
  uint64_t bytes = 0;
  Sharing sharing = Sharing::kOwn;
  int32_t shares_with = -1;
};

// Whether two surfaces of equal element count are the same bytes: equal rows,
// or rows without padding in both (L13).
bool SameBytes(const TensorType& a, const TensorType& b) {
  if (a.dtype != b.dtype || a.shape.NumElements() != b.shape.NumElements())
    return false;
  if (a.shape.back() == b.shape.back()) return true;
  return SurfaceRowPitch(a) == DenseRowPitch(a) &&
         SurfaceRowPitch(b) == DenseRowPitch(b);
}

class Arranger {
 public:
  explicit Arranger(const ArenaRequest& request)
      : program_(*request.program), request_(request) {}

  Expected<ArenaPlan> Run() {
    ANEREF_TRY(MakeHomes());
    plan_.node_is_free.assign(program_.nodes.size(), 0);
    for (const RunStep& step : request_.order) ShareViews(step.node);
    FindLifetimes();
    if (!request_.keep_intermediates) {
      for (size_t i = 0; i < request_.order.size(); ++i)
        ShareInPlace(static_cast<int32_t>(i));
    }
    return Place();
  }

 private:
  const ProgramValue& Value(int32_t index) const {
    return program_.values[static_cast<size_t>(index)];
  }
  Home& HomeOf(int32_t value) { return homes_[static_cast<size_t>(value)]; }
  const ProgramNode& Node(int32_t index) const {
    return program_.nodes[static_cast<size_t>(index)];
  }

  Status AddHome(int32_t value) {
    if (value < 0 || Value(value).is_known || HomeOf(value).root >= 0)
      return Status();
    ANEREF_ASSIGN(const size_t bytes, SurfaceBytes(Value(value).memory));
    if (bytes > (uint64_t{1} << 50)) {
      return Status(StatusCode::kLimit, "",
                    "'" + Value(value).name + "' is " +
                        Value(value).memory.ToString() + ": too large");
    }
    HomeOf(value) = {value, 0, bytes, Sharing::kOwn, -1};
    sum_ += bytes;
    return Status();
  }

  Status MakeHomes() {
    homes_.resize(program_.values.size());
    fixed_.assign(program_.values.size(), 0);
    for (const RunStep& step : request_.order) {
      for (int32_t value : Node(step.node).inputs) ANEREF_TRY(AddHome(value));
      for (int32_t value : Node(step.node).outputs) ANEREF_TRY(AddHome(value));
    }
    for (int32_t value : program_.outputs) ANEREF_TRY(AddHome(value));
    for (int32_t value : program_.inputs)
      fixed_[static_cast<size_t>(value)] = 1;
    return Status();
  }

  // Puts the storage that `value` names wholly into `target`'s at `offset`.
  void Attach(int32_t value, const Home& target, uint64_t offset) {
    for (Home& home : homes_) {
      if (home.root != value) continue;
      home.root = target.root;
      home.offset += target.offset + offset;
    }
  }
  // The storage has no other owner and may be moved.
  bool IsWholeStorage(int32_t value) const {
    const Home& home = homes_[static_cast<size_t>(value)];
    return home.root == value && !fixed_[static_cast<size_t>(value)];
  }

  void ShareViews(int32_t node) {
    switch (Node(node).node->op_type()) {
      case fbs::Op::Reshape:
        ShareReshape(node);
        break;
      case fbs::Op::Concat:
        ShareConcat(node);
        break;
      case fbs::Op::Split:
        ShareSplit(node);
        break;
      default:
        break;
    }
  }

  bool IsRuntime(int32_t value) const {
    return value >= 0 && homes_[static_cast<size_t>(value)].root >= 0;
  }

  void ShareReshape(int32_t node) {
    const int32_t in = Node(node).inputs[0], out = Node(node).outputs[0];
    if (!IsRuntime(in) || !IsRuntime(out) || !IsWholeStorage(out)) return;
    if (!SameBytes(Value(in).memory, Value(out).memory)) return;
    Attach(out, HomeOf(in), 0);
    HomeOf(out).sharing = Sharing::kView;
    HomeOf(out).shares_with = in;
    plan_.node_is_free[static_cast<size_t>(node)] = 1;
  }

  // Axes before `axis` have extent 1 and rows stay whole: each part is a run of
  // rows.
  static bool CutsRows(const Shape& shape, int64_t axis) {
    if (axis < 0) axis += static_cast<int64_t>(shape.rank());
    if (axis < 0 || axis + 1 >= static_cast<int64_t>(shape.rank()))
      return false;
    return shape.NumElements(0, static_cast<size_t>(axis)) == 1;
  }

  // E11: the operands of a concat are written where its result lies.
  void ShareConcat(int32_t node) {
    const ProgramNode& step = Node(node);
    const int32_t out = step.outputs[0];
    const auto axis = static_cast<const fbs::Concat*>(step.node->op())->axis();
    if (!IsRuntime(out) || !CutsRows(Value(out).memory.shape, axis)) return;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const int32_t in = step.inputs[i];
      if (!IsRuntime(in) || !IsWholeStorage(in) ||
          Value(in).memory.dtype != Value(out).memory.dtype ||
          Value(in).memory.shape.NumElements() == 0 ||
          std::count(step.inputs.begin(), step.inputs.end(), in) != 1)
        return;
    }
    uint64_t offset = 0;
    for (const int32_t in : step.inputs) {
      const uint64_t bytes = HomeOf(in).bytes;
      Attach(in, HomeOf(out), offset);
      HomeOf(in).sharing = Sharing::kPart;
      HomeOf(in).shares_with = out;
      offset += bytes;
    }
    plan_.node_is_free[static_cast<size_t>(node)] = 1;
  }

  void ShareSplit(int32_t node) {
    const ProgramNode& step = Node(node);
    const int32_t in = step.inputs[0];
    const auto axis = static_cast<const fbs::Split*>(step.node->op())->axis();
    if (!IsRuntime(in) || !CutsRows(Value(in).memory.shape, axis)) return;
    for (const int32_t out : step.outputs) {
      if (out >= 0 &&
          (!IsWholeStorage(out) || Value(out).memory.shape.NumElements() == 0))
        return;
      if (out < 0) return;  // its extent is not known here
    }
    uint64_t offset = 0;
    for (const int32_t out : step.outputs) {
      const uint64_t bytes = HomeOf(out).bytes;
      Attach(out, HomeOf(in), offset);
      HomeOf(out).sharing = Sharing::kPart;
      HomeOf(out).shares_with = in;
      offset += bytes;
    }
    plan_.node_is_free[static_cast<size_t>(node)] = 1;
  }

  void Touch(int32_t value, int32_t step) {
    if (!IsRuntime(value)) return;
    Lifetime& life = lifetimes_[static_cast<size_t>(HomeOf(value).root)];
    life.first = std::min(life.first, step);
    life.last = std::max(life.last, step);
  }

  void FindLifetimes() {
    lifetimes_.assign(program_.values.size(),
                      {0, std::numeric_limits<int32_t>::max(), -2});
    const auto end = static_cast<int32_t>(request_.order.size());
    for (int32_t step = 0; step < end; ++step) {
      const ProgramNode& node =
          Node(request_.order[static_cast<size_t>(step)].node);
      for (int32_t value : node.inputs) Touch(value, step);
      for (int32_t value : node.outputs) {
        Touch(value, step);
        if (request_.keep_intermediates) Touch(value, end);
      }
    }
    for (int32_t value : program_.inputs) {  // readable for the next run
      Touch(value, kBeforeRun);
      Touch(value, end);
    }
    for (int32_t value : program_.outputs) Touch(value, end);
    for (const RowChain& chain : FindRowChains(program_, request_.order)) {
      for (const int32_t value : chain.operands) Touch(value, chain.end);
    }
  }

  // Families whose kernels read an element before they write it, and nothing
  // else of the operand.
  static bool MayRunInPlace(const ProgramNode& node) {
    const fbs::Op op = node.node->op_type();
    return op == fbs::Op::Activation || op == fbs::Op::Elementwise ||
           op == fbs::Op::Softmax;
  }

  // The operand dies here: the result takes its memory.
  void ShareInPlace(int32_t step) {
    const ProgramNode& node =
        Node(request_.order[static_cast<size_t>(step)].node);
    if (!MayRunInPlace(node)) return;
    const int32_t in = node.inputs[0], out = node.outputs[0];
    if (!IsRuntime(in) || !IsRuntime(out)) return;
    if (!(Value(in).memory == Value(out).memory)) return;
    if (std::count(node.inputs.begin(), node.inputs.end(), in) != 1) return;
    const int32_t from = HomeOf(in).root, to = HomeOf(out).root;
    Lifetime& source = lifetimes_[static_cast<size_t>(from)];
    Lifetime& target = lifetimes_[static_cast<size_t>(to)];
    if (from == to || source.last != step) return;
    if (IsWholeStorage(out) && target.first == step) {
      Attach(out, HomeOf(in), 0);
      source.last = target.last;
      target.last = -2;
    } else if (IsWholeStorage(in) && HomeOf(in).bytes == HomeOf(out).bytes) {
      // The result is a part of something larger: the operand is written there.
      target.first = std::min(target.first, source.first);
      Attach(in, HomeOf(out), 0);
      source.last = -2;
    } else {
      return;
    }
    HomeOf(out).sharing = Sharing::kInPlace;
    HomeOf(out).shares_with = in;
  }

  Expected<ArenaPlan> Place() {
    std::vector<Lifetime> storages;
    std::vector<int32_t> index_of(homes_.size(), -1);
    for (size_t value = 0; value < homes_.size(); ++value) {
      if (homes_[value].root != static_cast<int32_t>(value)) continue;
      Lifetime life = lifetimes_[value];
      if (life.last < kBeforeRun) life = {0, 0, 0};
      life.bytes = homes_[value].bytes;
      index_of[value] = static_cast<int32_t>(storages.size());
      storages.push_back(life);
    }
    const MemoryPlan memory = PlanMemory(storages);
    plan_.places.resize(homes_.size());
    for (size_t value = 0; value < homes_.size(); ++value) {
      const Home& home = homes_[value];
      if (home.root < 0) continue;
      const int32_t storage = index_of[static_cast<size_t>(home.root)];
      plan_.places[value] = {
          storage, memory.offsets[static_cast<size_t>(storage)] + home.offset,
          home.sharing, home.shares_with};
    }
    plan_.sizes = {memory.arena_bytes, memory.lower_bound, sum_};
    return std::move(plan_);
  }

  const Program& program_;
  const ArenaRequest& request_;
  std::vector<Home> homes_;     // per value
  std::vector<uint8_t> fixed_;  // graph inputs: keep a storage of their own
  std::vector<Lifetime> lifetimes_;  // per root
  uint64_t sum_ = 0;
  ArenaPlan plan_;
};

}  // namespace

const char* SharingName(Sharing sharing) {
  switch (sharing) {
    case Sharing::kOwn:
      return "own";
    case Sharing::kInPlace:
      return "in_place";
    case Sharing::kView:
      return "view";
    case Sharing::kPart:
      return "part";
  }
  return "";
}

Expected<ArenaPlan> PlanArena(const ArenaRequest& request) {
  return Arranger(request).Run();
}

}  // namespace aneref
