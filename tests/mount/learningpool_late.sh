#!/usr/bin/env bash
# A Learning Pool tenant, later: requests that are tried again, that fail after they were accepted, that overlap.
# timeout: 300
. tests/lib/lib.sh

sandbox_start --learningpool-users 6 --job-seconds 0.3
conf_learningpool 'removal_grace = 1'
config_write learningpool
mount_start
tenant=$MNT/learningpool users=$MNT/learningpool/users

api='.path | startswith("/api/")'
jobs() { sandbox_post learningpool/jobs "$1" >/dev/null; }
person() { state "learningpool/users/$1" | jq -Sc "${2:-.record}"; }
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
gone_again() { # TEXT FILE
    check "$1" wait_until 30 not test -e "$2"
}
named() { # FIELD ID - what others gave that person
    person "$2" | jq -r ".$1"
}
document() { # USERNAME E-MAIL
    printf '{"username": "%s", "firstName": "Ada", "lastName": "Fenn", "email": "%s"}' "$1" "$2"
}

# ---- statusCode 4: what isn't there yet is waited for ----
jobs '{"seconds": 0.2, "retries": 1000}'
eq "somebody to give jobs to" OK "$(save "$users/EXT-EMP1.json" "$(document ada.fenn ada.fenn@example.org)")"
settles "… is there" "$users/EXT-EMP1.json"
roles=$tenant/job-assignments/EXT-EMP1
eq "an assignment to a position that isn't there yet is accepted" OK \
    "$(save "$roles/J1.json" '{"jobAssignmentName": "medic", "positionFrameworkId": "PF1", "positionLevelId": "MED"}')"
job=$(xattr_of job "$roles/J1.json")
glance() { t dd "if=$tenant/jobs/$job.json" iflag=nonblock status=none; }
retrying() { glance | jq -e '.status == "in_progress" and .vendor.statusCode == 4'; }
check "L11, trap: statusCode 4 is a job that still runs" wait_until 30 retrying
like "… which says what it waits for, in the vendor's words" 'Reties remaining : [0-9]+\. Current Error:  No query results for model' "$(glance | jq -r .errors)"
check "… the file is still pending" is pending "$roles/J1.json"
eq "the position is made" OK "$(save "$tenant/position-levels/PF1/MED.json" '{"levelName": "Medic"}')"
settles "… and the assignment's job ends well" "$roles/J1.json"
eq "… the LMS has it" '"MED"' "$(person EMP1 .assignments.J1.record.positionLevelId)"
jobs '{"retries": 1}'
eq "a manager who never comes" OK "$(save "$roles/J2.json" '{"jobAssignmentName": "cook", "managerId": "NOBODY"}')"
gone_again "… is an assignment that is gone again" "$roles/J2.json"
like "… and why says so in the vendor's words" 'No query results for model \[App.Models.User\]' "$(why "$roles/J2.json")"
eq "… the other one stays" J1.json "$(t ls "$roles")"
jobs '{"seconds": 0.3, "retries": 2, "retry_next": 2}'
eq "a request that is tried again twice" OK "$(save "$roles/J1.json" '{"jobAssignmentName": "surgeon"}')"
settles "… ends well" "$roles/J1.json"
eq "… and is carried out once" '"surgeon"' "$(person EMP1 .assignments.J1.record.jobAssignmentName)"

# ---- trap: a create that fails late ----
requests_clear
file=$users/EXT-EMP1003.json taken=$(named username EMP1003)
eq "trap: a create of a userId that others made is accepted" OK "$(save "$file" "$(document "$taken" "$(named email EMP1003)")")"
settles "… and becomes an update by itself" "$file"
eq "… a POST, then a PATCH" $'POST /api/users\nPATCH /api/users/EMP1003' "$(sent)"
eq "… without the ids, which an update doesn't take" '["email","firstName","lastName"]' "$(bodies | tail -n 1 | jq -c keys)"
eq "… the LMS has it" '["Ada","Fenn"]' "$(person EMP1003 '.record | [.firstName, .lastName]')"
eq "… nothing of it is refused" "" "$(why "$file" | grep -i taken)"
eq "… and kept" 0 "$(cat "$MNT"/.lmsfs/rejected/*/document.json 2>/dev/null | jq -s --arg name "$taken" '[.[] | select(.username == $name)] | length')"
requests_clear
eq "… and the next save updates at once" OK "$(save "$file" '{"lastName": "Fenwick"}')"
eq "… with one PATCH" "PATCH /api/users/EMP1003" "$(sent)"
settles "… whose job ends" "$file"
levels=$tenant/organisation-levels/OF1
requests_clear
eq "a level that others made, too" OK "$(save "$levels/104.json" '{"levelName": "Kitchens and bars"}')"
settles "… is updated by itself" "$levels/104.json"
eq "… after its POST" 'PATCH /api/organisation-framework/OF1/organisation-level/104' "$(sent | tail -n 1)"
eq "… and keeps what the save didn't name" '{"levelId":"104","levelName":"Kitchens and bars","parentId":"1"}' \
    "$(state learningpool/levels/organisation/OF1 | jq -Sc '."104"')"

# ---- trap: a failure that names another person ----
conflict() { # TEXT ID DOCUMENT WORDS
    requests_clear
    eq "$1 is accepted at first" OK "$(save "$users/EXT-$2.json" "$3")"
    gone_again "… and is no record in the end" "$users/EXT-$2.json"
    eq "… it was no update: one POST" "POST /api/users" "$(sent)"
    like "… why has the vendor's words" "$4" "$(why "$users/EXT-$2.json")"
    eq "… and what was refused is kept" 1 "$(cat "$MNT"/.lmsfs/rejected/*/document.json | jq -s --argjson doc "$3" '[.[] | select(.email == $doc.email)] | length')"
}
conflict "trap: a create whose username another person has" EMP2 "$(document "$(named username EMP1004)" ada2@example.org)" \
    'username.*The username has already been taken'
conflict "trap: a create whose e-mail another person has" EMP3 "$(document ada3 "$(named email EMP1004)")" \
    'email.*The email has already been taken'
before=$(person EMP1005)
conflict "trap: a userId that exists with another person's username" EMP1005 "$(document "$(named username EMP1004)" ada5@example.org)" \
    'sso_id is the userId'
eq "… and nobody was changed" "$before" "$(person EMP1005)"
eq "an update to another person's e-mail" OK "$(save "$users/EXT-EMP1.json" "{\"email\": \"$(named email EMP1004)\"}")"
check "… fails" wait_until 30 is failed "$users/EXT-EMP1.json"
eq "… and the file shows what the LMS has" ada.fenn@example.org "$(t jq -r .email "$users/EXT-EMP1.json")"

# ---- saves that overlap ----
overlap() { # TEXT FIRST'S-FATE EXPECTED
    jobs "{\"hold\": true$2}"
    eq "$1: the first is accepted" OK "$(save "$users/EXT-EMP1.json" '{"firstName": "Adele", "orgRef": "first"}')"
    eq "$1: and the second" OK "$(save "$users/EXT-EMP1.json" '{"lastName": "Okoro", "orgRef": "second"}')"
    eq "$1: both are shown" '["Adele","Okoro","second"]' "$(t jq -c '[.firstName, .lastName, .orgRef]' "$users/EXT-EMP1.json")"
    jobs '{"hold": false}'
    check "$1: both end" wait_until 30 not is pending "$users/EXT-EMP1.json"
    check "$1: the file shows what the LMS has" wait_until 30 same_as_lms
    eq "$1: and that is" "$3" "$(person EMP1 '.record | [.firstName, .lastName, .orgRef]')"
}
same_as_lms() {
    [ "$(t jq -Sc '[.firstName, .lastName, .orgRef]' "$users/EXT-EMP1.json")" = "$(person EMP1 '.record | [.firstName, .lastName, .orgRef]')" ]
}
overlap "the first of two saves fails late" ', "fail_next": "The given data was invalid : {}"' '["Ada","Okoro","second"]'
overlap "two saves go well" '' '["Adele","Okoro","second"]'

# ---- an answer that is lost, a daemon that is killed ----
requests_clear
fault '{"path": "POST /api/users", "drop_after_effect": true}'
eq "a create whose answer is lost" OK "$(save "$users/EXT-EMP6.json" "$(document ada6 ada6@example.org)")"
settles "… is sent again, found to be there, and ends well" "$users/EXT-EMP6.json"
eq "… the LMS has one" '"ada6"' "$(person EMP6 .record.username)"
faults_clear
jobs '{"hold": true}'
eq "a create that still runs" OK "$(save "$users/EXT-EMP7.json" "$(document ada7 ada7@example.org)")"
daemon_crash
jobs '{"hold": false}'
mount_start
settles "… outlives a crash" "$users/EXT-EMP7.json"
eq "… and what was known is still known" $'EXT-EMP1.json\nEXT-EMP1003.json\nEXT-EMP6.json\nEXT-EMP7.json' "$(t ls "$users")"

# ---- settle = completed: the verdict is the job's ----
conf_learningpool 'settle = completed'
config_write learningpool
remount
eq "settle = completed: a save that goes well" OK "$(save "$users/EXT-EMP8.json" "$(document ada8 ada8@example.org)")"
check "… is done then" is clean "$users/EXT-EMP8.json"
eq "settle = completed: another person's username is the close's verdict" EINVAL "$(save "$users/EXT-EMP9.json" "$(document ada8 ada9@example.org)")"
like "… in the vendor's words" 'The username has already been taken' "$(why "$users/EXT-EMP9.json")"
eq "settle = completed: an id that exists is an update before the close returns" OK \
    "$(save "$users/EXT-EMP1006.json" "$(document "$(named username EMP1006)" "$(named email EMP1006)")")"
eq "… the LMS has it" '["Ada","Fenn"]' "$(person EMP1006 '.record | [.firstName, .lastName]')"
eq "trap: the URL in a reply's status was never asked" 0 "$(requests '.path | contains("elsewhere")')"
check "it unmounts" mount_stop
done_testing
