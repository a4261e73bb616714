// Depth to space and back: blocks of channels become blocks of pixels. Bits
// stay (P15).
#include "ops/movement.h"
#include "ops/op.h"

namespace aneref {
namespace {

// Times its square, 2^40 channels still fit int64.
constexpr int64_t kMaxBlock = 2048;

// Which of the block's axes the deep side's channels hold, and in which order.
struct Blocks {
  int64_t side = 1;
  int64_t channels = 0;         // of the wide side
  bool channels_first = false;  // deep channel = (c, y, x), else (y, x, c)
  bool to_space = true;

  int64_t DeepChannel(int64_t channel, int64_t y, int64_t x) const {
    return channels_first ? (channel * side + y) * side + x
                          : (y * side + x) * channels + channel;
  }
};

Expected<Blocks> BlocksOf(const OpView& op) {
  const auto& attributes = op.attributes<fbs::DepthSpace>();
  const Shape& x = op.In(0).shape;
  Blocks blocks;
  blocks.side = attributes.block();
  blocks.channels_first = attributes.column_row_depth();
  if (attributes.kind() > fbs::DepthSpaceKind::MAX)
    return Unsupported("unknown kind of depth_space");
  blocks.to_space = attributes.kind() == fbs::DepthSpaceKind::depth_to_space;
  if (x.rank() != 4)
    return ShapeError("input must have rank 4, not " + x.ToString());
  if (blocks.side < 1 || blocks.side > kMaxBlock) {
    return ShapeError("block " + std::to_string(blocks.side) +
                      " is outside [1, 2048]");
  }
  const int64_t area = blocks.side * blocks.side;
  const bool divides = blocks.to_space
                           ? x[1] % area == 0
                           : x[2] % blocks.side == 0 && x[3] % blocks.side == 0;
  if (!divides) {
    return ShapeError("block " + std::to_string(blocks.side) +
                      " does not divide " + x.ToString());
  }
  blocks.channels = blocks.to_space ? x[1] / area : x[1];
  return blocks;
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 1));
  ANEREF_ASSIGN(const Blocks blocks, BlocksOf(op));
  const Shape& x = op.In(0).shape;
  const int64_t side = blocks.side;
  return blocks.to_space
             ? OneOutput(op.In(0).dtype,
                         {x[0], blocks.channels, x[2] * side, x[3] * side})
             : OneOutput(op.In(0).dtype,
                         {x[0], x[1] * side * side, x[2] / side, x[3] / side});
}

// One axis of the six-dimensional box, with its stride on either side.
struct BlockAxis {
  int64_t extent;
  int64_t deep;
  int64_t wide;
};

Status Lower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const Blocks blocks, BlocksOf(op));
  const TensorType& deep_type = blocks.to_space ? op.In(0) : op.Out(0);
  const TensorType& wide_type = blocks.to_space ? op.Out(0) : op.In(0);
  const auto deep = SurfaceStrides(deep_type);
  const auto wide = SurfaceStrides(wide_type);
  const int64_t side = blocks.side;
  const BlockAxis batch = {deep_type.shape[0], deep[0], wide[0]};
  const BlockAxis channel = {blocks.channels,
                             deep[1] * blocks.DeepChannel(1, 0, 0), wide[1]};
  const BlockAxis block_y = {side, deep[1] * blocks.DeepChannel(0, 1, 0),
                             wide[2]};
  const BlockAxis block_x = {side, deep[1] * blocks.DeepChannel(0, 0, 1),
                             wide[3]};
  const BlockAxis row = {deep_type.shape[2], deep[2], wide[2] * side};
  const BlockAxis column = {deep_type.shape[3], deep[3], wide[3] * side};
  CopyBox box;
  const auto add = [&](const BlockAxis& axis) {
    if (blocks.to_space) {
      box.AddAxis(axis.extent, axis.deep, axis.wide);
    } else {
      box.AddAxis(axis.extent, axis.wide, axis.deep);
    }
  };
  if (blocks.to_space) {
    for (const BlockAxis& axis :
         {batch, channel, row, block_y, column, block_x})
      add(axis);
  } else if (blocks.channels_first) {
    for (const BlockAxis& axis :
         {batch, channel, block_y, block_x, row, column})
      add(axis);
  } else {
    for (const BlockAxis& axis :
         {batch, block_y, block_x, channel, row, column})
      add(axis);
  }
  CopyArgs args;
  args.element_size = ElementSize(op.Out(0).dtype);
  args.Add(box);
  AddCopyTask(std::move(args), {InputOperand(0)}, {OutputOperand(0)}, builder);
  return Status();
}

// wide[n, c, h * b + y, w * b + x] = deep[n, DeepChannel(c, y, x), h, w]
Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const Blocks blocks, BlocksOf(op));
  const TensorView& wide_view =
      blocks.to_space ? tensors.out[0] : tensors.in[0];
  const Elements x(tensors.in[0]);
  const Elements out(tensors.out[0]);
  ForEachIndex(wide_view.shape, [&](const Index& wide) {
    const int64_t channel = blocks.DeepChannel(wide[1], wide[2] % blocks.side,
                                               wide[3] % blocks.side);
    const Index deep = {wide[0], channel, wide[2] / blocks.side,
                        wide[3] / blocks.side};
    if (blocks.to_space) {
      out.Copy(wide, x, deep);
    } else {
      out.Copy(deep, x, wide);
    }
  });
  return Status();
}

}  // namespace

const OpDef depth_space_op = {
    "depth_space", "Blocks of channels to blocks of pixels, and back.", Infer,
    Lower, Reference};

}  // namespace aneref
