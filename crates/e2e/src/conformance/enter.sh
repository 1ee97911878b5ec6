# Puts together the root of a workload, in a sandbox. What is written there is in memory, up to a limit.
# Arguments: the layers (a:b), the limit in megabytes.
mkdir /run/conformance
mount -t tmpfs -o "mode=755,size=$2m" tmpfs /run/conformance
cd /run/conformance
mkdir upper work root
mount -t overlay -o "userxattr,lowerdir=$1,upperdir=upper,workdir=work" overlay root
mount -t proc proc root/proc
mount -o rbind /dev root/dev
mkdir -p root/trial root/tmp root/var/tmp root/usr/local/bin
chmod 1777 root/tmp root/var/tmp
cp /shared/workload root/trial/workload
chmod 755 root/trial/workload
if [ -d /shared/packages ]; then
    mkdir root/trial/packages
    mount -o bind /shared/packages root/trial/packages
fi
