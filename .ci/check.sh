#!/usr/bin/env bash
# Checks that need no build: format, include directions, sizes, rules, schema evolution, the tree. A git hook may call it.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0
step() {
  local name=$1
  shift
  if "$@" > /tmp/aneref-check.$$ 2>&1; then
    printf 'check: %-28s ok\n' "$name"
  else
    printf 'check: %-28s FAILED\n' "$name"
    cat /tmp/aneref-check.$$
    failed=1
  fi
  rm -f /tmp/aneref-check.$$
}
sources() { git ls-files '*.cc' '*.h'; }
format() { sources | xargs clang-format --dry-run --Werror; }
conform() {
  for old in schema/released/net_v*.fbs; do flatc --conform "$old" schema/net.fbs || return 1; done
}
python() {
  git ls-files '*.py' | while read -r file; do
    python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$file" || return 1
  done
}
reference() { mkdir -p build && doxygen docs/Doxyfile; }
step "format" format
step "include directions" python3 .ci/check_includes.py
step "sizes" python3 .ci/check_sizes.py
step "rules" python3 .ci/check_rules.py
step "op table" python3 .ci/ops_table.py --check
step "schema evolution" conform
step "C interface" python3 .ci/check_abi.py
step "tree" python3 .ci/check_tree.py
step "python syntax" python
step "core ml layers" python3 .ci/make_coreml_layers.py --check
step "core ml operations" python3 .ci/make_coreml_operations.py --check
step "tests of ops" python3 .ci/op_tests.py --check
step "interface reference" reference
step "status page" python3 tools/status.py --check
exit $failed
