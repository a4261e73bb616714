// The border of the C interface: handles, error records, structs of any age.
#include <cstring>
#include <thread>

#include "tests/capi/nets.h"

namespace aneref {
namespace {

using test::AddNet;
using test::Handles;

// One call of every function that takes a handle.
using Call = aneref_status (*)(void* handle, aneref_error* error);
struct Entry {
  const char* name;
  Call call;
};

aneref_model* Model(void* handle) { return static_cast<aneref_model*>(handle); }
aneref_plan* Plan(void* handle) { return static_cast<aneref_plan*>(handle); }
aneref_session* Session(void* handle) {
  return static_cast<aneref_session*>(handle);
}

size_t some_count;
int32_t some_number;
const char* some_text;
aneref_tensor some_tensor = aneref_tensor_init();

#define ANEREF_ENTRY(name, arguments)                  \
  Entry {                                              \
#name, [](void* handle, aneref_error* error) {       \
      static_cast<void>(handle), static_cast<void>(error); \
      return name arguments;                             \
    } \
  }

const std::vector<Entry>& ModelEntries() {
  static aneref_plan* plan;
  static aneref_port port = aneref_port_init();
  static const std::vector<Entry> entries = {
      ANEREF_ENTRY(aneref_model_num_ports,
                   (Model(handle), ANEREF_INPUT, &some_count, error)),
      ANEREF_ENTRY(aneref_model_port,
                   (Model(handle), ANEREF_INPUT, 0, &port, error)),
      ANEREF_ENTRY(aneref_model_find_port,
                   (Model(handle), ANEREF_INPUT, "x", &some_count, error)),
      ANEREF_ENTRY(aneref_model_label,
                   (Model(handle), 0, 0, &some_text, error)),
      ANEREF_ENTRY(aneref_plan_create, (Model(handle), nullptr, &plan, error)),
  };
  return entries;
}

const std::vector<Entry>& PlanEntries() {
  static aneref_session* session;
  static aneref_port port = aneref_port_init();
  static aneref_plan_info info = aneref_plan_info_init();
  static const std::vector<Entry> entries = {
      ANEREF_ENTRY(aneref_plan_num_ports,
                   (Plan(handle), ANEREF_INPUT, &some_count, error)),
      ANEREF_ENTRY(aneref_plan_port,
                   (Plan(handle), ANEREF_INPUT, 0, &port, error)),
      ANEREF_ENTRY(aneref_plan_get_info, (Plan(handle), &info, error)),
      ANEREF_ENTRY(aneref_session_create,
                   (Plan(handle), nullptr, &session, error)),
  };
  return entries;
}

const std::vector<Entry>& SessionEntries() {
  static aneref_port port = aneref_port_init();
  static aneref_profile_row row = aneref_profile_row_init();
  static aneref_session_info info = aneref_session_info_init();
  static const std::vector<Entry> entries = {
      ANEREF_ENTRY(aneref_session_num_ports,
                   (Session(handle), ANEREF_INPUT, &some_count, error)),
      ANEREF_ENTRY(aneref_session_port,
                   (Session(handle), ANEREF_INPUT, 0, &port, error)),
      ANEREF_ENTRY(aneref_session_find_port,
                   (Session(handle), ANEREF_INPUT, "x", &some_count, error)),
      ANEREF_ENTRY(aneref_session_set_input,
                   (Session(handle), 0, &some_tensor, error)),
      ANEREF_ENTRY(aneref_session_get_output,
                   (Session(handle), 0, &some_tensor, error)),
      ANEREF_ENTRY(aneref_session_view_output,
                   (Session(handle), 0, &some_tensor, error)),
      ANEREF_ENTRY(aneref_session_bind_input,
                   (Session(handle), 0, nullptr, &some_number, error)),
      ANEREF_ENTRY(aneref_session_bind_output,
                   (Session(handle), 0, nullptr, &some_number, error)),
      ANEREF_ENTRY(aneref_session_set_state,
                   (Session(handle), 0, &some_tensor, error)),
      ANEREF_ENTRY(aneref_session_get_state,
                   (Session(handle), 0, &some_tensor, error)),
      ANEREF_ENTRY(aneref_session_reset_states, (Session(handle), error)),
      ANEREF_ENTRY(aneref_session_run, (Session(handle), nullptr, error)),
      ANEREF_ENTRY(aneref_session_run_async,
                   (Session(handle), nullptr, nullptr, nullptr, error)),
      ANEREF_ENTRY(aneref_session_wait, (Session(handle), 1, error)),
      ANEREF_ENTRY(aneref_session_cancel, (Session(handle), error)),
      ANEREF_ENTRY(aneref_session_num_values,
                   (Session(handle), &some_count, error)),
      ANEREF_ENTRY(aneref_session_value,
                   (Session(handle), 0, &some_text, &some_tensor, error)),
      ANEREF_ENTRY(aneref_session_enable_profile, (Session(handle), 1, error)),
      ANEREF_ENTRY(aneref_session_num_profile_rows,
                   (Session(handle), &some_count, error)),
      ANEREF_ENTRY(aneref_session_profile_row,
                   (Session(handle), 0, &row, error)),
      ANEREF_ENTRY(aneref_session_get_info, (Session(handle), &info, error)),
  };
  return entries;
}

// Handles that no function of `entries` may take.
void CheckRefused(const std::vector<Entry>& entries,
                  const std::vector<void*>& handles) {
  for (const Entry& entry : entries) {
    for (void* handle : handles) {
      CAPTURE(entry.name);
      CAPTURE(handle);
      aneref_error error = aneref_error_init();
      CHECK_EQ(entry.call(handle, &error), ANEREF_INVALID_HANDLE);
      CHECK_EQ(error.code, ANEREF_INVALID_HANDLE);
      CHECK_EQ(entry.call(handle, nullptr), ANEREF_INVALID_HANDLE);
    }
  }
}

}  // namespace

TEST_CASE("A1: null and foreign and destroyed handles are refused") {
  const test::Bytes bytes = AddNet();
  Handles live(bytes), dead(bytes);
  REQUIRE_EQ(aneref_session_destroy(dead.session), ANEREF_OK);
  REQUIRE_EQ(aneref_plan_destroy(dead.plan), ANEREF_OK);
  REQUIRE_EQ(aneref_model_destroy(dead.model), ANEREF_OK);
  int object = 0;
  void* const garbage = &object;
  void* const odd = reinterpret_cast<void*>(~uintptr_t{0});
  CheckRefused(ModelEntries(),
               {nullptr, dead.model, live.plan, live.session, garbage, odd});
  CheckRefused(PlanEntries(),
               {nullptr, dead.plan, live.model, live.session, garbage, odd});
  CheckRefused(SessionEntries(),
               {nullptr, dead.session, live.model, live.plan, garbage, odd});
  // A new object in the place of a destroyed one is not reached by its handle.
  Handles again(bytes);
  CheckRefused(SessionEntries(), {dead.session});
  CHECK_EQ(aneref_session_run(again.session, nullptr, nullptr), ANEREF_OK);
  // Destroying twice is an error, destroying null is not.
  CHECK_EQ(aneref_session_destroy(dead.session), ANEREF_INVALID_HANDLE);
  CHECK_EQ(aneref_plan_destroy(dead.plan), ANEREF_INVALID_HANDLE);
  CHECK_EQ(aneref_model_destroy(dead.model), ANEREF_INVALID_HANDLE);
  CHECK_EQ(aneref_session_destroy(nullptr), ANEREF_OK);
  CHECK_EQ(aneref_plan_destroy(nullptr), ANEREF_OK);
  CHECK_EQ(aneref_model_destroy(nullptr), ANEREF_OK);
  CHECK_EQ(aneref_string_destroy(nullptr), ANEREF_OK);
  CHECK_EQ(aneref_string_destroy(static_cast<aneref_string*>(garbage)),
           ANEREF_INVALID_HANDLE);
  CHECK_EQ(aneref_string_get(nullptr, &some_text, nullptr, nullptr),
           ANEREF_INVALID_HANDLE);
}

TEST_CASE("A2: results are written on success only and errors are recorded") {
  const test::Bytes bytes = AddNet();
  auto* const untouched = reinterpret_cast<aneref_model*>(uintptr_t{77});
  aneref_model* model = untouched;
  aneref_error error = aneref_error_init();
  CHECK_EQ(aneref_model_load_memory(bytes.data(), 20, nullptr, &model, &error),
           ANEREF_INVALID_FILE);
  CHECK(model == untouched);
  CHECK_EQ(error.code, ANEREF_INVALID_FILE);
  CHECK_EQ(std::string(error.rule), "F3");
  CHECK(std::strlen(error.message) > 10);
  CHECK_EQ(
      aneref_model_load_file("/no/such/file.anem", nullptr, &model, &error),
      ANEREF_IO);
  CHECK(std::string(error.message).find("/no/such/file.anem") == 0);
  CHECK_EQ(std::string(error.rule), "");
  CHECK_EQ(aneref_model_load_file(nullptr, nullptr, &model, &error),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_model_load_file("x", nullptr, nullptr, &error),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_model_load_memory(nullptr, 5, nullptr, &model, &error),
           ANEREF_INVALID_ARGUMENT);
}

TEST_CASE("A2: messages are cut at a character and small records stay whole") {
  // 600 times a letter of two bytes: 511 bytes hold 255 of them.
  std::string name;
  for (int i = 0; i < 600; ++i) name += "\u00e4";
  aneref_model* model = nullptr;
  aneref_error error = aneref_error_init();
  CHECK_EQ(aneref_model_load_file(name.c_str(), nullptr, &model, &error),
           ANEREF_IO);
  CHECK_EQ(std::strlen(error.message), 510);
  // A record that has room for a code alone.
  struct {
    size_t struct_size = 12;
    aneref_status code = 0;
    char behind[64] = "untouched";
  } small;
  CHECK_EQ(aneref_model_load_file(name.c_str(), nullptr, &model,
                                  reinterpret_cast<aneref_error*>(&small)),
           ANEREF_IO);
  CHECK_EQ(small.code, ANEREF_IO);
  CHECK_EQ(small.struct_size, 12);
  CHECK_EQ(std::string(small.behind), "untouched");
  // Records without a size are left alone.
  aneref_error unset;
  std::memset(&unset, 0, sizeof(unset));
  CHECK_EQ(aneref_model_load_file(name.c_str(), nullptr, &model, &unset),
           ANEREF_IO);
  CHECK_EQ(unset.code, 0);
}

TEST_CASE("A3: older and newer structs are read as far as both know them") {
  const test::Bytes bytes = AddNet();
  Handles handles(bytes);
  aneref_error error = aneref_error_init();
  // Newer: more bytes behind ours.
  struct {
    aneref_session_options known = aneref_session_options_init();
    uint64_t unknown[4] = {0, 0, 0, 0};
  } newer;
  newer.known.struct_size = sizeof(newer);
  aneref_session* session = nullptr;
  CHECK_EQ(aneref_session_create(handles.plan, &newer.known, &session, &error),
           ANEREF_OK);
  CHECK_EQ(aneref_session_destroy(session), ANEREF_OK);
  newer.unknown[2] = 1;
  CHECK_EQ(aneref_session_create(handles.plan, &newer.known, &session, &error),
           ANEREF_INVALID_ARGUMENT);
  // Older: the fields behind its end have their defaults.
  aneref_session_options older = aneref_session_options_init();
  older.struct_size = offsetof(aneref_session_options, max_memory);
  older.max_memory = 1;  // not read
  CHECK_EQ(aneref_session_create(handles.plan, &older, &session, &error),
           ANEREF_OK);
  CHECK_EQ(aneref_session_destroy(session), ANEREF_OK);
  older.struct_size = sizeof(older);
  CHECK_EQ(aneref_session_create(handles.plan, &older, &session, &error),
           ANEREF_LIMIT);
  // No size, and sizes that cannot be.
  for (const size_t size : {size_t{0}, size_t{3}, size_t{1} << 20, SIZE_MAX}) {
    older.struct_size = size;
    CHECK_EQ(aneref_session_create(handles.plan, &older, &session, &error),
             ANEREF_INVALID_ARGUMENT);
  }
  // Queries write no more than the caller has room for.
  aneref_port port = aneref_port_init();
  port.struct_size = offsetof(aneref_port, image);
  port.image = 42;
  port.num_labels = 42;
  CHECK_EQ(aneref_model_port(handles.model, ANEREF_INPUT, 0, &port, &error),
           ANEREF_OK);
  CHECK_EQ(std::string(port.name), "x");
  CHECK_EQ(port.struct_size, offsetof(aneref_port, image));
  CHECK_EQ(port.image, 42);
  CHECK_EQ(port.num_labels, 42);
  port.struct_size = 0;
  CHECK_EQ(aneref_model_port(handles.model, ANEREF_INPUT, 0, &port, &error),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_model_port(handles.model, ANEREF_INPUT, 0, nullptr, &error),
           ANEREF_INVALID_ARGUMENT);
}

TEST_CASE("A4: texts of a port live as long as a handle that knows them") {
  const test::Bytes bytes = AddNet();
  Handles handles(bytes);
  aneref_port port = aneref_port_init();
  REQUIRE_EQ(
      aneref_session_port(handles.session, ANEREF_INPUT, 0, &port, nullptr),
      ANEREF_OK);
  REQUIRE_EQ(aneref_model_destroy(handles.model), ANEREF_OK);
  REQUIRE_EQ(aneref_plan_destroy(handles.plan), ANEREF_OK);
  CHECK_EQ(std::string(port.name), "x");
  CHECK_EQ(std::string(port.description), "");
  CHECK_EQ(std::string(port.extent_names[0]), "");
}

TEST_CASE("A6: sessions outlive the handles they were made of") {
  const test::Bytes bytes = AddNet();
  Handles handles(bytes);
  REQUIRE_EQ(aneref_model_destroy(handles.model), ANEREF_OK);
  REQUIRE_EQ(aneref_plan_destroy(handles.plan), ANEREF_OK);
  std::vector<float> x(16, 2), y(16);
  const aneref_tensor in = test::Dense(x, ANEREF_FLOAT32, {1, 2, 2, 4});
  const aneref_tensor out = test::Dense(y, ANEREF_FLOAT32, {1, 2, 2, 4});
  CHECK_EQ(aneref_session_set_input(handles.session, 0, &in, nullptr),
           ANEREF_OK);
  CHECK_EQ(aneref_session_run(handles.session, nullptr, nullptr), ANEREF_OK);
  CHECK_EQ(aneref_session_get_output(handles.session, 0, &out, nullptr),
           ANEREF_OK);
  CHECK(y == std::vector<float>(16, 3));
}

TEST_CASE("capi: versions and names") {
  CHECK_EQ(std::string(aneref_version()), "0.1.0");
  CHECK_EQ(aneref_abi_version(), 1);
  aneref_error error = aneref_error_init();
  CHECK_EQ(aneref_check_abi(1, &error), ANEREF_OK);
  CHECK_EQ(aneref_check_abi(2, &error), ANEREF_UNSUPPORTED);
  CHECK_EQ(aneref_check_abi(0, nullptr), ANEREF_UNSUPPORTED);
  CHECK_EQ(std::string(aneref_status_name(ANEREF_OK)), "ok");
  CHECK_EQ(std::string(aneref_status_name(ANEREF_INVALID_HANDLE)),
           "invalid_handle");
  CHECK_EQ(std::string(aneref_status_name(ANEREF_NO_IMPORTER)), "no_importer");
  CHECK_EQ(std::string(aneref_status_name(15)), "unknown");
  CHECK_EQ(std::string(aneref_status_name(-1)), "unknown");
  CHECK_EQ(aneref_dtype_size(ANEREF_FLOAT16), 2);
  CHECK_EQ(aneref_dtype_size(ANEREF_UINT64), 8);
  CHECK_EQ(aneref_dtype_size(12), 0);
  CHECK_EQ(aneref_dtype_size(-1), 0);
  CHECK_EQ(std::string(aneref_dtype_name(ANEREF_BOOL)), "bool");
  CHECK_EQ(std::string(aneref_dtype_name(99)), "unknown");
}

TEST_CASE("capi: the layout of a surface") {
  aneref_tensor tensor = aneref_tensor_init();
  tensor.dtype = ANEREF_FLOAT16;
  tensor.rank = 4;
  const int64_t shape[] = {1, 2, 3, 40};
  std::copy(shape, shape + 4, tensor.shape);
  CHECK_EQ(aneref_surface_layout(&tensor, nullptr), ANEREF_OK);
  // L10: 80 bytes of a row are padded to 128.
  CHECK_EQ(tensor.byte_strides[3], 2);
  CHECK_EQ(tensor.byte_strides[2], 128);
  CHECK_EQ(tensor.byte_strides[1], 384);
  CHECK_EQ(tensor.byte_strides[0], 768);
  CHECK_EQ(tensor.data_bytes, 768);
  CHECK_EQ(aneref_surface_layout(nullptr, nullptr), ANEREF_INVALID_ARGUMENT);
  tensor.rank = 9;
  CHECK_EQ(aneref_surface_layout(&tensor, nullptr), ANEREF_INVALID_ARGUMENT);
  tensor.rank = 4;
  tensor.dtype = 12;
  CHECK_EQ(aneref_surface_layout(&tensor, nullptr), ANEREF_INVALID_ARGUMENT);
  tensor.dtype = ANEREF_FLOAT16;
  tensor.shape[0] = INT64_MAX;
  CHECK_EQ(aneref_surface_layout(&tensor, nullptr), ANEREF_LIMIT);
  tensor.shape[0] = -1;
  CHECK_EQ(aneref_surface_layout(&tensor, nullptr), ANEREF_SHAPE);
}

}  // namespace aneref
