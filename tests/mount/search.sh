#!/usr/bin/env bash
# search/<collection>/<text>/: symlinks to what the LMS's own search finds.
. tests/lib/lib.sh

sandbox_start --users 700
conf_hownow 'trickle = no' 'crawl_limit = 100' 'record_ttl = 3600'
config_write
mount_start
tenant=$MNT/hownow
search=$tenant/search
token=$(hownow_token)
api() { # PATH - what the API itself says
    curl -s -H "Authorization: Bearer $token" "$URL/external/v1/$1"
}
api_ids() { # PATH PAGES - the ids of all rows in the API's order
    local page
    for page in $(seq 1 "$2"); do api "$1&per_page=100&page=$page"; done | jq -r '.data[] | .hownow_id // .id'
}
found_ids() { # DIRECTORY - the ids of what is found, in the order of the directory
    (cd "$1" && t ls -U | xargs -r timeout 60 jq -r '._readonly.id // .hownow_id // .id')
}

# ---- nothing is listed ----
eq "search/ is there and lists nothing" "" "$(t ls -A "$search")"
eq "a collection's directory lists nothing" "" "$(t ls -A "$search/users")"
eq "a collection that can't be searched isn't there" ENOENT "$(errno_of list "$search/lessons")"
eq "nor one that there isn't" ENOENT "$(errno_of list "$search/nothing")"
eq "Synap has no search" ENOENT "$(errno_of list "$MNT/synap/search")"
requests_clear
eq "naming a search asks nobody" OK "$(errno_of stat "$search/users/zo%C3%AB")"
eq "… and is a directory" directory "$(t stat -c %F "$search/users/q=nobody-at-all")"
t find "$search" >/dev/null
eq "find below search/ asks nobody" 0 "$(requests)"

# ---- users ----
text=$(api 'users?per_page=1' | jq -r '.data[0].name | split(" ")[0]')
total=$(api "users?per_page=1&q=$(jq -rn --arg t "$text" '$t | @uri')" | jq .meta.total_count)
requests_clear
eq "H2 ls search/users/<text>/ has as many as the API finds" "$total" "$(t ls "$search/users/$text" | wc -l)"
eq "… for the pages of the search" $(((total + 99) / 100)) "$(requests '.path | startswith("/external/v1/users?page=")')"
eq "… and nothing else" $(((total + 99) / 100)) "$(requests '.path != "/token"')"
uri=$(jq -rn --arg t "$text" '$t | @uri')
requests_clear
eq "they are the ones that the API finds, in its order" "$(api_ids "users?q=$uri" 1)" "$(found_ids "$search/users/$text")"
first=$(t ls -U "$search/users/$text" | head -n 1)
eq "each is a symlink" "symbolic link" "$(t stat -c %F "$search/users/$text/$first")"
eq "… to its record" "../../../users/$first" "$(t readlink "$search/users/$text/$first")"
eq "… of that length" "$(t readlink "$search/users/$text/$first" | tr -d '\n' | wc -c)" "$(t stat -c %s "$search/users/$text/$first")"
eq "a second look asks nobody" 0 "$(requests '.path | startswith("/external/v1/users?page=")')"
eq "who isn't found isn't there" ENOENT "$(errno_of stat "$search/users/q=nobody-at-all/$first")"
eq "search/users/q=<text>/ is the same" "$(t ls "$search/users/$text")" "$(t ls "$search/users/q=$uri")"
eq "who matches nobody finds an empty directory" "" "$(t ls "$search/users/nobody-at-all")"
like "the directory says when it was whole" '^complete 20' "$(xattr_of listing "$search/users/$text")"
everybody=$(api 'users?per_page=1' | jq .meta.total_count)
requests_clear
t ls "$search/users/q=@" >/dev/null
within "a search of several pages" 3 9 "$(requests '.path | contains("q=%40")')"
eq "… is whole" "$(api 'users?per_page=1&q=@' | jq .meta.total_count)" "$(t ls "$search/users/q=@" | wc -l)"

# ---- a search removes nobody, and lists nobody ----
eq "the listing of users is whole after the searches" "$everybody" "$(t ls "$tenant/users" | wc -l)"
before=$(t ls "$tenant/users" | md5sum)
t ls "$search/users/nobody-else" >/dev/null
eq "a search that finds nobody removes nobody" "$before" "$(t ls "$tenant/users" | md5sum)"

# ---- what can't be done there ----
for act in "unlink $search/users/$text/$first" "mkdir $search/users/$text/x" "create $search/users/$text/EXT-new.json" \
    "create $search/users/$text/.x.swp" "rmdir $search/users/$text" "symlink a $search/users/$text/a"; do
    # shellcheck disable=SC2086
    eq "${act%% *} below search/ is EPERM" EPERM "$(errno_of $act)"
done
eq "nothing was sent" 0 "$(requests '.method != "GET" and .path != "/token"')"
eq "a save through the symlink is a save of the record" OK "$(jq '.name = "Seen Twice"' "$search/users/$text/$first" >"$T/seen" && errno_of save "$search/users/$text/$first" <"$T/seen")"
eq "… the LMS has it" "Seen Twice" "$(t 60 "$LMSFS_BIN" wait "$tenant/users/$first" >/dev/null; state "hownow/users/EXT-$(jq -r .external_user_id "$tenant/users/$first")" | jq -r .name)"

# ---- the other collections and their filters ----
for row in 'job-roles a job_roles?q=a' 'groups o groups?search=o' 'groups search=o groups?search=o' 'skills e skills?q=e' \
    'skills q=e,sort_by=created_at,sort_order=desc skills?q=e&sort_by=created_at&sort_order=desc'; do
    read -r collection text path <<<"$row"
    ids=$(api_ids "$path" 1)
    like "$collection has something to find for $text" . "$ids"
    eq "search/$collection/$text/ finds what the API finds, in its order" "$ids" "$(found_ids "$search/$collection/$text")"
done

# ---- contents ----
requests_clear
path='contents/search?q=a&source=course&type=scorm&language=en&is_premium=true&sort_by=created_at&sort_order=asc'
all='q=a,source=course,type=scorm,language=en,is_premium=true,sort_by=created_at,sort_order=asc'
eq "H13 a search of contents with every filter" "$(api_ids "$path" 1)" "$(found_ids "$search/contents/$all")"
eq "… each filter reaches the API" 1 "$(requests ".path == \"/external/v1/contents/search?page=1&per_page=100&q=a&source=course&type=scorm&language=en&is_premium=true&sort_by=created_at&sort_order=asc\"")"
path='contents/search?source=course&type=nugget,event&sort_by=created_at&sort_order=desc'
n=$(api "$path&per_page=1" | jq .meta.total_count)
within "there are nuggets and events" 2 100000 "$n"
eq "several types with commas between them" "$n" "$(t ls "$search/contents/source=course,type=nugget,event,sort_by=created_at,sort_order=desc" | wc -l)"
one=$(t ls -U "$search/contents/source=course,type=nugget,event,sort_by=created_at,sort_order=desc" | head -n 1)
like "they stand in their source's directory" "^\.\./\.\./\.\./contents/.*course/$one\$" "$(t readlink "$search/contents/source=course,type=nugget,event,sort_by=created_at,sort_order=desc/$one")"
check "… and can be read there" jq -e .hownow_id "$search/contents/source=course,type=nugget,event,sort_by=created_at,sort_order=desc/$one"
eq "an alias of a source finds the source's own" "$(t ls "$search/contents/source=ted_talk" | head -n 5)" "$(t ls "$search/contents/source=ted_talk" | head -n 5)"
eq "a source's alias" "$(t ls -U "$search/contents/q=a,source=course" | md5sum)" "$(t ls -U "$search/contents/q=a,source=hownow" | md5sum)"

# ---- what belongs to somebody ----
person=$(t readlink "$tenant/users/ID-4.json")
person=${person%.json}
eq "H4 what somebody was assigned, by name" "$(api_ids 'users/ID-4/assigned_contents?q=a' 2)" "$(found_ids "$search/assigned-contents/user=$person,q=a")"
eq "H27 the managers of a group" "$(api_ids 'groups/11001/users?role=manager' 1)" "$(found_ids "$search/group-members/group=ID-11001,role=manager")"
eq "somebody whom nobody knows is ENOENT" ENOENT "$(errno_of list "$search/assigned-contents/user=EXT-nobody,q=a")"

# ---- what is no search ----
requests_clear
for bad in users/role=admin users/q= contents/colour=red contents/type=film contents/is_premium=yes contents/q=a,q=b \
    contents/page=2 users/q=%zz users/a%00 assigned-contents/fire group-members/role=admin; do
    eq "search/$bad is EINVAL" EINVAL "$(errno_of list "$search/$bad")"
done
eq "… and asks nobody" 0 "$(requests)"
like "lmsfs why says what there is" 'there is no filter colour; there are: q, search, source, type, language' "$(t "$LMSFS_BIN" why "$search/contents/colour=red" 2>&1)"

# ---- failures fail ----
fault '{"path": "GET /external/v1/users?page=1&per_page=100&q=broken", "status": 500, "count": 1}'
eq "a search that the LMS fails is an error" EIO "$(errno_of list "$search/users/broken")"
like "… and why has its words" 'Something went wrong' "$(t "$LMSFS_BIN" why "$search/users/broken" 2>&1)"
eq "… and asks again the next time" OK "$(errno_of list "$search/users/broken")"
many=$(jq -n '{data: [], meta: {page: 1, per_page: 100, total_pages: 101, total_count: 10001}}')
fault "{\"path\": \"GET /external/v1/contents/search?page=1&per_page=100&q=everything\", \"status\": 200, \"body\": $many}"
eq "past the search's window of 10,000 the listing fails" EFBIG "$(errno_of list "$search/contents/everything")"
like "… and says so" 'more than the 10000 that its search shows' "$(t "$LMSFS_BIN" why "$search/contents/everything" 2>&1)"
fault '{"path": "GET /external/v1/users?page=1&per_page=100&q=slow", "delay_ms": 60000}'
eq "waiting for a search can be interrupted" 124 "$(timeout -s INT 1 ls "$search/users/slow" >/dev/null 2>&1; echo $?)"
faults_clear
fault '{"path": "GET /external/v1/users?page=1&per_page=100&q=same", "delay_ms": 1500, "count": -1}'
requests_clear
for _ in 1 2 3 4 5; do t ls "$search/users/same" >/dev/null & done
# shellcheck disable=SC2046
wait $(jobs -p | grep -v "^$SANDBOX_PID$")
eq "five who ask for the same make one request" 1 "$(requests '.path | contains("q=same")')"
faults_clear

# ---- a name without its directory being listed, and who leaves ----
remount
requests_clear
text=$(jq -r .email "$tenant/users/$first")
eq "a symlink resolves without a listing" "Seen Twice" "$(t jq -r .name "$search/users/$text/$first")"
within "… by one search" 1 1 "$(requests '.path | contains("q=")')"
inode=$(t stat -c %i "$search/users/$text")
people_change hownow "{\"id\": \"EXT-$(jq -r .external_user_id "$tenant/users/$first")\", \"change\": \"deactivate\"}" >/dev/null 2>&1
t mv "$tenant/users/$(t ls "$tenant/users" | grep -v "^$first\$" | tail -n 1)" "$tenant/deactivated-users/" >/dev/null 2>&1
check "unmounting with searches in memory" mount_stop
mount_start
eq "a search has the same inode number after a remount" "$inode" "$(t stat -c %i "$search/users/$text")"

# ---- crawl_limit ----
sed -i 's/^crawl_limit = .*/crawl_limit = 3/' "$CONF"
remount
n=0
for i in 1 2 3 4 5; do [ "$(errno_of list "$search/users/crawl$i")" = EAGAIN ] && n=$((n + 1)); done
eq "more than crawl_limit searches in a minute are EAGAIN" 2 "$n"
done_testing
