#!/usr/bin/env bash
# What is only accepted: Learning Pool's jobs and Thrive's events. The daemon is killed at each step of a create and of an update and started again: both are
# there once, an event that goes out again has the id it had, nothing is refused, nothing is lost.
# timeout: 300
. tests/lib/lib.sh
. tests/lib/crashes.sh

sandbox_start --learningpool-users 4 --thrive-users 30 --job-seconds 0.3
conf_learningpool 'op_timeout = 5' 'removal_grace = 0'
conf_thrive 'op_timeout = 5' 'trickle = no' 'removal_grace = 0' 'list_ttl = 3600'
config_write learningpool thrive
mount_start
pool=$MNT/learningpool/users people=$MNT/thrive/users
t ls "$people" >/dev/null
pooled() { state "learningpool/users/$1" | jq -r "$2"; }
thriving() { state "thrive/users/$1" | jq -r "$2"; }
dies() { # STEP FILE WHAT - in a save of $T/doc.json
    requests_clear
    die_at "$1"
    crash_save "$2"
    back
    check "$3 killed at $1: it comes to rest" wait_until 30 at_rest
    wait_until 20 quiet "$2"
}

n=0
for step in after-journal after-answer accepted before-cache after-cache; do
    id=CRASH$((++n)) file=$pool/EXT-CRASH$n.json
    printf '{"userId": "%s", "username": "crash.%s", "firstName": "Crash", "lastName": "%s", "email": "crash.%s@example.org"}' \
        $id $n "$step" $n >"$T/doc.json"
    dies $step "$file" "a Learning Pool create"
    eq "… the person is there, once" "Crash $step" "$(pooled $id '.record | "\(.firstName) \(.lastName)"')"
    within "… by so many POSTs" 1 2 "$(requests '(.method == "POST") and (.path == "/api/users")')"
    eq "… and the file shows it" "$step" "$(t jq -r .lastName "$file")"
    printf '{"lastName": "Again-%s"}' "$step" >"$T/doc.json"
    dies $step "$file" "its update"
    eq "… the LMS has it" "Again-$step" "$(pooled $id .record.lastName)"
    within "… by so many PATCHes" 1 2 "$(requests '.method == "PATCH"')"
    eq "… the file shows it" "Again-$step" "$(t jq -r .lastName "$file")"
done
eq "Learning Pool: nothing was refused" 0 "$(rejected)"

n=0
for step in after-journal after-answer before-cache after-cache; do
    n=$((n + 1)) ref=T00001$n
    printf '{"lastName": "Crash-%s"}' "$step" >"$T/doc.json"
    dies $step "$people/EXT-$ref.json" "a Thrive update"
    eq "… the LMS has it" "Crash-$step" "$(thriving $ref .lastName)"
    eq "… the file shows it" "Crash-$step" "$(t jq -r .lastName "$people/EXT-$ref.json")"
    printf '{"ref": "NEW-%s", "email": "new.%s@example.org", "firstName": "New", "lastName": "%s"}' $n $n "$step" >"$T/doc.json"
    dies $step "$people/EXT-NEW-$n.json" "a Thrive create"
    eq "… the person is there, once" 1 "$(state thrive/users | jq --arg ref NEW-$n '[.. | objects | select(.ref? == $ref)] | length')"
    eq "… and the file shows it" "$step" "$(t jq -r .lastName "$people/EXT-NEW-$n.json")"
    eq "… each event with one id, however often it went out" 1 "$(requests_bodies '.path == "/webhooks"' | jq -r .id | sort -u | wc -l)"
done
eq "Thrive: nothing was refused" 0 "$(rejected)"

# ---- leaving ----
for step in removal-noted removal-answered; do
    n=$((n + 1)) ref=T00002$n
    requests_clear
    die_at $step
    timeout $((20 * SLOW)) rm -f "$people/EXT-$ref.json" 2>/dev/null
    back
    in_bin() { t ls "$MNT/thrive/deactivated-users" | grep -qFx "EXT-$ref.json" && at_rest; }
    check "rm killed at $step: the person is in the bin" wait_until 30 in_bin
    eq "… the LMS has it" inactive "$(thriving $ref .status)"
    eq "… by one event" 1 "$(requests_bodies '.path == "/webhooks"' | jq -r .id | sort -u | wc -l)"
done
check "it unmounts" mount_stop
done_testing
