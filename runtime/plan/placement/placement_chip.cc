// Reads the numbers that the placement rules need from the chip table.
#include <algorithm>

#include "runtime/plan/placement.h"

namespace aneref::placement {
namespace {

int64_t Number(const JsonValue* object, const char* key) {
  const JsonValue* value = object == nullptr ? nullptr : object->Find(key);
  const double* number = value == nullptr ? nullptr : value->AsNumber();
  return number == nullptr ? 0 : static_cast<int64_t>(*number);
}

std::vector<int64_t> Numbers(const JsonValue* object, const char* key) {
  std::vector<int64_t> numbers;
  const JsonValue* value = object == nullptr ? nullptr : object->Find(key);
  if (value == nullptr || value->AsArray() == nullptr) return numbers;
  for (const JsonValue& item : *value->AsArray()) {
    if (item.AsNumber() != nullptr)
      numbers.push_back(static_cast<int64_t>(*item.AsNumber()));
  }
  return numbers;
}

void ReadLimits(const JsonValue* limits, PlacementChip* chip) {
  constexpr const char* kAxes[] = {"tensor_n_max", "tensor_d_max",
                                   "tensor_c_max", "tensor_h_max",
                                   "tensor_w_max"};
  for (size_t axis = 0; axis < 5; ++axis)
    chip->tensor_max[axis] = Number(limits, kAxes[axis]);
  chip->rank_max = Number(limits, "rank_max");
  chip->kernel_w_fp16 = Number(limits, "kernel_w_max_large_fp16");
  chip->kernel_w_narrow = Number(limits, "kernel_w_max_large_default");
  chip->kernel_h = Number(limits, "kernel_h_max_large");
  chip->kernel_w_small_fp16 = Number(limits, "kernel_w_max_small_fp16");
  chip->kernel_w_small_narrow = Number(limits, "kernel_w_max_small_default");
  chip->kernel_h_small = Number(limits, "kernel_h_max_small");
  chip->kernel_d_large = Number(limits, "kernel_d_max_large");
  chip->kernel_d_small = Number(limits, "kernel_d_max_small");
  chip->coreml_kernel_w = Number(limits, "coreml_conv_kernel_w_max");
  chip->coreml_kernel_h = Number(limits, "coreml_conv_kernel_h_max");
  chip->max_pool_widths = Numbers(limits, "maxpool_kernel_w");
  chip->matmul_inner_max = Number(limits, "matmul_runtime_inner_max");
  chip->arg_axis_max = Number(limits, "arg_reduction_axis_max");
  chip->pool_window_max = Number(limits, "pool_window_max");
  chip->kernel_memory_bytes = Number(limits, "kernel_memory_dense_bytes");
  chip->operand_limit_bytes = Number(limits, "matmul_working_set_bytes");
  chip->transpose_max = Number(limits, "transpose_w_max");
  const JsonValue* texture =
      limits == nullptr ? nullptr : limits->Find("has_texture_engine");
  chip->texture_engine =
      texture != nullptr && texture->AsBool() != nullptr && *texture->AsBool();
}

void ReadCapabilities(const Chip& chip, PlacementChip* out) {
  const JsonValue* bytes =
      chip.target == nullptr ? nullptr : chip.target->Find("hal_bytes");
  const auto has = [bytes](const char* key) { return Number(bytes, key) != 0; };
  out->has_dropout = has("0x4a9");
  out->has_global_arg = has("0x4f2");
  out->has_fp8 = has("0x52d");
  out->has_softmax = has("0x815");
  out->has_instance_norm = has("0x816");
  out->has_lrn = has("0x81a");
  out->has_square_reduction = has("0x494");
  if (has("0x81d")) out->texture_engine = true;
}

// "H13g" -> 13; M9 and M11 stand at the tiers whose limits they have.
int GenerationOf(const std::string& target) {
  if (target == "M9") return 11;
  if (target == "M11") return 15;
  if (target.size() < 3 || target[0] != 'H') return 0;
  return (target[1] - '0') * 10 + (target[2] - '0');
}

}  // namespace

Expected<PlacementChip> ReadPlacementChip(const Chip& chip) {
  PlacementChip out;
  ANEREF_ASSIGN(out.model, engine::ReadEngineModel(chip));
  out.name = chip.name;
  out.label = chip.label;
  out.arch = chip.arch.empty() ? chip.compiler_target : chip.arch;
  out.family = static_cast<int>(Number(chip.data, "family_index"));
  out.generation = GenerationOf(chip.compiler_target);
  out.column = OpColumnOf(out.family);
  ReadLimits(chip.data->Find("limits"), &out);
  ReadCapabilities(chip, &out);
  return out;
}

}  // namespace aneref::placement
