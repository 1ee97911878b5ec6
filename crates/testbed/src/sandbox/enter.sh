# Runs a program in a sandbox. Arguments: busybox, the sandbox's cgroup, its first process, working directory, the program and its arguments.
busybox=$1 cgroup=$2 pid=$3 dir=$4
shift 4
echo 0 > "$cgroup/init/cgroup.procs"
# Into the cgroup namespace in a second step: busybox has no such option.
exec "$busybox" nsenter -t "$pid" -U -m -u -i -n -p -r -- \
    /usr/bin/nsenter --cgroup=/proc/1/ns/cgroup --wd="$dir" -- "$@"
