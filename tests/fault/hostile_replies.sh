#!/usr/bin/env bash
# Replies that are nobody's: HTML from a proxy, an empty 500, invalid UTF-8, a number where a string should be, deep nesting, an id twice, a
# page that repeats. Each is an error that names the tenant and the endpoint; a listing fails rather than lies; what was known stays.
# timeout: 240
. tests/lib/lib.sh

sandbox_start --users 350 --synap-users 30
conf_hownow 'trickle = no' 'crawl_limit = 1000' 'op_timeout = 3' 'list_timeout = 20' 'record_ttl = 0' 'list_ttl = 100000'
conf_synap 'trickle = no' 'crawl_limit = 1000' 'op_timeout = 3' 'list_timeout = 20' 'record_ttl = 0' 'list_ttl = 100000'
config_write
mount_start
hownow=$MNT/hownow synap=$MNT/synap
why() { t "$LMSFS_BIN" why "$@" 2>&1; }
refresh() { t 60 "$LMSFS_BIN" refresh "$1" 2>&1; }

# ---- what comes: a file with a fault's reply in it, to be ordered for a path ----
mkdir "$T/replies"
jq -n '{status: 200, content_type: "text/html", body: "<!DOCTYPE html><html><body><h1>Sign in to the proxy</h1></body></html>"}' >"$T/replies/html-200"
jq -n '{status: 403, content_type: "text/html", body: "<html><body>Blocked by policy</body></html>"}' >"$T/replies/html-403"
jq -n '{status: 500, body: ""}' >"$T/replies/empty-500"
jq -n '{status: 200, body: ""}' >"$T/replies/empty-200"
jq -n '{status: 200, body: "\"just text\""}' >"$T/replies/string"
jq -n '{status: 200, body: []}' >"$T/replies/array"
jq -n '{status: 200, body: ([range(2000)] | map("[") | join(""))}' >"$T/replies/deep"
jq -n '{status: 200, body: ("{\"data\":" + ([range(100)] | map("[") | join("")) + ([range(100)] | map("]") | join("")) + "}")}' >"$T/replies/deep-closed"
jq -n '{status: 200, body: {data: {id: "seven", name: 12}, user: {objectId: 12, email: 7}, learningRecords: [{learningRecord: {objectId: 7}}], meta: {total_count: "many", totalCount: "many"}}}' >"$T/replies/wrong-types"
# What JSON can't carry, the sandbox's own escape does: body_latin1 is sent byte by byte.
jq -n '{status: 200, body_latin1: "{\"data\": [{\"id\": 1, \"name\": \"\u00ff\u00fe\"}], \"user\": {\"objectId\": \"\u00ff\"}, \"learningRecords\": [\"\u00ff\"], \"meta\": {\"total_count\": 1, \"totalCount\": 1}}"}' >"$T/replies/not-utf8"

order() { # REPLY PATH [COUNT]
    jq -c --arg p "$2" --argjson n "${3:-99}" '. + {path: $p, count: $n}' "$T/replies/$1" >"$T/fault.json"
    sandbox_curl faults -X POST -H 'Content-Type: application/json' --data-binary @"$T/fault.json" >/dev/null
}
words_of() { # REPLY - what the sentence has to say of it
    case $1 in
    html-200) echo 'HTML|html' ;;
    html-403) echo '403' ;;
    empty-500) echo '500' ;;
    *) echo '.' ;;
    esac
}

# ---- the first listing: nothing is known yet, and nothing is shown ----
for reply in $(ls "$T/replies"); do
    order "$reply" 'GET /external/v1/job_roles*'
    like "HowNow's list answers $reply: ls is an error" '^(EPROTO|EIO|EACCES)$' "$(T_LIMIT=60 errno_of list "$hownow/job-roles")"
    said=$(refresh "$hownow/job-roles")
    like "… that names the tenant and the endpoint" 'hownow.*job-roles|hownow.*job_roles' "$said"
    like "… and what came" "$(words_of "$reply")" "$said"
    faults_clear
done
roles=$(t ls "$hownow/job-roles")
like "when it is over the listing is whole" '\.json' "$roles"

# ---- later: what was known stays ----
users=$(t ls "$hownow/users" | md5sum)
one=$hownow/users/$(t ls "$hownow/users" | head -n 1)
t cat "$one" >"$T/one"
for reply in $(ls "$T/replies"); do
    order "$reply" 'GET /external/v1/users[?]*'
    order "$reply" 'GET /external/v1/users/*'
    said=$(refresh "$hownow/users")
    like "a refresh that answers $reply fails" 'hownow.*users' "$said"
    eq "… and hides nobody" "$users" "$(t ls "$hownow/users" | md5sum)"
    eq "… a person's GET that answers it leaves what was known" "$(md5sum <"$T/one")" "$(t cat "$one" | md5sum)"
    faults_clear
done

# ---- a page that repeats, an id that comes twice ----
token=$(hownow_token)
curl -s -H "Authorization: Bearer $token" "$URL/external/v1/users?page=1&per_page=100" >"$T/page1.json"
jq '{status: 200, body: .}' "$T/page1.json" >"$T/replies/first-page"
order first-page 'GET /external/v1/users[?]*'
requests_clear
said=$(refresh "$hownow/users")
like "a list whose every page is the first one fails" 'hownow/users.*changed while it was read' "$said"
within "… after a bounded number of requests" 4 40 "$(requests '.path | startswith("/external/v1/users?")')"
eq "… and hides nobody" "$users" "$(t ls "$hownow/users" | md5sum)"
order first-page 'GET /external/v1/users[?]*q=repeats*'
requests_clear
eq "a search whose every page is the first one fails" EAGAIN "$(T_LIMIT=60 errno_of list "$hownow/search/users/repeats")"
within "… after a bounded number of requests" 4 40 "$(requests '.path | contains("q=repeats")')"
like "… and why names it" 'hownow/search/users/repeats' "$(why "$hownow/search/users/repeats")"
faults_clear
jq '.body.data[5] = .body.data[4] | .' "$T/replies/first-page" >"$T/replies/twice"
order twice 'GET /external/v1/users[?]*'
like "an id twice within a page" 'hownow/users page [0-9]+:.*twice' "$(refresh "$hownow/users")"
order twice 'GET /external/v1/users[?]*q=twice*'
eq "… in a search" EPROTO "$(errno_of list "$hownow/search/users/twice")"
faults_clear
rm "$T/replies/first-page" "$T/replies/twice"
eq "searches of hostile replies hide nobody" "$users" "$(t ls "$hownow/users" | md5sum)"

# ---- Synap: people who can only be asked for, records that can be listed ----
id=$(state synap/users | jq -r '[.. | .objectId? // empty][3]')
t cat "$synap/users/ID-$id.json" >"$T/synap.json"
records=$synap/learning-records/ID-$id
for reply in $(ls "$T/replies"); do
    order "$reply" 'GET /learning-records*'
    like "Synap's list answers $reply: ls is an error" '^(EPROTO|EIO|EACCES)$' "$(T_LIMIT=60 errno_of list "$records")"
    like "… that names the tenant and the endpoint" 'synap.*learning-records' "$(refresh "$records")"
    faults_clear
    order "$reply" 'GET /users*'
    eq "somebody known, whose GET answers $reply, is read as before" "$(md5sum <"$T/synap.json")" "$(t cat "$synap/users/ID-$id.json" | md5sum)"
    like "… and somebody unknown is an error, no file" '^(EPROTO|EIO|EACCES)$' "$(errno_of read "$synap/users/ID-unheard0$RANDOM.json")"
    faults_clear
done
check "when it is over the records are listed" ls "$records"

# ---- saves: an answer that isn't the API's is no acceptance ----
file=$synap/users/ID-$id.json
for reply in html-200 empty-500 string array deep not-utf8; do
    order "$reply" 'PUT /users/attributes'
    jq --arg v "$reply" '.attr.location = $v' "$file" >"$T/x"
    eq "a save that is answered with $reply fails" EIO "$(errno_of save "$file" <"$T/x")"
    faults_clear
    eq "… and is kept" "$reply" "$(t "$LMSFS_BIN" rejected --json "$MNT" | jq -r '.rejected[-1].n' | xargs -I{} cat "$MNT/.lmsfs/rejected/{}/document.json" | jq -r .attr.location)"
done
eq "the document shows what the LMS has" "$(state "synap/users/$id" | jq -Sc '(.attr // .user.attr)')" "$(t jq -Sc .attr "$file")"
check "the daemon lives" "$LMSFS_BIN" status "$MNT"
done_testing
