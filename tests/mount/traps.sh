#!/usr/bin/env bash
# Where the vendors' documentation misleads: HowNow's and Synap's traps, one by one.
. tests/lib/lib.sh

sandbox_start --users 60 --synap-users 10 --job-seconds 0.2
conf_hownow 'trickle = no' 'removal_grace = 0'
conf_synap 'trickle = no'
config_write hownow synap
people_change hownow '{"op": "add", "id": "EXT-ann", "set": {"name": "Ann Exact", "email": "ann@trap.example"}}' >/dev/null
people_change hownow '{"op": "add", "id": "EXT-joann", "set": {"name": "Jo Longer", "email": "joann@trap.example"}}' >/dev/null
mount_start
users=$MNT/hownow/users
writes='(.method != "GET") and (.path != "/token")'

# ---- HowNow: there is no GET by e-mail address ----
requests_clear
eq "trap: EMAIL- of nobody known yet is found by the list's search" EXT-ann.json "$(t readlink "$users/EMAIL-ann@trap.example.json")"
eq "… with ?q=, never a GET of EMAIL-" "GET /external/v1/users?page=1&per_page=100&q=ann%40trap.example 200" "$(requests_list '.path != "/token"')"
eq "trap: the search finds parts too, only the very address counts" ENOENT "$(errno_of read "$users/EMAIL-nn@trap.example.json")"
eq "… in the other's name it is the other" EXT-joann.json "$(t readlink "$users/EMAIL-joann@trap.example.json")"
requests_clear
eq "… once known, without a request" EXT-ann.json "$(t readlink "$users/EMAIL-ann@trap.example.json")"
eq "… none" 0 "$(requests)"
check "the listing has both" sh -c "ls '$users' | grep -c -e '^EXT-ann.json' -e '^EXT-joann.json' | grep -qx 2"

# ---- HowNow: a deactivated user can't be upserted ----
people_change hownow '{"op": "deactivate", "id": "EXT-ann"}' >/dev/null
t jq '.name = "Ann Again"' "$users/EXT-ann.json" >"$T/x"
requests_clear
got=$(errno_of save "$users/EXT-ann.json" <"$T/x")
note <<<"saving somebody who was deactivated behind our back: $got; $(t "$LMSFS_BIN" why "$users/EXT-ann.json" 2>&1 | head -3)"
check "trap: saving somebody who was deactivated behind our back is refused" test "$got" != OK
eq "… the LMS has the person as before" "Ann Exact Deactivated" "$(state hownow/users/EXT-ann | jq -r '.name + " " + .status')"
check "… who stands in the bin from then on" wait_until 20 test -e "$MNT/hownow/deactivated-users/EXT-ann.json"
requests_clear
eq "trap: a save in the bin is EPERM" EPERM "$(errno_of save "$MNT/hownow/deactivated-users/EXT-ann.json" <"$T/x")"
eq "… nothing is sent" 0 "$(requests "$writes")"
check "moved back first" mv "$MNT/hownow/deactivated-users/EXT-ann.json" "$users/"
check "… the save goes" cp "$T/x" "$users/EXT-ann.json"
named() { [ "$(state hownow/users/EXT-ann | jq -r .name)" = "Ann Again" ]; }
check "… and arrives" wait_until 20 named

# ---- each vendor's error bodies, in its own words ----
words() { # TEXT STATUS BODY ERRNO REGEX
    fault "{\"path\": \"POST /external/v1/users/upsert\", \"status\": $2, \"body\": $3}"
    t jq ".name = \"Refused $RANDOM\"" "$users/EXT-joann.json" >"$T/y"
    eq "HowNow's $1: $4" "$4" "$(errno_of save "$users/EXT-joann.json" <"$T/y")"
    like "… why says it in HowNow's words" "$5" "$(t "$LMSFS_BIN" why "$users/EXT-joann.json")"
    faults_clear
}
words "error_message" 400 '{"error_message": "User with email already exists in another workspace"}' EINVAL 'already exists in another workspace'
words "errors, a string" 422 '{"errors": "Assigned User cannot be a Read Only user"}' EINVAL 'cannot be a Read Only user'
words "errors, an object" 422 '{"errors": {"email": ["has already been taken"]}}' EINVAL 'email: has already been taken'
words "403" 403 '{"error_message": "You are not authorized to perform this action"}' EACCES 'not authorized to perform this action'
words "404" 404 '{"error_message": "User not found"}' ENOENT 'User not found'

# ---- Synap ----
id=$(state synap/users | jq -r '.users[2].objectId')
file=$MNT/synap/users/ID-$id.json
check "a Synap user is read" cat "$file"
requests_clear
t jq '.name = "Two Hundred And Four"' "$file" >"$T/x"
check "trap: PATCH answers 204 without a body, and that is accepted" cp "$T/x" "$file"
eq "… it was one" "PATCH /users/$id 204" "$(requests_list '.method == "PATCH"')"
eq "… Synap has it" "Two Hundred And Four" "$(state "synap/users/$id" | jq -r .name)"
eq "… and so has the file" "Two Hundred And Four" "$(t jq -r .name "$file")"
fault '{"path": "PATCH /users/*", "status": 400, "body": {"message": "password must be at least 8 characters long"}}'
t jq '.name = "Not Taken"' "$file" >"$T/x"
eq "trap: the 400 that the example calls \"401\" goes by its status" EINVAL "$(errno_of save "$file" <"$T/x")"
like "… in Synap's words" 'at least 8 characters long' "$(t "$LMSFS_BIN" why "$file")"
fault '{"path": "PATCH /users/*", "status": 401, "body": {"message": "Unauthorised Request"}}'
eq "… and a real 401 is EACCES" EACCES "$(errno_of save "$file" <"$T/x")"
like "… in Synap's words too" 'Unauthorised Request' "$(t "$LMSFS_BIN" why "$file")"
fault '{"path": "PATCH /users/*", "status": 400, "body": {"message": "[ { \"code\": \"invalid_type\", \"path\": [\"name\"], \"message\": \"Expected string, received number\" } ]"}}'
eq "… a message that is JSON in a string" EINVAL "$(errno_of save "$file" <"$T/x")"
like "… comes as it is" 'Expected string, received number' "$(t "$LMSFS_BIN" why "$file")"
eq "after all of that the file shows Synap's version" "Two Hundred And Four" "$(t jq -r .name "$file")"
requests_clear
email=$(state synap/users | jq -r '.users[4].email')
eq "trap: Synap's search is ?email=" "ID-$(state synap/users | jq -r '.users[4].objectId').json" "$(t readlink "$MNT/synap/users/EMAIL-$email.json")"
eq "… asked for once" 1 "$(requests '.path | startswith("/users?email=")')"
check "trap: learning records are asked for by ?userId=" ls "$MNT/synap/learning-records/ID-$id"
eq "… never by a path" 0 "$(requests '.path | test("^/learning-records/")')"
done_testing
