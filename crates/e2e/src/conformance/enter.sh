# Puts together the root of a workload, in a sandbox. What is written there, /dev/shm with it, is in memory, up to a limit.
# Arguments: the layers (a:b), the limit in megabytes.
mkdir /run/conformance
mount -t tmpfs -o "mode=755,size=$2m" tmpfs /run/conformance
cd /run/conformance
mkdir upper work root shm none
mount -t overlay -o "userxattr,lowerdir=$1,upperdir=upper,workdir=work" overlay root
mount -t proc proc root/proc
mount -o remount,size=1m /dev
mount -o rbind /dev root/dev
chmod 1777 shm
mount -o bind shm root/dev/shm
mkdir -p root/trial root/tmp root/var/tmp root/usr/local/bin
chmod 1777 root/tmp root/var/tmp
cp /shared/workload root/trial/workload
chmod 755 root/trial/workload
if [ -d /shared/packages ]; then
    mkdir root/trial/packages
    # They are on the machine's disk: without an upper layer, nothing is written to them.
    mount -t overlay -o "userxattr,lowerdir=/shared/packages:none" overlay root/trial/packages
fi
