#!/usr/bin/env bash
# Stable handles, what an NFS server keeps: across a restart of the daemon a handle finds the same record, and one of a record that is gone is
# stale and never another's.
. tests/lib/lib.sh

sandbox_start --users 120
conf_hownow 'trickle = no' 'crawl_limit = 0' 'removal_grace = 0' 'list_ttl = 600'
config_write hownow
mount_start
users=$MNT/hownow/users
handle() { t "$TESTBIN/handle" "$@"; }
keep() { handle keep "$1" "$T/$2.handle"; }
reads() { handle read "$MNT" "$T/$1.handle"; }

t ls "$users" >/dev/null
check "a record has a handle" keep "$users/EXT-e-000010.json" stays
check "… one that will be removed too" keep "$users/EXT-e-000011.json" goes
check "… one that will be deactivated" keep "$users/EXT-e-000012.json" moves
check "… one that will be changed" keep "$users/EXT-e-000013.json" changes
check "… a directory" keep "$users" dir
check "… the tenant" keep "$MNT/hownow" tenant
check "… a folder in it" keep "$MNT/hownow/metadata" folder
check "… the mount point" keep "$MNT" root
echo local | t tee "$users/notes.txt" >/dev/null
check "… and scratch" keep "$users/notes.txt" scratch
cp "$users/EXT-e-000010.json" "$T/was"

first=$(reads stays)
if [ "$first" = EPERM ]; then
    skip "handles are opened" "open_by_handle_at needs CAP_DAC_READ_SEARCH"
    done_testing
fi
eq "the handle opens the record" "$(cat "$T/was")" "$first"
eq "… and a directory" EXT-e-000010.json "$(reads dir | grep -x EXT-e-000010.json)"

same_as_before() {
    eq "$1: a handle finds the same record" "$(cat "$T/was")" "$(reads stays)"
    eq "… a directory's its entries" "$(t ls "$users" | md5sum)" "$(reads dir | grep -v '^\.*$' | sort | md5sum)"
    eq "… a tenant's" users "$(reads tenant | grep -x users)"
    eq "… a folder's" languages.json "$(reads folder | grep -x languages.json)"
    eq "… the mount's" hownow "$(reads root | grep -x hownow)"
}
remount
same_as_before "after a restart"
eq "… scratch went with its mount: ESTALE" ESTALE "$(reads scratch)"
daemon_crash
mount_start
same_as_before "after kill -9"
requests_clear
reads changes >/dev/null
eq "none of it made a request" 0 "$(requests)"

printf '{"name": "Another Name"}' | t tee "$users/EXT-e-000013.json" >/dev/null
like "a changed record: the handle reads the change" '"name": "Another Name"' "$(reads changes)"
t mv "$users/EXT-e-000012.json" "$MNT/hownow/deactivated-users/"
eq "a deactivated person has the same handle in the bin" e-000012 "$(reads moves | jq -r .external_user_id)"

people_change hownow '{"op": "delete", "id": "EXT-e-000011"}' >/dev/null
gone() { t "$LMSFS_BIN" refresh "$users" >/dev/null 2>&1; ! t ls "$users" | grep -qx EXT-e-000011.json; }
check "somebody else deletes a person for good" wait_until 20 gone
eq "… whose handle is stale at once" ESTALE "$(reads goes)"
remount
eq "… and after a restart" ESTALE "$(reads goes)"
people_change hownow '{"op": "add", "id": "EXT-brand-new"}' >/dev/null
t "$LMSFS_BIN" refresh "$users" >/dev/null
check "a new person comes" t test -e "$users/EXT-brand-new.json"
eq "… and has not got that number" ESTALE "$(reads goes)"
mount_stop
rm -rf "$CACHE/cache"
mount_start
t ls "$users" >/dev/null
eq "the cache thrown away: a handle of before is stale, and never another's" ESTALE "$(reads stays)"
eq "… a directory's is as good as ever" EXT-e-000010.json "$(reads dir | grep -x EXT-e-000010.json)"
mount_stop
mount_start -o ro
check "a read-only mount: a record has a handle" keep "$users/EXT-e-000010.json" audit
remount -o ro
eq "… that finds it after a restart" "$(cat "$users/EXT-e-000010.json")" "$(reads audit)"
done_testing
