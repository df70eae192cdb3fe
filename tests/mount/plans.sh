#!/usr/bin/env bash
# The published plans, 50 and 100 requests a minute, over two minutes of everything at once: a first sweep, the trickle, jobs, a crawl, a fetch of
# everybody and a person's edits. By the server's own log no 60 s hold more than the plan, the person doesn't wait, and estimates come true.
# timeout: 420
. tests/lib/lib.sh

declare -A URLS
sandbox_for() { # NAME OPTION…
    local name=$1
    shift
    sandbox_start "$@"
    URLS[$name]=$URL
}
at() { URL=${URLS[$1]}; } # whose log and faults are meant
sandbox_for essential --users 3000 --rate 50 --job-seconds 2
sandbox_for pro --users 5000 --rate 100 --job-seconds 2
sandbox_for whole --users 190 --rate 100
for plan in essential pro; do
    at $plan
    conf $plan 'provider = hownow' "base_url = $URL" 'client_id = sandbox' 'client_secret = sandbox-secret' "plan = $plan" \
        'list_timeout = 200' 'crawl_limit = 5' 'list_ttl = 60'
done
at whole
conf whole 'provider = hownow' "base_url = $URL" 'client_id = sandbox' 'client_secret = sandbox-secret' 'plan = pro' 'trickle = no' \
    'list_ttl = 3600'
config_write essential pro whole
mount_start
began=$(date +%s)
elapsed() { echo $(($(date +%s) - began)); }
past() { [ "$(elapsed)" -ge "$1" ]; }

# ---- a fetch of everybody, and what is said about it ----
"$LMSFS_BIN" fetch "$MNT/whole/users" >"$T/fetched" 2>&1 &
fetcher=$!
pid_record $fetcher
fetching() { t "$LMSFS_BIN" status --json "$MNT" | jq -e '.tenants[] | select(.name == "whole") | .collections[] | select(.name == "users") | .fetching'; }
under_way() { [ "$(fetching | jq .done)" -ge 60 ]; }
check "a fetch of a directory shows how far it is" wait_until 30 under_way
said_at=$(elapsed)
said=$(fetching | jq .seconds)
echo "# of $(fetching | jq -c .) at $said_at s"

# ---- everything else at once ----
declare -A SLOWEST
edit() { # PLAN N - a person's edit, and how long it took in milliseconds
    local file took from=${EPOCHREALTIME/./}
    file=$MNT/$1/users/EXT-e-$(printf '%06d' $((40 + $2))).json
    printf '{"name": "Edited %s"}' "$2" | t tee "$file" >/dev/null 2>>"$T/edits.log" || echo "$1 $2 failed" >>"$T/edits.failed"
    took=$(((${EPOCHREALTIME/./} - from) / 1000))
    [ $took -le "${SLOWEST[$1]:-0}" ] || SLOWEST[$1]=$took
}
crawl() { # everything there is, again and again, until told to stop
    while [ -d "$T" ] && [ ! -e "$T/stop" ]; do
        timeout 60 grep -rqs nowhere "$MNT/$1/users" "$MNT/$1/job-roles"
        timeout 60 find "$MNT/$1" -maxdepth 3 >/dev/null 2>&1
    done
}
for plan in essential pro; do
    crawl $plan &
    crawlers+=($!)
done
edits=0
while ! past 125; do
    if past $((8 + edits * 17)); then
        edit essential $edits
        edit pro $edits
        edits=$((edits + 1))
    fi
    wait_until 1 past 125
done
touch "$T/stop"
wait "${crawlers[@]}"

# ---- by the servers' logs ----
fullest() { # the most requests in any 60 s
    sandbox_curl 'requests?limit=1000000' | jq '[.requests[].time] | sort | . as $t | reduce range(length) as $i ({j: 0, most: 0};
        until($t[.j] > $t[$i] - 60; .j += 1) | .most = ([.most, $i - .j + 1] | max)) | .most'
}
for plan in essential:50 pro:100 whole:100; do
    at "${plan%:*}"
    most=$(fullest)
    within "${plan%:*}: the fullest 60 s hold no more than the plan" 1 "${plan#*:}" "$most"
    [ "$plan" = whole:100 ] || within "… and most of it is used" $((${plan#*:} * 5 / 10)) "${plan#*:}" "$most"
    eq "… the server's own count was never passed" 0 "$(requests '.status == 429')"
done
for plan in essential pro; do
    at $plan
    within "$plan: a person's edit waited for its requests at most a second" 1 $((2000 * SLOW)) "${SLOWEST[$plan]}"
    within "… of so many edits" 3 9 "$edits"
    eq "… each was one upsert" "$edits" "$(requests '.path == "/external/v1/users/upsert" and .status < 300')"
done
eq "none of the edits failed" "" "$(cat "$T/edits.failed" "$T/edits.log" 2>/dev/null)"

# ---- 429 and Retry-After ----
at pro
fault '{"path": "GET /external/*", "status": 429, "headers": {"Retry-After": "4"}, "count": 1}'
check "a server that says 429 is asked again" t 60 "$LMSFS_BIN" fetch "$MNT/pro/users/EXT-e-000090.json"
sandbox_curl 'requests?limit=1000000' | jq -c '[.requests | sort_by(.time)[]] | . as $r | ([$r[] | select(.status == 429)][0].time) as $t |
    {said: ($t != null), quiet: ([$r[] | select(.time > $t + 1.5 and .time < $t + 3.8)] | length), after: ([$r[] | select(.time > $t + 3.8)] | length)}' >"$T/429"
eq "… it said so once" true "$(jq .said "$T/429")"
eq "… and was left alone as long as Retry-After says" 0 "$(jq .quiet "$T/429")"
within "… and then asked again" 1 100000 "$(jq .after "$T/429")"

# ---- the estimate ----
ended() { pid_gone $fetcher; }
check "the fetch comes to its end" wait_until 60 ended
truth=$(($(elapsed) - said_at))
wait $fetcher
eq "… well" 0 $?
eq "… with every detail" "190 of 190" "$(xattr_of detail "$MNT/whole/users")"
at whole
truth=$(sandbox_curl 'requests?limit=1000000' | jq --argjson at $((began + said_at)) '([.requests[].time] | max) - $at | floor')
echo "# said $said s, took $truth s"
within "its estimate was within a fifth of the truth" $((truth * 8 / 10 - 2)) $((truth * 12 / 10 + 2)) "$said"
done_testing
