#!/usr/bin/env bash
# A daemon killed in mid-sweep goes on at its page; a dead mount is cleaned up.
. tests/lib/lib.sh

sandbox_start --users 10000 --latency 40
conf_hownow 'trickle = no' 'crawl_limit = 0'
config_write hownow
mount_start
lists='.path | test("^/external/v1/users\\?")'
t 60 ls "$MNT/hownow/users" >/dev/null 2>&1 &
lister=$!
half_way() { [ "$(requests "$lists")" -ge 40 ]; }
check "the sweep is half way" wait_until 30 half_way
daemon_crash
wait $lister
before=$(requests "$lists")
within "it was killed in mid-sweep" 40 99 "$before"
mount_start
eq "the listing is whole after a restart" 10000 "$(t 60 ls "$MNT/hownow/users" | wc -l)"
within "no page that was committed was asked for again" 100 104 "$(requests "$lists")"
kill -KILL "$DAEMON_PID"
wait_until 10 pid_gone "$DAEMON_PID"
mount_start
eq "lmsfs mount cleans a dead mount up, and the listing is there at once" 10000 "$(t ls "$MNT/hownow/users" | wc -l)"
done_testing
