#!/usr/bin/env bash
# One save of a Synap person that takes several requests is one verdict: in order, stopped at the first refusal, which says what is through and
# what is not; saving again sends only the rest. S8, S9, S13 and S14 in one document.
. tests/lib/lib.sh

sandbox_start --synap-users 30
conf_synap 'trickle = no'
config_write synap
mount_start
users=$MNT/synap/users
id=$(state synap/users | jq -r '[.. | .objectId? // empty][3]')
file=$users/ID-$id.json
t cat "$file" >"$T/was.json"
has() { state "synap/users/$id" | jq -c '[(.userGroups // .user.userGroups)[].objectId] | sort'; }
mapfile -t groups < <(state synap/users | jq -r --argjson have "$(jq -c '[(.userGroups // [])[].objectId]' "$T/was.json")" \
    '.userGroups[].objectId | select(. as $g | $have | index($g) | not)')
[ ${#groups[@]} -ge 2 ] || bail "the sandbox has groups that this person isn't in"
changes='.method != "GET"'

# ---- all of it ----
requests_clear
jq --arg g "${groups[0]}" '.name = "Several Parts" | .attr.location = "Leeds" | .userGroups += [{objectId: $g}]' "$T/was.json" >"$T/doc.json"
check "S8, S9, S13: name, attribute and group in one save" cp "$T/doc.json" "$file"
eq "… are three requests, each once" $'PATCH\nPOST\nPUT' "$(requests_list "$changes" | cut -d ' ' -f 1 | sort)"
eq "S9: the LMS has the name" "Several Parts" "$(state "synap/users/$id" | jq -r '.name // .user.name')"
like "S13: … and the group" "${groups[0]}" "$(has)"
eq "S13: by usergroup/add" 1 "$(requests '.path == "/usergroup/add"')"
requests_clear
check "saving what is shown" sh -c "cp '$file' '$T/same.json' && cp '$T/same.json' '$file'"
eq "… sends nothing" 0 "$(requests "$changes")"

# ---- the group is refused, what went before is through ----
requests_clear
fault '{"path": "POST /usergroup/add", "status": 404, "count": 1}'
t jq --arg g "${groups[1]}" '.name = "First Part" | .userGroups += [{objectId: $g}]' "$file" >"$T/doc.json"
like "a later part that is refused is the save's verdict" '^E' "$(errno_of save "$file" <"$T/doc.json")"
first=$(requests_list "$changes")
why=$(t "$LMSFS_BIN" why "$file")
like "… why says what is through" 'name' "$why"
like "… and what is not" 'group' "$why"
eq "… the name is" "First Part" "$(state "synap/users/$id" | jq -r '.name // .user.name')"
eq "… the file shows that" "First Part" "$(t jq -r .name "$file")"
eq "… and not the group" 0 "$(t jq --arg g "${groups[1]}" '[.userGroups[] | select(.objectId == $g)] | length' "$file")"
like "… which was asked for" 'POST /usergroup/add 404' "$first"
requests_clear
t jq --arg g "${groups[1]}" '.userGroups += [{objectId: $g}]' "$file" >"$T/doc.json"
check "saving again" cp "$T/doc.json" "$file"
eq "… sends only the rest" 'POST /usergroup/add' "$(requests_list "$changes" | cut -d ' ' -f 1,2)"
like "… and the LMS has it" "${groups[1]}" "$(has)"

# ---- out of a group again ----
requests_clear
t jq --arg g "${groups[1]}" '.userGroups |= map(select(.objectId != $g))' "$file" >"$T/doc.json"
check "S14: a group less" cp "$T/doc.json" "$file"
eq "S14: … is one usergroup/remove" 'POST /usergroup/remove' "$(requests_list "$changes" | cut -d ' ' -f 1,2)"
eq "S14: … and the LMS has it" 0 "$(has | jq --arg g "${groups[1]}" 'map(select(. == $g)) | length')"
eq "the others stay" 1 "$(has | jq --arg g "${groups[0]}" 'map(select(. == $g)) | length')"
check "the daemon ends well" mount_stop
done_testing
