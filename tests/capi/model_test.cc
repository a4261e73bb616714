// Models and plans: loading, ports, options, importers.
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/capi/nets.h"

namespace aneref {
namespace {

using test::AddNet;
using test::Bytes;
using test::Handles;

struct Released {
  int count = 0;
  const void* bytes = nullptr;
};
void CountRelease(void* user, const void* bytes, size_t) {
  auto* released = static_cast<Released*>(user);
  ++released->count;
  released->bytes = bytes;
}

}  // namespace

TEST_CASE("capi: a file of this format is loaded by path") {
  const Bytes bytes = AddNet();
  const std::string path =
      "/tmp/aneref_model_test_" + std::to_string(getpid()) + ".anem";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  aneref_model* model = nullptr;
  aneref_model_options options = aneref_model_options_init();
  CHECK_EQ(aneref_model_load_file(path.c_str(), nullptr, &model, nullptr),
           ANEREF_OK);
  CHECK_EQ(aneref_model_destroy(model), ANEREF_OK);
  options.max_memory = 100;
  aneref_error error = aneref_error_init();
  CHECK_EQ(aneref_model_load_file(path.c_str(), &options, &model, &error),
           ANEREF_LIMIT);
  CHECK(std::string(error.message).find(path) == 0);
  std::remove(path.c_str());
}

TEST_CASE("capi: bytes that are lent come back once nobody reads them") {
  const Bytes bytes = AddNet();
  const size_t room = (bytes.size() + 63) / 64 * 64;
  void* memory = std::aligned_alloc(64, room);
  std::copy(bytes.begin(), bytes.end(), static_cast<std::byte*>(memory));
  Released released;
  aneref_model_options options = aneref_model_options_init();
  options.release = CountRelease;
  options.release_user = &released;
  aneref_model* model = nullptr;
  aneref_plan* plan = nullptr;
  REQUIRE_EQ(
      aneref_model_load_memory(memory, bytes.size(), &options, &model, nullptr),
      ANEREF_OK);
  REQUIRE_EQ(aneref_plan_create(model, nullptr, &plan, nullptr), ANEREF_OK);
  CHECK_EQ(aneref_model_destroy(model), ANEREF_OK);
  CHECK_EQ(released.count, 0);  // the plan reads them
  CHECK_EQ(aneref_plan_destroy(plan), ANEREF_OK);
  CHECK_EQ(released.count, 1);
  CHECK(released.bytes == memory);
  // A copy, because of its address: given back at once.
  released = {};
  auto* odd = static_cast<std::byte*>(memory) + 0;
  std::vector<std::byte> shifted(bytes.size() + 128);
  std::byte* at = shifted.data();
  while (reinterpret_cast<uintptr_t>(at) % 64 != 8) ++at;
  std::copy(bytes.begin(), bytes.end(), at);
  REQUIRE_EQ(
      aneref_model_load_memory(at, bytes.size(), &options, &model, nullptr),
      ANEREF_OK);
  CHECK_EQ(released.count, 1);
  CHECK_EQ(aneref_model_destroy(model), ANEREF_OK);
  CHECK_EQ(released.count, 1);
  // On failure, too.
  released = {};
  CHECK_EQ(aneref_model_load_memory(odd, 100, &options, &model, nullptr),
           ANEREF_INVALID_FILE);
  CHECK_EQ(released.count, 1);
  std::free(memory);
}

TEST_CASE("capi: ports of models and plans") {
  Handles handles(AddNet());
  aneref_error error = aneref_error_init();
  size_t count = 77;
  CHECK_EQ(aneref_model_num_ports(handles.model, ANEREF_INPUT, &count, &error),
           ANEREF_OK);
  CHECK_EQ(count, 1);
  CHECK_EQ(aneref_plan_num_ports(handles.plan, ANEREF_STATE, &count, &error),
           ANEREF_OK);
  CHECK_EQ(count, 0);
  CHECK_EQ(aneref_model_num_ports(handles.model, 3, &count, &error),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_model_num_ports(handles.model, -1, &count, &error),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_model_num_ports(handles.model, 0, nullptr, &error),
           ANEREF_INVALID_ARGUMENT);
  aneref_port port = aneref_port_init();
  CHECK_EQ(aneref_plan_port(handles.plan, ANEREF_INPUT, 0, &port, &error),
           ANEREF_OK);
  CHECK_EQ(std::string(port.name), "x");
  CHECK_EQ(port.rank, 4);
  CHECK_EQ(port.shape[3], 4);
  CHECK_EQ(port.dtype, ANEREF_FLOAT16);
  CHECK_EQ(port.surface_strides[2], 64);
  CHECK_EQ(port.surface_bytes, 256);
  CHECK_EQ(aneref_plan_port(handles.plan, ANEREF_INPUT, 1, &port, &error),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(
      aneref_model_port(handles.model, ANEREF_OUTPUT, SIZE_MAX, &port, &error),
      ANEREF_INVALID_ARGUMENT);
  size_t index = 77;
  CHECK_EQ(
      aneref_model_find_port(handles.model, ANEREF_INPUT, "x", &index, &error),
      ANEREF_OK);
  CHECK_EQ(index, 0);
  CHECK_EQ(
      aneref_model_find_port(handles.model, ANEREF_INPUT, "z", &index, &error),
      ANEREF_INVALID_ARGUMENT);
  CHECK(std::string(error.message).find("x") != std::string::npos);
  CHECK_EQ(aneref_model_find_port(handles.model, ANEREF_INPUT, nullptr, &index,
                                  &error),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(
      aneref_model_find_port(handles.model, ANEREF_INPUT, "x", nullptr, &error),
      ANEREF_INVALID_ARGUMENT);
  const char* text = nullptr;
  CHECK_EQ(aneref_model_label(handles.model, 0, 0, &text, &error),
           ANEREF_INVALID_ARGUMENT);
}

TEST_CASE("capi: open extents are settled by the options of a plan") {
  test::DraftBuilder draft;
  draft.Output(
      draft.Unary(fbs::ActivationKind::relu, draft.Input("x", {-1, 3})));
  const Bytes bytes = test::BytesOf(draft);
  aneref_model* model = nullptr;
  REQUIRE_EQ(aneref_model_load_memory(bytes.data(), bytes.size(), nullptr,
                                      &model, nullptr),
             ANEREF_OK);
  aneref_port port = aneref_port_init();
  CHECK_EQ(aneref_model_port(model, ANEREF_INPUT, 0, &port, nullptr),
           ANEREF_OK);
  CHECK_EQ(port.shape[0], -1);
  CHECK_EQ(port.surface_bytes, 0);
  aneref_plan* plan = nullptr;
  aneref_input_shape shapes[2] = {aneref_input_shape_init(),
                                  aneref_input_shape_init()};
  shapes[0].name = "x";
  shapes[0].rank = 2;
  shapes[0].shape[0] = 5;
  shapes[0].shape[1] = 3;
  aneref_plan_options options = aneref_plan_options_init();
  options.input_shapes = shapes;
  options.num_input_shapes = 1;
  REQUIRE_EQ(aneref_plan_create(model, &options, &plan, nullptr), ANEREF_OK);
  CHECK_EQ(aneref_plan_port(plan, ANEREF_OUTPUT, 0, &port, nullptr), ANEREF_OK);
  CHECK_EQ(port.shape[0], 5);
  CHECK_EQ(aneref_plan_destroy(plan), ANEREF_OK);
  const auto refused = [&] {
    return aneref_plan_create(model, &options, &plan, nullptr);
  };
  shapes[1] = shapes[0];
  options.num_input_shapes = 2;  // twice
  CHECK_EQ(refused(), ANEREF_INVALID_ARGUMENT);
  options.num_input_shapes = 1;
  shapes[0].name = "other";
  CHECK_EQ(refused(), ANEREF_INVALID_ARGUMENT);
  shapes[0].name = nullptr;
  CHECK_EQ(refused(), ANEREF_INVALID_ARGUMENT);
  shapes[0].name = "x";
  shapes[0].rank = 9;
  CHECK_EQ(refused(), ANEREF_INVALID_ARGUMENT);
  shapes[0].rank = 2;
  shapes[0].shape[0] = INT64_MAX;
  CHECK_EQ(refused(), ANEREF_LIMIT);
  options.input_shapes = nullptr;
  CHECK_EQ(refused(), ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_model_destroy(model), ANEREF_OK);
}

TEST_CASE("capi: options of a plan that mean nothing are refused") {
  Handles handles(AddNet());
  aneref_error error = aneref_error_init();
  aneref_plan* plan = nullptr;
  aneref_plan_options options = aneref_plan_options_init();
  options.target = "m99";
  CHECK_EQ(aneref_plan_create(handles.model, &options, &plan, &error),
           ANEREF_INVALID_ARGUMENT);
  options = aneref_plan_options_init();
  options.numerics = "exact";
  CHECK_EQ(aneref_plan_create(handles.model, &options, &plan, &error),
           ANEREF_INVALID_ARGUMENT);
  options.numerics = "device:nonsense=1";
  CHECK_EQ(aneref_plan_create(handles.model, &options, &plan, &error),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_plan_create(handles.model, nullptr, nullptr, &error),
           ANEREF_INVALID_ARGUMENT);
  options = aneref_plan_options_init();
  aneref_allocator allocator = aneref_allocator_init();
  options.allocator = &allocator;  // without functions
  CHECK_EQ(aneref_plan_create(handles.model, &options, &plan, &error),
           ANEREF_INVALID_ARGUMENT);
}

TEST_CASE("capi: what a plan is") {
  aneref_plan_options options = aneref_plan_options_init();
  options.target = "m4";
  options.numerics = "device";
  Handles handles(AddNet(), &options);
  aneref_plan_info info = aneref_plan_info_init();
  CHECK_EQ(aneref_plan_get_info(handles.plan, &info, nullptr), ANEREF_OK);
  CHECK_EQ(std::string(info.target), "m4");
  CHECK_EQ(std::string(info.numerics), "device");
  CHECK_EQ(info.is_static, 1);
  CHECK_EQ(info.num_ops, 2);  // relu, add
  CHECK_EQ(aneref_plan_get_info(handles.plan, nullptr, nullptr),
           ANEREF_INVALID_ARGUMENT);
}

TEST_CASE("capi: foreign formats need an importer") {
  const std::string text = "no network";
  aneref_model* model = nullptr;
  aneref_error error = aneref_error_init();
  CHECK_EQ(aneref_model_load_memory(text.data(), text.size(), nullptr, &model,
                                    &error),
           ANEREF_NO_IMPORTER);
  CHECK_EQ(aneref_model_load_file("/", nullptr, &model, &error),
           ANEREF_NO_IMPORTER);
  // One that knows a single network.
  static const Bytes net = AddNet();
  static int num_released;
  num_released = 0;
  aneref_importer importer = aneref_importer_init();
  importer.convert = [](void*, const char*, const void*, size_t num_bytes,
                        const aneref_model_options* options, const void** anem,
                        size_t* size, aneref_error* failure) -> aneref_status {
    CHECK_EQ(std::string(options->name), "model in memory");
    if (num_bytes != 10) {
      failure->code = ANEREF_UNSUPPORTED;
      std::snprintf(failure->message, sizeof(failure->message), "not this");
      return ANEREF_UNSUPPORTED;
    }
    void* copy = std::aligned_alloc(64, (net.size() + 63) / 64 * 64);
    std::copy(net.begin(), net.end(), static_cast<std::byte*>(copy));
    *anem = copy;
    *size = net.size();
    return ANEREF_OK;
  };
  CHECK_EQ(aneref_set_importer(&importer, &error), ANEREF_INVALID_ARGUMENT);
  importer.release = [](void*, const void* anem, size_t) {
    ++num_released;
    std::free(const_cast<void*>(anem));
  };
  CHECK_EQ(aneref_set_importer(&importer, &error), ANEREF_OK);
  CHECK_EQ(aneref_model_load_memory(text.data(), text.size(), nullptr, &model,
                                    &error),
           ANEREF_OK);
  CHECK_EQ(aneref_model_destroy(model), ANEREF_OK);
  CHECK_EQ(num_released, 1);
  CHECK_EQ(aneref_model_load_memory(text.data(), 9, nullptr, &model, &error),
           ANEREF_UNSUPPORTED);
  CHECK_EQ(std::string(error.message), "not this");
  CHECK_EQ(aneref_set_importer(nullptr, &error), ANEREF_OK);
  CHECK_EQ(aneref_model_load_memory(text.data(), text.size(), nullptr, &model,
                                    &error),
           ANEREF_NO_IMPORTER);
}

}  // namespace aneref
