#!/usr/bin/env bash
# The .debs in a Debian that has nothing but compilers: apt finds what they depend on, and every example is built and run there, by
# find_package and by pkg-config. Needs root, a network, debootstrap, and packages of `cpack -G DEB` (default build/ci/packages).
set -euo pipefail
cd "$(dirname "$0")/.."
packages=${1:-build/ci/packages}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase bookworm "$root" > /dev/null
cp /etc/resolv.conf "$root/etc/"
mkdir -p "$root/debs" "$root/src/tests"
cp "$packages"/*.deb "$root/debs/"
cp -r examples "$root/src/"
cp -r tests/packages "$root/src/tests/"
cat > "$root/check.sh" << 'INSIDE'
set -eu
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y --no-install-recommends "$@" > /tmp/log 2>&1 || { tail -n 40 /tmp/log; exit 1; }; }
project() {
  name=$(basename "$1")
  { cmake -S "$1" -B "/tmp/$name" -DCMAKE_BUILD_TYPE=Release && cmake --build "/tmp/$name" &&
    ctest --test-dir "/tmp/$name" --output-on-failure --no-tests=error; } > /tmp/log 2>&1 || { tail -n 40 /tmp/log; exit 1; }
  echo "clean container: $name ok"
}
cd /src
apt-get update > /dev/null
install g++ make cmake pkg-config python3-pil /debs/*.deb
cc -std=c11 -DWITH_IMPORT tests/packages/consumer.c -o /tmp/consumer $(pkg-config --cflags --libs aneref-import)
/tmp/consumer examples/digits/digits.onnx
for example in c camera cpp fallback server; do project "examples/$example"; done
project tests/packages
aneref run examples/digits/digits.onnx --input examples/digits/samples/digit_7.png --top 1 --json > /dev/null
python3 examples/python/predict.py examples/digits/digits.onnx examples/digits/samples/digit_7.png
install libhwy-dev libtbb-dev  # for the static library
project examples/minimal
INSIDE
chroot "$root" sh /check.sh
echo "clean container: all ok"
