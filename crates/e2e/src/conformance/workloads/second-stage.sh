#!/bin/bash
# The second stage of debootstrap: dpkg installs the packages that the root was unpacked from, with all their scripts and triggers.
# Everything that it prints goes to stderr; of stdout, each line is one that has to be there.
set -uo pipefail
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
cd /trial/packages
mkdir -p /var/lib/dpkg/{info,updates,triggers}
touch /var/lib/dpkg/{status,available}
# Nobody else owns files yet, and no service is to start.
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
stage() {
    local name=$1
    shift
    "$@" < /dev/null >> /tmp/log 2>&1
    echo "$name $?"
}
stage ldconfig /sbin/ldconfig
# The others' scripts give files to groups that this one makes.
stage base-passwd dpkg --force-depends --install base-passwd.deb
stage unpack dpkg --force-depends --unpack ./*.deb
stage configure dpkg --configure --pending
cat /tmp/log >&2

echo "errors $(grep -cE '^(dpkg: error|dpkg: unrecoverable|Errors were encountered|E: |qemu)|: (line )?[0-9]+: |core dumped' /tmp/log)"
echo "audit $(dpkg --audit | wc -l)"
dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' > /tmp/states
echo "not installed: $(grep -v ' ii $' /tmp/states | tr '\n' ' ')"
[[ $(wc -l < /tmp/states) == $(ls ./*.deb | wc -l) ]] && echo 'all packages'
grep -q '^Processing triggers for libc-bin' /tmp/log && echo 'triggers of libc-bin'
/sbin/ldconfig -p | grep -q '[[:space:]]libc\.so\.6 ' && echo 'a cache of libraries'
echo "awk is $(basename "$(readlink /etc/alternatives/awk)")"
echo "sh is $(readlink -f /bin/sh)"
id -u man daemon nobody 2>&1 | tr '\n' ' '
echo
stat -c '%U %G %a' /etc/shadow /var/mail
dpkg -V base-files dash libc-bin perl-base
apt-get -q check > /dev/null 2>&1
echo "apt $?"
