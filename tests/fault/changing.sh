#!/usr/bin/env bash
# Right while it changes: people come, go, change and change places while their pages are read, and somebody lists and reads in a loop. He never
# sees a person twice, never misses one who was there throughout, never gets half a document.
# timeout: 240
. tests/lib/lib.sh

PEOPLE=700 KEEP_FIRST=200
sandbox_start --users $PEOPLE
conf_hownow 'trickle = no' 'crawl_limit = 0' 'list_ttl = 3600' 'max_removals = 5'
config_write hownow
mount_start
users=$MNT/hownow/users
churn() { sandbox_post hownow/churn "$1" >/dev/null; }
told() { sandbox_curl hownow/churn | jq -r "$1"; }
refresh() { t 60 "$LMSFS_BIN" refresh "$users" >/dev/null 2>&1; }
watch_begin() { # SEED - those who never leave are the first ones
    rm -f "$T/stop"
    python3 tests/fault/watcher.py "$users" "$T/stop" "$T/throughout" "$1" >"$T/watched" 2>&1 &
    watcher=$!
    pid_record $watcher
}
watch_end() { # TEXT
    touch "$T/stop"
    wait $watcher
    eq "$1: the reader saw nothing that should not be" "" "$(grep -v '^rounds ' "$T/watched")"
    like "… and did look" '^rounds [1-9][0-9]* reads [1-9]' "$(tail -n 1 "$T/watched")"
}
churned() { [ "$(told .remaining)" = 0 ]; }
refresh_until_over() { # as often as it takes for all to happen; a sweep that people keep changing may fail, and then removes nothing
    local i
    for i in {1..60}; do
        refresh
        churned && return 0
    done
    return 1
}
token=$(hownow_token)
api_names() { # who is active, by the API itself
    local page
    for page in {1..12}; do
        curl -s -H "Authorization: Bearer $token" "$URL/external/v1/users?page=$page&per_page=100" |
            jq -r '.data[] | if .external_user_id then "EXT-\(.external_user_id).json" else "ID-\(.id).json" end'
    done | sort
}
settled() { refresh && [ "$(t ls "$users" | LC_ALL=C sort | md5sum)" = "$(LC_ALL=C sort "$T/now" | md5sum)" ]; }

# ---- the first listing, while they change places and some come and change: whoever is there is listed ----
churn "{\"seed\": 3, \"events\": 6, \"chance\": 60, \"kinds\": [\"reorder\", \"change\"]}"
eq "a first listing while people change places has everybody" "$PEOPLE" "$(t 60 ls "$users" | wc -l)"
check "… each once" sh -c "[ -z \"\$(ls '$users' | sort | uniq -d)\" ]"
t ls "$users" | LC_ALL=C sort -V >"$T/all"
# Of the first so many nobody leaves. Most have external ids, those who don't are called ID-.
for ((i = 1; i <= KEEP_FIRST; i++)); do printf 'EXT-e-%06d.json\nID-%d.json\n' $((i - 1)) $i; done | sort >"$T/candidates"
sort "$T/all" | comm -12 - "$T/candidates" >"$T/throughout"
within "those who never leave are known" $((KEEP_FIRST - 5)) $KEEP_FIRST "$(wc -l <"$T/throughout")"

# ---- first listings while people leave and others come in their places: the totals agree, and whoever moved over a page's edge is listed ----
lacking=() again=0
for seed in {31..42}; do
    mount_stop
    rm -rf "$CACHE"
    mount_start
    churn "{\"seed\": $seed, \"events\": 2, \"chance\": 50, \"keep\": $KEEP_FIRST, \"kinds\": [\"turnover\"]}"
    requests_clear
    t 60 ls "$users" | sort >"$T/listed"
    again=$((again + $(requests '.path | startswith("/external/v1/users?page=")') - PEOPLE / 100))
    told '.joined[]' | sort >"$T/joined"
    churn '{"events": 0}'
    api_names | sort >"$T/now"
    lacking+=($(comm -13 "$T/listed" "$T/now" | comm -23 - "$T/joined"))
done
eq "first listings while one leaves for each who comes lack nobody who was there throughout" "" "${lacking[*]}"
within "… for pages from before were read again" 12 400 "$again"

# ---- first listings while one who left comes back in a leaver's place: his date is old, and the trickle reads the list a second time ----
sed -i 's/^trickle = no/trickle = yes/' "$CONF"
pages='.path | startswith("/external/v1/users?page=")'
lacking=() hidden=0
for seed in {51..56}; do
    mount_stop
    rm -rf "$CACHE"
    mount_start
    churn "{\"seed\": $seed, \"events\": 2, \"chance\": 50, \"keep\": $KEEP_FIRST, \"kinds\": [\"return\"]}"
    requests_clear
    t 60 ls "$users" | sort >"$T/listed"
    told '.joined[]' | sort >"$T/joined"
    churn '{"events": 0}'
    first=$(requests "$pages")
    api_names | sort >"$T/now"
    read_twice() { [ "$(requests "$pages")" -ge $((first + 12 + PEOPLE / 100)) ]; }
    check "seed $seed: the listing is read a second time, and nobody asked" wait_until 30 read_twice
    hidden=$((hidden + $(comm -13 "$T/listed" "$T/now" | comm -23 - "$T/joined" | wc -l)))
    everybody() { t ls "$users" | sort | comm -13 - "$T/now" | comm -23 - "$T/joined" >"$T/lacking" && ! test -s "$T/lacking"; }
    check "… and lacks nobody who was there throughout" wait_until 30 everybody
done
echo "# the first readings lacked $hidden"

# ---- whoever wants the list while that second reading waits for its turn doesn't wait with it ----
sed -i 's/^rate_per_minute = 0/rate_per_minute = 24/' "$CONF"
mount_stop
rm -rf "$CACHE"
mount_start
requests_clear
t 60 ls "$users" >"$T/listed"
first=$(requests "$pages")
some() { [ "$(requests "$pages")" -gt "$first" ]; }
check "the second reading begins, with half the plan at most" wait_until 30 some
sleep 3 # so long it could go on if it may
within "… and then waits" $((first + 1)) $((first + PEOPLE / 100 - 1)) "$(requests "$pages")"
began=$SECONDS
check "lmsfs refresh ends" refresh
within "… without that wait" 0 $((10 * SLOW)) $((SECONDS - began))
eq "… and nothing was read twice for it" $((first * 2)) "$(requests "$pages")"
sed -i 's/^rate_per_minute = 24/rate_per_minute = 0/' "$CONF"
sed -i 's/^trickle = yes/trickle = no/' "$CONF"
remount

# ---- sweeps while everything happens, seeded ----
for seed in 11 12 13 14; do
    churn "{\"seed\": $seed, \"events\": 30, \"chance\": 35, \"keep\": $KEEP_FIRST}"
    watch_begin $seed
    check "seed $seed: all of it happens during sweeps" refresh_until_over
    api_names >"$T/now"
    check "… and when it is quiet the listing is exactly who is there" wait_until 30 settled
    watch_end "seed $seed"
    for name in $(told '.left[]' | sort -u); do
        grep -qx "$name" "$T/now" || printf '%s\n' "$name"
    done >"$T/left"
    gone_right() { # whoever left stands in the bin or nowhere, never in users/
        local name
        while read -r name; do
            not test -e "$users/$name" || return 1
        done <"$T/left"
    }
    check "… whoever left is not in users/" gone_right
done
eq "nobody else is gone" "$(LC_ALL=C sort "$T/now" | md5sum)" "$(t ls "$users" | LC_ALL=C sort | md5sum)"

# ---- leavers alone, as many as a sweep believes ----
churn "{\"seed\": 21, \"events\": 12, \"chance\": 100, \"keep\": $KEEP_FIRST, \"kinds\": [\"leave\"]}"
watch_begin 21
check "leavers during a sweep" refresh_until_over
api_names >"$T/now"
check "… are gone when it is quiet, and only they" wait_until 30 settled
watch_end "leavers"

# ---- the kernel's caches follow within a second of the daemon's knowing ----
t sh -c "cat '$users'/*.json >/dev/null"
for round in 1 2 3; do
    name=EXT-e-$(printf '%06d' $((20 + round)))
    people_change hownow "{\"op\": \"update\", \"id\": \"$name\", \"set\": {\"name\": \"Follows $round\"}}" >/dev/null
    people_change hownow "{\"op\": \"add\", \"id\": \"EXT-follows-$round\"}" >/dev/null
    refresh
    knew=${EPOCHREALTIME/./}
    follows() { [ "$(t jq -r .name "$users/$name.json")" = "Follows $round" ] && t ls "$users" | grep -qx "EXT-follows-$round.json"; }
    check "round $round: a changed record and a new one are seen" wait_until 5 follows
    within "… within a second of the daemon's knowing" 0 $((1000 * SLOW)) $(((${EPOCHREALTIME/./} - knew) / 1000))
done
done_testing
