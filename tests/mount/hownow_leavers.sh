#!/usr/bin/env bash
# HowNow's deletion for good: only from the bin, only where it is allowed, with a successor for what the person owns.
. tests/lib/lib.sh

sandbox_start --users 60 --job-seconds 0.3
conf_hownow 'removal_grace = 1' 'trickle = no' 'allow_delete = users' 'successor = ID-1'
config_write hownow
mount_start
users=$MNT/hownow/users bin=$MNT/hownow/deactivated-users
deletes='.method == "DELETE"'
deleted() { state "hownow/users/ID-$1" | jq .deleted; }
stem_of() { t ls "$users" | sed -n "$1p" | sed 's/\.json$//'; }
id_of() { state "hownow/users/$1" | jq .id; }

# ---- somebody who owns nothing, and somebody who does ----
for n in $(seq 20 59); do
    stem=$(stem_of "$n")
    [ -n "$stem" ] || continue
    owns=$(state "hownow/users/$stem" | jq '.authored_contents')
    [ "$owns" = 0 ] && leaver=$stem
    [ "$owns" != 0 ] && owner=$stem && owned=$owns
done
heir=$(state hownow/users/ID-1 | jq -r .authored_contents)
leaver_id=$(id_of "$leaver") owner_id=$(id_of "$owner")

requests_clear
check "a person is moved into the bin" mv "$users/$leaver.json" "$bin/"
eq "… and deleted is nobody" 0 "$(requests "$deletes")"
check "H9 rm in the bin" rm "$bin/$leaver.json"
eq "the name is gone at once" ENOENT "$(errno_of read "$bin/$leaver.json")"
check "lmsfs wait tells the end" "$LMSFS_BIN" wait "$bin/$leaver.json"
eq "one deletion went out, for this person" "DELETE /external/v1/users/ID-$leaver_id/delete 200" "$(requests_list "$deletes")"
eq "… with the successor under both its names" '{"assigned_external_user_id":"ID-1","assigned_user_id":"ID-1"}' "$(requests_bodies "$deletes")"
eq "the LMS has deleted the person" true "$(deleted "$leaver_id")"
eq "the bin is empty" "" "$(t ls "$bin")"
eq "the listing has one less" 59 "$(t ls "$users" | wc -l)"

# ---- what the person owned goes to the successor ----
authored=$MNT/hownow/authored-contents
eq "H5 what the person has authored is listed" "$owned" "$(t ls "$authored/$owner" | wc -l)"
one=$(t ls "$authored/$owner" | head -n 1)
check "an owner is moved into the bin" mv "$users/$owner.json" "$bin/"
eq "… and all of it is the successor's" $((heir + owned)) "$(state hownow/users/ID-1 | jq .authored_contents)"
successor=$(t readlink "$users/ID-1.json")
eq "… as the successor's list says" $((heir + owned)) "$(t ls "$authored/${successor%.json}" | wc -l)"
eq "… the same contents under the same names" "${successor%.json}" \
    "EXT-$(t jq -r '.author.id' "$authored/${successor%.json}/$one" | xargs -I {} sh -c "curl -s $URL/_sandbox/state/hownow/users/ID-{}" | jq -r .external_user_id)"
check "rm in the bin" rm "$bin/$owner.json"
check "… is carried out" "$LMSFS_BIN" wait "$bin/$owner.json"
eq "the LMS has deleted the owner" true "$(deleted "$owner_id")"

# ---- taken back, refused ----
other=$(stem_of 40) other_id=$(id_of "$(stem_of 40)")
requests_clear
check "somebody is moved into the bin" mv "$users/$other.json" "$bin/"
fault '{"path": "DELETE /external/*", "status": 422, "body": {"errors": "Assigned User cannot be a '"'Read Only'"' user"}}'
check "a deletion that the LMS refuses" rm "$bin/$other.json"
not "$LMSFS_BIN" wait "$bin/$other.json" 2>/dev/null
eq "… gives the name back" 1 "$(wait_until 10 test -e "$bin/$other.json"; t ls "$bin" | grep -c "^$other")"
like "… and why has its words" "cannot be a 'Read Only' user" "$(t "$LMSFS_BIN" why "$bin/$other.json")"
eq "the person still exists" false "$(deleted "$other_id")"
faults_clear
stays=$(stem_of 41)
requests_clear
check "the person can be moved back" mv "$bin/$other.json" "$users/"
check "rm in users/ is never for good" rm "$users/$stays.json"
check "… whatever allow_delete says" "$LMSFS_BIN" wait "$users/$stays.json"
sleep 2
eq "… nobody was deleted" 0 "$(requests "$deletes")"
eq "… the one is deactivated" Deactivated "$(state "hownow/users/$stays" | jq -r .status)"
eq "… the other is back" Active "$(state "hownow/users/$other" | jq -r .status)"

# ---- a successor of one's own: user.lms.successor ----
heir=$(t grep -l '"user_type": "Contributor"' "$users"/*.json | grep -v "/$stays" | tail -n 1)
heir=ID-$(t jq -r ._readonly.id "$heir")
named=$(stem_of 35)
eq "a successor must be somebody" EINVAL "$(errno_of setxattr "$users/$named.json" user.lms.successor somebody)"
eq "… and nothing else can be set" ENOTSUP "$(errno_of setxattr "$users/$named.json" user.lms.state clean)"
eq "… nor where nobody can leave" ENOTSUP "$(errno_of setxattr "$MNT/hownow/skills/$(t ls "$MNT/hownow/skills" | head -n 1)" user.lms.successor ID-1)"
check "setfattr names a successor" setfattr -n user.lms.successor -v "$heir" "$users/$named.json"
eq "… who is shown" "$heir" "$(xattr_of successor "$users/$named.json")"
mount_stop
mount_start
eq "… over a restart too" "$heir" "$(xattr_of successor "$users/$named.json")"
requests_clear
check "the person leaves" mv "$users/$named.json" "$bin/"
eq "… and that successor goes with the request, not the configuration's" "$heir" "$(requests_bodies '.path | endswith("/deactivate")' | jq -r .assigned_user_id)"
check "… and comes back" mv "$bin/$named.json" "$users/"
eq "… without a successor" "" "$(xattr_of successor "$users/$named.json")"
check "setfattr again" setfattr -n user.lms.successor -v "$heir" "$users/$named.json"
check "setfattr -x takes it away" setfattr -x user.lms.successor "$users/$named.json"
eq "… once" ENODATA "$(errno_of removexattr "$users/$named.json" user.lms.successor)"

# ---- without leave ----
CONF_LINES=()
conf_hownow 'trickle = no' 'removal_grace = 0' 'successor = ID-1'
mount_stop
config_write hownow
mount_start
last=$(stem_of 30)
check "somebody is moved into the bin" mv "$users/$last.json" "$bin/"
requests_clear
eq "without allow_delete rm in the bin is EPERM" EPERM "$(errno_of unlink "$bin/$last.json")"
eq "… and nothing was sent" 0 "$(requests "$deletes")"
done_testing
