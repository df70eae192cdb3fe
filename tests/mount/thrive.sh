#!/usr/bin/env bash
# A Thrive tenant: what is read comes from the REST API, what is written goes out as events.
. tests/lib/lib.sh

sandbox_start --thrive-users 40
conf_thrive 'removal_grace = 0' 'allow_delete = users' 'list_ttl = 1' 'trickle = no' 'max_removals = 100'
config_write thrive
mount_start
users=$MNT/thrive/users bin=$MNT/thrive/deactivated-users
event() { requests_bodies "(.path == \"/webhooks\") and (.body.eventType == \"$1\")"; }
of() { state "thrive/users/EXT-$1" | jq -r "$2"; }
shown() { t jq -r "$2" "$users/EXT-$1.json"; }
change() { # REF JQ - saves what jq makes of the file
    t jq "$2" "$users/EXT-$1.json" >"$T/x" && t cp "$T/x" "$users/EXT-$1.json"
}

# ---- T5: the list ----
requests_clear
eq "T5 the list: who isn't suspended stands in users/" 38 "$(t ls "$users" | wc -l)"
eq "… in one request for up to 1000 people" "GET /rest/v1/users?page=1&perPage=1000 200" "$(requests_list)"
eq "trap: status inactive is suspended, and stands in the bin" "EXT-T000019.json EXT-T000039.json" "$(t ls "$bin" | xargs)"
eq "trap: status expired or new is no leaver" "expired new" "$(shown T000018 ._readonly.status) $(shown T000016 ._readonly.status)"
like "the directory says that it is complete" '^complete ' "$(xattr_of listing "$users")"
requests_clear
check "grep -r reads all of them" sh -c "grep -rl lastName '$users' | wc -l | grep -qx 38"
eq "… with no request for each" 0 "$(requests '.path | test("/user/|/ref/")')"

# ---- T6: one of them ----
id=$(of T000003 .id)
eq "T6 the name ID-… is a symlink to EXT-…" EXT-T000003.json "$(t readlink "$users/ID-$id.json")"
eq "an e-mail address is one too" EXT-T000003.json "$(t readlink "$users/EMAIL-$(of T000003 .email).json")"
requests_clear
check "T6 lmsfs fetch asks GET v1/user/:id" "$LMSFS_BIN" fetch "$users/EXT-T000003.json"
eq "… which is singular" "GET /rest/v1/user/$id 200" "$(requests_list)"

# ---- T2: changes ----
requests_clear
change T000003 .
eq "saving what is shown sends nothing" 0 "$(requests '.method != "GET"')"
requests_clear
check "T2 a changed name" change T000003 '.firstName = "Amadea"'
eq "… is one user_updated with the name alone" '{"user":{"firstName":"Amadea","ref":"T000003"}}' "$(event user_updated | jq -c .content)"
like "… with an id of its own" '^[0-9a-f]{32}-updated$' "$(event user_updated | jq -r .id)"
like "… and a timestamp" '^20[0-9-]{8}T[0-9:]{8}\.000Z$' "$(event user_updated | jq -r .timestamp)"
eq "the LMS has it" Amadea "$(of T000003 .firstName)"
eq "… and so has the file" Amadea "$(shown T000003 .firstName)"
first=$(event user_updated | jq -r .id)
check "a second change" change T000003 '.firstName = "Amadeus"'
eq "trap: another event has another id" 2 "$(event user_updated | jq -r .id | sort -u | wc -l)"
requests_clear
printf '{"costCentre": "CC-777", "jobTitle": "Head of Gates"}' >"$T/x"
check "T2 a partial document, with a custom field beside the others" cp "$T/x" "$users/EXT-T000004.json"
eq "… is sent as the event has it" '{"costCentre":"CC-777","jobTitle":"Head of Gates","ref":"T000004"}' "$(event user_updated | jq -c .content.user)"
eq "… the LMS has it" "CC-777 Head of Gates" "$(of T000004 '.additionalFields.costCentre + " " + .jobTitle')"
eq "… it is read back among additionalFields" CC-777 "$(shown T000004 .additionalFields.costCentre)"
eq "… and what v1 never gives back shows as it was written" '["jobTitle"]' "$(shown T000004 '._readonly.as_written | tojson')"
requests_clear
check "T2 a field cleared" change T000004 'del(.jobTitle) | del(.additionalFields.costCentre)'
eq "… is one PATCH with nulls, which events don't have" 'PATCH /rest/v2/users/ref/T000004 {"additionalFields":{"costCentre":null},"jobTitle":null}' \
    "$(requests_list '.method == "PATCH"' | sed 's/ 200$//') $(requests_bodies '.method == "PATCH"')"
eq "… and no event" "" "$(event user_updated)"
eq "… the LMS has neither" "null null" "$(of T000004 '"\(.jobTitle) \(.additionalFields.costCentre)"')"

# ---- what is refused ----
requests_clear
printf '{"nonsense": "x"}' >"$T/x"
eq "a field that isn't configured is EINVAL" EINVAL "$(errno_of save "$users/EXT-T000005.json" <"$T/x")"
like "… why has Thrive's words" 'nonsense is not a configured custom field' "$(t "$LMSFS_BIN" why "$users/EXT-T000005.json")"
requests_clear
jq -n '{email: "secretive@example.org", firstName: "Se", lastName: "Cretive", Password: "Hunter2-long"}' >"$T/secret.json"
eq "a password is no custom field" EINVAL "$(errno_of save "$users/EXT-SECRET.json" <"$T/secret.json")"
like "… why says so" 'Password is no field of users.*everybody who reads' "$(t "$LMSFS_BIN" why "$users/EXT-SECRET.json")"
eq "… nothing is sent" 0 "$(requests)"
eq "… and it is kept nowhere" "" "$(t grep -rla Hunter2-long "$CACHE" "$MNT/.lmsfs/rejected")"
printf '{"email": "%s"}' "$(of T000019 .email)" >"$T/x"
eq "the address of somebody suspended is EEXIST before the wire" EEXIST "$(errno_of save "$users/EXT-T000005.json" <"$T/x")"
printf '{"firstName": "Not Me"}' >"$T/x"
fault '{"path": "POST /webhooks", "status": 400, "body": {"status": 400, "error": "Bad Request", "message": {"firstName": ["is too odd", "is too long"]}}}'
eq "trap: an error whose message is an object" EINVAL "$(errno_of save "$users/EXT-T000005.json" <"$T/x")"
like "… comes through in its words" 'firstName: is too odd; is too long' "$(t "$LMSFS_BIN" why "$users/EXT-T000005.json")"
fault '{"path": "POST /webhooks", "status": 422, "body": {"status": 422, "error": "Unprocessable Entity", "message": "languageCode is not yours"}}'
eq "… or a string" EINVAL "$(errno_of save "$users/EXT-T000005.json" <"$T/x")"
like "… too" 'languageCode is not yours' "$(t "$LMSFS_BIN" why "$users/EXT-T000005.json")"
faults_clear
eq "the file shows the server's version again" "$(of T000005 .firstName)" "$(shown T000005 .firstName)"
printf '{"ref": "T000006", "firstName": "X"}' >"$T/x"
eq "another ref than the name's is EINVAL" EINVAL "$(errno_of save "$users/EXT-T000005.json" <"$T/x")"

# ---- T1: joining ----
requests_clear
printf '{"email": "new.joiner@example.org", "firstName": "New", "lastName": "Joiner", "startDate": "2026-01-05", "region": "North"}' >"$T/x"
check "T1 saving a new EXT-….json" cp "$T/x" "$users/EXT-N-1.json"
eq "… is one user_joined" '{"email":"new.joiner@example.org","firstName":"New","lastName":"Joiner","ref":"N-1","region":"North","startDate":"2026-01-05"}' \
    "$(event user_joined | jq -Sc .content.user)"
like "… with an id of its own" '^[0-9a-f]{32}-joined$' "$(event user_joined | jq -r .id)"
eq "the LMS has the person" "new North" "$(of N-1 '.status + " " + .additionalFields.region')"
eq "… the file has the server's id" "EXT-N-1.json" "$(t readlink "$users/ID-$(of N-1 .id).json")"
eq "a person without a name is refused before the wire" EINVAL "$(printf '{"email": "x@example.org"}' | errno_of save "$users/EXT-N-2.json")"
eq "… nobody was created" 1 "$(requests '.path == "/webhooks"')"

# ---- T3, T1: leaving and coming back ----
requests_clear
today=$(date -u +%F)
check "T3 rm" rm "$users/EXT-T000007.json"
like "… is one user_suspended with today's date" "^\{\"endDate\":\"($today|$(date -u +%F))T00:00:00.000Z\",\"ref\":\"T000007\"\}\$" "$(event user_suspended | jq -Sc .content.user)"
eq "… the LMS has suspended the person" "inactive" "$(of T000007 .status)"
check "… who stands in the bin" test -e "$bin/EXT-T000007.json"
check "T3 a leaving date in the document" change T000008 '.endDate = "2026-03-31"'
requests_clear
check "… mv into the bin" mv "$users/EXT-T000008.json" "$bin/"
eq "… goes with that date" '{"endDate":"2026-03-31","ref":"T000008"}' "$(event user_suspended | jq -Sc .content.user)"
requests_clear
check "T1 mv back" mv "$bin/EXT-T000007.json" "$users/"
eq "… is one user_joined with the person's name and address" "email firstName lastName ref" "$(event user_joined | jq -r '.content.user | keys | join(" ")')"
eq "… the LMS has the person active" active "$(of T000007 .status)"
check "… who stands in users/" test -e "$users/EXT-T000007.json"

# ---- T4: for good ----
requests_clear
gone=$(of T000008 .id)
check "T4 rm in the bin" rm "$bin/EXT-T000008.json"
eq "… is one user_deleted" '{"ref":"T000008"}' "$(event user_deleted | jq -c .content.user)"
eq "… the record is obfuscated" "true Deleted" "$(state "thrive/users/ID-$gone" | jq -r '"\(.deleted) \(.firstName)"')"
eq "… and the name is gone" ENOENT "$(errno_of read "$bin/EXT-T000008.json")"

# ---- T5: a refresh asks only for what changed ----
begun=$(date -u +%FT%T)
people_change thrive '{"op": "update", "id": "EXT-T000010", "set": {"lastName": "Behind-Our-Back"}}' >/dev/null
people_change thrive '{"op": "deactivate", "id": "EXT-T000011"}' >/dev/null
people_change thrive '{"op": "add", "id": "EXT-L-1", "set": {"email": "late@example.org", "firstName": "Late", "lastName": "Comer"}}' >/dev/null
people_change thrive '{"op": "delete", "id": "EXT-T000012"}' >/dev/null
requests_clear
seen() { t ls "$users" >/dev/null && [ -e "$users/EXT-L-1.json" ] && [ -e "$bin/EXT-T000011.json" ] && [ ! -e "$users/EXT-T000012.json" ]; }
check "T5 a refresh finds who came, who was suspended and who was deleted" wait_until 20 seen
eq "… and what changed" Behind-Our-Back "$(shown T000010 .lastName)"
eq "… and asks for nothing but changes" 0 "$(requests '(.path | startswith("/rest/v1/users?")) and (.path | contains("updatedSince=") | not)')"
like "… since a time before the last listing" "^20[0-9]{2}-" "$(requests_list '.path | contains("updatedSince=")' | sed -n '1s/.*updatedSince=//p')"
since=$(requests_list '.path | contains("updatedSince=")' | sed -n '1s/.*updatedSince=\(.*\)\.000Z.*/\1/p' | sed 's/%3A/:/g')
check "… which is no later than that" test "$(date -u -d "${since}Z" +%s)" -le "$(date -u -d "${begun}Z" +%s)"
check "the deleted stand nowhere" sh -c "! ls '$users' '$bin' | grep -q deleted-"
eq "nobody else is missing" 37 "$(t ls "$users" | wc -l)"
requests_clear
check "lmsfs refresh asks for the whole" "$LMSFS_BIN" refresh "$users"
eq "… once" 1 "$(requests '(.path | startswith("/rest/v1/users?")) and (.path | contains("updatedSince=") | not)')"
eq "… and finds the same" 37 "$(t ls "$users" | wc -l)"

# ---- trap: a retried event keeps its id ----
requests_clear
fault '{"path": "POST /webhooks", "drop_after_effect": true, "count": 2}'
check "a change whose answer is lost twice" change T000013 '.lastName = "Thrice-Sent"'
eq "trap: the event was sent three times" 3 "$(event user_updated | wc -l)"
eq "… with one id" 1 "$(event user_updated | jq -r .id | sort -u | wc -l)"
eq "… all the same to the byte" 1 "$(event user_updated | sort -u | wc -l)"
eq "… and took effect once" "3" "$(state thrive/events | jq -r '.events[] | select(.ref == "T000013") | .times')"
eq "the LMS has it" Thrice-Sent "$(of T000013 .lastName)"
faults_clear
requests_clear
fault '{"path": "POST /webhooks", "drop_after_effect": true, "count": 1}'
check "trap: a removal whose answer is lost" rm "$users/EXT-T000014.json"
eq "… keeps its id too" "2 1" "$(event user_suspended | wc -l) $(event user_suspended | jq -r .id | sort -u | wc -l)"
eq "… the person is suspended" inactive "$(of T000014 .status)"
faults_clear

# ---- … over a crash as well ----
requests_clear
fault '{"path": "POST /webhooks", "drop": true, "count": 0}'
printf '{"lastName": "After-The-Crash", "jobTitle": "Phoenix"}' >"$T/x"
(t 60 cp "$T/x" "$users/EXT-T000015.json" >/dev/null 2>&1 &)
printf '{"email": "crash@example.org", "firstName": "Born", "lastName": "In-A-Crash"}' >"$T/y"
(t 60 cp "$T/y" "$users/EXT-N-9.json" >/dev/null 2>&1 &)
sent() { [ "$(event user_updated | wc -l)" -ge 1 ] && [ "$(event user_joined | wc -l)" -ge 1 ]; }
check "a change and a new person whose events get lost" wait_until 20 sent
daemon_crash
faults_clear
mount_start
settled() { [ "$(of T000015 .lastName)" = After-The-Crash ] && [ "$(of N-9 .firstName)" = Born ]; }
check "trap: after a crash they go out again" wait_until 30 settled
eq "… the change with the id that it had" 1 "$(event user_updated | jq -r .id | sort -u | wc -l)"
eq "… and the timestamp" 1 "$(event user_updated | jq -r .timestamp | sort -u | wc -l)"
eq "… the person too" 1 "$(event user_joined | jq -r .id | sort -u | wc -l)"
eq "… created once" 1 "$(state thrive/users | jq '[.users[] | select(.ref == "N-9")] | length')"
none_pending() { [ "$(t "$LMSFS_BIN" pending --json "$MNT" | jq '.pending | length')" = 0 ]; }
check "nothing is left pending" wait_until 20 none_pending

# ---- credentials and plain failures ----
fault '{"path": "GET /rest/v1/users*", "status": 401, "body": {"status": 401, "error": "Unauthorized", "message": "You must be authorized to process this request"}}'
not t "$LMSFS_BIN" refresh "$users" >"$T/out" 2>&1
like "a 401 says so in Thrive's words" 'must be authorized' "$(cat "$T/out")"
fault '{"path": "GET /rest/v1/users*", "status": 200, "body": "<html>proxy</html>"}'
not t "$LMSFS_BIN" refresh "$users" >"$T/out" 2>&1
like "HTML from a proxy fails the refresh and names tenant and collection" 'thrive/users.*HTML' "$(cat "$T/out")"
fault '{"path": "GET /rest/v1/users*", "status": 200, "body": {"results": [{"id": 7}], "pagination": {"totalResults": 1}}}'
not t "$LMSFS_BIN" refresh "$users" >"$T/out" 2>&1
like "a number where an id should be is named" '"id" is not a string' "$(cat "$T/out")"
eq "what is known stays" 37 "$(t ls "$users" | grep -c '^EXT-')"
faults_clear
check "no secret in the cache folder" sh -c "! grep -raq -e sandbox-thrive-secret -e c2FuZGJveC10ZW5hbnQ '$CACHE'"
done_testing
