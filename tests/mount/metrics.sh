#!/usr/bin/env bash
# .lmsfs/metrics: Prometheus text that its own checker takes, that counts what was done and names nobody.
. tests/lib/lib.sh

sandbox_start --users 250
conf_hownow "trickle = no" "list_timeout = 5"
config_write
mount_start
users=$MNT/hownow/users metrics=$MNT/.lmsfs/metrics
value() { # NAME{LABELS} - one series' value; nothing where there is none
    t cat "$metrics" | awk -v series="$1" 'index($0, series " ") == 1 { print substr($0, length(series) + 2) }'
}
mapfile -t people < <(t ls "$users")
t cat "$users/${people[0]}" >/dev/null

check "promtool takes it" sh -c "cat '$metrics' | promtool check metrics"
eq "three pages were asked for" 3 "$(value 'lmsfs_requests_total{tenant="hownow",endpoint="GET /external/v1/users",code="200"}')"
eq "one login" 1 "$(value 'lmsfs_requests_total{tenant="hownow",endpoint="POST /token",code="200"}')"
eq "one detail, under its endpoint's name" 1 \
    "$(value 'lmsfs_requests_total{tenant="hownow",endpoint="GET /external/v1/users/:id",code="200"}')"
eq "as many as the sandbox saw" "$(requests)" "$(value 'lmsfs_request_duration_seconds_count{tenant="hownow"}')"
eq "the histogram ends with all of them" "$(requests)" \
    "$(value 'lmsfs_request_duration_seconds_bucket{tenant="hownow",le="+Inf"}')"
eq "everybody is counted" 250 "$(value 'lmsfs_listing_entries{tenant="hownow",collection="users"}')"
within "the listing's age" 0 $((60 * SLOW)) "$(value 'lmsfs_listing_age_seconds{tenant="hownow",collection="users"}')"
eq "reachable" 1 "$(value 'lmsfs_reachable{tenant="hownow"}')"
eq "no limit is configured" 0 "$(value 'lmsfs_budget_limit{tenant="hownow"}')"
within "lookups are counted" 1 100000 "$(value 'lmsfs_fuse_operations_total{op="lookup"}')"
hits=$(value lmsfs_cache_hits_total)
t cat "$users/${people[0]}" >/dev/null
within "what is known is a hit" $((hits + 1)) $((hits + 100)) "$(value lmsfs_cache_hits_total)"
missed=$(value lmsfs_cache_misses_total)
within "what had to be asked for is a miss" 2 10 "$missed"

# ---- what was refused and what waits ----
fault '{"path": "* /external/v1/users/upsert", "status": 422, "body": {"error_message": "No"}}'
t jq '.name = "Refused"' "$users/${people[1]}" >"$T/doc.json"
eq "a refused save" EINVAL "$(errno_of save "$users/${people[1]}" <"$T/doc.json")"
eq "is counted by its status" 1 \
    "$(value 'lmsfs_requests_total{tenant="hownow",endpoint="POST /external/v1/users/upsert",code="422"}')"
eq "… and as one kept" 1 "$(value 'lmsfs_rejected{tenant="hownow"}')"
faults_clear
sandbox_stop
t "$LMSFS_BIN" refresh "$users" >/dev/null 2>&1
eq "unreachable" 0 "$(value 'lmsfs_reachable{tenant="hownow"}')"
unreached() {
    [ -n "$(value 'lmsfs_requests_total{tenant="hownow",endpoint="GET /external/v1/users",code="EHOSTUNREACH"}')" ]
}
check "… by its errno, when the tries are over" wait_until 60 unreached

# ---- nobody's name ----
# A bare number would be found among the counts: whoever has no external id is looked for as ID-<number>.
printf '%s\n' "${people[@]}" | sed 's/^EXT-//; s/\.json$//' >"$T/names"
eq "it names nobody" "" "$(t cat "$metrics" | grep -F -f "$T/names")"
eq "… and no secret" 0 "$(t grep -c 'sandbox-secret\|Bearer' "$metrics")"

# ---- a read-only mount has it too ----
check "unmounting" mount_stop
mount_start -o ro
check "read-only: promtool takes it" sh -c "cat '$metrics' | promtool check metrics"
done_testing
