// See residency.h. Modelled ([O]) where E43 names states without conditions:
// a tensor is on the chip when it is below the limit (E20), is made and used by
// engine tasks of one partition and is no input or output of the graph. An
// intermediate over the limit whose only reader is the next task is a ring of
// rows; C5 counts its traffic all the same, as C22 measures it.
#include "runtime/plan/residency.h"

#include <algorithm>

#include "runtime/plan/engine/memory_banks.h"
#include "runtime/plan/engine/schedule.h"
#include "runtime/plan/engine/tiling.h"
#include "runtime/plan/engine/working_set.h"
#include "runtime/plan/memory.h"
#include "runtime/plan/task_tiling.h"

namespace aneref {
namespace {

using engine::AllocationState;

class Placer {
 public:
  explicit Placer(Plan* plan) : plan_(*plan) {}

  void Run() {
    for (PlanTensor& tensor : plan_.tensors) {
      if (tensor.used) SizeOnChip(&tensor);
    }
    CutPartitions();
    for (PlanTensor& tensor : plan_.tensors) {
      if (tensor.used) tensor.state = StateOf(tensor);
    }
    for (PlanPartition& partition : plan_.partitions) PlaceAddresses(partition);
    for (PlanTensor& tensor : plan_.tensors) MarkDependent(&tensor);
  }

 private:
  PlanTask& Task(int32_t index) {
    return plan_.tasks[static_cast<size_t>(index)];
  }

  // L62: rows of one plane beside each other are read together.
  void SizeOnChip(PlanTensor* tensor) {
    const SurfaceExtents extents = ExtentsOf(tensor->type.shape);
    const int64_t row = RowBytesOf(extents);
    const int64_t rows = extents.planes * extents.channels * extents.rows;
    tensor->chip_row_stride =
        engine::BestStride(plan_.model, row, std::min<int64_t>(rows, 64))
            .value_or(row);
    tensor->chip_bytes = tensor->chip_row_stride * rows;
    if (tensor->chip_bytes >= plan_.model.working_set_bytes) {
      tensor->chip_row_stride = row;  // no room for a better stride
      tensor->chip_bytes = row * rows;
    }
  }

  bool StaysInside(const PlanTensor& tensor) const {
    return tensor.producer >= 0 && !tensor.is_input && !tensor.is_output &&
           !tensor.is_inner && !tensor.consumers.empty();
  }
  bool IsCandidate(const PlanTensor& tensor) const {
    if (!StaysInside(tensor) ||
        tensor.chip_bytes >= plan_.model.working_set_bytes)
      return false;
    const auto on_engine = [this](int32_t task) {
      return plan_.tasks[static_cast<size_t>(task)].on_engine;
    };
    return on_engine(tensor.producer) &&
           std::all_of(tensor.consumers.begin(), tensor.consumers.end(),
                       on_engine);
  }

  // E41: a partition closes before the task that would raise on-chip use above
  // the share of the pool. What lives across the cut goes through DRAM.
  void CutPartitions() {
    int64_t live = 0;
    std::vector<int32_t> on_chip;  // values that are alive
    for (int32_t t = 0; t < static_cast<int32_t>(plan_.tasks.size()); ++t) {
      if (!Task(t).on_engine) {
        live = 0;
        on_chip.clear();
        open_ = false;
        continue;
      }
      int64_t added = 0;
      for (int32_t value : Task(t).outputs) {
        const PlanTensor& tensor = plan_.tensors[static_cast<size_t>(value)];
        if (IsCandidate(tensor)) added += tensor.chip_bytes;
      }
      if (open_ && engine::CutsPartition(plan_.model, live + added)) {
        plan_.partitions.back().live_across =
            static_cast<int64_t>(on_chip.size());
        live = 0;
        on_chip.clear();
        open_ = false;
      }
      if (!open_) plan_.partitions.push_back({t, t, 0, 0});
      open_ = true;
      PlanPartition& partition = plan_.partitions.back();
      partition.last = t;
      Task(t).partition = static_cast<int32_t>(plan_.partitions.size()) - 1;
      AddOutputs(t, &on_chip, &live);
      partition.peak_bytes = std::max(partition.peak_bytes, live);
      DropDead(t, &on_chip, &live);
    }
  }
  void AddOutputs(int32_t t, std::vector<int32_t>* on_chip, int64_t* live) {
    for (int32_t value : Task(t).outputs) {
      const PlanTensor& tensor = plan_.tensors[static_cast<size_t>(value)];
      if (!IsCandidate(tensor)) continue;
      on_chip->push_back(value);
      *live += tensor.chip_bytes;
    }
  }
  void DropDead(int32_t t, std::vector<int32_t>* on_chip, int64_t* live) {
    std::erase_if(*on_chip, [&](int32_t value) {
      const PlanTensor& tensor = plan_.tensors[static_cast<size_t>(value)];
      if (tensor.consumers.back() > t) return false;
      *live -= tensor.chip_bytes;
      return true;
    });
  }

  bool InOnePartition(const PlanTensor& tensor) {
    const int32_t home = Task(tensor.producer).partition;
    return home >= 0 &&
           std::all_of(tensor.consumers.begin(), tensor.consumers.end(),
                       [&](int32_t t) { return Task(t).partition == home; });
  }

  AllocationState StateOf(const PlanTensor& tensor) {
    if (!StaysInside(tensor)) return AllocationState::kStreamed;
    const bool in_place = tensor.place.sharing == Sharing::kInPlace ||
                          tensor.place.sharing == Sharing::kView ||
                          tensor.place.sharing == Sharing::kPart;
    if (!IsCandidate(tensor) || !InOnePartition(tensor)) {
      if (IsRing(tensor)) return AllocationState::kRing;
      return in_place ? AllocationState::kInPlaceStreamed
                      : AllocationState::kStreamed;
    }
    if (Chains(tensor)) return AllocationState::kChained;
    return in_place ? AllocationState::kInPlace : AllocationState::kResident;
  }

  engine::ChainQuery QueryOf(const PlanTensor& tensor) {
    const PlanTask& producer = Task(tensor.producer);
    const PlanTask& consumer = Task(tensor.consumers[0]);
    engine::ChainQuery query;
    query.num_consumers = static_cast<int64_t>(tensor.consumers.size());
    query.producer = producer.engine;
    query.consumer = consumer.engine;
    query.same_tiles =
        producer.grid.tile_rows == consumer.grid.tile_rows &&
        producer.grid.patch_columns == consumer.grid.patch_columns;
    query.consumer_is_next = tensor.consumers[0] == tensor.producer + 1;
    query.producer_first_rows = producer.grid.tile_rows;
    query.consumer_first_rows = FirstRows(consumer);
    return query;
  }
  // Input rows of the consumer's first tile, halo included.
  int64_t FirstRows(const PlanTask& consumer) {
    if (!consumer.mac.has_value() || !consumer.mac->conv.has_value())
      return consumer.grid.tile_rows;
    return std::min(
        consumer.mac->conv->in.h,
        engine::InputRowCount(*consumer.mac->conv, consumer.grid.tile_rows));
  }
  bool Chains(const PlanTensor& tensor) {
    return engine::TestChaining(plan_.model, QueryOf(tensor)) ==
           engine::ChainRefusal::kNone;
  }

  bool IsRing(const PlanTensor& tensor) {
    if (!plan_.model.chaining || tensor.consumers.size() != 1 ||
        tensor.chip_bytes < plan_.model.working_set_bytes ||
        tensor.consumers[0] != tensor.producer + 1)
      return false;
    const PlanTask& producer = Task(tensor.producer);
    const PlanTask& consumer = Task(tensor.consumers[0]);
    if (!producer.on_engine || !consumer.on_engine ||
        producer.engine == engine::EngineKind::kDma ||
        consumer.engine == engine::EngineKind::kDma)
      return false;
    const int64_t rows = producer.grid.tile_rows + FirstRows(consumer);
    const SurfaceExtents extents = ExtentsOf(tensor.type.shape);
    return rows < extents.rows &&
           rows * RowBytesOf(extents) * extents.channels <=
               plan_.model.working_set_bytes / 4;
  }

  // Addresses within the pool; whatever does not fit between the others goes
  // through DRAM after all.
  void PlaceAddresses(const PlanPartition& partition) {
    std::vector<Lifetime> lifetimes;
    std::vector<PlanTensor*> owners;
    for (PlanTensor& tensor : plan_.tensors) {
      if (!tensor.used || tensor.producer < partition.first ||
          tensor.producer > partition.last || !IsOnChip(tensor.state))
        continue;
      lifetimes.push_back({static_cast<uint64_t>(tensor.chip_bytes),
                           tensor.producer, tensor.consumers.back()});
      owners.push_back(&tensor);
    }
    const MemoryPlan memory = PlanMemory(lifetimes);
    for (size_t i = 0; i < owners.size(); ++i) {
      const auto address = static_cast<int64_t>(memory.offsets[i]);
      if (address + owners[i]->chip_bytes <= plan_.model.working_set_bytes) {
        owners[i]->chip_address = address;
      } else {
        owners[i]->state = AllocationState::kStreamed;
      }
    }
  }
  static bool IsOnChip(AllocationState state) {
    return state == AllocationState::kResident ||
           state == AllocationState::kChained ||
           state == AllocationState::kInPlace;
  }

  // E43: states 3, 5 and 7 are 0, 4 and 6 behind a producer that reads from the
  // chip.
  void MarkDependent(PlanTensor* tensor) {
    if (!tensor->used || tensor->producer < 0) return;
    bool behind_chip = false, behind_ring = false;
    for (int32_t value : Task(tensor->producer).inputs) {
      const PlanTensor& operand = plan_.tensors[static_cast<size_t>(value)];
      behind_chip |= operand.chip_address >= 0;
      behind_ring |= operand.state == AllocationState::kRing ||
                     operand.state == AllocationState::kRingDependent;
    }
    if (tensor->state == AllocationState::kRing && behind_ring)
      tensor->state = AllocationState::kRingDependent;
    if (tensor->state == AllocationState::kResident && behind_chip)
      tensor->state = AllocationState::kDependent;
    if (tensor->state == AllocationState::kInPlace && behind_chip)
      tensor->state = AllocationState::kInPlaceDependent;
  }

  Plan& plan_;
  bool open_ = false;
};

}  // namespace

void PlaceOnChip(Plan* plan) { Placer(plan).Run(); }

}  // namespace aneref
