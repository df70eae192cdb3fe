#!/usr/bin/env bash
# The network is gone: what was seen still reads, the rest answers in time, nothing hangs.
. tests/lib/lib.sh

sandbox_start --users 500
conf_hownow 'trickle = no' 'op_timeout = 3' 'lock_wait = 2' 'list_timeout = 5' 'crawl_limit = 5' 'list_ttl = 1'
conf_synap 'op_timeout = 3' 'lock_wait = 2'
config_write
mount_start
users=$MNT/hownow/users
check "first, the listing" ls "$users"
t cat "$users"/*.json >"$T/before"
first=$users/$(t ls "$users" | sed -n 7p)
eq "a record's state is clean" clean "$(xattr_of state "$first")"
sandbox_stop
check "the listing is still there" ls -l "$users"
t cat "$users"/*.json >"$T/after"
check "everything seen before still reads" cmp "$T/before" "$T/after"
slow() { # TEXT LIMIT ERRNO-REGEX CMD…
    local text=$1 limit=$2 errnos=$3 began=${EPOCHREALTIME/./} name
    shift 3
    name=$(errno_of "$@")
    like "$text: an errno that says so" "$errnos" "$name"
    within "$text: in time" 0 $((limit * SLOW)) "$(awk -v us=$((${EPOCHREALTIME/./} - began)) 'BEGIN { print us / 1000000 }')"
}
slow "a directory never listed" 6 'EHOSTUNREACH|ETIMEDOUT' list "$MNT/hownow/groups"
slow "a name not known" 4 'EHOSTUNREACH|ETIMEDOUT' read "$MNT/synap/users/ID-abcdefghij.json"
slow "a save" 7 'EHOSTUNREACH|ETIMEDOUT' save "$users/$(t ls "$users" | head -n 1)" <<<'{"name": "Nobody Hears"}'
slow "a move into the bin" 5 'EHOSTUNREACH|ETIMEDOUT' rename "$users/$(t ls "$users" | sed -n 30p)" "$MNT/hownow/deactivated-users/$(t ls "$users" | sed -n 30p)"
eq "nothing is left in D state" "" "$(ps -eo stat=,args= | awk -v t="$T" '$1 ~ /^D/ && index($0, t)')"
eq "a record's state says stale" stale "$(xattr_of state "$first")"
check "lmsfs status answers" "$LMSFS_BIN" status "$MNT"
check "lmsfs umount" mount_stop
check "… and it is unmounted" sh -c "! grep -q ' $MNT ' /proc/self/mountinfo"
mount_start
check "mounted again without a network, the listing is there" ls "$users"
sandbox_start --port "$PORT" --users 500
check "the LMS answers again" "$LMSFS_BIN" refresh "$first"
eq "… and the state is clean" clean "$(xattr_of state "$first")"
sandbox_stop
kill -TERM "$DAEMON_PID"
check "SIGTERM ends the daemon" wait_until 15 pid_gone "$DAEMON_PID"
check "… and unmounts" sh -c "! grep -q ' $MNT ' /proc/self/mountinfo"
done_testing
