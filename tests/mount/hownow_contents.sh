#!/usr/bin/env bash
# HowNow's contents: what people were assigned and have authored, the catalogue, lessons, and the small lists.
. tests/lib/lib.sh

sandbox_start --users 600
conf_hownow 'trickle = no' 'record_ttl = 1' 'crawl_limit = 1000'
config_write hownow
mount_start
tenant=$MNT/hownow meta=$MNT/hownow/metadata
token=$(hownow_token)
api() { # PATH - what the API itself says
    curl -s -H "Authorization: Bearer $token" "$URL/external/v1/$1"
}
read_only() { # TEXT FILE
    requests_clear
    eq "$1 can't be written" EPERM "$(printf '{}' | errno_of write "$2")"
    eq "… nor removed" EPERM "$(errno_of unlink "$2")"
    eq "… and nothing was sent" 0 "$(requests '.method != "GET"')"
}

# ---- the small lists ----
for list in 'H14 content-sources contents/sources' 'H15 content-types contents/types' 'H19 languages languages'; do
    read -r row name path <<<"$list"
    requests_clear
    eq "$row metadata/$name.json is the API's own list" "$(api "$path" | jq -S .)" "$(t jq -S . "$meta/$name.json")"
    eq "… one request" "GET /external/v1/$path 200" "$(requests_list '.path != "/token"' | sort -u)"
    t cat "$meta/$name.json" >"$T/again"
    t cat "$meta/$name.json" | cmp -s - "$T/again" || not_ok "$name.json reads the same twice"
done
read_only "content-sources.json" "$meta/content-sources.json"
eq "… nor is there anything else to make" EPERM "$(errno_of create "$meta/x.json")"
eq "H14, H15, H19: the folder holds those three" "content-sources.json content-types.json languages.json" "$(t ls "$meta" | xargs)"
eq "… and the tenant's directory the folder" metadata "$(t ls "$tenant" | grep -E 'metadata|content-(sources|types)|languages' | xargs)"
eq "… not the files" ENOENT "$(errno_of read "$tenant/languages.json")"
eq "… and no other ones" ENOENT "$(errno_of read "$meta/users.json")"
eq "the folder's .. is the tenant" "$(t stat -c %i "$tenant")" "$(t stat -c %i "$meta/..")"
like "lmsfs why knows the file by its path" 'hownow/metadata/languages.json' "$(t "$LMSFS_BIN" why "$meta/languages.json" 2>&1)"
requests_clear
check "lmsfs refresh asks for it anew" "$LMSFS_BIN" refresh "$meta/languages.json"
eq "… and for nothing else" "GET /external/v1/languages 200" "$(requests_list '.path != "/token"')"
numbers=$(t stat -c '%n %i' "$meta" "$meta"/*)
remount
eq "the folder and its files keep their inode numbers" "$numbers" "$(t stat -c '%n %i' "$meta" "$meta"/*)"
eq "… all different, and none the tenant's" 5 "$(t stat -c %i "$tenant" "$meta" "$meta"/* | sort -u | wc -l)"

# ---- H4 what a person was assigned ----
assigned=$tenant/assigned-contents
many=$(t readlink "$tenant/users/ID-4.json")
many=${many%.json}
eq "a person's directory is there for everybody" "$(t ls "$tenant/users" | wc -l)" "$(t ls "$assigned" | wc -l)"
requests_clear
total=$(api 'users/ID-4/assigned_contents' | jq .meta.total_count)
within "somebody was assigned more than a page" 101 200 "$total"
requests_clear
eq "H4 what somebody was assigned is listed whole" "$total" "$(t ls "$assigned/$many" | wc -l)"
eq "… page by page, by the person's id" $'GET /external/v1/users/ID-4/assigned_contents?page=1&per_page=100 200\nGET /external/v1/users/ID-4/assigned_contents?page=2&per_page=100 200' \
    "$(requests_list '.path | contains("assigned_contents")' | sort)"
like "the directory says that it is complete" '^complete 20' "$(xattr_of listing "$assigned/$many")"
first=$(api 'users/ID-4/assigned_contents?per_page=1' | jq -S '.data[0]')
one=$(jq -r .hownow_id <<<"$first").json
requests_clear
eq "a file is named by its hownow_id and is the API's object" "$first" "$(t jq -S . "$assigned/$many/$one")"
eq "… without a request" 0 "$(requests)"
read_only "an assigned content" "$assigned/$many/$one"
eq "a new one can't be made" EPERM "$(printf '{}' | errno_of save "$assigned/$many/new.json")"
eq "nobody's directory is ENOENT" ENOENT "$(errno_of list "$assigned/EXT-nobody")"
nothing=$(for i in $(seq 1 60); do [ "$(api "users/ID-$i/assigned_contents" | jq .meta.total_count)" = 0 ] && echo "$i" && break; done)
none=$(t readlink "$tenant/users/ID-$nothing.json")
eq "who was assigned nothing has an empty directory" "" "$(t ls "$assigned/${none%.json}")"

# ---- H5 what a person has authored ----
authored=$tenant/authored-contents
for i in $(seq 1 60); do
    author=$(t readlink "$tenant/users/ID-$i.json")
    works=$(state "hownow/users/ID-$i" | jq .authored_contents)
    [ -n "$author" ] && [ "$works" != 0 ] && break
done
author=${author%.json}
requests_clear
eq "H5 what somebody has authored is listed whole" "$works" "$(t ls "$authored/$author" | wc -l)"
eq "… with one request" "GET /external/v1/users/ID-$i/authored_contents?page=1&per_page=100 200" "$(requests_list '.path | contains("authored_contents")')"
work=$(t ls "$authored/$author" | head -n 1)
eq "a file is the API's object" "$(api "users/ID-$i/authored_contents" | jq -S --arg id "${work%.json}" '.data[] | select(.hownow_id == $id)')" "$(t jq -S . "$authored/$author/$work")"
read_only "an authored content" "$authored/$author/$work"

# ---- H13, H14, H17 the catalogue, a directory a source ----
contents=$tenant/contents
eq "H14 ls contents/ shows the sources" "$(api contents/sources | jq -r '.data[].id' | sort)" "$(t ls "$contents")"
requests_clear
eq "H13 a source's contents are listed whole" 230 "$(t ls "$contents/udemy_course" | wc -l)"
eq "… page by page, without a query" 3 "$(requests '.path | startswith("/external/v1/contents/search?source=udemy_course&sort_by=created_at&sort_order=asc&page=")')"
eq "… and nothing else" 3 "$(requests)"
eq "a source without contents is an empty directory" "" "$(t ls "$contents/linkedin_course")"
eq "a source that there isn't is ENOENT" ENOENT "$(errno_of list "$contents/netflix")"
eq "the tenant's own are as many as the API says" "$(api 'contents/search?per_page=1' | jq .meta.total_count)" "$(t ls "$contents/course" | wc -l)"
course=$(api 'contents/search?type=course&per_page=1' | jq -r '.data[0].hownow_id')
requests_clear
eq "H17 reading one fetches its sections" "$(api "contents/$course/details" | jq -S .data)" "$(t jq -S . "$contents/course/$course.json")"
eq "… with one request" "GET /external/v1/contents/$course/details 200" "$(requests_list '.path | contains("/details")' | sort -u)"
eq "grep -r finds a content by its name" OK "$(t grep -rlq "$(t jq -r .name "$contents/course/$course.json" | tr -d '"\\')" "$contents/course" && echo OK)"
requests_clear
eq "a content of a source that wasn't listed is read by its name" feed_articles_63011 "$(t jq -r .hownow_id "$contents/feed_articles/feed_articles_63011.json")"
eq "… its row when it is named (H16), its detail when it is opened (H17)" \
    $'GET /external/v1/contents/feed_articles_63011 200\nGET /external/v1/contents/feed_articles_63011/details 200' "$(requests_list)"
eq "… as the API has it" "$(api contents/feed_articles_63011/details | jq -S .data)" "$(t jq -S . "$contents/feed_articles/feed_articles_63011.json")"
eq "one that there isn't is ENOENT" ENOENT "$(errno_of read "$contents/feed_articles/feed_articles_63012.json")"
requests_clear
eq "one of another source is ENOENT" ENOENT "$(errno_of read "$contents/feed_articles/$course.json")"
eq "… and asks nobody" 0 "$(requests)"
read_only "a content" "$contents/course/$course.json"
fault '{"path": "GET /external/v1/contents/search*", "status": 401, "body": {"error_message": "Unauthorized"}, "count": 10}'
eq "a source that the LMS refuses to list fails, and isn't empty" EACCES "$(errno_of list "$contents/hownow_plus")"
faults_clear

# ---- H18 lessons ----
lessons=$tenant/lessons
lesson=$(t jq -r '.sections[0].lessons[0].id' "$contents/course/$course.json")
eq "the directory of lessons shows what is known" known-only "$(xattr_of listing "$lessons")"
eq "… and none is known yet" "" "$(t ls "$lessons")"
requests_clear
eq "H18 a lesson is read by its number" "$lesson" "$(t jq -r .id "$lessons/$lesson.json")"
eq "… with one request" "GET /external/v1/lesson/$lesson/details 200" "$(requests_list)"
eq "… and is listed from then on" "$lesson.json" "$(t ls "$lessons")"
like "the API signs the address" 'X-Amz-Signature' "$(api "lesson/$lesson/details")"
eq "the file has it without the signature, which dies in 90 s" 0 "$(t grep -c 'X-Amz' "$lessons/$lesson.json")"
like "… and with what stands before it" 'https://files.example.org/lessons/' "$(t jq -r '.contents[0].file_url' "$lessons/$lesson.json")"
t stat -c '%s %Y' "$lessons/$lesson.json" >"$T/was"
t cat "$lessons/$lesson.json" >"$T/lesson"
sleep 2.1
requests_clear
eq "another signature gives the same bytes" "$(cat "$T/lesson")" "$(t cat "$lessons/$lesson.json")"
eq "… though it was asked for again" 1 "$(requests)"
eq "… and the same size and time" "$(cat "$T/was")" "$(t stat -c '%s %Y' "$lessons/$lesson.json")"
eq "a lesson that there isn't is ENOENT" ENOENT "$(errno_of read "$lessons/1.json")"
read_only "a lesson" "$lessons/$lesson.json"

# ---- the names last ----
t find "$contents/udemy_course" "$assigned/$many" -printf '%f %i %s %T@\n' | sort >"$T/before"
remount
requests_clear
t ls "$contents/udemy_course" "$assigned/$many" >/dev/null
t find "$contents/udemy_course" "$assigned/$many" -printf '%f %i %s %T@\n' | sort >"$T/after"
eq "inode numbers, sizes and times are the same after a remount" "$(grep json "$T/before" | md5sum)" "$(grep json "$T/after" | md5sum)"
eq "… and the lists are not asked for again" 0 "$(requests '.path | contains("search")')"
done_testing
