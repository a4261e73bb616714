// Plants every fault of faults.h into dumps of real networks (faults that none
// of them has a place for: into networks built here) and counts how often the
// bisection names the right op and blames the right cause. Prints each
// planting; --markdown PAGE writes the figures between the page's marks,
// --check PAGE compares them. Skipped, visibly, without the networks.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "ops/registry.h"
#include "runtime/explain/bisect.h"
#include "runtime/explain/bounds.h"
#include "runtime/import/importer.h"
#include "tests/explain/faults.h"
#include "tools/atomic_file.h"
#include "tools/npy.h"

namespace aneref::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNetworks[] = {"mnist_cntk",
                                     "policy_bh",
                                     "keras_small",
                                     "ultraface_rfb_320",
                                     "bert_tiny_random",
                                     "yunet_n_320",
                                     "gesture_history_lstm",
                                     "face_antispoof",
                                     "superres_espcn_224",
                                     "t5_random_encoder",
                                     "person_detector_rpi",
                                     "espcn_bsd300_nnresize",
                                     "fp16_overflow_matmuls",
                                     "squeezenet_fp16",
                                     "policy_apollo",
                                     "ocr_cls_ppv2",
                                     "fastestdet",
                                     "gtcrn_simple",
                                     "magika_v3_3",
                                     "nnsplit_en"};
constexpr const char* kBegin = "<!-- planted_faults -->\n";
constexpr const char* kEnd = "<!-- /planted_faults -->\n";

struct Network {
  std::string name;
  bool built = false;
  std::shared_ptr<const Net> net;
  ReplayOptions options;
  std::vector<OwnedTensor> inputs;
  // Runs without a fault, by scenario.
  std::map<const void*, std::unique_ptr<Replay>> runs;
};

// Whose dump is compared with whose arithmetic.
struct Scenario {
  const char* title;
  const char* heading;
  Arithmetic dumped, compared;
  BisectOptions options;
  int plantings = 1;  // of each fault
};

struct Planting {
  const Fault* fault = nullptr;
  Network* network = nullptr;
  size_t step = 0;
  std::string node, op;
};

struct Outcome {
  std::string named;  // the op that the bisection names
  std::string blamed;
  bool right_op = false;
  bool right_cause = false;  // also: no cause where there is none
};

struct Tally {
  int planted = 0, right_op = 0, right_cause = 0;
};

template <class T>
T Must(Expected<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
    std::exit(1);
  }
  return std::move(*value);
}
void Must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

std::optional<Network> Load(const fs::path& folder) {
  Network network;
  network.name = folder.filename().string();
  ImportSummary summary;
  auto bytes =
      ImportModel((folder / "model.onnx").string(), ImportOptions(), &summary);
  if (!bytes.ok()) return std::nullopt;
  network.net =
      Must(Net::Parse(File::FromBuffer(std::move(*bytes)), network.name));
  const auto* ports = network.net->main_graph().inputs();
  for (unsigned i = 0; ports != nullptr && i < ports->size(); ++i) {
    const std::string path =
        (folder / "case_0" / ("input_" + std::to_string(i) + ".npy")).string();
    const auto array = Must(tool::ParseNpy(Must(tool::ReadFile(path)), path));
    const auto tensor = static_cast<unsigned>(ports->Get(i)->tensor());
    const auto* name = network.net->main_graph().tensors()->Get(tensor)->name();
    network.options.input_shapes[name->str()] = array.type.shape;
    network.inputs.push_back(Must(CopyDense(array.View())));
  }
  network.options.threads = 1;
  return network;
}

Network Built(const BuiltNetwork& built) {
  Network network;
  network.name = built.name;
  network.built = true;
  network.net = built.net;
  OwnedTensor input =
      Must(AllocateTensor({DataType::kFloat64, Shape(built.input_shape)}));
  std::memcpy(input.bytes.get(), built.input.data(), built.input.size() * 8);
  network.inputs.push_back(std::move(input));
  return network;
}

std::unique_ptr<Replay> MakeReplay(const Network& network,
                                   const Arithmetic& arithmetic) {
  ReplayOptions options = network.options;
  options.arithmetic = arithmetic;
  std::unique_ptr<Replay> replay = Must(Replay::Create(network.net, options));
  for (size_t i = 0; i < network.inputs.size(); ++i) {
    Must(replay->SetInput(i, network.inputs[i].View()));
  }
  return replay;
}

// A run without a fault, made once.
Replay* RightRun(Network* network, const Scenario& scenario) {
  std::unique_ptr<Replay>& replay = network->runs[scenario.dumped.device.get()];
  if (replay == nullptr) {
    replay = MakeReplay(*network, scenario.dumped);
    Must(replay->Run(nullptr));
  }
  return replay.get();
}

FaultSite SiteOf(Replay* replay, size_t step, const HostValues& in,
                 const HostValue& out, const Arithmetic& arithmetic) {
  FaultSite site;
  site.replay = replay;
  site.step = step;
  site.node = replay->steps()[step].node;
  site.in = in;
  site.shape = out.view.shape;
  site.out = Must(ElementsOfValue(out));
  site.arithmetic = arithmetic;
  return site;
}

bool CanHoldFault(const Replay& replay, size_t step) {
  const Replay::Step& at = replay.steps()[step];
  return !at.outputs.empty() && at.outputs[0] >= 0 &&
         !replay.ValueName(at.outputs[0]).empty() &&
         at.node->op_type() != fbs::Op::Control;
}

bool Differs(const std::vector<double>& a, const std::vector<double>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!SameValue(a[i], b[i])) return true;
  }
  return false;
}

// The first op, from a fixed place on, at which the fault changes anything.
std::optional<Planting> Place(const Fault& fault, Network* network, size_t salt,
                              const Scenario& scenario) {
  Replay* replay = RightRun(network, scenario);
  const size_t count = replay->steps().size();
  for (size_t k = 0; k < count; ++k) {
    const size_t step = (salt * 7 + k) % count;
    if (!CanHoldFault(*replay, step)) continue;
    HostValues in;
    for (int32_t index : replay->steps()[step].inputs) {
      in.push_back(index < 0 ? HostValue{} : replay->value(index));
    }
    const HostValue& out = replay->value(replay->steps()[step].outputs[0]);
    if (!IsFloating(out.view.dtype)) continue;
    const FaultSite site = SiteOf(replay, step, in, out, scenario.dumped);
    const std::vector<double> faulty = fault.plant(site);
    if (faulty.size() != site.out.size() || !Differs(faulty, site.out)) {
      continue;
    }
    return Planting{&fault, network, step, StepName(*replay, step),
                    OpName(*site.node)};
  }
  return std::nullopt;
}

// All values of a run with the fault in it.
std::map<int32_t, OwnedTensor> FaultyDump(const Planting& planting,
                                          const Arithmetic& arithmetic) {
  const auto replay = MakeReplay(*planting.network, arithmetic);
  std::map<int32_t, OwnedTensor> dump;
  Must(replay->Run([&](size_t step, const HostValues& in, HostValues* out) {
    if (step == planting.step) {
      const FaultSite site =
          SiteOf(replay.get(), step, in, (*out)[0], arithmetic);
      const std::vector<double> faulty = planting.fault->plant(site);
      if (faulty.size() == site.out.size()) {
        (*out)[0] = Must(WithElements((*out)[0], faulty));
      }
    }
    const std::vector<int32_t>& outputs = replay->steps()[step].outputs;
    for (size_t k = 0; k < outputs.size() && k < out->size(); ++k) {
      if (outputs[k] < 0 || replay->ValueName(outputs[k]).empty()) continue;
      dump[outputs[k]] = Must(CopyDense((*out)[k].view));
    }
    return Status();
  }));
  return dump;
}

Outcome Judge(const Planting& planting, const Scenario& scenario) {
  const auto dump = FaultyDump(planting, scenario.dumped);
  const auto replay = MakeReplay(*planting.network, scenario.compared);
  const Bisection bisection =
      Must(Bisect(replay.get(), dump, scenario.options));
  Outcome outcome;
  if (bisection.first < 0) return outcome;
  const Finding& first =
      bisection.findings[static_cast<size_t>(bisection.first)];
  outcome.named = first.node;
  outcome.blamed = first.quirk == nullptr ? "" : first.quirk->id;
  outcome.right_op = first.step == planting.step;
  outcome.right_cause =
      outcome.right_op && outcome.blamed == planting.fault->blame;
  return outcome;
}

Arithmetic Engine(const char* profile) {
  return {Numerics::kDevice,
          std::make_shared<const DeviceContext>(Must(NamedProfile(profile)))};
}

class Figures {
 public:
  void Add(const Scenario& scenario, const Planting& planting,
           const Outcome& outcome) {
    for (Tally* tally :
         {&totals_[&scenario], &by_fault_[{planting.fault, &scenario}]}) {
      ++tally->planted;
      tally->right_op += outcome.right_op;
      tally->right_cause += outcome.right_cause;
    }
    if (*planting.fault->blame != '\0') {
      ++causes_[&scenario].planted;
      causes_[&scenario].right_cause += outcome.right_cause;
    }
    (planting.network->built ? built_ : networks_)
        .insert(planting.network->name);
    const std::string blame =
        outcome.blamed.empty() ? "no cause" : outcome.blamed;
    std::printf("%s: %s in %s, %s '%s': %s, %s\n", scenario.heading,
                planting.fault->id, planting.network->name.c_str(),
                planting.op.c_str(), planting.node.c_str(),
                outcome.right_op
                    ? "named"
                    : ("MISSED for '" + outcome.named + "'").c_str(),
                (outcome.right_cause ? blame : "WRONGLY " + blame).c_str());
    std::fflush(stdout);
  }

  std::string Page(std::span<const Scenario> scenarios) const {
    std::string text =
        std::to_string(AllFaults().size()) + " faults in " +
        std::to_string(networks_.size()) + " networks of the corpora and " +
        std::to_string(built_.size()) +
        " built for the purpose:\n\n"
        "| dump and comparison | planted | right op | right cause |\n"
        "| --- | --- | --- | --- |\n";
    for (const Scenario& scenario : scenarios) {
      const Tally& total = totals_.at(&scenario);
      const Tally& cause = causes_.at(&scenario);
      text += "| " + std::string(scenario.title) + " | " +
              std::to_string(total.planted) + " | " +
              std::to_string(total.right_op) + " | " +
              std::to_string(cause.right_cause) + " of " +
              std::to_string(cause.planted) + " |\n";
    }
    text +=
        "\nPer fault: how often the right op is named with the right cause, "
        "where the fault changes anything.\n\n| fault | what it does | to be "
        "blamed |";
    std::string rule = "| --- | --- | --- |";
    for (const Scenario& scenario : scenarios) {
      text += " " + std::string(scenario.heading) + " |";
      rule += " --- |";
    }
    text += "\n" + rule + "\n";
    for (const Fault& fault : AllFaults()) {
      text += "| `" + std::string(fault.id) + "` | " + fault.what + " | " +
              (*fault.blame == '\0' ? std::string("nothing known")
                                    : "`" + std::string(fault.blame) + "`") +
              " |";
      for (const Scenario& scenario : scenarios) {
        const auto found = by_fault_.find({&fault, &scenario});
        text += found == by_fault_.end()
                    ? " - |"
                    : " " + std::to_string(found->second.right_cause) + " of " +
                          std::to_string(found->second.planted) + " |";
      }
      text += "\n";
    }
    return text;
  }

  // At least 38 of 40 ops, every cause, every fault planted, 12 networks.
  bool Suffice(std::span<const Scenario> scenarios) const {
    bool enough = networks_.size() >= 12 && AllFaults().size() >= 40;
    for (const Scenario& scenario : scenarios) {
      const Tally& total = totals_.at(&scenario);
      const Tally& cause = causes_.at(&scenario);
      enough = enough && total.right_op * 40 >= total.planted * 38 &&
               cause.right_cause == cause.planted;
    }
    for (const Fault& fault : AllFaults()) {
      enough = enough && by_fault_.contains({&fault, &scenarios[0]});
    }
    return enough;
  }

 private:
  std::map<const Scenario*, Tally> totals_, causes_;
  std::map<std::pair<const Fault*, const Scenario*>, Tally> by_fault_;
  std::set<std::string> networks_, built_;
};

void PlantAll(std::vector<Network>* networks, const Scenario& scenario,
              Figures* figures) {
  size_t corpora = 0;
  for (const Network& network : *networks) corpora += !network.built;
  size_t salt = 0;
  for (const Fault& fault : AllFaults()) {
    int planted = 0;
    for (size_t k = 0; k < networks->size() && planted < scenario.plantings;
         ++k) {
      // The corpora's in turn, the built ones where nothing else fits.
      if (k >= corpora && planted > 0) break;
      Network* network = &(*networks)[k < corpora ? (salt + k) % corpora : k];
      const auto planting = Place(fault, network, salt, scenario);
      if (!planting) continue;
      figures->Add(scenario, *planting, Judge(*planting, scenario));
      ++planted;
    }
    if (planted == 0) std::printf("%s: no place\n", fault.id);
    salt += 3;
  }
}

std::string ReadText(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The page with the figures between its marks; empty: it has no marks.
std::string WithFigures(const std::string& page, const std::string& figures) {
  const size_t begin = page.find(kBegin), end = page.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos) return "";
  return page.substr(0, begin) + kBegin + figures + page.substr(end);
}

int Main(int argc, char** argv) {
  const fs::path corpus = fs::path(ANEREF_SOURCE_DIR) / "../shared/models/onnx";
  if (!fs::is_directory(corpus)) {
    std::printf("ALL CASES SKIPPED: no networks at %s\n",
                corpus.string().c_str());
    return 0;
  }
  std::vector<Network> networks;
  for (const char* name : kNetworks) {
    if (auto network = Load(corpus / name)) {
      networks.push_back(std::move(*network));
    }
  }
  for (const BuiltNetwork& built : BuiltNetworks()) {
    networks.push_back(Built(built));
  }
  BisectOptions options;
  options.h13 = Engine("h13");
  options.h16 = Engine("h16");
  const Arithmetic portable{Numerics::kPortable, nullptr};
  const Profile profile = Must(NamedProfile("h13"));
  BisectOptions noisy = options;
  noisy.engine = &profile;
  const std::vector<Scenario> scenarios = {
      {"`portable` on both sides", "portable", portable, portable, options, 2},
      {"an M1's arithmetic on both sides", "M1", options.h13, options.h13,
       options, 1},
      {"an M1's dump, compared in `portable`", "M1 in portable", options.h13,
       portable, noisy, 1}};
  Figures figures;
  for (const Scenario& scenario : scenarios) {
    PlantAll(&networks, scenario, &figures);
  }
  const std::string text = figures.Page(scenarios);
  std::printf("\n%s", text.c_str());
  for (int i = 1; i + 1 < argc; ++i) {
    const std::string page = ReadText(argv[i + 1]);
    const std::string fresh = WithFigures(page, text);
    if (std::strcmp(argv[i], "--markdown") == 0 && !fresh.empty()) {
      std::ofstream(argv[i + 1]) << fresh;
    }
    if (std::strcmp(argv[i], "--check") == 0 && fresh != page) {
      std::printf("%s is not current: run planted_faults --markdown %s\n",
                  argv[i + 1], argv[i + 1]);
      return 1;
    }
  }
  return figures.Suffice(scenarios) ? 0 : 1;
}

}  // namespace
}  // namespace aneref::test

int main(int argc, char** argv) { return aneref::test::Main(argc, argv); }
