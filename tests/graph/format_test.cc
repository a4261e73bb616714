// The .anem frame and the semantic checks behind it (F rules), with files
// damaged one field at a time.
#include "runtime/graph/format.h"

#include <doctest/doctest.h>

#include <cstring>
#include <functional>

#include "runtime/graph/net.h"
#include "runtime/graph/net_writer.h"

namespace aneref {
namespace {

// y = relu(x + c), c = [1, 2] kept as float32 where fp16 would lose something.
NetDraft SmallDraft() {
  NetDraft draft;
  auto graph = std::make_unique<fbs::GraphT>();
  const auto add_tensor = [&](const char* name, std::vector<int64_t> shape,
                              int constant) {
    auto tensor = std::make_unique<fbs::TensorT>();
    tensor->name = name;
    tensor->shape = std::move(shape);
    tensor->has_shape = true;
    tensor->constant = constant;
    graph->tensors.push_back(std::move(tensor));
  };
  add_tensor("x", {1, 2}, -1);
  add_tensor("c", {2}, 0);
  add_tensor("sum", {}, -1);
  add_tensor("y", {}, -1);
  auto add = std::make_unique<fbs::NodeT>();
  add->op.Set(fbs::ElementwiseT());
  add->inputs = {0, 1};
  add->outputs = {2};
  graph->nodes.push_back(std::move(add));
  auto relu = std::make_unique<fbs::NodeT>();
  fbs::ActivationT attributes;
  attributes.kind = fbs::ActivationKind::relu;
  relu->op.Set(std::move(attributes));
  relu->inputs = {2};
  relu->outputs = {3};
  graph->nodes.push_back(std::move(relu));
  auto input = std::make_unique<fbs::PortT>();
  input->tensor = 0;
  graph->inputs.push_back(std::move(input));
  auto output = std::make_unique<fbs::PortT>();
  output->tensor = 3;
  graph->outputs.push_back(std::move(output));
  draft.net.graphs.push_back(std::move(graph));
  const float values[] = {1.0F, 0.1F};  // 0.1 is no fp16 number
  NetDraft::DraftConstant constant;
  constant.shape = Shape{2};
  constant.bytes.resize(sizeof(values));
  std::memcpy(constant.bytes.data(), values, sizeof(values));
  draft.constants.push_back(std::move(constant));
  return draft;
}

Status ParseStatus(std::vector<std::byte> bytes) {
  return Net::Parse(File::FromBuffer(std::move(bytes)), "test.anem").status();
}

std::vector<std::byte> Write(NetDraft draft) {
  Expected<std::vector<std::byte>> bytes = WriteNet(std::move(draft));
  REQUIRE(bytes.ok());
  return *bytes;
}

// The rule that refuses a draft changed by `edit`.
std::string RuleOf(const std::function<void(fbs::GraphT&)>& edit) {
  NetDraft draft = SmallDraft();
  edit(*draft.net.graphs[0]);
  return ParseStatus(Write(std::move(draft))).rule();
}

// The rule that refuses a good file with `value` written over the 8 bytes at
// `offset`.
std::string RuleOfHeader(size_t offset, uint64_t value, size_t size = 8) {
  std::vector<std::byte> bytes = Write(SmallDraft());
  std::memcpy(bytes.data() + offset, &value, size);
  return ParseStatus(std::move(bytes)).rule();
}

}  // namespace

TEST_CASE("F3: a written file has the frame of the format page") {
  const std::vector<std::byte> bytes = Write(SmallDraft());
  const unsigned char magic[] = {0x41, 0x4E, 0x45, 0x4D,
                                 0x0D, 0x0A, 0x1A, 0x0A};
  CHECK(std::memcmp(bytes.data(), magic, 8) == 0);
  format::Header header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  CHECK(header.version == 1);
  CHECK(header.header_bytes == 64);
  CHECK(header.table_offset == 64);
  CHECK(header.segment_offset == 16384);
  CHECK(header.segment_size == 8);
  CHECK(header.file_size == 16392);
  CHECK(bytes.size() == 16392);
  CHECK(std::memcmp(bytes.data() + 64 + 4, "ANEM", 4) == 0);
  CHECK(ParseStatus(bytes).ok());
}

TEST_CASE("F1: other magic bytes are refused") {
  CHECK(RuleOfHeader(0, 0) == "F1");
  CHECK(RuleOfHeader(4, 0x0A1A0A, 4) ==
        "F1");  // the carriage return lost in a text-mode transfer
  CHECK(ParseStatus({}).rule() == "F1");
}

TEST_CASE("F2: an unknown version is refused by both numbers") {
  std::vector<std::byte> bytes = Write(SmallDraft());
  bytes[8] = std::byte{2};
  const Status status = ParseStatus(bytes);
  CHECK(status.rule() == "F2");
  CHECK(status.message() ==
        "test.anem: format version 2, this program reads version 1");
}

TEST_CASE("F3: a header that does not describe the file is refused") {
  CHECK(RuleOfHeader(12, 32, 4) == "F3");
  CHECK(RuleOfHeader(16, 72) == "F3");
  CHECK(RuleOfHeader(24, uint64_t{1} << 63) == "F3");
  CHECK(RuleOfHeader(32, 16385) == "F3");
  CHECK(RuleOfHeader(32, 0) == "F3");
  CHECK(RuleOfHeader(40, 9) == "F3");
  CHECK(RuleOfHeader(40, UINT64_MAX) == "F3");
  CHECK(RuleOfHeader(48, 16391) == "F3");
  CHECK(RuleOfHeader(56, 1) == "F3");
}

TEST_CASE("F3: a file cut off anywhere is refused") {
  const std::vector<std::byte> bytes = Write(SmallDraft());
  for (size_t part = 1; part < 16; ++part) {
    const std::vector<std::byte> cut(
        bytes.begin(),
        bytes.begin() + static_cast<ptrdiff_t>(bytes.size() * part / 16));
    CHECK_FALSE(ParseStatus(cut).ok());
  }
}

TEST_CASE("F4: a damaged table is refused or still verifies; never crashes") {
  const std::vector<std::byte> good = Write(SmallDraft());
  format::Header header;
  std::memcpy(&header, good.data(), sizeof(header));
  int refused = 0;
  for (size_t at = 64; at < 64 + header.table_size; ++at) {
    for (int flip : {0x01, 0x80, 0xFF}) {
      std::vector<std::byte> bytes = good;
      bytes[at] ^= static_cast<std::byte>(flip);
      if (!ParseStatus(std::move(bytes)).ok()) ++refused;
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("F5: indices out of range are refused") {
  NetDraft empty;
  CHECK(ParseStatus(Write(std::move(empty))).rule() == "F5");
}

TEST_CASE("F5: a body that is no later graph is refused") {
  const auto rule_of = [](int32_t body) {
    return RuleOf([body](fbs::GraphT& graph) {
      fbs::ControlT loop;
      loop.kind = fbs::ControlKind::loop;
      loop.bodies = {body};
      loop.captured = {0};
      graph.nodes[1]->op.Set(std::move(loop));
    });
  };
  CHECK(rule_of(0) == "F5");  // itself
  CHECK(rule_of(-1) == "F5");
  CHECK(rule_of(1) == "F5");  // there is one graph only
}

TEST_CASE("F6: a range outside the segment or misaligned is refused") {
  const auto with_range = [](uint64_t offset, uint64_t size) {
    flatbuffers::FlatBufferBuilder builder;
    std::vector<std::byte> bytes = Write(SmallDraft());
    format::Header header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    fbs::NetT net;
    fbs::GetNet(bytes.data() + 64)->UnPackTo(&net);
    net.constants[0]->data = std::make_unique<fbs::Range>(offset, size);
    fbs::FinishNetBuffer(builder, fbs::Net::Pack(builder, &net));
    std::vector<std::byte> changed(16392);
    header.table_size = builder.GetSize();
    std::memcpy(changed.data(), &header, sizeof(header));
    std::memcpy(changed.data() + 64, builder.GetBufferPointer(),
                builder.GetSize());
    return ParseStatus(std::move(changed)).rule();
  };
  CHECK(with_range(0, 8) == "");
  CHECK(with_range(64, 8) == "F6");
  CHECK(with_range(4, 4) == "F6");
  CHECK(with_range(0, UINT64_MAX) == "F6");
  CHECK(with_range(0xFFFFFFFFFFFFFFC0u, 128) == "F6");
  CHECK(with_range(0, 4) == "F7");
}

TEST_CASE("F7: data must have the size and type of the tensor") {
  NetDraft draft = SmallDraft();
  draft.constants[0].stored = DataType::kInt32;  // the tensor is float16
  CHECK(ParseStatus(Write(std::move(draft))).rule() == "F7");
}

TEST_CASE(
    "F7: a uniform constant is stored once and read as all its elements") {
  NetDraft draft = SmallDraft();
  draft.net.graphs[0]->tensors[1]->shape = {100};
  NetDraft::DraftConstant& constant = draft.constants[0];
  constant.shape = Shape{100};
  constant.bytes.resize(400);
  for (size_t i = 0; i < 100; ++i) {
    const float value = 0.1F;
    std::memcpy(constant.bytes.data() + i * 4, &value, 4);
  }
  const std::vector<std::byte> bytes = Write(std::move(draft));
  CHECK(bytes.size() == 16388);
  const auto net = Net::Parse(File::FromBuffer(bytes), "u");
  REQUIRE(net.ok());
  std::shared_ptr<void> owner;
  const Expected<TensorView> view =
      (*net)->ConstantValue(*(*net)->main_graph().tensors()->Get(1), &owner);
  REQUIRE(view.ok());
  CHECK(view->shape == Shape{100});
  CHECK(view->Row<float>(0)[0] == 0.1F);
  CHECK(view->Row<float>(0)[99] == 0.1F);
}

TEST_CASE("F8: two sources of one value are refused") {
  CHECK(RuleOf([](fbs::GraphT& graph) {
          graph.nodes[1]->outputs = {2};
          graph.outputs[0]->tensor = 2;
        }) == "F8");
  CHECK(RuleOf([](fbs::GraphT& graph) { graph.nodes[0]->outputs = {0}; }) ==
        "F8");
  CHECK(RuleOf([](fbs::GraphT& graph) { graph.nodes[0]->outputs = {1}; }) ==
        "F8");
}

TEST_CASE("F9: a value read before it is computed is refused") {
  CHECK(RuleOf([](fbs::GraphT& graph) {
          std::swap(graph.nodes[0], graph.nodes[1]);
        }) == "F9");
  CHECK(RuleOf([](fbs::GraphT& graph) {
          graph.nodes[0]->inputs = {0, 2};
        }) == "F9");
  CHECK(RuleOf([](fbs::GraphT& graph) { graph.nodes.pop_back(); }) == "F9");
  CHECK(RuleOf([](fbs::GraphT& graph) { graph.nodes[0]->outputs.clear(); }) ==
        "F9");
}

TEST_CASE("F10: absurd shapes are refused") {
  CHECK(RuleOf([](fbs::GraphT& graph) {
          graph.tensors[0]->shape = {-2, 2};
        }) == "F10");
  CHECK(RuleOf([](fbs::GraphT& graph) {
          graph.tensors[0]->shape = {1 << 21, 1 << 20};
        }) == "F10");
  CHECK(RuleOf([](fbs::GraphT& graph) {
          graph.tensors[0]->shape = {0, INT64_MAX};
        }) == "F10");
  CHECK(RuleOf([](fbs::GraphT& graph) {
          graph.tensors[0]->shape.assign(9, 1);
        }) == "F10");
  CHECK(RuleOf([](fbs::GraphT& graph) {
          graph.tensors[0]->has_shape = false;
        }) == "F10");
  CHECK(RuleOf([](fbs::GraphT& graph) {
          graph.tensors[0]->shape_names = {"n"};
        }) == "F10");
  CHECK(RuleOf([](fbs::GraphT& graph) {
          graph.tensors[0]->shape = {-1, 2};
        }) == "");
}

TEST_CASE("F11: unknown enumerators are refused") {
  CHECK(RuleOf([](fbs::GraphT& graph) {
          graph.tensors[0]->dtype = static_cast<fbs::DataType>(99);
        }) == "F11");
  CHECK(RuleOf([](fbs::GraphT& graph) {
          graph.inputs[0]->declared = static_cast<fbs::DataType>(12);
        }) == "F11");
  CHECK(RuleOf([](fbs::GraphT& graph) { graph.nodes[0]->op.Reset(); }) ==
        "F11");
}

TEST_CASE(
    "F12: the same draft gives the same bytes and float32 that survives fp16 "
    "is stored as fp16") {
  CHECK(Write(SmallDraft()) == Write(SmallDraft()));
  NetDraft draft = SmallDraft();
  const float values[] = {1.0F, 0.5F};
  std::memcpy(draft.constants[0].bytes.data(), values, sizeof(values));
  const std::vector<std::byte> bytes = Write(std::move(draft));
  CHECK(bytes.size() == 16384 + 4);
  CHECK(bytes[16384] == std::byte{0x00});
  CHECK(bytes[16385] == std::byte{0x3C});
  CHECK(bytes[16387] == std::byte{0x38});
}

TEST_CASE("F15: limits of open extents are checked when a file is read") {
  using Edit = std::function<void(fbs::PortT&)>;
  const auto rule = [](const Edit& edit) {
    return RuleOf([&](fbs::GraphT& graph) { edit(*graph.inputs[0]); });
  };
  CHECK(rule([](fbs::PortT& port) {
          port.at_least = {1, 2};
          port.at_most = {-1, 2};
          port.allowed_shapes = {1, 2, 4, 2};
          port.usual_shape = {1, 2};
        }) == "");
  CHECK(rule([](fbs::PortT& port) { port.at_least = {1}; }) == "F15");
  CHECK(rule([](fbs::PortT& port) { port.at_most = {1, 2, 3}; }) == "F15");
  CHECK(rule([](fbs::PortT& port) { port.usual_shape = {1}; }) == "F15");
  CHECK(rule([](fbs::PortT& port) {
          port.allowed_shapes = {1, 2, 3};
        }) == "F15");
  CHECK(rule([](fbs::PortT& port) { port.at_least = {-2, 1}; }) == "F15");
  CHECK(rule([](fbs::PortT& port) { port.allowed_shapes = {1, -1}; }) == "F15");
  CHECK(rule([](fbs::PortT& port) { port.usual_shape = {1, -1}; }) == "F15");
  CHECK(RuleOf([](fbs::GraphT& graph) {
          graph.outputs[0]->at_least = {1, 2, 3};
        }) == "F15");
}

}  // namespace aneref
