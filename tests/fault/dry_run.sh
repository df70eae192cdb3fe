#!/usr/bin/env bash
# -o dry_run: checked, written down as it would be sent, shown as it would be, and never sent; not by a later mount either.
# timeout: 240
. tests/lib/lib.sh

sandbox_start --users 60 --synap-users 20 --job-seconds 0.3
conf_hownow 'trickle = no' 'removal_grace = 1' 'crawl_limit = 100' 'allow_delete = users' 'max_removals = 3'
conf_synap 'trickle = no' 'removal_grace = 1' 'allow_delete = users'
config_write
mount_start
users=$MNT/hownow/users bin=$MNT/hownow/deactivated-users people=$MNT/synap/users log=$MNT/.lmsfs/audit.jsonl
changes='(.method != "GET") and (.path != "/token")'
mapfile -t files < <(t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json)
name_of() { state "hownow/users/$(basename "$1" .json)" | jq -r "$2"; }
pending() { t "$LMSFS_BIN" pending --json "$MNT" | jq -c "[.pending[] | select($1)]"; } # JQ-CONDITION
dry='.phase == "dry run"'
file=${files[0]} id=$(state synap/users | jq -r '.users[3].objectId')
t cat "$people/ID-$id.json" >"$T/synap.json"
t cat "${files[@]}" >/dev/null
mv_before=$(t ls -A "$users" "$bin" | sort) bytes_before=$(t cat "$file" "${files[3]}" "${files[4]}" "$people/ID-$id.json")
t ls "$MNT/hownow/jobs" >/dev/null

remount -o dry_run
requests_clear
before=$(name_of "$file" .name)

# ---- saves ----
check "a save" sh -c "jq '.name = \"Only dry\" | .user_type = \"Contributor\"' '$file' >'$T/x' && cp '$T/x' '$file'"
eq "the view shows the result" '["Only dry","Contributor"]' "$(t jq -c '[.name, .user_type]' "$file")"
eq "… pending for ever" pending "$(xattr_of state "$file")"
eq "the LMS has it as it was" "$before" "$(name_of "$file" .name)"
line=$(t tail -n 1 "$log")
eq "audit.jsonl has the exact request" '["dry run","POST","/external/v1/users/upsert","Only dry","Contributor"]' \
    "$(jq -c '[.verdict, .request.method, .request.path, .request.body.name, .request.body.user_type]' <<<"$line")"
eq "… with all custom fields, as the API wants it" "$(t jq '.custom_fields | length' "$file")" "$(jq '.request.body.custom_fields | length' <<<"$line")"
eq "… and lmsfs pending has it too" "$(jq -c .request <<<"$line")" "$(pending "$dry" | jq -c '.[0].requests[0]')"
like "… for people" 'Only dry' "$(t "$LMSFS_BIN" pending "$MNT")"
check "a second save of the same editor" sh -c "jq '.name = \"Dry again\"' '$T/x' >'$T/y' && cp '$T/y' '$file'"
eq "… shows" '["Dry again","Contributor"]' "$(t jq -c '[.name, .user_type]' "$file")"
eq "… is another request" 2 "$(pending "$dry" | jq length)"
eq "what would be refused is refused" EINVAL "$(t jq '.user_type = "Emperor"' "$file" >"$T/bad"; errno_of save "$file" <"$T/bad")"
printf '{"name": "Dry Joiner", "email": "dry@example.org", "user_type": "ReadOnly"}' >"$T/new.json"
check "a new person" cp "$T/new.json" "$users/EXT-dry-1.json"
eq "… is shown" "Dry Joiner" "$(t jq -r .name "$users/EXT-dry-1.json")"
check "… among the others" sh -c "ls '$users' | grep -qx EXT-dry-1.json"
printf '{"email": "dry.password@example.org", "name": "Dry Password", "password": "Passw0rd-long"}' >"$T/new.json"
check "Synap: a new person with a password" cp "$T/new.json" "$people/new.json"
eq "… is shown" "Dry Password" "$(t jq -r .name "$people/new.json")"
eq "… the request is masked" '["POST","/users","***"]' \
    "$(t tail -n 1 "$log" | jq -c '[.request.method, .request.path, .request.body.user.password]')"
check "… everywhere" sh -c "! grep -raq 'Passw0rd-long' '$CACHE'"
jq '.name = "Dry Synap" | .attr.location = "Leeds"' "$T/synap.json" >"$T/x"
check "Synap: a save that takes two requests" cp "$T/x" "$people/ID-$id.json"
eq "… both are written down" '["PATCH","PUT"]' "$(pending "$dry" | jq -c '.[-1].requests | map(.method)')"

# ---- removals ----
check "rm" rm "${files[3]}"
check "… after the grace" "$LMSFS_BIN" wait "${files[3]}"
check "… stands in the bin" test -e "$bin/$(basename "${files[3]}")"
eq "… its request is written down" '["PUT"]' "$(pending "$dry and .what == \"deactivate\"" | jq -c '.[0].requests | map(.method)')"
check "mv into the bin" mv "${files[4]}" "$bin/"
check "… and back" mv "$bin/$(basename "${files[4]}")" "$users/"
eq "… is both requests" '["deactivate","reactivate"]' \
    "$(pending "$dry and .name == \"$(basename "${files[4]}")\"" | jq -c 'map(.what)')"
check "rm for good" rm "$people/ID-$id.json"
check "… after the grace" "$LMSFS_BIN" wait "$people/ID-$id.json"
eq "… is gone" ENOENT "$(errno_of stat "$people/ID-$id.json")"
eq "… its request is written down" "[\"DELETE /users/$id\"]" \
    "$(pending "$dry and .what == \"delete\"" | jq -c '.[0].requests | map("\(.method) \(.path)")')"
check "one more" rm "${files[5]}"
eq "the guard holds in a dry run too" EDQUOT "$(errno_of unlink "${files[6]}")"
eq "nothing of it was on the wire" "" "$(requests_list "$changes")"
like "lmsfs status says that it is a dry run" 'DRY RUN: nothing is sent' "$(t "$LMSFS_BIN" status "$MNT")"

# ---- a crash, and a mount that sends ----
daemon_crash
requests_clear
mount_start
eq "the next mount shows what the LMS has" "$mv_before" "$(t ls -A "$users" "$bin" | sort)"
eq "… byte for byte" "$bytes_before" "$(t cat "$file" "${files[3]}" "${files[4]}" "$people/ID-$id.json")"
eq "… and nothing is pending" '[]' "$(pending true)"
eq "… nor is any of it sent" "" "$(requests_list "$changes")"
eq "… the people are clean" clean "$(xattr_of state "$file")"
check "… the guard is as it was" rm "${files[7]}"
check "a save that is meant" sh -c "jq '.name = \"In earnest\"' '$file' >'$T/x' && cp '$T/x' '$file'"
eq "… is sent" 1 "$(requests '.path == "/external/v1/users/upsert"')"
eq "… and changes that alone" '["In earnest","ReadOnly"]' "$(wait_until 10 eval '[ "$(xattr_of state "$file")" = clean ]'; state "hownow/users/$(basename "$file" .json)" | jq -c '[.name, .user_type]')"

# ---- a save that a crash left in the journal isn't a dry run's to send ----
fault '{"path": "POST /external/v1/users/upsert", "count": 9, "delay_ms": 20000, "status": 503}'
t jq '.name = "Left over"' "${files[8]}" >"$T/x"
cp "$T/x" "${files[8]}" 2>/dev/null &
saver=$!
on_its_way() { pending '.what == "save"' | grep -q sent; }
check "a save is under way" wait_until 10 on_its_way
daemon_crash
wait $saver 2>/dev/null
faults_clear
requests_clear
mount_start -o dry_run
t ls "$users" >/dev/null
eq "a dry run sends nothing of what was left" "" "$(requests_list "$changes")"
remount
check "… the next mount does" wait_until 15 eval '[ "$(name_of "${files[8]}" .name)" = "Left over" ]'
check "the daemon ends well" mount_stop
done_testing
