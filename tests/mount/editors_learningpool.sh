#!/usr/bin/env bash
# The zoo on Learning Pool, which only takes and says later what came of it: each gesture is one PATCH of what changed, its job completes,
# and none makes anybody inactive.
# timeout: 300
. tests/lib/lib.sh
. tests/lib/editors.sh

users=$MNT/learningpool/users FIELD=firstName
. tests/lib/zoo.sh
zoo_home
sandbox_start --learningpool-users 3 --job-seconds 0.1
conf_learningpool 'trickle = no'
config_write learningpool
mount_start
for i in $(seq 1 30); do
    printf '{"username": "zoo.%s", "firstName": "Ada", "lastName": "Fenn", "email": "zoo.%s@example.org"}' "$i" "$i" >"$users/EXT-Z$i.json"
done
somebody() { echo "$users/EXT-Z$(zoo_next).json"; }
pool_id() { key_of "$1" | cut -c 5-; }
in_lms() { state "learningpool/users/$(pool_id "$1")" | jq -c '.record + {status, assignments}'; }
everybody() {
    local id
    state learningpool/users | jq -r '.users[]' | while read -r id; do echo "$id $(state "learningpool/users/$id" | jq -r .status)"; done
}
sent() {
    requests_all | jq -c --argjson n "$ZOO_MARK" '[.requests[$n:][] | select(.method != "GET")
        | if .method == "PATCH" and (.path | startswith("/api/users/")) and (.body | keys) == ["firstName"]
          then .body.firstName else "\(.method) \(.path) \(.body)" end]'
}
at_rest() { # FILE - whoever reads the job waits for its end
    t 30 cat "$MNT/learningpool/jobs/last.json" >/dev/null && [ "$(xattr_of state "$1")" = clean ]
}
all_there() {
    local i
    for i in $(seq 1 30); do at_rest "$users/EXT-Z$i.json" || return 1; done
}
check "thirty people are there" wait_until 30 all_there

zoo_all
