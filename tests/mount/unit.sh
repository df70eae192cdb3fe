#!/usr/bin/env bash
# The systemd unit: what it takes away is not needed, and what it leaves open is no more than docs/security.md says. The daemon runs with the unit's
# capabilities and without new privileges, and every system call it makes is held against the unit's filter.
# sanitize: no, the sanitizer makes calls of its own
# timeout: 120
. tests/lib/lib.sh

unit=$T/lmsfs@.service
sed "s|@PREFIX@|$(realpath "$(dirname "$LMSFS_BIN")/..")|" packaging/systemd/lmsfs@.service >"$unit"
setting() { sed -n "s/^$1=//p" "$unit"; }

# ---- what it leaves open ----
open=$(systemd-analyze security --offline=true --json=short "$unit" | jq -r '.[] | select((.exposure // "0" | tonumber) > 0) | .name' | sort)
documented=$(sed -n '/^## The unit/,$s/^- \(`.*`\): .*/\1/p' docs/security.md | grep -oE '`[A-Z][A-Za-z]*=[^`]*`' | tr -d '`' | sort)
within "docs/security.md has what is left open" 10 40 "$(wc -l <<<"$documented")"
eq "… no more and no less than systemd-analyze security sees" "$documented" "$open"
score=$(systemd-analyze security --offline=true --no-pager "$unit" 2>&1 | sed 's/\x1b\[[0-9;]*m//g' | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')
eq "… and its score" "$(sed -n 's/.*exposure of \([0-9.]*\).*/\1/p' docs/security.md)" "$score"

# ---- what it takes away ----
sandbox_start --users 60 --job-seconds 0.2
conf_hownow 'removal_grace = 0'
config_write hownow synap
caps=$(setting CapabilityBoundingSet | tr '[:upper:]' '[:lower:]' | sed 's/cap_/+/g; s/ /,/g')
mkdir -p "$MNT"
setpriv --no-new-privs --bounding-set="-all,$caps" \
    strace -f -qq -s 0 -o "$T/calls" "$LMSFS_BIN" mount -f "$CONF" "$MNT" >"$T/mount.log" 2>&1 </dev/null &
tracer=$!
pid_record $tracer
up() { mounted "$MNT" && [ -s "$CACHE/lmsfs.pid" ]; }
check "with the unit's capabilities it mounts" wait_until 20 up
DAEMON_PID=$(<"$CACHE/lmsfs.pid")
pid_record "$DAEMON_PID"
eq "… and has no others" "$(tr , '\n' <<<"$caps" | grep -c +)" \
    "$(python3 -c 'import sys; print(bin(int(sys.argv[1], 16)).count("1"))' "$(sed -n 's/^CapBnd:\s*//p' "/proc/$DAEMON_PID/status")")"
eq "… nor can it gain any" 1 "$(sed -n 's/^NoNewPrivs:\s*//p' "/proc/$DAEMON_PID/status")"
users=$MNT/hownow/users
eq "everybody is listed" 60 "$(t ls "$users" | wc -l)"
file=$(t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json | head -n 1)
check "a detail is read" cat "$file"
check "an edit is saved" sed -i 's/^  "name": ".*"/  "name": "By The Unit"/' "$file"
check "… its job is waited for" "$LMSFS_BIN" wait "$file"
check "somebody leaves" mv "$file" "$MNT/hownow/deactivated-users/"
check "… and comes back" mv "$MNT/hownow/deactivated-users/${file##*/}" "$users/"
check "a crash's draft" sh -c "echo x >'$users/.x.swp' && rm '$users/.x.swp'"
check "the status" "$LMSFS_BIN" status "$MNT"
kill -HUP "$DAEMON_PID"
check "it reads its credentials again" wait_until 10 grep -q 'credentials' "$T/mount.log"
eq "the audit names who did it" mv "$(jq -r .command "$CACHE/audit.jsonl" | tail -n 1)"
check "it unmounts" "$LMSFS_BIN" umount "$MNT"
wait_until 20 pid_gone $tracer
allowed() { # SET… - their calls, sets inside them too
    systemd-analyze syscall-filter "$@" | sed -n 's/^    \([a-z0-9_@-]*\)$/\1/p' | sort -u | while read -r name; do
        case $name in @*) allowed "$name" ;; *) echo "$name" ;; esac
    done
}
allowed $(setting SystemCallFilter) | sort -u >"$T/allowed"
sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' "$T/calls" | sort -u >"$T/made"
within "the trace has the daemon's calls" 60 200 "$(wc -l <"$T/made")"
check "… the mount among them" grep -qx mount "$T/made"
eq "the filter lets through every call it made" "" "$(comm -23 "$T/made" "$T/allowed")"
for family in $(grep -oE 'socket\((AF_[A-Z0-9]*)' "$T/calls" | sed 's/.*(//' | sort -u); do
    like "$family is among the address families" "(^| )$family( |$)" "$(setting RestrictAddressFamilies)"
done
eq "no page is written and executed" "" "$(grep -E 'PROT_WRITE\|PROT_EXEC' "$T/calls" | head -n 3)"
done_testing
