// Reading of profiles from the chip table, and the table of options (N14, N16,
// N20, N21, N24, N28, N37, N41). Values only; no arithmetic.
#include "runtime/core/profile.h"

#include <array>

namespace aneref {
namespace {

constexpr const char* kAccumulators[] = {"radix4_w12", "q15_16"};
constexpr const char* kRoundings[] = {"rne", "rha"};
constexpr const char* kCuts[] = {"rne", "truncate", "floor"};
constexpr const char* kLanes[] = {"consecutive", "strided16"};
constexpr const char* kTableRoundings[] = {"once", "steps"};
constexpr const char* kSwitch[] = {"false", "true"};
constexpr const char* kRefusedOps[] = {"host", "pieces"};

struct Entry {
  ProfileOption option;
  size_t (*get)(const Profile& profile);
  void (*set)(Profile* profile, size_t value);
};

#define ANEREF_FIELD(field)                                      \
  [](const Profile& p) { return static_cast<size_t>(p.field); }, \
      [](Profile* p, size_t value) {                             \
        p->field = static_cast<decltype(p->field)>(value);       \
      }

constexpr Entry kEntries[] = {
    {{"mac", "N14", "modelled",
      "accumulator of convolution and matmul; q15_16 on H13 and H14 is the "
      "rival of the published cancellation rows",
      kAccumulators},
     ANEREF_FIELD(mac)},
    {{"rounding", "N23", "measured", "rounding to fp16 outside the accumulator",
      kRoundings},
     ANEREF_FIELD(rounding)},
    {{"h13_window_cut", "N10", "modelled",
      "how radix4_w12 cuts an operand to the 12-bit window", kCuts},
     ANEREF_FIELD(window_cut)},
    {{"h13_group_lanes", "N11", "modelled",
      "which elements of the list radix4_w12 adds as one group of four",
      kLanes},
     ANEREF_FIELD(group_lanes)},
    {{"h13_bias_preload", "N21", "modelled",
      "the accumulator starts at the bias instead of adding it in fp16 at the "
      "end",
      kSwitch},
     ANEREF_FIELD(bias_preload)},
    {{"m5_keep_denormals", "N16", "modelled",
      "q15_16 drops no small product: exact sums, one rounding at the end",
      kSwitch},
     ANEREF_FIELD(keep_denormals)},
    {{"single_tap_exempt", "N20", "measured",
      "a convolution of one tap has the full fp16 range", kSwitch},
     ANEREF_FIELD(single_tap_exempt)},
    {{"width_slice_x16", "N28", "measured",
      "a slice with an offset on the last axis overflows from 4096", kSwitch},
     ANEREF_FIELD(width_slice_x16)},
    {{"mul_reduce_as_mac", "N24", "modelled",
      "mul followed by reduce_sum over one axis runs as a MAC", kSwitch},
     ANEREF_FIELD(mul_reduce_as_mac)},
    {{"table_rounding", "N41", "modelled",
      "activation tables round once at the end, or each step", kTableRoundings},
     ANEREF_FIELD(table_rounding)},
    {{"refused_ops", "N37", "modelled",
      "recurrent layers, deformable convolutions and Fourier transforms, which "
      "the engine's compiler refuses, run from the engine's pieces, or as on "
      "the host",
      kRefusedOps},
     ANEREF_FIELD(refused_from_pieces)},
};
#undef ANEREF_FIELD
constexpr size_t kNumOptions = std::size(kEntries);

constexpr auto kOptions = [] {
  std::array<ProfileOption, kNumOptions> options{};
  for (size_t i = 0; i < kNumOptions; ++i) options[i] = kEntries[i].option;
  return options;
}();

// The profile object of the chip table, key by key; the first problem is kept.
class Reader {
 public:
  explicit Reader(const JsonValue& object) : object_(object) {}

  bool Bool(const char* key) {
    const JsonValue* value = object_.Find(key);
    if (value == nullptr || value->AsBool() == nullptr) {
      Fail(key, "a bool");
      return false;
    }
    return *value->AsBool();
  }
  // Index of the string in `names`.
  template <size_t kCount>
  size_t Choice(const char* key, const char* const (&names)[kCount]) {
    const JsonValue* value = object_.Find(key);
    const std::string* text = value == nullptr ? nullptr : value->AsString();
    for (size_t i = 0; text != nullptr && i < kCount; ++i)
      if (*text == names[i]) return i;
    std::string expected = "one of";
    for (const char* name : names) expected += std::string(" ") + name;
    Fail(key, expected);
    return 0;
  }
  std::string Text(const char* key) {
    const JsonValue* value = object_.Find(key);
    const std::string* text = value == nullptr ? nullptr : value->AsString();
    return text == nullptr ? std::string() : *text;
  }
  const Status& status() const { return status_; }

 private:
  void Fail(const char* key, const std::string& expected) {
    if (status_.ok())
      status_ = InvalidFile(
          "", std::string("numerics: '") + key + "' must be " + expected);
  }
  const JsonValue& object_;
  Status status_;
};

constexpr const char* kFileRoundings[] = {"RNE", "RHA"};
constexpr const char* kFileBias[] = {"after_scale_fp16", "accumulator_preload"};

std::string ListOf(std::span<const char* const> names) {
  std::string list;
  for (const char* name : names)
    list += (list.empty() ? "" : ", ") + std::string(name);
  return list;
}

Status UnknownOption(std::string_view name) {
  std::string known = "profile";
  for (const Entry& entry : kEntries)
    known += std::string(", ") + entry.option.name;
  return InvalidArgument("numerics option '" + std::string(name) +
                         "' does not exist; there are " + known);
}

}  // namespace

Expected<Profile> ProfileOf(const JsonValue& numerics) {
  if (numerics.IsNull())
    return Unsupported("the chip has no engine, so no device numerics");
  if (numerics.AsObject() == nullptr)
    return InvalidFile("", "numerics: must be an object");
  Reader reader(numerics);
  Profile profile;
  profile.name = reader.Text("profile");
  profile.mac = static_cast<MacAccumulator>(
      reader.Choice("mac_accumulator", kAccumulators));
  profile.rounding =
      static_cast<Rounding>(reader.Choice("output_rounding", kFileRoundings));
  profile.bias_preload = reader.Choice("bias", kFileBias) == 1;
  profile.single_tap_exempt =
      reader.Bool("single_tap_conv_exempt_from_ceiling");
  profile.width_slice_x16 = reader.Bool("width_slice_x16");
  profile.mul_reduce_as_mac = profile.mac == MacAccumulator::kRadix4W12;
  profile.int8_accumulator = reader.Bool("int8_w8a8");
  profile.fp8_e4m3 = reader.Bool("fp8_e4m3");
  profile.provenance = reader.Text("provenance");
  if (!reader.status().ok()) return reader.status();
  return profile;
}

Expected<Profile> NamedProfile(std::string_view name) {
  Profile profile;
  profile.name = std::string(name);
  profile.provenance = "profile chosen by name";
  if (name == "h13") return profile;
  if (name != "h15" && name != "h16")
    return InvalidArgument("numerics profile '" + std::string(name) +
                           "' does not exist; there are h13, h15, h16");
  profile.mac = MacAccumulator::kQ15_16;
  profile.rounding = Rounding::kHalfAway;
  profile.bias_preload = true;
  profile.single_tap_exempt = false;
  profile.width_slice_x16 = false;
  profile.mul_reduce_as_mac = false;
  profile.int8_accumulator = true;
  return profile;
}

Status ApplyOption(Profile* profile, std::string_view assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos)
    return InvalidArgument("numerics option '" + std::string(assignment) +
                           "' must read NAME=VALUE");
  const std::string_view name = assignment.substr(0, equals);
  const std::string_view value = assignment.substr(equals + 1);
  if (name == "profile") {
    ANEREF_ASSIGN(*profile, NamedProfile(value));
    return Status();
  }
  for (const Entry& entry : kEntries) {
    if (name != entry.option.name) continue;
    for (size_t i = 0; i < entry.option.values.size(); ++i) {
      if (value != entry.option.values[i]) continue;
      entry.set(profile, i);
      return Status();
    }
    return InvalidArgument("numerics option '" + std::string(name) +
                           "' takes " + ListOf(entry.option.values) +
                           ", not '" + std::string(value) + "'");
  }
  return UnknownOption(name);
}

std::span<const ProfileOption> ProfileOptions() { return kOptions; }

const char* OptionValue(const Profile& profile, size_t index) {
  return kEntries[index].option.values[kEntries[index].get(profile)];
}

}  // namespace aneref
