#!/usr/bin/env bash
# timeout: 240
# An AVIA tenant: each of the twelve endpoints by the gesture that reaches it, and the traps: a GET that suspends, a PUT that empties.
. tests/lib/lib.sh

sandbox_start --avia-users 120
conf_avia 'removal_grace = 1' 'allow_delete = users' 'list_ttl = 3600' 'trickle = no'
config_write avia
mount_start
tenant=$MNT/avia users=$MNT/avia/users bin=$MNT/avia/deactivated-users groups=$MNT/avia/groups
api=/wp-json/avia/hr/v1
ssn_of() { state "avia/users/ID-$1" | jq -r .ssn; }
of_lms() { state "avia/users/ID-$1" | jq -r "$2"; } # ID JQ
changes='(.method != "GET") or (.path | contains("/suspend/"))'
edit() { # FILE JQ - as an editor would: read, change, save
    t jq "$2" "$1" >"$T/edited" && t cp "$T/edited" "$1"
}
no_ssn() { # TEXT SSN - in nothing that leaves
    check "$1" sh -c "! grep -aq '$2' '$CACHE/audit.jsonl' && ! '$LMSFS_BIN' rejected '$MNT' --json | grep -q '$2' &&
        ! cat '$MNT'/.lmsfs/rejected/*/* 2>/dev/null | grep -q '$2' &&
        '$LMSFS_BIN' log -n all '$MNT' >'$T/logged' && ! grep -q '$2' '$T/logged' && ! grep -aq '$2' '$T/mount.log'"
}

# ---- reading ----

# The SSN- name is asked for before anything is listed.
six=$(ssn_of 6)
requests_clear
eq "A3: users/SSN-….json resolves to the record's name" "ID-6.json" "$(t readlink "$users/SSN-$six.json")"
eq "… by one GET of user/ssn/:ssn" "GET $api/user/ssn/$six 200" "$(requests_list)"
eq "… and what is known of that person is no more than that" "ssn" "$(t jq -r 'del(._readonly) | keys[]' "$users/ID-6.json")"
requests_clear
eq "trap: an edit whose base isn't known reads the list first" OK "$(errno_of save "$users/ID-6.json" <<<'{"first_name": "Sixth"}')"
eq "… and then sends the whole record" 1 "$(requests '.method == "PUT" and .path == "'$api'/user/update"')"
eq "… so that nothing is emptied" "full_time" "$(of_lms 6 .fields.employment_status)"
eq "nobody by that ssn is ENOENT" ENOENT "$(errno_of read "$bin/SSN-9999999999.json")"
requests_clear
eq "… and asked for once" ENOENT "$(errno_of read "$bin/SSN-9999999999.json")"
eq "… not again" 0 "$(requests)"

eq "A11: ls lists everybody" 120 "$(t ls "$users" | wc -l)"
like "… and says since when" '^complete ' "$(xattr_of listing "$users")"
requests_clear
check "A11: a refresh" "$LMSFS_BIN" refresh "$users"
eq "… reads page by page until one comes back short, and a second pass confirms the first" 4 "$(requests '.path | startswith("'$api'/user?page=")')"
check "the ssn is in no name that is listed" sh -c "! ls '$users' | grep -q SSN"
eq "the ssn stands at the top of the document" "$(ssn_of 7)" "$(t jq -r .ssn "$users/ID-7.json")"
eq "… and not in fields" null "$(t jq -r .fields.ssn "$users/ID-7.json")"
requests_clear
eq "SSN- names of those who are listed cost no request" "ID-7.json" "$(t readlink "$users/SSN-$(ssn_of 7).json")"
eq "… nor do those of nobody" ENOENT "$(errno_of read "$users/SSN-0000000001.json")"
check "… nor does reading" sh -c "cat '$users'/*.json >/dev/null"
eq "… none at all" 0 "$(requests)"

# ---- saving ----

file=$users/ID-8.json ssn=$(ssn_of 8)
before=$(of_lms 8 '.fields | del(.city)' | jq -S .)
requests_clear
check "A4: a changed field" edit "$file" '.fields.city = "Akureyri"'
eq "… is one PUT" "PUT $api/user/update 200" "$(requests_list "$changes")"
body=$(requests_bodies '.method == "PUT"')
eq "trap: the PUT empties what isn't sent, so the whole record goes" 'email,fields,first_name,last_name,locale,name,ssn,username' \
    "$(jq -r 'keys | join(",")' <<<"$body")"
eq "… with every documented member of fields" 13 "$(jq '.fields | length' <<<"$body")"
eq "trap: the ssn stands at the top on an update" "$ssn null" "$(jq -r '"\(.ssn) \(.fields.ssn)"' <<<"$body")"
eq "… and the LMS has the new city" Akureyri "$(of_lms 8 .fields.city)"
eq "… and all the rest as before" "$before" "$(of_lms 8 '.fields | del(.city)' | jq -S .)"
requests_clear
t cp "$file" "$T/same"
check "saving it unchanged" cp "$T/same" "$file"
eq "… sends nothing" 0 "$(requests)"
check "A4: a field cleared" edit "$file" '.fields.city = null'
eq "… is empty on the LMS" "" "$(of_lms 8 .fields.city)"
shown=$(t cat "$file")
check "what the save leaves" "$LMSFS_BIN" refresh "$users"
eq "… is what the list says" "$shown" "$(t cat "$file")"
eq "a partial document keeps the rest" OK "$(errno_of save "$file" <<<'{"fields": {"phone": "555-0199"}}')"
eq "… all of it" "555-0199 $(jq -r .job_title <<<"$before")" "$(of_lms 8 '"\(.fields.phone) \(.fields.job_title)"')"
requests_clear
eq "the ssn can't change" EINVAL "$(t jq '.ssn = "1"' "$file" >"$T/x"; errno_of save "$file" <"$T/x")"
eq "what a user needs can't be emptied" EINVAL "$(t jq '.fields.department = ""' "$file" >"$T/x"; errno_of save "$file" <"$T/x")"
eq "an e-mail address that somebody else has is EEXIST" EEXIST "$(t jq --arg e "$(of_lms 9 .email)" '.email = $e' "$file" >"$T/x"; errno_of save "$file" <"$T/x")"
eq "… all before the wire" 0 "$(requests "$changes")"
no_ssn "… and the ssn stands in no reason, rejected document or log" "$ssn"

requests_clear
check "A6: a changed role" edit "$file" '.role = "group_leader"'
eq "… is a PUT of its own" "PUT $api/user/update/role 200" "$(requests_list "$changes")"
eq "… with the role and the ssn" "{\"role\":\"group_leader\",\"ssn\":\"$ssn\"}" "$(requests_bodies '.method == "PUT"')"
eq "… and the LMS has it" group_leader "$(of_lms 8 .role)"
requests_clear
check "A4, A6: record and role in one save" edit "$file" '.role = "admin" | .last_name = "Eightson"'
eq "… are two PUTs in order" "PUT $api/user/update 200,PUT $api/user/update/role 200" "$(requests_list "$changes" | paste -sd,)"

fault '{"path": "PUT */update/role", "status": 400, "body": {"code": "role_locked", "message": "The role is locked", "data": {"status": 400}}}'
eq "a refused role after an accepted record is one verdict" EINVAL "$(t jq '.role = "user" | .last_name = "Nineson"' "$file" >"$T/x"; errno_of save "$file" <"$T/x")"
like "… that says which part is through, in AVIA's words" 'the record went through, role not: .*The role is locked' "$(t "$LMSFS_BIN" why "$file")"
eq "… the file shows what the LMS has: the record …" Nineson "$(t jq -r .last_name "$file")"
eq "… and not the role" admin "$(t jq -r .role "$file")"
faults_clear
requests_clear
eq "saving it again" OK "$(errno_of save "$file" <"$T/x")"
eq "… sends only the rest" "PUT $api/user/update/role 200" "$(requests_list "$changes")"
eq "… and the LMS has both" "Nineson user" "$(of_lms 8 '"\(.last_name) \(.role)"')"

# ---- creating ----

jq -n '{ssn: "3112990000", email: "joiner@example.org", username: "joiner", first_name: "New", last_name: "Joiner", name: "New Joiner",
    role: "subscriber", user_pass: "Leyndarmal-1", fields: {department: "Sales", job_title: "Driver", id: "9001", detail_id: "90011",
    employment_status: "6", employment_status_name: "Í starfi"}}' >"$T/new.json"
requests_clear
check "A1: saving new.json creates" cp "$T/new.json" "$users/new.json"
eq "… with one POST" "POST $api/user 201" "$(requests_list "$changes")"
eq "trap: the ssn goes inside fields on a create" "3112990000 null" "$(requests_bodies '.method == "POST"' | jq -r '"\(.fields.ssn) \(.ssn)"')"
link=$(t readlink "$users/new.json")
like "… new.json is a link to the name that the LMS's id gives" '^ID-[0-9]+\.json$' "$link"
new=${link//[!0-9]/}
eq "… the LMS has the person" "joiner@example.org true" "$(of_lms "$new" '"\(.email) \(.password_set)"')"
eq "… the password is never shown" null "$(t jq -r .user_pass "$users/$link")"
check "… nor kept" sh -c "! grep -raq Leyndarmal-1 '$CACHE' '$T/mount.log'"
eq "… its SSN- name leads there" "$link" "$(t readlink "$users/SSN-3112990000.json")"
requests_clear
check "saving new.json again updates" edit "$users/new.json" '.fields.city = "Selfoss"'
eq "… with the whole record" "PUT $api/user/update 200" "$(requests_list "$changes")"
eq "… and creates nobody twice" "Selfoss Driver" "$(of_lms "$new" '"\(.fields.city) \(.fields.job_title)"')"
requests_clear
jq '.email = "second@example.org" | .username = "second" | .fields.department = ""' "$T/new.json" >"$T/x"
eq "a new user without a required field is refused" EINVAL "$(errno_of save "$users/new-x.json" <"$T/x")"
eq "… before the wire" 0 "$(requests)"
jq '.email = "second@example.org" | .username = "second" | .ssn = "'"$six"'"' "$T/new.json" >"$T/x"
eq "an ssn that the LMS has is refused in its words" EINVAL "$(errno_of save "$users/new-y.json" <"$T/x")"
like "… which why shows" 'SSN is already used' "$(t "$LMSFS_BIN" why "$users/new-y.json")"

fault "{\"path\": \"POST $api/user\", \"drop_after_effect\": true}"
jq '.email = "third@example.org" | .username = "third" | .ssn = "0101013333" | .fields += {manager_name: "", manager_ids: [""], work_email: "",
    phone: "", address: "", postal_code: "", city: ""} | .locale = "is_IS" | del(.role, .user_pass)' "$T/new.json" >"$T/x"
requests_clear
eq "a create whose answer is lost is looked up by ssn" OK "$(errno_of save "$users/new-z.json" <"$T/x")"
eq "… and never sent twice" 1 "$(requests '.method == "POST"')"
eq "… there is one such person" 1 "$(state avia/users | jq '[.users[] | select(.ssn == "0101013333")] | length')"
faults_clear

# ---- leaving and coming back ----

suspends='.path | contains("/suspend/")'
requests_clear
check "A2: rm suspends" rm "$users/ID-10.json"
check "… after the grace" "$LMSFS_BIN" wait "$users/ID-10.json"
eq "trap: … by exactly one GET" "GET $api/suspend/$(ssn_of 10)?action=suspend 201" "$(requests_list "$suspends")"
eq "… the LMS has it" true "$(of_lms 10 .suspended)"
check "… and the file stands in the bin" test -e "$bin/ID-10.json"
requests_clear
check "A2: mv back unsuspends" mv "$bin/ID-10.json" "$users/"
eq "trap: … by exactly one GET" "GET $api/suspend/$(ssn_of 10)?action=unsuspend 201" "$(requests_list "$suspends")"
eq "… the LMS has it" false "$(of_lms 10 .suspended)"
requests_clear
check "A2: mv into the bin suspends at once" mv "$users/ID-11.json" "$bin/"
eq "… the LMS has it" true "$(of_lms 11 .suspended)"
check "… the list says so too" "$LMSFS_BIN" refresh "$users"
check "… and leaves it there" test -e "$bin/ID-11.json"
eq "trap: nothing that reads suspends anybody" 1 "$(requests "$suspends")"

fault '{"path": "GET */suspend/*", "drop_after_effect": true}'
requests_clear
eq "trap: a suspension whose answer is lost is looked up, and was done" OK "$(errno_of rename "$users/ID-12.json" "$bin/ID-12.json")"
eq "… never sent twice" 1 "$(requests "$suspends")"
eq "… the LMS has it" true "$(of_lms 12 .suspended)"
faults_clear
fault '{"path": "GET */suspend/*", "drop": true}'
requests_clear
like "trap: one that was lost on its way is refused" '^(EIO|ETIMEDOUT|EHOSTUNREACH)$' "$(errno_of rename "$users/ID-13.json" "$bin/ID-13.json")"
eq "… and not sent again" 1 "$(requests "$suspends")"
check "… the file is still there" test -e "$users/ID-13.json"
faults_clear
fault '{"path": "GET */suspend/*", "status": 503}'
requests_clear
eq "trap: a 503 isn't tried again" EIO "$(errno_of rename "$users/ID-13.json" "$bin/ID-13.json")"
eq "… one GET" 1 "$(requests "$suspends")"
faults_clear
fault '{"path": "GET */suspend/*", "status": 201, "body": {"status": "unsuspended"}}'
eq "A2: the verdict is the body's status, not the 201" EIO "$(errno_of rename "$users/ID-13.json" "$bin/ID-13.json")"
like "… and why says what it said" 'answered that the person is "unsuspended"' "$(t "$LMSFS_BIN" why "$users/ID-13.json")"
faults_clear
fault '{"path": "GET */suspend/*", "status": 400, "body": {"code": "no", "message": "SSN '"$(ssn_of 13)"' can not be suspended", "data": {"status": 400}}}'
eq "a refusal" EINVAL "$(errno_of rename "$users/ID-13.json" "$bin/ID-13.json")"
like "… is shown in AVIA's words, the ssn masked" 'SSN \*\*\* can not be suspended' "$(t "$LMSFS_BIN" why "$users/ID-13.json")"
faults_clear
for id in 10 11 12 13; do
    no_ssn "trap: the ssn of ID-$id stands in no log, audit line or reason" "$(ssn_of $id)"
done
check "the audit has the requests all the same" grep -q 'suspend/\*\*\*?action=suspend' "$CACHE/audit.jsonl"

requests_clear
eleven=$(ssn_of 11)
check "A5: rm in the bin deletes for good, where allow_delete says so" rm "$bin/ID-11.json"
check "… after the grace" "$LMSFS_BIN" wait "$bin/ID-11.json"
eq "… by one DELETE" "DELETE $api/user/delete/$eleven 200" "$(requests_list "$changes")"
eq "… and the LMS has nobody by that ssn" 0 "$(state avia/users | jq --arg s "$eleven" '[.users[] | select(.ssn == $s)] | length')"
no_ssn "trap: the ssn stands in no log of it" "$eleven"

# ---- groups ----

requests_clear
eq "A7: ls groups/ lists them" 3 "$(t ls "$groups" | grep -c '^ID-')"
eq "… with one GET" "GET $api/groups 200" "$(requests_list)"
group=$(state avia/groups | jq -r '.groups[] | select(.title == "Fire safety") | .ID')
gfile=$groups/ID-$group.json
requests_clear
in_group() { state avia/groups | jq -c --argjson id "$group" '.groups[] | select(.ID == $id) | [.'"$1"'[].ssn]'; }
eq "A8: cat reads the members" "$(in_group users)" "$(t jq -c .group_users "$gfile")"
eq "… and the managers" "$(in_group managers)" "$(t jq -c .group_admins "$gfile")"
eq "… by one GET" "GET $api/groups/$group 200" "$(requests_list)"
requests_clear
seven=$(ssn_of 7)
check "A10: a member added" edit "$gfile" ".group_users += [\"$seven\"] | .group_admins += [\"$ssn\"] | ._options = {update_social_group: true}"
eq "… is one POST of those who are new" \
    "{\"group_admins\":[\"$ssn\"],\"group_id\":$group,\"group_users\":[\"$seven\"],\"update_social_group\":true}" "$(requests_bodies '.method == "POST"')"
eq "… and the LMS has the member" true "$(in_group users | jq --arg s "$seven" 'index($s) != null')"
eq "… and the manager" true "$(in_group managers | jq --arg s "$ssn" 'index($s) != null')"
eq "… all of them" "$(t jq -c '.group_users | sort' "$gfile")" "$(in_group users | jq -c sort)"
requests_clear
eq "A10: taking a member out is EPERM" EPERM "$(t jq 'del(.group_users[0])' "$gfile" >"$T/x"; errno_of save "$gfile" <"$T/x")"
eq "A10: a new title is EPERM" EPERM "$(t jq '.title = "Other"' "$gfile" >"$T/x"; errno_of save "$gfile" <"$T/x")"
eq "rm of a group is EPERM" EPERM "$(errno_of unlink "$gfile")"
eq "… all before the wire" 0 "$(requests "$changes")"
eq "somebody unknown to the LMS is refused" EINVAL "$(t jq '.group_users += ["5550001111"]' "$gfile" >"$T/x"; errno_of save "$gfile" <"$T/x")"
like "… in its words, the ssn masked" 'with the SSN \*\*\*' "$(t "$LMSFS_BIN" why "$gfile")"
no_ssn "… and nowhere else" 5550001111
requests_clear
jq -n --arg s "$six" --arg a "$ssn" '{title: "Social ones", group_users: [$s], group_admins: [$a],
    _options: {social_group_create: true, social_group_status: "private"}}' >"$T/group.json"
check "A9: saving groups/new.json creates a group" cp "$T/group.json" "$groups/new.json"
eq "… with one POST" "POST $api/groups 201" "$(requests_list "$changes")"
eq "… and its social group" "private" "$(state avia/groups | jq -r '.groups[] | select(.title == "Social ones") | .social_group.status')"
eq "… _options are sent and never shown" null "$(t jq -c ._options "$groups/new.json")"
eq "… the file shows its members" "[\"$six\"]" "$(t jq -c .group_users "$groups/new.json")"

# ---- lists that shift while they are read ----

check "the listing is complete before" ls "$users"
victim=$(state avia/users | jq -r '.users[1].ID')
fault "{\"path\": \"GET $api/user?page=1&*\", \"delay_ms\": $((1500 * SLOW))}"
requests_clear
"$LMSFS_BIN" refresh "$users" >"$T/refresh" 2>&1 &
refresh=$!
first_is_out() { [ "$(sandbox_curl faults | jq '.faults[0].hits')" = 1 ]; }
wait_until 10 first_is_out
people_change avia "{\"op\": \"delete\", \"id\": \"ID-$victim\"}" >/dev/null
wait $refresh
eq "a leaver while the first page is under way hides nobody: everybody who is there is listed" \
    "$(state avia/users | jq -r '.users[] | select(.suspended | not) | "ID-\(.ID).json"' | sort)" "$(t ls "$users" | grep '^ID-' | sort)"
within "… for the passes differed, and a third confirmed the second" 6 8 "$(requests '.path | startswith("'$api'/user?page=")')"
faults_clear

# A server that doesn't heed the page's number.
rows=$(seq 1 100 | jq -cn '[inputs | {ID: ., email: "p\(.)@example.org"}]')
fault "{\"path\": \"GET $api/user?page=*\", \"count\": 0, \"status\": 200, \"body\": $rows}"
check "pages that repeat themselves fail the listing" sh -c "! '$LMSFS_BIN' refresh '$users' >'$T/refresh' 2>&1"
like "… in one sentence that names the tenant and the list" 'avia/users.*repeat themselves' "$(cat "$T/refresh")"
faults_clear
check "… and nothing known is lost" test -e "$users/ID-8.json"

# ---- rows that say little ----

sandbox_post avia/shape '{"rows": "stateless", "envelope": "users"}' >/dev/null
check "rows that don't say who is suspended, under another envelope" "$LMSFS_BIN" refresh "$users"
check "… leave those who were suspended in the bin" test -e "$bin/ID-12.json"
sandbox_post avia/shape '{"rows": "brief", "envelope": "data"}' >/dev/null
check "rows that have no fields" "$LMSFS_BIN" refresh "$users"
requests_clear
eq "trap: an edit of what isn't known whole is refused" EINVAL "$(errno_of save "$users/ID-15.json" <<<'{"first_name": "Partial"}')"
eq "… before any PUT" 0 "$(requests "$changes")"
like "… and says what is missing" 'AVIA empties what an update doesn.t send, and username is not known' "$(t "$LMSFS_BIN" why "$users/ID-15.json")"
jq -n --arg e "$(of_lms 15 .email)" '{email: $e, username: $e, first_name: "Whole", last_name: "Record", name: "Whole Record", locale: "is_IS",
    fields: {department: "Sales", job_title: "Driver", id: "615", detail_id: "6151", manager_name: "", manager_ids: [""], work_email: "", phone: "",
    employment_status: "6", employment_status_name: "Í starfi", address: "", postal_code: "", city: "Vik"}}' >"$T/whole"
eq "A4: a document with every documented key needs no base" OK "$(errno_of save "$users/ID-15.json" <"$T/whole")"
eq "… and the LMS has it" "Whole Vik" "$(of_lms 15 '"\(.first_name) \(.fields.city)"')"
check "the daemon lives" "$LMSFS_BIN" status "$MNT"
done_testing
