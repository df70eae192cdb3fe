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

check "it unmounts" mount_stop
done_testing
