# Runs as the first process of a sandbox, under busybox's shell.
# Arguments: busybox, directory of the sandbox, lower layers (a:b:c), network (private or host), directories to bind.
#
# The machine's /proc is still mounted here, so this is the process's number as the machine sees it.
read -r pid _ < /proc/self/stat
echo "$pid"
# The other side writes the id maps. Until then this process is nobody, and exec takes its capabilities.
read -r _
exec "$1" sh -euc '
busybox=$1 dir=$2 lower=$3 network=$4
shift 4
on() { "$busybox" "$@"; }
root=$dir/root
on mount -t overlay -o "userxattr,lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" overlay "$root"
on mount -t proc proc "$root/proc"
on mount -t binfmt_misc binfmt_misc "$root/proc/sys/fs/binfmt_misc"
case $network in
# sysfs belongs to the network namespace: a new one is to be had only with it.
private)
    on mount -t sysfs sysfs "$root/sys"
    on ip link set lo up
    # An address that engines do not take for the machine itself (TEST-NET-1, RFC 5737), as they do with 127.0.0.0/8.
    on ip addr add 192.0.2.1/32 dev lo
    # Of this network only; Docker warns at every start of a container without it.
    echo 1 > "$root/proc/sys/net/ipv4/ip_forward"
    ;;
host) on mount -o rbind /sys "$root/sys" ;;
esac
on mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in full null random tty urandom zero; do
    : > "$root/dev/$name"
    on mount -o bind "/dev/$name" "$root/dev/$name"
done
on mkdir "$root/dev/pts" "$root/dev/shm"
on mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
on ln -s pts/ptmx "$root/dev/ptmx"
on ln -s /proc/self/fd "$root/dev/fd"
for name in dev/shm run tmp; do
    on mount -t tmpfs -o mode=1777 tmpfs "$root/$name"
done
on mount -o bind "$dir/shared" "$root/shared"
for bound; do
    on mkdir -p "$root$bound"
    on mount -o rbind "$bound" "$root$bound"
done
on hostname testbed
on mkdir "$root/tmp/machine"
on pivot_root "$root" "$root/tmp/machine"
cd /
export PATH=/usr/sbin:/usr/bin HOME=/root
/usr/bin/busybox --install -s /usr/bin 2> /dev/null || true
# busybox has no cgroup namespaces. The root of the new one is the cgroup that this process is in; processes then go
# into a leaf of it, since a cgroup with processes cannot give resources to its children.
exec /usr/bin/unshare --cgroup /usr/bin/busybox sh -euc "
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/init
echo 0 > /sys/fs/cgroup/init/cgroup.procs
umount -l /tmp/machine
rmdir /tmp/machine
echo up
# Ends, and everything with it, when the other end of the pipe is closed, also by a crash.
exec tini-static -- sh -c \"read -r _\"
"' sh "$@"
