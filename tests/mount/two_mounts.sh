#!/usr/bin/env bash
# Two mounts, one daemon: one to work in and one to audit, on one engine, cache and budget.
. tests/lib/lib.sh

sandbox_start --users 250
conf_hownow 'trickle = no' 'crawl_limit = 5' 'list_ttl = 600'
config_write hownow
mount_start
users=$MNT/hownow/users
AUDIT=$T/audit audit=$T/audit/hownow/users
lists='.path | test("^/external/v1/users\\?")'

# ---- another mount of the same cache folder ----
first=$DAEMON_PID
t ls "$users" >/dev/null
mount_start -o ro "$AUDIT"
eq "a second mount is served by the same daemon" "$first" "$DAEMON_PID"
eq "… which is the only one" 1 "$(pgrep -f -c "mount .*$CONF")"
eq "both show the same people" "$(t ls "$users" | md5sum)" "$(t ls "$audit" | md5sum)"
eq "… of one sweep" 3 "$(requests "$lists")"
eq "… under the same numbers" "$(t find "$users" -name 'EXT-*' -printf '%f %i %s\n' | sort | md5sum)" \
    "$(t find "$audit" -name 'EXT-*' -printf '%f %i %s\n' | sort | md5sum)"
eq "the read-only one takes no save" EROFS "$(errno_of save "$audit/EXT-e-000010.json" <<<'{"name": "No"}')"
eq "… and no removal" EROFS "$(errno_of unlink "$audit/EXT-e-000010.json")"

# ---- what is saved in one is seen in the other ----
name_in() { t jq -r .name "$1/EXT-e-000010.json"; }
shows() { [ "$(name_in "$1")" = "$2" ]; }
name_in "$audit" >/dev/null # the kernel has it from now on
size=$(t stat -c %s "$audit/EXT-e-000010.json")
printf '{"name": "Seen By The Auditor Too"}' | t tee "$users/EXT-e-000010.json" >/dev/null
began=${EPOCHREALTIME/./}
check "a save in the first is seen in the second" wait_until 5 shows "$audit" "Seen By The Auditor Too"
within "… within a second" 0 $((1000 * SLOW)) $(((${EPOCHREALTIME/./} - began) / 1000))
eq "… with its exact size" "$(t cat "$audit/EXT-e-000010.json" | wc -c)" "$(t stat -c %s "$audit/EXT-e-000010.json")"
check "… which is another than before" test "$size" != "$(t stat -c %s "$audit/EXT-e-000010.json")"
people_change hownow '{"op": "update", "id": "EXT-e-000011", "set": {"name": "Changed Elsewhere"}}' >/dev/null
t jq -r .name "$audit/EXT-e-000011.json" "$users/EXT-e-000011.json" >/dev/null
check "a refresh through the first" t "$LMSFS_BIN" refresh "$users"
changed() { [ "$(t jq -r .name "$1/EXT-e-000011.json")" = "Changed Elsewhere" ]; }
check "… is seen in the first" wait_until 5 changed "$users"
check "… and in the second" wait_until 5 changed "$audit"
t mv "$users/EXT-e-000012.json" "$MNT/hownow/deactivated-users/"
gone() { ! t ls "$1" | grep -q '^EXT-e-000012.json$' && not test -e "$1/EXT-e-000012.json"; }
check "a person moved into the bin of the first is gone from users/ of the second" wait_until 5 gone "$audit"
check "… and in its bin" t test -e "$AUDIT/hownow/deactivated-users/EXT-e-000012.json"
echo local | t tee "$users/notes.txt" >/dev/null
eq "scratch is each mount's own" ENOENT "$(errno_of read "$audit/notes.txt")"
known() { t "$LMSFS_BIN" status --json "$1" | jq -c '[.tenants[].collections[] | {name, entries}]'; }
eq "the status of both is one" "$(known "$MNT")" "$(known "$AUDIT")"

# ---- unmounting one leaves the other ----
check "the audit mount is unmounted" t "$LMSFS_BIN" umount "$AUDIT"
check "… at once" not mounted "$AUDIT"
check "… and the daemon goes on" kill -0 "$first"
eq "… and serves the first" 249 "$(t ls "$users" | grep -c '^EXT-\|^ID-')"
eq "… with its scratch" local "$(t cat "$users/notes.txt")"
check "it can be mounted again" t "$LMSFS_BIN" mount -o ro "$CONF" "$AUDIT"
eq "… and a third time elsewhere" OK "$(mkdir -p "$T/third" && t "$LMSFS_BIN" mount "$CONF" "$T/third" && echo OK)"
check "the first mount is unmounted" t "$LMSFS_BIN" umount "$MNT"
check "… and the daemon goes on" kill -0 "$first"
eq "… and serves the second" 249 "$(t ls "$audit" | grep -c '^EXT-\|^ID-')"
printf '{"name": "From The Third"}' | t tee "$T/third/hownow/users/EXT-e-000010.json" >/dev/null
check "a save in the third is seen in the second" wait_until 5 shows "$audit" "From The Third"
check "a mount point in use is refused" not "$LMSFS_BIN" mount "$CONF" "$AUDIT"
check "a lazy unmount while a file is open" sh -c "exec 3<'$T/third/hownow/users/EXT-e-000010.json'; fusermount3 -uz '$T/third'"
eq "… leaves the others" "From The Third" "$(name_in "$audit")"

# ---- another configuration ----
sed 's/^crawl_limit = 5/crawl_limit = 6/' "$CONF" >"$T/other.conf"
chmod 600 "$T/other.conf"
said=$(t "$LMSFS_BIN" mount "$T/other.conf" "$MNT" 2>&1)
eq "another configuration is refused" 1 $?
like "… naming what differs" 'another configuration: \[hownow\] crawl_limit differs' "$said"
sed 's/sandbox-secret/other-secret/' "$CONF" >"$T/other.conf"
said=$(t "$LMSFS_BIN" mount "$T/other.conf" "$MNT" 2>&1)
like "… a secret too" '\[hownow\] client_secret differs' "$said"
check "… which is not told" not grep -qF other-secret <<<"$said"
check "… and nothing is mounted" not mounted "$MNT"
sed 's/^list_ttl = 600$//' "$CONF" >"$T/other.conf"
like "… and a key that is left out" 'list_ttl differs' "$(t "$LMSFS_BIN" mount "$T/other.conf" "$MNT" 2>&1)"

# ---- a mount in the foreground, as systemd has it ----
"$LMSFS_BIN" mount -f "$CONF" "$MNT" >>"$T/mount.log" 2>&1 </dev/null &
holder=$!
pid_record $holder
check "a foreground mount joins too" wait_until 20 mounted "$MNT"
check "… and stays" kill -0 $holder
kill -TERM $holder
wait $holder
eq "… until it is told to end, and ends well" 0 $?
check "… with its mount" not mounted "$MNT"
check "… and the daemon goes on" kill -0 "$first"

# ---- the last one ----
check "the last mount is unmounted" t "$LMSFS_BIN" umount "$AUDIT"
check "… and with it the daemon" wait_until 20 pid_gone "$first"
eq "… leaving no scratch behind" "" "$(ls "$CACHE/scratch" 2>/dev/null)"

# ---- two that start at once, as fstab has it ----
for at in "$MNT" "$AUDIT" "$T/third"; do
    t 60 "$LMSFS_BIN" mount "$CONF" "$at" >>"$T/mount.log" 2>&1 </dev/null &
    starters+=($!)
done
wait "${starters[@]}"
check "of three that start at once all are mounted" sh -c "for at in '$MNT' '$AUDIT' '$T/third'; do
    [ \"\$(ls \$at/hownow/users | wc -l)\" = 249 ] || exit 1; done"
DAEMON_PID=$(<"$CACHE/lmsfs.pid")
pid_record "$DAEMON_PID"
eq "… by one daemon" 1 "$(pgrep -f -c "mount .*$CONF")"
kill -TERM "$DAEMON_PID"
check "the daemon told to end unmounts all" wait_until 30 pid_gone "$DAEMON_PID"
check "… really" not mounted
done_testing
