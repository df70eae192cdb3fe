#!/usr/bin/env bash
# Synap: what it only takes, tests in a study and invitations, and what it tells only by its id.
. tests/lib/lib.sh

sandbox_start --users 5 --synap-users 20
conf_synap 'removal_grace = 1'
config_write synap
mount_start
synap=$MNT/synap
email=$(sandbox_curl state/synap/users | jq -r '[.. | .email? // empty][0]')
[ -n "$email" ] && [ "$email" != null ] || bail "somebody has an address" "$(sandbox_curl state/synap/users | head -c 400)"
study() { state "synap/study/$email" | jq -Sc ".$1"; }
writes='.method != "GET"'

# ---- S5, S6 ----
items=$synap/study-items
eq "no address is listed before it holds something" "" "$(t ls "$items")"
requests_clear
eq "any address has a directory" "" "$(t ls "$items/$email")"
eq "… and is known-only" known-only "$(xattr_of listing "$items/$email")"
check "mkdir -p of it is content" mkdir -p "$items/$email"
eq "… with nothing sent" 0 "$(requests true)"
eq "S5 saving <testId>.json" OK "$(echo '{"subPortalId": "portal1"}' | errno_of save "$items/$email/test_1.json")"
eq "… adds the test" "{\"subPortalId\":\"portal1\",\"testId\":\"test_1\",\"userEmail\":\"$email\"}" "$(requests_bodies "$writes")"
eq "… as the LMS has it" '["test_1"]' "$(study 'study | keys')"
eq "… and shows it" '{"subPortalId":"portal1"}' "$(t jq -Sc 'del(._readonly)' "$items/$email/test_1.json")"
eq "… and the address is listed" "$email" "$(t ls "$items")"
requests_clear
eq "an unknown test is refused" ENOENT "$(echo '{}' | errno_of save "$items/$email/nothing.json")"
like "… in the LMS's words" 'Object not found' "$(t "$LMSFS_BIN" why "$items/$email/nothing.json")"
requests_clear
eq "a directory that is no address is refused" EINVAL "$(echo '{}' | errno_of save "$items/nobody/test_1.json")"
eq "another person in the document too" EINVAL "$(echo '{"userEmail": "x@example.org"}' | errno_of save "$items/$email/test_2.json")"
eq "… with nothing sent" 0 "$(requests true)"
check "S6 rm" rm "$items/$email/test_1.json"
gone() { [ "$(study 'study | keys')" = '[]' ]; }
check "… takes the test out, with no allow_delete" wait_until 20 gone
eq "… from the same portal" "{\"subPortalId\":\"portal1\",\"testId\":\"test_1\",\"userEmail\":\"$email\"}" "$(requests_bodies '.path == "/study-item/remove"')"
not_there() { ! t test -e "$items/$email/test_1.json"; }
check "… and the file is gone" wait_until 20 not_there
requests_clear
eq "saving it again" OK "$(echo '{"subPortalId": "portal1"}' | errno_of save "$items/$email/test_1.json")"
eq "… brings it back" '["test_1"]' "$(study 'study | keys')"
eq "… by one request" 1 "$(requests "$writes")"

# ---- S11 ----
invitations=$synap/invitations
requests_clear
eq "S11 saving <userGroupId>.json" OK "$(echo '{"name": "Ines Invented", "personalMessage": "Welcome"}' | errno_of save "$invitations/ines@example.org/uGStu00002.json")"
eq "… invites" '{"name":"Ines Invented","personalMessage":"Welcome","userEmail":"ines@example.org","userGroupId":"uGStu00002"}' "$(requests_bodies "$writes")"
eq "… once" 1 "$(study 'invitations | length')"
eq "an invitation can't be changed" EPERM "$(echo '{"name": "x"}' | errno_of save "$invitations/ines@example.org/uGStu00002.json")"
eq "… and nobody is invited twice" 1 "$(study 'invitations | length')"
eq "… nor taken back" EPERM "$(errno_of unlink "$invitations/ines@example.org/uGStu00002.json")"
eq "a group that isn't is refused" ENOENT "$(echo '{"name": "x"}' | errno_of save "$invitations/ines@example.org/none.json")"

# ---- S2, S3 ----
requests_clear
eq "S2 an assignment by its id" '"asg_3"' "$(t jq .objectId "$synap/assignments/asg_3.json")"
eq "… is one GET" "GET /assignment/asg_3 200" "$(requests_list true)"
eq "… and listed from then on" asg_3.json "$(t ls "$synap/assignments")"
eq "S3 an attempt by its id" 4 "$(t jq .totalQuestions "$synap/attempts/att_2.json")"
eq "… with no signature of its certificate" '"https://files.example.com/att_2"' "$(t jq .certificate.url "$synap/attempts/att_2.json")"
check "one that isn't there" not test -e "$synap/attempts/att_99.json"
eq "neither can be written" EPERM "$(echo '{}' | errno_of save "$synap/attempts/att_2.json")"

# ---- the ledger is what remembers ----
mount_stop || bail "unmounting"
rm -rf "$CACHE/cache"
mount_start
eq "a cache that was begun anew has the addresses" "$email" "$(t ls "$items")"
eq "… and what is in them" test_1.json "$(t ls "$items/$email")"
eq "… and the invitations" uGStu00002.json "$(t ls "$invitations/ines@example.org")"
check "it unmounts" mount_stop
done_testing
