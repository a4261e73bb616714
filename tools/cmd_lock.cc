// aneref lock and aneref verify: digests of every tensor of a run, and whether
// a run still has them.
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>

#include "runtime/core/json.h"
#include "runtime/core/json_writer.h"
#include "tools/atomic_file.h"
#include "tools/inputs.h"
#include "tools/model.h"
#include "tools/output.h"
#include "tools/stats.h"
#include "tools/verb.h"

namespace aneref::tool {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "aneref-lock 1";

struct Digested {
  std::string name;
  std::string type;
  std::string digest;
};

struct Lock {
  std::string model;  // paths as they are opened from the lock's folder
  std::string inputs;
  std::vector<std::pair<std::string, std::string>> input;  // name, path
  std::string target, numerics, precision;
  bool no_fold = false;
  std::vector<Digested> tensors;
};

struct RunArgs {
  ModelArgs model;
  EngineArgs engine;
  InputArgs inputs;
};

std::string Hex(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(value));
  return text;
}

Digested DigestOf(const std::string& name, const TensorView& view) {
  return {name, TensorType{view.dtype, view.shape}.ToString(),
          Hex(Digest(view, kDigestSeed))};
}

struct DigestedRun {
  std::vector<PortSpec> inputs;
  std::vector<Digested> tensors;  // inputs, then every named value, in order
};
Expected<DigestedRun> DigestRun(const RunArgs& args) {
  ANEREF_ASSIGN(const uint64_t max_memory, args.model.MaxMemory());
  ANEREF_ASSIGN(SessionOptions options,
                args.engine.ToSessionOptions(max_memory));
  options.keep_intermediates = true;
  ANEREF_ASSIGN(const Model model, LoadModel(args.model));
  ANEREF_ASSIGN(const std::vector<Array> inputs,
                LoadInputs(args.inputs, *model.net, max_memory));
  DigestedRun run;
  run.inputs = InputSpecs(*model.net);
  const std::vector<PortSpec>& specs = run.inputs;
  std::vector<Digested>& tensors = run.tensors;
  for (size_t i = 0; i < inputs.size(); ++i) {
    options.input_shapes[specs[i].name] = inputs[i].type.shape;
    tensors.push_back(DigestOf(specs[i].name, inputs[i].View()));
  }
  Expected<std::unique_ptr<Session>> session =
      Session::Create(model.net, options);
  if (!session.ok()) return AboutModel(args.model, session.status());
  for (size_t i = 0; i < inputs.size(); ++i) {
    ANEREF_TRY((*session)->SetInput(i, inputs[i].View()));
  }
  ANEREF_TRY(AboutModel(args.model, (*session)->Run()));
  ANEREF_TRY((*session)->ForEachValue(
      [&](const std::string& name, const TensorView& view) {
        tensors.push_back(DigestOf(name, view));
        return Status();
      }));
  return run;
}

// ---- the file ----

std::string FromFolderOf(const std::string& file, const std::string& path) {
  std::error_code error;
  const fs::path base = fs::absolute(fs::path(file)).parent_path();
  const fs::path relative = fs::relative(fs::absolute(path), base, error);
  return error || relative.empty() ? path : relative.string();
}

std::string LockText(const Lock& lock) {
  JsonWriter json;
  json.BeginObject();
  json.Member("format", kFormat);
  json.Member("model", lock.model);
  json.Member("inputs", lock.inputs);
  json.Key("input");
  json.BeginObject();
  for (const auto& [name, path] : lock.input) json.Member(name, path);
  json.EndObject();
  json.Member("target", lock.target);
  json.Member("numerics", lock.numerics);
  json.Member("precision", lock.precision);
  json.Member("no_fold", lock.no_fold);
  json.Key("tensors");
  json.BeginArray();
  for (const Digested& tensor : lock.tensors) {
    json.BeginObject();
    json.Member("name", tensor.name);
    json.Member("type", tensor.type);
    json.Member("digest", tensor.digest);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return json.Take() + "\n";
}

Expected<Lock> ParseLock(const JsonValue& root) {
  Lock lock;
  ANEREF_ASSIGN(const std::string format, RequiredText(root, "format"));
  if (format != kFormat) {
    return InvalidFile(
        "", "format '" + format + "', this version reads '" + kFormat + "'");
  }
  ANEREF_ASSIGN(lock.model, RequiredText(root, "model"));
  ANEREF_ASSIGN(lock.inputs, RequiredText(root, "inputs"));
  if (const JsonValue* input = root.Find("input")) {
    if (input->AsObject() == nullptr) {
      return InvalidFile("", "'input' is no object");
    }
    for (const auto& [name, path] : *input->AsObject()) {
      ANEREF_ASSIGN(std::string text, RequiredText(*input, name.c_str()));
      lock.input.emplace_back(name, std::move(text));
    }
  }
  ANEREF_ASSIGN(lock.target, RequiredText(root, "target"));
  ANEREF_ASSIGN(lock.numerics, RequiredText(root, "numerics"));
  ANEREF_ASSIGN(lock.precision, RequiredText(root, "precision"));
  const JsonValue* no_fold = root.Find("no_fold");
  lock.no_fold =
      no_fold != nullptr && no_fold->AsBool() != nullptr && *no_fold->AsBool();
  const JsonValue* tensors = root.Find("tensors");
  if (tensors == nullptr || tensors->AsArray() == nullptr) {
    return InvalidFile("", "has no list 'tensors'");
  }
  for (const JsonValue& object : *tensors->AsArray()) {
    Digested tensor;
    ANEREF_ASSIGN(tensor.name, RequiredText(object, "name"));
    ANEREF_ASSIGN(tensor.type, RequiredText(object, "type"));
    ANEREF_ASSIGN(tensor.digest, RequiredText(object, "digest"));
    lock.tensors.push_back(std::move(tensor));
  }
  return lock;
}

Expected<Lock> ReadLock(const std::string& path) {
  constexpr uint64_t kMost = uint64_t{256} << 20;
  ANEREF_ASSIGN(const std::vector<std::byte> bytes, ReadFile(path, kMost));
  ANEREF_ASSIGN(
      const JsonValue root,
      ParseJson({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                path));
  Expected<Lock> lock = ParseLock(root);
  if (!lock.ok()) return lock.status().WithContext(path);
  return lock;
}

// ---- lock ----

struct LockOptions {
  RunArgs run;
  std::string output;
  bool json = false;
};

Expected<int> RunLock(const LockOptions& options) {
  ANEREF_TRY(CheckWritable(options.output));
  ANEREF_ASSIGN(const Chip* chip, options.run.engine.FindTarget());
  Lock lock;
  ANEREF_ASSIGN(DigestedRun run, DigestRun(options.run));
  lock.tensors = std::move(run.tensors);
  for (const std::string& text : options.run.inputs.input) {
    ANEREF_ASSIGN(const NamedValue named,
                  SplitNamed("--input", text, run.inputs));
    lock.input.emplace_back(run.inputs[named.index].name,
                            FromFolderOf(options.output, named.value));
  }
  lock.model = FromFolderOf(options.output, options.run.model.path);
  if (!options.run.inputs.inputs.empty()) {
    lock.inputs = FromFolderOf(options.output, options.run.inputs.inputs);
  }
  lock.target = chip->name;
  lock.numerics = options.run.engine.numerics;
  lock.precision = options.run.model.precision;
  lock.no_fold = options.run.model.no_fold;
  const std::string text = LockText(lock);
  ANEREF_ASSIGN(AtomicFile file, AtomicFile::Create(options.output));
  ANEREF_TRY(file.Write(std::as_bytes(std::span(text))));
  ANEREF_TRY(file.Commit());
  if (options.json) {
    Json summary;
    summary["lock"] = options.output;
    summary["tensors"] = lock.tensors.size();
    summary["target"] = lock.target;
    summary["numerics"] = lock.numerics;
    PrintJson(summary);
  } else {
    std::printf("%s: %zu tensors locked, %s, target %s\n",
                options.output.c_str(), lock.tensors.size(),
                lock.numerics.c_str(), lock.target.c_str());
  }
  return 0;
}

Runner DeclareLock(CLI::App* app) {
  auto options = std::make_shared<LockOptions>();
  options->run.model.Declare(app);
  options->run.inputs.Declare(app);
  app->add_option("-o,--output", options->output, "The lock file to write")
      ->type_name("LOCK")
      ->required();
  options->run.engine.Declare(app);
  app->add_flag("--json", options->json, "Print one JSON document instead");
  return [options] { return RunLock(*options); };
}

// ---- verify ----

struct VerifyOptions {
  std::string lock;
  std::string model, inputs;  // instead of the lock's
  int threads = 0;
  std::string simd;
  bool json = false;
};

struct Changes {
  std::vector<std::string> changed, missing, added;
  size_t same = 0;
  bool AreNone() const {
    return changed.empty() && missing.empty() && added.empty();
  }
};

Changes Differences(const std::vector<Digested>& locked,
                    const std::vector<Digested>& found) {
  Changes changes;
  std::map<std::string, const Digested*> now;
  for (const Digested& tensor : found) now[tensor.name] = &tensor;
  std::map<std::string, bool> known;
  for (const Digested& tensor : locked) {
    known[tensor.name] = true;
    const auto match = now.find(tensor.name);
    if (match == now.end()) {
      changes.missing.push_back(tensor.name);
    } else if (match->second->digest != tensor.digest) {
      changes.changed.push_back(tensor.name);
    } else {
      ++changes.same;
    }
  }
  for (const Digested& tensor : found) {
    if (!known.contains(tensor.name)) changes.added.push_back(tensor.name);
  }
  return changes;
}

void PrintChanges(const VerifyOptions& options, const Changes& changes) {
  if (options.json) {
    Json out;
    out["pass"] = changes.AreNone();
    out["same"] = changes.same;
    out["first_changed"] =
        changes.changed.empty() ? Json(nullptr) : Json(changes.changed[0]);
    out["changed"] = changes.changed;
    out["missing"] = changes.missing;
    out["added"] = changes.added;
    PrintJson(out);
    return;
  }
  for (const std::string& name : changes.changed) {
    std::printf("changed  %s\n", name.c_str());
  }
  for (const std::string& name : changes.missing) {
    std::printf("missing  %s\n", name.c_str());
  }
  for (const std::string& name : changes.added) {
    std::printf("added    %s\n", name.c_str());
  }
  std::printf(
      "%s: %zu tensors have the locked bits, %zu changed, %zu are "
      "missing, %zu are new\n",
      changes.AreNone() ? "PASS" : "FAIL", changes.same, changes.changed.size(),
      changes.missing.size(), changes.added.size());
}

Expected<int> RunVerify(const VerifyOptions& options) {
  ANEREF_ASSIGN(const Lock lock, ReadLock(options.lock));
  const fs::path folder = fs::absolute(options.lock).parent_path();
  RunArgs args;
  args.model.path =
      options.model.empty() ? (folder / lock.model).string() : options.model;
  args.model.precision = lock.precision;
  args.model.no_fold = lock.no_fold;
  args.inputs.inputs = options.inputs;
  if (options.inputs.empty()) {
    if (!lock.inputs.empty()) {
      args.inputs.inputs = (folder / lock.inputs).string();
    }
    for (const auto& [name, path] : lock.input) {
      args.inputs.input.push_back(name + "=" + (folder / path).string());
    }
  }
  args.inputs.allow_nonfinite = true;
  args.engine.target = lock.target;
  args.engine.numerics = lock.numerics;
  args.engine.threads = options.threads;
  args.engine.simd = options.simd;
  ANEREF_ASSIGN(const DigestedRun found, DigestRun(args));
  const Changes changes = Differences(lock.tensors, found.tensors);
  PrintChanges(options, changes);
  return changes.AreNone() ? 0 : 1;
}

Runner DeclareVerify(CLI::App* app) {
  auto options = std::make_shared<VerifyOptions>();
  app->add_option("LOCK", options->lock, "A file that aneref lock wrote")
      ->required();
  app->add_option("--model", options->model,
                  "Another model than the lock's: which layers changed?")
      ->type_name("MODEL");
  app->add_option("--inputs", options->inputs, "Another place of the inputs")
      ->type_name("FILE.npz");
  app->add_option("--threads", options->threads,
                  "Threads (default: all cores); results never depend on it")
      ->type_name("N")
      ->check(CLI::Range(1, 256));
  app->add_option("--simd", options->simd)->group(kHiddenGroup);
  app->add_flag("--json", options->json, "Print one JSON document instead");
  return [options] { return RunVerify(*options); };
}

}  // namespace

const Verb kLockVerb = {
    "lock",
    "Write digests of every tensor of a run",
    "Runs a model once and writes one 64-bit digest per input and named "
    "tensor. "
    "aneref verify must find the same bits on any machine, and after an update "
    "of a converter it lists the layers that changed.",
    {{"aneref lock model.onnx --inputs in.npz -o model.lock",
      "digests in portable arithmetic"},
     {"aneref lock model.onnx --inputs in.npz -o m1.lock --numerics device "
      "--target m1",
      "digests in the M1's arithmetic"}},
    &DeclareLock};

const Verb kVerifyVerb = {
    "verify",
    "Check a run against the digests of a lock",
    "Runs the model of a lock file again, under the same numerics and target, "
    "and lists every tensor whose bits changed, in execution order. Exit "
    "status "
    "1: something changed.",
    {{"aneref verify model.lock", "the same bits on this machine?"},
     {"aneref verify model.lock --model new.onnx",
      "which layers did a new conversion change?"}},
    &DeclareVerify};

}  // namespace aneref::tool
