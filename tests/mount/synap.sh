#!/usr/bin/env bash
# A Synap tenant: people the API can't list, their learning records, singletons.
. tests/lib/lib.sh

sandbox_start --synap-users 30
conf_synap 'removal_grace = 1' 'allow_delete = users learning-records' 'crawl_limit = 50'
config_write synap
mount_start
tenant=$MNT/synap users=$MNT/synap/users
id=$(state synap/users | jq -r '[.. | .objectId? // empty][3]')
email=$(state "synap/users/$id" | jq -r '.email // .user.email')

like "S1 status.json" '"healthy"' "$(t cat "$tenant/status.json")"
like "S4 user-attributes.json" 'customAttribute' "$(t cat "$tenant/user-attributes.json")"
eq "the directory says that it shows what is known" known-only "$(xattr_of listing "$users")"
eq "… and nobody is known yet" "" "$(t ls "$users")"

requests_clear
eq "S10 a person is read by id" "$email" "$(t jq -r .email "$users/ID-$id.json")"
eq "… by GET /users?id=" 1 "$(requests '.path | startswith("/users?id=")')"
eq "… and is listed from then on" "ID-$id.json" "$(t ls "$users")"
other=$(state synap/users | jq -r '[.. | .objectId? // empty][5]')
other_email=$(state "synap/users/$other" | jq -r '.email // .user.email')
eq "S10 … or by e-mail: a link" "ID-$other.json" "$(t readlink "$users/EMAIL-$other_email.json")"
eq "nobody by that id is ENOENT" ENOENT "$(errno_of read "$users/ID-nobodyatall.json")"
requests_clear
eq "… and asked for once" ENOENT "$(errno_of read "$users/ID-nobodyatall.json")"
eq "… not again" 0 "$(requests)"

file=$users/ID-$id.json
requests_clear
check "S9 a changed name" sh -c "jq '.name = \"Renamed Person\"' '$file' >'$T/x' && cp '$T/x' '$file'"
eq "… is one PATCH with the name alone" '{"name":"Renamed Person"}' "$(requests_bodies '.method == "PATCH"')"
eq "… and nothing else" 0 "$(requests '(.method != "GET") and (.method != "PATCH")')"
eq "the LMS has it" "Renamed Person" "$(state "synap/users/$id" | jq -r '.name // .user.name')"
requests_clear
check "S8 a changed attribute" sh -c "jq '.attr.location = \"Leeds\"' '$file' >'$T/x' && cp '$T/x' '$file'"
eq "… is one PUT with the attribute alone" '{"location":"Leeds"}' "$(requests_bodies '.method == "PUT"' | jq -c .attr)"
requests_clear
eq "an attribute that the portal lacks is refused" EINVAL "$(t jq '.attr.nonsense = "x"' "$file" >"$T/x"; errno_of save "$file" <"$T/x")"
like "… in Synap's words" 'not a valid attribute' "$(t "$LMSFS_BIN" why "$file")"
eq "the e-mail can't change" EINVAL "$(t jq '.email = "new@example.org"' "$file" >"$T/x"; errno_of save "$file" <"$T/x")"

requests_clear
printf '{"email": "joiner@example.org", "name": "New Joiner", "password": "Passw0rd-long", "attr": {"location": "York"}}' >"$T/new.json"
check "S7 saving new.json creates" cp "$T/new.json" "$users/new.json"
eq "… with one POST" 1 "$(requests '(.method == "POST") and (.path == "/users")')"
link=$(t readlink "$users/new.json")
like "new.json is a link to the real name now" '^ID-.*\.json$' "$link"
eq "… that reads as the person" joiner@example.org "$(t jq -r .email "$users/new.json")"
eq "the password is never shown" null "$(t jq -c .password "$users/$link")"
check "saving new.json again updates" sh -c "jq '.name = \"Newer Joiner\"' '$users/new.json' >'$T/x' && cat '$T/x' >'$users/new.json'"
eq "… and creates nobody twice" 1 "$(requests '(.method == "POST") and (.path == "/users")')"
check "no secret in logs, journal or audit" sh -c "! grep -raq 'Passw0rd-long' '$CACHE'"

records=$tenant/learning-records/ID-$id
check "S18 a learner's records are a directory" ls "$records"
before=$(t ls "$records" | wc -l)
requests_clear
printf '{"name": "First Aid", "achievedOn": "2023-11-20T15:48:05.300Z", "score": 71.1, "visibleToStudent": true}' >"$T/record.json"
check "S15 saving new.json there creates a record" cp "$T/record.json" "$records/new.json"
eq "… with one multipart POST" '"First Aid"' "$(requests_bodies '(.method == "POST") and (.path == "/learning-records")' | jq -c .name)"
eq "one more is listed" $((before + 1)) "$(t ls "$records" | grep -c '^ID-')"
record=$(t readlink "$records/new.json")
eq "numbers print as they came" '71.1' "$(t grep '"score"' "$records/$record" | tr -dc '0-9.')"
requests_clear
check "S17 rm deletes it, where allow_delete says so" rm "$records/$record"
check "… after the grace" "$LMSFS_BIN" wait "$records/$record"
eq "… with one DELETE" 1 "$(requests '.method == "DELETE"')"
eq "nobody's directory is ENOENT" ENOENT "$(errno_of list "$tenant/learning-records/ID-nobodyatall")"
done_testing
