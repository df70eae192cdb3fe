#!/usr/bin/env bash
# -o dry_run on the systems that are written to in their own ways: Thrive's events, Learning Pool and other collections that can only be
# written, AVIA's GET that suspends. What would be sent stands in audit.jsonl and on lmsfs pending, masked; nothing is on the wire, then or
# later, and the next mount shows what was there.
# timeout: 240
. tests/lib/lib.sh

sandbox_start --users 20 --synap-users 10 --thrive-users 20 --learningpool-users 3 --avia-users 10 --job-seconds 0.2
conf_thrive 'removal_grace = 1' 'trickle = no'
conf_learningpool 'removal_grace = 1'
conf_hownow 'removal_grace = 1' 'trickle = no'
conf_avia 'removal_grace = 1' 'trickle = no'
config_write hownow synap thrive learningpool avia
people_change hownow '{"op": "add", "id": "EXT-pat", "set": {"name": "Invented Pat", "email": "pat@skills.example", "user_type": "Admin"}}' >/dev/null
mount_start
pool=$MNT/learningpool/users thrive=$MNT/thrive/users avia=$MNT/avia/users skills=$MNT/hownow/user-skills log=$MNT/.lmsfs/audit.jsonl
changes='((.method != "GET") and (.path != "/token")) or (.path | contains("/suspend/"))'
pool_clean() { [ "$(xattr_of state "$pool/EXT-$1.json")" = clean ]; }
for i in 1 2; do
    printf '{"username": "dry.%s", "firstName": "Ada", "lastName": "Fenn", "email": "dry.%s@example.org"}' $i $i >"$pool/EXT-Z$i.json"
    check "Learning Pool: a person" wait_until 20 pool_clean "Z$i"
done
read -r skill <<<"$(t ls "$MNT/hownow/skills" | sed -n 's/^EXT-\(.*\)\.json$/\1/p' | head -1)"
email=$(state synap/users | jq -r '[.. | .email? // empty][0]')
ssn=$(state avia/users/ID-5 | jq -r .ssn)
tree() { t ls "$pool" "$MNT/learningpool/deactivated-users" "$thrive" "$MNT/thrive/deactivated-users" "$avia" "$MNT/avia/deactivated-users" "$skills"; }
texts() { t cat "$pool/EXT-Z1.json" "$pool/EXT-Z2.json" "$thrive/EXT-T000003.json" "$thrive/EXT-T000004.json" "$avia/ID-4.json"; }
in_lms() {
    state learningpool/users/Z1 && state learningpool/users/Z2 && state thrive/users && state thrive/users/EXT-T000003 &&
        state avia/users && state avia/users/ID-4 && state hownow/user-skills/EXT-pat && state "synap/study/$email"
}
texts >/dev/null
lms=$(in_lms)

remount -o dry_run
tree=$(tree) texts=$(texts)
requests_clear
# planned TEXT NAME WHAT JQ EXPECTED - the newest that pending has of that name, and that audit.jsonl has the same
planned() {
    local entry
    entry=$(t "$LMSFS_BIN" pending --json "$MNT" | jq -c --arg n "$2" --arg w "$3" '[.pending[] | select(.name == $n and .what == $w)][-1]')
    eq "$1: lmsfs pending has the request" "$5" "$(jq -c ".requests | $4" <<<"$entry")"
    eq "… as a dry run's" '"dry run"' "$(jq -c .phase <<<"$entry")"
    eq "… and audit.jsonl has the same" "$(jq -c '.requests[-1]' <<<"$entry")" \
        "$(t jq -c --arg n "$2" 'select((.path | endswith($n)) and .verdict == "dry run") | .request' "$log" | grep -F -- "$(jq -c '.requests[-1]' <<<"$entry")" | tail -n 1)"
}
saves() { # TEXT FILE DOCUMENT JQ EXPECTED - and what is shown of it
    eq "$1" OK "$(errno_of save "$2" <<<"$3")"
    eq "… is shown" "$5" "$(t jq -c "$4" "$2")"
}
leaves() { # TEXT FILE BIN
    check "$1" rm "$2"
    check "… its grace ends" "$LMSFS_BIN" wait "$2"
    check "… and the bin shows it" test -e "$3/$(basename "$2")"
}

# ---- Learning Pool ----
saves "Learning Pool: a save" "$pool/EXT-Z1.json" '{"firstName": "Dry"}' '[.firstName, .lastName]' '["Dry","Fenn"]'
planned "Learning Pool: a save" EXT-Z1.json save . '[{"method":"PATCH","path":"/users/Z1","body":{"firstName":"Dry"}}]'
saves "Learning Pool: a new person" "$pool/EXT-Z3.json" '{"username": "dry.3", "firstName": "Ida", "lastName": "Fenn", "email": "dry.3@example.org"}' .username '"dry.3"'
planned "Learning Pool: a new person" EXT-Z3.json save 'map([.method, .path, .body.userId])' '[["POST","/users","Z3"]]'
leaves "Learning Pool: rm" "$pool/EXT-Z2.json" "$MNT/learningpool/deactivated-users"
planned "Learning Pool: rm" EXT-Z2.json deactivate . '[{"method":"PATCH","path":"/users/Z2/status","body":{"status":"DELETED"}}]'

# ---- Thrive ----
saves "Thrive: a save" "$thrive/EXT-T000003.json" '{"firstName": "Dry"}' .firstName '"Dry"'
planned "Thrive: a save" EXT-T000003.json save 'map([.method, .path, .body.eventType, .body.content.user])' \
    '[["POST","/webhooks","user_updated",{"ref":"T000003","firstName":"Dry"}]]'
saves "Thrive: a new person" "$thrive/EXT-DRY1.json" '{"firstName": "Ida", "lastName": "Fenn", "email": "dry.4@example.org"}' .ref '"DRY1"'
planned "Thrive: a new person" EXT-DRY1.json save 'map([.path, .body.eventType, .body.content.user.ref])' '[["/webhooks","user_joined","DRY1"]]'
leaves "Thrive: rm" "$thrive/EXT-T000004.json" "$MNT/thrive/deactivated-users"
planned "Thrive: rm" EXT-T000004.json deactivate 'map([.path, .body.eventType, .body.content.user.ref])' '[["/webhooks","user_suspended","T000004"]]'

# ---- AVIA: the ssn is masked, in the body and in the path ----
saves "AVIA: a save" "$avia/ID-4.json" '{"first_name": "Dry"}' .first_name '"Dry"'
planned "AVIA: a save" ID-4.json save 'map([.method, .body.first_name, .body.ssn])' '[["PUT","Dry","***"]]'
leaves "AVIA: rm" "$avia/ID-5.json" "$MNT/avia/deactivated-users"
planned "AVIA: rm" ID-5.json deactivate . '[{"method":"GET","path":"/wp-json/avia/hr/v1/suspend/***?action=suspend"}]'
check "… the ssn is in no log" sh -c "! grep -aq '$ssn' '$CACHE/audit.jsonl' && ! '$LMSFS_BIN' pending --json '$MNT' | grep -q '$ssn'"

# ---- collections that can only be written ----
saves "HowNow user-skills: a review" "$skills/EXT-pat.json" "{\"skills\": [{\"skill_id\": \"EXT-$skill\", \"proficiency_level\": 3}]}" '.skills | length' 1
planned "HowNow user-skills: a review" EXT-pat.json save . \
    "[{\"method\":\"POST\",\"path\":\"/external/v1/users/EXT-pat/skills\",\"body\":{\"skills\":[{\"skill_id\":\"EXT-$skill\",\"proficiency_level\":3}]}}]"
saves "Synap study-items: a test" "$MNT/synap/study-items/$email/test_1.json" '{"subPortalId": "portal1"}' .subPortalId '"portal1"'
planned "Synap study-items: a test" test_1.json save 'map([.method, .path, .body.testId])' '[["POST","/study-item/add","test_1"]]'

eq "nothing of all that was on the wire" "" "$(requests_list "$changes")"
eq "the LMSes are as they were" "$lms" "$(in_lms)"
daemon_crash
requests_clear
mount_start
eq "the next mount lists who is there" "$tree" "$(tree)"
eq "… as they are" "$texts" "$(texts)"
eq "… nothing is pending" 0 "$(t "$LMSFS_BIN" pending --json "$MNT" | jq '.pending | length')"
eq "… and nothing is sent" "" "$(requests_list "$changes")"
saves "a save that is meant" "$pool/EXT-Z1.json" '{"firstName": "Meant"}' .firstName '"Meant"'
eq "… is sent" "PATCH /api/users/Z1" "$(requests_list "$changes" | cut -d ' ' -f 1,2)"
check "the daemon ends well" mount_stop
done_testing
