#!/bin/busybox sh
# Process 1 of a machine: runs each step in /steps, and prints its end in lines that begin with @. A line of a stream gets a
# prefix, so that nothing of it is taken for anything else, and the kernel's own lines are told apart.
export PATH=/qus:/bin:/sbin HOME=/root
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
ln -s /proc/self/fd /dev/fd
# The image's files fill what the root may hold.
mount -t tmpfs tmp /tmp
case $(ls /module) in
*.xz) unxz /module/*.xz ;;
esac
up() { cut -d ' ' -f 1 /proc/uptime; }
echo "@up $(up) $(uname -r) $(uname -m)"
for step in /steps/*; do
    if [ "$step" = "/$(cat /sabotage 2> /dev/null)" ]; then
        for entry in /proc/sys/fs/binfmt_misc/qemu-*; do
            [ -e "$entry" ] && echo -1 > "$entry"
        done
    fi
    timeout 1200 sh "$step" > /tmp/out 2> /tmp/err < /dev/null
    code=$?
    awk '{ print "@1" $0 }' /tmp/out
    awk '{ print "@2" $0 }' /tmp/err
    echo "@= $code $(up)"
done
echo "@done $(up)"
sync
poweroff -f
