// Reports of the C interface: each format begins as it should, JSON parses,
// nothing is given out on failure.
#include "runtime/core/json.h"
#include "tests/capi/nets.h"

namespace aneref {
namespace {

using test::AddNet;
using test::ChainNet;
using test::Dense;
using test::Handles;

// The text, and its handle destroyed.
std::string Take(aneref_string* string) {
  const char* text = nullptr;
  size_t length = 0;
  REQUIRE_EQ(aneref_string_get(string, &text, &length, nullptr), ANEREF_OK);
  std::string copy(text, length);
  CHECK_EQ(aneref_string_get(string, nullptr, nullptr, nullptr),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_string_destroy(string), ANEREF_OK);
  CHECK_EQ(aneref_string_get(string, &text, &length, nullptr),
           ANEREF_INVALID_HANDLE);
  CHECK_EQ(aneref_string_destroy(string), ANEREF_INVALID_HANDLE);
  return copy;
}

JsonValue Parsed(const std::string& text) {
  Expected<JsonValue> value = ParseJson(text, "report");
  REQUIRE_MESSAGE(value.ok(), value.status().ToString());
  return std::move(*value);
}

}  // namespace

TEST_CASE("capi: explain and lint in every format") {
  Handles handles(ChainNet(2));
  aneref_report_options options = aneref_report_options_init();
  aneref_string* report = nullptr;
  options.target = "m4";
  handles.Need(aneref_explain(handles.model, &options, &report, nullptr));
  const JsonValue json = Parsed(Take(report));
  REQUIRE(json.Find("target") != nullptr);
  CHECK_EQ(*json.Find("target")->AsString(), "m4");
  CHECK_EQ(json.Find("ops")->AsArray()->size(), 2);
  options.format = ANEREF_HTML;
  handles.Need(aneref_explain(handles.model, &options, &report, nullptr));
  CHECK(Take(report).find("<!") == 0);
  options.format = ANEREF_TEXT;
  handles.Need(aneref_explain(handles.model, &options, &report, nullptr));
  CHECK(Take(report).find("conv") != std::string::npos);
  options.format = ANEREF_SARIF;
  handles.Need(aneref_explain(handles.model, &options, &report, nullptr));
  CHECK_EQ(*Parsed(Take(report)).Find("version")->AsString(), "2.1.0");
  options.format = ANEREF_JUNIT;
  handles.Need(aneref_explain(handles.model, &options, &report, nullptr));
  CHECK(Take(report).find("<?xml") == 0);
  options.format = ANEREF_JSON;
  handles.Need(aneref_lint(handles.model, &options, &report, nullptr));
  CHECK(Parsed(Take(report)).Find("findings")->AsArray() != nullptr);
  options.target = "all";
  handles.Need(aneref_explain(handles.model, &options, &report, nullptr));
  CHECK(Parsed(Take(report)).Find("matrix")->AsArray()->size() > 10);
  options.target = "m99";
  auto* const untouched = reinterpret_cast<aneref_string*>(uintptr_t{77});
  report = untouched;
  CHECK_EQ(aneref_explain(handles.model, &options, &report, nullptr),
           ANEREF_INVALID_ARGUMENT);
  options.target = nullptr;
  options.format = 5;
  CHECK_EQ(aneref_explain(handles.model, &options, &report, nullptr),
           ANEREF_INVALID_ARGUMENT);
  options.format = ANEREF_HTML;
  CHECK_EQ(aneref_lint(handles.model, &options, &report, nullptr),
           ANEREF_UNSUPPORTED);
  CHECK_EQ(aneref_explain(nullptr, nullptr, &report, nullptr),
           ANEREF_INVALID_HANDLE);
  CHECK_EQ(aneref_lint(nullptr, nullptr, &report, nullptr),
           ANEREF_INVALID_HANDLE);
  CHECK(report == untouched);
  CHECK_EQ(aneref_explain(handles.model, nullptr, nullptr, nullptr),
           ANEREF_INVALID_ARGUMENT);
}

TEST_CASE("capi: plans and models and targets as JSON") {
  Handles handles(ChainNet(2)), dynamic(test::NonZeroNet());
  aneref_string* report = nullptr;
  handles.Need(aneref_plan_describe(handles.plan, &report, nullptr));
  CHECK_EQ(Parsed(Take(report)).Find("tasks")->AsArray()->size(), 2);
  CHECK_EQ(aneref_plan_describe(dynamic.plan, &report, nullptr),
           ANEREF_UNSUPPORTED);
  CHECK_EQ(aneref_plan_describe(nullptr, &report, nullptr),
           ANEREF_INVALID_HANDLE);
  handles.Need(aneref_model_describe(handles.model, &report, nullptr));
  const JsonValue model = Parsed(Take(report));
  CHECK_EQ(*model.Find("ops")->Find("conv")->AsNumber(), 2);
  CHECK_EQ(*model.Find("parameters")->AsNumber(), 16 * 16 * 9);
  CHECK_EQ(aneref_model_describe(nullptr, &report, nullptr),
           ANEREF_INVALID_HANDLE);
  handles.Need(aneref_targets(&report, nullptr));
  CHECK(Parsed(Take(report)).AsArray()->size() > 30);
  CHECK_EQ(aneref_targets(nullptr, nullptr), ANEREF_INVALID_ARGUMENT);
}

TEST_CASE("capi: traces of runs") {
  Handles handles(ChainNet(2)), dynamic(test::NonZeroNet());
  aneref_string* report = nullptr;
  CHECK_EQ(aneref_session_trace(handles.session, &report, nullptr),
           ANEREF_INVALID_STATE);
  handles.Need(aneref_session_enable_trace(handles.session, 1, nullptr));
  handles.Need(aneref_session_run(handles.session, nullptr, nullptr));
  handles.Need(aneref_session_trace(handles.session, &report, nullptr));
  CHECK(Parsed(Take(report)).Find("traceEvents")->AsArray()->size() >= 2);
  CHECK_EQ(aneref_session_enable_trace(dynamic.session, 1, nullptr),
           ANEREF_UNSUPPORTED);
  CHECK_EQ(aneref_session_trace(nullptr, &report, nullptr),
           ANEREF_INVALID_HANDLE);
  CHECK_EQ(aneref_session_enable_trace(nullptr, 1, nullptr),
           ANEREF_INVALID_HANDLE);
}

TEST_CASE("capi: sets of tensors are compared") {
  std::vector<float> one = {1, 2, 3}, other = {1, 2, 3.5f};
  aneref_named_tensor a = aneref_named_tensor_init(), b = a;
  a.name = b.name = "t";
  a.tensor = Dense(one, ANEREF_FLOAT32, {3});
  b.tensor = Dense(one, ANEREF_FLOAT32, {3});
  aneref_string* report = nullptr;
  int32_t passed = 7;
  REQUIRE_EQ(
      aneref_compare_tensors(&a, 1, &b, 1, nullptr, &passed, &report, nullptr),
      ANEREF_OK);
  CHECK_EQ(passed, 1);
  CHECK(Parsed(Take(report)).Find("tensors") != nullptr);
  b.tensor = Dense(other, ANEREF_FLOAT32, {3});
  REQUIRE_EQ(
      aneref_compare_tensors(&a, 1, &b, 1, nullptr, &passed, &report, nullptr),
      ANEREF_OK);
  CHECK_EQ(passed, 0);
  Take(report);
  aneref_compare_options options = aneref_compare_options_init();
  options.atol = 0.5;
  REQUIRE_EQ(
      aneref_compare_tensors(&a, 1, &b, 1, &options, &passed, &report, nullptr),
      ANEREF_OK);
  CHECK_EQ(passed, 1);
  Take(report);
  options.format = ANEREF_TEXT;
  CHECK_EQ(
      aneref_compare_tensors(&a, 1, &b, 1, &options, &passed, &report, nullptr),
      ANEREF_UNSUPPORTED);
  options.format = ANEREF_JSON;
  options.rtol = -1;
  CHECK_EQ(
      aneref_compare_tensors(&a, 1, &b, 1, &options, &passed, &report, nullptr),
      ANEREF_INVALID_ARGUMENT);
  a.name = nullptr;
  CHECK_EQ(
      aneref_compare_tensors(&a, 1, &b, 1, nullptr, &passed, &report, nullptr),
      ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_compare_tensors(nullptr, 1, &b, 1, nullptr, &passed, &report,
                                  nullptr),
           ANEREF_INVALID_ARGUMENT);
}

TEST_CASE("capi: a model is compared with a dump") {
  Handles handles(AddNet());
  std::vector<float> x(16, 2), right(16, 3), wrong(16, 3);
  wrong[5] = 7;
  const std::vector<int64_t> shape = {1, 2, 2, 4};
  const aneref_tensor in = Dense(x, ANEREF_FLOAT32, shape);
  aneref_port port = aneref_port_init();
  handles.Need(
      aneref_model_port(handles.model, ANEREF_OUTPUT, 0, &port, nullptr));
  aneref_named_tensor dump = aneref_named_tensor_init();
  dump.name = port.name;
  aneref_string* report = nullptr;
  int32_t passed = 7;
  for (std::vector<float>* values : {&right, &wrong}) {
    dump.tensor = Dense(*values, ANEREF_FLOAT32, shape);
    handles.Need(aneref_compare_model(handles.model, nullptr, &in, 1, &dump, 1,
                                      nullptr, &passed, &report,
                                      &handles.error));
    CHECK_EQ(passed, values == &right ? 1 : 0);
    Take(report);
  }
  // The page shows the network, as the program's does.
  aneref_compare_options options = aneref_compare_options_init();
  options.format = ANEREF_HTML;
  handles.Need(aneref_compare_model(handles.model, nullptr, &in, 1, &dump, 1,
                                    &options, &passed, &report, nullptr));
  CHECK(Take(report).find("id=\"graph-data\"") != std::string::npos);
  CHECK_EQ(aneref_compare_model(handles.model, nullptr, &in, 0, &dump, 1,
                                nullptr, &passed, &report, nullptr),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_compare_model(nullptr, nullptr, &in, 1, &dump, 1, nullptr,
                                &passed, &report, nullptr),
           ANEREF_INVALID_HANDLE);
}

}  // namespace aneref
