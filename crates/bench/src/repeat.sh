# Runs a command so many times, each time on a binfmt_misc without entries.
# Arguments: how many times, the command.
set -eu
count=$1
shift
while [ "$count" -gt 0 ]; do
    "$@" > /dev/null
    echo -1 > /proc/sys/fs/binfmt_misc/status
    count=$((count - 1))
done
