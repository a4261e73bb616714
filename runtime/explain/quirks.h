// The quirk library: known ways in which a device, an fp16 host or a converter
// gives another result than the op's definition. Data (schema/data/quirks.json)
// names each one with its rule, reference, confidence and chips; a small
// evaluator replays it, so that a difference is blamed only on what reproduces
// it.
#ifndef ANEREF_RUNTIME_EXPLAIN_QUIRKS_H_
#define ANEREF_RUNTIME_EXPLAIN_QUIRKS_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/json.h"
#include "runtime/explain/replay.h"

namespace aneref {

// One output of one node, as we and as the other side have it.
struct QuirkContext {
  const fbs::Node* node = nullptr;
  const fbs::Node* producer = nullptr;  // of operand 0; null: an input
  HostValues in;
  size_t output = 0;
  Shape shape;
  bool half = true;    // the result is fp16 in memory
  bool state = false;  // the result or an operand is a state
  std::vector<double> ours;
  std::vector<double> theirs;
  NodeEvaluator* evaluator = nullptr;
  Arithmetic arithmetic;
  // The engine's profiles that the library knows: h13, h16. Null: without.
  Arithmetic h13, h16;
};

// What the output would be with the quirk; several where it has variants, none
// where it does not apply.
using Candidates = std::vector<std::vector<double>>;
using QuirkEvaluator = Expected<Candidates> (*)(const QuirkContext& context);

enum class QuirkKind : uint8_t {
  kChip,        // the engine's own behaviour
  kHost,        // other arithmetic of the same format
  kConversion,  // a mistake on the way to the device
};

struct Quirk {
  std::string id;
  std::string title;
  std::string rule;  // "N28"; empty: none
  QuirkKind kind = QuirkKind::kChip;
  std::vector<std::string> ops;    // OpName; "*": any
  std::vector<std::string> chips;  // engine architectures; empty: none
  std::string confidence;          // measured, decompiled, community, modelled
  std::string reference;
  std::string sentence;
  std::string advice;
  int64_t units = 1;  // fp16 units that a replay may be off
  QuirkEvaluator evaluate = nullptr;
};

// All quirks, the specific ones before the general ones. Parsed once.
std::span<const Quirk> AllQuirks();
// kInvalidFile: a missing key or an evaluator that does not exist.
Expected<std::vector<Quirk>> ParseQuirks(std::string_view json,
                                         const std::string& name);

const char* QuirkKindName(QuirkKind kind);
bool AppliesTo(const Quirk& quirk, const std::string& op);
// "measured on H13, H14" for people; "" without chips.
std::string ChipsText(const Quirk& quirk);

// What a candidate is measured against.
struct QuirkGoal {
  std::vector<double> ours;
  std::vector<double> theirs;
  // Absolute, per element, that rounding allows.
  std::vector<double> tolerance;
  // From the node's result to the goal, when later ops lie between.
  std::function<Expected<std::vector<double>>(const std::vector<double>&)>
      propagate;
  bool conversions = true;  // also mistakes of converters
};

struct QuirkMatch {
  const Quirk* quirk = nullptr;
  double explained = 0;  // share of the differing elements that it reproduces
  int64_t changed = 0;   // elements that it changes
};
// Quirks that reproduce the goal where it differs and leave the rest alone,
// best first.
std::vector<QuirkMatch> MatchQuirks(const QuirkContext& context,
                                    const QuirkGoal& goal);

// Whether the quirk is the engine's everyday arithmetic (sums, tables, ties):
// a reason for small differences, none for alarm.
bool IsEverydayArithmetic(const Quirk& quirk);

// The evaluator of a name in the data; null: none.
QuirkEvaluator FindChipEvaluator(std::string_view name);
QuirkEvaluator FindHostEvaluator(std::string_view name);
QuirkEvaluator FindConversionEvaluator(std::string_view name);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_QUIRKS_H_
