// Addresses: L60-L62 (banks of the on-chip memory, conflicts, strides), L65
// (alignments), L66 (the device's address window) and L69 (descriptor fields).
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_MEMORY_BANKS_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_MEMORY_BANKS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/core/status.h"
#include "runtime/plan/engine/engine_model.h"
#include "runtime/plan/engine/geometry.h"

namespace aneref::engine {

inline constexpr int64_t kBankBytes = 16;      // L61
inline constexpr int64_t kTileAlignment = 64;  // L65: tiles, strides, weights
inline constexpr int64_t kPageBytes = 16384;   // L65, L66
inline constexpr int64_t kDeviceWindowBytes = 0xE0000000;  // L66: from 0

// L61.
int64_t BankOf(const EngineModel& model, int64_t address);
// L62: requests that `rows` rows at `stride` (a multiple of 16) need.
int64_t ConflictRequests(const EngineModel& model, int64_t stride,
                         int64_t rows);
// L62: the cheapest of 64 strides from `row_bytes` rounded up to 16 on, in
// steps of 16, up to the limit; ties take the smallest. nullopt: the row alone
// exceeds the limit.
std::optional<int64_t> BestStride(const EngineModel& model, int64_t row_bytes,
                                  int64_t rows);

// L69: bits of a task descriptor's fields.
struct FieldMaxima {
  int64_t extent = 32767;     // W, H, D: 15 bits
  int64_t channels = 131071;  // 17 bits
  int64_t groups = 8191;      // 13 bits
  int64_t kernel = 31;        // w and h: 5 bits, 6 from H14 on
  int64_t stride = 3;         // x and y: 2 bits
  int64_t padding = 31;       // 5 bits each
};
FieldMaxima FieldMaximaOf(const EngineModel& model);
// L69: code of the OCG field: the exponent, 3 bits. kLimit when it does not
// fit.
Expected<int64_t> OcgField(int64_t ocg);

// L66: whether a buffer lies in whole pages of the device's window.
bool InDeviceWindow(int64_t address, int64_t bytes);

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_MEMORY_BANKS_H_
