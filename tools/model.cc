// Nothing here computes: words of the command line become library options.
#include "tools/model.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>

#include "hwy/targets.h"
#include "runtime/core/suggest.h"
#include "runtime/exec/numerics_choice.h"
#include "runtime/graph/text.h"
#include "tools/verb.h"

namespace aneref::tool {
namespace {

bool IsNative(const std::string& path) {
  std::string tail =
      path.substr(path.size() - std::min<size_t>(5, path.size()));
  std::transform(tail.begin(), tail.end(), tail.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return tail == ".anem";
}

// Restricts Highway to one of its targets that is compiled in and runs here.
Status UseSimdTarget(const std::string& name) {
  std::vector<std::string> known;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (name == hwy::TargetName(target)) {
      hwy::SetSupportedTargetsForTest(target);
      return Status();
    }
    known.emplace_back(hwy::TargetName(target));
  }
  return InvalidArgument("--simd: no target '" + name +
                         "' here, expected one of: " + JoinNames(known));
}

}  // namespace

void ModelArgs::Declare(CLI::App* app) {
  app->add_option("MODEL", path,
                  "The model: .anem, or .onnx, .mlmodel, .mlpackage (also "
                  "zipped), which are imported in memory")
      ->required();
  app->add_option("--precision", precision,
                  "Types on import: fp16 makes every float fp16 (default), "
                  "source keeps the file's types (default for ML Programs)")
      ->type_name("fp16|source")
      ->check(CLI::IsMember({"fp16", "source"}));
  app->add_option("--function", function,
                  "On import of a Core ML program with several functions: "
                  "this one (default: the program's own default)")
      ->type_name("NAME");
  app->add_flag("--no-fold", no_fold,
                "On import keep the graph as it is: join and fold nothing");
  app->add_option("--max-memory", max_memory,
                  "Refuse models that need more bytes; suffixes K, M, G")
      ->type_name("BYTES");
}

Expected<uint64_t> ModelArgs::MaxMemory() const {
  if (max_memory.empty()) return uint64_t{0};
  const Expected<uint64_t> bytes = ParseByteCount(max_memory);
  if (!bytes.ok()) return bytes.status().WithContext("--max-memory");
  return bytes;
}

Expected<ImportOptions> ModelArgs::ToImportOptions() const {
  ImportOptions options;
  if (precision == "source") options.precision = Precision::kSource;
  if (precision == "fp16") options.precision = Precision::kFp16;
  options.fold = !no_fold;
  options.function = function;
  ANEREF_ASSIGN(options.max_memory, MaxMemory());
  return options;
}

Expected<Model> LoadModel(const ModelArgs& args) {
  Model model;
  ANEREF_ASSIGN(const ImportOptions options, args.ToImportOptions());
  std::shared_ptr<const File> file;
  if (IsNative(args.path)) {
    if (!args.precision.empty() || args.no_fold) {
      std::fprintf(stderr,
                   "aneref: note: --precision and --no-fold matter on import "
                   "only; %s has its types already\n",
                   args.path.c_str());
    }
    model.format = "anem";
    ANEREF_ASSIGN(file, File::Map(args.path));
    if (options.max_memory != 0 && file->bytes().size() > options.max_memory) {
      return LimitError(
          args.path + ": " + std::to_string(file->bytes().size()) +
          " bytes are over the limit of " + std::to_string(options.max_memory));
    }
  } else {
    ImportSummary summary;
    ANEREF_ASSIGN(std::vector<std::byte> bytes,
                  ImportModel(args.path, options, &summary));
    file = File::FromBuffer(std::move(bytes));
    model.format = summary.format;
    model.notes = std::move(summary.notes);
  }
  ANEREF_ASSIGN(model.net, Net::Parse(std::move(file), args.path));
  if (model.format == "anem" && model.net->table().import_notes() != nullptr) {
    for (const flatbuffers::String* note : *model.net->table().import_notes()) {
      model.notes.push_back(Text(note));
    }
  }
  return model;
}

Status AboutModel(const ModelArgs& args, const Status& status) {
  if (status.message().starts_with(args.path)) return status;
  return status.WithContext(args.path);
}

void EngineArgs::Declare(CLI::App* app) {
  app->add_option("--target", target,
                  "The chip, a name from aneref targets (default m1)")
      ->type_name("CHIP");
  app->add_option("--numerics", numerics,
                  "portable: fp16 values, fp32 sums (default); fp32: no fp16 "
                  "rounding anywhere; device: the arithmetic of --target's "
                  "engine, device:NAME=VALUE,... with another model of it "
                  "(aneref targets --json lists them); fast: portable with "
                  "cheaper convolutions that round differently")
      ->type_name("NAME");
  app->add_option("--threads", threads,
                  "Threads (default: all cores); results never depend on it")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  app->add_option("--rung", rung)
      ->group(kHiddenGroup)
      ->check(CLI::IsMember({"reference", "scalar", "simd"}));
  app->add_option("--simd", simd)->group(kHiddenGroup);
}

Expected<const Chip*> EngineArgs::FindTarget() const {
  const Expected<const Chip*> chip = ChipTable::Embedded().Find(target);
  if (!chip.ok()) return chip.status().WithContext("--target");
  return chip;
}

bool EngineArgs::IsDevice() const { return IsDeviceNumerics(numerics); }

Expected<Profile> EngineArgs::DeviceProfile() const {
  ANEREF_ASSIGN(const Chip* chip, FindTarget());
  return DeviceProfileOf(numerics, *chip);
}

Expected<SessionOptions> EngineArgs::ToSessionOptions(
    uint64_t max_memory) const {
  SessionOptions options;
  ANEREF_ASSIGN(options.chip, FindTarget());
  ANEREF_TRY(ParseNumerics(numerics, *options.chip, &options.numerics,
                           &options.device));
  if (rung == "reference") options.rung = Rung::kReference;
  if (rung == "scalar") options.rung = Rung::kScalar;
  if (!simd.empty()) ANEREF_TRY(UseSimdTarget(simd));
  options.threads = threads;
  options.max_memory = max_memory;
  return options;
}

Expected<uint64_t> ParseByteCount(const std::string& text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  const std::string suffix(read.ptr, end);
  static constexpr std::string_view kSuffixes = "KMGT";
  int shift = 0;
  if (!suffix.empty()) {
    const int upper = std::toupper(static_cast<unsigned char>(suffix[0]));
    const size_t index = kSuffixes.find(static_cast<char>(upper));
    const std::string rest = suffix.substr(1);
    const bool known = index != std::string_view::npos &&
                       (rest.empty() || rest == "B" || rest == "iB");
    shift = known ? static_cast<int>(10 * (index + 1)) : -1;
  }
  if (read.ec != std::errc() || shift < 0 || value == 0 ||
      value > (UINT64_MAX >> shift)) {
    return InvalidArgument("'" + text +
                           "' is no byte count (such as 1048576, 512M, 4G)");
  }
  return value << shift;
}

}  // namespace aneref::tool
