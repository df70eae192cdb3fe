#!/usr/bin/env bash
# The zoo on AVIA, whose update empties what it isn't sent: each gesture is one PUT of the whole record, and none suspends anybody.
# timeout: 300
. tests/lib/lib.sh
. tests/lib/editors.sh

users=$MNT/avia/users FIELD=first_name
. tests/lib/zoo.sh
zoo_home
sandbox_start --avia-users 60
conf_avia 'trickle = no' 'crawl_limit = 6000'
config_write avia
mount_start
somebody() { echo "$users/ID-$(zoo_next 5).json"; }
in_lms() { state "avia/users/$(key_of "$1")"; }
everybody() { state avia/users | jq -c '.users[]'; }
api=/wp-json/avia/hr/v1
sent() {
    requests_all | jq -c --argjson n "$ZOO_MARK" --arg put "$api/user/update" '[.requests[$n:][]
        | select(.method != "GET" or (.path | contains("/suspend/")))
        | if .method == "PUT" and .path == $put and (.body.fields | length) == 13
            and (.body | keys) == ["email", "fields", "first_name", "last_name", "locale", "name", "ssn", "username"]
          then .body.first_name else "\(.method) \(.path)" end]'
}

zoo_all
