#!/usr/bin/env python3
"""aneref beside ONNX Runtime on the same networks, interleaved: ratios, one table row per network and thread count.

    npm install --prefix PEERS onnxruntime-node        # once; nothing of it is part of the project
    bench/peers.py --aneref build/release/tools/aneref --peers PEERS --threads 1,2 NETWORK.onnx ...

Each round runs both programs once in turn, so that drifts of the machine hit both alike; a figure is the median over rounds.
A network NAME.onnx is run by ONNX Runtime in fp32; aneref runs NAME.fp16.onnx where there is one. Below 1: aneref is faster, or smaller.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys


def run(command, threads, environment):
    """The JSON that one process prints, or None."""
    done = subprocess.run(["taskset", "-c", f"0-{threads - 1}"] + command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"{command[0]}: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return None
    return json.loads(done.stdout)


def measure(options, network, threads, environment):
    half = network.removesuffix(".onnx") + ".fp16.onnx"
    ours = [options.aneref, "bench", half if os.path.exists(half) else network, "--threads", str(threads),
            "--runs", str(options.runs), "--numerics", options.numerics, "--json"]
    theirs = ["node", os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers.js"), network, str(threads), str(options.runs)]
    rounds = []
    for turn in range(options.rounds):
        pair = {}
        for name, command in (("ours", ours), ("theirs", theirs))[::1 if turn % 2 == 0 else -1]:
            pair[name] = run(command, threads, environment)
        if all(pair.values()):
            rounds.append(pair)
    return rounds


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--aneref", required=True)
    parser.add_argument("--peers", required=True, help="folder with node_modules/onnxruntime-node")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--numerics", default="portable", choices=["portable", "fast"])
    options = parser.parse_args()
    environment = dict(os.environ, NODE_PATH=os.path.join(options.peers, "node_modules"))
    print("| network | threads | ms | GFLOP/s | % of peak | time | load | memory |\n|---|---|---|---|---|---|---|---|")
    for network in options.networks:
        for threads in map(int, options.threads.split(",")):
            rounds = measure(options, network, threads, environment)
            if not rounds:
                continue

            def middle(pick):
                return statistics.median(pick(pair) for pair in rounds)

            def ratio(key):
                return middle(lambda pair: pair["ours"][key] / pair["theirs"][key])
            peak = middle(lambda pair: 100 * pair["ours"]["gflops"] / pair["ours"]["machine"]["peak_gflops"])
            print(f"| {os.path.basename(network).removesuffix('.onnx')} | {threads} | {middle(lambda p: p['ours']['median_ms']):.2f} "
                  f"| {middle(lambda p: p['ours']['gflops']):.0f} | {peak:.0f} | {ratio('median_ms'):.2f} | {ratio('load_ms'):.2f} "
                  f"| {ratio('peak_rss_mib'):.2f} |", flush=True)


if __name__ == "__main__":
    main()
