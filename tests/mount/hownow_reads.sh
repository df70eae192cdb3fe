#!/usr/bin/env bash
# HowNow's lists and details that are read only: groups, their members, skills, and what people are assigned and wrote. Each is what the API
# says, at the price of its pages.
. tests/lib/lib.sh

sandbox_start --users 120
conf_hownow 'trickle = no' 'crawl_limit = 50'
config_write hownow
mount_start
tenant=$MNT/hownow
token=$(hownow_token)
api() { curl -s --max-time 20 -H "Authorization: Bearer $token" "$URL/external/v1/$1"; }
said() { # PATH JQ - what the API's pages of 100 say, a line each
    for page in 1 2 3; do api "$1?page=$page&per_page=100" | jq -r ".data[]? | $2"; done
}
gets() { requests ".method == \"GET\" and (.path | test(\"$1\"))"; }

# ---- H25, H26 groups ----
said groups '"ID-\(.id).json"' | sort >"$T/groups"
requests_clear
eq "H25: ls groups/ is the API's list" "$(cat "$T/groups")" "$(t ls "$tenant/groups" | sort)"
eq "H25: … for its pages" "$((($(wc -l <"$T/groups") + 99) / 100))" "$(gets '/groups[?]')"
group=$(head -n 1 "$T/groups")
id=${group#ID-} id=${id%.json}
requests_clear
eq "H26: cat groups/ID-….json is the group's details" "$(api "groups/$id" | jq -S '.data // .' | jq -r .name)" "$(t jq -r .name "$tenant/groups/$group")"
within "H26: … for one request" 1 2 "$(gets "/groups/$id\$")"
eq "H26: a group is not to be saved" EPERM "$(errno_of save "$tenant/groups/$group" <"$CONF")"

# ---- H27 members ----
said "groups/$id/users" '"ID-\(.id)"' | sort >"$T/members"
within "the group has members" 1 10000 "$(wc -l <"$T/members")"
requests_clear
t ls "$tenant/group-members/${group%.json}" | sed 's/\.json$//' | sort >"$T/shown"
eq "H27: ls group-members/ID-<group>/ has them all" "$(wc -l <"$T/members")" "$(wc -l <"$T/shown")"
within "H27: … for its pages" 1 $((($(wc -l <"$T/members") + 99) / 100)) "$(gets "/groups/$id/users")"
member=$(head -n 1 "$T/shown")
eq "H27: cat of one is the API's own" "$(api "groups/$id/users?page=1&per_page=100" | jq -S --arg id "${member#ID-}" '[.data[] | select("\(.id)" == $id)] | length')" \
    "$(t jq -s length "$tenant/group-members/${group%.json}/$member.json")"

# ---- H28, H29 skills ----
requests_clear
eq "H28: ls skills/ is as long as the API's list" "$(said skills .id | wc -l)" "$(t ls "$tenant/skills" | wc -l)"
skill=$(t ls "$tenant/skills" | head -n 1)
name=$(t jq -r .name "$tenant/skills/$skill")
eq "H29: cat of one is the API's own" "$(api "skills/${skill%.json}" | jq -r '(.data // .).name')" "$name"
eq "H29: its edit is refused: the API has none" EPERM "$(t jq '.name = "Other"' "$tenant/skills/$skill" | errno_of save "$tenant/skills/$skill")"
eq "H29: … and so is rm" EPERM "$(errno_of unlink "$tenant/skills/$skill")"

# ---- H4, H5 what people are assigned and wrote ----
person=$(t ls "$tenant/users" | grep '^EXT-' | sed -n 5p)
person=${person%.json}
for kind in assigned authored; do
    row=H4
    [ $kind = assigned ] || row=H5
    [ $kind = assigned ] || person=$(t grep -l '"user_type": "Admin"' "$tenant"/users/EXT-*.json | head -n 1 | sed 's|.*/||; s|\.json$||')
    said "users/$person/${kind}_contents" .hownow_id | sort >"$T/said"
    requests_clear
    t ls "$tenant/$kind-contents/$person" | sed 's/^ID-//; s/\.json$//' | sort >"$T/shown"
    eq "$row: ls $kind-contents/<user>/ is the API's list" "$(cat "$T/said")" "$(cat "$T/shown")"
    within "$row: … for its pages" 1 $((($(wc -l <"$T/said") + 100) / 100)) "$(gets "/${kind}_contents")"
done
eq "nothing was changed" 0 "$(requests '.method != "GET" and .path != "/token"')"
check "the daemon ends well" mount_stop
done_testing
