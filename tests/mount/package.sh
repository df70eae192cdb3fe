#!/usr/bin/env bash
# The package as an administrator meets it: built with Debian's tools, clean for lintian, installed into a root of its own, one fstab line,
# mount -a, an edit in vim, lmsfs status, a stop and a start by what the unit says, and removed again.
# sanitize: no, what is packaged is not
# timeout: 300

# The installed files lie over /usr, and the fstab over /etc, for this suite alone: in a mount namespace of its own.
. tests/lib/own_mounts.sh

# ---- built ----
T_LIMIT=120
check "the package is built, and lintian has nothing to say" \
    env PREBUILT="$PWD/$BUILD" DEB_BUILD_OPTIONS='nocheck parallel=2' packaging/build-deb "$T/deb" "$(sed -n '1s/.*(\(.*\)).*/\1/p' packaging/debian/changelog)"
T_LIMIT=20
deb=$(echo "$T"/deb/lmsfs_*.deb)
[ -e "$deb" ] || bail "there is a package"

# ---- installed ----
root=$T/root
mkdir -p "$root"/var/lib/dpkg/{info,updates,triggers} "$T/etc/lmsfs"
touch "$root/var/lib/dpkg/status"
package() { dpkg --root="$root" --path-include='/usr/*' --force-not-root --force-depends --force-script-chrootless --log="$T/dpkg.log" "$@"; }
check "it is installed" package --install "$deb"
for file in bin/lmsfs bin/lmsfs-sandbox sbin/mount.lmsfs lib/systemd/system/lmsfs@.service share/man/man1/lmsfs.1.gz \
    share/man/man1/lmsfs-sandbox.1.gz share/man/man5/lmsfs.conf.5.gz share/man/man7/lmsfs-semantics.7.gz \
    share/man/man8/mount.lmsfs.8.gz share/bash-completion/completions/lmsfs share/zsh/vendor-completions/_lmsfs \
    share/doc/lmsfs/examples/lmsfs.conf share/doc/lmsfs/copyright; do
    check "… with $file" test -e "$root/usr/$file"
done
mount -t overlay -o "lowerdir=$root/usr:/usr" overlay /usr || bail "the installed files lie over /usr"
hash -r
eq "lmsfs is the installed one" "$(cat "$root/usr/bin/lmsfs" | sha256sum)" "$(sha256sum <"$(command -v lmsfs)")"
for page in 1/lmsfs 1/lmsfs-sandbox 5/lmsfs.conf 7/lmsfs-semantics 8/mount.lmsfs; do
    eq "man ${page#*/} has no mistakes" "" \
        "$(MANROFFSEQ='' MANWIDTH=100 man --warnings -l "/usr/share/man/man${page%%/*}/${page#*/}.${page%%/*}.gz" 2>&1 >/dev/null)"
done
check "bash's completion is bash" bash -n /usr/share/bash-completion/completions/lmsfs
commands=$(lmsfs help | sed -n 's/^  lmsfs \([a-z]*\) .*/\1/p')
for command in $commands; do
    grep -qw -- "$command" /usr/share/bash-completion/completions/lmsfs || echo "bash: $command"
    grep -qw -- "$command" /usr/share/zsh/vendor-completions/_lmsfs || echo "zsh: $command"
    zcat /usr/share/man/man1/lmsfs.1.gz | grep -qw -- "$command" || echo "man: $command"
done >"$T/unmentioned"
eq "completions and manual know every command" "" "$(cat "$T/unmentioned")"

# ---- one line of fstab ----
SANDBOX_BIN=/usr/bin/lmsfs-sandbox LMSFS_BIN=/usr/bin/lmsfs
sandbox_start --users 50
CONF=$T/etc/lmsfs/lms.conf
config_write hownow
mount -t tmpfs tmpfs /mnt && mkdir /mnt/lms /mnt/typed || bail "a place to mount on"
printf '%s\n' '/etc/lmsfs/lms.conf /mnt/lms fuse.lmsfs _netdev,nofail,x-systemd.automount,allow_other 0 0' >"$T/etc/fstab"
mount -t overlay -o "lowerdir=$T/etc:/etc" overlay /etc || bail "the configuration lies over /etc"
mounted_at() { mountpoint -q "$1"; }
unmounted_at() { ! mountpoint -q "$1"; }
daemon_known() {
    DAEMON_PID=$(cat "$CACHE/lmsfs.pid")
    pid_record "$DAEMON_PID"
}
check "mount -a" mount -a
check "… mounts it" mounted_at /mnt/lms
daemon_known
eq "everybody is there" 50 "$(t ls /mnt/lms/hownow/users | wc -l)"
file=/mnt/lms/hownow/users/$(t ls /mnt/lms/hownow/users | head -n 1)
check "an edit in vim" vim -Es -u DEFAULTS -c 'set nomore' -c '%s/"name": "[^"]*"/"name": "Edited In Vim"/' -c wq "$file"
eq "… is the LMS's" "Edited In Vim" "$(t cat /mnt/lms/hownow/jobs/last.json >/dev/null; state "hownow/users/$(basename "$file" .json)" | jq -r .name)"
like "lmsfs status" 'hownow' "$(t lmsfs status /mnt/lms)"
check "umount" umount /mnt/lms
check "… and the daemon ends" wait_until 20 pid_gone "$DAEMON_PID"

# ---- the type lmsfs, read-only ----
printf '%s\n' '/etc/lmsfs/lms.conf /mnt/typed lmsfs ro,_netdev,nofail 0 0' >"$T/etc/fstab"
check "mount by its mount point" mount /mnt/typed
daemon_known
eq "… read-only" EROFS "$(errno_of save "/mnt/typed/hownow/users/$(basename "$file")" <"$CONF")"
eq "… everybody" 50 "$(t ls /mnt/typed/hownow/users | wc -l)"
check "umount" umount /mnt/typed
check "… and the daemon ends" wait_until 20 pid_gone "$DAEMON_PID"

# ---- the unit ----
unit=/usr/lib/systemd/system/lmsfs@.service
check "systemd takes the unit" systemd-analyze verify --man=no lmsfs@lms.service
like "it says when it is ready" 'Type=notify' "$(cat $unit)"
like "it gains no privileges" 'NoNewPrivileges=yes' "$(cat $unit)"
unit_line() { sed -n "s/^$1=-\{0,1\}//p" $unit | sed 's/%i/lms/g'; }
start_unit() {
    $(unit_line ExecStartPre) || return 1
    $(unit_line ExecStart) >>"$T/unit.log" 2>&1 </dev/null &
    DAEMON_PID=$!
    pid_record "$DAEMON_PID"
    wait_until 20 mounted_at /mnt/lms
}
check "started as the unit does, it is mounted" start_unit
daemon_known
eq "the save of before is there" "Edited In Vim" "$(t jq -r .name "$file")"
kill -KILL "$DAEMON_PID"
wait_until 10 pid_gone "$DAEMON_PID"
check "killed, what the unit does then" $(unit_line ExecStopPost)
check "… takes the dead mount away" unmounted_at /mnt/lms
check "started again" start_unit
daemon_known
eq "… everybody" 50 "$(t ls /mnt/lms/hownow/users | wc -l)"
kill -TERM "$DAEMON_PID"
check "stopped as systemd stops it" wait_until 20 pid_gone "$DAEMON_PID"
check "… it unmounts by itself" unmounted_at /mnt/lms

# ---- removed ----
umount --lazy /usr
check "it is removed" package --purge lmsfs
eq "… and nothing of it is left" "" "$(find "$root/usr" "$root/etc" "$root/lib" -type f 2>/dev/null)"
check "what it knew stays: the ledger" test -e "$CACHE/ledger"
done_testing
