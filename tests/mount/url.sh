#!/usr/bin/env bash
# What lives for a moment: signed URLs, printed fresh and kept nowhere, and generated passwords, readable once.
. tests/lib/lib.sh

sandbox_start --users 40 --synap-users 30
conf_hownow 'trickle = no'
conf_synap 'trickle = no' 'crawl_limit = 100'
config_write
mount_start
url() { t "$LMSFS_BIN" url "$@" 2>&1; }

# ---- H18 a lesson's files ----
unread=$(curl -s -H "Authorization: Bearer $(hownow_token)" \
    "$URL/external/v1/contents/search?per_page=100" | jq -r '[.data[] | select(.content_type == "course")][0].id * 8')
like "H18 a lesson that nobody has read has URLs too" 'X-Amz-Signature=' "$(url "$MNT/hownow/lessons/$unread.json")"
contents=$MNT/hownow/contents
contents=$contents/$(t ls "$contents" | grep -xE '(ID-)?course')
lesson=''
for file in $(t ls "$contents" | head -n 40); do
    lesson=$(t jq -r '[.sections[]?.lessons[]?.id] | map(select(. % 8 == 0)) | .[0] // empty' "$contents/$file")
    [ -n "$lesson" ] && [ "$(t jq '[.contents[] | select(.file_url)] | length' "$MNT/hownow/lessons/$lesson.json")" = 1 ] && break
done
like "there is a lesson with a file" '^[0-9]+$' "$lesson"
document=$MNT/hownow/lessons/$lesson.json
eq "its document has the URL without the query" 0 "$(t grep -c 'X-Amz' "$document")"
requests_clear
first=$(url "$document")
like "H18 lmsfs url prints a signed URL" '^https://files\.example\.org/lessons/[0-9]+/original\.bin\?X-Amz-.*X-Amz-Signature=[0-9a-f]+$' "$first"
eq "… the document's own" "$(t jq -r '.contents[0].file_url' "$document")" "${first%%\?*}"
eq "… asked for now" "GET /external/v1/lesson/$lesson/details 200" "$(requests_list '.path | contains("/lesson/")')"
second=$(url "$document")
eq "asking again asks the LMS again" 2 "$(requests '.path | contains("/lesson/")')"
eq "… for another signature" different "$([ "$first" = "$second" ] && echo same || echo different)"
eq "programs get it as JSON" "${first%%\?*}" "$(url --json "$document" | jq -r '.urls[0].url | split("?")[0]')"
eq "the document hasn't changed" 0 "$(t grep -c 'X-Amz' "$document")"
like "a record without one says so" 'has no signed URL' "$(url "$MNT/hownow/groups/ID-11001.json")"
fault "{\"path\": \"GET /external/v1/lesson/$lesson/details\", \"status\": 401, \"count\": 10}"
eq "a refusal is a failure" 1 "$(url "$document" >/dev/null; echo $?)"
faults_clear
like "a lesson that there isn't says so" 'ENOENT|[Nn]ot [Ff]ound' "$(url "$MNT/hownow/lessons/999999.json")"

# ---- certificates of learning records, which the API only lists ----
people=$MNT/synap/users records=$MNT/synap/learning-records
for id in $(state synap/users | jq -r '.. | .objectId? // empty'); do
    t stat "$people/ID-$id.json" >/dev/null
    for name in $(t ls "$records/ID-$id"); do
        t jq -e '.attr.certificate' "$records/ID-$id/$name" >/dev/null && break 2
    done
done
certificate=$records/ID-$id/$name
requests_clear
signed=$(url "$certificate")
like "a certificate's URL is signed" '^http.*certificate.*[?&]Signature=' "$signed"
eq "… and is the record's own" "$(t jq -r .attr.certificate.url "$certificate")" "${signed%%\?*}"
eq "… for one page of the list" 1 "$(requests '.path | startswith("/learning-records?userId=")')"
eq "the document has it without" 0 "$(t grep -c Signature "$certificate")"

# ---- a generated password ----
printf '{"email": "pass@example.org", "name": "Pass Word", "_options": {"actions": {"setDefaultPassword": true}}}' >"$T/new.json"
check "S7 a person is created with a generated password" cp "$T/new.json" "$people/new.json"
person=$(t readlink "$people/new.json")
eq "no listing shows it" "" "$(t ls -A "$people" | grep password)"
secret=$people/${person%.json}.password
eq "the file is there by name" "regular file 400" "$(t stat -c '%F %a' "$secret")"
eq "… and can't be written" EPERM "$(echo x | errno_of write "$secret")"
size=$(t stat -c %s "$secret")
password=$(t cat "$secret")
like "it can be read" '^[A-Za-z0-9]{8,}' "$password"
eq "… as long as stat said" "$size" $((${#password} + 1))
eq "… once" ENOENT "$(errno_of read "$secret")"
eq "… and is gone by name" ENOENT "$(errno_of stat "$secret")"
printf '{"email": "group@example.org", "name": "Refused Later", "userGroups": [{"objectId": "wB6TestXDN"}, {"objectId": "nosuchgroup"}], "_options": {"actions": {"setDefaultPassword": true}}}' >"$T/new2.json"
fault '{"path": "POST /usergroup/add", "status": 404, "count": 3}'
eq "a create whose later step is refused" ENOENT "$(errno_of save "$people/new-two.json" <"$T/new2.json")"
faults_clear
half=$(t readlink "$people/new-two.json")
like "… has its password told all the same" '^[A-Za-z0-9]{8,}' "$(t cat "$people/${half%.json}.password")"
printf '{"email": "gone@example.org", "name": "Never Read", "_options": {"actions": {"setDefaultPassword": true}}}' >"$T/new3.json"
check "one that nobody reads" cp "$T/new3.json" "$people/new-three.json"
third=$(t readlink "$people/new-three.json")
eq "… waits" OK "$(errno_of stat "$people/${third%.json}.password")"
check "unmounting with it in memory" mount_stop
mount_start
eq "… and is gone with the daemon" ENOENT "$(errno_of stat "$people/${third%.json}.password")"

# ---- nothing of it is kept ----
check "no signature in the cache, the ledger or a log" sh -c "! grep -raqE 'X-Amz-Signature|Signature=' '$CACHE'"
check "no password either" sh -c "! grep -raqF '$password' '$CACHE'"
done_testing
