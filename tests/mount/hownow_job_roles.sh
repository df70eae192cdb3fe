#!/usr/bin/env bash
# HowNow's job roles can be made, changed and deleted; its skills only made.
. tests/lib/lib.sh

sandbox_start --users 60 --job-seconds 0.3
conf_hownow 'removal_grace = 1' 'trickle = no' 'allow_delete = job-roles'
config_write hownow
mount_start
roles=$MNT/hownow/job-roles skills=$MNT/hownow/skills users=$MNT/hownow/users
posts='(.method == "POST") and (.path == "/external/v1/job_roles")'
deletes='.method == "DELETE"'
writes='(.method != "GET") and (.path != "/token")'
edit() { # FILE JQ-FILTER
    t jq "$2" "$1" >"$T/edited.json" && errno_of save "$1" <"$T/edited.json"
}
role_state() { state "hownow/job-roles/$1" | jq -c ".data$2"; }
before=$(t ls "$roles" | wc -l)

# ---- reading ----
file=$roles/EXT-JR-018.json
eq "H20 the list holds the roles" 40 "$before"
eq "H21 a role's skills are written as the API takes them" '["skill_id","target_rating"]' "$(t jq -c '.skills[0] | keys' "$file")"
eq "… all of them" 8 "$(t jq '.skills | length' "$file")"
like "… and what else it says stands in _readonly" 'ai_generated' "$(t jq -c ._readonly.skills "$file")"
t cat "$file" >"$T/same.json"
requests_clear
check "saving what is there" cp "$T/same.json" "$file"
eq "… sends nothing" 0 "$(requests "$writes")"

# ---- H22 create ----
requests_clear
printf '{"name": "Night Nurse", "description": "Nights.", "external_id": "nn-1", "skills": [{"skill_id": "ID-360", "target_rating": 5}, {"skill_id": "EXT-SKL-001", "target_rating": 3}]}' >"$T/new.json"
check "H22 saving new.json creates a job role" cp "$T/new.json" "$roles/new.json"
eq "… with one POST" 1 "$(requests "$writes")"
eq "… that holds the document" "$(jq -Sc . "$T/new.json")" "$(requests_bodies "$posts")"
eq "new.json leads to the record" EXT-nn-1.json "$(t readlink "$roles/new.json")"
eq "one more is listed" $((before + 1)) "$(t ls "$roles" | grep -c '^EXT-\|^ID-')"
eq "the LMS has it" '"Night Nurse"' "$(role_state EXT-nn-1 .name)"
eq "… with its skills" '[[360,5],[371,3]]' "$(role_state EXT-nn-1 '.skills | map([.id, .target_rating])')"
nn=$roles/EXT-nn-1.json
eq "skills are shown by the server's own ids" '["ID-360","ID-371"]' "$(t jq -c '[.skills[].skill_id]' "$nn")"
requests_clear
check "a name with an external id creates too" sh -c "printf '{\"name\": \"Porter\"}' >'$roles/EXT-porter.json'"
eq "… and is that id" '{"external_id":"porter","name":"Porter"}' "$(requests_bodies "$posts")"
check "a role without an external id" sh -c "printf '{\"name\": \"Cook of the day\"}' >'$roles/new-cook.json'"
cook=$(t readlink "$roles/new-cook.json")
like "… is named by its number" '^ID-[0-9]+\.json$' "$cook"
requests_clear
refused() { # TEXT ERRNO WORDS DOCUMENT
    eq "$1 is refused" "$2" "$(printf '%s' "$4" | errno_of save "$roles/new-bad.json")"
    like "… and why says so" "$3" "$(t "$LMSFS_BIN" why "$roles/new-bad.json")"
}
refused "a role without a name" EINVAL 'name' '{"description": "x"}'
refused "a name of 101 characters" EINVAL 'name has 101 characters' "{\"name\": \"$(printf 'x%.0s' {1..101})\"}"
refused "a description of 251" EINVAL 'description has 251 characters' "{\"name\": \"x\", \"description\": \"$(printf 'x%.0s' {1..251})\"}"
refused "a rating of 6" EINVAL 'target_rating must be a whole number from 1 to 5' '{"name": "x", "skills": [{"skill_id": "ID-360", "target_rating": 6}]}'
refused "a skill without its prefix" EINVAL 'skill_id must be' '{"name": "x", "skills": [{"skill_id": "360", "target_rating": 1}]}'
refused "a key that the API doesn't document" EINVAL 'users_count' '{"name": "x", "users_count": 7}'
eq "nothing of these was sent" 0 "$(requests "$writes")"
refused "a name that is taken" EINVAL 'Name has already been taken' '{"name": "Night Nurse"}'
refused "a skill that doesn't exist" EINVAL 'Skill not found' '{"name": "x", "skills": [{"skill_id": "EXT-nothing", "target_rating": 1}]}'

# ---- H23 update ----
requests_clear
eq "H23 a new description" OK "$(edit "$nn" '.description = "All nights."')"
eq "… is one PUT with it alone" '{"description":"All nights."}' "$(requests_bodies "$writes")"
eq "… that the LMS has" '"All nights."' "$(role_state EXT-nn-1 .description)"
requests_clear
eq "a skill more, one less" OK "$(edit "$nn" '.skills = [.skills[] | select(.skill_id != "ID-360")] + [{skill_id: "ID-382", target_rating: 2}]')"
eq "… say what to add and what to remove" '{"add_skills":[{"skill_id":"ID-382","target_rating":2}],"remove_skills":["ID-360"]}' "$(requests_bodies "$writes")"
eq "… as the LMS has it" '[[371,3],[382,2]]' "$(role_state EXT-nn-1 '.skills | map([.id, .target_rating])')"
requests_clear
eq "another rating" OK "$(edit "$nn" '(.skills[] | select(.skill_id == "ID-371") | .target_rating) = 5')"
eq "… takes the skill off and puts it on again" $'{"remove_skills":["ID-371"]}\n{"add_skills":[{"skill_id":"ID-371","target_rating":5}]}' "$(requests_bodies "$writes")"
eq "… as the LMS has it" '[[371,5],[382,2]]' "$(role_state EXT-nn-1 '.skills | map([.id, .target_rating]) | sort')"
requests_clear
eq "another rating beside a skill that doesn't exist" EINVAL "$(edit "$nn" '(.skills[] | select(.skill_id == "ID-371") | .target_rating) = 1 | .skills += [{skill_id: "EXT-nothing", target_rating: 1}]')"
eq "… is refused before anything is taken off" '[[371,5],[382,2]]' "$(role_state EXT-nn-1 '.skills | map([.id, .target_rating]) | sort')"
eq "… by the one PUT that went out" 1 "$(requests "$writes")"
requests_clear
eq "a name can't change" EINVAL "$(edit "$nn" '.name = "Day Nurse"')"
like "… and why says so" "name can't change" "$(t "$LMSFS_BIN" why "$nn")"
eq "an external id neither" EINVAL "$(edit "$nn" '.external_id = "nn-2"')"
eq "a role without one can't be given one" EINVAL "$(edit "$roles/$cook" '.external_id = "cook"')"
eq "a description can't be cleared" EINVAL "$(edit "$nn" '.description = null')"
eq "what the server counts can't be written" EINVAL "$(edit "$nn" '._readonly.users_count = 9')"
eq "31 skills are refused" EINVAL "$(edit "$nn" '.skills = [range(31) | {skill_id: "ID-\(360 + . * 11)", target_rating: 1}]')"
eq "… and nothing of it was sent" 0 "$(requests "$writes")"

# ---- people have roles ----
someone=$(t ls "$users" | sed -n 30p)
check "a person gets the new role" sh -c "printf '{\"job_role\": {\"id\": \"EXT-nn-1\"}}' >'$users/$someone'"
check "… when its job is over" cat "$MNT/hownow/jobs/last.json"
eq "the LMS counts the role's people" 1 "$(role_state EXT-nn-1 .users_count)"
check "the listing is read again" "$LMSFS_BIN" refresh "$roles"
eq "… and shows the count" 1 "$(wait_until 10 eval '[ "$(t jq ._readonly.users_count "$nn")" = 1 ]'; t jq ._readonly.users_count "$nn")"

# ---- H24 delete ----
requests_clear
check "H24 rm deletes a job role, where allow_delete says so" rm "$nn"
check "… after the grace" "$LMSFS_BIN" wait "$nn"
eq "… with one DELETE and no body" "DELETE /external/v1/job_roles/ID-9121 200 null" "$(requests_list "$deletes") $(requests_bodies "$deletes")"
eq "the LMS has it no more" 404 "$(curl -s -o /dev/null -w '%{http_code}' "$URL/_sandbox/state/hownow/job-roles/EXT-nn-1")"
eq "the name is gone" ENOENT "$(errno_of read "$nn")"
eq "the others are there" $((before + 2)) "$(t ls "$roles" | grep -c '^EXT-\|^ID-')"
requests_clear
fault '{"path": "DELETE /external/*", "status": 403, "body": {"error_message": "You are not authorized to perform this action"}}'
check "a deletion that the LMS refuses" rm "$roles/$cook"
not "$LMSFS_BIN" wait "$roles/$cook" 2>/dev/null
eq "… gives the name back" 1 "$(wait_until 10 test -e "$roles/$cook"; t ls "$roles" | grep -c "^$cook")"
like "… and why has its words" 'not authorized to perform' "$(t "$LMSFS_BIN" why "$roles/$cook")"
faults_clear

# ---- H30 skills ----
requests_clear
printf '{"name": "Night watch", "external_id": "SKL-NIGHT"}' >"$T/skill.json"
check "H30 saving new.json creates a skill" cp "$T/skill.json" "$skills/new.json"
eq "… with one POST of it" "$(jq -Sc . "$T/skill.json")" "$(requests_bodies "$writes")"
eq "… and it is listed under its name" EXT-SKL-NIGHT.json "$(t readlink "$skills/new.json")"
eq "a new skill is a file" '"Night watch"' "$(t jq -c .name "$skills/EXT-SKL-NIGHT.json")"
printf '{"name": "Night watch"}' >"$T/skill.json"
eq "a name that is taken is refused" EINVAL "$(errno_of save "$skills/new-2.json" <"$T/skill.json")"
like "… in the LMS's words" 'Name has already been taken' "$(t "$LMSFS_BIN" why "$skills/new-2.json")"
requests_clear
eq "editing a skill is EPERM: the API has no way" EPERM "$(edit "$skills/EXT-SKL-NIGHT.json" '.name = "x"')"
eq "rm of a skill too" EPERM "$(errno_of unlink "$skills/EXT-SKL-NIGHT.json")"
eq "nothing was sent" 0 "$(requests "$writes")"

# ---- who may not ----
CONF_LINES=()
conf_hownow 'trickle = no' 'removal_grace = 0'
mount_stop
config_write hownow
mount_start
t ls "$roles" >/dev/null
requests_clear
eq "without allow_delete rm is EPERM" EPERM "$(errno_of unlink "$roles/EXT-porter.json")"
eq "… and nothing was sent" 0 "$(requests "$writes")"
mount_stop

for type in Contributor ReadOnly Manager; do
    clerk=$(t seq 2 60 | while read -r i; do [ "$(state "hownow/users/ID-$i" | jq -r '.user_type + .status')" = "${type}Active" ] && echo "$i" && break; done)
    [ -n "$clerk" ] && break
done
conf_hownow "act_as = ID-$clerk"
CACHE=$T/cache2
config_write hownow
mount_start
requests_clear
eq "who is no Admin may not change a role" EACCES "$(edit "$roles/EXT-porter.json" '.description = "x"')"
like "… in the LMS's words" 'You are not authorized to perform this action' "$(t "$LMSFS_BIN" why "$roles/EXT-porter.json")"
eq "… nor make one" EACCES "$(printf '{"name": "King"}' | errno_of save "$roles/new.json")"
eq "… both were answered with 403" "POST 403 PUT 403" "$(requests_list "$writes" | awk '{ print $1, $3 }' | sort | xargs)"

# ---- what the stand-in refuses, as the API does ----
token=$(hownow_token)
answer() { # METHOD PATH BODY - status and body
    curl -s -w ' %{http_code}' -X "$1" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d "$3" "$URL/external/v1/$2"
}
eq "a create without a name" '{"error_message":"Name is required"} 400' "$(answer POST job_roles '{}')"
eq "an update of the name" '{"error_message":"Invalid Parameters"} 400' "$(answer PUT job_roles/EXT-porter '{"name": "x"}')"
eq "a create with a key that isn't documented" '{"error_message":"Invalid Parameters"} 400' "$(answer POST job_roles '{"name": "x", "level": 1}')"
eq "an update of a role that there isn't" '{"error_message":"Job role not found"} 404' "$(answer PUT job_roles/ID-99999 '{}')"
eq "a type of content that there isn't" '{"error_message":"Invalid type(s): film. Valid types are: course, event, live_class, nugget, pathway, scorm, webinar"} 400' "$(curl -s -w ' %{http_code}' -H "Authorization: Bearer $token" "$URL/external/v1/contents/search?type=film")"
eq "a page behind the search's window" 400 "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$URL/external/v1/contents/search?q=a&page=101&per_page=100")"
eq "contents without a login" '{"error_message":"Unauthorized"} 401' "$(curl -s -w ' %{http_code}' "$URL/external/v1/languages")"
done_testing
