// What developers observed of NeuralNetwork files between 2018 and 2024, layer
// by layer, and what later measurements say. Notes, never refusals: they tell
// why a model of that time stayed off the engine.
#include <algorithm>

#include "runtime/plan/placement/rule_support.h"

namespace aneref::placement {
namespace {

struct Folklore {
  const char* layers;  // names of the layer in the file, blank separated
  bool (*applies)(const OpFacts& op);  // null: always
  const char* observed;
  const char* era;
  const char* today;
  const char* fix;
};

bool IsDilated(const OpFacts& op) {
  return op.dilation.h > 1 || op.dilation.w > 1;
}
bool IsLargePool(const OpFacts& op) {
  return op.kernel.h > 13 || op.kernel.w > 13;
}
bool IsStridedPool(const OpFacts& op) {
  return op.stride.h > 2 || op.stride.w > 2;
}
bool Broadcasts(const OpFacts& op) {
  return op.inputs.size() > 1 && op.inputs[0].typed && op.inputs[1].typed &&
         !(op.inputs[0].shape == op.inputs[1].shape);
}
bool ScalesMoreThanTwice(const OpFacts& op) {
  return std::any_of(op.factors.begin(), op.factors.end(),
                     [](int64_t factor) { return factor > 2; });
}

constexpr Folklore kFolklore[] = {
    {"custom", nullptr, "runs on CPU or GPU, never on the engine",
     "iOS 11 to today", "no contradiction", "express it in standard layers"},
    {"uniDirectionalLSTM biDirectionalLSTM gru simpleRecurrent", nullptr,
     "falls back", "iOS 11-17", "no path on any generation",
     "unroll the time steps"},
    {"gather gatherND gatherAlongAxis embedding embeddingND", nullptr,
     "falls back", "iOS 13-16",
     "constant indices run on the engine (M4); int32 runtime indices fall back",
     "look up on the host"},
    {"convolution", IsDilated, "a dilation above 1 does not run on the engine",
     "iOS 12-14", "native since H13", ""},
    {"addBroadcastable multiplyBroadcastable subtractBroadcastable "
     "divideBroadcastable maxBroadcastable minBroadcastable powBroadcastable "
     "modBroadcastable floorDivBroadcastable",
     nullptr, "runs on CPU or GPU", "iOS 13-15",
     "native from H13 with broadcasting, but mod",
     "addLayer for addBroadcastable, multiply or scale for "
     "multiplyBroadcastable, negate and add for subtractBroadcastable"},
    {"concatND splitND loadConstantND reshapeStatic transpose squeeze "
     "expandDims stack tile fillLike fillStatic fillDynamic sliceStatic",
     nullptr, "runs on CPU or GPU", "iOS 13-15", "native from H13",
     "concat for concatND, loadConstant (rank 3) for loadConstantND"},
    {"multiply add", Broadcasts, "certain broadcasts of C x 1 x 1 fail",
     "iOS 12-14", "broadcast from extent 1 works on N, C, H and W", ""},
    {"pooling", IsLargePool, "a window above 13 falls back", "iOS 12-14",
     "29 or 31 by table, larger ones decomposed; max_pool on M4: 1 to 8 or 32",
     ""},
    {"pooling", IsStridedPool, "a stride above 2 falls back", "iOS 12-14",
     "strides are factored over 2, 3, 4 and 8", ""},
    {"upsample", ScalesMoreThanTwice,
     "a scale above 2 falls back (another note says upsampling works)",
     "iOS 12-15", "every form runs on M4; H13 has a fallback",
     "upsample twice by 2 instead of once by 4"},
    {"resizeBilinear cropResize", nullptr, "fine only as upsampling",
     "iOS 13-15", "crop_resize needs the texture engine (H14)", ""},
    {"batchedMatmul", nullptr, "runs on CPU or GPU", "iOS 13-15",
     "native from H13; rank 5 is refused", ""},
    {"softmaxND layerNormalization gelu erf", nullptr,
     "treated as the other ND layers", "iOS 13-15", "native from H13", ""},
    {"sliceDynamic reshapeDynamic whereNonZero NonMaximumSuppression topK "
     "argSort",
     nullptr, "dynamic shapes and ranking run on the CPU", "iOS 13 and later",
     "topk is accepted on M4, the others are not", "leave them to the host"},
    {"sin cos", nullptr, "a single sin or cos keeps the model off the engine",
     "2023", "native from H15", ""},
};

bool NamesLayer(const char* layers, const std::string& layer) {
  const std::string padded = " " + std::string(layers) + " ";
  return padded.find(" " + layer + " ") != std::string::npos;
}

bool HasFolklore(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.legacy_layer.empty()) return false;
  for (const Folklore& note : kFolklore) {
    if (!NamesLayer(note.layers, op.legacy_layer)) continue;
    if (note.applies != nullptr && !note.applies(op)) continue;
    return Fail(finding,
                op.legacy_layer + " (" + note.era + "): " + note.observed +
                    ". Newer: " + note.today,
                op.legacy_layer, "", note.fix);
  }
  return false;
}

}  // namespace

const RuleTable& LegacyRules() {
  static const RuleTable rules = {
      {"V96", Severity::kWarn, Layer::kPlacement, "", "community", HasFolklore},
  };
  return rules;
}

}  // namespace aneref::placement
