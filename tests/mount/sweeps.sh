#!/usr/bin/env bash
# What a sweep writes: a first listing in bulk and each page once, a refresh that finds nothing changed nothing at all. A kill in the middle loses
# nothing, a power cut is noticed.
# timeout: 200
. tests/lib/lib.sh

PEOPLE=8000
sandbox_start --users $PEOPLE --latency 20
conf_hownow 'trickle = no' 'crawl_limit = 0' 'list_timeout = 120' 'list_ttl = 3600'
config_write hownow
mount_start
users=$MNT/hownow/users
lists='.path | test("^/external/v1/users\\?")'
status() { t "$LMSFS_BIN" status --json "$MNT" | jq -r "$1"; }
transactions() { mdb_stat -e "$CACHE/cache" | awk '/Last transaction ID/ { print $NF }'; }
half_way() { [ "$(requests "$lists")" -ge $((PEOPLE / 250)) ]; }
synced() { [ ! -e "$CACHE/cache/unsynced" ]; }
count() { t 100 ls "$users" | wc -l; }

# ---- kill -9 in the middle ----
t 100 ls "$users" >/dev/null 2>&1 &
lister=$!
check "a first sweep is half way" wait_until 60 half_way
check "… and marked as not yet on the disk" test -e "$CACHE/cache/unsynced"
daemon_crash
wait $lister
killed_at=$(requests "$lists")
within "it was killed in the middle" $((PEOPLE / 250)) $((PEOPLE / 100 - 1)) "$killed_at"
mount_start
eq "after kill -9 the listing is whole" $PEOPLE "$(count)"
within "… and no page that was there was asked for again" $((PEOPLE / 100)) $((PEOPLE / 100 + 4)) "$(requests "$lists")"
check "… every file is JSON" sh -c "find '$users' -name '*7.json' -print0 | xargs -0 jq -e . >/dev/null"
check "soon it is all on the disk" wait_until 30 synced
not_set_aside() { ! ls -d "$CACHE"/cache.bad-* 2>/dev/null; }
check "… and the cache was not set aside" not_set_aside

# ---- a refresh that finds nothing changed ----
id=$(transactions)
check "LMDB's transaction number can be read" test "$id" -gt 10
eq "… and the status tells the same" "$id" "$(status .commits)"
invalidations=$(status .invalidations)
before=$(requests "$lists")
listed_at=$(xattr_of listing "$users")
sleep 1.1 # times are told in seconds
check "a refresh" t 100 "$LMSFS_BIN" refresh "$users"
eq "… reads every page" $((PEOPLE / 100)) $(($(requests "$lists") - before))
eq "… and writes nothing to LMDB" "$id" "$(transactions)"
eq "… and invalidates nothing" "$invalidations" "$(status .invalidations)"
eq "… and the listing is newer for it" newer "$([[ "$(xattr_of listing "$users")" > $listed_at ]] && echo newer)"
people_change hownow '{"op": "update", "id": "EXT-e-000007", "set": {"name": "One Of Thousands"}}' >/dev/null
check "one person changed: a refresh" t 100 "$LMSFS_BIN" refresh "$users"
within "… writes for one" 1 2 $(($(transactions) - id))
within "… and invalidates one" 1 3 $(($(status .invalidations) - invalidations))
eq "… which shows" "One Of Thousands" "$(t jq -r .name "$users/EXT-e-000007.json")"
listed_at=$(xattr_of listing "$users")
remount
eq "when it was last listed outlives a restart" "$listed_at" "$(xattr_of listing "$users")"

# ---- what a first sweep writes ----
mount_stop
rm -rf "$CACHE/cache"
mount_start
written() { awk '/^write_bytes/ { print $2 }' "/proc/$DAEMON_PID/io"; }
before=$(written)
eq "a first sweep again" $PEOPLE "$(count)"
check "… synced" wait_until 30 synced
served=$(find "$users" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')
echo "# served $served bytes, written $(($(written) - before)), on the disk $(du -s --block-size=1 "$CACHE/cache" | cut -f1)"
within "… writes at most four times the bytes served" 1 $((served * 4)) $(($(written) - before))
within "the cache is at most three times the bytes served" 1 $((served * 3)) "$(du -s --block-size=1 "$CACHE/cache" | cut -f1)"

# ---- ended in order, with pages on their way, being read and being written ----
for pages in 1 2 3 5 8 13 21 34; do
    mount_stop
    rm -rf "$CACHE/cache"
    mount_start
    requests_clear
    t 100 ls "$users" >/dev/null 2>&1 &
    lister=$!
    so_far() { [ "$(requests "$lists")" -ge $pages ]; }
    wait_until 60 so_far
    kill -TERM "$DAEMON_PID"
    check "the daemon ends with $pages pages asked for" wait_until 20 pid_gone "$DAEMON_PID"
    wait $lister
    mount_start
done
eq "… and what it had is gone on with" $PEOPLE "$(count)"

# ---- a power cut: there is a mark of another boot ----
daemon_crash
echo 00000000-0000-0000-0000-000000000000 >"$CACHE/cache/unsynced"
: >"$T/mount.log"
mount_start
like "a cache that was being filled when the machine went down is set aside" 'being filled' "$(cat "$T/mount.log")"
check "… and kept" sh -c "ls -d '$CACHE'/cache.bad-*"
eq "… and read anew" $PEOPLE "$(count)"
done_testing
