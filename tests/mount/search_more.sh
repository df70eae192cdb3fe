#!/usr/bin/env bash
# search/ where the list's own filters are all the search there is: AVIA, whose pages give no total, and Thrive.
. tests/lib/lib.sh

sandbox_start --avia-users 330 --thrive-users 60
conf_avia 'trickle = no' 'crawl_limit = 100' 'record_ttl = 3600' 'list_ttl = 3600' 'removal_grace = 0'
conf_thrive 'trickle = no' 'record_ttl = 3600' 'list_ttl = 3600'
config_write avia thrive
mount_start
avia=$MNT/avia thrive=$MNT/thrive found=$MNT/avia/search/users
api=/wp-json/avia/hr/v1
ask() { # PATH - what AVIA's API itself says
    curl -s -H 'Authorization: Bearer sandbox-avia-token' "$URL$api/$1"
}
rows='if type == "array" then . else .[] end'
ids() { jq -r "$rows | .[] | .ID"; }
of_role() { # ROLE - the ids of all of that role in the API's order
    local page
    for page in 1 2 3 4; do ask "user?page=$page&per_page=100&role=$1" | ids; done
}
found_ids() { # DIRECTORY - the ids of what is found, in the order of the directory
    (cd "$1" && t ls -U | sed 's/^ID-\(.*\)\.json$/\1/')
}
pages() { # ROLE - of which pages were asked for, in their order
    requests_list ".path | startswith(\"$api/user?page=\") and endswith(\"role=$1\")" | sed 's/.*[?]page=\([0-9]*\).*/\1/' | xargs
}
reply() { # PATH JQ [COUNT [PAGE]] - AVIA answers with what JQ makes of a full page of people
    ask "user?page=${4:-1}&per_page=100&role=user" | jq -c --arg p "$1" --argjson n "${3:-1}" "{path: \$p, count: \$n, status: 200, body: ($2)}" >"$T/fault"
    sandbox_curl faults -X POST -H 'Content-Type: application/json' --data-binary @"$T/fault" >/dev/null
}
why() { t "$LMSFS_BIN" why "$@" 2>&1; }

# ---- A12: groups by their title ----
ask 'groups?search=s' | ids >"$T/groups"
within "there are groups to find" 2 100 "$(wc -l <"$T/groups")"
requests_clear
eq "A12 ls search/groups/<text>/ finds what the API finds" "$(cat "$T/groups")" "$(found_ids "$avia/search/groups/s")"
eq "… by one request, for groups come in one piece" "GET $api/groups?search=s 200" "$(requests_list)"
requests_clear
eq "A12 a title with a blank, in another case" "Fire safety" "$(t jq -r .title "$avia/search/groups/FIRE safety"/*.json)"
eq "A12 a title that isn't ASCII, by its filter's name" "Nýliðar" "$(t jq -r .title "$avia/search/groups/search=ný"/*.json)"
like "… went out percent-encoded" '/groups\?search=n%C3%BD 200' "$(requests_list)"
eq "a group is a symlink to its record" "../../../groups/ID-$(head -n 1 "$T/groups").json" "$(t readlink "$avia/search/groups/s/ID-$(head -n 1 "$T/groups").json")"
eq "a title that no group has finds nothing" "" "$(t ls "$avia/search/groups/nobody%2C at all")"

# ---- A12: people by role, without a total ----
of_role user >"$T/of-user"
eq "there are three pages of people" 297 "$(wc -l <"$T/of-user")"
requests_clear
eq "A12 ls search/users/role=user/ finds what the API finds" "$(sort -n "$T/of-user")" "$(found_ids "$found/role=user" | sort -n)"
eq "… in its order" "$(cat "$T/of-user")" "$(found_ids "$found/role=user")"
eq "… and a second pass confirms the first" "1 2 3 1 2 3" "$(pages user)"
eq "… and nothing else is asked for" 6 "$(requests)"
requests_clear
eq "A12 role=group_leader" "$(of_role group_leader)" "$(found_ids "$found/role=group_leader")"
requests_clear
eq "A12 role=admin" "$(of_role admin | wc -l)" "$(t ls "$found/role=admin" | wc -l)"
requests_clear
t ls "$found/role=admin" >/dev/null
eq "what was found is shown again without a request" 0 "$(requests)"
requests_clear
for bad in role=film name=x jane role=user,role=admin; do
    eq "search/users/$bad is EINVAL" EINVAL "$(errno_of list "$found/$bad")"
done
eq "… and asks nobody" 0 "$(requests)"
eq "what is found can be read" 1 "$(t jq -r '.role' "$found/role=user/ID-$(head -n 1 "$T/of-user").json" | grep -c '^user$')"

# ---- passes that differ ----
remount
reply "GET $api/user[?]page=2&*role=user" '.[:40]'
requests_clear
eq "a pass that came short" "$(cat "$T/of-user")" "$(found_ids "$found/role=user")"
eq "… is found out by the second, and a third confirms that" "1 2 1 2 3 1 2 3" "$(pages user)"
remount
for n in 1 2 3 4; do reply "GET $api/user[?]page=1&*role=all" ".[$n:] + .[:$n]"; done
requests_clear
eq "four passes that all differ are an error" EAGAIN "$(errno_of list "$found/role=all")"
like "… that says so" 'avia/search/users/role=all changed while it was read' "$(why "$found/role=all")"
faults_clear
eq "… and not for ever" OK "$(errno_of list "$found/role=all")"

# ---- pages that repeat for ever ----
t ls "$avia/users" >"$T/everybody"
eq "the listing has everybody" 330 "$(wc -l <"$T/everybody")"
remount
reply "GET $api/user[?]*role=user" . -1
requests_clear
eq "a search whose every page is the first one is an error" EPROTO "$(errno_of list "$found/role=user")"
eq "… found out at its second page" "1 2" "$(pages user)"
like "… that names it" 'avia/search/users/role=user page 2: page 2 is page 1 over again' "$(why "$found/role=user")"
faults_clear
reply "GET $api/user[?]page=[2468]&*role=user" . -1 2
reply "GET $api/user[?]page=[13579]&*role=user" . -1
requests_clear
eq "so is one whose pages come round again" EPROTO "$(errno_of list "$found/role=user")"
eq "… found out when its pages have doubled" "1 2 3 4" "$(pages user)"
like "… that names it" 'avia/search/users/role=user.*repeat' "$(why "$found/role=user")"
faults_clear
reply "GET $api/user[?]*role=all" . -1
requests_clear
like "a list whose every page is the first one fails" 'avia/users.*repeat' "$(t 60 "$LMSFS_BIN" refresh "$avia/users" 2>&1)"
eq "… found out at its second page" "1 2" "$(pages all)"
eq "… and hides nobody" "$(cat "$T/everybody")" "$(t ls "$avia/users")"
faults_clear
check "when it is over the listing is whole" "$LMSFS_BIN" refresh "$avia/users"
eq "… as it was" "$(cat "$T/everybody")" "$(t ls "$avia/users")"

# ---- T5: Thrive's status ----
for status in active inactive expired new; do
    state thrive/users | jq -r --arg s "$status" '.users[] | select(.status == $s) | "EXT-\(.ref).json"' | sort >"$T/thrive-$status"
    within "there is somebody $status" 1 60 "$(wc -l <"$T/thrive-$status")"
    requests_clear
    eq "T5 search/users/status=$status/ finds who is" "$(cat "$T/thrive-$status")" "$(t ls "$thrive/search/users/status=$status" | sort)"
    eq "… by one request" "GET /rest/v1/users?page=1&perPage=1000&status=$status 200" "$(requests_list)"
done
one=$(head -n 1 "$T/thrive-inactive")
eq "who is suspended stands in the bin" "../../../deactivated-users/$one" "$(t readlink "$thrive/search/users/status=inactive/$one")"
eq "… and can be read there" inactive "$(t jq -r ._readonly.status "$thrive/search/users/status=inactive/$one")"
requests_clear
eq "T5 several filters at once" "$(cat "$T/thrive-new")" "$(t ls "$thrive/search/users/status=new,updatedSince=2001-01-01T00:00:00Z" | sort)"
like "… both reach the API" 'status=new&updatedSince=2001-01-01T00%3A00%3A00Z 200' "$(requests_list)"
eq "… where nobody changed nobody is found" "" "$(t ls "$thrive/search/users/status=new,updatedSince=2037-01-01T00:00:00Z")"
requests_clear
for bad in status=gone jane updatedSince= status=; do
    eq "Thrive search/users/$bad is EINVAL" EINVAL "$(errno_of list "$thrive/search/users/$bad")"
done
eq "… and asks nobody" 0 "$(requests)"
eq "searches list nobody: the listing has everybody" 60 "$(t ls "$thrive/users" "$thrive/deactivated-users" | grep -c '^EXT-')"
check "unmounting" mount_stop
done_testing
