#!/usr/bin/env bash
# make install below a DESTDIR: every file that the documents name, with the modes it needs whatever the umask is, and nothing elsewhere; what is installed
# works from where it is.
# sanitize: no, what is installed is not
# timeout: 120
. tests/lib/lib.sh

unset MAKEFLAGS MAKELEVEL MFLAGS
T_LIMIT=60
modes() { find "$1" -mindepth 1 -printf '%m %y %P\n' | sort -k3; } # ROOT
wrong_modes() { # ROOT - of the directories, the programs, the others
    modes "$1" | awk '$2 == "d" && $1 != 755 || $2 == "f" && $3 ~ /\/s?bin\/|\/recipes\/[a-z-]*$/ && $1 != 755 ||
        $2 == "f" && $3 !~ /\/s?bin\/|\/recipes\/[a-z-]*$/ && $1 != 644'
}
install_to() { # UMASK ROOT PREFIX
    (umask "$1" && t make -s -o all install BUILD="$BUILD" DESTDIR="$2" PREFIX="$3")
}
for prefix in /usr /usr/local; do
    root=$T/root$prefix
    mkdir -p "$root"
    touch "$T/before"
    check "make install PREFIX=$prefix, umask 022" install_to 022 "$root" "$prefix"
    for file in bin/lmsfs bin/lmsfs-sandbox sbin/mount.lmsfs lib/systemd/system/lmsfs@.service share/man/man1/lmsfs.1 \
        share/man/man1/lmsfs-sandbox.1 share/man/man5/lmsfs.conf.5 share/man/man7/lmsfs-semantics.7 share/man/man8/mount.lmsfs.8 \
        share/bash-completion/completions/lmsfs share/zsh/site-functions/_lmsfs share/doc/lmsfs/examples/lmsfs.conf; do
        check "… $file" test -s "$root$prefix/$file"
    done
    eq "… every recipe" "$(ls examples/recipes)" "$(ls "$root$prefix/share/doc/lmsfs/examples/recipes")"
    eq "… with their modes" "" "$(wrong_modes "$root")"
    eq "… all of it below the prefix" "" "$(modes "$root" | cut -d' ' -f3 | grep -v "^${prefix#/}" | grep -vx usr)"
    like "… the unit starts what is installed" "^ExecStart=$prefix/bin/lmsfs mount " "$(grep '^ExecStart=' "$root$prefix/lib/systemd/system/lmsfs@.service")"
    eq "… and nothing is left to be filled in" "" "$(grep -rl '@[A-Z]*@' "$root$prefix/lib" "$root$prefix/share")"
    mkdir "$T/strict"
    check "the same with umask 077" install_to 077 "$T/strict" "$prefix"
    eq "… gives the same files and modes" "$(modes "$root")" "$(modes "$T/strict")"
    check "a second time, over the first" install_to 077 "$root" "$prefix"
    eq "… changes nothing" "$(modes "$T/strict")" "$(modes "$root")"
    rm -rf "$T/strict"
done
eq "nothing was installed elsewhere" "" "$(find /usr/local /etc /lib/systemd/system -xdev -newer "$T/before" -name '*lmsfs*' 2>/dev/null)"

# ---- it works from there ----
LMSFS_BIN=$root/usr/local/bin/lmsfs SANDBOX_BIN=$root/usr/local/bin/lmsfs-sandbox
like "it says its version" '^lmsfs [0-9]' "$(t "$LMSFS_BIN" --version)"
sandbox_start --users 20
config_write hownow
mount_start
eq "it mounts" 20 "$(t ls "$MNT/hownow/users" | wc -l)"
eq "… and is the installed one" "$(realpath "$LMSFS_BIN")" "$(realpath "/proc/$DAEMON_PID/exe")"
check "it unmounts" mount_stop
check "mount.lmsfs leads to it" test "$root/usr/local/sbin/mount.lmsfs" -ef "$LMSFS_BIN"
done_testing
