# Runs a command that uses a root file system, with what programs expect to be mounted there.
# Arguments: the root, the command and its arguments.
set -eu
root=$1
shift
mount -t proc proc "$root/proc"
mount -o rbind /dev "$root/dev"
exec "$@"
