#!/usr/bin/env bash
# Every verdict as the program that saves sees it, with the LMS's words behind `lmsfs why`; what is sent again and what never is.
# timeout: 240
. tests/lib/lib.sh

sandbox_start --users 40 --job-seconds 0.3
conf_hownow 'removal_grace = 0' 'trickle = no' 'op_timeout = 4' 'crawl_limit = 0'
conf_synap 'op_timeout = 4' 'trickle = no'
config_write
mount_start
users=$MNT/hownow/users bin=$MNT/hownow/deactivated-users people=$MNT/synap/users
upserts='.path == "/external/v1/users/upsert"'
UPSERT='POST /external/v1/users/upsert'
file=$users/EXT-e-000010.json n=0
why() { t "$LMSFS_BIN" why "$1"; }
change() { # a document that differs from the one before
    n=$((n + 1))
    t jq ".name = \"Changed $n\"" "$file" >"$T/doc.json"
}
settled() { [ "$(xattr_of state "$file")" != pending ]; }
check "a first save" sh -c "jq '.name = \"First\"' '$file' >'$T/first.json' && cp '$T/first.json' '$file'"
wait_until 10 settled

# ---- the table ----
verdict() { # TEXT FAULT ERRNO WORDS
    local before
    wait_until 10 settled
    before=$(t jq -r .name "$file")
    change
    fault "{\"path\": \"$UPSERT\", \"count\": 9, $2}"
    eq "$1: $3" "$3" "$(errno_of save "$file" <"$T/doc.json")"
    faults_clear
    like "… why has the words" "$4" "$(why "$file")"
    like "… and method and path" "$UPSERT" "$(why "$file")"
    like "… and the file says failed" failed "$(xattr_of state "$file")"
    eq "… and shows the server's version" "$before" "$(t jq -r .name "$file")"
}
message() { printf '"status": %s, "body": {"error_message": "%s"}' "$1" "$2"; }
verdict "400" "$(message 400 'The moon is wrong')" EINVAL 'The moon is wrong'
verdict "422" "$(message 422 'Not today')" EINVAL 'Not today'
verdict "401 on a fresh token" "$(message 401 'Who are you')" EACCES 'Who are you'
verdict "403" "$(message 403 'Not yours')" EACCES 'Not yours'
verdict "404" "$(message 404 'Gone away')" ENOENT 'Gone away'
verdict "409" "$(message 409 'There is one')" EEXIST 'There is one'
verdict "500" "$(message 500 'Broken inside')" EIO 'Broken inside'
verdict "418" "$(message 418 'A teapot')" EIO 'A teapot'
verdict "HTML in the place of an answer" '"status": 200, "content_type": "text/html", "body": "<html>Sign in</html>"' EIO 'HTML'
verdict "half an answer" '"status": 200, "body": {"job_id": "j-1"}, "malformed": true' EIO 'not JSON|empty'
verdict "an answer without a job" '"status": 200, "body": {}' EIO 'neither a job_id'
verdict "a job id that can't be a name" '"status": 200, "body": {"job_id": ".."}' EIO 'job_id'
verdict "no answer in time" '"delay_ms": 6000, "status": 200' ETIMEDOUT 'within'
verdict "the connection is dropped" '"drop": true' EHOSTUNREACH 'hownow'
head -c 9000000 /dev/zero | tr '\0' x >"$T/big"
jq -Rs --arg p "$UPSERT" '{path: $p, count: 1, status: 200, body: .}' "$T/big" >"$T/big.json"
wait_until 10 settled
change
sandbox_curl faults -X POST -H 'Content-Type: application/json' --data-binary @"$T/big.json" >/dev/null
eq "an answer over max_response: EIO" EIO "$(errno_of fsave "$file" <"$T/doc.json")"
faults_clear
like "… and why says so" 'MiB|bytes|large|max_response' "$(why "$file")"
within "each of them is kept" 15 16 "$(t "$LMSFS_BIN" rejected --json "$MNT" | jq '[.. | objects | select(.reason?)] | length')"

# ---- logins ----
wait_until 10 settled
t stat "$file" >/dev/null
requests_clear
fault "{\"path\": \"$UPSERT\", \"count\": 20, \"status\": 401}"
for _ in 1 2 3 4 5 6; do
    change
    errno_of save "$file" <"$T/doc.json" >/dev/null
done
faults_clear
within "a path that answers 401 to everything is no storm of logins" 0 1 "$(requests '.path == "/token"')"
within "… nor of upserts" 6 7 "$(requests "$upserts")"
change
eq "… and saves work when it is over" OK "$(errno_of save "$file" <"$T/doc.json")"

# ---- what is sent again ----
wait_until 10 settled
change
requests_clear
fault "{\"path\": \"$UPSERT\", \"count\": 1, \"status\": 429, \"headers\": {\"Retry-After\": \"2\"}}"
took=$(seconds_of cp "$T/doc.json" "$file")
within "429: Retry-After is obeyed" 2 3.9 "$took"
eq "… and the save goes through" "Changed $n" "$(t jq -r .name "$file")"
eq "… with the second request" 2 "$(requests "$upserts")"
wait_until 10 settled
change
requests_clear
fault "{\"path\": \"$UPSERT\", \"count\": 9, \"status\": 429, \"headers\": {\"Retry-After\": \"60\"}}"
eq "429 for longer than op_timeout: ETIMEDOUT" ETIMEDOUT "$(errno_of save "$file" <"$T/doc.json")"
eq "… and no request in between" 1 "$(requests "$upserts")"
faults_clear
mount_stop # the pause is the tenant's: begin anew
mount_start
change
requests_clear
fault "{\"path\": \"$UPSERT\", \"count\": 2, \"status\": 503}"
eq "503 of an upsert is sent again" OK "$(errno_of save "$file" <"$T/doc.json")"
eq "… until it goes through" 3 "$(requests "$upserts")"
wait_until 10 settled
change
requests_clear
fault "{\"path\": \"$UPSERT\", \"count\": 1, \"drop_after_effect\": true}"
eq "an upsert whose answer is lost is sent again" OK "$(errno_of save "$file" <"$T/doc.json")"
eq "… which changes nothing twice" "Changed $n" "$(wait_until 10 settled; state hownow/users/EXT-e-000010 | jq -r .name)"

# ---- what is never sent again ----
printf '{"email": "lost.answer@example.org", "name": "Lost Answer", "password": "Passw0rd-long"}' >"$T/new.json"
requests_clear
creates='(.method == "POST") and (.path | endswith("/users"))'
check "Synap: a first read" ls "$people"
fault '{"path": "POST */users", "count": 1, "status": 503}'
eq "Synap: 503 of a create is not sent again: EIO" EIO "$(errno_of save "$people/new.json" <"$T/new.json")"
eq "… it was one request" 1 "$(requests "$creates")"
requests_clear
fault '{"path": "POST */users", "count": 1, "drop_after_effect": true}'
eq "Synap: a create whose answer is lost is looked up, and found" OK "$(errno_of save "$people/new.json" <"$T/new.json")"
eq "… and never sent twice" 1 "$(requests "$creates")"
eq "… and new.json is that person" 'Lost Answer' "$(t jq -r .name "$people/new.json")"
requests_clear
printf '{"email": "never.came@example.org", "name": "Never Came", "password": "Passw0rd-long"}' >"$T/new.json"
fault '{"path": "POST */users", "count": 1, "drop": true}'
eq "Synap: one that never arrived is looked up too: EIO" EIO "$(errno_of save "$people/new-2.json" <"$T/new.json")"
eq "… and not sent again behind anybody's back" 1 "$(requests "$creates")"
like "… why says what to do" 'save it again' "$(why "$people/new-2.json")"
faults_clear
eq "… and saving it again creates it" OK "$(errno_of save "$people/new-2.json" <"$T/new.json")"

# ---- leaving ----
read_only() { # the Nth person of that type
    t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json | sed -n "$1p"
}
gone=$(read_only 8) name=$(basename "$gone")
requests_clear
fault '{"path": "PUT */deactivate", "count": 1, "drop_after_effect": true}'
eq "a deactivation whose answer is lost is looked up: OK" OK "$(errno_of unlink "$gone")"
eq "… and not sent again" 1 "$(requests '.path | endswith("/deactivate")')"
eq "… the person is in the bin" "$name" "$(t ls "$bin")"
gone=$(read_only 9)
fault '{"path": "PUT */deactivate", "count": 1, "status": 403, "body": {"error_message": "Not this one"}}'
eq "one that is refused: EACCES" EACCES "$(errno_of rename "$gone" "$bin/$(basename "$gone")")"
like "… why has the words" 'Not this one' "$(why "$gone")"
like "… and method and path" 'PUT /external/v1/users/ID-[0-9]+/deactivate' "$(why "$gone")"
check "… and the person is still there" test -e "$gone"
eq "what the API can't do is EPERM" EPERM "$(errno_of unlink "$bin/$name")"

# ---- the network is gone ----
wait_until 10 settled
change
sandbox_stop
eq "unreachable: EHOSTUNREACH" EHOSTUNREACH "$(errno_of save "$file" <"$T/doc.json")"
like "why says so" 'hownow' "$(why "$file")"
done_testing
