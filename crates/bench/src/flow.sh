# One host's images as people build them with a shell and a Docker engine.
# Arguments: the .deb with QEMU, `register`, the repository at the registry.
set -eu
# By their paths: busybox prefers its own, which are slower.
deb=$1 register=$2 repository=$3
export DOCKER_BUILDKIT=0
cd "$(mktemp -d -p /shared)"
mkdir pkg register full

/usr/bin/dpkg-deb --extract "$deb" unpacked
for program in unpacked/usr/bin/qemu-*; do
    if [ ! -L "$program" ]; then
        name=${program##*/}
        /usr/bin/tar --create --gzip --directory unpacked/usr/bin --transform 's/$/-static/' \
            --file "pkg/$name-static_amd64.tgz" "$name"
    fi
done

cat > pkg/Dockerfile << END
FROM scratch
ADD *.tgz /usr/bin/
END
cp "$register" register/register
cat > register/Dockerfile << END
FROM busybox
ENV QEMU_BIN_DIR=/usr/bin
COPY register /qus/register
ENTRYPOINT ["/qus/register"]
END
cat > full/Dockerfile << END
FROM $repository:register
COPY --from=$repository:pkg /usr/bin/ /usr/bin/
END

for kind in pkg register full; do
    docker build --quiet --tag "$repository:$kind" "$kind"
done
for kind in pkg register full; do
    docker push --quiet "$repository:$kind"
done
