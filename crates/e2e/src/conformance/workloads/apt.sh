#!/bin/bash
# A package that is built, put into an archive, and installed by apt with what it needs; and removed.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
mkdir -p /var/lib/dpkg/{info,updates} /var/lib/apt/lists/partial /var/cache/apt/archives/partial /var/log/apt /etc/apt/apt.conf.d
touch /var/lib/dpkg/{status,available}
architecture=$(dpkg --print-architecture)
mkdir -p /tmp/archive
build() {
    local name=$1 needs=$2 folder=/tmp/build/$1
    mkdir -p "$folder/DEBIAN" "$folder/usr/share/$name"
    seq 1 2000 > "$folder/usr/share/$name/data"
    printf '%s\n' "Package: $name" 'Version: 1.0' "Architecture: $architecture" 'Maintainer: Nobody <nobody@example.org>' \
        ${needs:+"Depends: $needs"} "Description: $name" > "$folder/DEBIAN/control"
    printf '#!/bin/sh\nset -e\necho "$1 of %s"\n' "$name" > "$folder/DEBIAN/postinst"
    printf '#!/bin/sh\nset -e\necho "$1 of %s"\n' "$name" > "$folder/DEBIAN/prerm"
    chmod 755 "$folder/DEBIAN/postinst" "$folder/DEBIAN/prerm"
    dpkg-deb --root-owner-group -b "$folder" "/tmp/archive/$name.deb" > /dev/null
    {
        dpkg-deb -f "/tmp/archive/$name.deb"
        echo "Filename: ./$name.deb"
        echo "Size: $(stat -c %s "/tmp/archive/$name.deb")"
        echo "SHA256: $(sha256sum "/tmp/archive/$name.deb" | cut -d ' ' -f 1)"
        echo
    } >> /tmp/archive/Packages
}
build library ''
build application 'library (>= 1.0)'
echo 'deb [trusted=yes] file:/tmp/archive ./' > /etc/apt/sources.list
rm -f /etc/apt/sources.list.d/*
echo 'APT::Sandbox::User "root";' > /etc/apt/apt.conf.d/sandbox
apt-get -q update > /tmp/log 2>&1 || { cat /tmp/log >&2; exit 1; }
apt-cache policy application | sed -n 's/^  Candidate: /candidate /p'
apt-get -qy install application > /tmp/log 2>&1 || { cat /tmp/log >&2; exit 1; }
tr -d '\r' < /tmp/log | grep '^configure of'
dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n'
dpkg -V library application
apt-get -qy purge library > /tmp/log 2>&1 || { cat /tmp/log >&2; exit 1; }
tr -d '\r' < /tmp/log | grep '^remove of'
dpkg-query -W | wc -l
