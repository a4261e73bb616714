// Every refusal names the input, what came and what would be right.
#include "tools/inputs.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "runtime/core/convert.h"
#include "runtime/core/suggest.h"
#include "runtime/exec/memory_block.h"
#include "tools/atomic_file.h"
#include "tools/image.h"
#include "tools/npz.h"
#include "tools/special_inputs.h"
#include "tools/stats.h"

namespace aneref::tool {
namespace {

std::string NamesOf(const std::vector<PortSpec>& specs) {
  std::vector<std::string> names;
  for (const PortSpec& spec : specs) names.push_back("'" + spec.name + "'");
  return names.empty() ? "none" : JoinNames(names);
}

// Floats are named as the source declares them, whatever they became.
std::string TakenType(const PortSpec& spec) {
  return DataTypeName(IsFloating(spec.dtype) ? spec.declared : spec.dtype);
}

std::string Described(const PortSpec& spec) {
  return TakenType(spec) + " " + spec.ShapeText();
}

// The extents fit the declaration; 0 only where the model itself says 0, and in
// lists (axes, sizes), which may be empty.
Status CheckShape(const PortSpec& spec, const Shape& shape) {
  bool fits = !spec.has_shape || shape.rank() == spec.dims.size();
  for (size_t i = 0; fits && spec.has_shape && i < spec.dims.size(); ++i) {
    fits = spec.dims[i] < 0 || spec.dims[i] == shape[i];
  }
  if (!fits) {
    return InvalidArgument("input '" + spec.name + "': shape " +
                           shape.ToString() + ", the model takes " +
                           spec.ShapeText());
  }
  for (size_t i = 0; i < shape.rank(); ++i) {
    if (shape[i] == 0 && shape.rank() > 1 &&
        (!spec.has_shape || spec.dims[i] < 0)) {
      return InvalidArgument("input '" + spec.name + "': extent 0 in shape " +
                             shape.ToString());
    }
  }
  return Status();
}

// Any float for a float, any integer for an integer (values must fit, which
// the session checks), bool for bool; uint8 also for a float: pictures and
// other raw data, exact in every float type.
Status CheckType(const PortSpec& spec, DataType type) {
  const bool fits = (IsFloating(spec.dtype) &&
                     (IsFloating(type) || type == DataType::kUint8)) ||
                    (IsInteger(spec.dtype) && IsInteger(type)) ||
                    spec.dtype == type;
  if (fits) return Status();
  return InvalidArgument("input '" + spec.name + "': type " +
                         DataTypeName(type) + ", the model takes " +
                         TakenType(spec));
}

ImageSize WantedSize(const PortSpec& spec) {
  const size_t rank = spec.dims.size();
  if (rank < 2) return {};
  return {std::max<int64_t>(spec.dims[rank - 2], 0),
          std::max<int64_t>(spec.dims[rank - 1], 0)};
}

// [C,H,W] to the input's rank by leading ones.
Array WithLeadingOnes(Array planes, const PortSpec& spec) {
  while (planes.type.shape.rank() < std::min(spec.dims.size(), kMaxRank)) {
    planes.type.shape.Insert(0, 1);
  }
  return planes;
}

// A sequence may be fed without its first axes, Seq and B, as Core ML takes it.
Array WithSequenceAxes(Array array, const PortSpec& spec) {
  const bool has_sequence =
      spec.dim_names.size() > 1 && spec.dim_names[1].starts_with("B of ");
  if (has_sequence && array.type.shape.rank() < spec.dims.size())
    return WithLeadingOnes(std::move(array), spec);
  return array;
}

bool EqualsDeclared(const PortSpec& spec, const Shape& shape) {
  return spec.has_shape && CheckShape(spec, shape).ok();
}

class Loader {
 public:
  Loader(const Net& net, uint64_t max_memory,
         const std::vector<std::string>& sequence)
      : specs_(InputSpecs(net)), max_memory_(max_memory), sequence_(sequence) {
    arrays_.resize(specs_.size());
  }

  Status FromOption(const std::string& text) {
    ANEREF_ASSIGN(const NamedValue named, SplitNamed("--input", text, specs_));
    if (arrays_[named.index]) {
      return InvalidArgument("input '" + specs_[named.index].name +
                             "' is given twice");
    }
    ANEREF_ASSIGN(Array array, FromFile(specs_[named.index], named.value));
    return Set(named.index, std::move(array));
  }

  Status FromArchive(const std::string& path) {
    if (path.empty()) return Status();
    ANEREF_ASSIGN(const NpzReader npz, NpzReader::Open(path, max_memory_));
    for (const std::string& name : npz.names()) {
      const auto spec =
          std::find_if(specs_.begin(), specs_.end(),
                       [&](const PortSpec& s) { return s.name == name; });
      if (spec == specs_.end()) {
        return InvalidArgument(path + ": no input is called '" + name +
                               "'; the model's inputs are: " + NamesOf(specs_));
      }
      const auto index = static_cast<size_t>(spec - specs_.begin());
      if (arrays_[index]) continue;  // --input wins
      ANEREF_ASSIGN(Array array, npz.Read(name));
      ANEREF_TRY(Set(index, std::move(array)));
    }
    return Status();
  }

  Expected<std::vector<Array>> Finish() {
    std::vector<Array> out;
    for (size_t i = 0; i < specs_.size(); ++i) {
      if (!arrays_[i]) {
        return InvalidArgument("input '" + specs_[i].name +
                               "' is missing, give --input '" + specs_[i].name +
                               "=FILE' (" + Described(specs_[i]) + ")");
      }
      out.push_back(std::move(*arrays_[i]));
    }
    return out;
  }

 private:
  Expected<Array> FromFile(const PortSpec& spec,
                           const std::string& path) const {
    if (IsImageFile(path)) {
      if (spec.image == fbs::ImageLayout::none) {
        return InvalidArgument("input '" + spec.name + "' is no image input, " +
                               path + " cannot be used; give an .npy of " +
                               Described(spec));
      }
      ANEREF_ASSIGN(Array planes,
                    ReadImage(path, spec.image, WantedSize(spec)));
      return WithLeadingOnes(std::move(planes), spec);
    }
    if (path.ends_with(".npz")) {
      ANEREF_ASSIGN(const NpzReader npz, NpzReader::Open(path, max_memory_));
      const bool only = npz.names().size() == 1 && !npz.Has(spec.name);
      return npz.Read(only ? npz.names().front() : spec.name);
    }
    // Headers come on top of what the limit counts.
    ANEREF_ASSIGN(
        const std::vector<std::byte> file,
        ReadFile(path, max_memory_ ? max_memory_ + kMaxNpyHeader : 0));
    return ParseNpy(file, path);
  }

  Status Set(size_t index, Array array) {
    const PortSpec& spec = specs_[index];
    if (spec.image != fbs::ImageLayout::none &&
        array.type.dtype == DataType::kUint8 &&
        !EqualsDeclared(spec, array.type.shape)) {
      ANEREF_ASSIGN(Array planes,
                    ImageFromPixels(array, spec.image, WantedSize(spec),
                                    "input '" + spec.name + "'"));
      array = WithLeadingOnes(std::move(planes), spec);
    }
    array = WithSequenceAxes(std::move(array), spec);
    Shape shape = array.type.shape;
    const bool has_steps = std::find(sequence_.begin(), sequence_.end(),
                                     spec.name) != sequence_.end();
    if (has_steps && shape.rank() > 0) shape.Erase(0);
    ANEREF_TRY(CheckShape(spec, shape));
    ANEREF_TRY(CheckType(spec, array.type.dtype));
    arrays_[index] = std::move(array);
    return Status();
  }

  std::vector<PortSpec> specs_;
  uint64_t max_memory_;
  const std::vector<std::string>& sequence_;
  std::vector<std::optional<Array>> arrays_;
};

// splitmix64: the same values on every machine.
uint64_t NextRandom(uint64_t* state) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace

void InputArgs::Declare(CLI::App* app) {
  app->add_option("--input", input,
                  "One input: .npy, .npz, or .png/.jpg for image inputs; NAME= "
                  "may be left out when there is one input (repeatable)")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false);
  app->add_option("--inputs", inputs, "All inputs from one archive, by name")
      ->type_name("FILE.npz");
  app->add_option("--shape", shape,
                  "Extents of an input whose shape the model leaves open, "
                  "such as x=1,3,224,224 (repeatable)")
      ->type_name("NAME=DIMS")
      ->allow_extra_args(false);
  app->add_flag("--allow-nonfinite", allow_nonfinite,
                "Accept NaN and infinities in inputs");
}

Expected<NamedValue> SplitNamed(const std::string& option,
                                const std::string& text,
                                const std::vector<PortSpec>& specs) {
  std::optional<NamedValue> best;
  size_t longest = 0;
  for (size_t i = 0; i < specs.size(); ++i) {
    const std::string& name = specs[i].name;
    if (text.size() <= name.size() || !text.starts_with(name) ||
        text[name.size()] != '=' || (best && name.size() < longest)) {
      continue;
    }
    best = NamedValue{i, text.substr(name.size() + 1)};
    longest = name.size();
  }
  if (best) return *best;
  const size_t equals = text.find('=');
  if (specs.size() == 1 && equals == std::string::npos) {
    return NamedValue{0, text};
  }
  if (equals == std::string::npos) {
    return InvalidArgument(
        option + " '" + text +
        "' names no input; the model's inputs are: " + NamesOf(specs));
  }
  return InvalidArgument(option + ": no input is called '" +
                         text.substr(0, equals) +
                         "'; the model's inputs are: " + NamesOf(specs));
}

Expected<std::map<std::string, Shape>> ParseShapes(
    const std::vector<std::string>& texts, const std::vector<PortSpec>& specs) {
  std::map<std::string, Shape> shapes;
  for (const std::string& text : texts) {
    ANEREF_ASSIGN(const NamedValue named, SplitNamed("--shape", text, specs));
    const PortSpec& spec = specs[named.index];
    std::vector<int64_t> dims;
    const char* at = named.value.data();
    const char* end = at + named.value.size();
    while (at < end) {
      int64_t dim = 0;
      const auto read = std::from_chars(at, end, dim);
      const bool comma = read.ptr != end;
      if (read.ec != std::errc() || dim < 0 ||
          (comma && (*read.ptr != ',' || read.ptr + 1 == end))) {
        return InvalidArgument("--shape '" + text +
                               "': expected extents such as 1,3,224,224");
      }
      dims.push_back(dim);
      at = read.ptr + (comma ? 1 : 0);
    }
    const Expected<Shape> shape = MakeShape(dims);
    if (!shape.ok()) return shape.status().WithContext("--shape " + text);
    ANEREF_TRY(CheckShape(spec, *shape).WithContext("--shape"));
    if (!shapes.emplace(spec.name, *shape).second) {
      return InvalidArgument("--shape: '" + spec.name + "' is given twice");
    }
  }
  return shapes;
}

Expected<std::vector<Array>> LoadInputs(const InputArgs& args, const Net& net,
                                        uint64_t max_memory) {
  Loader loader(net, max_memory, args.sequence);
  for (const std::string& text : args.input) {
    ANEREF_TRY(loader.FromOption(text));
  }
  ANEREF_TRY(loader.FromArchive(args.inputs));
  ANEREF_ASSIGN(std::vector<Array> arrays, loader.Finish());
  const std::vector<PortSpec> specs = InputSpecs(net);
  ANEREF_ASSIGN(const auto shapes, ParseShapes(args.shape, specs));
  for (size_t i = 0; i < arrays.size(); ++i) {
    const auto shape = shapes.find(specs[i].name);
    if (shape != shapes.end() && !(shape->second == arrays[i].type.shape)) {
      return InvalidArgument("input '" + specs[i].name + "': shape " +
                             arrays[i].type.shape.ToString() +
                             " is not that of --shape, " +
                             shape->second.ToString());
    }
    const Stats stats = ComputeStats(arrays[i].View());
    const int tensor =
        net.main_graph().inputs()->Get(static_cast<unsigned>(i))->tensor();
    if (stats.nonfinite > 0 && !args.allow_nonfinite &&
        !ExpectsNonfinite(net.main_graph(), tensor, arrays[i].View())) {
      return InvalidArgument("input '" + specs[i].name +
                             "': " + std::to_string(stats.nonfinite) +
                             " values are NaN or infinite "
                             "(--allow-nonfinite takes them as they are)");
    }
  }
  return arrays;
}

Expected<std::vector<Array>> MakeInputs(
    const Net& net, const std::map<std::string, Shape>& shapes,
    uint64_t max_memory) {
  std::vector<Array> arrays;
  uint64_t state = 1;
  for (const PortSpec& spec : InputSpecs(net)) {
    const auto given = shapes.find(spec.name);
    const bool open =
        !spec.has_shape || std::any_of(spec.dims.begin(), spec.dims.end(),
                                       [](int64_t dim) { return dim < 0; });
    if (given == shapes.end() && open) {
      return InvalidArgument("input '" + spec.name + "' has the open shape " +
                             spec.ShapeText() + ", give --shape '" + spec.name +
                             "=...'");
    }
    Expected<Shape> shape =
        given != shapes.end() ? given->second : MakeShape(spec.dims);
    if (!shape.ok()) return shape.status().WithContext(spec.name);
    const DataType type =
        IsFloating(spec.dtype) ? DataType::kFloat32 : spec.dtype;
    Array array{{type, *shape}, {}};
    if (max_memory != 0 && DenseBytes(array.type) > max_memory) {
      return LimitError("input '" + spec.name + "' has " +
                        std::to_string(DenseBytes(array.type)) +
                        " bytes, over the limit of " +
                        std::to_string(max_memory));
    }
    if (Status status = CheckAvailable(DenseBytes(array.type)); !status.ok())
      return status.WithContext("input '" + spec.name + "'");
    array.bytes.resize(DenseBytes(array.type));
    if (type == DataType::kFloat32) {
      auto* values = reinterpret_cast<float*>(array.bytes.data());
      for (int64_t i = 0; i < shape->NumElements(); ++i) {
        // 24 random bits in [0, 2^24) to [-1, 1), exact.
        const auto bits = static_cast<int32_t>(NextRandom(&state) >> 40);
        values[i] = static_cast<float>(bits - (1 << 23)) * 0x1p-23f;
      }
    }
    arrays.push_back(std::move(array));
  }
  return arrays;
}

Expected<std::vector<Array>> LoadOrMakeInputs(
    const InputArgs& args, const Net& net,
    const std::map<std::string, Shape>& shapes, uint64_t max_memory) {
  if (!args.input.empty() || !args.inputs.empty())
    return LoadInputs(args, net, max_memory);
  return MakeInputs(net, shapes, max_memory);
}

}  // namespace aneref::tool
