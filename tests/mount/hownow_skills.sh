#!/usr/bin/env bash
# HowNow: reviews of people's skills, which it only takes. Each request has its job: what fails late takes back its own part and no more.
. tests/lib/lib.sh

sandbox_start --users 40 --job-seconds 0.3
conf_hownow 'removal_grace = 1' 'trickle = no'
config_write hownow
for who in pat mel boss other; do
    people_change hownow "{\"op\": \"add\", \"id\": \"EXT-$who\", \"set\": {\"name\": \"Invented $who\", \"email\": \"$who@skills.example\", \"user_type\": \"Admin\"}}" >/dev/null
done
mount_start
dir=$MNT/hownow/user-skills file=$MNT/hownow/user-skills/EXT-pat.json
read -r a b c <<<"$(t ls "$MNT/hownow/skills" | sed -n 's/^EXT-\(.*\)\.json$/\1/p' | head -3 | tr '\n' ' ')"
[ -n "$c" ] || bail "three skills have an external id" "$(t ls "$MNT/hownow/skills" | head)"
posts='.method == "POST" and (.path | endswith("/skills"))'
deletes='.method == "DELETE" and (.path | endswith("/skills"))'
writes='.path | endswith("/skills")'
# What the LMS has: skill, reviewer, level.
has() { state "hownow/user-skills/${1:-EXT-pat}" | jq -c '[.reviews[] | "\(.skill.external_id) \(.reviewer) \(.level)"] | sort | join(",")' | tr -d '"'; }
has_all() { printf '%s\n' "$@" | sort | paste -sd, -; }
state_is() { [ "$(xattr_of state "$file")" = "$1" ]; }
shown() { t jq -Sc '.skills' "$file"; }
settled() { check "$1: the jobs end" wait_until 20 state_is clean; }
jobs_over() { ! state hownow/jobs | jq -e '.jobs[] | select(.status == "in_progress")' >/dev/null && ! state_is pending; }

# ---- H10 ----
eq "nobody is listed at first" "" "$(t ls "$dir")"
eq "… for only what is known is" known-only "$(xattr_of listing "$dir")"
requests_clear
eq "H10 saving EXT-<user>.json" OK "$(echo "{\"skills\": [{\"skill_id\": \"EXT-$a\", \"proficiency_level\": 3}, {\"skill_id\": \"EXT-$b\", \"proficiency_level\": 4, \"reviewer_id\": \"EXT-boss\"}]}" | errno_of save "$file")"
eq "… is one POST of the reviews" "{\"skills\":[{\"proficiency_level\":3,\"skill_id\":\"EXT-$a\"},{\"proficiency_level\":4,\"reviewer_id\":\"EXT-boss\",\"skill_id\":\"EXT-$b\"}]}" "$(requests_bodies "$posts")"
eq "… to the user" "POST /external/v1/users/EXT-pat/skills 201" "$(requests_list "$writes")"
like "… with its job" '^[0-9a-f-]{36}$' "$(xattr_of job "$file")"
settled H10
eq "… the LMS has them" "$(has_all "$a pat 3" "$b boss 4")" "$(has)"
eq "… and the directory lists the user" EXT-pat.json "$(t ls "$dir")"
requests_clear
t cat "$file" >"$T/same.json"
check "saving what is there" cp "$T/same.json" "$file"
eq "… sends nothing" 0 "$(requests "$writes")"
check "H10 a level changed" sh -c "jq '.skills[0].proficiency_level = 5' '$T/same.json' >'$T/x' && cp '$T/x' '$file'"
eq "… sends that review only" "{\"skills\":[{\"proficiency_level\":5,\"skill_id\":\"EXT-$a\"}]}" "$(requests_bodies "$writes")"
settled "a level"
requests_clear
eq "H10 the same skill by another reviewer" OK "$(echo "{\"skills\": [{\"skill_id\": \"EXT-$a\", \"proficiency_level\": 1, \"reviewer_id\": \"EXT-boss\"}]}" | errno_of save "$file")"
settled "another reviewer"
eq "… is a review more: what a partial document doesn't name stays" "$(has_all "$a pat 5" "$a boss 1" "$b boss 4")" "$(has)"

# ---- trap: skill_id and external_skill_id ----
requests_clear
eq "trap: external_skill_id, without EXT-, is the same skill" OK "$(echo "{\"skills\": [{\"external_skill_id\": \"$b\", \"proficiency_level\": 2, \"reviewer_id\": \"EXT-boss\"}]}" | errno_of save "$file")"
settled trap
eq "… so the review is changed, and no other is made" "$(has_all "$a pat 5" "$a boss 1" "$b boss 2")" "$(has)"
eq "… sent as skill_id" "{\"skills\":[{\"proficiency_level\":2,\"reviewer_id\":\"EXT-boss\",\"skill_id\":\"EXT-$b\"}]}" "$(requests_bodies "$writes")"
requests_clear
refused() { # TEXT WORDS DOCUMENT [NAME]
    eq "$1 is refused" EINVAL "$(printf '%s' "$3" | errno_of save "$dir/${4:-EXT-pat.json}")"
    like "… and why says so" "$2" "$(t "$LMSFS_BIN" why "$dir/${4:-EXT-pat.json}")"
}
refused "trap: both names, of two skills" 'two skills' "{\"skills\": [{\"skill_id\": \"EXT-$a\", \"external_skill_id\": \"$b\", \"proficiency_level\": 2}]}"
refused "a review twice" 'twice' "{\"skills\": [{\"skill_id\": \"EXT-$a\", \"proficiency_level\": 2}, {\"external_skill_id\": \"$a\", \"proficiency_level\": 3}]}"
refused "level 6" 'from 1 to 5' "{\"skills\": [{\"skill_id\": \"EXT-$a\", \"proficiency_level\": 6}]}"
refused "a review without its skill" 'has no skill_id' '{"skills": [{"proficiency_level": 2}]}'
refused "a name that is no user's" 'EXT-<external id>' "{\"skills\": [{\"skill_id\": \"EXT-$a\", \"proficiency_level\": 2}]}" pat.json
eq "… and nothing of these was sent" 0 "$(requests "$writes")"

# ---- H11 ----
without() { t jq "del(.skills[] | select($1))" "$file" >"$T/x"; }
by() { requests_list "$deletes" >/dev/null; sandbox_curl 'requests?limit=1000000' | jq -r ".requests[] | select($deletes) | .user"; }
without '.reviewer_id == null'
check "H11 one's own review removed" cp "$T/x" "$file"
eq "… is a DELETE of it" "{\"skills\":[{\"skill_id\":\"EXT-$a\"}]}" "$(requests_bodies "$deletes")"
eq "… by the user: X-User-Id" EXT-pat "$(by)"
settled "H11 one's own"
eq "… and it is gone" "$(has_all "$a boss 1" "$b boss 2")" "$(has)"
requests_clear
without ".skill_id == \"EXT-$a\""
check "H11 a reviewer's removed" cp "$T/x" "$file"
eq "… names the reviewer" "{\"skills\":[{\"reviewer_id\":\"EXT-boss\",\"skill_id\":\"EXT-$a\"}]}" "$(requests_bodies "$deletes")"
eq "… who removes it: X-User-Id" EXT-boss "$(by)"
settled "H11 a reviewer's"
eq "… and it is gone too" "$(has_all "$b boss 2")" "$(has)"

# ---- several requests of one save, each with its job ----
three() { # own, boss's and mel's
    echo "{\"skills\": [{\"skill_id\": \"EXT-$a\", \"proficiency_level\": 1}, {\"skill_id\": \"EXT-$b\", \"proficiency_level\": 2, \"reviewer_id\": \"EXT-boss\"}, {\"skill_id\": \"EXT-$c\", \"proficiency_level\": 3, \"reviewer_id\": \"EXT-mel\"}]}" | errno_of save "$file"
}
eq "three reviewers' reviews" OK "$(three)"
settled "three reviewers"
requests_clear
t jq "(.skills[] | select(.reviewer_id == \"EXT-boss\")).reviewer_id = \"EXT-other\" | del(.skills[] | select(.reviewer_id == \"EXT-mel\"))" "$file" >"$T/x"
check "H10, H11 added and removed at once" cp "$T/x" "$file"
eq "… is a POST and a DELETE for each reviewer" "POST DELETE DELETE" "$(sandbox_curl 'requests?limit=1000000' | jq -r "[.requests[] | select($writes) | .method] | join(\" \")")"
eq "… by each of them" "EXT-boss EXT-mel" "$(by | sort | paste -sd' ' -)"
check "… all their jobs end" wait_until 20 jobs_over
eq "… as it was saved" "$(has_all "$a pat 1" "$b other 2")" "$(has)"
eq "… and so it is shown" "[\"EXT-other\",null]" "$(t jq -c '[.skills[].reviewer_id] | sort_by(. == null)' "$file")"

eq "three reviewers' reviews again" OK "$(three)"
settled "three again"
jobs_change '{"fail_next": "The taxonomy is being rebuilt"}' >/dev/null
t jq ".skills |= map(select(.reviewer_id == null or .reviewer_id == \"EXT-mel\"))" "$file" >"$T/x"
check "the first of two removals will fail in its job" cp "$T/x" "$file"
check "… when both are over" wait_until 20 jobs_over
like "… why has the LMS's words" 'taxonomy is being rebuilt' "$(t "$LMSFS_BIN" why "$file")"
agree() { [ "$(t jq -r '[.skills[] | "\(.skill_id[4:]) \(.reviewer_id // "EXT-pat" | .[4:]) \(.proficiency_level)"] | sort | join(",")' "$file")" = "$(has)" ]; }
check "… and the file shows what the LMS has: each job stands for its own part" wait_until 20 agree
eq "… which is one removal less" 3 "$(t jq '.skills | length' "$file")"
fault "{\"path\": \"DELETE /external/v1/users/*\", \"status\": 422, \"body\": {\"errors\": \"Expertise is locked\"}}"
t jq "del(.skills[] | select(.reviewer_id == \"EXT-mel\")) | .skills += [{\"skill_id\": \"EXT-$c\", \"proficiency_level\": 5}]" "$file" >"$T/x"
eq "a part that is refused outright fails the save" EINVAL "$(errno_of save "$file" <"$T/x")"
faults_clear
check "… the part before it is over" wait_until 20 jobs_over
check "… and the file shows what the LMS has" wait_until 20 agree
like "… the added review" "$c pat 5" "$(has)"
like "… beside the one that stays" "$c mel 3" "$(has)"

# ---- the ledger is what remembers ----
before=$(shown)
mount_stop || bail "unmounting"
rm -rf "$CACHE/cache"
mount_start
t ls "$dir" >/dev/null
eq "a cache that was begun anew shows the same" "$before" "$(shown)"

# ---- H11: rm ----
requests_clear
check "H11 rm" rm "$file"
none() { [ -z "$(has)" ]; }
check "… removes all of the reviews, with no allow_delete" wait_until 30 none
eq "… by each reviewer" "$(t true; by | sort -u | wc -l)" "$(requests "$deletes")"
not_there() { ! t test -e "$file"; }
check "… and the file is gone" wait_until 20 not_there
eq "… from the listing too" "" "$(t ls "$dir")"
eq "saved again" OK "$(three)"
settled "saved again"
eq "… they are there again" "$(has_all "$a pat 1" "$b boss 2" "$c mel 3")" "$(has)"
check "it unmounts" mount_stop
done_testing
