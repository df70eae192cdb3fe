#!/usr/bin/env bash
# A Learning Pool tenant: an API that only takes, and says later what came of it. Every row of its table, and its traps.
# timeout: 300
. tests/lib/lib.sh

sandbox_start --learningpool-users 6 --job-seconds 0.3
conf_learningpool 'removal_grace = 1'
config_write learningpool
mount_start
tenant=$MNT/learningpool users=$MNT/learningpool/users bin=$MNT/learningpool/deactivated-users

api='.path | startswith("/api/")'
jobs() { sandbox_post learningpool/jobs "$1" >/dev/null; }
person() { state "learningpool/users/$1" | jq -Sc "${2:-.record}"; }
level() { state "learningpool/levels/$1" | jq -Sc "$2"; }
fields() { t jq -Sc 'del(._readonly)' "$1"; }
is() { [ "$(xattr_of state "$2")" = "$1" ]; }
sent() { requests_list "($api) and .method != \"GET\"" | sed 's/ 200$//'; }
bodies() { requests_bodies "($api) and .method != \"GET\""; }
why() { t "$LMSFS_BIN" why "$1"; }
save() { # FILE DOCUMENT - and its errno
    printf '%s' "$2" | errno_of save "$1"
}
settles() { # TEXT FILE
    check "$1" wait_until 30 is clean "$2"
}
new_person() { # ID USERNAME
    printf '{"username": "%s", "firstName": "Ada", "lastName": "Fenn", "email": "%s@example.org"}' "$2" "$2"
}

# ---- L12: a key and a tenant with every request ----
check "L12: check finds the credentials good" "$LMSFS_BIN" check "$CONF"
sed 's/^api_key = .*/api_key = another-key/' "$CONF" >"$T/wrong.conf"
chmod 600 "$T/wrong.conf"
like "L12: a wrong key is refused in the gateway's words" 'credentials refused: Forbidden' "$(t "$LMSFS_BIN" check "$T/wrong.conf" 2>&1)"
sed 's/^tenant_id = .*/tenant_id = 00000000-0000-4000-8000-000000000000/' "$CONF" >"$T/wrong.conf"
like "L12: so is a key of another tenant" 'explicit deny' "$(t "$LMSFS_BIN" check "$T/wrong.conf" 2>&1)"

# ---- L1, L2: people ----
eq "the directory says that it shows what is known" known-only "$(xattr_of listing "$users")"
eq "… and nobody is known yet, though the tenant has people" "" "$(t ls "$users")"
file=$users/EXT-EMP1.json
jobs '{"hold": true}'
requests_clear
eq "L1: saving a new user" OK "$(save "$file" "$(new_person EMP1 ada.fenn)")"
eq "L1: … is one POST" "POST /api/users" "$(sent)"
eq "L1: … with the userId of the name" \
    '{"email":"ada.fenn@example.org","firstName":"Ada","lastName":"Fenn","userId":"EMP1","username":"ada.fenn"}' "$(bodies)"
job=$(xattr_of job "$file")
like "L1: … and a job" '^[0-9a-f-]{36}$' "$job"
eq "L11: … that a glance sees under way" in_progress "$(t dd "if=$tenant/jobs/$job.json" iflag=nonblock status=none | jq -r .status)"
jobs '{"hold": false}'
eq "L11: cat of the job waits until it is over" completed "$(t jq -r .status "$tenant/jobs/$job.json")"
eq "L11: … and shows the model that the vendor echoes" ada.fenn "$(t jq -r .vendor.model.username "$tenant/jobs/$job.json")"
eq "L11: jobs/last.json is the same" "$job" "$(t jq -r .id "$tenant/jobs/last.json")"
eq "L1: the LMS has the person" '"ada.fenn@example.org"' "$(person EMP1 .record.email)"
settles "L1: the file is clean then" "$file"
eq "L1: … and listed" EXT-EMP1.json "$(t ls "$users")"

requests_clear
check "L2: an edit" sed -i 's/"Fenn"/"Fenwick"/' "$file"
eq "L2: … is one PATCH of the user" "PATCH /api/users/EMP1" "$(sent)"
eq "L2: … with what changed" '{"lastName":"Fenwick"}' "$(bodies)"
settles "L2: … its job ends" "$file"
eq "L2: … and the LMS has it" '"Fenwick"' "$(person EMP1 .record.lastName)"
requests_clear
t cat "$file" >"$T/same.json"
check "saving what is there" cp "$T/same.json" "$file"
eq "… sends nothing" "" "$(sent)"
eq "L2: the userId can't change" EINVAL "$(t sed 's/EMP1/EMP2/' "$file" | errno_of save "$file")"
eq "L2: nor can the username" EINVAL "$(t sed 's/ada.fenn"/ada.fenwick"/' "$file" | errno_of save "$file")"
like "L2: … and why says so" "username can't change" "$(why "$file")"
eq "what the API can't clear is refused" EINVAL "$(save "$file" '{"email": null}')"
eq "an unknown key is refused" EINVAL "$(save "$file" '{"password": "x"}')"
eq "a new user without what the API needs is refused" EINVAL "$(save "$users/EXT-EMP9.json" '{"username": "x"}')"
eq "a copy of somebody is refused" EINVAL "$(t cat "$file" | errno_of save "$users/EXT-EMP9.json")"
eq "… nothing of all that was sent" "" "$(sent)"

# ---- traps: dates ----
requests_clear
refused() { # TEXT DOCUMENT WORDS
    eq "$1 is refused" EINVAL "$(save "$file" "$2")"
    like "… and why says so" "$3" "$(why "$file")"
}
refused "trap: an expiry past 2037" '{"expiresAt": "2038-01-01 00:00:00"}' 'past the year 2037'
refused "trap: an ISO date where the API wants its own form" '{"expiresAt": "2030-01-01T00:00:00Z"}' 'YYYY-MM-DD HH:MM:SS'
refused "trap: a day that isn't" '{"expiresAt": "2030-02-30 00:00:00"}' 'YYYY-MM-DD HH:MM:SS'
eq "… nothing of them was sent" "" "$(sent)"
eq "trap: the last year that works" OK "$(save "$file" '{"expiresAt": "2037-12-31 23:59:59"}')"
settles "… is taken" "$file"
eq "trap: a custom field's date is ISO" OK "$(save "$file" '{"customFields": [{"id": "hired-on", "value": "2021-03-31T15:22:08Z"}, {"id": "city", "value": "Derry"}]}')"
settles "… and taken" "$file"
eq "… with the LMS's form for a user's own dates it is accepted" OK "$(save "$file" '{"customFields": [{"id": "hired-on", "value": "2021-03-31 15:22:08"}]}')"
check "… and fails" wait_until 30 is failed "$file"
like "… in the vendor's words" 'hired-on is not a valid ISO 8601 date' "$(why "$file")"
eq "… and the file shows what the LMS has" '"2021-03-31T15:22:08Z"' "$(t jq '.customFields[] | select(.id == "hired-on").value' "$file")"
requests_clear
eq "one custom field changed" OK "$(save "$file" '{"customFields": [{"id": "city", "value": "Leeds"}]}')"
eq "… goes with the others, which the API may replace" \
    '{"customFields":[{"id":"hired-on","value":"2021-03-31T15:22:08Z"},{"id":"city","value":"Leeds"}]}' "$(bodies)"
settles "… and is taken" "$file"

# ---- L3: status ----
requests_clear
check "L3: rm" rm "$file"
check "L3: … after its grace" wait_until 20 test -e "$bin/EXT-EMP1.json"
check "L3: … is a status" wait_until 20 eval '[ "$(person EMP1 .status)" = \"DELETED\" ]'
eq "L3, trap: … of the user, below /users/" "PATCH /api/users/EMP1/status" "$(sent)"
eq "L3: … DELETED" '{"status":"DELETED"}' "$(bodies)"
eq "L3, trap: it has no requestId, and nothing is asked about it" 0 "$(requests "($api) and .method == \"GET\"")"
requests_clear
check "L3: mv out of the bin" mv "$bin/EXT-EMP1.json" "$users/"
eq "L3: … is a status" "PATCH /api/users/EMP1/status" "$(sent)"
eq "L3: … ACTIVE" '{"status":"ACTIVE"}' "$(bodies)"
eq "L3: … at once" '"ACTIVE"' "$(person EMP1 .status)"
check "L3: mv into the bin" mv "$file" "$bin/"
eq "L3: … is DELETED at once" '"DELETED"' "$(person EMP1 .status)"
eq "the API has no way to delete for good" EPERM "$(errno_of unlink "$bin/EXT-EMP1.json")"
check "… and it comes back as it was" mv "$bin/EXT-EMP1.json" "$users/"
eq "… with all that was known of it" Leeds "$(t jq -r '.customFields[] | select(.id == "city").value' "$file")"

# ---- L7, L9: organisation levels; L8, L10: position levels ----
levels=$tenant/organisation-levels/OF1
requests_clear
eq "L7: saving a new level" OK "$(save "$levels/LDS.json" '{"levelName": "Leeds", "parentId": "1"}')"
eq "L7: … is one POST" "POST /api/organisation-framework/OF1/organisation-level" "$(sent)"
eq "L7: … with the id of the name" '{"levelId":"LDS","levelName":"Leeds","parentId":"1"}' "$(bodies)"
settles "L7: … its job ends" "$levels/LDS.json"
eq "L7: … and the LMS has it" '{"levelId":"LDS","levelName":"Leeds","parentId":"1"}' "$(level organisation/OF1 .LDS)"
requests_clear
eq "L9: saving it with a field set and a field" OK \
    "$(save "$levels/LDS.json" '{"customFieldSetId": "organisation-fields", "customFields": [{"id": "store-open-date", "value": "2021-03-31T15:22:08Z"}]}')"
eq "L9: … is one PATCH" "PATCH /api/organisation-framework/OF1/organisation-level/LDS" "$(sent)"
eq "L9: … with these" \
    '{"customFieldSetId":"organisation-fields","customFields":[{"id":"store-open-date","value":"2021-03-31T15:22:08Z"}]}' "$(bodies)"
settles "L9: … its job ends" "$levels/LDS.json"
requests_clear
eq "L9: no parent is the root" OK "$(save "$levels/LDS.json" '{"parentId": null}')"
eq "L9: … which the API is told by an empty text" '{"parentId":""}' "$(bodies)"
settles "L9: … its job ends" "$levels/LDS.json"
eq "… and the LMS has it" '""' "$(level organisation/OF1 .LDS.parentId)"
eq "the API has no way to remove a level" EPERM "$(errno_of unlink "$levels/LDS.json")"
positions=$tenant/position-levels/PF1
requests_clear
check "a framework is there for every name" mkdir -p "$positions"
eq "L8: saving a new position" OK "$(save "$positions/ENG.json" '{"levelName": "Engineer"}')"
eq "L8: … is one POST" "POST /api/position-framework/PF1/position-level" "$(sent)"
settles "L8: … its job ends" "$positions/ENG.json"
eq "L8: … and the LMS has it" '{"levelId":"ENG","levelName":"Engineer"}' "$(level position/PF1 .ENG)"
requests_clear
check "L10: an edit" sed -i 's/"Engineer"/"Engineer, senior"/' "$positions/ENG.json"
eq "L10: … is one PATCH" "PATCH /api/position-framework/PF1/position-level/ENG" "$(sent)"
eq "L10: … with what changed" '{"levelName":"Engineer, senior"}' "$(bodies)"
settles "L10: … its job ends" "$positions/ENG.json"
eq "L10: … and the LMS has it" '"Engineer, senior"' "$(level position/PF1 .ENG.levelName)"

# ---- L4, L5, L6: job assignments ----
roles=$tenant/job-assignments/EXT-EMP1
requests_clear
eq "a person has a directory of assignments" "" "$(t ls "$roles")"
eq "L4: saving a new one" OK "$(save "$roles/J1.json" '{"jobAssignmentName": "cook", "managerId": "EMP1001", "organisationFrameworkId": "OF1", "organisationLevelId": "LDS", "startDate": "2024-01-02 08:00:00"}')"
eq "L4: … is one POST" "POST /api/users/EMP1/job-assignment" "$(sent)"
eq "L4: … with the id of the name" \
    '{"jobAssignmentId":"J1","jobAssignmentName":"cook","managerId":"EMP1001","organisationFrameworkId":"OF1","organisationLevelId":"LDS","startDate":"2024-01-02 08:00:00"}' "$(bodies)"
settles "L4: … its job ends" "$roles/J1.json"
eq "L4: … and the LMS has it" '"cook"' "$(person EMP1 .assignments.J1.record.jobAssignmentName)"
requests_clear
check "L5: an edit" sed -i 's/"cook"/"chef"/' "$roles/J1.json"
eq "L5: … is one PATCH" "PATCH /api/users/EMP1/job-assignment/J1" "$(sent)"
eq "L5: … with what changed" '{"jobAssignmentName":"chef"}' "$(bodies)"
settles "L5: … its job ends" "$roles/J1.json"
requests_clear
eq "L5: a date that is cleared" OK "$(save "$roles/J1.json" '{"startDate": null}')"
eq "L5: … is sent empty" '{"startDate":""}' "$(bodies)"
settles "L5: … its job ends" "$roles/J1.json"
eq "L5: … and the LMS has it" '["chef",""]' "$(person EMP1 '.assignments.J1.record | [.jobAssignmentName, .startDate]')"
requests_clear
check "L6: rm" rm "$roles/J1.json"
check "L6: … after its grace" wait_until 20 eval '[ "$(person EMP1 .assignments.J1.status)" = \"DELETED\" ]'
eq "L6: … is a status" "PATCH /api/users/EMP1/job-assignment/J1/status" "$(sent)"
eq "L6, trap: … whose reply is empty, and about which nothing is asked" 0 "$(requests "($api) and .method == \"GET\"")"
check "L6: … the file is gone" wait_until 20 not test -e "$roles/J1.json"
requests_clear
eq "L6: saving it again" OK "$(save "$roles/J1.json" '{"jobAssignmentName": "baker", "managerId": "EMP1001"}')"
eq "L6: … makes it active, then changes it" \
    $'PATCH /api/users/EMP1/job-assignment/J1/status\nPATCH /api/users/EMP1/job-assignment/J1' "$(sent)"
eq "L6: … ACTIVE" '{"status":"ACTIVE"}' "$(bodies | head -n 1)"
settles "L6: … its job ends" "$roles/J1.json"
eq "L6: … and the LMS has it" '["ACTIVE","baker"]' "$(person EMP1 '.assignments.J1 | [.status, .record.jobAssignmentName]')"

# ---- traps: replies ----
fault '{"path": "PATCH /api/users/EMP1/job-assignment/J1", "status": 400, "body": {"message": "Job Assignment successfully submitted for processing", "requestId": "60b716e9", "status": "https://example.org/60b716e9"}}'
eq "trap: a 400 is a refusal, though its body is an acceptance's" EINVAL "$(save "$roles/J1.json" '{"jobAssignmentName": "porter"}')"
eq "… and the file shows what the LMS has" '"baker"' "$(t jq .jobAssignmentName "$roles/J1.json")"
fault '{"path": "PATCH /api/users/EMP1", "status": 403, "body": {"message": "Forbidden"}}'
eq "a key that is refused" EACCES "$(save "$file" '{"lastName": "Nobody"}')"
like "… in the gateway's words" Forbidden "$(why "$file")"
fault '{"path": "PATCH /api/users/EMP1", "status": 200, "body": "<html>busy</html>", "content_type": "text/html"}'
eq "an acceptance that isn't the API's" EIO "$(save "$file" '{"lastName": "Nobody"}')"
like "… is said to be none" 'HTML' "$(why "$file")"
faults_clear
eq "… nothing of that is shown" Fenwick "$(t jq -r .lastName "$file")"
eq "trap: the URL in a reply's status was never asked" 0 "$(requests '.path | contains("elsewhere")')"

# ---- L12: the keys are rotated ----
log_has() { tail -n +"$((from + 1))" "$CACHE/lmsfs.log" | grep -q "$1"; }
sandbox_post learningpool/keys '{"api_key": "rotated-key", "tenant_id": "11111111-2222-4333-8444-555555555555"}' >/dev/null
eq "L12: with a key that is withdrawn a save is refused" EACCES "$(save "$file" '{"orgRef": "rotated"}')"
conf_learningpool 'api_key = rotated-key' 'tenant_id = 11111111-2222-4333-8444-555555555555'
config_write learningpool
from=$(wc -l <"$CACHE/lmsfs.log")
kill -HUP "$DAEMON_PID"
check "L12: SIGHUP has both read again" wait_until 20 log_has '\[learningpool\] has other credentials now'
eq "L12: … and a save goes through without a remount" OK "$(save "$file" '{"orgRef": "rotated"}')"
settles "L12: … its job is asked about with the new ones" "$file"
eq "L12: … and the LMS has it" '"rotated"' "$(person EMP1 .record.orgRef)"
check "it unmounts" mount_stop
done_testing
