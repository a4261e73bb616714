#!/usr/bin/env bash
# Packages as users get them: .debs, an install prefix, pkg-config, a wheel, a source archive. Each is put to use by projects that
# know nothing of this tree. Reuses a finished build (default build/ci); needs root for the .debs, which it removes again.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
build=${1:-build/ci}
work=$(mktemp -d)
version=$(sed -n 's/^project(aneref VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
debs=(libaneref0 libaneref-dev libaneref-import0 aneref python3-aneref)
installed=0
clean_up() {
  local code=$?
  if ((installed)); then dpkg --purge "${debs[@]}" > /dev/null 2>&1 || true; fi
  ((code == 0)) || tail -n 60 "$work/log" >&2
  rm -rf "$work"
}
trap clean_up EXIT
say() { printf 'packages: %s\n' "$1"; }
quietly() { "$@" >> "$work/log" 2>&1; }
python=python3
"$python" -c 'import numpy, pytest' 2> /dev/null || python=/usr/bin/python3

# project NAME FOLDER OPTION...: builds a project of its own and runs its tests.
project() {
  local name=$1 folder=$2
  shift 2
  quietly cmake -S "$folder" -B "$work/$name" -G Ninja -DCMAKE_BUILD_TYPE=Release "$@"
  quietly cmake --build "$work/$name"
  quietly ctest --test-dir "$work/$name" --output-on-failure --no-tests=error
  say "$name ok"
}
# Examples that are CMake projects, each with its own ctest runs.
examples() {
  local file
  for file in examples/*/CMakeLists.txt; do
    [[ -e $file ]] || continue
    project "$1-$(basename "$(dirname "$file")")" "$(dirname "$file")" "${@:2}"
  done
}
# by_pkg_config NAME: a C compiler and pkg-config alone.
by_pkg_config() {
  local flags
  read -ra flags <<< "$(pkg-config --cflags --libs aneref-import)"
  quietly cc -std=c11 -Wall -Wextra -Werror -DWITH_IMPORT tests/packages/consumer.c -o "$work/$1" "${flags[@]}"
  quietly "$work/$1" examples/digits/digits.onnx
  say "$1 ok"
}

quietly cmake --build "$build" --target all wheel
python3 .ci/check_exports.py "$build/lib"

(cd "$build" && quietly cpack -G DEB)
packages=("${debs[@]/%/_${version}_$(dpkg --print-architecture).deb}")
packages=("${packages[@]/#/$build/packages/}")
packages[4]=$build/packages/python3-aneref_${version}_all.deb
if ((EUID == 0)); then
  installed=1
  quietly dpkg --install "${packages[@]}"
  project deb-find-package tests/packages
  examples deb
  by_pkg_config deb-pkg-config
  quietly aneref run examples/digits/digits.onnx --input examples/digits/samples/digit_7.png --top 1 --json
  quietly env ANEREF_TEST_INSTALLED=1 /usr/bin/python3 -B -m pytest -q -p no:cacheprovider tests/python
  quietly /usr/bin/python3 examples/python/predict.py examples/digits/digits.onnx examples/digits/samples/digit_7.png
  say "deb-python ok"
  quietly dpkg --purge "${debs[@]}"
  installed=0
else
  say "not root: the .debs are built and not installed"
fi

quietly cmake --install "$build" --prefix "$work/prefix"
library_folder=$(dirname "$(find "$work/prefix" -name libaneref.so.0)")
export LD_LIBRARY_PATH=$library_folder PKG_CONFIG_PATH=$library_folder/pkgconfig
for link in shared static; do
  project "prefix-$link" tests/packages -DCMAKE_PREFIX_PATH="$work/prefix" -DLINK=$link
done
examples prefix -DCMAKE_PREFIX_PATH="$work/prefix"
by_pkg_config prefix-pkg-config
unset LD_LIBRARY_PATH PKG_CONFIG_PATH

/usr/bin/python3 -m venv --system-site-packages "$work/venv"
quietly "$work/venv/bin/pip" install --no-index --no-deps --disable-pip-version-check "$build"/packages/aneref-"$version"-*.whl
(cd "$work" && quietly env ANEREF_TEST_INSTALLED=1 venv/bin/python -B -m pytest -q -p no:cacheprovider "$root/tests/python")
quietly "$work/venv/bin/python" examples/python/predict.py examples/digits/digits.onnx examples/digits/samples/digit_7.png
say "wheel in a fresh environment ok"

# The archive is the commit's tree. It is built without git and without a network, as small as it gets.
git archive --format=tar.gz --prefix="aneref-$version/" -o "$build/packages/aneref-$version.tar.gz" HEAD
tar -xf "$build/packages/aneref-$version.tar.gz" -C "$work"
mkdir "$work/no-git"
printf '#!/bin/sh\necho "git is called" >&2\nexit 1\n' > "$work/no-git/git"
chmod +x "$work/no-git/git"
offline=()
if unshare -n true 2> /dev/null; then offline=(unshare -n); fi
launcher=()
if command -v ccache > /dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
export PATH=$work/no-git:$PATH
quietly "${offline[@]}" cmake -S "$work/aneref-$version" -B "$work/minimal" -G Ninja -DANEREF_MINIMAL=ON \
  "-DANEREF_OPS=conv;pool;elementwise;activation;softmax;matmul;reshape;reduce" "${launcher[@]}"
quietly "${offline[@]}" cmake --build "$work/minimal" --target minimal_runner
quietly "$work/minimal/examples/minimal/minimal_runner" examples/digits/digits.anem
runner=$work/minimal/examples/minimal/minimal_runner
bytes=$(stat -c %s "$runner")
if ldd "$runner" | grep -E 'libstdc|libhwy|libtbb'; then
  say "the minimal program needs more than libc"
  exit 1
fi
say "source archive without git and network ok; minimal program of $bytes bytes"
((bytes <= 2000000)) || { say "the minimal program is over 2 MB"; exit 1; }
say "all ok"
