# shellcheck shell=bash
# Runs steps one after the other and prints what became of them. To be sourced.

step_names=()
step_results=()
step_seconds=()

# Runs `$2…` as the step named $1 and records result and time. A failed step does not
# end the run: one run shows everything that is wrong.
step() {
  local name=$1 began=$SECONDS status=0
  shift
  printf '\n==> %s\n' "$name"
  # A subshell outside any condition, because `set -e` is off inside conditions.
  set +e
  (
    set -euo pipefail
    "$@"
  )
  status=$?
  set -e
  record "$name" "$([[ $status == 0 ]] && echo passed || echo failed)" $((SECONDS - began))
}

# Records a step that was left out. $1: name, $2: why.
skip() {
  printf '\n==> %s: skipped, %s\n' "$1" "$2"
  record "$1" skipped 0
}

record() {
  step_names+=("$1")
  step_results+=("$2")
  step_seconds+=("$3")
}

# Prints the table and the closing line; false when any step failed or none ran.
report() {
  local i passed=0 failed=0 skipped=0
  printf '\n%-17s %-8s %8s\n' step result seconds
  for i in "${!step_names[@]}"; do
    printf '%-17s %-8s %8d\n' "${step_names[i]}" "${step_results[i]}" "${step_seconds[i]}"
    case ${step_results[i]} in
      passed) passed=$((passed + 1)) ;;
      failed) failed=$((failed + 1)) ;;
      *) skipped=$((skipped + 1)) ;;
    esac
  done
  printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  ((failed == 0 && passed > 0))
}
