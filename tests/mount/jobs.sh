#!/usr/bin/env bash
# Reading a job waits until it is over: without a thread each, interruptible, bounded.
. tests/lib/lib.sh

sandbox_start --users 1200 --job-seconds 600
conf_hownow 'trickle = no' 'job_timeout = 60' 'crawl_limit = 0'
config_write hownow
mount_start
users=$MNT/hownow/users jobs=$MNT/hownow/jobs
t ls "$users" >/dev/null
mapfile -t people < <(t ls "$users" | grep '^EXT-' | sed -n '100,109p')
for name in "${people[@]}"; do
    printf '{"name": "Held Up"}' | t tee "$users/$name" >/dev/null
done
eq "ten saves made ten jobs" 11 "$(t ls "$jobs" | wc -l)"
eq "last.json names the newest" "$(t ls -U "$jobs" | grep -v '^last' | tail -n 1)" "$(t readlink "$jobs/last.json")"
like "O_NONBLOCK opens at once and reads how it stands" 'in_progress' "$(t dd if="$jobs/last.json" iflag=nonblock status=none)"
check "grep -r doesn't wait" grep -rq in_progress "$jobs"
check "tar doesn't wait" tar -C "$jobs" -cf "$T/jobs.tar" .
eq "its size is a multiple of 4 KiB" 4096 "$(t stat -L -c %s "$jobs/last.json")"

eq "getattr never waits" 10 "$(t ls -l "$jobs" | grep -c '\.json$' | awk '{ print $1 - 1 }')"

# ---- a thousand wait ----
mapfile -t files < <(t ls "$jobs" | grep -v last | sed "s|^|$jobs/|")
median_ls() {
    local i
    for i in 1 2 3 4 5 6 7 8 9; do seconds_of ls -l "$users"; done | sort -n | sed -n 5p
}
t cat "$users/${people[0]}" >/dev/null
idle=$(median_ls)
rss=$(rss_anon) n=$(threads)
"$TESTBIN/park" 1000 "${files[@]}" >"$T/park.out" 2>&1 &
park=$!
pid_record $park
wait_until 30 grep -q parked "$T/park.out"
open_waits() { [ "$(cat "/proc/$park/task"/*/syscall 2>/dev/null | grep -c '^257 ')" -ge 1000 ]; }
check "a thousand threads wait in open" wait_until 30 open_waits
busy=$(median_ls)
within "the daemon grew by less than 8 MiB" -100000 8191 "$(($(rss_anon) - rss))"
eq "… and by no thread" "$n" "$(threads)"
within "ls -l meanwhile takes no more than twice its idle time (idle $idle s)" 0 "$(awk -v i="$idle" 'BEGIN { print 2 * i + 0.05 }')" "$busy"
eq "the LMS is asked for each job once in a while, not for each waiter" yes "$([ "$(requests '.path | test("/jobs/")')" -lt 400 ] && echo yes)"

# ---- Ctrl-C ----
timeout 30 cat "${files[0]}" >/dev/null 2>&1 &
reader=$!
wait_until 10 eval "grep -q '^257 ' /proc/\$(pgrep -P $reader)/syscall"
child=$(pgrep -P $reader)
before=${EPOCHREALTIME/./}
kill -INT "$child"
wait $reader
within "Ctrl-C ends a waiting reader within a second" 0 1000 "$(((${EPOCHREALTIME/./} - before) / 1000))"

jobs_change '{"seconds": 0}' >/dev/null
sandbox_post jobs '{"release": true}' >/dev/null 2>&1
kill -INT $park 2>/dev/null
wait $park 2>/dev/null
check "the mount works on" ls "$users"

# ---- over ----
CONF_LINES=()
conf_hownow 'trickle = no' 'job_timeout = 2'
mount_stop
config_write hownow
mount_start
jobs_change '{"seconds": 1}' >/dev/null
check "another save" sed -i '/^  "name"/s/: .*/: "Quick",/' "$users/${people[9]}"
sandbox_log=$(t 30 cat "$jobs/last.json")
like "a waiting cat yields completed" '"completed"' "$sandbox_log"
check "the padded document is JSON" sh -c "printf '%s' '$(printf %s "$sandbox_log" | jq -c .)' | jq -e .id"
eq "one of the old jobs times out for its reader" ETIMEDOUT "$(errno_of read "${files[0]}")"
done_testing
