// Reads the engine model: the chip's object, its compiler table ("targets")
// and the choices of its architecture ("engine_models").
#include "runtime/plan/engine/engine_model.h"

#include <cmath>
#include <utility>

namespace aneref::engine {
namespace {

constexpr double kMaxInteger = 1099511627776.0;  // 2^40 bounds every number

// Collects the first missing or ill-typed key instead of returning at each.
class Reader {
 public:
  Reader(const JsonValue* object, std::string where)
      : object_(object), where_(std::move(where)) {
    if (object_ == nullptr) Fail("");
  }

  std::optional<int64_t> OptionalInteger(std::string_view key) {
    const JsonValue* value = Value(key);
    if (value == nullptr || value->IsNull()) return std::nullopt;
    const double* number = value->AsNumber();
    if (number != nullptr && *number >= 0 && *number <= kMaxInteger &&
        std::floor(*number) == *number)
      return static_cast<int64_t>(*number);
    Fail(key);
    return std::nullopt;
  }
  int64_t Integer(std::string_view key) {
    const std::optional<int64_t> value = OptionalInteger(key);
    if (!value) Fail(key);
    return value.value_or(1);
  }
  // Divisors and counts.
  int64_t Positive(std::string_view key) {
    const int64_t value = Integer(key);
    if (value < 1) Fail(key);
    return value < 1 ? 1 : value;
  }
  bool Flag(std::string_view key) {
    const JsonValue* value = Value(key);
    if (value != nullptr && value->AsBool() != nullptr) return *value->AsBool();
    if (value != nullptr && value->AsNumber() != nullptr)
      return *value->AsNumber() != 0;
    Fail(key);
    return false;
  }
  std::string Text(std::string_view key) {
    const JsonValue* value = Value(key);
    if (value != nullptr && value->AsString() != nullptr)
      return *value->AsString();
    Fail(key);
    return "";
  }
  std::vector<int64_t> Integers(std::string_view key) {
    const JsonValue* value = Value(key);
    const JsonValue::Array* items = value ? value->AsArray() : nullptr;
    std::vector<int64_t> out;
    if (items == nullptr) Fail(key);
    for (size_t i = 0; items != nullptr && i < items->size(); ++i) {
      const double* number = (*items)[i].AsNumber();
      if (number == nullptr || *number < 1 || *number > kMaxInteger) {
        Fail(key);
      } else {
        out.push_back(static_cast<int64_t>(*number));
      }
    }
    return out;
  }
  const JsonValue* Member(std::string_view key) { return Value(key); }
  const Status& status() const { return status_; }

 private:
  const JsonValue* Value(std::string_view key) const {
    return object_ == nullptr ? nullptr : object_->Find(key);
  }
  void Fail(std::string_view key) {
    if (!status_.ok()) return;
    status_ =
        InvalidFile("", where_ + ": missing or invalid" +
                            (key.empty() ? "" : " key ") + std::string(key));
  }
  const JsonValue* object_;
  std::string where_;
  Status status_;
};

Status ReadTables(const Chip& chip, EngineModel* model) {
  Reader target(chip.target, "tables of " + chip.compiler_target);
  model->cpu_subtype = target.OptionalInteger("cpu_subtype").value_or(0);
  model->descriptor_version = target.OptionalInteger("td_version").value_or(0);
  ANEREF_TRY(target.status());
  Reader hal(target.Member("hal_scalars"),
             chip.compiler_target + " hal_scalars");
  model->accumulators = hal.Positive("0x0c_accumulator_budget");
  model->working_set_bytes = hal.Positive("0x1b8_max_operand_bytes");
  model->dma_granule = hal.Positive("0x1c0_dma_granule");
  model->banks = hal.Positive("0x1c8_l2_banks");
  model->residency_threshold = hal.Integer("0x1f0_resident_output_threshold");
  model->max_bank_stride = hal.Positive("0x1f8_max_l2_stride");
  model->kernel_dense_bytes = hal.Positive("0x200_kmem_dense");
  model->kernel_stream_bytes = hal.Positive("0x210_kmem_streamed");
  model->instruction_alignment = hal.Positive("0x218_instruction_alignment");
  model->tiny_source_max = hal.Integer("0x338_tiny_source_max");
  model->ocg_cap_narrow = hal.Positive("0x388_ocg_byte_cap");
  model->ocg_cap_half = hal.Positive("0x390_ocg_byte_cap");
  model->ocg_cap_wide = hal.Positive("0x398_ocg_byte_cap");
  model->channels_per_acc_tiny = hal.Positive("0x3a8_oc_per_acc_tiny");
  model->channels_per_acc_small = hal.Positive("0x3b0_oc_per_acc_small");
  model->channels_per_acc_half = hal.Positive("0x3b8_oc_per_acc_fp16");
  model->channels_per_acc_other = hal.Positive("0x3c0_oc_per_acc_other");
  model->patch_log2_min = hal.OptionalInteger("0x400_patch_w_log2_min");
  model->patch_log2_max = hal.OptionalInteger("0x410_patch_w_log2_max");
  model->interchange_formats = hal.Integer("0x668_interchange_formats");
  ANEREF_TRY(hal.status());
  Reader bytes(target.Member("hal_bytes"), chip.compiler_target + " hal_bytes");
  model->kernel_streaming = bytes.Flag("0x48f");
  model->palette_streaming = bytes.Flag("0x529");
  return bytes.status();
}

Status ReadLimits(const Chip& chip, EngineModel* model) {
  Reader object(chip.data, chip.name);
  model->lanes = object.Positive("ne_lanes_model");
  model->engines = object.Positive("engines");
  ANEREF_TRY(object.status());
  Reader limits(object.Member("limits"), chip.name + " limits");
  model->reduction_transpose_extent =
      limits.OptionalInteger("reduction_to_transpose_threshold");
  model->transpose_w_max = limits.Integer("transpose_w_max");
  model->transpose_h_max = limits.Integer("transpose_h_max");
  model->group_decompose_limit = limits.Integer("group_conv_decompose_limit");
  model->patch_w_max = limits.Integer("patch_w_max");
  model->patch_h_max = limits.Integer("patch_h_max");
  model->patch_d_max = limits.Integer("patch_d_max");
  model->stride_factors = limits.Integers("stride_factor_list");
  model->context_switch_live_limit =
      limits.OptionalInteger("context_switch_live_tensor_limit");
  ANEREF_TRY(limits.status());
  Reader numerics(object.Member("numerics"), chip.name + " numerics");
  model->int8_macs = numerics.Flag("int8_w8a8");
  ANEREF_TRY(numerics.status());
  Reader formats(object.Member("weight_streaming"),
                 chip.name + " weight_streaming");
  if (formats.Text("palette4") == "stream") {
    model->streamed.push_back(WeightFormat::kPalette4);
    model->streamed.push_back(WeightFormat::kPalette8);  // E27: as 4 bits
  }
  if (formats.Text("sparse") == "stream")
    model->streamed.push_back(WeightFormat::kSparse);
  if (formats.Text("int8_affine") == "stream")
    model->streamed.push_back(WeightFormat::kInt8);
  if (formats.Text("blockwise") == "stream")
    model->streamed.push_back(WeightFormat::kBlockwise);
  return formats.status();
}

Status Unknown(const Chip& chip, const std::string& key) {
  return InvalidFile("", "engine model of " + chip.name + ": unknown " + key);
}

Status ReadChoices(const Chip& chip, EngineModel* model) {
  Reader choices(chip.engine_model, "engine model of " + chip.name);
  const std::string ocg = choices.Text("ocg");
  const std::string winograd = choices.Text("winograd");
  const std::string dilation = choices.Text("dilation");
  const std::string layout = choices.Text("weight_layout");
  model->wide_kernel_min = choices.OptionalInteger("wide_kernel_min");
  model->full_pass_costs_another = choices.Flag("full_pass_costs_another");
  model->sparse_macs_skipped = choices.Flag("sparse_macs_skipped");
  model->zero_detection = choices.Flag("zero_detection");
  model->chaining = choices.Flag("chaining");
  model->small_outputs_stream_weights =
      choices.Flag("small_outputs_stream_weights");
  model->kernel_field_bits = choices.Positive("kernel_field_bits");
  ANEREF_TRY(choices.status());
  if (model->kernel_field_bits > 16) return Unknown(chip, "kernel_field_bits");
  if (ocg != "book" && ocg != "kbuf") return Unknown(chip, "ocg");
  model->ocg = ocg == "kbuf" ? OcgFormula::kKernelBuffer : OcgFormula::kBook;
  if (winograd == "book") {
    model->winograd = WinogradKind::kBook;
  } else if (winograd == "one_dimensional") {
    model->winograd = WinogradKind::kOneDimensional;
  } else if (winograd != "none") {
    return Unknown(chip, "winograd");
  }
  if (dilation == "sparse_kernel") {
    model->dilation = DilationKind::kSparseKernel;
  } else if (dilation != "space_to_batch") {
    return Unknown(chip, "dilation");
  }
  if (layout != "per_core" && layout != "shared")
    return Unknown(chip, "weight_layout");
  model->shared_kernel_memory = layout == "shared";
  return Status();
}

}  // namespace

Expected<EngineModel> ReadEngineModel(const Chip& chip) {
  if (chip.target == nullptr || chip.engine_model == nullptr)
    return Unsupported("chip '" + chip.name + "' has no engine model");
  EngineModel model;
  model.chip = chip.name;
  ANEREF_TRY(ReadTables(chip, &model));
  ANEREF_TRY(ReadLimits(chip, &model));
  ANEREF_TRY(ReadChoices(chip, &model));
  return model;
}

Status ApplyOption(std::string_view option, EngineModel* model) {
  if (option == "ocg=kbuf") {
    model->ocg = OcgFormula::kKernelBuffer;
  } else if (option == "ocg=book") {
    model->ocg = OcgFormula::kBook;
  } else if (option == "coissue=serial") {
    model->coissue = CoIssueKind::kSerial;
  } else if (option == "coissue=compiler") {
    model->coissue = CoIssueKind::kCompiler;
  } else if (option == "segmenter=macos26") {
    model->segmenter = SegmenterKind::kMacos26;
  } else if (option == "segmenter=macos27") {
    model->segmenter = SegmenterKind::kMacos27;
  } else if (option == "overlap=always") {
    model->overlap = StreamOverlap::kAlways;
  } else if (option == "overlap=resident") {
    model->overlap = StreamOverlap::kResidentOnly;
  } else {
    return InvalidArgument(
        "unknown model option '" + std::string(option) +
        "'; known: ocg=kbuf|book, coissue=serial|compiler, "
        "segmenter=macos26|macos27, overlap=always|resident");
  }
  return Status();
}

}  // namespace aneref::engine
