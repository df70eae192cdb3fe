# A save that HowNow takes in two parts, each with a job: a person's skill review in the place of another is a POST and a DELETE. To be sourced once
# the sandbox runs and the configuration is written; mounts.
#
#   $file           the person's reviews; `boss` is the other person
#   $a $b           external ids of two skills
#   has             the reviews that the LMS has: "SKILL REVIEWER LEVEL", sorted, commas between them
#   part_first      saves the review to be replaced
#   part_second     makes $T/doc.json, the document with the other in its place, and forgets the requests so far
for who in pat boss; do
    people_change hownow "{\"op\": \"add\", \"id\": \"EXT-$who\", \"set\": {\"name\": \"Invented $who\", \"email\": \"$who@skills.example\", \"user_type\": \"Admin\"}}" >/dev/null
done
mount_start
file=$MNT/hownow/user-skills/EXT-pat.json
read -r a b <<<"$(t ls "$MNT/hownow/skills" | sed -n 's/^EXT-\(.*\)\.json$/\1/p' | head -2 | tr '\n' ' ')"
[ -n "$b" ] || bail "two skills have an external id" "$(t ls "$MNT/hownow/skills" | head)"
has() { state hownow/user-skills/EXT-pat | jq -c '[.reviews[] | "\(.skill.external_id) \(.reviewer) \(.level)"] | sort | join(",")' | tr -d '"'; }
part_first() {
    eq "a review to be replaced" OK "$(echo "{\"skills\": [{\"skill_id\": \"EXT-$a\", \"proficiency_level\": 1, \"reviewer_id\": \"EXT-boss\"}]}" | errno_of save "$file")"
}
part_second() {
    t jq ".skills = [{\"skill_id\": \"EXT-$b\", \"proficiency_level\": 2}]" "$file" >"$T/doc.json"
    requests_clear
}
