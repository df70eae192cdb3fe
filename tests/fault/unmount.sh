#!/usr/bin/env bash
# The mount ends while saves are under way: what can be finished in time is, the rest goes on at the next start, once.
# timeout: 200
. tests/lib/lib.sh

sandbox_start --users 40 --job-seconds 0.3
conf_hownow 'trickle = no' 'op_timeout = 60'
config_write hownow
mount_start
users=$MNT/hownow/users
upserts='.path == "/external/v1/users/upsert"'
mapfile -t files < <(t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json)
lms_name() { state "hownow/users/$(basename "$1" .json)" | jq -r .name; }
has() { [ "$(lms_name "$1")" = "$2" ]; }
phases() { t "$LMSFS_BIN" pending --json "$MNT" | jq -r '.pending[] | "\(.name) \(.phase)"'; }
is_sent() { phases | grep -qx "$(basename "$1") sent"; }
settled() { [ -z "$(phases)" ]; }
slow_save() { # FILE NAME DELAY - in the background; sets SAVER
    t jq --arg n "$2" '.name = $n' "$1" >"$T/doc.json"
    fault "{\"path\": \"POST /external/v1/users/upsert\", \"count\": 1, \"delay_ms\": $3}"
    cp "$T/doc.json" "$1" 2>"$T/cp.log" &
    SAVER=$!
    pid_record $SAVER
    wait_until 10 is_sent "$1"
}

# ---- in time ----
requests_clear
slow_save "${files[0]}" "Just in time" 3000
check "lmsfs pending shows a save that is under way" is_sent "${files[0]}"
kill -TERM "$DAEMON_PID"
check "SIGTERM while it is: the daemon ends" wait_until 25 pid_gone "$DAEMON_PID"
wait "$SAVER"
eq "… the save was told its verdict" 0 $?
check "… the LMS has it" has "${files[0]}" "Just in time"
eq "… once" 1 "$(requests "$upserts")"
mount_start
check "… and nothing of it is left to do" wait_until 20 settled
eq "… nor is it sent again" 1 "$(requests "$upserts")"
eq "… and the file shows it" "Just in time" "$(t jq -r .name "${files[0]}")"

# ---- not in time ----
requests_clear
slow_save "${files[1]}" "Later" 50000
began=${EPOCHREALTIME/./}
kill -TERM "$DAEMON_PID"
check "a save that takes too long: the daemon ends" wait_until 25 pid_gone "$DAEMON_PID"
within "… after its bound" 8 $((15 + 10 * SLOW)) "$(awk -v us=$((${EPOCHREALTIME/./} - began)) 'BEGIN { print us / 1000000 }')"
wait "$SAVER"
check "… and the program is told that there is no verdict" test $? != 0
faults_clear
mount_start
check "the next start goes on with it" wait_until 30 has "${files[1]}" "Later"
check "… until nothing is pending" wait_until 20 settled
eq "… and the file shows it" "Later" "$(t jq -r .name "${files[1]}")"
within "… it was sent at most once more" 1 2 "$(requests "$upserts")"
check "the daemon ends well" mount_stop
done_testing
