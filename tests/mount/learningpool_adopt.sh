#!/usr/bin/env bash
# A Learning Pool tenant that others provisioned: its people are adopted, and then changed, removed and given jobs.
. tests/lib/lib.sh

sandbox_start --learningpool-users 4 --job-seconds 0.3
conf_learningpool 'removal_grace = 1'
config_write learningpool
mount_start
tenant=$MNT/learningpool users=$MNT/learningpool/users

api='.path | startswith("/api/")'
person() { state "learningpool/users/$1" | jq -Sc "${2:-.record}"; }
is() { [ "$(xattr_of state "$2")" = "$1" ]; }
sent() { requests_list "($api) and .method != \"GET\"" | sed 's/ 200$//'; }
bodies() { requests_bodies "($api) and .method != \"GET\""; }
save() { # FILE DOCUMENT - and its errno
    printf '%s' "$2" | errno_of save "$1"
}
settles() { # TEXT FILE
    check "$1" wait_until 30 is clean "$2"
}

requests_clear
check "adopt takes ids" sh -c "printf 'EMP1001\nEMP1002\n' | '$LMSFS_BIN' adopt '$users'"
eq "… and sends nothing" 0 "$(requests "$api")"
eq "… they are listed" $'EXT-EMP1001.json\nEXT-EMP1002.json' "$(t ls "$users" | grep -E 'EMP100[12]')"
eq "L2: a save of one is an update" OK "$(save "$users/EXT-EMP1001.json" '{"country": "BHR"}')"
eq "… a PATCH of that field" 'PATCH /api/users/EMP1001 {"country":"BHR"}' "$(sent) $(bodies)"
settles "… whose job ends" "$users/EXT-EMP1001.json"
eq "… the rest stays as others made it" '["BHR","en_GB"]' "$(person EMP1001 '.record | [.country, .language]')"
check "L3: and rm of one" rm "$users/EXT-EMP1002.json"
check "… is DELETED" wait_until 30 eval '[ "$(person EMP1002 .status)" = \"DELETED\" ]'
eq "a job for an adopted person" OK "$(save "$tenant/job-assignments/EXT-EMP1001/J7.json" '{"jobAssignmentName": "driver"}')"
settles "… is taken" "$tenant/job-assignments/EXT-EMP1001/J7.json"

# ---- resend, forget ----
file=$users/EXT-EMP1001.json
requests_clear
check "resend" t "$LMSFS_BIN" resend "$file"
eq "… sends what is shown once more, as an update: nobody is created twice" 'PATCH /api/users/EMP1001 {"country":"BHR"}' "$(sent) $(bodies)"
settles "… whose job ends" "$file"
job=$tenant/job-assignments/EXT-EMP1001/J7.json
requests_clear
check "resend of a job assignment" t "$LMSFS_BIN" resend "$job"
eq "… sends it once more" 1 "$(sent | wc -l)"
settles "… and is taken" "$job"
requests_clear
check "forget" t "$LMSFS_BIN" forget "$file"
eq "… drops the name here" "" "$(t ls "$users" | grep EMP1001)"
eq "… and sends nothing" 0 "$(requests "$api")"
eq "… the LMS has the person" '"BHR"' "$(person EMP1001 .record.country)"
mount_stop || bail "unmounting"
rm -rf "$CACHE/cache"
mount_start
eq "… for good, the cache gone or not" "" "$(t ls "$users" | grep EMP1001)"
echo EMP1001 | t "$LMSFS_BIN" adopt "$users" >/dev/null
requests_clear
eq "adopted again, a save is an update" OK "$(save "$file" '{"country": "KWT"}')"
eq "… a PATCH" 'PATCH /api/users/EMP1001 {"country":"KWT"}' "$(sent) $(bodies)"
settles "… whose job ends" "$file"
check "it unmounts" mount_stop
done_testing
