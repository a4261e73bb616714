// Matrix product with numpy's rules: vectors are promoted, leading axes
// broadcast; an optional bias per column. Integers wrap (P13).
// Rules P2, P3, P4, P12, P13.
#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "ops/device_mac.h"
#include "ops/integers.h"
#include "ops/kernels/device_matmul.h"
#include "ops/kernels/gemm_matmul.h"
#include "ops/kernels/pack.h"
#include "ops/mac.h"
#include "ops/op.h"
#include "runtime/core/convert.h"

namespace aneref {
namespace {

// An operand's last two axes as a matrix of rows x columns.
struct Matrix {
  int64_t rows = 1, columns = 1;
  bool is_vector = false;
  Shape batch;
};

Expected<Matrix> MatrixOf(const Shape& shape, bool transpose, bool is_x) {
  Matrix matrix;
  const size_t rank = shape.rank();
  if (rank == 0) return ShapeError("a scalar has no matrix product");
  matrix.is_vector = rank == 1;
  if (rank == 1) {
    (is_x ? matrix.columns : matrix.rows) = shape[0];
    return matrix;
  }
  matrix.rows = shape[rank - 2];
  matrix.columns = shape[rank - 1];
  if (transpose) std::swap(matrix.rows, matrix.columns);
  for (size_t i = 0; i + 2 < rank; ++i) matrix.batch.Append(shape[i]);
  return matrix;
}

// Where the elements of a tensor of `shape` lie. `batch` is the broadcast one.
MatrixLayout LayoutOf(const Matrix& matrix, bool transpose, bool is_x,
                      const Shape& batch) {
  MatrixLayout layout;
  const bool along_rows = matrix.is_vector ? is_x : !transpose;
  (along_rows ? layout.column : layout.row).elements = 1;
  if (!matrix.is_vector) (along_rows ? layout.row : layout.column).rows = 1;
  int64_t step = matrix.is_vector ? 1
                 : transpose      ? matrix.columns
                                  : matrix.rows;
  layout.batch.assign(batch.rank(), 0);
  for (size_t i = 0; i < matrix.batch.rank(); ++i) {
    const size_t axis = matrix.batch.rank() - 1 - i;
    const int64_t extent = matrix.batch[axis];
    if (extent != 1) layout.batch[batch.rank() - 1 - i] = step;
    step *= extent;
  }
  return layout;
}

struct Product {
  Matrix x, y;
  Shape batch;
  Shape out;
};

Status CheckTypes(const OpView& op, int64_t columns) {
  const DataType type = op.In(0).dtype;
  if (!IsInteger(type)) return CheckMacTypes(op, columns);
  for (size_t i = 1; i < 3; ++i) {
    if (op.HasInput(i) && op.In(i).dtype != type)
      return ShapeError("the types of the inputs differ");
  }
  if (op.HasInput(2) && op.In(2).shape != Shape({columns}))
    return ShapeError("bias is " + op.In(2).ToString() +
                      ", its length must be " + std::to_string(columns));
  return Status();
}

Expected<Product> ProductOf(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 2, 3));
  const auto& attributes = op.attributes<fbs::Matmul>();
  Product p;
  ANEREF_ASSIGN(p.x, MatrixOf(op.In(0).shape, attributes.transpose_x(), true));
  ANEREF_ASSIGN(p.y, MatrixOf(op.In(1).shape, attributes.transpose_y(), false));
  if (p.x.columns != p.y.rows) {
    return ShapeError(op.In(0).ToString() + " has " +
                      std::to_string(p.x.columns) + " columns, " +
                      op.In(1).ToString() + " has " + std::to_string(p.y.rows) +
                      " rows");
  }
  ANEREF_TRY(CheckTypes(op, p.y.columns));
  ANEREF_ASSIGN(p.batch, BroadcastShapes(p.x.batch, p.y.batch));
  std::vector<int64_t> dims = p.batch.ToVector();
  if (!p.x.is_vector) dims.push_back(p.x.rows);
  if (!p.y.is_vector) dims.push_back(p.y.columns);
  ANEREF_ASSIGN(p.out, MakeShape(dims));
  return p;
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_ASSIGN(const Product p, ProductOf(op));
  return std::vector<TensorType>{{op.In(0).dtype, p.out}};
}

// Sizes and layouts of all three operands; no weights yet.
MatmulArgs ArgsOf(const OpView& op, const Product& p) {
  const auto& attributes = op.attributes<fbs::Matmul>();
  MatmulArgs args;
  args.batch = p.batch.ToVector();
  args.rows = p.x.rows;
  args.depth = p.x.columns;
  args.columns = p.y.columns;
  args.x = LayoutOf(p.x, attributes.transpose_x(), true, p.batch);
  args.y = LayoutOf(p.y, attributes.transpose_y(), false, p.batch);
  Matrix out;
  out.rows = p.x.rows;
  out.columns = p.y.columns;
  out.batch = p.batch;
  out.is_vector = p.x.is_vector || p.y.is_vector;
  args.out = LayoutOf(out, false, !p.y.is_vector, p.batch);
  return args;
}

// The formula on dense values. Sum is float (P3, P4) or uint64_t (P13).
template <class Value, class Sum>
std::vector<Value> Multiply(const MatmulArgs& a, const RefTensors& tensors,
                            const std::vector<Value>& x,
                            const std::vector<Value>& y,
                            const std::vector<Value>& bias) {
  const auto at = [&](const MatrixLayout& layout, const TensorView& view,
                      int64_t matrix, int64_t i, int64_t j) {
    int64_t row = i * layout.row.rows + j * layout.column.rows;
    for (size_t axis = a.batch.size(); axis-- > 0;) {
      row += matrix % a.batch[axis] * layout.batch[axis];
      matrix /= a.batch[axis];
    }
    return static_cast<size_t>(row * view.width() + i * layout.row.elements +
                               j * layout.column.elements);
  };
  std::vector<Value> out(
      static_cast<size_t>(tensors.out[0].shape.NumElements()));
  for (int64_t b = 0; b < a.NumMatrices(); ++b) {
    for (int64_t m = 0; m < a.rows; ++m) {
      for (int64_t n = 0; n < a.columns; ++n) {
        Sum sum = 0;
        for (int64_t k = 0; k < a.depth; ++k) {
          const Sum product =
              static_cast<Sum>(x[at(a.x, tensors.in[0], b, m, k)]) *
              static_cast<Sum>(y[at(a.y, tensors.in[1], b, k, n)]);
          sum += product;
        }
        if (!bias.empty())
          sum += static_cast<Sum>(bias[static_cast<size_t>(n)]);
        out[at(a.out, tensors.out[0], b, m, n)] = static_cast<Value>(sum);
      }
    }
  }
  return out;
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const Product p, ProductOf(op));
  const MatmulArgs args = ArgsOf(op, p);
  const bool has_bias = op.HasInput(2);
  if (p.out.NumElements() == 0) return Status();
  if (IsInteger(op.In(0).dtype)) {
    StoreIntegers<int64_t>(
        Multiply<int64_t, uint64_t>(
            args, tensors, LoadInts(tensors.in[0]), LoadInts(tensors.in[1]),
            has_bias ? LoadInts(tensors.in[2]) : std::vector<int64_t>()),
        tensors.out[0]);
  } else {
    StoreFloats(Multiply<float, float>(args, tensors, LoadFloats(tensors.in[0]),
                                       LoadFloats(tensors.in[1]),
                                       LoadBias(op, 2, tensors.in[2])),
                tensors.out[0]);
  }
  return Status();
}

// The panels of a y that is transposed: [columns][depth].
void PackTransposed(const float* src, MatmulArgs* a) {
  float* dst = a->panels.as<float>();
  for (int64_t n = 0; n < a->NumPanels() * kPanelWidth; ++n) {
    const int64_t panel = n / kPanelWidth * a->depth;
    for (int64_t k = 0; k < a->depth; ++k) {
      dst[(panel + k) * kPanelWidth + n % kPanelWidth] =
          n < a->columns ? src[n * a->depth + k] : 0.0f;
    }
  }
}
void PackTransposed(const uint16_t* src, MatmulArgs* a) {
  std::vector<int64_t> place(static_cast<size_t>(a->depth));
  std::iota(place.begin(), place.end(), int64_t{0});
  for (int64_t n = 0; n < a->columns; n += kPanelWidth) {
    const PanelSource source = {src + n * a->depth, a->depth,
                                std::min(kPanelWidth, a->columns - n),
                                a->depth};
    TransposeToPanel(source, place.data(),
                     a->panels.as<uint16_t>() + n * a->depth);
  }
}

// y as panels [columns / 64][depth][64], zeros behind the last column.
template <class T>
void PackPanels(const AlignedBytes& dense, bool transpose, MatmulArgs* a) {
  a->panels = AlignedBytes(
      static_cast<size_t>(a->NumPanels() * a->depth * kPanelWidth) * sizeof(T));
  if (transpose) return PackTransposed(dense.as<T>(), a);
  // Some rows at a time, which stay in L2 while all panels take their parts.
  constexpr int64_t kRows = 16;
  const T* src = dense.as<T>();
  for (int64_t first = 0; first < a->depth; first += kRows) {
    const int64_t end = std::min(first + kRows, a->depth);
    for (int64_t panel = 0; panel < a->NumPanels(); ++panel) {
      const int64_t column = panel * kPanelWidth;
      const int64_t count = std::min(kPanelWidth, a->columns - column);
      T* dst = a->panels.as<T>() + (panel * a->depth + first) * kPanelWidth;
      for (int64_t k = first; k < end; ++k, dst += kPanelWidth) {
        std::copy_n(src + k * a->columns + column, count, dst);
        std::fill_n(dst + count, kPanelWidth - count, T{0});
      }
    }
  }
}

// One y for the whole batch and rows of x that follow each other: one matrix.
void JoinBatch(MatmulArgs* args) {
  args->rows *= args->NumMatrices();
  args->batch.clear();
  for (MatrixLayout* layout : {&args->x, &args->y, &args->out})
    layout->batch.clear();
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const Product p, ProductOf(op));
  if (p.out.NumElements() == 0) return Status();
  const DataType type = op.In(0).dtype;
  const bool has_type =
      type == DataType::kFloat16 || type == DataType::kFloat32;
  if (!has_type || (op.HasInput(2) && !op.IsKnown(2)))
    return LowerToReference(op, Reference, builder);
  const auto& attributes = op.attributes<fbs::Matmul>();
  MatmulArgs args = ArgsOf(op, p);
  const bool one_y = p.y.batch.NumElements() == 1;
  if (one_y && !attributes.transpose_x() && !p.x.is_vector && !p.y.is_vector)
    JoinBatch(&args);
  TaskSpec task;
  task.kernel = &matmul_kernel;
  task.in = {InputOperand(0)};
  task.out = {OutputOperand(0)};
  if (one_y && HasPackableWeights(op)) {
    args.packed = true;
    const AlignedBytes dense = LoadKnown(op, 1);
    const bool transpose = attributes.transpose_y() || p.y.is_vector;
    if (type == DataType::kFloat16) {
      PackPanels<uint16_t>(dense, transpose, &args);
    } else {
      PackPanels<float>(dense, transpose, &args);
    }
  } else {
    task.in.push_back(InputOperand(1));
  }
  args.bias = LoadBias(op, 2);
  PlanMatmul(&args);
  task.num_units = args.NumUnits();
  task.scratch_bytes = MatmulScratchBytes(args);
  task.flops = 2.0 * static_cast<double>(p.out.NumElements()) *
               static_cast<double>(args.depth);
  task.args = std::make_shared<const MatmulArgs>(std::move(args));
  builder->Add(std::move(task));
  return Status();
}

// ---- device numerics ----

Status DeviceReference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const Product p, ProductOf(op));
  const MatmulArgs a = ArgsOf(op, p);
  if (p.out.NumElements() == 0) return Status();
  const std::vector<float> bias =
      LoadDeviceBias(op, 2, op.HasInput(2) ? tensors.in[2] : TensorView{});
  const auto at = [&](const MatrixLayout& layout, const TensorView& view,
                      int64_t matrix, int64_t i, int64_t j) {
    const std::byte* element = MatrixData(a, layout, view, matrix) +
                               i * layout.row.Bytes(view) +
                               j * layout.column.Bytes(view);
    return reinterpret_cast<const uint16_t*>(element);
  };
  Accumulator sum(op.device()->profile());
  for (int64_t b = 0; b < a.NumMatrices(); ++b) {
    for (int64_t m = 0; m < a.rows; ++m) {
      for (int64_t n = 0; n < a.columns; ++n) {
        sum.Start(EpilogueOfChannel(bias, static_cast<size_t>(n)));
        for (int64_t k = 0; k < a.depth; ++k)
          sum.Add(*at(a.x, tensors.in[0], b, m, k),
                  *at(a.y, tensors.in[1], b, k, n));
        *const_cast<uint16_t*>(at(a.out, tensors.out[0], b, m, n)) =
            sum.Finish();
      }
    }
  }
  return Status();
}

Status DeviceLower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const Product p, ProductOf(op));
  if (p.out.NumElements() == 0) return Status();
  const auto& attributes = op.attributes<fbs::Matmul>();
  auto args = std::make_shared<DeviceMatmulArgs>();
  args->profile = &op.device()->profile();
  MatmulArgs& a = args->matmul;
  a = ArgsOf(op, p);
  const bool one_y = p.y.batch.NumElements() == 1;
  if (one_y && !attributes.transpose_x() && !p.x.is_vector && !p.y.is_vector)
    JoinBatch(&a);
  TaskSpec task;
  task.kernel = &device_matmul_kernel;
  task.in = {InputOperand(0), Operand{}, Operand{}};
  task.out = {OutputOperand(0)};
  if (one_y && op.IsKnown(1)) {
    args->weights =
        DecodeMatmulWeights(*args->profile, LoadKnown(op, 1),
                            attributes.transpose_y() || p.y.is_vector, a);
  } else {
    task.in[1] = InputOperand(1);
  }
  args->has_bias_operand = op.HasInput(2) && !op.IsKnown(2);
  if (args->has_bias_operand)
    task.in[2] = InputOperand(2);
  else
    a.bias = LoadDeviceBias(op, 2);
  PlanDeviceMatmul(args.get());
  task.num_units = args->NumUnits();
  task.scratch_bytes = DeviceMatmulScratchBytes(*args);
  task.flops = 2.0 * static_cast<double>(p.out.NumElements()) *
               static_cast<double>(a.depth);
  task.args = std::move(args);
  builder->Add(std::move(task));
  return Status();
}

}  // namespace

const DeviceOp matmul_device = {IsHalfOp, DeviceLower, DeviceReference};

const OpDef matmul_op = {
    "matmul",
    "Matrix product with broadcasting, transposes and an optional bias.", Infer,
    Lower, Reference};

}  // namespace aneref
