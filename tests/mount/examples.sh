#!/usr/bin/env bash
# The sandbox is what the vendors document: every request of theirs, sent as they show it, has the documented status and a reply with the documented
# members, and so has every refusal they show. tests/data/examples.jsonl has them, with the members' types and no values. Nothing is mounted here.
. tests/lib/lib.sh

T_LIMIT=60
sandbox_start --users 60 --synap-users 10 --thrive-users 10 --avia-users 10 --learningpool-users 5 --job-seconds 0.2
token=$(hownow_token)
api() { curl -s -H "Authorization: Bearer $token" "$URL/external/v1/$1"; }
api 'users?per_page=100' >"$T/users"
api 'contents/search?per_page=100' >"$T/contents"
api 'skills?per_page=2' >"$T/skills"
person() { jq "[.data[] | select(.user_type == \"$1\" and .external_user_id)][0]" "$T/users"; }
content() { jq -r "[.data[] | select(.content_type == \"$1\")][0].hownow_id" "$T/contents"; }
of_source() { api "contents/search?per_page=1&source=$1" | jq -r '.data[0].hownow_id'; }
jq -n --arg token "$token" --arg course "$(content course)" --arg pathway "$(content pathway)" --arg scorm "$(content scorm)" \
    --arg webinar "$(content webinar)" --arg nugget "$(content nugget)" --arg third_party "$(of_source udemy_course)" \
    --arg feed "$(of_source feed_articles)" --arg plus "$(of_source hownow_plus)" \
    --argjson lesson "$(api "contents/$(content course)/details" | jq '.data.sections[0].lessons[0].id')" \
    --argjson skill "$(jq '.data[0].id' "$T/skills")" --argjson skill2 "$(jq '.data[1].id' "$T/skills")" \
    --argjson readonly "$(person ReadOnly)" --argjson contributor "$(person Contributor)" --argjson manager "$(person Manager)" \
    --arg ssn "$(state avia/users | jq -r '.users[2].ssn')" '
    {$token, $course, $pathway, $scorm, $webinar, $nugget, $third_party, $feed, $plus, $lesson, $skill, $skill2, $ssn,
     readonly: "ID-\($readonly.id)", readonly_ext: "EXT-\($readonly.external_user_id)",
     contributor_ext: "EXT-\($contributor.external_user_id)", manager: "ID-\($manager.id)",
     org_id: "sandbox-org", org_secret: "sandbox-org-secret", api_key: "sandbox-key", attr: "customAttribute", group: "wB6TestXDN",
     test: "test_1", fileattr: "certificate", assignment: "asg_3", attempt: "att_2", learningpool_key: "sandbox-pool-key",
     learningpool_tenant: "73c9ac34-0000-4c17-b60f-8ec0b134a72b", thrive_tenant: "sandbox-tenant",
     thrive_secret: "sandbox-thrive-secret", avia_token: "sandbox-avia-token"}' >"$T/names.json"
check "the examples are sent" sh -c "python3 tests/lib/examples.py '$URL' tests/data/examples.jsonl '$T/names.json' >'$T/verdicts'"
while IFS= read -r line; do
    case $line in
    'ok '*) ok "${line#ok }" ;;
    'not ok '*) not_ok "${line#not ok }" ;;
    *) printf '%s\n' "$line" ;;
    esac
done <"$T/verdicts"
eq "every one of them" "$(wc -l <tests/data/examples.jsonl)" "$(grep -cE '^(not )?ok ' "$T/verdicts")"
for vendor in hownow synap learningpool avia thrive; do
    within "… of $vendor" 4 200 "$(grep -c "^ok $vendor: " "$T/verdicts")"
done
done_testing
