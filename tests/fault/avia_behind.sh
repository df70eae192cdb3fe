#!/usr/bin/env bash
# AVIA's PUT sends the whole record, and there is no GET of one: what somebody else changed since the list was read survives a save all the same.
# timeout: 120
. tests/lib/lib.sh

sandbox_start --avia-users 120
conf_avia 'record_ttl = 1' 'list_ttl = 3600' 'trickle = no' 'removal_grace = 0'
config_write avia
mount_start
users=$MNT/avia/users api=/wp-json/avia/hr/v1
pages='.path | startswith("'$api'/user?page=")'
puts='.method == "PUT"'
lms() { state "avia/users/ID-$1" | jq -r "$2"; } # ID JQ
behind() { people_change avia "{\"op\": \"update\", \"id\": \"ID-$1\", \"set\": $2}" >/dev/null; }
old_enough() { # longer than record_ttl since the list was read
    local at=$EPOCHSECONDS
    wait_until 10 eval '[ $EPOCHSECONDS -gt $((at + 1)) ]'
}
eq "everybody is listed" 120 "$(t ls "$users" | wc -l)"

# ---- another field ----
t cat "$users/ID-7.json" >"$T/seven.json"
behind 7 '{"first_name": "Theirs", "fields": {"department": "Moved"}}'
old_enough
requests_clear
jq '.last_name = "Mine"' "$T/seven.json" >"$T/edited.json"
eq "another field changed behind the list's back: OK" OK "$(errno_of save "$users/ID-7.json" <"$T/edited.json")"
eq "… both changes are there" "Theirs Mine Moved" "$(lms 7 '"\(.first_name) \(.last_name) \(.fields.department)"')"
eq "… by one PUT" 1 "$(requests "$puts")"
within "… and the list's pages, twice, for it has no total" 2 6 "$(requests "$pages")"
eq "… the file shows both" "Theirs Mine" "$(t jq -r '"\(.first_name) \(.last_name)"' "$users/ID-7.json")"

# ---- the same field ----
t cat "$users/ID-8.json" >"$T/eight.json"
behind 8 '{"last_name": "Theirs"}'
old_enough
requests_clear
jq '.last_name = "Mine"' "$T/eight.json" >"$T/edited.json"
eq "the same field: ESTALE" ESTALE "$(errno_of save "$users/ID-8.json" <"$T/edited.json")"
eq "… and nothing is sent" 0 "$(requests "$puts")"
eq "… the LMS keeps what they wrote" Theirs "$(lms 8 .last_name)"
like "… why names the field" 'last_name was changed on the server' "$(t "$LMSFS_BIN" why "$users/ID-8.json")"
n=$(t ls "$MNT/.lmsfs/rejected" | sort -n | tail -n 1)
eq "… the three versions are kept" "Mine Theirs $(jq -r .last_name "$T/eight.json")" \
    "$(t jq -r .last_name "$MNT/.lmsfs/rejected/$n/document.json") $(t jq -r '"\(.server.last_name) \(.shown.last_name)"' "$MNT/.lmsfs/rejected/$n/reason.json")"

# ---- a list that can't be read ----
t cat "$users/ID-9.json" >"$T/nine.json"
old_enough
requests_clear
fault "{\"path\": \"GET $api/user?page=*\", \"count\": 0, \"status\": 403, \"body\": {\"code\": \"rest_forbidden\", \"message\": \"Sorry, you are not allowed to do that.\"}}"
jq '.last_name = "Mine"' "$T/nine.json" >"$T/edited.json"
eq "a list that is refused: the save fails" EACCES "$(errno_of save "$users/ID-9.json" <"$T/edited.json")"
like "… and says why, in the LMS's words" 'the list is read first.*not allowed to do that' "$(t "$LMSFS_BIN" why "$users/ID-9.json")"
eq "… and nothing is sent" 0 "$(requests "$puts")"
faults_clear
n=$(t ls "$MNT/.lmsfs/rejected" | sort -n | tail -n 1)
check "… and retry sends it" t "$LMSFS_BIN" retry "$n" "$MNT"
eq "… once" "1 Mine" "$(requests "$puts") $(lms 9 .last_name)"

# ---- what is fresh is not read again ----
mount_stop
sed -i 's/^record_ttl = 1$/record_ttl = 3600/' "$CONF"
mount_start
check "the list is fresh" t "$LMSFS_BIN" refresh "$users"
requests_clear
check "a save" sed -i 's/"last_name": ".*"/"last_name": "Fresh"/' "$users/ID-10.json"
eq "… is one PUT and nothing else" "PUT $api/user/update 200" "$(requests_list)"
done_testing
