#!/usr/bin/env bash
# Long work says how far it is and how long it will take, on a terminal: the first sweep while ls waits for it, a refresh, a fetch of a directory. In a pipe
# it is silent. Here the LMS is slow: half a second a reply.
# timeout: 120
. tests/lib/lib.sh

sandbox_start --users 4000 --latency 500
# The plan lets everything go at once: what takes time is the LMS alone.
conf_hownow 'trickle = no' 'rate_per_minute = 6000' 'list_ttl = 3600' 'list_timeout = 100' 'crawl_limit = 1'
config_write hownow
mount_start
users=$MNT/hownow/users
progress() { t "$LMSFS_BIN" status --json "$MNT" | jq -e '.tenants[0].collections[] | select(.name == "users") | .progress'; }
now() { echo $((${EPOCHREALTIME/./} / 1000)); }

# ---- the first sweep ----
t 100 ls "$users" >"$T/listed" &
lister=$!
pid_record $lister
half() { progress >"$T/progress" && [ "$(jq .listed "$T/progress")" -ge 1600 ]; }
check "while ls waits the status says how many are listed" wait_until 60 half
at=$(now)
eq "… of how many" 4000 "$(jq .total "$T/progress")"
said=$(jq .seconds "$T/progress")
like "… and so does its table, with the time that is left" 'page [0-9]+ of 40, [0-9]+ s' "$(t "$LMSFS_BIN" status "$MNT")"
like "… and its collections" 'page [0-9]+ of 40, about [0-9]+ s more' "$(t "$LMSFS_BIN" status --verbose "$MNT")"
wait $lister
eq "ls then has everybody" 4000 "$(wc -l <"$T/listed")"
took=$((($(now) - at) / 1000))
within "the time that was said comes true ($said s, $took s)" $((took * 4 / 5 - 2 * SLOW)) $((took * 6 / 5 + 2 * SLOW)) "$said"

# ---- on a terminal ----
bars() { tr '\r' '\n' <"$1" | grep -oE 'hownow/users: [a-z]+ \[[#-]{20}\] [0-9,]+ of [0-9,]+(, about [0-9]+ s more)?'; }
T_LIMIT=60
check "a refresh on a terminal" script -qec "'$LMSFS_BIN' refresh '$users'" "$T/typed"
like "… draws how far it is, and how long it will take" 'listed \[#+-+\] [0-9,]+ of 4,000, about [0-9]+ s more' "$(bars "$T/typed")"
eq "… with as many signs as it has" "" "$(bars "$T/typed" | awk -F'[][]' '{ split($3, n, " "); gsub(",", "", n[1]); signs = gsub("#", "", $2)
    if (signs < int(n[1] * 20 / 4000) || signs > int(n[1] * 20 / 4000) + 1) print }')"
check "one in a pipe" sh -c "'$LMSFS_BIN' refresh '$users' >'$T/piped' 2>&1"
eq "… is silent about it" 0 "$(grep -c '\[#' "$T/piped")"
check "it unmounts" mount_stop

# ---- a fetch of a directory ----
sandbox_start --users 60 --latency 200
CACHE=$T/cache2
config_write hownow
mount_start
check "a fetch on a terminal" script -qec "'$LMSFS_BIN' fetch '$users'" "$T/fetched"
like "… draws it too" 'fetched \[#*-+\] [0-9,]+ of 60' "$(bars "$T/fetched")"
check "it unmounts" mount_stop
done_testing
