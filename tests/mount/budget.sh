#!/usr/bin/env bash
# Never faster than the plan: no window of 60 s holds more requests than it allows, and people are served first.
# timeout: 200
. tests/lib/lib.sh

RATE=30
sandbox_start --users 6000
conf_hownow "rate_per_minute = $RATE" 'list_timeout = 30' 'crawl_limit = 100'
config_write hownow
mount_start
users=$MNT/hownow/users
began=${EPOCHREALTIME/./}
# The first sweep wants 60 pages, twice the plan.
eq "a listing that the budget can't give in time is ETIMEDOUT, never a part" ETIMEDOUT "$(T_LIMIT=60 errno_of list "$users")"
like "it goes on behind it" 'sweeping' "$(t "$LMSFS_BIN" status --json "$MNT")"
# Somebody edits meanwhile: a detail and an upsert, within the share kept for people.
took=$(seconds_of sh -c "printf '{\"name\": \"In A Hurry\"}' | tee '$users/EXT-e-000010.json' >/dev/null")
eq "a person's save is taken meanwhile" 1 "$(requests '.path == "/external/v1/users/upsert"')"
within "… and waits at most a second for its requests" 0 2 "$took"
# Restarts and crashes forget nothing of the last minute.
daemon_crash
mount_start
timeout 5 ls "$users" >/dev/null 2>&1
left=$((70 - (${EPOCHREALTIME/./} - began) / 1000000))
remaining() { [ $(((${EPOCHREALTIME/./} - began) / 1000000)) -ge 75 ]; }
wait_until $((left > 0 ? left + 20 : 10)) remaining
most=$(sandbox_curl 'requests?limit=1000000' | jq '[.requests[].time] | sort | . as $t
    | [range(length) | . as $i | [$t[] | select(. >= $t[$i] and . < $t[$i] + 60)] | length] | max')
within "the fullest 60 s hold no more than the plan" 1 "$RATE" "$most"
within "… and most of it is used" $((RATE * 6 / 10)) "$RATE" "$most"
eq "the LMS never had to say 429" 0 "$(requests '.status == 429')"
done_testing
