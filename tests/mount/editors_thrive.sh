#!/usr/bin/env bash
# The zoo on Thrive, where a save is an event: each gesture is one user_updated of what changed, and none suspends anybody.
# timeout: 300
. tests/lib/lib.sh
. tests/lib/editors.sh

users=$MNT/thrive/users FIELD=firstName
. tests/lib/zoo.sh
zoo_home
sandbox_start --thrive-users 60
conf_thrive 'trickle = no' 'crawl_limit = 6000'
config_write thrive
mount_start
t ls "$users" >"$T/people"
somebody() { echo "$users/$(sed -n "$(zoo_next)p" "$T/people")"; }
in_lms() { state "thrive/users/$(key_of "$1")"; }
everybody() { state thrive/users | jq -c '.users[]'; }
sent() {
    requests_all | jq -c --argjson n "$ZOO_MARK" '[.requests[$n:][] | select(.method != "GET")
        | if .method == "POST" and .path == "/webhooks" and .body.eventType == "user_updated"
            and (.body.content | keys) == ["user"] and (.body.content.user | keys) == ["firstName", "ref"]
          then .body.content.user.firstName else "\(.method) \(.path) \(.body)" end]'
}

zoo_all
