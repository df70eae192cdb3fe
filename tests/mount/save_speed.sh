#!/usr/bin/env bash
# What a save costs: one request besides the upsert at most, none when the detail is young; and no more time than curl takes.
#
#   SAVES=1000 bash tests/mount/save_speed.sh      the full size, where the bound is 1.1 (a hundred, and 1.5, as a rule)
# timeout: 300
# sanitize: no, it measures time
. tests/lib/lib.sh

: "${SAVES:=100}"
sandbox_start --users $((SAVES + 60)) --job-seconds 0
conf_hownow 'trickle = no' 'record_ttl = 600' 'detail = never'
config_write hownow
mount_start
users=$MNT/hownow/users
upserts='.path == "/external/v1/users/upsert"'
others='(.path != "/external/v1/users/upsert") and (.path != "/token") and (.path | test("/jobs/") | not)'
mapfile -t files < <(t ls "$users" | sed -n '5,$p' | sed "s|^|$users/|")
clean() { [ "$(xattr_of state "$1")" = clean ]; }

# ---- requests ----
file=${files[0]}
requests_clear
printf '{"name": "From the row"}' >"$T/x.json"
check "a save of a record of which the row is known" cp "$T/x.json" "$file"
eq "… is one upsert" 1 "$(requests "$upserts")"
within "… and one request besides at most" 0 1 "$(requests "$others")"
wait_until 10 clean "$file"
for way in cp mv sed; do
    file=${files[1]}
    t "$LMSFS_BIN" fetch "$file" >/dev/null
    requests_clear
    case $way in
    cp) t jq '.name = "By cp"' "$file" >"$T/x.json" && t cp "$T/x.json" "$file" ;;
    mv) t jq '.name = "By mv"' "$file" >"$T/x.json" && t mv "$T/x.json" "$file" ;;
    sed) t sed -i 's/"name": "By mv"/"name": "By sed"/' "$file" ;;
    esac
    eq "$way: a save of a record whose detail is young is one upsert" 1 "$(requests "$upserts")"
    eq "$way: … and nothing besides" 0 "$(requests "$others")"
    wait_until 10 clean "$file"
done

# ---- time: one cp a save against one curl an upsert, one after the other, the LMS answering after 50 ms ----
mount_stop
sandbox_restart --users $((SAVES + 60)) --job-seconds 0 --latency 50
mount_start
printf '%s\n' "${files[@]:10:$SAVES}" >"$T/names"
xargs -a "$T/names" -P 8 -n 1 timeout 60 "$LMSFS_BIN" fetch >/dev/null
token=$(curl -s --max-time 20 -d 'grant_type=client_credentials&client_id=sandbox&client_secret=sandbox-secret&scope=hownow' \
    "$URL/token" | jq -r .access_token)
by_curl() { # ROUND
    local file
    while read -r file; do
        file=$(basename "$file" .json)
        curl -sf --max-time 20 -o /dev/null -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
            -d "{\"external_user_id\": \"${file#EXT-}\", \"name\": \"Curl $1\", \"email\": \"curl.${file#EXT-}@example.org\", \"user_type\": \"ReadOnly\"}" "$URL/external/v1/users/upsert" || return 1
    done <"$T/names"
}
by_cp() { # ROUND
    local file
    printf '{"name": "Copied %s"}\n' "$1" >"$T/doc.json"
    while read -r file; do
        file=$(basename "$file")
        cp "$T/doc.json" "$users/$file" || return 1
    done <"$T/names"
}
measured() { # FUNCTION ROUND - milliseconds
    local began=${EPOCHREALTIME/./}
    "$@" || return 1
    echo $(((${EPOCHREALTIME/./} - began) / 1000))
}
bound=1.5
[ "$SAVES" -lt 1000 ] || bound=1.1
best=99
for round in 1 2 3; do
    curl_ms=$(measured by_curl $round) || bail "curl upserts" "round $round"
    requests_clear
    cp_ms=$(measured by_cp $round) || bail "cp saves" "round $round"
    eq "round $round: $SAVES saves by cp are as many upserts" "$SAVES" "$(requests "$upserts")"
    echo "# round $round: curl $curl_ms ms, cp $cp_ms ms"
    best=$(awk -v best=$best -v a="$cp_ms" -v b="$curl_ms" 'BEGIN { r = a / b; print (r < best) ? r : best }')
    awk -v r="$best" -v b=$bound 'BEGIN { exit !(r <= b) }' && break
done
within "cp takes at most $bound times what curl takes" 0 $bound "$best"
done_testing
