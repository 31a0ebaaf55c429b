#!/usr/bin/env bash
# Measure as the inputs of the action say; the gate is a later step, so that the report is uploaded.
set -o pipefail # and no -u: to the bash of macOS, an empty list is unset

refuse() {
  echo "::error::$1"
  echo "exit-code=2" >>"$GITHUB_OUTPUT"
  exit 2
}

# Bash would carry out what stands in RUNS, since it is part of a calculation below.
[[ "$RUNS" =~ ^[1-9][0-9]{0,3}$ ]] || refuse "runs: use a whole number from 1 to 9999"
# A second line would be an output of its own.
[[ -n "$REPORT" && "$REPORT" != *[[:cntrl:]]* ]] || refuse "report: use a path in one line"
mkdir -p -- "$REPORT" || refuse "report: the directory cannot be made"
markdown="$REPORT/summary.md" junit="$REPORT/junit.xml"
rm -f -- "$markdown" "$junit" # of an earlier step
outputs=(--markdown "$markdown" --junit "$junit" --report "$REPORT")

options=()
if [[ -n "${OPTIONS//[[:space:]]/}" ]]; then
  # xargs splits words as a shell does, and carries nothing out. "end" keeps empty ones before it.
  words=$(xargs printf '%s\n' <<<"$OPTIONS" && echo end) || refuse "options: cannot be split"
  while IFS= read -r word; do
    options+=("$word")
  done < <(printf '%s' "${words%end}")
fi

code=0
if [[ -n "$AGAINST" ]]; then
  benchlab ab --against "$AGAINST" --fail-on "$FAIL_ON" "${options[@]}" "${outputs[@]}" \
    -- "$PLAN" || code=$?
elif [[ -n "$BASELINE" ]]; then
  tag="ci=${GITHUB_RUN_ID:-0}-${GITHUB_RUN_ATTEMPT:-1}-$$"
  for ((number = 0; number < RUNS && (code == 0 || code == 3); number++)); do
    # A broken objective (3) is kept for the end: the comparison may say why.
    benchlab run --tag "$tag" "${options[@]}" -- "$PLAN" || code=$?
  done
  if ((code == 0 || code == 3)); then
    benchlab baseline check --fail-on "$FAIL_ON" "${outputs[@]}" -- "$BASELINE" "tag:$tag" ||
      code=$?
  fi
else
  benchlab run "${options[@]}" "${outputs[@]}" -- "$PLAN" || code=$?
fi

if [[ -s "$markdown" ]]; then
  cat -- "$markdown" >>"$GITHUB_STEP_SUMMARY"
else
  echo "benchlab measured nothing: exit code $code, see the log of the job" >>"$GITHUB_STEP_SUMMARY"
fi
{
  echo "exit-code=$code"
  echo "report=$REPORT"
  echo "markdown=$markdown"
  echo "junit=$junit"
} >>"$GITHUB_OUTPUT"
