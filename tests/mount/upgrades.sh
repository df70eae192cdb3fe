#!/usr/bin/env bash
# Upgrades (docs/upgrades.md): a new version on an old cache folder, and back. tests/data/upgrades/ledger-0.txt is what a version from before ledgers had
# revisions left when it was killed: a refused save, a save without its verdict, an accepted one, a removal in its grace; and a table less than today.
# timeout: 120
. tests/lib/lib.sh

sandbox_start --users 20
conf_hownow 'trickle = no' 'removal_grace = 1'
config_write hownow
users=$MNT/hownow/users
ledger() { "$TESTBIN/ledger" "$@"; }
sums() { (cd "$CACHE" && sha256sum cache/data.mdb ledger/data.mdb && ls); }
refused_mount() {
    mkdir -p "$MNT"
    OUT=$(t 60 "$LMSFS_BIN" mount "$CONF" "$MNT" 2>&1 </dev/null) && return 1
    ! mounted "$MNT"
}
status_of() { state "hownow/users/EXT-$1" | jq -r "$2"; }

# ---- an older ledger ----
mkdir -m 700 "$CACHE"
sed "s/@NOW@/$(date +%s)/g" tests/data/upgrades/ledger-0.txt | ledger load "$CACHE/ledger" || bail "the older ledger is made"
eq "the older ledger lacks a table" "" "$(ledger dump "$CACHE/ledger" | grep -x successors)"
mount_start
check "a new version mounts it" ls "$users"
eq "… the refused save is there, whole" Emperor "$(t jq -r .user_type "$MNT/.lmsfs/rejected/1/document.json")"
like "… with its reason" 'user_type must be one of' "$(t cat "$MNT/.lmsfs/rejected/1/reason.json")"
carried() { [ "$(status_of e-000002 .name)" = "Jo Carried" ]; }
check "… the save that had no verdict is sent" wait_until 30 carried
gone() { [ "$(status_of e-000001 .status)" = Deactivated ]; }
check "… the removal that waited is sent" wait_until 30 gone
eq "… nothing more is refused" 1 "$(t ls "$MNT/.lmsfs/rejected" | wc -l)"
check "… what needs the missing table works" setfattr -n user.lms.successor -v ID-1 "$users/EXT-e-000005.json"
check "it unmounts" mount_stop
like "… and the ledger has what it lacked" 'successors' "$(ledger dump "$CACHE/ledger" | grep -x successors)"
like "… a revision" $'meta\trevision\t' "$(ledger dump "$CACHE/ledger" | grep -a revision)"
mount_start
eq "mounted again, the refused save is still there" Emperor "$(t jq -r .user_type "$MNT/.lmsfs/rejected/1/document.json")"
requests_clear
eq "… the successor too" ID-1 "$(xattr_of successor "$users/EXT-e-000005.json")"
mount_stop

# ---- a ledger of a later revision: what an older version doesn't know stays ----
ledger number "$CACHE/ledger" revision 9
ledger table "$CACHE/ledger" of-tomorrow
ledger text "$CACHE/ledger" written-by 7.0.1
mount_start
check "a ledger of a later revision is used" ls "$users"
mount_stop
eq "… what this version doesn't know stays" $'of-tomorrow\tkey\tvalue' "$(ledger dump "$CACHE/ledger" | grep -a $'^of-tomorrow\t')"
eq "… the revision too" $'meta\trevision\tx:09000000' "$(ledger dump "$CACHE/ledger" | grep -a revision)"

# ---- a ledger of a newer schema ----
ledger number "$CACHE/ledger" schema 2
ledger text "$CACHE/ledger" written-by 7.0.1
before=$(sums)
refused_mount && ok "a ledger of a newer schema is refused" || not_ok "a ledger of a newer schema is refused" "$OUT"
version=$("$LMSFS_BIN" --version | awk '{ print $2 }')
for word in "$CACHE" "schema 2" "lmsfs 7.0.1" "lmsfs $version" "schema 1" "Nothing was touched" "cache_dir"; do
    case $OUT in
    *"$word"*) ok "… the sentence says: $word" ;;
    *) not_ok "… the sentence says: $word" "$OUT" ;;
    esac
done
eq "… and nothing was touched" "$before" "$(sums)"
ledger number "$CACHE/ledger" schema 1
mount_start
eq "the version that it belongs to finds everything" Emperor "$(t jq -r .user_type "$MNT/.lmsfs/rejected/1/document.json")"
mount_stop

# ---- a cache of another schema ----
said_once() { [ "$(grep -c 'the cache was of schema' "$CACHE/lmsfs.log")" = 1 ]; }
ledger number "$CACHE/cache" schema 2
requests_clear
mount_start
eq "a cache of another schema is begun anew, without who left" 19 "$(t 60 ls "$users" | grep -c EXT-)"
within "… from the LMS" 1 9 "$(requests '.path | test("^/external/v1/users")')"
check "… the other one is kept" sh -c "ls -d '$CACHE'/cache.schema2-*"
check "… one line of the log says so" wait_until 10 said_once
eq "… nothing of the ledger is lost" Emperor "$(t jq -r .user_type "$MNT/.lmsfs/rejected/1/document.json")"
mount_stop
mount_start
mount_stop
check "… and at the next mount nothing is said" said_once
done_testing
