#!/usr/bin/env bash
# A listing is whole or it fails: pages that fail, repeat, contradict each other, shift while they are read, or can't be represented.
# timeout: 200
. tests/lib/lib.sh

sandbox_start --users 350
conf_hownow 'trickle = no' 'crawl_limit = 0' 'op_timeout = 3' 'list_timeout = 20' 'max_removals = 5'
config_write hownow
mount_start
users=$MNT/hownow/users
count() { t 30 ls "$users" | wc -l; }
status() { t "$LMSFS_BIN" status --json "$MNT" | jq -r '.. | objects | select(.name? == "users") | .error // ""'; }
refresh() { t 40 "$LMSFS_BIN" refresh "$users" >/dev/null 2>&1 && echo OK || echo refused; }
page() { printf 'GET /external/v1/users[?]page=%s&*' "$1"; }
fails() { # TEXT FAULT ERRNO WORDS
    fault "$2"
    eq "$1: $3" "$3" "$(T_LIMIT=40 errno_of list "$users")"
    like "… and the status says why" "$4" "$(status)"
    faults_clear
}

# ---- the first listing: nothing is known, and nothing is shown in part. It resumes, so that only page 3 is asked for again ----
serve() { # JQ-FILTER - page 3 is what that makes of page 1
    jq -c --arg p "$(page 3)" "$1"' | {path: $p, count: 99, status: 200, body: .}' "$T/page1.json" >"$T/fault.json"
    sandbox_curl faults -X POST -H 'Content-Type: application/json' --data-binary @"$T/fault.json" >/dev/null
}
spoil() { # PAGE JQ-FILTER - that page is what the filter makes of page 1, with every "SPOILT" a lone surrogate
    jq -c "$2" "$T/page1.json" | sed 's/SPOILT/\\ud800/' >"$T/spoilt.txt"
    jq -Rsc --arg p "$(page "$1")" '{path: $p, count: 99, status: 200, content_type: "application/json", body: .}' "$T/spoilt.txt" >"$T/fault.json"
    sandbox_curl faults -X POST -H 'Content-Type: application/json' --data-binary @"$T/fault.json" >/dev/null
}
now_fails() { # TEXT ERRNO WORDS
    eq "$1: $2" "$2" "$(T_LIMIT=40 errno_of list "$users")"
    like "… and the status says why" "$3" "$(status)"
    faults_clear
}
fails "a page that fails" "{\"path\": \"$(page 3)\", \"count\": 99, \"status\": 500}" EIO 'page 3'
fails "a page that is HTML" "{\"path\": \"$(page 3)\", \"count\": 99, \"status\": 200, \"body\": \"<html>\"}" EPROTO 'HTML'
fails "half a page" "{\"path\": \"$(page 3)\", \"count\": 99, \"malformed\": true}" EPROTO 'page 3'
fails "a page without a total" "{\"path\": \"$(page 3)\", \"count\": 99, \"status\": 200, \"body\": {\"data\": []}}" EPROTO 'meta|total'
fails "no access" "{\"path\": \"$(page 3)\", \"count\": 99, \"status\": 403}" EACCES '403'
token=$(hownow_token)
api_page1() { curl -s -H "Authorization: Bearer $token" "$URL/external/v1/users?page=1&per_page=100"; }
api_page1 >"$T/page1.json"
total=$(jq '[.meta | .. | numbers] | max' "$T/page1.json")
eq "the page to play with says how many there are" 350 "$total"
serve '.data[1] = .data[0]'
now_fails "an id twice on a page" EPROTO 'twice'
serve '.meta |= walk(if . == 350 then 99999999999 else . end)'
now_fails "a total that no tenant has" EPROTO 'records'
spoil 3 '.data[7].id = 9999 | .data[7].name = "SPOILT"'
now_fails "a row nobody can represent, of a person nobody knows yet" EPROTO 'id 9999'
serve '.'
now_fails "a page that repeats another" EAGAIN 'changed while it was read'
eq "when it is over the listing is whole" 350 "$(count)"
eq "… and the status has no error" "" "$(status)"

# ---- later: what was known stays ----
spoil 1 '(.data[] | select(.id == 7)).name = "SPOILT"'
eq "such a row, now that the person is known: the listing is whole" OK "$(refresh)"
eq "… nobody is missing" 350 "$(count)"
like "… the record says that it is older" "can't be represented" "$(xattr_of error "$users/ID-7.json")"
like "… and so does the status" 'id 7' "$(status)"
faults_clear
eq "when it can be read again" OK "$(refresh)"
eq "… nothing is said any more" "" "$(xattr_of error "$users/ID-7.json")$(status)"
fault "{\"path\": \"$(page 2)\", \"count\": 99, \"status\": 500}"
eq "a refresh that fails" refused "$(refresh)"
eq "… leaves what was known" 350 "$(count)"
faults_clear
jq -c --arg p "$(page '*')" '.data = [] | .meta |= walk(if . == 350 then 0 else . end) | {path: $p, count: 99, status: 200, body: .}' \
    "$T/page1.json" >"$T/fault.json"
sandbox_curl faults -X POST -H 'Content-Type: application/json' --data-binary @"$T/fault.json" >/dev/null
eq "a listing that is suddenly empty is held" refused "$(refresh)"
eq "… and removes nobody" 350 "$(count)"
like "… and says so" 'held' "$(status)"
faults_clear

# ---- people come and go while pages are read ----
for round in 1 2 3; do
    fault "{\"path\": \"$(page '[234]')\", \"count\": 3, \"delay_ms\": 700}"
    t 30 "$LMSFS_BIN" refresh "$users" >/dev/null 2>&1 &
    sweep=$!
    sleep 0.3
    people_change hownow "{\"op\": \"deactivate\", \"id\": \"EXT-e-$(printf '%06d' $((10 + round)))\"}" >/dev/null
    people_change hownow "{\"op\": \"add\", \"id\": \"EXT-late-$round\"}" >/dev/null
    wait $sweep
    faults_clear
done
check "the last refresh goes through" "$LMSFS_BIN" refresh "$users"
state_active=$(api_page1 | jq '[.meta | .. | numbers] | max')
active() { [ "$(count)" = "$state_active" ]; }
wait_until 10 active
eq "the listing has exactly who is there" "$state_active" "$(count)"
eq "… those who came" 3 "$(t ls "$users" | grep -c '^EXT-late-')"
done_testing
