# Runs a program in a sandbox.
# Arguments: busybox, the sandbox's cgroup, its first process, its network, working directory, program and arguments.
busybox=$1 cgroup=$2 pid=$3 network=$4 dir=$5
shift 5
echo 0 > "$cgroup/init/cgroup.procs"
case $network in
private) net=-n ;;
host) net= ;;
esac
# Into the cgroup namespace in a second step: busybox has no such option.
exec "$busybox" nsenter -t "$pid" -U -m -u -i $net -p -r -- \
    /usr/bin/nsenter --cgroup=/proc/1/ns/cgroup --wd="$dir" -- "$@"
