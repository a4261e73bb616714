// Scattering, sorting, running sums, triangles, one-hot, and the ops whose
// result size depends on values.
#include "runtime/import/onnx/table.h"
#include "runtime/import/onnx/tensors.h"

namespace aneref::onnx {
namespace {

fbs::ScatterReduction ReductionOf(Lowering& node) {
  using Reduction = fbs::ScatterReduction;
  const std::string name = node.String("reduction", "none");
  if (name == "add") return Reduction::add;
  if (name == "mul") return Reduction::mul;
  if (name == "max") return Reduction::max;
  if (name == "min") return Reduction::min;
  if (name != "none")
    node.Fail(InvalidFile("", "attribute 'reduction' is '" + name + "'"));
  return Reduction::none;
}

void ScatterElements(Lowering& node) {
  fbs::ScatterT scatter;
  scatter.kind = fbs::ScatterKind::elements;
  scatter.axis = node.Int32("axis", 0);
  scatter.reduction = ReductionOf(node);
  node.EmitOut(std::move(scatter), node.Ins(0, 3));
}

void ScatterNd(Lowering& node) {
  fbs::ScatterT scatter;
  scatter.kind = fbs::ScatterKind::nd;
  scatter.reduction = ReductionOf(node);
  node.EmitOut(std::move(scatter), node.Ins(0, 3));
}

// Index of every element of the update along the axis: the batch's write index
// plus the element's own place, modulo the cache's size when it is circular.
int32_t CacheIndices(Lowering& node, const Shape& update, size_t axis,
                     int64_t modulus) {
  std::vector<int64_t> places;
  for (int64_t i = 0; i < update[axis]; ++i) places.push_back(i);
  fbs::ReshapeT along;
  along.shape.assign(update.rank(), 1);
  along.shape[axis] = update[axis];
  int32_t indices =
      node.EmitTemp(std::move(along), {node.ConstantInts(places)});
  if (node.HasIn(2)) {
    fbs::ReshapeT batches;
    batches.shape.assign(update.rank(), 1);
    batches.shape[0] = update[0];
    indices = node.EmitTemp(
        Binary(fbs::ElementwiseKind::add),
        {node.EmitTemp(std::move(batches), {node.In(2)}), indices});
  }
  if (modulus > 0) {
    indices = node.EmitTemp(
        Binary(fbs::ElementwiseKind::mod),
        {indices, node.Scalar(DataType::kInt64, static_cast<double>(modulus))});
  }
  fbs::TileT expand;
  expand.kind = fbs::TileKind::expand;
  expand.repeats = update.ToVector();
  return node.EmitTemp(std::move(expand), {indices});
}

// Inputs: cache, update, write indices (optional, one per batch).
void TensorScatter(Lowering& node) {
  const std::optional<Shape> cache = node.Static(node.In(0)),
                             update = node.Static(node.In(1));
  const std::string mode = node.String("mode", "linear");
  if (mode != "linear" && mode != "circular")
    return node.Fail(InvalidFile("", "attribute 'mode' is '" + mode + "'"));
  if (!cache.has_value() || !update.has_value())
    return node.Refuse("when the shapes are not known");
  const Expected<size_t> axis =
      NormalizeAxis(node.Int("axis", -2), cache->rank());
  if (!axis.ok()) return node.Fail(axis.status());
  constexpr int64_t kMaxPlaces = int64_t{1} << 20;
  if (*axis == 0 || update->rank() != cache->rank() ||
      (*update)[*axis] > kMaxPlaces || (*cache)[*axis] == 0) {
    return node.Fail(ShapeError("update " + update->ToString() +
                                " does not fit cache " + cache->ToString() +
                                " along axis " + std::to_string(*axis)));
  }
  const int32_t indices = CacheIndices(
      node, *update, *axis, mode == "circular" ? (*cache)[*axis] : 0);
  fbs::ScatterT scatter;
  scatter.axis = static_cast<int32_t>(*axis);
  node.EmitOut(std::move(scatter), {node.In(0), indices, node.In(1)});
}

void TopK(Lowering& node) {
  fbs::TopKT top_k;
  top_k.axis = node.Int32("axis", -1);
  if (node.opset() < 10) {
    node.Require("k");
    top_k.k = node.Int("k", 1);
  }
  top_k.largest = node.Int("largest", 1) != 0;
  top_k.sorted = node.Int("sorted", 1) != 0;
  node.Emit(std::move(top_k), node.Ins(0, node.opset() < 10 ? 1 : 2),
            {node.Out(0), node.Out(1)});
}

void Cumulative(Lowering& node, fbs::ScanKind kind) {
  fbs::CumulativeT scan;
  scan.kind = kind;
  scan.exclusive = node.Int("exclusive", 0) != 0;
  scan.reverse = node.Int("reverse", 0) != 0;
  node.EmitOut(std::move(scan), node.Ins(0, 2));
}
void CumSum(Lowering& node) { Cumulative(node, fbs::ScanKind::sum); }
void CumProd(Lowering& node) { Cumulative(node, fbs::ScanKind::product); }

void Trilu(Lowering& node) {
  fbs::TriluT trilu;
  trilu.upper = node.Int("upper", 1) != 0;
  node.EmitOut(std::move(trilu), node.Ins(0, 2));
}

void OneHot(Lowering& node) {
  fbs::OneHotT one_hot;
  one_hot.axis = node.Int32("axis", -1);
  node.EmitOut(std::move(one_hot), node.Ins(0, 3));
}

void NonZero(Lowering& node) { node.EmitOut(fbs::SelectionT(), {node.In(0)}); }

fbs::SelectionT SelectionOf(Lowering& node, fbs::SelectionKind kind) {
  fbs::SelectionT selection;
  selection.kind = kind;
  selection.has_axis = node.Has("axis");
  selection.axis = node.Int32("axis", 0);
  return selection;
}

void Compress(Lowering& node) {
  node.EmitOut(SelectionOf(node, fbs::SelectionKind::compress), node.Ins(0, 2));
}

void Unique(Lowering& node) {
  fbs::SelectionT unique = SelectionOf(node, fbs::SelectionKind::unique);
  unique.sorted = node.Int("sorted", 1) != 0;
  node.Emit(std::move(unique), {node.In(0)},
            {node.Out(0), node.Out(1), node.Out(2), node.Out(3)});
}

void NonMaxSuppression(Lowering& node) {
  fbs::SelectionT selection;
  selection.kind = fbs::SelectionKind::non_max_suppression;
  selection.center_point_box = node.Int("center_point_box", 0) != 0;
  node.EmitOut(std::move(selection), node.Ins(0, 5));
}

// The bits of a value are those that it has as a number of the source's type,
// whatever it is stored as (P23). Of 16-bit floats it is not known which of the
// two types the source means.
void BitCast(Lowering& node) {
  node.Require("to");
  const int64_t to = node.Int("to", 0);
  const DataType declared = node.DeclaredOnnx(to);
  if (!node.status().ok()) return;
  const Expected<DataType> target = SourceType(static_cast<int32_t>(to));
  DataType source = node.TypeOf(node.In(0));
  if (IsFloating(source) && source != DataType::kFloat64)
    source = DataType::kFloat32;
  // A bool is a byte that is 0 or 1; not every byte is a bool.
  const bool fits = ElementSize(source) == ElementSize(*target) &&
                    (*target != DataType::kBool || source == DataType::kBool);
  if (!fits || to == kOnnxBfloat16 || IsFourBit(static_cast<int32_t>(to)) ||
      node.IsFourBit(node.In(0)))
    return node.Refuse(
        "but between integers, float, double and float16 results of one width, "
        "and from bool to bytes");
  fbs::CastT cast = CastTo(declared);
  if (IsFloating(source) || IsFloating(*target)) {
    cast.reinterpret = true;
    cast.bits_of = static_cast<fbs::DataType>(source);
    cast.bits_as = static_cast<fbs::DataType>(*target);
  }
  node.EmitOut(std::move(cast), {node.In(0)});
}

constexpr LoweringRow kRows[] = {
    {"Scatter", ScatterElements},
    {"ScatterElements", ScatterElements},
    {"ScatterND", ScatterNd},
    {"TensorScatter", TensorScatter},
    {"TopK", TopK},
    {"CumSum", CumSum},
    {"CumProd", CumProd},
    {"Trilu", Trilu},
    {"OneHot", OneHot},
    {"NonZero", NonZero},
    {"Compress", Compress},
    {"Unique", Unique},
    {"NonMaxSuppression", NonMaxSuppression},
    {"BitCast", BitCast},
};

}  // namespace

std::span<const LoweringRow> SelectionRows() { return kRows; }

}  // namespace aneref::onnx
