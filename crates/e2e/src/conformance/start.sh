# Becomes a workload, in the root that was put together. Its environment is the same on every machine.
# Arguments: what it has more of, NAME=VALUE.
cd /run/conformance
ulimit -c 0
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TZ=UTC \
    "$@" chroot root /trial/workload > out 2> err
