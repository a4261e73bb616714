// The numbers and named choices of one chip's engine, read once from the chip
// table so that the rules are functions of plain integers. Knows no rule; the
// formulas are in the other headers of this folder. Cost anchors: cost.h.
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_ENGINE_MODEL_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_ENGINE_MODEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/chip.h"
#include "runtime/core/status.h"

namespace aneref::engine {

enum class OcgFormula { kBook, kKernelBuffer };             // E12 b, a
enum class WinogradKind { kNone, kBook, kOneDimensional };  // E30
enum class DilationKind { kSpaceToBatch, kSparseKernel };   // E10
enum class CoIssueKind { kSerial, kCompiler };              // E45
enum class SegmenterKind { kMacos26, kMacos27 };            // E60
enum class StreamOverlap { kAlways, kResidentOnly };        // C3
enum class WeightFormat {
  kDense,
  kInt8,
  kPalette4,
  kPalette8,
  kSparse,
  kBlockwise
};

struct EngineModel {
  std::string chip;                // Chip::name
  int64_t engines = 1;             // MAC engines that can share a task's blocks
  int64_t lanes = 16;              // cores (NEs) per engine
  int64_t cpu_subtype = 0;         // of containers; 0: unknown (E48)
  int64_t descriptor_version = 0;  // of descriptors; 0: unknown (E48)

  // The compiler's table (HAL); bytes unless named.
  int64_t accumulators = 0;         // 0x0c, per core (E15)
  int64_t working_set_bytes = 0;    // 0x1b8: operand limit and pool (E20, L60)
  int64_t dma_granule = 0;          // 0x1c0
  int64_t banks = 0;                // 0x1c8 (L61)
  int64_t residency_threshold = 0;  // 0x1f0; 0 = never (E46)
  int64_t max_bank_stride = 0;      // 0x1f8 (L62)
  int64_t kernel_dense_bytes = 0;   // 0x200, per core (E25)
  int64_t kernel_stream_bytes = 0;  // 0x210 (E25)
  int64_t instruction_alignment = 0;   // 0x218 (L65)
  int64_t tiny_source_max = 0;         // 0x338 (E16)
  int64_t ocg_cap_narrow = 0;          // 0x388: weights of 8 bits or less (E12)
  int64_t ocg_cap_half = 0;            // 0x390: fp16
  int64_t ocg_cap_wide = 0;            // 0x398: wider
  int64_t channels_per_acc_tiny = 0;   // 0x3a8 (E12)
  int64_t channels_per_acc_small = 0;  // 0x3b0
  int64_t channels_per_acc_half = 0;   // 0x3b8
  int64_t channels_per_acc_other = 0;  // 0x3c0
  std::optional<int64_t> patch_log2_min;  // 0x400 (E23)
  std::optional<int64_t> patch_log2_max;  // 0x410
  int64_t interchange_formats = 0;        // 0x668 (L27)
  bool kernel_streaming = false;          // 0x48f (E26)
  bool palette_streaming = false;         // 0x529 (E26)

  // Limits of the chip.
  std::optional<int64_t> reduction_transpose_extent;  // E28
  int64_t transpose_w_max = 0;                        // E28; 0 = none
  int64_t transpose_h_max = 0;
  int64_t group_decompose_limit = 0;  // E29
  int64_t patch_w_max = 0;            // kernel-side patch fields (E23)
  int64_t patch_h_max = 0;
  int64_t patch_d_max = 0;
  std::vector<int64_t> stride_factors;               // E10
  std::optional<int64_t> context_switch_live_limit;  // E41
  std::vector<WeightFormat> streamed;                // E27
  bool int8_macs = false;                            // C21

  // Choices between formulas ("engine_models"; options override three).
  OcgFormula ocg = OcgFormula::kBook;
  WinogradKind winograd = WinogradKind::kNone;
  DilationKind dilation = DilationKind::kSpaceToBatch;
  std::optional<int64_t> wide_kernel_min;     // E10: rewritten from this width
  bool full_pass_costs_another = false;       // E13
  bool sparse_macs_skipped = false;           // E31
  bool zero_detection = false;                // E31
  bool chaining = false;                      // E44
  bool small_outputs_stream_weights = false;  // E25
  int64_t kernel_field_bits = 5;              // L69
  bool shared_kernel_memory = false;          // L48
  CoIssueKind coissue = CoIssueKind::kSerial;
  SegmenterKind segmenter = SegmenterKind::kMacos27;
  StreamOverlap overlap = StreamOverlap::kAlways;
};

// kUnsupported: a chip without an engine that models can reach. kInvalidFile:
// a missing or ill-typed key.
Expected<EngineModel> ReadEngineModel(const Chip& chip);

// Applies "ocg=kbuf|book", "coissue=serial|compiler",
// "segmenter=macos26|macos27" or "overlap=always|resident". kInvalidArgument
// for anything else, naming the choices.
Status ApplyOption(std::string_view option, EngineModel* model);

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_ENGINE_MODEL_H_
