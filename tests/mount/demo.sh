# timeout: 240
# The demo does what it says, and leaves nothing behind.
. tests/lib/lib.sh

export TMPDIR=$T/tmp CI=1
mkdir -p "$TMPDIR" "$MNT"

nothing_left() {
    [ -z "$(ls -A "$TMPDIR")" ] && ! mounted && ! pgrep -f -- "--port-file $TMPDIR" >/dev/null
}

output=$(t 120 "$LMSFS_BIN" demo </dev/null 2>&1)
eq "the demo succeeds" 0 $? || note <<<"$output"
like "it shows commands and what they print" '\$ cat hownow/jobs/last.json.*"status": "completed"' "$output"
like "all five are mounted" $'\\$ ls\navia\nhownow\nlearningpool\nsynap\nthrive\n' "$output"
like "it shows a refusal" 'Invalid argument' "$output"
like "it shows what was sent" 'POST [^ ]*/upsert' "$output"
check "it leaves nothing behind" nothing_left

output=$(t 120 "$LMSFS_BIN" demo "$MNT" </dev/null 2>&1)
eq "on a mount point of one's own" 0 $? || note <<<"$output"
like "that is where it mounts" "lmsfs mount demo.conf '$MNT'" "$output"
check "it leaves nothing behind there" nothing_left

"$LMSFS_BIN" demo </dev/null >"$T/demo.log" 2>&1 &
demo=$!
pid_record $demo
wait_until 30 grep -q 'jobs/last.json' "$T/demo.log"
kill -TERM $demo
wait $demo
eq "SIGTERM makes it fail" 1 $?
check "and leaves nothing behind" nothing_left

output=$(t 120 "$LMSFS_BIN" demo "$T/missing" </dev/null 2>&1)
eq "a mount point that isn't there" 1 $?
like "is said" 'missing' "$output"
check "and leaves nothing behind" nothing_left

output=$(t 120 env -u CI expect -f - <<TCL 2>&1
set timeout 60
spawn "$LMSFS_BIN" demo
set enters 0
while 1 {
    expect {
        -ex {[Enter]} { incr enters; send "\r" }
        -ex {Enter unmounts it} { send_user "\nAT THE END\n"; send "\r" }
        timeout { send_user "\nTIMEOUT\n"; exit 1 }
        eof { break }
    }
}
send_user "\nenters \$enters, status [lindex [wait] 3]\n"
TCL
)
like "on a terminal it waits for Enter" 'enters 1[0-9], status 0' "$output"
like "and leaves the mount to explore" 'have a look from another terminal.*AT THE END' "$output"
check "and leaves nothing behind" nothing_left
done_testing
