# Makes the foreign root that `run` is measured in: one whose packages count as installed, so that apt and dpkg work there.
# Arguments: the tree of its packages' files, the folder of their .debs, the root to make.
set -eu
tree=$1 debs=$2 root=$3
cp -a "$tree" "$root"
mount -t proc proc "$root/proc"
mount -o rbind /dev "$root/dev"
for name in cache/apt/archives/partial lib/apt/lists/partial lib/dpkg/info lib/dpkg/updates log/apt; do
    mkdir -p "$root/var/$name"
done
# There is nobody else in the root.
echo 'APT::Sandbox::User "root";' > "$root/etc/apt/apt.conf"
for deb in "$debs"/*.deb; do
    control=$(dpkg-deb -f "$deb")
    echo "Status: install ok installed"
    # What they depend on is not all there: only what is run.
    echo "$control" | grep -Ev '^(Pre-)?Depends:'
    echo
    echo /. > "$root/var/lib/dpkg/info/$(echo "$control" | sed -n 's/^Package: //p').list"
done > "$root/var/lib/dpkg/status"
