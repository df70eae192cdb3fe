#!/usr/bin/env bash
# A save is one upsert that carries the change, keeps the rest and speaks its verdict; leaving and coming back.
. tests/lib/lib.sh

sandbox_start --users 60 --job-seconds 1
conf_hownow 'removal_grace = 1' 'trickle = no'
config_write hownow
mount_start
users=$MNT/hownow/users bin=$MNT/hownow/deactivated-users
upserts='.path == "/external/v1/users/upsert"'
job_over() { t 30 cat "$MNT/hownow/jobs/last.json" >/dev/null; }
read_only() { # the Nth person of that type, by the rows alone
    t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json | sed -n "$1p"
}
conf_count() { t cat "$1" | jq '.custom_fields | length'; }

# ---- sed -i, from the row ----
file=$(read_only 15) name=$(basename "$file")
fields=$(state "hownow/users/${name%.json}" | jq '.custom_fields | length')
requests_clear
check "H6 sed -i saves" sed -i 's/"ReadOnly"/"Contributor"/' "$file"
eq "the file shows it at once" Contributor "$(t jq -r .user_type "$file")"
eq "… and that it is pending" pending "$(xattr_of state "$file")"
size=$(t stat -c '%s %Y' "$file")
job_over
eq "… then clean" clean "$(xattr_of state "$file")"
eq "size and mtime stay when the job completes as asked" "$size" "$(t stat -c '%s %Y' "$file")"
eq "it was exactly one upsert" 1 "$(requests "$upserts")"
eq "… with the new value" Contributor "$(requests_bodies "$upserts" | jq -r .user_type)"
eq "… and all custom fields, though the row had none" "$fields" "$(requests_bodies "$upserts" | jq '.custom_fields | length')"
eq "the LMS has the value" Contributor "$(state "hownow/users/${name%.json}" | jq -r .user_type)"
eq "… and lost no custom field" "$fields" "$(state "hownow/users/${name%.json}" | jq '.custom_fields | length')"
eq "no scratch name is left" "" "$(t ls -A "$users" | grep -v '^EXT-\|^ID-')"

# ---- nothing changed, nothing sent ----
requests_clear
t cat "$file" >"$T/same.json"
check "saving what is there" cp "$T/same.json" "$file"
eq "sends nothing" 0 "$(requests "$upserts")"
eq "… byte for byte" "$(cat "$T/same.json")" "$(t cat "$file")"

# ---- the ways to write ----
save_ways() {
    local way=$1 value=$2
    jq --arg v "$value" '.name = $v' "$T/now.json" >"$T/new.json"
    case $way in
    shell) t bash -c "cat '$T/new.json' > '$file'" ;;
    cp) t cp "$T/new.json" "$file" ;;
    mv) cp "$T/new.json" "$T/x.json" && t mv "$T/x.json" "$file" ;;
    rename) t sh -c "cp '$T/new.json' '$users/.tmp-x' && mv '$users/.tmp-x' '$file'" ;;
    rsync) t rsync "$T/new.json" "$file" ;;
    rsync-inplace) t rsync --inplace "$T/new.json" "$file" ;;
    tee) t tee "$file" <"$T/new.json" >/dev/null ;;
    dd) t dd if="$T/new.json" of="$file" bs=50 status=none ;;
    sponge) t sh -c "jq . '$T/new.json' | sponge '$file'" ;;
    python) t python3 -c "import os,sys; open('$users/.new','w').write(open('$T/new.json').read()); os.replace('$users/.new','$file')" ;;
    install) t install -m 600 "$T/new.json" "$file" ;;
    append) t bash -c "printf '\n' >> '$file'" ;;
    esac
}
n=0
for way in shell cp mv rename rsync rsync-inplace tee dd sponge python install; do
    n=$((n + 1))
    t cat "$file" >"$T/now.json"
    requests_clear
    check "$way saves" save_ways $way "Person $way $n"
    job_over
    wait_until 10 eval "[ \"\$(requests '$upserts')\" = 1 ]"
    eq "$way: exactly one upsert with the new name" "Person $way $n" "$(requests_bodies "$upserts" | jq -r .name)"
    eq "$way: nothing else was sent" 0 "$(requests '(.method != "GET") and (.path != "/external/v1/users/upsert") and (.path != "/token")')"
    eq "$way: the file shows it" "Person $way $n" "$(t jq -r .name "$file")"
done
requests_clear
check "appending a blank line" save_ways append x
eq "… changes nothing, and sends nothing" 0 "$(requests "$upserts")"

# ---- a partial document; what only the server decides; what the LMS refuses ----
requests_clear
check "three fields are a save" sh -c "printf '{\"name\": \"Part\", \"start_date\": \"2020-02-03\"}' >'$file'"
job_over
eq "… that keeps the rest" '{"n":"Part","s":"2020-02-03","t":"Contributor"}' "$(t jq -c '{n:.name,s:.start_date,t:.user_type}' "$file")"
refused() { # TEXT ERRNO JQ-FILTER
    t jq "$3" "$file" >"$T/bad.json"
    requests_clear
    eq "$1 is refused" "$2" "$(errno_of save "$file" <"$T/bad.json")"
    eq "… before the wire" 0 "$(requests "$upserts")"
    eq "… and the file shows the server's version" Part "$(t jq -r .name "$file")"
}
refused "a wrong user_type" EINVAL '.user_type = "Emperor"'
like "why names the field" 'user_type' "$(t "$LMSFS_BIN" why "$file")"
refused "a name too long" EINVAL '.name = ("x" * 76)'
refused "a change inside _readonly" EINVAL '._readonly.status = "Gone"'
like "why names it" '_readonly.status' "$(t "$LMSFS_BIN" why "$file")"
refused "an unknown field" EINVAL '.shoe_size = 44'
refused "another person's id" EINVAL '.external_user_id = "somebody-else"'
refused "another person's e-mail" EEXIST '.email = "'"$(t jq -r .email "$(read_only 3)")"'"'
refused "a future start date" EINVAL '.start_date = "2999-01-01"'
printf '{"name": ' >"$T/bad.json"
eq "half a document is refused" EINVAL "$(errno_of save "$file" <"$T/bad.json")"
: >"$T/bad.json"
eq "an empty one too" EINVAL "$(errno_of save "$file" <"$T/bad.json")"
eq "cp of one person over another is refused" EINVAL "$(errno_of save "$file" <"$(read_only 2)")"
eq "a plain .json name is refused" EINVAL "$(errno_of save "$users/jane.json" <"$(read_only 2)")"

jobs_change '{"fail_next": "Seat limit has been reached"}' >/dev/null
check "a save that the job refuses later" sed -i 's/"Part"/"Later"/' "$file"
job_over
eq "shows as failed" failed "$(wait_until 10 eval '[ "$(xattr_of state "$file")" = failed ]'; xattr_of state "$file")"
eq "… and the file shows the server's version" Part "$(t jq -r .name "$file")"
like "why has the LMS's words" 'Seat limit has been reached' "$(t "$LMSFS_BIN" why "$file")"

# ---- a new person ----
requests_clear
printf '{"name": "New Joiner", "email": "new.joiner@example.org", "user_type": "ReadOnly"}' >"$T/new.json"
check "a new person is a new file" cp "$T/new.json" "$users/EXT-joiner-1.json"
eq "one upsert" '"joiner-1"' "$(requests_bodies "$upserts" | jq -c .external_user_id)"
job_over
wait_until 10 eval '[ "$(t jq -r ._readonly.status "$users/EXT-joiner-1.json")" != null ]'
like "the file has what the server made of it" 'Invited|Active' "$(t jq -r ._readonly.status "$users/EXT-joiner-1.json")"
eq "the listing has one more" 61 "$(t ls "$users" | wc -l)"

# ---- leaving and coming back ----
manager_of() { state "hownow/users/$1" | jq -r '.manager_id // .manager.id // "none"'; }
for leaver in $(t ls "$users" | sed -n '20,59p'); do
    leaver=${leaver%.json}
    [ "$(manager_of "$leaver")" != none ] && [ "$(t jq -r .user_type "$users/$leaver.json")" = ReadOnly ] && break
done
manager=$(manager_of "$leaver")
requests_clear
check "H7 rm" rm "$users/$leaver.json"
eq "the name is gone at once" ENOENT "$(errno_of read "$users/$leaver.json")"
check "lmsfs wait tells the end" "$LMSFS_BIN" wait "$users/$leaver.json"
eq "one deactivation went out" 1 "$(requests '(.method == "PUT") and (.path | endswith("/deactivate"))')"
eq "the LMS has deactivated the person" Deactivated "$(state "hownow/users/$leaver" | jq -r .status)"
eq "the person stands in the bin" "$leaver.json" "$(t ls "$bin")"
eq "… and not among the others" "" "$(t ls "$users" | grep "^$leaver.json")"
check "H8 mv brings the person back" mv "$bin/$leaver.json" "$users/"
eq "the LMS has the person active again" Active "$(state "hownow/users/$leaver" | jq -r .status)"
job_over
eq "… with the manager that the deactivation had cleared" "$manager" "$(wait_until 10 eval '[ "$(manager_of "$leaver")" = "$manager" ]'; manager_of "$leaver")"
eq "the bin is empty" "" "$(t ls "$bin")"
requests_clear
check "mv into the bin" mv "$users/$leaver.json" "$bin/"
eq "… is done when it returns" Deactivated "$(state "hownow/users/$leaver" | jq -r .status)"
check "mv back again" mv "$bin/$leaver.json" "$users/"
eq "rm in the bin is for good, and only where allow_delete says so" EPERM "$(t mv "$users/$leaver.json" "$bin/" && errno_of unlink "$bin/$leaver.json")"
eq "no delete was ever sent" 0 "$(requests '.method == "DELETE"')"

# ---- taken back within the grace ----
requests_clear
other=$(read_only 9)
t cat "$other" >"$T/other.json"
check "unlink and write anew, as tar and git do" sh -c "rm '$other' && cp '$T/other.json' '$other'"
sleep_until_grace_is_over() { ! "$LMSFS_BIN" pending --json "$MNT" | grep -q grace; }
wait_until 10 sleep_until_grace_is_over
eq "… sends nothing at all" 0 "$(requests '(.method != "GET")')"
eq "… and the person is there" "$(cat "$T/other.json")" "$(t cat "$other")"
done_testing
