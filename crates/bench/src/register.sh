# Registers every target of a table as QEMU's own script goes about it: for each, a process of its own looks up the magic,
# the mask and the family, and a line is written.
# Argument: the table, which sets `targets`, `flags`, `dir` and T_magic, T_mask, T_family for each target T.
set -eu
. "$1"
family() {
    case $1 in
    x86_64 | i?86) echo i386 ;;
    aarch64 | arm*) echo arm ;;
    *) echo "$1" ;;
    esac
}
host=$(family "$(uname -m)")
for target in $targets; do
    magic=$(eval printf %s "\"\$${target}_magic\"")
    mask=$(eval printf %s "\"\$${target}_mask\"")
    other=$(eval printf %s "\"\$${target}_family\"")
    if [ "$other" != "$host" ]; then
        echo "Setting $dir/qemu-$target as binfmt interpreter for $target"
        printf '%s\n' ":qemu-$target:M::$magic:$mask:$dir/qemu-$target:$flags" \
            > /proc/sys/fs/binfmt_misc/register
    fi
done
