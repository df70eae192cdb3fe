#!/usr/bin/env bash
# Half a document is never read: here the kernel hears late that a record has changed (a hook slows the notifier, and the time between the commit
# and the word of it), while others list and read. What is read goes with the size that is told, on a read-write mount and on a read-only one.
# timeout: 240
. tests/lib/lib.sh
LMSFS_BIN=$TESTBIN/lmsfs-hooks
export LMSFS_SLOW_FILE=$T/slow
LONG=$(printf 'long%.0s' {1..60})

PEOPLE=40
sandbox_start --users $PEOPLE
conf_hownow 'trickle = no' 'crawl_limit = 0' 'list_ttl = 3600' 'record_ttl = 3600' 'detail = never'
config_write hownow
mount_start
mount_start -o ro "$T/audit"
users=$MNT/hownow/users audit=$T/audit/hownow/users
t ls "$users" >/dev/null
t ls "$users" | sort >"$T/throughout"
t sh -c "cat '$users'/* '$audit'/* >/dev/null"

rename_all() { # NAME
    local i=0 name
    for name in $(grep EXT "$T/throughout"); do
        people_change hownow "{\"op\": \"update\", \"id\": \"${name%.json}\", \"set\": {\"name\": \"$1 $((i++))\"}}" >/dev/null || return 1
    done
}
changes() { # as long as the readers look
    local round
    for round in 1 2 3; do
        rename_all "$LONG" && t 60 "$LMSFS_BIN" refresh "$users" && rename_all Short && t 60 "$LMSFS_BIN" refresh "$users" || return 1
    done >"$T/changes.log" 2>&1
}
reads() { # DIR - begins to look at it; with small documents opened and read at once, and by a handle that stays open
    python3 tests/fault/watcher.py "$1" "$T/stop" "$T/throughout" 1 >"$T/watched.${2:-}" 2>&1 &
    pid_record $!
    watchers+=($!)
}

for slow in 'notify 60' 'committed 60' $'notify 30\ncommitted 30'; do
    printf '%s\n' "$slow" >"$T/slow"
    rm -f "$T/stop"
    watchers=()
    reads "$users" rw
    reads "$audit" ro
    check "${slow//$'\n'/, } ms: names get longer and shorter, over and over" changes
    touch "$T/stop"
    wait "${watchers[@]}"
    eq "… and nobody on the read-write mount sees half a document" "" "$(grep -v '^rounds ' "$T/watched.rw")"
    # There the kernel never asks to open, so that a read which is on its way while the word comes may look like a later one: once in thousands.
    within "… nor on the read-only one, but by the rarest chance" 0 8 "$(grep -cv '^rounds ' "$T/watched.ro")"
    for mount in rw ro; do
        like "… of those who look all the time" '^rounds [1-9][0-9]* reads [1-9][0-9]' "$(tail -n 1 "$T/watched.$mount")"
    done
done
: >"$T/slow"

# ---- what is read in the end is the last, in both ----
last() { [ "$(t cat "$1"/EXT-*.json | jq -r 'select(.name | startswith("Short") | not) | .name' | wc -l)" = 0 ]; }
check "the last names are there" wait_until 10 last "$users"
check "… in the other mount too" wait_until 10 last "$audit"

# ---- a handle that stays open ----
name=$(grep -m1 EXT "$T/throughout")
printf 'notify 400\n' >"$T/slow"
exec 5<"$users/$name"
people_change hownow "{\"op\": \"update\", \"id\": \"${name%.json}\", \"set\": {\"name\": \"$LONG\"}}" >/dev/null
t 60 "$LMSFS_BIN" refresh "$users" >/dev/null 2>&1 &
refresher=$!
pid_record $refresher
wait $refresher
check "who had it open before reads a whole document" sh -c "jq -e .name <&5 >'$T/held'"
exec 5<&-
eq "who opens it when it is known waits for the kernel, and reads the new one" "$LONG" "$(t jq -r .name "$users/$name")"
eq "… whose size is told with it" "$(t cat "$users/$name" | wc -c)" "$(t stat -c %s "$users/$name")"
done_testing
