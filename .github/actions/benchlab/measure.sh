#!/usr/bin/env bash
# Measure as the inputs of the action say; the gate is a later step, so that the report is uploaded.
set -uo pipefail

mkdir -p "$REPORT" || exit 2
markdown="$REPORT/summary.md" junit="$REPORT/junit.xml"
rm -f "$markdown" "$junit" # of an earlier step
outputs=(--markdown "$markdown" --junit "$junit" --report "$REPORT")

options=()
if [[ -n "${OPTIONS//[[:space:]]/}" ]]; then
  # xargs splits words as a shell does, and carries nothing out.
  words=$(xargs printf '%s\n' <<<"$OPTIONS") || { echo "::error::options: cannot be split"; exit 2; }
  mapfile -t options <<<"$words"
fi

code=0
if [[ -n "$AGAINST" ]]; then
  benchlab ab "$PLAN" --against "$AGAINST" --fail-on "$FAIL_ON" "${options[@]}" "${outputs[@]}" ||
    code=$?
elif [[ -n "$BASELINE" ]]; then
  tag="ci=${GITHUB_RUN_ID:-0}-${GITHUB_RUN_ATTEMPT:-1}-$$"
  for ((number = 0; number < RUNS && (code == 0 || code == 3); number++)); do
    # A broken objective (3) is kept for the end: the comparison may say why.
    benchlab run "$PLAN" --tag "$tag" "${options[@]}" || code=$?
  done
  if ((code == 0 || code == 3)); then
    benchlab baseline check "$BASELINE" "tag:$tag" --fail-on "$FAIL_ON" "${outputs[@]}" || code=$?
  fi
else
  benchlab run "$PLAN" "${options[@]}" "${outputs[@]}" || code=$?
fi

if [[ -s "$markdown" ]]; then
  cat "$markdown" >>"$GITHUB_STEP_SUMMARY"
else
  echo "benchlab measured nothing: exit code $code, see the log of the job" >>"$GITHUB_STEP_SUMMARY"
fi
{
  echo "exit-code=$code"
  echo "report=$REPORT"
  echo "markdown=$markdown"
  echo "junit=$junit"
} >>"$GITHUB_OUTPUT"
