// Every function of the C interface with what it must refuse: null pointers,
// destroyed handles, structs without a size or with one that cannot be, wrong
// states and indices. The list of functions is the one that CI holds the
// headers to (.ci/abi.txt), so that none can be missing here.
#include <cstring>
#include <fstream>
#include <functional>
#include <set>

#include "tests/capi/nets.h"

namespace aneref {
namespace {

using test::Handles;

struct Refusal {
  const char* call;  // as written
  aneref_status expected;
  std::function<aneref_status()> run;

  std::string Function() const {
    const std::string text = call;
    return text.substr(0, text.find('('));
  }
};
using Refusals = std::vector<Refusal>;

#define REFUSED(expected, ...)                                             \
  Refusal {                                                                \
#__VA_ARGS__, expected, [&]() -> aneref_status { return __VA_ARGS__; } \
  }

// A struct whose size says what no struct of its kind can be.
template <class T>
T Sized(size_t size) {
  T value;
  std::memset(&value, 0, sizeof(value));
  value.struct_size = size;
  return value;
}

// Objects of each kind: alive and destroyed, and what calls write to.
struct World {
  test::Bytes bytes = test::AddNet();
  Handles live{bytes}, dead{bytes};
  aneref_model* const model = live.model;
  aneref_plan* const plan = live.plan;
  aneref_session* const session = live.session;
  aneref_string* text_handle = nullptr;
  aneref_string* dead_text = nullptr;
  std::vector<float> values = std::vector<float>(16, 2);
  aneref_tensor tensor = test::Dense(values, ANEREF_FLOAT32, {1, 2, 2, 4});
  aneref_tensor sizeless = Sized<aneref_tensor>(0);
  aneref_named_tensor named = aneref_named_tensor_init();
  aneref_named_tensor sizeless_named = Sized<aneref_named_tensor>(0);
  aneref_port port = aneref_port_init();
  aneref_port sizeless_port = Sized<aneref_port>(0);
  aneref_model* new_model = nullptr;
  aneref_plan* new_plan = nullptr;
  aneref_session* new_session = nullptr;
  aneref_string* new_text = nullptr;
  const char* text = nullptr;
  size_t count = 0;
  int32_t flag = 0;

  World() {
    aneref_session_destroy(dead.session);
    aneref_plan_destroy(dead.plan);
    aneref_model_destroy(dead.model);
    live.Need(aneref_model_describe(model, &text_handle, nullptr));
    live.Need(aneref_model_describe(model, &dead_text, nullptr));
    aneref_string_destroy(dead_text);
    named.name = "a";
    named.tensor = tensor;
  }
  ~World() { aneref_string_destroy(text_handle); }
};

constexpr aneref_status kHandle = ANEREF_INVALID_HANDLE;
constexpr aneref_status kArgument = ANEREF_INVALID_ARGUMENT;
constexpr aneref_status kState = ANEREF_INVALID_STATE;

Refusals OfTypes(World& w) {
  return {
      REFUSED(ANEREF_UNSUPPORTED, aneref_check_abi(0, nullptr)),
      REFUSED(kArgument, aneref_surface_layout(nullptr, nullptr)),
      REFUSED(kArgument, aneref_surface_layout(&w.sizeless, nullptr)),
      REFUSED(kHandle, aneref_string_get(nullptr, &w.text, nullptr, nullptr)),
      REFUSED(kHandle,
              aneref_string_get(w.dead_text, &w.text, nullptr, nullptr)),
      REFUSED(kArgument,
              aneref_string_get(w.text_handle, nullptr, &w.count, nullptr)),
      REFUSED(kHandle, aneref_string_destroy(w.dead_text)),
  };
}

Refusals OfModels(World& w) {
  static aneref_model_options sizeless = Sized<aneref_model_options>(0);
  const void* const bytes = w.bytes.data();
  const size_t size = w.bytes.size();
  return {
      REFUSED(kArgument,
              aneref_model_load_file(nullptr, nullptr, &w.new_model, nullptr)),
      REFUSED(kArgument,
              aneref_model_load_file("x", &sizeless, &w.new_model, nullptr)),
      REFUSED(kArgument,
              aneref_model_load_file("x", nullptr, nullptr, nullptr)),
      REFUSED(kArgument, aneref_model_load_memory(nullptr, 9, nullptr,
                                                  &w.new_model, nullptr)),
      Refusal{"aneref_model_load_memory(bytes, size, &sizeless", kArgument,
              [&w, bytes, size] {
                return aneref_model_load_memory(bytes, size, &sizeless,
                                                &w.new_model, nullptr);
              }},
      Refusal{"aneref_model_load_memory(bytes, size, nullptr, nullptr",
              kArgument,
              [bytes, size] {
                return aneref_model_load_memory(bytes, size, nullptr, nullptr,
                                                nullptr);
              }},
      REFUSED(kHandle, aneref_model_destroy(w.dead.model)),
      REFUSED(kHandle, aneref_model_num_ports(w.dead.model, ANEREF_INPUT,
                                              &w.count, nullptr)),
      REFUSED(kArgument, aneref_model_num_ports(w.model, 3, &w.count, nullptr)),
      REFUSED(kArgument,
              aneref_model_num_ports(w.model, ANEREF_INPUT, nullptr, nullptr)),
      REFUSED(kHandle,
              aneref_model_port(nullptr, ANEREF_INPUT, 0, &w.port, nullptr)),
      REFUSED(kArgument,
              aneref_model_port(w.model, ANEREF_INPUT, 1, &w.port, nullptr)),
      REFUSED(kArgument,
              aneref_model_port(w.model, ANEREF_INPUT, 0, nullptr, nullptr)),
      REFUSED(kArgument, aneref_model_port(w.model, ANEREF_INPUT, 0,
                                           &w.sizeless_port, nullptr)),
      REFUSED(kHandle, aneref_model_find_port(w.dead.model, ANEREF_INPUT, "x",
                                              &w.count, nullptr)),
      REFUSED(kArgument, aneref_model_find_port(w.model, ANEREF_INPUT, nullptr,
                                                &w.count, nullptr)),
      REFUSED(kArgument, aneref_model_find_port(w.model, ANEREF_INPUT, "x",
                                                nullptr, nullptr)),
      REFUSED(kArgument, aneref_model_find_port(w.model, ANEREF_INPUT, "y",
                                                &w.count, nullptr)),
      REFUSED(kHandle,
              aneref_model_label(w.dead.model, 0, 0, &w.text, nullptr)),
      REFUSED(kArgument, aneref_model_label(w.model, 0, 0, &w.text, nullptr)),
      REFUSED(kArgument, aneref_model_label(w.model, 0, 0, nullptr, nullptr)),
  };
}

Refusals OfPlans(World& w) {
  static aneref_plan_options sizeless = Sized<aneref_plan_options>(0);
  static aneref_plan_options endless = Sized<aneref_plan_options>(SIZE_MAX);
  static aneref_plan_info no_info = Sized<aneref_plan_info>(0);
  static aneref_plan_info info = aneref_plan_info_init();
  static aneref_importer no_importer = Sized<aneref_importer>(0);
  static aneref_importer no_functions = aneref_importer_init();
  return {
      REFUSED(kHandle,
              aneref_plan_create(nullptr, nullptr, &w.new_plan, nullptr)),
      REFUSED(kHandle,
              aneref_plan_create(w.dead.model, nullptr, &w.new_plan, nullptr)),
      REFUSED(kArgument,
              aneref_plan_create(w.model, nullptr, nullptr, nullptr)),
      REFUSED(kArgument,
              aneref_plan_create(w.model, &sizeless, &w.new_plan, nullptr)),
      REFUSED(kArgument,
              aneref_plan_create(w.model, &endless, &w.new_plan, nullptr)),
      REFUSED(kHandle, aneref_plan_destroy(w.dead.plan)),
      REFUSED(kHandle, aneref_plan_num_ports(w.dead.plan, ANEREF_INPUT,
                                             &w.count, nullptr)),
      REFUSED(kArgument,
              aneref_plan_num_ports(w.plan, ANEREF_INPUT, nullptr, nullptr)),
      REFUSED(kArgument, aneref_plan_num_ports(w.plan, -1, &w.count, nullptr)),
      REFUSED(kHandle,
              aneref_plan_port(w.dead.plan, ANEREF_INPUT, 0, &w.port, nullptr)),
      REFUSED(kArgument,
              aneref_plan_port(w.plan, ANEREF_OUTPUT, 1, &w.port, nullptr)),
      REFUSED(kArgument,
              aneref_plan_port(w.plan, ANEREF_OUTPUT, 0, nullptr, nullptr)),
      REFUSED(kArgument, aneref_plan_port(w.plan, ANEREF_OUTPUT, 0,
                                          &w.sizeless_port, nullptr)),
      REFUSED(kHandle, aneref_plan_get_info(w.dead.plan, &info, nullptr)),
      REFUSED(kArgument, aneref_plan_get_info(w.plan, nullptr, nullptr)),
      REFUSED(kArgument, aneref_plan_get_info(w.plan, &no_info, nullptr)),
      REFUSED(kArgument, aneref_set_importer(&no_importer, nullptr)),
      REFUSED(kArgument, aneref_set_importer(&no_functions, nullptr)),
  };
}

Refusals OfSessions(World& w) {
  static aneref_session_options sizeless = Sized<aneref_session_options>(0);
  static aneref_session_options endless =
      Sized<aneref_session_options>(SIZE_MAX);
  static aneref_session_info info = aneref_session_info_init();
  static aneref_session_info no_info = Sized<aneref_session_info>(0);
  return {
      REFUSED(kHandle, aneref_session_create(w.dead.plan, nullptr,
                                             &w.new_session, nullptr)),
      REFUSED(kArgument,
              aneref_session_create(w.plan, nullptr, nullptr, nullptr)),
      REFUSED(kArgument, aneref_session_create(w.plan, &sizeless,
                                               &w.new_session, nullptr)),
      REFUSED(kArgument,
              aneref_session_create(w.plan, &endless, &w.new_session, nullptr)),
      REFUSED(kHandle, aneref_session_destroy(w.dead.session)),
      REFUSED(kHandle, aneref_session_num_ports(w.dead.session, ANEREF_INPUT,
                                                &w.count, nullptr)),
      REFUSED(kArgument, aneref_session_num_ports(w.session, ANEREF_INPUT,
                                                  nullptr, nullptr)),
      REFUSED(kArgument,
              aneref_session_num_ports(w.session, 9, &w.count, nullptr)),
      REFUSED(kHandle, aneref_session_port(w.dead.session, ANEREF_INPUT, 0,
                                           &w.port, nullptr)),
      REFUSED(kArgument, aneref_session_port(w.session, ANEREF_INPUT, 0,
                                             nullptr, nullptr)),
      REFUSED(kArgument, aneref_session_port(w.session, ANEREF_INPUT, 0,
                                             &w.sizeless_port, nullptr)),
      REFUSED(kArgument, aneref_session_port(w.session, ANEREF_STATE, 0,
                                             &w.port, nullptr)),
      REFUSED(kHandle, aneref_session_find_port(w.dead.session, ANEREF_INPUT,
                                                "x", &w.count, nullptr)),
      REFUSED(kArgument, aneref_session_find_port(w.session, ANEREF_INPUT,
                                                  nullptr, &w.count, nullptr)),
      REFUSED(kArgument, aneref_session_find_port(w.session, ANEREF_INPUT, "x",
                                                  nullptr, nullptr)),
      REFUSED(kHandle, aneref_session_get_info(w.dead.session, &info, nullptr)),
      REFUSED(kArgument, aneref_session_get_info(w.session, nullptr, nullptr)),
      REFUSED(kArgument, aneref_session_get_info(w.session, &no_info, nullptr)),
  };
}

Refusals OfValues(World& w) {
  return {
      REFUSED(kHandle,
              aneref_session_set_input(w.dead.session, 0, &w.tensor, nullptr)),
      REFUSED(kArgument,
              aneref_session_set_input(w.session, 0, nullptr, nullptr)),
      REFUSED(kArgument,
              aneref_session_set_input(w.session, 0, &w.sizeless, nullptr)),
      REFUSED(kArgument,
              aneref_session_set_input(w.session, 1, &w.tensor, nullptr)),
      REFUSED(kHandle,
              aneref_session_get_output(w.dead.session, 0, &w.tensor, nullptr)),
      REFUSED(kState,
              aneref_session_get_output(w.session, 0, &w.tensor, nullptr)),
      REFUSED(kHandle, aneref_session_view_output(w.dead.session, 0, &w.tensor,
                                                  nullptr)),
      REFUSED(kState,
              aneref_session_view_output(w.session, 0, &w.tensor, nullptr)),
      REFUSED(kHandle, aneref_session_bind_input(w.dead.session, 0, &w.tensor,
                                                 &w.flag, nullptr)),
      REFUSED(kArgument, aneref_session_bind_input(w.session, 1, &w.tensor,
                                                   &w.flag, nullptr)),
      REFUSED(kArgument, aneref_session_bind_input(w.session, 0, &w.sizeless,
                                                   nullptr, nullptr)),
      REFUSED(kHandle, aneref_session_bind_output(w.dead.session, 0, &w.tensor,
                                                  &w.flag, nullptr)),
      REFUSED(kArgument, aneref_session_bind_output(w.session, 1, &w.tensor,
                                                    &w.flag, nullptr)),
      REFUSED(kArgument, aneref_session_bind_output(w.session, 0, &w.sizeless,
                                                    nullptr, nullptr)),
      REFUSED(kHandle,
              aneref_session_set_state(w.dead.session, 0, &w.tensor, nullptr)),
      REFUSED(kArgument,
              aneref_session_set_state(w.session, 0, &w.tensor, nullptr)),
      REFUSED(kHandle,
              aneref_session_get_state(w.dead.session, 0, &w.tensor, nullptr)),
      REFUSED(kArgument,
              aneref_session_get_state(w.session, 0, &w.tensor, nullptr)),
      REFUSED(kHandle, aneref_session_reset_states(w.dead.session, nullptr)),
  };
}

Refusals OfRuns(World& w) {
  static aneref_run_options sizeless = Sized<aneref_run_options>(0);
  static aneref_run_options endless = Sized<aneref_run_options>(SIZE_MAX);
  static aneref_profile_row row = aneref_profile_row_init();
  static aneref_profile_row no_row = Sized<aneref_profile_row>(0);
  return {
      REFUSED(kHandle, aneref_session_run(w.dead.session, nullptr, nullptr)),
      REFUSED(kArgument, aneref_session_run(w.session, &sizeless, nullptr)),
      REFUSED(kArgument, aneref_session_run(w.session, &endless, nullptr)),
      REFUSED(kHandle, aneref_session_run_async(w.dead.session, nullptr,
                                                nullptr, nullptr, nullptr)),
      REFUSED(kArgument, aneref_session_run_async(w.session, &sizeless, nullptr,
                                                  nullptr, nullptr)),
      REFUSED(kHandle, aneref_session_wait(w.dead.session, 1, nullptr)),
      REFUSED(kHandle, aneref_session_cancel(w.dead.session, nullptr)),
      REFUSED(kHandle,
              aneref_session_num_values(w.dead.session, &w.count, nullptr)),
      REFUSED(kArgument,
              aneref_session_num_values(w.session, nullptr, nullptr)),
      REFUSED(kHandle, aneref_session_value(w.dead.session, 0, &w.text,
                                            &w.tensor, nullptr)),
      REFUSED(kState,
              aneref_session_value(w.session, 0, &w.text, &w.tensor, nullptr)),
      REFUSED(kHandle,
              aneref_session_enable_profile(w.dead.session, 1, nullptr)),
      REFUSED(kHandle, aneref_session_num_profile_rows(w.dead.session, &w.count,
                                                       nullptr)),
      REFUSED(kArgument,
              aneref_session_num_profile_rows(w.session, nullptr, nullptr)),
      REFUSED(kHandle,
              aneref_session_profile_row(w.dead.session, 0, &row, nullptr)),
      REFUSED(kArgument,
              aneref_session_profile_row(w.session, 99, &row, nullptr)),
      REFUSED(kArgument,
              aneref_session_profile_row(w.session, 0, nullptr, nullptr)),
      REFUSED(kArgument,
              aneref_session_profile_row(w.session, 0, &no_row, nullptr)),
      REFUSED(kHandle, aneref_session_enable_trace(w.dead.session, 1, nullptr)),
      REFUSED(kHandle,
              aneref_session_trace(w.dead.session, &w.new_text, nullptr)),
      REFUSED(kState, aneref_session_trace(w.session, &w.new_text, nullptr)),
  };
}

Refusals OfReports(World& w) {
  static aneref_report_options sizeless = Sized<aneref_report_options>(0);
  return {
      REFUSED(kHandle,
              aneref_explain(w.dead.model, nullptr, &w.new_text, nullptr)),
      REFUSED(kArgument,
              aneref_explain(w.model, &sizeless, &w.new_text, nullptr)),
      REFUSED(kArgument, aneref_explain(w.model, nullptr, nullptr, nullptr)),
      REFUSED(kHandle,
              aneref_lint(w.dead.model, nullptr, &w.new_text, nullptr)),
      REFUSED(kArgument, aneref_lint(w.model, &sizeless, &w.new_text, nullptr)),
      REFUSED(kArgument, aneref_lint(w.model, nullptr, nullptr, nullptr)),
      REFUSED(kHandle, aneref_plan_describe(w.dead.plan, &w.new_text, nullptr)),
      REFUSED(kArgument, aneref_plan_describe(w.plan, nullptr, nullptr)),
      REFUSED(kHandle,
              aneref_model_describe(w.dead.model, &w.new_text, nullptr)),
      REFUSED(kArgument, aneref_model_describe(w.model, nullptr, nullptr)),
      REFUSED(kArgument, aneref_targets(nullptr, nullptr)),
  };
}

Refusals OfComparisons(World& w) {
  static aneref_compare_options sizeless = Sized<aneref_compare_options>(0);
  const aneref_named_tensor* const a = &w.named;
  return {
      Refusal{"aneref_compare_tensors(null)", kArgument,
              [&w, a] {
                return aneref_compare_tensors(nullptr, 1, a, 1, nullptr,
                                              &w.flag, &w.new_text, nullptr);
              }},
      Refusal{"aneref_compare_tensors(no size)", kArgument,
              [&w, a] {
                return aneref_compare_tensors(a, 1, &w.sizeless_named, 1,
                                              nullptr, &w.flag, &w.new_text,
                                              nullptr);
              }},
      Refusal{"aneref_compare_tensors(options without a size)", kArgument,
              [&w, a] {
                return aneref_compare_tensors(a, 1, a, 1, &sizeless, &w.flag,
                                              &w.new_text, nullptr);
              }},
      Refusal{"aneref_compare_tensors(no report)", kArgument,
              [&w, a] {
                return aneref_compare_tensors(a, 1, a, 1, nullptr, &w.flag,
                                              nullptr, nullptr);
              }},
      Refusal{"aneref_compare_model(destroyed)", kHandle,
              [&w, a] {
                return aneref_compare_model(w.dead.model, nullptr, &w.tensor, 1,
                                            a, 1, nullptr, &w.flag, &w.new_text,
                                            nullptr);
              }},
      Refusal{"aneref_compare_model(no inputs)", kArgument,
              [&w, a] {
                return aneref_compare_model(w.model, nullptr, nullptr, 1, a, 1,
                                            nullptr, &w.flag, &w.new_text,
                                            nullptr);
              }},
      Refusal{"aneref_compare_model(input without a size)", kArgument,
              [&w, a] {
                return aneref_compare_model(w.model, nullptr, &w.sizeless, 1, a,
                                            1, nullptr, &w.flag, &w.new_text,
                                            nullptr);
              }},
      Refusal{"aneref_compare_model(no dump)", kArgument,
              [&w] {
                return aneref_compare_model(w.model, nullptr, &w.tensor, 1,
                                            nullptr, 1, nullptr, &w.flag,
                                            &w.new_text, nullptr);
              }},
      Refusal{"aneref_compare_model(no report)", kArgument,
              [&w, a] {
                return aneref_compare_model(w.model, nullptr, &w.tensor, 1, a,
                                            1, nullptr, &w.flag, nullptr,
                                            nullptr);
              }},
  };
}

Refusals All(World& world) {
  Refusals all;
  for (const auto of : {OfTypes, OfModels, OfPlans, OfSessions, OfValues,
                        OfRuns, OfReports, OfComparisons}) {
    for (Refusal& refusal : of(world)) all.push_back(std::move(refusal));
  }
  return all;
}

// "function aneref_status aneref_lint(const ..." -> "aneref_lint"
std::set<std::string> Declared() {
  std::ifstream file(ANEREF_SOURCE_DIR "/.ci/abi.txt");
  std::set<std::string> names;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("function ", 0) != 0) continue;
    const size_t end = line.find('(');
    const size_t begin = line.rfind(' ', end) + 1;
    names.insert(line.substr(begin, end - begin));
  }
  return names;
}

}  // namespace

TEST_CASE("A1: every function refuses what it cannot use") {
  World world;
  for (const Refusal& refusal : All(world)) {
    const std::string call = refusal.call;
    CAPTURE(call);
    CHECK_EQ(refusal.run(), refusal.expected);
  }
  CHECK(world.new_model == nullptr);
  CHECK(world.new_plan == nullptr);
  CHECK(world.new_session == nullptr);
  CHECK(world.new_text == nullptr);
  // None of it left a mark.
  world.live.Need(
      aneref_session_set_input(world.session, 0, &world.tensor, nullptr));
  world.live.Need(aneref_session_run(world.session, nullptr, nullptr));
  world.live.Need(
      aneref_session_get_output(world.session, 0, &world.tensor, nullptr));
  CHECK(world.values == std::vector<float>(16, 3));
}

TEST_CASE("capi: no function of the interface is missing in these tests") {
  World world;
  // Without an argument that could be wrong, and in the other library.
  std::set<std::string> tested = {"aneref_version",     "aneref_abi_version",
                                  "aneref_status_name", "aneref_dtype_size",
                                  "aneref_dtype_name",  "aneref_import_enable"};
  for (const Refusal& refusal : All(world)) tested.insert(refusal.Function());
  const std::set<std::string> declared = Declared();
  REQUIRE(declared.size() >= 55);
  for (const std::string& name : declared)
    CHECK_MESSAGE(tested.count(name) == 1, name);
  for (const std::string& name : tested)
    CHECK_MESSAGE(declared.count(name) == 1, name);
}

}  // namespace aneref
