#!/bin/bash
# Arrays, arithmetic, pipes, process substitution, a coprocess, jobs, signals and exit statuses.
set -euo pipefail
declare -A squares
for n in {1..200}; do squares[$n]=$((n * n)); done
sum=0
for n in "${!squares[@]}"; do ((sum += squares[$n])); done
echo "sum $sum"
diff <(seq 1 5 | sort -r | tac) <(seq 1 5) && echo "same"
coproc ADD { while read -r a b; do echo $((a + b)); done; }
echo "20 22" >&"${ADD[1]}"
read -r answer <&"${ADD[0]}"
echo "coprocess $answer"
trap 'echo "caught"' USR1
kill -USR1 $$
for n in 1 2 3 4; do (exit "$n") & pids[n]=$!; done
for n in 1 2 3 4; do status=0; wait "${pids[n]}" || status=$?; echo "job $n: $status"; done
status=0
bash -c 'kill -TERM $$' || status=$?
echo "killed $status"
printf '%s\n' pear apple fig | sort | tr '\n' ' ' | sed 's/ $/\n/'
[[ "qemu-aarch64 version 11.1" =~ ([0-9]+)\.([0-9]+) ]] && echo "match ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
