#!/usr/bin/env bash
# What an API only takes: the directory shows what was accepted, the ledger keeps it, a job that fails takes its part back.
. tests/lib/lib.sh

sandbox_start --users 40 --job-seconds 0.3
conf_hownow 'removal_grace = 1' 'trickle = no'
config_write hownow
mount_start
records=$MNT/hownow/learning-records
upserts='.path == "/external/v1/contents/engagement/upsert"'
record_state() { state "hownow/learning-records/$1" | jq -Sc ".records${2:-}"; }
fields() { t jq -Sc 'del(._readonly)' "$1"; }
state_is() { [ "$(xattr_of state "$2")" = "$1" ]; }
doc() { printf '{"provider": "Invented Learning", "completion_percentage": %s, "enrollment_date": "2025-06-15"%s}' "$1" "${2:-}"; }

# ---- H12: a learning record ----
person=$(t ls "$records" | grep -m 1 '^EXT-') who=''
[ -n "$person" ] || bail "there are directories for people" "$(t ls "$records" 2>&1 | head)"
who=${person#EXT-}
dir=$records/$person
eq "a person's directory is empty at first" "" "$(t ls "$dir")"
eq "… and says that it shows what is known only" known-only "$(xattr_of listing "$dir")"
requests_clear
eq "H12 saving <content>.json" OK "$(doc 20 | errno_of save "$dir/course_1.json")"
eq "… sends one upsert of the whole record" \
    "{\"completion_date\":null,\"completion_percentage\":20,\"enrollment_date\":\"2025-06-15\",\"external_content_id\":\"course_1\",\"external_user_id\":\"$who\",\"provider\":\"Invented Learning\"}" \
    "$(requests_bodies "$upserts")"
eq "… and shows it" '{"completion_percentage":20,"enrollment_date":"2025-06-15","provider":"Invented Learning"}' "$(fields "$dir/course_1.json")"
eq "… in the listing" course_1.json "$(t ls "$dir")"
like "… with its job" '^[0-9a-f-]{36}$' "$(xattr_of job "$dir/course_1.json")"
check "its job ends" wait_until 20 state_is clean "$dir/course_1.json"
eq "the LMS has it" 20 "$(record_state "$who" .course_1.completion_percentage)"
requests_clear
t cat "$dir/course_1.json" >"$T/same.json"
check "saving what is there" cp "$T/same.json" "$dir/course_1.json"
eq "… sends nothing" 0 "$(requests "$upserts")"
eq "H12 one field changed" OK "$(printf '{"completion_percentage": 40}' | errno_of save "$dir/course_1.json")"
eq "… is sent with all the others: the API replaces the record" \
    "{\"completion_date\":null,\"completion_percentage\":40,\"enrollment_date\":\"2025-06-15\",\"external_content_id\":\"course_1\",\"external_user_id\":\"$who\",\"provider\":\"Invented Learning\"}" \
    "$(requests_bodies "$upserts")"
check "… its job ends too" wait_until 20 state_is clean "$dir/course_1.json"
eq "… and the LMS has it" 40 "$(record_state "$who" .course_1.completion_percentage)"

# ---- refused before the wire ----
requests_clear
refused() { # TEXT WORDS NAME DOCUMENT
    eq "$1 is refused" EINVAL "$(printf '%s' "$4" | errno_of save "$dir/$3")"
    like "… and why says so" "$2" "$(t "$LMSFS_BIN" why "$dir/$3")"
}
refused "a record without its provider" 'provider is missing' course_2.json '{"completion_percentage": 1, "enrollment_date": "2025-06-15"}'
refused "101 per cent" 'from 0 to 100' course_2.json "$(doc 101)"
refused "another content than the name says" 'the path says' course_2.json "$(doc 1 ', "external_content_id": "course_3"')"
refused "another person than the directory says" 'the path says' course_2.json "$(doc 1 ', "external_user_id": "somebody-else"')"
refused "a negative time" 'negative' course_2.json "$(doc 1 ', "time_spent": -1')"
refused "a key that the API doesn't know" 'score' course_2.json "$(doc 1 ', "score": 9')"
eq "nothing of these was sent" 0 "$(requests "$upserts")"
eq "… and nothing of them is shown" course_1.json "$(t ls "$dir")"
eq "rm is refused: the API has no way to" EPERM "$(errno_of unlink "$dir/course_1.json")"
eq "a person whom nobody knows has no directory" ENOENT "$(doc 1 | errno_of save "$records/EXT-nobody-at-all/course_1.json")"

# ---- what editors leave behind ----
requests_clear
check "sed -i" sed -i 's/40/41/' "$dir/course_1.json"
eq "… is one save" 1 "$(requests "$upserts")"
check "… and its job ends" wait_until 20 state_is clean "$dir/course_1.json"
eq "… and the LMS has it" 41 "$(record_state "$who" .course_1.completion_percentage)"
requests_clear
check "a swap file" sh -c "echo x >'$dir/.course_1.json.swp'"
check "a backup" sh -c "echo x >'$dir/course_1.json~'"
eq "… are nobody's business" 0 "$(requests "$upserts")"
t rm -f "$dir/.course_1.json.swp" "$dir/course_1.json~"

# ---- a job that fails ----
jobs_change '{"fail_next": "Content is being rebuilt"}' >/dev/null
eq "a save whose job will fail is accepted" OK "$(printf '{"completion_percentage": 60}' | errno_of save "$dir/course_1.json")"
check "… and fails" wait_until 20 state_is failed "$dir/course_1.json"
eq "… then the file shows what the LMS has" 41 "$(t jq .completion_percentage "$dir/course_1.json")"
like "… and why has the LMS's words" 'Content is being rebuilt' "$(t "$LMSFS_BIN" why "$dir/course_1.json")"
eq "a create whose job fails" OK "$(doc 5 | errno_of save "$dir/course_9999.json")"
check "… is gone again" wait_until 20 not test -e "$dir/course_9999.json"
eq "… from the listing too" course_1.json "$(t ls "$dir")"
like "… and why has the LMS's words" 'Content not found' "$(t "$LMSFS_BIN" why "$dir/course_9999.json")"

# ---- two saves that overlap, the first of which fails late ----
late() { # TEXT FIRST'S-FATE SECOND'S-FATE EXPECTED
    jobs_change "{\"seconds\": 4$2}" >/dev/null
    eq "$1: the first is accepted" OK "$(printf '{"completion_percentage": 70}' | errno_of save "$dir/course_1.json")"
    jobs_change "{\"seconds\": 0.3$3}" >/dev/null
    eq "$1: and the second" OK "$(printf '{"time_spent": 100}' | errno_of save "$dir/course_1.json")"
    check "$1: both end" wait_until 30 job_count_over
    check "$1: the file is as the LMS has it" wait_until 20 same_as_state
    eq "$1: and that is" "$4" "$(record_state "$who" '.course_1 | [.completion_percentage, .time_spent]')"
}
job_count_over() { ! state hownow/jobs | jq -e '.jobs[] | select(.status == "in_progress")' && ! state_is pending "$dir/course_1.json"; }
same_as_state() {
    [ "$(t jq -c '[.completion_percentage, .time_spent]' "$dir/course_1.json")" = "$(record_state "$who" '.course_1 | [.completion_percentage, .time_spent]')" ]
}
late "the first fails" ', "fail_next": "too late"' '' '[70,100]' # the second carried the whole record
eq "a value for the next" OK "$(printf '{"completion_percentage": 10, "time_spent": null}' | errno_of save "$dir/course_1.json")"
check "… is there" wait_until 20 state_is clean "$dir/course_1.json"
late "both fail" ', "fail_next": "too late"' ', "fail_next": "this too"' '[10,null]'
jobs_change '{"seconds": 0.3}' >/dev/null

# ---- the ledger is what remembers ----
before=$(t cat "$dir/course_1.json")
remount
eq "a remount shows the same" "$before" "$(t cat "$dir/course_1.json")"
mount_stop || bail "unmounting"
rm -rf "$CACHE/cache"
mount_start
eq "so does a cache that was begun anew" "$before" "$(t cat "$dir/course_1.json")"
eq "… in the listing too" course_1.json "$(t ls "$dir")"
requests_clear
eq "… and a save of it is an update of all of it" OK "$(printf '{"completion_percentage": 99}' | errno_of save "$dir/course_1.json")"
check "… whose job ends" wait_until 20 state_is clean "$dir/course_1.json"
eq "… and the LMS has it" 99 "$(record_state "$who" .course_1.completion_percentage)"
jobs_change '{"hold": true}' >/dev/null
eq "a save whose job still runs" OK "$(printf '{"completion_percentage": 100}' | errno_of save "$dir/course_1.json")"
daemon_crash
jobs_change '{"hold": false, "fail_next": null}' >/dev/null
mount_start
check "… outlives a crash of the daemon" wait_until 20 state_is clean "$dir/course_1.json"
eq "… and is there" 100 "$(t jq .completion_percentage "$dir/course_1.json")"

# ---- adopt, resend, forget ----
requests_clear
like "adopt makes names known" 'adopted: 2' "$(printf 'course_41\n\ncourse_42\r\n' | t "$LMSFS_BIN" adopt "$dir" 2>&1)"
eq "… in the listing" $'course_1.json\ncourse_41.json\ncourse_42.json' "$(t ls "$dir")"
like "… and a second time says that they were" 'known already: 1' "$(echo course_41 | t "$LMSFS_BIN" adopt "$dir" 2>&1)"
eq "… with nothing sent" 0 "$(requests "$upserts")"
eq "a part of a record of which nothing is known is refused: the API replaces it" EINVAL "$(printf '{"completion_percentage": 1}' | errno_of save "$dir/course_41.json")"
eq "the whole of it is saved" OK "$(doc 33 | errno_of save "$dir/course_41.json")"
check "… and its job ends" wait_until 20 state_is clean "$dir/course_41.json"
eq "… and the LMS has it" 33 "$(record_state "$who" .course_41.completion_percentage)"
requests_clear
check "resend" "$LMSFS_BIN" resend "$dir/course_41.json"
eq "… sends what is shown" 33 "$(requests_bodies "$upserts" | jq .completion_percentage)"
check "… and its job ends" wait_until 20 state_is clean "$dir/course_41.json"
requests_clear
check "forget" "$LMSFS_BIN" forget "$dir/course_42.json"
eq "… drops the name" $'course_1.json\ncourse_41.json' "$(t ls "$dir")"
eq "… for good" ENOENT "$(errno_of open "$dir/course_42.json")"
eq "… with nothing sent" 0 "$(requests "$upserts")"
check "what the LMS lists can be neither adopted" not sh -c "echo x | '$LMSFS_BIN' adopt '$MNT/hownow/users'"
check "… nor forgotten" not "$LMSFS_BIN" forget "$MNT/hownow/users/$person.json"
mount_stop || bail "unmounting"
rm -rf "$CACHE/cache"
mount_start
t ls "$records" >/dev/null
eq "all of it outlives the cache" $'course_1.json\ncourse_41.json' "$(t ls "$dir")"
check "it unmounts" mount_stop
done_testing
