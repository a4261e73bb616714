// aneref_compare_tensors, aneref_compare_model: as the verb compare, on tensors
// in memory.
#include "runtime/capi/model_object.h"
#include "runtime/capi/strings.h"
#include "runtime/capi/tensors.h"
#include "runtime/explain/compare_run.h"

namespace aneref::capi {
namespace {

Result CopyTensorOf(const aneref_tensor* tensor, const char* name,
                    OwnedTensor* out) {
  StridedView view;
  ANEREF_CAPI_TRY(ReadTensor(tensor, name, Access::kRead, &view));
  Expected<OwnedTensor> dense = AllocateTensor({view.dtype, view.shape});
  if (!dense.ok()) return dense.status();
  *out = std::move(dense).value();
  return CopyIn(view, out->View(), name);
}

Result ReadSet(const aneref_named_tensor* tensors, size_t count,
               TensorSet* out) {
  for (size_t i = 0; i < count; ++i) {
    aneref_named_tensor read;
    ANEREF_CAPI_TRY(ReadElement(tensors, i, "tensors", &read));
    ANEREF_CAPI_TRY(NeedPointer(read.name, "a tensor's name"));
    OwnedTensor value;
    ANEREF_CAPI_TRY(CopyTensorOf(&read.tensor, read.name, &value));
    out->push_back({read.name, std::move(value)});
  }
  return Result();
}

struct Request {
  aneref_compare_options options;
  ModeTable modes;
  bool has_tolerance = false;
};

Result ReadRequest(const aneref_compare_options* given, Request* request) {
  aneref_compare_options& read = request->options;
  ANEREF_CAPI_TRY(ReadStruct(given, "options", &read));
  if (read.format != ANEREF_JSON && read.format != ANEREF_HTML &&
      read.format != ANEREF_SARIF && read.format != ANEREF_JUNIT)
    return {ANEREF_UNSUPPORTED, "a comparison has no such format"};
  if (!(read.rtol >= 0) || !(read.atol >= 0) || read.max_ulp < 0 ||
      !(read.min_psnr >= 0))
    return {ANEREF_INVALID_ARGUMENT, "tolerances are not negative"};
  std::vector<CompareMode> modes;
  if (read.rtol > 0 || read.atol > 0)
    modes.push_back({CompareKind::kAbsRel, 0, read.rtol, read.atol, {}});
  if (read.max_ulp > 0) {
    modes.push_back(
        {CompareKind::kUlp, static_cast<double>(read.max_ulp), 0, 0, {}});
  }
  if (read.min_psnr > 0)
    modes.push_back({CompareKind::kPsnr, read.min_psnr, 0, 0, {}});
  request->has_tolerance = !modes.empty();
  if (request->has_tolerance) request->modes.SetDefault(std::move(modes));
  return Result();
}

Result GiveReport(const CompareReport& report, const Request& request,
                  int32_t* passed, aneref_string** out) {
  std::string text;
  if (request.options.format == ANEREF_HTML) {
    text = ComparePage(report);
  } else if (request.options.format == ANEREF_SARIF) {
    text = CompareSarif(report, report.title);
  } else if (request.options.format == ANEREF_JUNIT) {
    text = CompareJunit(report);
  } else {
    text = CompareJson(report);
  }
  ANEREF_CAPI_TRY(GiveString(std::move(text), out));
  if (passed != nullptr) *passed = report.pass ? 1 : 0;
  return Result();
}

Result CompareTensors(const TensorSet& a, const TensorSet& b,
                      const Request& request, int32_t* passed,
                      aneref_string** out) {
  Expected<CompareReport> report = CompareSets(a, b, {}, request.modes);
  if (!report.ok()) return report.status();
  report->title = "two sets of tensors";
  return GiveReport(*report, request, passed, out);
}

Result MakeReplay(const ModelObject& model, const SessionOptions& how,
                  const std::vector<OwnedTensor>& inputs,
                  std::unique_ptr<Replay>* out) {
  const std::vector<PortSpec>& ports = model.ports(ANEREF_INPUT);
  if (inputs.size() != ports.size()) {
    return {ANEREF_INVALID_ARGUMENT,
            "the network has " + std::to_string(ports.size()) + " inputs, " +
                std::to_string(inputs.size()) + " are given"};
  }
  ReplayOptions options;
  options.arithmetic = {how.numerics, how.device};
  options.max_memory = how.max_memory;
  for (size_t i = 0; i < ports.size(); ++i)
    options.input_shapes[ports[i].name] = inputs[i].type.shape;
  Expected<std::unique_ptr<Replay>> replay =
      Replay::Create(model.net(), options);
  if (!replay.ok()) return replay.status();
  for (size_t i = 0; i < inputs.size(); ++i)
    ANEREF_CAPI_TRY((*replay)->SetInput(i, inputs[i].View()));
  ANEREF_CAPI_TRY((*replay)->Run(nullptr));
  *out = std::move(replay).value();
  return Result();
}

Result CompareModel(const ModelObject& model, const SessionOptions& how,
                    const std::vector<OwnedTensor>& inputs,
                    const TensorSet& dump, const Request& request,
                    CompareReport* out) {
  std::unique_ptr<Replay> replay;
  ANEREF_CAPI_TRY(MakeReplay(model, how, inputs, &replay));
  TensorSet ours;
  std::vector<int32_t> values;
  ANEREF_CAPI_TRY(CollectValues(*replay, &ours, &values));
  Expected<CompareReport> report = CompareSets(ours, dump, {}, request.modes);
  if (!report.ok()) return report.status();
  *out = std::move(report).value();
  out->title = model.net()->name();
  out->target = how.chip->name;
  out->graph = GraphOf(*replay);
  if (request.options.bisect == 0 && request.has_tolerance) return Result();
  ANEREF_CAPI_TRY(AddBisection(*how.chip, GivenValues(*out, ours, values),
                               replay.get(), out));
  if (!request.has_tolerance) JudgeByBounds(out);
  return Result();
}

}  // namespace
}  // namespace aneref::capi

using namespace aneref;        // NOLINT: the C functions below are global
using namespace aneref::capi;  // NOLINT

aneref_status aneref_compare_tensors(const aneref_named_tensor* a, size_t num_a,
                                     const aneref_named_tensor* b, size_t num_b,
                                     const aneref_compare_options* options,
                                     int32_t* passed, aneref_string** report,
                                     aneref_error* error) {
  return Guard(error, [&]() -> Result {
    Request request;
    ANEREF_CAPI_TRY(ReadRequest(options, &request));
    TensorSet first, second;
    ANEREF_CAPI_TRY(ReadSet(a, num_a, &first));
    ANEREF_CAPI_TRY(ReadSet(b, num_b, &second));
    return CompareTensors(first, second, request, passed, report);
  });
}

aneref_status aneref_compare_model(
    const aneref_model* model, const aneref_plan_options* how,
    const aneref_tensor* inputs, size_t num_inputs,
    const aneref_named_tensor* dump, size_t num_dump,
    const aneref_compare_options* options, int32_t* passed,
    aneref_string** report, aneref_error* error) {
  return Guard(error, [&]() -> Result {
    const auto object = FindObject(model);
    if (object == nullptr) return BadHandle("model");
    Request request;
    ANEREF_CAPI_TRY(ReadRequest(options, &request));
    aneref_plan_options read;
    SessionOptions session;
    ANEREF_CAPI_TRY(ReadPlanOptions(how, &read, &session));
    std::vector<OwnedTensor> values(num_inputs);
    for (size_t i = 0; i < num_inputs; ++i) {
      aneref_tensor tensor;
      ANEREF_CAPI_TRY(ReadElement(inputs, i, "inputs", &tensor));
      ANEREF_CAPI_TRY(CopyTensorOf(&tensor, "input", &values[i]));
    }
    TensorSet other;
    ANEREF_CAPI_TRY(ReadSet(dump, num_dump, &other));
    CompareReport result;
    ANEREF_CAPI_TRY(
        CompareModel(*object, session, values, other, request, &result));
    result.numerics = read.numerics != nullptr ? read.numerics : "portable";
    return GiveReport(result, request, passed, report);
  });
}
