#!/usr/bin/env bash
# What docs/ says is so. docs/start.md: its configuration and all of its commands, as written, with the sandbox where the vendors are. And the escape from a
# mount that hangs, of docs/troubleshooting.md.
# timeout: 240

# /etc/lmsfs, /etc/fstab, /mnt and /var/cache are this suite's alone: in a mount namespace of its own.
. tests/lib/own_mounts.sh

CACHE=/var/cache/lmsfs CONF=/etc/lmsfs/lms.conf MNT=/mnt/lms
page=docs/start.md
T_LIMIT=60

# ---- the machine ----
mkdir -p "$T"/{etc/lmsfs,usr/bin,usr/sbin}
touch "$T/etc/fstab" "$T/fstab"
cp "$LMSFS_BIN" "$T/usr/bin/lmsfs"
ln -s ../bin/lmsfs "$T/usr/sbin/mount.lmsfs"
mount -t overlay -o "lowerdir=$T/usr:/usr" overlay /usr && mount -t overlay -o "lowerdir=$T/etc:/etc" overlay /etc &&
    mount -t tmpfs tmpfs /etc/lmsfs && mount --bind "$T/fstab" /etc/fstab && mount -t tmpfs tmpfs /mnt &&
    mount -t tmpfs tmpfs /var/cache || bail "a machine to install on"
hash -r

sandbox_start --users 40 --synap-users 10 --learningpool-users 3 --avia-users 15 --thrive-users 15 --job-seconds 0.3
jane=$(state synap/users | jq -r '.users[2].email')
changes='(.method != "GET") and (.path != "/token")'

# ---- the page ----
blocks() { # LANGUAGE [HEADING] - the fenced blocks below a heading "## …", or of the whole page
    awk -v lang="$1" -v heading="${2:-}" '/^## / { at = $0 } /^```/ { on = !on && $0 == "```" lang; inside = !inside; if (!inside) on = 0; next }
        on && (heading == "" || index(at, heading))' "$page"
}
as_written() { # HEADING - runs its commands, stopping at the first that fails; what they print is in $OUT
    blocks sh "$1" | sed "s/jane@example.com/$jane/" >"$T/commands"
    OUT=$(t 120 bash -eu "$T/commands" 2>&1 </dev/null)
    local status=$?
    if [ $status = 0 ] && [ -s "$T/commands" ]; then
        ok "$1"
    else
        not_ok "$1" "exit status $status"$'\n'"$OUT"
    fi
}

as_written "1. Install"

declare -A secrets=([hownow.secret]=sandbox-secret [synap.secret]=sandbox-org-secret [synap.key]=sandbox-key
    [learningpool.key]=sandbox-pool-key [avia.token]=sandbox-avia-token [thrive.secret]=sandbox-thrive-secret)
while read -r line; do
    check "2. $line" sh -c "echo '${secrets[${line##*/}]}' | $line"
done < <(blocks sh "2. Credentials")
eq "every secret has its file" "$(printf '%s\n' "${!secrets[@]}" | sort)" "$(ls /etc/lmsfs)"

blocks ini | sed "/^region/d; /^base_url/d; s|^provider *= avia\$|&\nbase_url = $URL|; s|^provider *= hownow\$|&\nbase_url = $URL|
    s|^provider *= synap\$|&\nbase_url = $URL|; s|^provider *= learningpool\$|&\nbase_url = $URL/api|
    s|^provider *= thrive\$|&\nbase_url = $URL/rest\nevents_url = $URL/webhooks|
    s|= abc\$|= sandbox|; s|= my-org\$|= sandbox-org|; s|= eu-west-2_AbcdEfghI\$|= sandbox-tenant|" >$CONF
eq "the page has a section for each vendor" "avia hownow learningpool synap thrive" \
    "$(sed -n 's/^provider *= //p' $CONF | sort | xargs)"

as_written "3. Check"
eq "… says of each that its credentials are good" 5 "$(grep -c 'credentials good' <<<"$OUT")"
requests_clear
as_written "4. Look"
like "… ls shows the tenants" 'avia.*hownow.*learningpool.*synap.*thrive' "$OUT"
like "… the status says that nothing is sent" 'DRY RUN' "$OUT"
eq "… it shows what would be sent to each of them" "avia hownow learningpool synap thrive" \
    "$(sed -n 's/^\([a-z]*\)  [^ ]*  save  dry run .*/\1/p' <<<"$OUT" | sort -u | xargs)"
eq "… and nothing was" 0 "$(requests "$changes")"
as_written "5. Save"
file=$(sed -n 's|^hownow/users/\(EXT-.*\)\.json: clean.*|\1|p' <<<"$OUT")
like "… the file is the LMS's" '^EXT-' "$file"
eq "… and the LMS has it" Contributor "$(state "hownow/users/$file" | jq -r .user_type)"
eq "… by one request" 1 "$(requests "$changes")"
as_written "6. At every boot"
eq "… everybody is there" 40 "$(tail -n 1 <<<"$OUT")"

# ---- what the other pages name ----
packages=$(sed -n '/^build=/,/^$/p' packaging/install-deps | grep -oE '[a-z][a-z0-9.+-]+' | grep -vxE 'build|demo|test|bench|lint|fuzz|deb' | sort -u)
within "packaging/install-deps has packages" 30 99 "$(wc -w <<<"$packages")"
eq "docs/dependencies.md has each of them" "" \
    "$(grep -vxFf <(sed -n 's/^| \([a-z][^|]*\) |.*/\1/p' docs/dependencies.md | tr -d ' ' | tr , '\n') <<<"$packages")"
named=$(sed 's/[^ `]*<[^ `]*//g' docs/{architecture,vendor,dependencies,start}.md | grep -ohE '\b(src|tests|docs|packaging|examples|include)/[A-Za-z0-9_./-]+[a-z0-9]' | sort -u)
within "paths of the tree are named" 50 500 "$(wc -w <<<"$named")"
eq "… and each is there" "" "$(for path in $named; do [ -e "$path" ] || echo "$path"; done)"
eq "docs/vendor.md: no vendor's name stands in the code above src/lms/" "" \
    "$(for file in src/{sync,fs,store,net}/*.c; do
        gcc -fpreprocessed -dD -E -P -w "$file" | grep -iE 'hownow|synap|learningpool|avia|thrive' | sed "s|^|$file: |"
    done)"

# ---- troubleshooting: a mount that hangs ----
page=docs/troubleshooting.md
mkdir -p $MNT
t 60 lmsfs mount $CONF $MNT || bail "mounted again"
DAEMON_PID=$(<$CACHE/lmsfs.pid)
pid_record "$DAEMON_PID"
check "the mount answers" ls $MNT
check "the daemon stands still" pid_stop "$DAEMON_PID"
cat $MNT/hownow/users/EXT-nobody.json >/dev/null 2>&1 &
hanging=$!
pid_record $hanging
waits() { grep -q '^State:.[SD]' /proc/$hanging/status && [ "$(cat /proc/$hanging/wchan 2>/dev/null)" != 0 ]; }
check "a program hangs in it" wait_until 10 waits
aborts() { [ -n "$(ls /sys/fs/fuse/connections)" ]; }
aborts || mount -t fusectl fusectl /sys/fs/fuse/connections 2>/dev/null
if aborts; then
    as_written "A mount that hangs"
    check "… the program that hung is let go" wait_until 10 pid_gone $hanging
    mounted $MNT && not_ok "… and the mount is gone" || ok "… and the mount is gone"
else
    skip "A mount that hangs" "no fusectl here"
fi
kill -KILL "$DAEMON_PID"
kill -CONT "$DAEMON_PID"
wait_until 10 pid_gone "$DAEMON_PID"
check "… and it can be mounted again" lmsfs mount $CONF $MNT
check "… with everybody" test -e $MNT/hownow/users
DAEMON_PID=$(<$CACHE/lmsfs.pid)
pid_record "$DAEMON_PID"
check "umount" lmsfs umount $MNT
done_testing
