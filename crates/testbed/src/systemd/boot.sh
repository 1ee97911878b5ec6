# Boots systemd in a sandbox. Argument: the file that gets its number there.
#
# systemd wants the root of a cgroup hierarchy with nothing in it: it gets a cgroup, and a namespace that begins there.
mkdir -p /sys/fs/cgroup/boot
echo 0 > /sys/fs/cgroup/boot/cgroup.procs
echo -1 > /proc/sys/fs/binfmt_misc/status
# By its path: the one of busybox has no cgroup namespaces.
exec /usr/bin/unshare --cgroup --mount --pid --ipc --fork sh -euc '
# From the /proc of the sandbox, which is still there: in the one that comes, this is number 1.
read -r pid _ < /proc/self/stat
umount -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t proc proc /proc
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
echo "$pid" > "$1"
exec env -i container=testbed PATH=/usr/sbin:/usr/bin /usr/lib/systemd/systemd --unit=multi-user.target
' sh "$1"
