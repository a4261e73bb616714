// Small networks and their handles for tests of the C interface.
#ifndef ANEREF_TESTS_CAPI_NETS_H_
#define ANEREF_TESTS_CAPI_NETS_H_

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "aneref/aneref.h"
#include "tests/support/draft.h"

namespace aneref::test {

using Bytes = std::vector<std::byte>;

inline Bytes BytesOf(DraftBuilder& draft) {
  const std::shared_ptr<const Net> net = draft.Parse();
  return {net->file_bytes().begin(), net->file_bytes().end()};
}

// y = relu(x) + c, c = 1 everywhere: x [1, 2, 2, 4], fp16. Rows of 8 bytes are
// padded to 64 in a surface.
inline Bytes AddNet() {
  DraftBuilder draft;
  const int x = draft.Input("x", {1, 2, 2, 4});
  const int c = draft.Constant({1}, {1});
  draft.Output(draft.Binary(fbs::ElementwiseKind::add,
                            draft.Unary(fbs::ActivationKind::relu, x), c));
  return BytesOf(draft);
}

// A chain of `length` convolutions, 3x3 over 16 square channels.
inline Bytes ChainNet(int length, int64_t extent = 16) {
  DraftBuilder draft;
  int x = draft.Input("x", {1, 16, extent, extent});
  const int weight =
      draft.Constant({16, 16, 3, 3}, std::vector<double>(16 * 16 * 9, 0.001));
  for (int i = 0; i < length; ++i) {
    fbs::ConvT conv;
    conv.pads = {1, 1, 1, 1};
    x = draft.Node(conv, {x, weight});
  }
  draft.Output(x);
  return BytesOf(draft);
}

// The indices of the elements of x [4] that are not zero: int64 [1, n].
inline Bytes NonZeroNet() {
  NetDraft draft;
  draft.net.graphs.push_back(std::make_unique<fbs::GraphT>());
  fbs::GraphT& graph = *draft.net.graphs[0];
  for (const bool is_input : {true, false}) {
    auto tensor = std::make_unique<fbs::TensorT>();
    tensor->name = is_input ? "x" : "indices";
    tensor->dtype = is_input ? fbs::DataType::float16 : fbs::DataType::int64;
    if (is_input) {
      tensor->shape = {4};
      tensor->has_shape = true;
    }
    graph.tensors.push_back(std::move(tensor));
    auto port = std::make_unique<fbs::PortT>();
    port->tensor = is_input ? 0 : 1;
    (is_input ? graph.inputs : graph.outputs).push_back(std::move(port));
  }
  auto node = std::make_unique<fbs::NodeT>();
  node->op.Set(fbs::SelectionT());
  node->inputs = {0};
  node->outputs = {1};
  graph.nodes.push_back(std::move(node));
  auto bytes = WriteNet(std::move(draft));
  REQUIRE_MESSAGE(bytes.ok(), bytes.status().ToString());
  return std::move(*bytes);
}

// sum = x + state; the state becomes sum. x [4], fp16.
inline Bytes SumNet() {
  NetDraft draft;
  draft.net.graphs.push_back(std::make_unique<fbs::GraphT>());
  fbs::GraphT& graph = *draft.net.graphs[0];
  for (const char* name : {"x", "total", "sum"}) {
    auto tensor = std::make_unique<fbs::TensorT>();
    tensor->name = name;
    tensor->dtype = fbs::DataType::float16;
    tensor->shape = {4};
    tensor->has_shape = true;
    graph.tensors.push_back(std::move(tensor));
  }
  const auto port = [](int tensor) {
    auto made = std::make_unique<fbs::PortT>();
    made->tensor = tensor;
    return made;
  };
  graph.inputs.push_back(port(0));
  graph.inputs.push_back(port(1));
  graph.outputs.push_back(port(2));
  graph.outputs.push_back(port(2));
  auto state = std::make_unique<fbs::StateT>();
  state->name = "total";
  state->input = 1;
  state->output = 1;
  graph.states.push_back(std::move(state));
  auto node = std::make_unique<fbs::NodeT>();
  node->op.Set(fbs::ElementwiseT());  // add
  node->inputs = {0, 1};
  node->outputs = {2};
  graph.nodes.push_back(std::move(node));
  auto bytes = WriteNet(std::move(draft));
  REQUIRE_MESSAGE(bytes.ok(), bytes.status().ToString());
  return std::move(*bytes);
}

// Handles of one network, destroyed in the end.
struct Handles {
  aneref_model* model = nullptr;
  aneref_plan* plan = nullptr;
  aneref_session* session = nullptr;
  aneref_error error = aneref_error_init();

  explicit Handles(const Bytes& bytes,
                   const aneref_plan_options* plan_options = nullptr,
                   int32_t threads = 1) {
    Need(aneref_model_load_memory(bytes.data(), bytes.size(), nullptr, &model,
                                  &error));
    Need(aneref_plan_create(model, plan_options, &plan, &error));
    aneref_session_options options = aneref_session_options_init();
    options.threads = threads;
    Need(aneref_session_create(plan, &options, &session, &error));
  }
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
  ~Handles() {
    aneref_model_destroy(model);
    aneref_plan_destroy(plan);
    aneref_session_destroy(session);
  }
  void Need(aneref_status status) const {
    REQUIRE_MESSAGE(status == ANEREF_OK, std::string(error.message));
  }
};

template <class T>
aneref_tensor Dense(std::vector<T>& values, aneref_dtype dtype,
                    const std::vector<int64_t>& shape) {
  return aneref_dense(values.data(), values.size() * sizeof(T), dtype,
                      static_cast<int32_t>(shape.size()), shape.data());
}

}  // namespace aneref::test

#endif  // ANEREF_TESTS_CAPI_NETS_H_
