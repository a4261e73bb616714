// See row_chain.h.
#include "ops/row_chain.h"

#include <algorithm>

#include "ops/kernels/elementwise.h"
#include "ops/kernels/row_chain.h"
#include "ops/kernels/softmax.h"
#include "ops/kernels/unary.h"

namespace aneref {
namespace {

// A band and the widened rows of a stage share an L2 with the panels.
constexpr size_t kBandBytes = size_t{256} << 10;
// Tiles of all widths have 14, 7 or 6 rows at most: no tile of a band is low.
constexpr int64_t kRowGranule = 42;
constexpr int64_t kFewestBandsToRound = 4;
// Each unit packs both y: below this the packing would show.
constexpr int64_t kFewestRows = 28;
constexpr int64_t kRowsPerUnit = 512;
constexpr int64_t kFewestUnits = 4;
// Panels that a thread keeps.
constexpr size_t kMostPackedBytes = size_t{4} << 20;

const MatmulArgs& ProductOf(const TaskSpec& spec) {
  return *static_cast<const MatmulArgs*>(spec.args.get());
}

bool IsComputedProduct(const TaskSpec& spec) {
  return spec.kernel == &matmul_kernel && !ProductOf(spec).packed &&
         ProductOf(spec).epilogue.empty();
}

// Rows of a matrix are rows of the view.
bool HasWholeRows(const MatrixLayout& layout) {
  return layout.row.rows == 1 && layout.column.elements == 1;
}

// Band sizes that the last band shares with the others, or not.
std::vector<int64_t> BandSizes(const RowChainArgs& a) {
  std::vector<int64_t> sizes = {a.rows_per_band};
  if (a.rows % a.rows_per_band != 0) sizes.push_back(a.rows % a.rows_per_band);
  return sizes;
}

void SetCall(const TaskSpec& task, size_t which, RowStage* stage,
             size_t* scratch_bytes) {
  stage->kernel = task.kernel;
  stage->calls[which] = {task.args, task.num_units};
  *scratch_bytes = std::max(*scratch_bytes, task.scratch_bytes);
}

// One matrix of the product, `rows` rows of it, with y in panels.
TaskSpec BandProduct(const MatmulArgs& whole, int64_t rows) {
  auto args = std::make_shared<MatmulArgs>(whole);
  args->batch.clear();
  for (MatrixLayout* layout : {&args->x, &args->y, &args->out})
    layout->batch.clear();
  args->rows = rows;
  args->packed = args->takes_panels = true;
  PlanMatmul(args.get(), 1);
  TaskSpec task;
  task.kernel = &matmul_kernel;
  task.num_units = args->NumUnits();
  task.scratch_bytes = MatmulScratchBytes(*args);
  task.args = std::move(args);
  return task;
}

RowChainArgs::Product PlanProduct(const MatmulArgs& whole, RowChainArgs* a) {
  RowChainArgs::Product product;
  product.batch = whole.batch;
  product.y = whole.y;
  product.pack = whole;
  size_t which = 0;
  for (const int64_t rows : BandSizes(*a)) {
    SetCall(BandProduct(whole, rows), which++, &product.multiply,
            &a->scratch_bytes);
  }
  return product;
}

// The step on a band; `operand`: what its other operand is there.
TaskSpec OnBand(const TaskSpec& spec, const TensorType& band,
                const Shape& operand, bool comes_first) {
  TaskSpec task;
  task.kernel = spec.kernel;
  if (spec.kernel == &kElementwiseKernel) {
    auto args = std::make_shared<ElementwiseArgs>(
        *static_cast<const ElementwiseArgs*>(spec.args.get()));
    const Shape operands[] = {comes_first ? operand : band.shape,
                              comes_first ? band.shape : operand};
    args->plan = MakeBroadcastPlan(band, operands);
    task.num_units = args->plan.num_units();
    task.args = std::move(args);
  } else if (spec.kernel == &kUnaryKernel) {
    auto args = std::make_shared<UnaryArgs>(
        *static_cast<const UnaryArgs*>(spec.args.get()));
    args->plan = MakeBroadcastPlan(band, {&band.shape, 1});
    task.num_units = args->plan.num_units();
    task.args = std::move(args);
  } else {
    auto args = std::make_shared<SoftmaxArgs>(
        *static_cast<const SoftmaxArgs*>(spec.args.get()));
    args->num_groups = args->groups_per_unit = band.shape[0];
    task.num_units = 1;
    task.scratch_bytes = SoftmaxRowsScratch(band.shape.back());
    task.args = std::move(args);
  }
  return task;
}

// An operand that broadcasts to the result of the first product: its step from
// row to row and from matrix to matrix. Nothing when the matrices are not those
// of the result's shape.
std::optional<MatrixLayout> LayoutOf(const Shape& operand, const Shape& result,
                                     const std::vector<int64_t>& batch) {
  MatrixLayout layout;
  layout.batch.assign(batch.size(), 0);
  if (operand.NumRows() == 1) return layout;
  if (result.rank() != batch.size() + 2) return std::nullopt;
  int64_t step = 1;
  for (size_t i = 1; i < operand.rank(); ++i) {
    const int64_t extent = operand[operand.rank() - 1 - i];
    const int64_t taken = extent == 1 ? 0 : step;
    if (i == 1) {
      layout.row.rows = taken;
    } else {
      layout.batch[batch.size() + 1 - i] = taken;
    }
    step *= extent;
  }
  return layout;
}

bool AddBetween(const ChainedStep& step, const TensorType& result, int operand,
                RowChainArgs* a) {
  RowChainArgs::Between between;
  Shape on_band;
  if (step.in.size() == 2) {
    const Shape& other = step.in[1 - step.chained];
    const std::optional<MatrixLayout> layout =
        LayoutOf(other, result.shape, a->first.batch);
    if (!layout) return false;
    between.operand = operand;
    between.comes_first = step.chained == 1;
    between.layout = *layout;
    on_band = {1, other.back()};
  }
  size_t which = 0;
  for (const int64_t rows : BandSizes(*a)) {
    const TensorType band = {result.dtype, {rows, a->columns}};
    if (between.layout.row.rows != 0) on_band[0] = rows;
    SetCall(OnBand(*step.spec, band, on_band, between.comes_first), which++,
            &between.stage, &a->scratch_bytes);
  }
  a->between.push_back(std::move(between));
  return true;
}

// Bands that fit a cache and units that share the rows of a matrix, an even
// number of them. False: too few rows for all that.
bool CutRows(DataType type, RowChainArgs* a) {
  const auto fitting =
      static_cast<int64_t>(kBandBytes / RowChainPitch(a->columns, type));
  int64_t groups = std::max<int64_t>(1, a->rows / kRowsPerUnit);
  groups = std::max(groups, DivideUp(kFewestUnits, a->matrices));
  if (a->matrices * groups % 2 != 0) ++groups;
  if (a->rows / groups < kFewestRows) return false;
  const int64_t bands = std::max(
      groups, DivideUp(a->rows, std::max<int64_t>(fitting, kRowGranule)));
  a->rows_per_band = DivideUp(a->rows, bands);
  if (bands >= kFewestBandsToRound && a->rows_per_band > kRowGranule)
    a->rows_per_band = a->rows_per_band / kRowGranule * kRowGranule;
  a->bands_per_unit = DivideUp(a->NumBands(), groups);
  return true;
}

}  // namespace

bool MayBeginRowChain(const TaskSpec& spec) {
  return IsComputedProduct(spec) && HasWholeRows(ProductOf(spec).out);
}

bool MayContinueRowChain(const TaskSpec& spec) {
  // Softmax of one row at a time.
  if (spec.kernel == &kSoftmaxRowsKernel)
    return static_cast<const SoftmaxArgs*>(spec.args.get())->extent == 1;
  return spec.kernel == &kElementwiseKernel || spec.kernel == &kUnaryKernel;
}

std::optional<TaskSpec> MakeRowChain(const TensorType& result,
                                     std::span<const ChainedStep> steps) {
  const TaskSpec &head = *steps.front().spec, &tail = *steps.back().spec;
  if (!MayBeginRowChain(head) || !IsComputedProduct(tail) ||
      steps.back().chained != 0)
    return std::nullopt;
  const MatmulArgs &first = ProductOf(head), &second = ProductOf(tail);
  auto args = std::make_shared<RowChainArgs>();
  RowChainArgs& a = *args;
  a.matrices = first.NumMatrices();
  a.rows = first.rows;
  a.columns = first.columns;
  if (!HasWholeRows(second.x) || second.NumMatrices() != a.matrices ||
      second.rows != a.rows || second.depth != a.columns ||
      !CutRows(result.dtype, &a))
    return std::nullopt;
  a.first = PlanProduct(first, &a);
  a.second = PlanProduct(second, &a);
  a.x = first.x;
  a.out = second.out;
  if (a.first.PackedBytes(result.dtype) + a.second.PackedBytes(result.dtype) >
      kMostPackedBytes)
    return std::nullopt;
  TaskSpec task;
  int operand = 3;
  for (const ChainedStep& step : steps) {
    task.flops += step.spec->flops;
    if (&step == &steps.front() || &step == &steps.back()) continue;
    if (!AddBetween(step, result, operand, &a)) return std::nullopt;
    operand += step.in.size() == 2 ? 1 : 0;
  }
  task.kernel = &row_chain_kernel;
  task.num_units = a.NumUnits();
  task.scratch_bytes = RowChainScratchBytes(a, result.dtype);
  task.args = std::move(args);
  return task;
}

}  // namespace aneref
