// aneref_model_*, aneref_plan_*, aneref_set_importer.
#include <sys/stat.h>

#include <cstdlib>

#include "runtime/capi/importer_hook.h"
#include "runtime/capi/model_object.h"
#include "runtime/capi/tensors.h"
#include "runtime/graph/format.h"

namespace aneref::capi {
namespace {

// Bytes of a caller that are given back when nobody reads them any more.
class CallersFile : public File {
 public:
  CallersFile(std::span<const std::byte> bytes,
              void (*release)(void*, const void*, size_t), void* user)
      : bytes_(bytes), release_(release), user_(user) {}
  ~CallersFile() override { release_(user_, bytes_.data(), bytes_.size()); }
  std::span<const std::byte> bytes() const override { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
  void (*release_)(void*, const void*, size_t);
  void* user_;
};

// A copy at an address that suits (Net::Parse reads in place).
class CopiedFile : public File {
 public:
  explicit CopiedFile(MemoryBlock block, size_t size)
      : block_(std::move(block)), size_(size) {}
  std::span<const std::byte> bytes() const override {
    return {block_.get(), size_};
  }

 private:
  MemoryBlock block_;
  size_t size_;
};

Expected<std::shared_ptr<const File>> CopyBytes(
    std::span<const std::byte> bytes) {
  ANEREF_ASSIGN(MemoryBlock block, AllocateBlock(bytes.size()));
  std::copy(bytes.begin(), bytes.end(), block.get());
  return std::shared_ptr<const File>(
      std::make_shared<CopiedFile>(std::move(block), bytes.size()));
}

Result CheckSize(const std::string& name, size_t size, uint64_t max_memory) {
  if (max_memory == 0 || size <= max_memory) return Result();
  return Result(LimitError(name + ": " + std::to_string(size) +
                           " bytes are over the limit of " +
                           std::to_string(max_memory)));
}

Result Publish(std::shared_ptr<const File> file, const std::string& name,
               const std::string& format, aneref_model** model) {
  Expected<std::shared_ptr<const Net>> net = Net::Parse(std::move(file), name);
  if (!net.ok()) return net.status();
  *model = MakeHandle<aneref_model>(
      std::make_shared<const ModelObject>(std::move(net).value(), format));
  return Result();
}

// A foreign format: by path, or by bytes.
Result Import(const char* path, std::span<const std::byte> bytes,
              const aneref_model_options& options, aneref_model** model) {
  const std::string name = options.name;
  const aneref_importer importer = CurrentImporter();
  if (importer.convert == nullptr) {
    return {ANEREF_NO_IMPORTER,
            name +
                ": is no .anem file; other formats need the library "
                "aneref_import and a call of aneref_import_enable"};
  }
  const void* anem = nullptr;
  size_t size = 0;
  aneref_error error = aneref_error_init();
  const aneref_status code =
      importer.convert(importer.user, path, bytes.data(), bytes.size(),
                       &options, &anem, &size, &error);
  if (code != ANEREF_OK) return {code, error.rule, error.message};
  std::shared_ptr<const File> file = std::make_shared<CallersFile>(
      std::span(static_cast<const std::byte*>(anem), size), importer.release,
      importer.user);
  ANEREF_CAPI_TRY(CheckSize(name, size, options.max_memory));
  return Publish(std::move(file), name, "imported", model);
}

// Some foreign models are folders. Not by <filesystem>, which would bring all
// of the streams and locales into small programs.
bool IsDirectory(const char* path) {
  struct stat info {};
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

Result LoadFile(const char* path, const aneref_model_options* given,
                aneref_model** model) {
  ANEREF_CAPI_TRY(NeedPointer(path, "path"));
  ANEREF_CAPI_TRY(NeedPointer(model, "model"));
  aneref_model_options options;
  ANEREF_CAPI_TRY(ReadStruct(given, "options", &options));
  if (options.name == nullptr) options.name = path;
  if (IsDirectory(path)) return Import(path, {}, options, model);
  Expected<std::shared_ptr<const File>> file = File::Map(path);
  if (!file.ok()) return file.status();
  if (!format::HasMagic((*file)->bytes()))
    return Import(path, {}, options, model);
  ANEREF_CAPI_TRY(
      CheckSize(options.name, (*file)->bytes().size(), options.max_memory));
  return Publish(std::move(file).value(), options.name, "anem", model);
}

Result LoadMemory(std::span<const std::byte> bytes,
                  std::shared_ptr<const File> callers,
                  const aneref_model_options& options, aneref_model** model) {
  ANEREF_CAPI_TRY(NeedPointer(bytes.data(), "bytes"));
  ANEREF_CAPI_TRY(NeedPointer(model, "model"));
  ANEREF_CAPI_TRY(CheckSize(options.name, bytes.size(), options.max_memory));
  if (!format::HasMagic(bytes)) return Import(nullptr, bytes, options, model);
  const bool aligned =
      reinterpret_cast<uintptr_t>(bytes.data()) % format::kDataAlignment == 0;
  if (callers != nullptr && aligned)
    return Publish(std::move(callers), options.name, "anem", model);
  Expected<std::shared_ptr<const File>> copy = CopyBytes(bytes);
  if (!copy.ok()) return copy.status();
  return Publish(std::move(copy).value(), options.name, "anem", model);
}

Result CreatePlan(const aneref_model* model, const aneref_plan_options* given,
                  aneref_plan** plan) {
  const auto object = FindObject(model);
  if (object == nullptr) return BadHandle("model");
  ANEREF_CAPI_TRY(NeedPointer(plan, "plan"));
  aneref_plan_options read;
  SessionOptions options;
  ANEREF_CAPI_TRY(ReadPlanOptions(given, &read, &options));
  for (const auto& [name, shape] : options.input_shapes) {
    size_t index = 0;
    ANEREF_CAPI_TRY(
        FindPort(object->ports(ANEREF_INPUT), name.c_str(), &index));
  }
  Expected<std::shared_ptr<const PreparedNet>> prepared =
      PreparedNet::Create(object->net(), options);
  if (!prepared.ok()) return prepared.status();
  const char* numerics = read.numerics != nullptr ? read.numerics : "portable";
  *plan = MakeHandle<aneref_plan>(std::make_shared<const PlanObject>(
      object, std::move(prepared).value(), options.chip, numerics,
      options.keep_intermediates));
  return Result();
}

// Runs `body` with a model or plan and its ports of a kind.
template <class Handle, class Body>
aneref_status WithPorts(const Handle* handle, const char* what,
                        aneref_port_kind kind, aneref_error* error, Body body) {
  return Guard(error, [&]() -> Result {
    const auto object = FindObject(handle);
    if (object == nullptr) return BadHandle(what);
    ANEREF_CAPI_TRY(CheckKind(kind));
    return body(*object);
  });
}

}  // namespace
}  // namespace aneref::capi

using namespace aneref;        // NOLINT: the C functions below are global
using namespace aneref::capi;  // NOLINT

aneref_status aneref_model_load_file(const char* path,
                                     const aneref_model_options* options,
                                     aneref_model** model,
                                     aneref_error* error) {
  return Guard(error, [&] { return LoadFile(path, options, model); });
}

aneref_status aneref_model_load_memory(const void* bytes, size_t size,
                                       const aneref_model_options* options,
                                       aneref_model** model,
                                       aneref_error* error) {
  return Guard(error, [&]() -> Result {
    aneref_model_options read;
    ANEREF_CAPI_TRY(ReadStruct(options, "options", &read));
    if (read.name == nullptr) read.name = "model in memory";
    const std::span<const std::byte> span(static_cast<const std::byte*>(bytes),
                                          size);
    // Whatever happens, it gives the bytes back in the end.
    std::shared_ptr<const File> callers;
    if (read.release != nullptr) {
      callers =
          std::make_shared<CallersFile>(span, read.release, read.release_user);
    }
    return LoadMemory(span, std::move(callers), read, model);
  });
}

aneref_status aneref_model_destroy(aneref_model* model) {
  return Guard(nullptr, [&]() -> Result {
    if (model == nullptr || RemoveObject(model) != nullptr) return Result();
    return BadHandle("model");
  });
}

aneref_status aneref_model_num_ports(const aneref_model* model,
                                     aneref_port_kind kind, size_t* count,
                                     aneref_error* error) {
  return WithPorts(model, "model", kind, error,
                   [&](const ModelObject& object) -> Result {
                     ANEREF_CAPI_TRY(NeedPointer(count, "count"));
                     *count = object.ports(kind).size();
                     return Result();
                   });
}

aneref_status aneref_model_port(const aneref_model* model,
                                aneref_port_kind kind, size_t index,
                                aneref_port* port, aneref_error* error) {
  return WithPorts(
      model, "model", kind, error, [&](const ModelObject& object) -> Result {
        ANEREF_CAPI_TRY(CheckIndex(index, object.ports(kind).size(), "port"));
        return WritePort(object.ports(kind)[index], nullptr, port);
      });
}

aneref_status aneref_model_find_port(const aneref_model* model,
                                     aneref_port_kind kind, const char* name,
                                     size_t* index, aneref_error* error) {
  return WithPorts(model, "model", kind, error,
                   [&](const ModelObject& object) -> Result {
                     return FindPort(object.ports(kind), name, index);
                   });
}

aneref_status aneref_model_label(const aneref_model* model, size_t index,
                                 size_t label, const char** text,
                                 aneref_error* error) {
  return WithPorts(
      model, "model", ANEREF_OUTPUT, error,
      [&](const ModelObject& object) -> Result {
        const std::vector<PortSpec>& outputs = object.ports(ANEREF_OUTPUT);
        ANEREF_CAPI_TRY(CheckIndex(index, outputs.size(), "output"));
        ANEREF_CAPI_TRY(
            CheckIndex(label, outputs[index].labels.size(), "label"));
        ANEREF_CAPI_TRY(NeedPointer(text, "text"));
        *text = outputs[index].labels[label].c_str();
        return Result();
      });
}

aneref_status aneref_plan_create(const aneref_model* model,
                                 const aneref_plan_options* options,
                                 aneref_plan** plan, aneref_error* error) {
  return Guard(error, [&] { return CreatePlan(model, options, plan); });
}

aneref_status aneref_plan_destroy(aneref_plan* plan) {
  return Guard(nullptr, [&]() -> Result {
    if (plan == nullptr || RemoveObject(plan) != nullptr) return Result();
    return BadHandle("plan");
  });
}

aneref_status aneref_plan_num_ports(const aneref_plan* plan,
                                    aneref_port_kind kind, size_t* count,
                                    aneref_error* error) {
  return WithPorts(plan, "plan", kind, error,
                   [&](const PlanObject& object) -> Result {
                     ANEREF_CAPI_TRY(NeedPointer(count, "count"));
                     *count = object.infos(kind).size();
                     return Result();
                   });
}

aneref_status aneref_plan_port(const aneref_plan* plan, aneref_port_kind kind,
                               size_t index, aneref_port* port,
                               aneref_error* error) {
  return WithPorts(
      plan, "plan", kind, error, [&](const PlanObject& object) -> Result {
        ANEREF_CAPI_TRY(CheckIndex(index, object.infos(kind).size(), "port"));
        const PortSpec& spec = object.model().ports(kind)[index];
        // Outputs that depend on data have no shape before a run.
        const bool settled =
            kind != ANEREF_OUTPUT || object.prepared()->plan() != nullptr;
        return WritePort(
            spec, settled ? &object.infos(kind)[index].type : nullptr, port);
      });
}

aneref_status aneref_plan_get_info(const aneref_plan* plan,
                                   aneref_plan_info* info,
                                   aneref_error* error) {
  return Guard(error, [&]() -> Result {
    const auto object = FindObject(plan);
    if (object == nullptr) return BadHandle("plan");
    const PreparedNet& prepared = *object->prepared();
    aneref_plan_info full = aneref_plan_info_init();
    full.target = object->chip().name.c_str();
    full.numerics = object->numerics().c_str();
    full.is_static = prepared.plan() != nullptr ? 1 : 0;
    full.constant_bytes = prepared.constant_bytes();
    full.arena_bytes = prepared.arena_bytes();
    full.num_ops = prepared.num_ops();
    if (prepared.plan() != nullptr)
      full.predicted_us = prepared.plan()->totals.predicted_us;
    return WriteStruct(full, "info", info);
  });
}
