// L61, L62, L66 and L69: see the header.
#include "runtime/plan/engine/memory_banks.h"

#include <numeric>
#include <string>

#include "runtime/plan/engine/integers.h"

namespace aneref::engine {
namespace {

constexpr int64_t kCandidates = 64;  // L62: entries of the cost vector

}  // namespace

int64_t BankOf(const EngineModel& model, int64_t address) {
  return address / kBankBytes % model.banks;
}

int64_t ConflictRequests(const EngineModel& model, int64_t stride,
                         int64_t rows) {
  const int64_t shared = std::gcd(stride / kBankBytes, model.banks);
  return CeilDiv(rows, model.banks / shared);
}

std::optional<int64_t> BestStride(const EngineModel& model, int64_t row_bytes,
                                  int64_t rows) {
  std::optional<int64_t> best;
  int64_t best_cost = 0;
  const int64_t first = RoundUpTo(row_bytes, kBankBytes);
  for (int64_t i = 0; i < kCandidates; ++i) {
    const int64_t stride = first + i * kBankBytes;
    if (stride > model.max_bank_stride) break;
    const int64_t cost = ConflictRequests(model, stride, rows);
    if (best && cost >= best_cost) continue;
    best = stride;
    best_cost = cost;
  }
  return best;
}

FieldMaxima FieldMaximaOf(const EngineModel& model) {
  FieldMaxima maxima;
  maxima.kernel = (int64_t{1} << model.kernel_field_bits) - 1;
  return maxima;
}

Expected<int64_t> OcgField(int64_t ocg) {
  int64_t exponent = 0;
  while (exponent < 8 && (int64_t{1} << exponent) < ocg) ++exponent;
  if (ocg < 1 || exponent > 7 || (int64_t{1} << exponent) != ocg)
    return Status(StatusCode::kLimit, "L69",
                  "output-channel group " + std::to_string(ocg) +
                      " is no power of two up to 128");
  return exponent;
}

bool InDeviceWindow(int64_t address, int64_t bytes) {
  return address >= 0 && bytes >= 0 && address % kPageBytes == 0 &&
         bytes <= kDeviceWindowBytes &&
         RoundUpTo(bytes, kPageBytes) <= kDeviceWindowBytes - address;
}

}  // namespace aneref::engine
