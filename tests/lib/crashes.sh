# crashes.sh — for suites that kill the daemon in the middle of something and start it again. Sourced after lib.sh and before a mount: from then
# on lmsfs is the one with hooks (src/sync/hook.h), which dies where $T/die names.

LMSFS_BIN=$TESTBIN/lmsfs-hooks
[ -x "$LMSFS_BIN" ] || bail "there is a program with hooks" "$LMSFS_BIN: make tests builds it"
export LMSFS_DIE_FILE=$T/die

die_at() { printf '%s\n' "$1" >"$T/die"; } # STEP
dead() { pid_gone "$DAEMON_PID"; }
back() { # it died; it is started again, over the dead mount
    check "… it died there" wait_until 20 dead
    rm -f "$T/die"
    mount_start
}
pending() { # the phases of what is under way
    local told
    if told=$(t "$LMSFS_BIN" pending --json "$MNT"); then
        jq -r '[.. | objects | .phase? // empty] | join(" ")' <<<"$told"
    else
        echo "no answer"
    fi
}
at_rest() { [ -z "$(pending)" ]; } # nothing is under way any more
quiet() { at_rest && [ "$(xattr_of state "$1")" = clean ]; } # FILE
rejected() { t "$LMSFS_BIN" rejected --json "$MNT" | jq '[.. | objects | select(.reason?)] | length'; } # how many
crash_save() { # FILE - saves $T/doc.json there; the daemon dies in it
    timeout $((20 * SLOW)) cp "$T/doc.json" "$1" >/dev/null 2>&1
}
