#!/bin/bash
# Programs that get other credentials, from a user without any: a copy of `id`, `su` and `sudo`.
set -euo pipefail
for service in su su-l sudo common-auth common-account common-session common-session-noninteractive other; do
    printf '%s sufficient pam_permit.so\n' auth account session > "/etc/pam.d/$service"
done
echo 'user:x:1000:1000::/tmp:/bin/bash' >> /etc/passwd
echo 'user:x:1000:' >> /etc/group
echo 'root:*:19000:0:99999:7:::' > /etc/shadow
echo 'user:*:19000:0:99999:7:::' >> /etc/shadow
echo 'user ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers
chmod 440 /etc/sudoers
cp /usr/bin/id /usr/local/bin/id-of-root
chmod 4755 /usr/local/bin/id-of-root
as_user() { setpriv --reuid=1000 --regid=1000 --clear-groups "$@"; }
as_user id -u
as_user /usr/local/bin/id-of-root
as_user su -c 'id -u; id -ru' root
as_user sudo id -un
as_user sudo -u user id -un
as_user sudo sh -c 'echo $SUDO_USER; cat /etc/shadow | head -1'
