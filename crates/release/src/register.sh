#!/bin/sh
# Runs the `register` for this machine: the file register_HOST beside this one. For those who are used to calling
# register.sh; what it takes is in `register.sh --help`.
set -eu

folder=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
machine=$(uname -m)
case $machine in
    x86_64) host=amd64 ;;
    i?86) host=i386 ;;
    aarch64) host=arm64v8 ;;
    armv7* | armv8*) host=arm32v7 ;;
    armv6*) host=arm32v6 ;;
    loongarch64) host=loong64 ;;
    s390x | ppc64le | riscv64) host=$machine ;;
    *)
        echo "error: there is no \`register\` for a machine of type \`$machine\`" >&2
        exit 1
        ;;
esac

program=$folder/register_$host
if [ ! -f "$program" ]; then
    echo "error: cannot run $program: there is no such file" >&2
    echo "hint: download register_$host from the same release into $folder" >&2
    exit 1
fi
if [ ! -x "$program" ]; then
    echo "error: cannot run $program: it is not executable" >&2
    echo "hint: chmod +x $program" >&2
    exit 1
fi
exec "$program" "$@"
