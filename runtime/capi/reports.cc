// aneref_explain, _lint, _plan_describe, _targets, traces: what the program
// says, as texts.
#include <optional>
#include <utility>

#include "runtime/capi/session_object.h"
#include "runtime/capi/strings.h"
#include "runtime/core/chip_json.h"
#include "runtime/explain/report.h"
#include "runtime/explain/trace.h"
#include "runtime/plan/open_extents.h"
#include "runtime/plan/plan_json.h"

namespace aneref::capi {
namespace {

struct Request {
  aneref_format format = ANEREF_JSON;
  std::vector<const Chip*> chips;
  bool is_matrix = false;  // all chips in one table
  std::map<std::string, Shape> input_shapes;
  uint64_t max_memory = 0;
};

Result ReadRequest(const aneref_report_options* given, Request* request) {
  aneref_report_options read;
  ANEREF_CAPI_TRY(ReadStruct(given, "options", &read));
  if (read.format < ANEREF_JSON || read.format > ANEREF_JUNIT) {
    return {ANEREF_INVALID_ARGUMENT,
            "there is no format " + std::to_string(read.format)};
  }
  request->format = read.format;
  request->max_memory = read.max_memory;
  const std::string target = read.target != nullptr ? read.target : "m1";
  request->is_matrix = target == "all";
  if (request->is_matrix) {
    for (const Chip& chip : ChipTable::Embedded().chips()) {
      if (chip.coreml) request->chips.push_back(&chip);
    }
  } else {
    const Expected<const Chip*> chip = ChipTable::Embedded().Find(target);
    if (!chip.ok()) return chip.status();
    request->chips.push_back(*chip);
  }
  return ReadShapes(read.input_shapes, read.num_input_shapes,
                    &request->input_shapes);
}

// Extents that nobody settles are the port's usual ones or 1; shapes that
// depend on values stay open (V05).
Expected<Program> Settle(const ModelObject& model, const Request& request) {
  SpecializeOptions stated;
  stated.input_shapes = request.input_shapes;
  stated.max_memory = request.max_memory;
  SpecializeOptions settled = stated;
  AssumeExtents(model.ports(ANEREF_INPUT), &settled.input_shapes);
  Expected<Program> program = Specialize(*model.net(), settled);
  if (program.ok()) return program;
  return SpecializeOpen(*model.net(), std::move(stated), program.status());
}

struct Reports {
  explain::Titles titles;
  Program program;
  std::vector<explain::Report> all;
};

Result MakeReports(const aneref_model* model, const Request& request,
                   Reports* reports) {
  const auto object = FindObject(model);
  if (object == nullptr) return BadHandle("model");
  const Net& net = *object->net();
  reports->titles = {net.name()};
  Expected<Program> program = Settle(*object, request);
  if (!program.ok()) return program.status();
  reports->program = std::move(program).value();
  explain::ReportOptions options;
  const auto* source = net.table().source();
  options.rules.legacy =
      source != nullptr &&
      source->str().find("neuralNetwork") != std::string::npos;
  for (const Chip* chip : request.chips) {
    Expected<explain::Report> report =
        explain::MakeReport(net, reports->program, *chip, options);
    if (!report.ok()) return report.status();
    reports->all.push_back(std::move(report).value());
  }
  return Result();
}

Result NoSuchFormat(const char* what) {
  return {ANEREF_UNSUPPORTED, std::string(what) + " has no such format"};
}

Result Explain(const aneref_model* model, const aneref_report_options* given,
               aneref_string** out) {
  Request request;
  ANEREF_CAPI_TRY(ReadRequest(given, &request));
  Reports reports;
  ANEREF_CAPI_TRY(MakeReports(model, request, &reports));
  const auto& [titles, program, all] = reports;
  if (request.format == ANEREF_HTML)
    return GiveString(explain::ReportPage(titles, program, all), out);
  if (request.format == ANEREF_SARIF)
    return GiveString(explain::Sarif(titles, all), out);
  if (request.format == ANEREF_JUNIT) {
    explain::FailOn fail_on;
    fail_on.cpu = true;
    return GiveString(explain::JUnit(titles, all, fail_on), out);
  }
  if (request.format == ANEREF_TEXT) {
    return GiveString(request.is_matrix
                          ? explain::MatrixText(titles, all)
                          : explain::ReportText(titles, all[0], false),
                      out);
  }
  JsonWriter json;
  if (request.is_matrix) {
    explain::WriteMatrix(titles, all, &json);
  } else {
    explain::WriteReport(all[0], program, &json);
  }
  return GiveString(json.Take(), out);
}

// "where, is, allowed": the ops of one finding by name.
void WriteFinding(const explain::Report& report, const explain::Advice& advice,
                  JsonWriter* json) {
  json->BeginObject();
  json->Member("rule", advice.rule);
  json->Member("severity", placement::SeverityName(advice.severity));
  json->Member("text", advice.text);
  json->Member("actual", advice.actual);
  json->Member("allowed", advice.allowed);
  json->Member("fix", advice.fix);
  json->Member("provenance", advice.provenance);
  json->Key("ops");
  json->BeginArray();
  for (const size_t op : advice.ops) json->Value(report.ops[op].name);
  json->EndArray();
  json->EndObject();
}

std::string LintText(const Reports& reports) {
  std::string text;
  for (const explain::Report& report : reports.all) {
    for (const explain::Advice& advice : report.advice) {
      text += report.target + ": " + advice.rule + ": " + advice.text +
              " (is " + advice.actual + ", allowed " + advice.allowed + "), " +
              std::to_string(advice.ops.size()) + " ops";
      if (!advice.fix.empty()) text += ". Change: " + advice.fix;
      text += "\n";
    }
  }
  return text;
}

Result Lint(const aneref_model* model, const aneref_report_options* given,
            aneref_string** out) {
  Request request;
  ANEREF_CAPI_TRY(ReadRequest(given, &request));
  if (request.format == ANEREF_HTML || request.format == ANEREF_JUNIT)
    return NoSuchFormat("lint");
  Reports reports;
  ANEREF_CAPI_TRY(MakeReports(model, request, &reports));
  if (request.format == ANEREF_SARIF)
    return GiveString(explain::Sarif(reports.titles, reports.all), out);
  if (request.format == ANEREF_TEXT) return GiveString(LintText(reports), out);
  JsonWriter json;
  const auto write = [&](const explain::Report& report) {
    json.BeginObject();
    json.Member("target", report.target);
    json.Key("findings");
    json.BeginArray();
    for (const explain::Advice& advice : report.advice)
      WriteFinding(report, advice, &json);
    json.EndArray();
    json.EndObject();
  };
  if (!request.is_matrix) {
    write(reports.all[0]);
  } else {
    json.BeginArray();
    for (const explain::Report& report : reports.all) write(report);
    json.EndArray();
  }
  return GiveString(json.Take(), out);
}

}  // namespace
}  // namespace aneref::capi

using namespace aneref;        // NOLINT: the C functions below are global
using namespace aneref::capi;  // NOLINT

aneref_status aneref_explain(const aneref_model* model,
                             const aneref_report_options* options,
                             aneref_string** report, aneref_error* error) {
  return Guard(error, [&] { return Explain(model, options, report); });
}

aneref_status aneref_lint(const aneref_model* model,
                          const aneref_report_options* options,
                          aneref_string** report, aneref_error* error) {
  return Guard(error, [&] { return Lint(model, options, report); });
}

aneref_status aneref_plan_describe(const aneref_plan* plan,
                                   aneref_string** report,
                                   aneref_error* error) {
  return Guard(error, [&]() -> Result {
    const auto object = FindObject(plan);
    if (object == nullptr) return BadHandle("plan");
    const PreparedNet& prepared = *object->prepared();
    if (prepared.plan() == nullptr) {
      return Status(StatusCode::kUnsupported, "P21",
                    "shapes depend on data: there is no plan");
    }
    JsonWriter json;
    WritePlan(*prepared.plan(), *prepared.program(), &json);
    return GiveString(json.Take(), report);
  });
}

aneref_status aneref_targets(aneref_string** report, aneref_error* error) {
  return Guard(error, [&] {
    JsonWriter json;
    WriteChips(ChipTable::Embedded().chips(), &json);
    return GiveString(json.Take(), report);
  });
}

aneref_status aneref_session_enable_trace(aneref_session* session, int32_t on,
                                          aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) -> Result {
    if (object.session().plan() == nullptr)
      return {ANEREF_UNSUPPORTED, "shapes depend on data: there is no trace"};
    object.session().EnableTrace(on != 0);
    object.session().EnableProfile(on != 0);
    return Result();
  });
}

aneref_status aneref_session_trace(const aneref_session* session,
                                   aneref_string** report,
                                   aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) -> Result {
    const Session& inner = object.session();
    if (!object.has_run() || inner.trace().empty())
      return {ANEREF_INVALID_STATE, "no run was recorded"};
    TraceInput input;
    input.model = object.plan().model().net()->name();
    input.plan = inner.plan();
    input.calls = inner.profile();
    input.events = inner.trace();
    return GiveString(TraceJson(input), report);
  });
}
