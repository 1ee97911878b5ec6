#!/bin/sh
# Registers emulators with the image aptman/qus, as the inputs of the Action say: QUS_TARGETS, QUS_IMAGE, QUS_MIRROR,
# QUS_CHECK, QUS_RESET. Can be run by hand; all of them may be missing. Needs docker. What the Action puts out goes into
# the file $GITHUB_OUTPUT, or to stdout.
set -eu
# Inputs are words, never patterns.
set -f

fail() {
    echo "error: $1" >&2
    [ -z "${2-}" ] || echo "hint: $2" >&2
    # What GitHub shows beside the step.
    [ "${GITHUB_ACTIONS-}" != true ] || echo "::error title=qus::$1"
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
    case ${1#linux/} in
        aarch64 | arm64 | arm64v8 | arm64/v8 | armv8) echo aarch64 ;;
        aarch64_be | arm64be) echo aarch64_be ;;
        arm | armhf | armel | arm/v5 | arm/v6 | arm/v7 | arm32v5 | arm32v6 | arm32v7 | armv6 | armv6l | armv7 | armv7l) echo arm ;;
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
        ppc64le | ppc64el | powerpc64le) echo ppc64le ;;
        x86_64 | amd64 | x86-64) echo x86_64 ;;
        alpha | hexagon | i486 | m68k | microblaze | microblazeel | mips | mips64 | riscv32 | riscv64 | s390x | sh4 \
            | sh4eb | sparc | sparc32plus | sparc64 | xtensa | xtensaeb)
            echo "${1#linux/}"
            ;;
    esac
}

# The tag of the image with the binary of a target.
tag() {
    # An entry of its own, with the binary of another.
    if [ "$1" = i486 ]; then echo i386; else echo "$1"; fi
}

targets=
tags=
count=0
for name in $(printf '%s' "${QUS_TARGETS-}" | tr ',\n\r\t' '    '); do
    target=$(target "$(printf '%s' "$name" | tr '[:upper:]' '[:lower:]')")
    [ -n "$target" ] || fail "unknown target \`$name\`" \
        "name targets as QEMU, Debian, Docker or OCI do: aarch64, arm64, arm64v8, linux/arm64"
    case " $targets " in
        *" $target "*) ;;
        *)
            targets="$targets $target"
            ;;
    esac
    tag=$(tag "$target")
    case " $tags " in
        *" $tag "*) ;;
        *)
            tags="$tags $tag"
            count=$((count + 1))
            ;;
    esac
done

image=${QUS_IMAGE:-aptman/qus}
case ${image##*/} in
    # The user has chosen.
    *[:@]*) ;;
    # The image with one target is a fifth of the whole one, or less.
    *) if [ "$count" = 1 ]; then image=$image:${tags# }; else image=$image:latest; fi ;;
esac
[ -z "${QUS_MIRROR-}" ] || image=${QUS_MIRROR%/}/$image

set -- -s
if is reset "${QUS_RESET-}"; then set -- "$@" -r; fi
set -- "$@" -- -p
if ! is check "${QUS_CHECK:-true}"; then set -- "$@" --no-check; fi
command -v docker >/dev/null ||
    fail "there is no program \`docker\`" "install Docker, or podman with its \`docker\` (Debian's podman-docker)"
# shellcheck disable=SC2086 # Words, one for each target.
docker run --rm --privileged "$image" "$@" $targets

# What can run now, said by the image itself as JSON: one platform on a line.
hint="see what it says: docker run --rm --privileged --entrypoint /qus/binfmt $image"
status=$(docker run --rm --privileged --entrypoint /qus/binfmt "$image") ||
    fail "\`$image\` does not tell which platforms run now" "$hint"
platforms=$(printf '%s\n' "$status" |
    sed -n '/"supported"/,/]/ s/^ *"\(linux\/[^"]*\)",*$/\1/p' | paste -s -d , -)
[ -n "$platforms" ] || fail "\`$image\` names no platform that runs now" "$hint"
echo "platforms=$platforms" >>"${GITHUB_OUTPUT:-/dev/stdout}"
