#!/usr/bin/env bash
# examples/recipes, as written, over 1,000 people among whom the cases are planted: each finds exactly those.
# timeout: 240
. tests/lib/lib.sh

recipes=$PWD/examples/recipes
PATH=$T/bin:$PATH
mkdir "$T/bin" && ln -s "$LMSFS_BIN" "$T/bin/lmsfs"
T_LIMIT=60

# Another LMS knows all but six of the first one's people, and four that the first one doesn't.
sandbox_start --users 994
other=$URL
sandbox_start --users 1000
hownow_quiet=('trickle = no' 'crawl_limit = 1000' 'removal_grace = 0' 'max_removals = 20')
conf_hownow "${hownow_quiet[@]}"
conf other 'provider = hownow' "base_url = $other" 'client_id = sandbox' 'client_secret = sandbox-secret' 'rate_per_minute = 0' \
    "${hownow_quiet[@]}"
config_write hownow other
mount_start
tenant=$MNT/hownow users=$MNT/hownow/users
ext() { printf 'e-%06d' "$1"; }
email_of() { t jq -r .email "$users/EXT-$(ext "$1").json"; }
token=$(hownow_token)
api() { curl -s -H "Authorization: Bearer $token" "$URL/external/v1/$1"; }

# ---- HR's list ----
eq "everybody is there" 1000 "$(t ls "$users" | wc -l)"
t ls "$users" | sed -n 's/^EXT-\(.*\)\.json$/\1/p' >"$T/everybody" # some have no external id
{
    echo 'id,name'
    grep -vxE "$(ext 17)|$(ext 400)|$(ext 999)" "$T/everybody" | sed 's/$/,"Somebody"/'
    printf '"new-1","Ada"\r\nnew-2,Grace\n'
} >"$T/hr.csv"
eq "leavers still active" "$(printf '%s\n' "$(ext 17)" "$(ext 400)" "$(ext 999)")" "$(t "$recipes/leavers" "$T/hr.csv" "$users")"
eq "joiners missing" $'new-1\nnew-2' "$(t "$recipes/joiners" "$T/hr.csv" "$users")"

# ---- in one and not in the other ----
for i in 1 2 3 4; do
    jq -n --arg i "$i" '{external_user_id: "only-\($i)", name: "Only \($i)", email: "Only.\($i)@example.org", user_type: "ReadOnly"}' >"$T/only.json"
    check "somebody new in the other LMS" cp "$T/only.json" "$MNT/other/users/EXT-only-$i.json"
done
t cat "$MNT/other/jobs/last.json" >/dev/null
for i in 994 995 996 997 998 999; do printf '< %s\n' "$(email_of $i)"; done | sort >"$T/expected"
printf '> only.%d@example.org\n' 1 2 3 4 >>"$T/expected"
eq "in one LMS and not in another, by e-mail" "$(cat "$T/expected")" "$(t "$recipes/only-in-one" "$users" "$MNT/other/users")"
mkdir "$T/no-listing"
check "… and never from a directory that isn't complete" not "$recipes/only-in-one" "$users" "$T/no-listing"

# ---- managers who are gone ----
t jq -n '{manager_id: "EXT-e-000500"}' >"$T/doc.json"
for i in 600 601; do check "a new manager" cp "$T/doc.json" "$users/EXT-$(ext $i).json"; done
t cat "$tenant/jobs/last.json" >/dev/null
t "$recipes/managers-gone" "$users" >"$T/before"
find "$users" -name '*.json' -type f -exec cat {} + |
    jq -r 'select(.manager_id == "ID-501" or .manager_id == "EXT-e-000500") | "\(.external_user_id // "ID-\(._readonly.id)")\t-"' |
    sort >"$T/expected"
people_change hownow "{\"op\": \"delete\", \"id\": \"EXT-$(ext 500)\"}" >/dev/null
check "the manager leaves behind our back" lmsfs refresh "$users"
eq "managers who no longer exist" "$(cat "$T/expected")" \
    "$(t "$recipes/managers-gone" "$users" | sort | comm -13 <(sort "$T/before") -)"

# ---- overdue ----
for i in 3 30 300; do
    for page in 1 2 3; do api "users/EXT-$(ext $i)/assigned_contents?page=$page&per_page=100"; done |
        jq -r --arg id "$(ext $i)" '.data[] | select(.is_overdue) | "\($id)\t\(.deadline_date)\t\(.title)"' | sort
done >"$T/expected"
within "some of them have something overdue" 1 1000 "$(wc -l <"$T/expected")"
for i in 3 30 300; do ext $i; echo; done >"$T/team"
eq "overdue assignments" "$(sort "$T/expected")" "$(t "$recipes/overdue" "$tenant" <"$T/team" | sort)"

# ---- nightly copies with a history ----
check "the first night" "$recipes/nightly-copy" "$MNT" "$T/history"
eq "… holds everybody" 999 "$(git -C "$T/history" ls-files hownow/users | wc -l)"
before=$(t jq -r .name "$users/EXT-$(ext 42).json")
printf '%s\n' "$(ext 42)" "$(ext 43)" >"$T/two"
requests_clear
check "a bulk change by script" sh -c "'$recipes/bulk-change' '$users' name '\"Renamed In Bulk\"' <'$T/two'"
eq "… is one request a person" 2 "$(requests '.method == "POST" and (.path | endswith("/upsert"))')"
t cat "$tenant/jobs/last.json" >/dev/null
check "the second night" "$recipes/nightly-copy" "$MNT" "$T/history"
eq "git's diff is the two names" $'-  "name"\n+  "name": "Renamed In Bulk",\n-  "name"\n+  "name": "Renamed In Bulk",' \
    "$(git -C "$T/history" diff -U0 HEAD~1 -- hownow/users | grep '^[-+] .*"name": ' | sed '/^-/s/: .*//')"
check "the third night, nothing has changed" "$recipes/nightly-copy" "$MNT" "$T/history"
eq "… and there is no commit" 2 "$(git -C "$T/history" rev-list --count HEAD)"
check "yesterday's record restored" "$recipes/restore" "$T/history" HEAD~1 "hownow/users/EXT-$(ext 42).json" "$MNT"
t cat "$tenant/jobs/last.json" >/dev/null
eq "… has its old name" "$before" "$(state "hownow/users/EXT-$(ext 42)" | jq -r .name)"
eq "… the other keeps the new one" "Renamed In Bulk" "$(state "hownow/users/EXT-$(ext 43)" | jq -r .name)"
printf '%s\n' "$(ext 44)" >"$T/one"
check "a bulk change that is refused says so" not sh -c "'$recipes/bulk-change' '$users' user_type '\"Emperor\"' <'$T/one'"

# ---- a department gets a new manager ----
department='People & Culture'
check "moving a department without its details is refused" not "$recipes/move-department" "$users" "$department" "EXT-$(ext 7)"
check "the details" t 120 lmsfs fetch "$users"
find "$users" -name '*.json' -type f -exec cat {} + | jq -r --arg d "$department" \
    'select(any(.custom_fields[]?; .field_name == "department" and .value == $d)) | .external_user_id // "ID-\(._readonly.id)"' >"$T/members"
within "a department of some" 5 900 "$(wc -l <"$T/members")"
# HowNow's upsert is keyed by the external id: whoever has none can't be moved, is named, and stops nobody else.
t 120 "$recipes/move-department" "$users" "$department" "EXT-$(ext 7)" >"$T/moving" 2>&1
eq "moving it: whom the LMS can't change is named" "$(grep '^ID-' "$T/members" | sort)" \
    "$(sed -n 's|^hownow/users/\(.*\)\.json: failed.*|\1|p' "$T/moving" | sort)"
t cat "$tenant/jobs/last.json" >/dev/null
manager="ID-$(state "hownow/users/EXT-$(ext 7)" | jq .id)"
moved() {
    while read -r id; do
        [ "$id" = "$(ext 7)" ] || [ "$(state "hownow/users/EXT-$id" | jq -r .manager_id)" = "$manager" ] || return 1
    done < <(grep -v '^ID-' "$T/members")
}
check "everybody else of it has the new manager" wait_until 30 moved
done_testing
