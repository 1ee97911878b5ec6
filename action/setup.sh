#!/bin/sh
# Registers emulators with the image aptman/qus, as the inputs of the Action say: QUS_TARGETS, QUS_QEMU, QUS_IMAGE, QUS_MIRROR,
# QUS_CHECK, QUS_CPU, QUS_RESET. Can be run by hand; all of them may be missing. Needs docker. What the Action puts out goes into
# the file $GITHUB_OUTPUT, or to stdout.
set -eu
# Inputs are words, never patterns.
set -f

# On one line, and without anything that a terminal or GitHub would obey.
line() {
    printf '%s' "$1" | tr '[:cntrl:]' ' '
}

# GitHub would obey lines of output that begin with `::`, whoever wrote them: not after this, until it sees a word that nobody
# can guess.
word=
hush() {
    [ "${GITHUB_ACTIONS-}" = true ] || return 0
    word=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    # An empty word would end nothing.
    if [ "${#word}" != 32 ]; then
        word=
        fail "there is no word that nobody can guess" "\`od\` of coreutils makes it out of /dev/urandom"
    fi
    echo "::stop-commands::$word"
}
resume() {
    [ -n "$word" ] || return 0
    # What came before may have left its last line open.
    printf '\n::%s::\n' "$word"
    word=
}
trap resume EXIT

fail() {
    resume
    message=$(line "$1")
    echo "error: $message" >&2
    [ -z "${2-}" ] || echo "hint: $(line "$2")" >&2
    # What GitHub shows beside the step; it undoes %0A and the like in it.
    [ "${GITHUB_ACTIONS-}" != true ] || echo "::error title=qus::$(printf '%s' "$message" | sed 's/%/%25/g')"
    exit 1
}

# true, false, or a mistake.
is() {
    case $2 in
        true) return 0 ;;
        false | '') return 1 ;;
        *) fail "invalid input \`$1\`: \`$2\`" "it is true or false" ;;
    esac
}

# QEMU's name for a target. Nothing if there is none.
target() {
    name=${1#linux/}
    # What may follow a name, as in linux/arm/v7.
    variant=
    case $name in
        */) return ;;
        */*) variant=${name#*/} name=${name%%/*} ;;
    esac
    case $name in
        aarch64 | arm64 | arm64v8 | armv8)
            case $variant in '' | v8 | v8.[0-9] | v9 | v9.[0-5]) echo aarch64 ;; esac
            return
            ;;
        arm | armhf | armel | arm32v5 | arm32v6 | arm32v7 | armv6 | armv6l | armv7 | armv7l)
            case $variant in '' | v[5-8]) echo arm ;; esac
            return
            ;;
        ppc64le | ppc64el | powerpc64le)
            case $variant in '' | power8 | power9 | power10 | power11) echo ppc64le ;; esac
            return
            ;;
        riscv64)
            case $variant in '' | rva20u64 | rva22u64 | rva23u64) echo riscv64 ;; esac
            return
            ;;
        x86_64 | amd64 | x86-64)
            case $variant in '' | v[1-4]) echo x86_64 ;; esac
            return
            ;;
    esac
    [ "$name" = "${1#linux/}" ] || return 0
    case $name in
        aarch64_be | arm64be) echo aarch64_be ;;
        armeb | armbe) echo armeb ;;
        hppa | parisc) echo hppa ;;
        i386 | 386 | i686 | x86) echo i386 ;;
        loongarch64 | loong64) echo loongarch64 ;;
        mips64el | mips64le) echo mips64el ;;
        mipsel | mipsle) echo mipsel ;;
        mipsn32 | mips64p32) echo mipsn32 ;;
        mipsn32el | mips64p32le) echo mipsn32el ;;
        or1k | openrisc) echo or1k ;;
        ppc | powerpc) echo ppc ;;
        ppc64 | powerpc64) echo ppc64 ;;
        alpha | hexagon | i486 | m68k | microblaze | microblazeel | mips | mips64 | riscv32 | s390x | sh4 | sh4eb \
            | sparc | sparc32plus | sparc64 | xtensa | xtensaeb)
            echo "$name"
            ;;
    esac
}

# The tag of the image with the binary of a target.
tag() {
    # An entry of its own, with the binary of another.
    if [ "$1" = i486 ]; then echo i386; else echo "$1"; fi
}

# This machine's own target, which needs no emulator.
own=$(target "$(uname -m | tr '[:upper:]' '[:lower:]')")

all=
targets=
tags=
count=0
for name in $(printf '%s' "${QUS_TARGETS-}" | tr ',\n\r\t' '    '); do
    lower=$(printf '%s' "$name" | tr '[:upper:]' '[:lower:]')
    if [ "$lower" = all ]; then
        all=true
        continue
    fi
    target=$(target "$lower")
    [ -n "$target" ] || fail "unknown target \`$name\`" \
        "name targets as QEMU, Debian, Docker or OCI do: aarch64, arm64, arm64v8, linux/arm64"
    case " $targets " in
        *" $target "*) ;;
        *)
            targets="$targets $target"
            ;;
    esac
    # Its image is needed only if there is nothing else to look with.
    [ "$target" != "$own" ] || continue
    tag=$(tag "$target")
    case " $tags " in
        *" $tag "*) ;;
        *)
            tags="$tags $tag"
            count=$((count + 1))
            ;;
    esac
done
if [ -n "$all" ]; then
    targets=
    count=0
fi
only_own=
if [ -n "$targets" ] && [ "$count" = 0 ]; then
    only_own=true
    tags=" $(tag "$own")"
    count=1
fi

# The digest of the image with this tag that this commit of the Action runs; nothing if it names none.
digest() {
    [ ! -r "${0%/*}/digests" ] || while read -r digest reference; do
        case $digest in
            sha256:*[!0-9a-f]*) ;;
            sha256:*) if [ "${reference##*:}" = "$1" ]; then echo "$digest" && break; fi ;;
        esac
    done <"${0%/*}/digests"
}

# The part of the tag that names QEMU's version: two numbers are the newest images with it, more never move.
version=
case ${QUS_QEMU-} in
    '') ;;
    .* | *. | *..* | *[!0-9.]*) fail "invalid input \`qemu\`: \`$QUS_QEMU\`" 'it is a version of QEMU that images have, in quotes, since YAML takes 10.0 for 10: "11.1", "10.0", "11.1.3"' ;;
    *.*.*) version=$QUS_QEMU ;;
    *.*) version=d$QUS_QEMU ;;
    *) fail "invalid input \`qemu\`: \`$QUS_QEMU\`" 'it is a version of QEMU that images have, in quotes, since YAML takes 10.0 for 10: "11.1", "10.0", "11.1.3"' ;;
esac

image=${QUS_IMAGE:-aptman/qus}
unpinned=
case ${image##*/} in
    # The user has chosen.
    *[:@]*)
        [ -z "$version" ] || fail "there are two choices of QEMU: \`$image\` and the input \`qemu\`" "leave the tag or \`qemu\` out"
        ;;
    *)
        # The image with one target is a fifth of the whole one, or less.
        case $count,$version in
            1,) tag=${tags# } ;;
            1,d*) tag=$version-${tags# } ;;
            # A tag that never moves has no `_`.
            1,*) tag=$version-$(printf '%s' "${tags# }" | tr _ -) ;;
            *) tag=${version:-latest} ;;
        esac
        digest=
        [ "$image" != aptman/qus ] || digest=$(digest "$tag")
        if [ -n "$digest" ]; then
            image=$image@$digest
        else
            [ "$image" != aptman/qus ] || unpinned=$image:$tag
            image=$image:$tag
        fi
        ;;
esac
[ -z "${QUS_MIRROR-}" ] || image=${QUS_MIRROR%/}/$image
# Docker would take it for an option, or GitHub for a line of its own.
case $image in
    -* | *[!A-Za-z0-9._/:@-]*)
        fail "invalid image \`$image\`" "an image's name has letters, digits and . _ / : @ -, and does not begin with a dash"
        ;;
esac

set -- -s
if is reset "${QUS_RESET-}"; then set -- "$@" -r; fi
set -- "$@" -- -p
if ! is check "${QUS_CHECK:-true}"; then set -- "$@" --no-check; fi
case ${QUS_CPU-} in
    '') ;;
    auto) set -- "$@" --cpu ;;
    *[!A-Za-z0-9.,=_+-]*)
        fail "invalid input \`cpu\`: \`$QUS_CPU\`" "it is auto, qemu, or a CPU model of QEMU's, as its -cpu takes it"
        ;;
    *) set -- "$@" "--cpu=$QUS_CPU" ;;
esac
command -v docker >/dev/null ||
    fail "there is no program \`docker\`" "install Docker, or podman with its \`docker\` (Debian's podman-docker)"

[ -z "$unpinned" ] ||
    echo "note: this commit of the Action names no digest of $unpinned: what has this tag today is run" >&2
hush
if [ -n "$only_own" ]; then
    echo "Skipping $own: this machine runs it by itself"
else
    # shellcheck disable=SC2086 # Words, one for each target.
    docker run --rm --privileged "$image" "$@" $targets
fi

# The platforms that can run now, as JSON from the image itself: one on a line.
hint="see what it says: docker run --rm --privileged --entrypoint /qus/binfmt $image"
status=$(docker run --rm --privileged --entrypoint /qus/binfmt "$image") ||
    fail "\`$image\` does not tell which platforms run now" "$hint"
platforms=$(printf '%s\n' "$status" |
    sed -n '/"supported"/,/]/ s/^ *"\(linux\/[A-Za-z0-9._/-]*\)",*$/\1/p' | paste -s -d , -)
[ -n "$platforms" ] || fail "\`$image\` names no platform that runs now" "$hint"
echo "platforms=$platforms" >>"${GITHUB_OUTPUT:-/dev/stdout}"
