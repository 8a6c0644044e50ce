#!/usr/bin/env bash
# What a review should not have to look for: formatting, warnings of two compilers, analysers, the law of includes.
set -euo pipefail
cd "$(dirname "$0")/.."
JOBS=${JOBS:-$(nproc)}
fail=0
step() { printf '\033[1m==\033[0m %s\n' "$1" >&2; shift; "$@" || fail=1; }

mapfile -t SOURCES < <(git ls-files -- 'src/*.c' 'src/*.h' 'cli/*.c' 'cli/*.h' 'sim/*.c' 'sim/*.h' 'tests/*.c' 'tests/*.h' 'bench/*.c' 'bench/*.h' 'include/*.h')
mapfile -t PRODUCT < <(git ls-files -- 'src/*.c' 'cli/*.c' 'sim/*.c')

headers() { # each header stands alone
  local header
  for header in $(git ls-files -- 'src/*.h' 'include/*.h' 'cli/*.h' 'sim/*.h'); do
    printf '#include "%s"\n#include "%s"\n' "$PWD/$header" "$PWD/$header" |
      gcc -std=c17 -D_GNU_SOURCE -fsyntax-only -Wall -Wextra -Isrc -Iinclude -I. -xc - || return 1
  done
}
sizes() { # a file that nobody can hold in the head
  local long
  long=$(git ls-files -- 'src/*.[ch]' 'cli/*.[ch]' 'sim/*.[ch]' 'include/*.h' | xargs wc -l | awk '$2 != "total" && $1 > 700 {print $2 ": " $1 " lines"}')
  [ -z "$long" ] || { echo "$long"; return 1; }
}
compilers() { ./dev build dev && ./dev build clang; }

step "formatting" clang-format --dry-run -Werror "${SOURCES[@]}"
step "law of includes" python3 tools/check_includes.py
step "headers stand alone" headers
step "file sizes" sizes
step "gcc and clang without a warning" compilers
step "clang-tidy" bash -c 'printf "%s\0" "$@" | xargs -0 -n 8 -P '"$JOBS"' clang-tidy -p build/clang --quiet 2>/dev/null' _ "${PRODUCT[@]}"
step "cppcheck" cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -j "$JOBS" --enable=warning,portability \
  --suppressions-list=tools/cppcheck.txt -Isrc -Iinclude -I. -D__x86_64__ "${PRODUCT[@]}"
[ "$fail" -eq 0 ] && echo "lint: clean" || { echo "lint: see above" >&2; exit 1; }
