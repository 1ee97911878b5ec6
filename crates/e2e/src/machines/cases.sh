# Ways of executing a program. $a and $b are foreign, $c is the machine's own; what is printed is compared between the kernel's
# binfmt_misc and `run`. Nothing rests on the number of a process, or on argv[0], which is lost before Linux 5.12. An emulated
# machine needs a second or so to start QEMU: these are the cases that the machine has a part in.
mkdir -p /tmp/cases/root/bin /tmp/cases/root/dev /tmp/cases/root/proc; cd /tmp/cases || exit
[ -e root/proc/self ] || mount -t proc proc root/proc
ln -sfn /proc/self/fd root/dev/fd
see='echo "$0|$*|$A|$B"; readlink /proc/self/exe; uname -m'
named() { echo "= $1"; }
end() { echo "status $?"; }
ln -sf "$a" busybox-linked; cp "$a" plain; chmod 644 plain
printf '#!%s sh\necho "$0|$*"\n' "$a" > script; printf '#!/tmp/cases/script x y\n' > second
printf '#!/tmp/cases/circle\n' > circle; chmod 755 script second circle
cp "$a" root/bin/sh; printf '#!/bin/sh -e\necho "$0|$*"\n' > root/bin/script; chmod 755 root/bin/script
named "absolute path"; A=1 B=2 "$a" sh -c "$see" zero one ''; end
named "link"; ./busybox-linked sh -c "$see" zero one; end
named "relative path"; (cd /; ".$b" sh -c "$see" zero); end
named "foreign from own from foreign"; "$a" sh -c "$c sh -c '$b uname -m; exit 6'"; end
named "own executable"; "$a" sh -c 'exec -a busybox /proc/self/exe uname -m'; end
named "descriptor's path"; "$c" sh -c 'exec 7< script; exec /proc/self/fd/7 one'; end
named "script of a script"; ./second one; end
named "circle"; "$c" env ./circle; end
named "not executable"; "$c" env ./plain; end
named "a signal"; "$a" sh -c 'kill -TERM $$'; end
named "many arguments"; "$a" sh -c 'echo $#; echo ${2000}' zero $(seq 1 2000); end
named "another root"; chroot root /bin/sh -c 'uname -m; exec /bin/script x'; end
# TOMOYO has nothing executed by its descriptor where there is no /dev/fd: on Debian's Linux 5.10, and no longer on its 6.1.
[ "$bare" ] || exit 0
umount root/proc
named "another root without /proc"; chroot root /bin/sh -c 'uname -m; exec /bin/script x'; end
