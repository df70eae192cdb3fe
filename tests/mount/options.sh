#!/usr/bin/env bash
# What a save's _options are where the document doesn't say: keys of the tenant's section, by the vendor's names.
# timeout: 120
. tests/lib/lib.sh

sandbox_start --users 30
conf synap 'setDefaultPassword = yes' 'disableWelcomeEmail = yes' 'subPortalId = portal-7' 'removal_grace = 0'
conf avia 'social_group_create = yes' 'social_group_status = private' 'update_social_group = no' 'record_ttl = 3600'
config_write synap avia
mount_start
people=$MNT/synap/users groups=$MNT/avia/groups
changes='.method != "GET"'

# ---- Synap: a new user ----
created() { requests_bodies '(.method == "POST") and (.path == "/users")' | jq -c "$1"; }
requests_clear
printf '{"email": "first@example.org", "name": "First"}' >"$T/first.json"
check "a new user without _options" cp "$T/first.json" "$people/new.json"
eq "S7: is created with the tenant's" '[{"disableWelcomeEmail":true,"setDefaultPassword":true},"portal-7"]' \
    "$(created '[.actions, .user.subPortalId]')"
person=$(t readlink "$people/new.json")
like "… and the password that the LMS made is told" '^[A-Za-z0-9]{8,}' "$(t cat "$people/${person%.json}.password")"
requests_clear
printf '{"email": "second@example.org", "name": "Second", "password": "Passw0rd-long", "_options": {"actions": {"disableWelcomeEmail": false}, "subPortalId": "portal-8"}}' \
    >"$T/second.json"
check "one whose _options say otherwise" cp "$T/second.json" "$people/new-2.json"
eq "… gets those, and no password made beside its own" '[{"disableWelcomeEmail":false},"portal-8"]' \
    "$(created '[.actions, .user.subPortalId]')"
requests_clear
check "a change of one who is there" sed -i 's/"name": "First"/"name": "Renamed"/' "$people/$person"
eq "… carries the change, and none of those of a create" '{"name":"Renamed"}' "$(requests_bodies '.method == "PATCH"')"
requests_clear
check "saving it as it is" cp "$people/$person" "$T/same.json"
check "… and back" cp "$T/same.json" "$people/$person"
eq "… sends nothing: options alone are no change" 0 "$(requests "$changes")"

# ---- AVIA: groups ----
ssn=$(state avia/users | jq -r '[.users[] | select(.ssn) | .ssn][3]')
requests_clear
jq -n --arg s "$ssn" '{title: "By the tenant", group_users: [$s], group_admins: []}' >"$T/group.json"
check "a new group without _options" cp "$T/group.json" "$groups/new.json"
eq "A9: is created with the tenant's" '[true,"private"]' \
    "$(requests_bodies '.method == "POST"' | jq -c '[.social_group_create, .social_group_status]')"
eq "… and has its social group" private \
    "$(state avia/groups | jq -r '.groups[] | select(.title == "By the tenant") | .social_group.status')"
requests_clear
jq -n --arg s "$ssn" '{title: "By itself", group_users: [$s], group_admins: [], _options: {social_group_create: false, social_group_status: null}}' >"$T/group.json"
check "one whose _options say otherwise" cp "$T/group.json" "$groups/new-2.json"
eq "… gets those; null is none" '[false,false]' \
    "$(requests_bodies '.method == "POST"' | jq -c '[.social_group_create, has("social_group_status")]')"
other=$(state avia/users | jq -r '[.users[] | select(.ssn) | .ssn][5]')
group=$groups/$(t readlink "$groups/new.json")
requests_clear
t jq --arg s "$other" '.group_users += [$s]' "$group" >"$T/more.json"
check "a member added" cp "$T/more.json" "$group"
eq "A10: … with the tenant's own" false "$(requests_bodies '.method == "POST"' | jq -c .update_social_group)"

# ---- what is wrong is said ----
sed 's/^disableWelcomeEmail.*/disableWelcomeEmail = perhaps/' "$CONF" >"$T/wrong.conf"
chmod 600 "$T/wrong.conf"
like "a value that it can't have" 'wrong.conf:[0-9]+: \[synap\] disableWelcomeEmail: must be yes or no' "$("$LMSFS_BIN" check "$T/wrong.conf" 2>&1)"
sed 's/^\(social_group_status\).*/\1 = not one word/' "$CONF" >"$T/wrong.conf"
like "words where one is asked for" 'wrong.conf:[0-9]+: \[avia\] social_group_status: must be' "$("$LMSFS_BIN" check "$T/wrong.conf" 2>&1)"
sed 's/^social_group_create.*/setDefaultPassword = yes/' "$CONF" >"$T/wrong.conf"
like "another vendor's" '\[avia\] setDefaultPassword: unknown key for provider avia' "$("$LMSFS_BIN" check "$T/wrong.conf" 2>&1)"
done_testing
