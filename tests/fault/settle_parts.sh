#!/usr/bin/env bash
# settle = completed, of a save that goes in several parts: it returns when the job of each is over, and a job that fails is its verdict,
# whichever part's it is.
. tests/lib/lib.sh

sandbox_start --users 20 --job-seconds 0.3
conf_hownow 'trickle = no' 'settle = completed' 'op_timeout = 30'
config_write hownow
. tests/lib/parts.sh
open_jobs() { state hownow/jobs | jq '[.jobs[] | select(.status == "in_progress")] | length'; }
posts='.method == "POST" and (.path | endswith("/skills"))'
deletes='.method == "DELETE" and (.path | endswith("/skills"))'
clean() { [ "$(xattr_of state "$file")" = clean ]; }

# begin - one review in the LMS, and in $T/doc.json another in its place: a POST and a DELETE
begin() {
    part_first
    wait_until 20 clean
    part_second
}
save() { errno_of save "$file" <"$T/doc.json" >"$T/verdict"; }
# The first part is with the LMS, its answer is slow to come, and the second is not yet on its way.
first_part() {
    local n
    n=$(jobs_count)
    fault "{\"path\": \"POST */skills\", \"delay_ms\": $((1500 * SLOW)), \"count\": 1}"
    save &
    saver=$!
    check "the first part has its job" wait_until 10 eval "[ \"\$(jobs_count)\" = $((n + 1)) ]"
    eq "… the second is not out" 0 "$(requests "$deletes")"
}
jobs_count() { state hownow/jobs | jq .count; }
both_parts() { eq "… it went in two parts" "1 1" "$(requests "$posts") $(requests "$deletes")"; }

# ---- the first part's job takes longest ----
begin
jobs_change "{\"seconds\": $((5 * SLOW))}" >/dev/null
first_part
jobs_change '{"seconds": 0.1}' >/dev/null
wait $saver
eq "a save whose first part's job takes longest" OK "$(cat "$T/verdict")"
eq "… returns when no job is under way any more" 0 "$(open_jobs)"
both_parts
eq "… the LMS has it" "$b pat 2" "$(has)"
eq "… and the file is clean" clean "$(xattr_of state "$file")"

# ---- either part's job fails ----
eq "nothing is left of it" OK "$(t jq '.skills = []' "$file" | errno_of save "$file")"
begin
jobs_change '{"seconds": 1, "fail_next": "This reviewer is on leave"}' >/dev/null
save
eq "the first part's job fails: EINVAL" EINVAL "$(cat "$T/verdict")"
both_parts
eq "… told when no job is under way any more" 0 "$(open_jobs)"
like "… why has the LMS's words" 'on leave' "$(t "$LMSFS_BIN" why "$file")"
eq "… the second part stands" "" "$(has)"
jobs_change '{"seconds": 0.1}' >/dev/null
begin
first_part
jobs_change '{"fail_next": "Reviews are closed"}' >/dev/null
wait $saver
eq "the second part's job fails: EINVAL" EINVAL "$(cat "$T/verdict")"
both_parts
like "… why has the LMS's words" 'closed' "$(t "$LMSFS_BIN" why "$file")"
eq "… the first part stands" "$a boss 1,$b pat 2" "$(has | tr ',' '\n' | sort | paste -sd,)"

# ---- the daemon ends while somebody waits ----
jobs_change "{\"seconds\": $((60 * SLOW))}" >/dev/null
requests_clear
t jq '.skills |= map(select(.reviewer_id == null) | .proficiency_level = 4)' "$file" >"$T/doc.json"
save &
saver=$!
check "a save of two parts waits for its jobs" wait_until 20 eval "[ \"\$(requests '$deletes') \$(requests '$posts')\" = '1 1' ]"
kill -TERM "$DAEMON_PID"
check "the daemon ends well all the same" wait_until 20 pid_gone "$DAEMON_PID"
wait $saver
like "… and who waits is told" '^E' "$(cat "$T/verdict")"
done_testing
