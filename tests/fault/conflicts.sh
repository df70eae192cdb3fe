#!/usr/bin/env bash
# What a save is of: the difference to the version that was shown, carried onto the LMS's record. The same field moved: ESTALE, and nothing
# is lost; other fields: both. And every kind of document that may be saved: old, partial, with options.
# timeout: 300
. tests/lib/lib.sh

sandbox_start --users 60 --synap-users 30 --job-seconds 0.3
conf_hownow 'trickle = no' 'record_ttl = 0' 'crawl_limit = 100' # each save looks at the LMS's record
conf_synap 'trickle = no' 'record_ttl = 0'
config_write
mount_start
users=$MNT/hownow/users people=$MNT/synap/users control=$MNT/.lmsfs
upserts='.path == "/external/v1/users/upsert"'
changes='(.method != "GET") and (.path != "/token")'
why() { t "$LMSFS_BIN" why "$1"; }
clean() { [ "$(xattr_of state "$1")" = clean ]; }
settled() { wait_until 15 clean "$1"; }
id_of() { basename "$1" .json; }
lms() { state "hownow/users/$(id_of "$1")" | jq -c "$2"; } # FILE FILTER - as the LMS has the person
behind() { # FILE SET - what somebody else changes
    people_change hownow "{\"op\": \"update\", \"id\": \"$(id_of "$1")\", \"set\": $2}" >/dev/null ||
        bail "the LMS's record changes behind our back" "$2"
}
edit() { jq "$1" "$2" >"$T/edited.json"; } # FILTER COPY
last_refused() { t ls "$control/rejected" | sort -n | tail -n 1; }
mapfile -t files < <(t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json)
next=0
person() { # a person that no test had before: sets file, and copy, which is what was shown
    file=${files[$next]} copy=$T/shown-$next.json
    next=$((next + 1))
    t cat "$file" >"$copy"
    requests_clear
}

# ---- the same field moved: ESTALE, with the three versions ----
person
behind "$file" '{"name": "Theirs"}'
edit '.name = "Mine"' "$copy"
eq "the same field changed on the LMS: ESTALE" ESTALE "$(errno_of save "$file" <"$T/edited.json")"
eq "… and nothing was sent" 0 "$(requests "$changes")"
like "… why names the field" 'name was changed on the server' "$(why "$file")"
n=$(last_refused)
eq "… rejected/ has what was saved" Mine "$(t jq -r .name "$control/rejected/$n/document.json")"
eq "… what was shown" "$(jq -r .name "$copy")" "$(t jq -r .shown.name "$control/rejected/$n/reason.json")"
eq "… and what the LMS has" Theirs "$(t jq -r .server.name "$control/rejected/$n/reason.json")"
eq "… which the file shows" Theirs "$(t jq -r .name "$file")"
edit '.name = "Theirs"' "$copy"
eq "the value that the LMS has by now is no conflict" OK "$(errno_of save "$file" <"$T/edited.json")"
eq "… and nothing to send" 0 "$(requests "$upserts")"

# ---- different fields merge ----
person
behind "$file" '{"name": "Theirs"}'
edit '.user_type = "Contributor"' "$copy"
eq "different fields merge: OK" OK "$(errno_of save "$file" <"$T/edited.json")"
settled "$file"
eq "… with one upsert" 1 "$(requests "$upserts")"
eq "… the LMS has both" '["Theirs","Contributor"]' "$(lms "$file" '[.name, .user_type]')"
eq "… and the file shows both" '["Theirs","Contributor"]' "$(t jq -c '[.name, .user_type]' "$file")"

# ---- arrays of keyed things differ by key ----
person
keys=$(jq -r '.custom_fields[:2][].field_name' "$copy")
mine=$(head -n 1 <<<"$keys") other=$(tail -n 1 <<<"$keys")
edit ".custom_fields = [.custom_fields[] | if .field_name == \"$mine\" then .value = \"Mine\" else . end]" "$copy"
behind "$file" "$(jq -c "{custom_fields: [.custom_fields[] | if .field_name == \"$other\" then .value = \"Theirs\" else . end]}" "$copy")"
eq "two keys of one array, changed on either side: OK" OK "$(errno_of save "$file" <"$T/edited.json")"
settled "$file"
eq "… the file shows both" '["Mine","Theirs"]' \
    "$(t jq -c "[(.custom_fields[] | select(.field_name == \"$mine\") | .value), (.custom_fields[] | select(.field_name == \"$other\") | .value)]" "$file")"
behind "$file" "$(t jq -c "{custom_fields: [.custom_fields[] | if .field_name == \"$mine\" then .value = \"Theirs\" else . end]}" "$file")"
edit ".custom_fields = [.custom_fields[] | if .field_name == \"$mine\" then .value = \"Mine too\" else . end]" "$copy"
eq "the same key: ESTALE" ESTALE "$(errno_of save "$file" <"$T/edited.json")"
like "… why names the key" "custom_fields.$mine was changed" "$(why "$file")"

# ---- one editor's session: its buffer names the first version for ever ----
jobs_change '{"seconds": 2}' >/dev/null
person
for i in 1 2; do
    edit ".name = \"Session $i\"" "$copy"
    eq "save $i of one session, its job still running: OK" OK "$(errno_of save "$file" <"$T/edited.json")"
    eq "… pending" pending "$(xattr_of state "$file")"
done
settled "$file"
edit '.name = "Session 3" | .user_type = "Contributor"' "$copy"
eq "save 3, when all is over: OK" OK "$(errno_of save "$file" <"$T/edited.json")"
jobs_change '{"seconds": 0.3}' >/dev/null
settled "$file"
eq "… three upserts, one a save" '"Session 1" "Session 2" "Session 3"' \
    "$(requests_bodies "$upserts" | jq -c .name | paste -sd ' ')"
eq "… the LMS has the last" '["Session 3","Contributor"]' "$(lms "$file" '[.name, .user_type]')"
eq "saved once more as it is: OK" OK "$(errno_of save "$file" <"$T/edited.json")"
eq "… and nothing is sent" 3 "$(requests "$upserts")"
remount
edit '.name = "Session 4" | .user_type = "Contributor"' "$copy"
eq "save 4, the daemon was begun anew meanwhile: OK" OK "$(errno_of save "$file" <"$T/edited.json")"
settled "$file"
eq "… the LMS has it" '"Session 4"' "$(lms "$file" .name)"
person
t vim -es -u NONE -c 'set nobackup nowritebackup' -c '%s/^  "name": "[^"]*"/  "name": "Vim 1"/' -c w \
    -c '%s/"Vim 1"/"Vim 2"/' -c w -c '%s/"Vim 2"/"Vim 3"/' -c w -c q "$file" >/dev/null 2>&1
settled "$file"
eq "vim: three :w in one session, three upserts" '"Vim 1" "Vim 2" "Vim 3"' "$(requests_bodies "$upserts" | jq -c .name | paste -sd ' ')"
eq "… and the last one stays" '"Vim 3"' "$(lms "$file" .name)"

# ---- a file from git, next week ----
person
behind "$file" '{"user_type": "Contributor"}'
t "$LMSFS_BIN" refresh "$file" >/dev/null
eq "an old version, unedited, and the record has moved on: ESTALE" ESTALE "$(errno_of save "$file" <"$copy")"
like "… why names the field and the way out" 'moved on.*user_type.*delete `_readonly`' "$(why "$file")"
edit '.name = "From git"' "$copy"
eq "an old version, edited elsewhere: OK" OK "$(errno_of save "$file" <"$T/edited.json")"
settled "$file"
eq "… is that edit alone" '["From git","Contributor"]' "$(lms "$file" '[.name, .user_type]')"
edit 'del(._readonly)' "$copy"
eq "without _readonly it restores: OK" OK "$(errno_of save "$file" <"$T/edited.json")"
settled "$file"
eq "… all of it" "$(jq -c '[.name, .user_type]' "$copy")" "$(lms "$file" '[.name, .user_type]')"

# ---- a detail that arrived in between ----
person
settled "$file"
mount_stop
rm -rf "$CACHE/cache"
sed -i 's/^crawl_limit = 100/crawl_limit = 0/' "$CONF"
mount_start
t ls "$users" >/dev/null
t cat "$file" >"$T/row.json"
eq "only the row is shown" '[false,null]' "$(jq -c '[._readonly.complete, .custom_fields]' "$T/row.json")"
fields=$(lms "$file" '.custom_fields | length')
check "its detail arrives" "$LMSFS_BIN" fetch "$file"
edit '.name = "Row edited"' "$T/row.json"
requests_clear
eq "the row, edited and saved afterwards: OK" OK "$(errno_of save "$file" <"$T/edited.json")"
settled "$file"
eq "… changes the name and keeps every custom field" "[\"Row edited\",$fields]" "$(lms "$file" '[.name, (.custom_fields | length)]')"

# ---- a base that is no longer kept ----
person
t "$LMSFS_BIN" fetch "$file" >/dev/null
t cat "$file" >"$copy"
behind "$file" '{"name": "Moved on"}'
mount_stop
rm -rf "$CACHE/cache"
mount_start
edit '.user_type = "Contributor"' "$copy"
t ls "$users" >/dev/null
requests_clear
eq "a base that is no longer kept: ESTALE" ESTALE "$(errno_of save "$file" <"$T/edited.json")"
eq "… nothing was sent" 0 "$(requests "$changes")"
like "… why has the way out" 'not kept any more: read the file anew, or delete `_readonly`' "$(why "$file")"

# ---- partial documents ----
person
before=$(lms "$file" '[.email, (.custom_fields | length)]')
printf '{"name": "Part"}' >"$T/part.json"
eq "a partial document: OK" OK "$(errno_of save "$file" <"$T/part.json")"
settled "$file"
eq "… the rest stays" "[\"Part\",${before:1}" "$(lms "$file" '[.name, .email, (.custom_fields | length)]')"
key=$(t jq -r '.custom_fields[0].field_name' "$file")
jq -n --arg k "$key" '{custom_fields: [{field_name: $k, value: "One of them"}]}' >"$T/part.json"
eq "one custom field alone: OK" OK "$(errno_of save "$file" <"$T/part.json")"
settled "$file"
eq "… the others stay" "${before##*,}" "$(lms "$file" '.custom_fields | length')]"
printf '{"email": null}' >"$T/part.json"
eq "null of what can't be cleared: EINVAL" EINVAL "$(errno_of save "$file" <"$T/part.json")"
like "… why names it" 'email can.t be empty' "$(why "$file")"

# ---- refused before the wire, with field and reason ----
requests_clear
refused() { # TEXT FILTER WORDS
    t jq "$2" "$file" >"$T/bad.json"
    eq "$1: EINVAL" EINVAL "$(errno_of save "$file" <"$T/bad.json")"
    like "… why has field and reason" "$3" "$(why "$file")"
}
refused "the name says another id" '.external_user_id = "e-000001"' 'external_user_id.*the file.s name says'
refused "_readonly changed" '._readonly.id = 7' '_readonly\.id was changed'
refused "a word that isn't one" '.user_type = "Emperor"' 'user_type'
refused "too long" '.name = ("x" * 300)' 'name.*characters'
refused "no such field" '.shoe_size = 44' 'shoe_size is not a field'
refused "a number for a string" '.email = 5' 'email'
eq "… and none of them was sent" 0 "$(requests "$changes")"

# ---- Synap: a group by its objectId alone; _options ----
id=$(state synap/users | jq -r '.users[3].objectId')
file=$people/ID-$id.json
t cat "$file" >"$T/synap.json"
group=$(state synap/users | jq -r --argjson have "$(jq -c '[(.userGroups // [])[].objectId]' "$T/synap.json")" \
    'first(.userGroups[] | select(.objectId as $g | $have | index($g) | not)).objectId')
jq --arg g "$group" '.userGroups += [{objectId: $g}]' "$T/synap.json" >"$T/edited.json"
requests_clear
eq "a group by its objectId alone: OK" OK "$(errno_of save "$file" <"$T/edited.json")"
eq "… is one usergroup/add" 1 "$(requests '.path == "/usergroup/add"')"
t "$LMSFS_BIN" fetch "$file" >/dev/null
like "… the LMS gives it its name" . "$(t jq -r --arg g "$group" '.userGroups[] | select(.objectId == $g).name // empty' "$file")"
eq "saved again as it was: OK, not ESTALE" OK "$(errno_of save "$file" <"$T/edited.json")"
eq "… and nothing more is sent" 1 "$(requests "$changes")"
jq '.name = "Grouped"' "$T/edited.json" >"$T/again.json"
eq "the second save of that session: OK" OK "$(errno_of save "$file" <"$T/again.json")"
eq "… is the name alone" '{"name":"Grouped"}' "$(requests_bodies '.method == "PATCH"')"
jq '.name = "Grouped"' "$T/synap.json" >"$T/again.json"
eq "the third, without the group again: OK" OK "$(errno_of save "$file" <"$T/again.json")"
eq "… is one usergroup/remove" "[\"$group\"]" "$(requests_bodies '.path == "/usergroup/remove"' | jq -c '[.userGroupId]')"
requests_clear
printf '{"email": "options@example.org", "name": "With Options", "_options": {"actions": {"addToUserGroup": "%s", "disableWelcomeEmail": true}, "subPortalId": "portal-1"}, "password": "Passw0rd-long"}' \
    "$group" >"$T/new.json"
eq "_options of a create: OK" OK "$(errno_of save "$people/new.json" <"$T/new.json")"
eq "… are sent" "[\"$group\",true,\"portal-1\"]" \
    "$(requests_bodies '(.method == "POST") and (.path == "/users")' | jq -c '[.actions.addToUserGroup, .actions.disableWelcomeEmail, .user.subPortalId]')"
eq "… and never shown" null "$(t jq -c ._options "$people/new.json")"
requests_clear
printf '{"email": "options.2@example.org", "name": "Bad Options", "_options": {"fly": true}}' >"$T/new.json"
eq "an option that isn't one: EINVAL" EINVAL "$(errno_of save "$people/new-2.json" <"$T/new.json")"
like "… why names it" 'fly' "$(why "$people/new-2.json")"
eq "… and nothing was sent" 0 "$(requests "$changes")"

# ---- retry N, drop N ----
sed -i 's/^crawl_limit = 0/crawl_limit = 100/' "$CONF"
remount
person
fault '{"path": "* /external/v1/users/upsert", "count": 9, "status": 422, "body": {"error_message": "Not before noon"}}'
edit '.name = "Tried again"' "$copy"
eq "refused by the LMS: EINVAL" EINVAL "$(errno_of save "$file" <"$T/edited.json")"
n=$(last_refused)
check "retry, and it is refused again: it fails" not "$LMSFS_BIN" retry "$n" "$MNT"
again=$(last_refused)
within "… under a number of its own" $((n + 1)) $((n + 9)) "$again"
eq "… in the place of the first" ENOENT "$(errno_of stat "$control/rejected/$n")"
faults_clear
check "retry when noon is past" "$LMSFS_BIN" retry "$again" "$MNT"
settled "$file"
eq "… the LMS has it" '"Tried again"' "$(lms "$file" .name)"
eq "… and rejected/ no more" ENOENT "$(errno_of stat "$control/rejected/$again")"
check "a number that isn't there fails" not "$LMSFS_BIN" retry 99999 "$MNT"
fault '{"path": "PUT */deactivate", "status": 422, "body": {"error_message": "Not today"}}'
eq "a removal that is refused" EINVAL "$(errno_of rename "$file" "$MNT/hownow/deactivated-users/$(basename "$file")")"
faults_clear
check "retry of a removal" "$LMSFS_BIN" retry "$(last_refused)" "$MNT"
eq "… removes" '"Deactivated"' "$(lms "$file" .status)"
printf '{"email": "retry@example.org", "name": "Retry Password", "password": "Passw0rd-long"}' >"$T/new.json"
fault '{"path": "POST */users", "status": 422, "body": {"message": "No"}}'
eq "a refused save with a password" EINVAL "$(errno_of save "$people/new-3.json" <"$T/new.json")"
faults_clear
requests_clear
check "… can't be sent again: it isn't kept" not "$LMSFS_BIN" retry "$(last_refused)" "$MNT"
eq "… and '***' is never sent" 0 "$(requests "$changes")"
n=$(last_refused)
check "drop" "$LMSFS_BIN" drop "$n" "$MNT"
eq "… forgets it" ENOENT "$(errno_of stat "$control/rejected/$n")"
done_testing
