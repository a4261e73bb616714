#!/usr/bin/python3
"""Trains the digit reader and writes digits.onnx, RESULTS.md and samples/ beside itself; --check reads them back.

Plain numpy on pictures that fonts.py draws while training runs: there is no data set. One seed fixes the drawings, the
first weights and the order of everything; the bits of the weights also depend on the BLAS library and the processor.
"""
import argparse
import os
import platform
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")  # the order of its sums depends on the number of threads

import numpy as np
from PIL import Image

import fonts
import network
import onnx_file

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "digits.onnx")
SAMPLES = os.path.join(HERE, "samples")
VALIDATION_COUNT = 5000
HELD_OUT_COUNT = 3000   # per family
REQUIRED_ACCURACY = 0.98


def learning_rate(progress, peak):
    """Rises over the first 3 %, then falls to zero along a cosine; progress runs from 0 to 1."""
    return peak * min(1.0, progress / 0.03) * 0.5 * (1.0 + np.cos(np.pi * progress))


def train(families, options):
    """The parameters after options.rounds rounds, each on freshly drawn pictures."""
    parameters = network.initial_parameters(np.random.default_rng([options.seed, 0]))
    drawing = np.random.default_rng([options.seed, 1])
    optimiser = network.Adam(parameters)
    steps_per_round = options.pictures // options.batch
    for round_index in range(options.rounds):
        start = time.monotonic()
        images, digits = fonts.draw_set(families, steps_per_round * options.batch, drawing)
        drawn, total_loss = time.monotonic(), 0.0
        for step in range(steps_per_round):
            batch = slice(step * options.batch, (step + 1) * options.batch)
            progress = (round_index + (step + 1) / steps_per_round) / options.rounds
            loss, gradients = network.loss_and_gradients(parameters, network.normalise(images[batch]), digits[batch])
            optimiser.step(parameters, gradients, learning_rate(progress, options.rate))
            total_loss += loss
        print(f"round {round_index + 1}/{options.rounds}: loss {total_loss / steps_per_round:.4f}, "
              f"drawing {drawn - start:.1f} s, learning {time.monotonic() - drawn:.1f} s", flush=True)
    return parameters


def measure(parameters, images, digits):
    """Accuracy and the pairs (digit, what was read) of the mistakes."""
    read = network.predict(parameters, images).argmax(axis=1)
    wrong = np.flatnonzero(read != digits)
    return 1.0 - len(wrong) / len(digits), [(int(digits[index]), int(read[index])) for index in wrong]


def measure_held_out(parameters, seed):
    """{family: (accuracy, mistakes)} of families that training never saw."""
    results = {}
    for index, (name, entry) in enumerate(fonts.HELD_OUT_FONTS.items()):
        rng = np.random.default_rng([seed, 3, index])
        results[name] = measure(parameters, *fonts.draw_set([fonts.load_family(entry)], HELD_OUT_COUNT, rng))
    return results


def write_samples(seed):
    """One picture of each digit, the held-out families in turn: the first drawings of their own seed, not chosen."""
    os.makedirs(SAMPLES, exist_ok=True)
    families = [fonts.load_family(entry) for entry in fonts.HELD_OUT_FONTS.values()]
    rng = np.random.default_rng([seed, 4])
    with open(os.path.join(SAMPLES, "expected.tsv"), "w", encoding="utf-8") as table:
        table.write("file\tdigit\n")
        for digit in range(10):
            family = families[digit % len(families)]
            picture = fonts.draw_digit(family[rng.integers(len(family))][digit], rng)
            Image.fromarray(picture).save(os.path.join(SAMPLES, f"digit_{digit}.png"), optimize=True)
            table.write(f"digit_{digit}.png\t{digit}\n")


def mistakes_text(mistakes):
    """'1 read as 7: 12' for the three most frequent confusions."""
    counts = {}
    for pair in mistakes:
        counts[pair] = counts.get(pair, 0) + 1
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:3]
    return "; ".join(f"{digit} read as {read}: {count}" for (digit, read), count in frequent) or "none"


def font_table(families):
    rows = ["| family | package | files |", "| --- | --- | --- |"]
    rows += [f"| {name} | `{entry[0]}` | {len(entry[3])} |" for name, entry in families.items()]
    return rows


def write_results(options, parameters, validation, held_out, seconds):
    """RESULTS.md: everything in it is measured by this run."""
    overall = np.mean([accuracy for accuracy, _ in held_out.values()])
    lines = ["# What the digit reader reached", "", "Written by `train.py`; do not edit.", "",
             "| measured on | pictures | accuracy | most frequent mistakes |", "| --- | --- | --- | --- |",
             f"| training fonts, new drawings | {VALIDATION_COUNT} | {validation[0]:.2%} | {mistakes_text(validation[1])} |"]
    lines += [f"| held out: {name} | {HELD_OUT_COUNT} | {accuracy:.2%} | {mistakes_text(mistakes)} |"
              for name, (accuracy, mistakes) in held_out.items()]
    lines += [f"| **held out, together** | {HELD_OUT_COUNT * len(held_out)} | **{overall:.2%}** | "
              f"{mistakes_text([pair for _, mistakes in held_out.values() for pair in mistakes])} |", "",
              f"- Parameters: {sum(value.size for value in parameters)}; `digits.onnx` has "
              f"{os.path.getsize(MODEL)} bytes.",
              f"- Training: seed {options.seed}, {options.rounds} rounds of "
              f"{options.pictures // options.batch * options.batch} freshly drawn pictures in batches of {options.batch}, "
              f"Adam with peak rate {options.rate}.",
              f"- Time: {seconds:.0f} s for drawing and learning with 2 BLAS threads "
              f"(Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}).",
              "- Accuracies are those of the float32 parameters in numpy.", "", "## Training fonts", "",
              *font_table(fonts.TRAINING_FONTS), "", "## Held-out fonts", "",
              "No file of these families was used in training, nor to choose when to stop: training always runs to its end.",
              "", *font_table(fonts.HELD_OUT_FONTS), ""]
    with open(os.path.join(HERE, "RESULTS.md"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines))
    return overall


def check():
    """Reads digits.onnx with the small reader and evaluates the sample pictures; the number of wrong answers."""
    model = onnx_file.read_model(MODEL)
    print("metadata:", model[2])
    wrong = 0
    with open(os.path.join(SAMPLES, "expected.tsv"), encoding="utf-8") as table:
        for line in table.readlines()[1:]:
            name, digit = line.split()
            probabilities = onnx_file.evaluate(model, np.asarray(Image.open(os.path.join(SAMPLES, name))))
            read = int(probabilities.argmax())
            wrong += read != int(digit)
            print(f"{name}: {read} ({probabilities[read]:.2%}){'' if read == int(digit) else ' WRONG'}")
    return wrong


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only evaluate digits.onnx on samples/")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--pictures", type=int, default=32000, help="drawn for each round")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate of Adam")
    return parser.parse_args()


def main():
    options = parse_options()
    if options.check:
        raise SystemExit(1 if check() else 0)
    families = [fonts.load_family(entry) for entry in fonts.TRAINING_FONTS.values()]
    start = time.monotonic()
    parameters = train(families, options)
    seconds = time.monotonic() - start
    provenance = f"Trained by examples/digits/train.py, seed {options.seed}, on digits drawn from Debian's fonts."
    onnx_file.write_model(MODEL, network.onnx_weights(parameters), [pad for _, _, pad in network.CONVOLUTIONS], provenance)
    validation_set = fonts.draw_set(families, VALIDATION_COUNT, np.random.default_rng([options.seed, 2]))
    validation = measure(parameters, *validation_set)
    held_out = measure_held_out(parameters, options.seed)
    overall = write_results(options, parameters, validation, held_out, seconds)
    write_samples(options.seed)
    print(f"training fonts {validation[0]:.2%}, held-out fonts {overall:.2%}: "
          + ", ".join(f"{name} {accuracy:.2%}" for name, (accuracy, _) in held_out.items()))
    if check() or overall < REQUIRED_ACCURACY:
        raise SystemExit(f"the reader missed {REQUIRED_ACCURACY:.0%} on held-out fonts or misread a sample")


if __name__ == "__main__":
    main()
