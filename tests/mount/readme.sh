#!/usr/bin/env bash
# What README.md shows is so: its first screen, command for command and line for line, and the commands of the sections after it.
# timeout: 120

# /mnt is this suite's alone: in a mount namespace of its own.
. tests/lib/own_mounts.sh
mount -t tmpfs tmpfs /mnt && mkdir /mnt/lms /mnt/audit || bail "a machine to try it on"
mkdir "$T/bin" "$T/work"
ln -s "$(realpath "$LMSFS_BIN")" "$T/bin/lmsfs"
PATH=$T/bin:$PATH T_LIMIT=60
sandbox_start --users 200 --job-seconds 0.3
config_write hownow
cp -p "$CONF" "$T/work/lms.conf"
page=$PWD/README.md

# ---- the first screen ----
awk '/^## / { exit } /^    \$ / { on = 1 } on && /^    / { print substr($0, 5); next } on { exit }' "$page" >"$T/session"
within "the first screen has a session" 10 40 "$(grep -c '^\$ ' "$T/session")"
{
    echo "cd '$T/work' || exit"
    sed -n 's/^\$ //p' "$T/session" | sed 's/ \{2,\}#.*//' | while IFS= read -r line; do
        printf 'printf "%%s\\n" %q\n%s\n' "\$ $line" "$line"
    done
} >"$T/run"
t bash "$T/run" >"$T/came" 2>&1
sed 's/ \{2,\}#.*//' "$T/session" | sed 's/sed[A-Za-z0-9]\{6\}:/sedXXXXXX:/' >"$T/expected"
sed 's/sed[A-Za-z0-9]\{6\}:/sedXXXXXX:/; /^  at 20/d; /^  what was refused is kept/d; s/: clean, and the last save was refused (/: failed (/' "$T/came" >"$T/actual"
eq "it goes as it is shown" "$(cat "$T/expected")" "$(cat "$T/actual")"
check "the mount is there" mountpoint -q /mnt/lms
t lmsfs umount /mnt/lms
check "… and unmounted" not mountpoint -q /mnt/lms

# ---- configure and mount; the searches ----
as_shown() { # TEXT HEADING - the section's commands, one after another
    awk -v heading="## $2" '/^## / { on = $0 == heading } on && /^    (\$ )?lmsfs |^    \$ ls / { sub(/^    (\$ )?/, ""); print }' "$page" |
        sed 's/ \{2,\}#.*//' >"$T/commands"
    within "$1: commands" 1 12 "$(wc -l <"$T/commands")"
}
as_shown "Configure and mount" "Configure and mount"
cd "$T/work" || bail "the folder"
while IFS= read -r line; do
    case $line in
    *dry_run*) # the next one mounts for good, so this one has to go
        check "$line" t sh -c "$line </dev/null"
        like "… says so" 'DRY RUN' "$(t lmsfs status)"
        check "… unmounted" t lmsfs umount /mnt/lms
        ;;
    *) check "$line" t sh -c "$line </dev/null" ;;
    esac
done <"$T/commands"
daemon=$(<"$CACHE/lmsfs.pid")
pid_record "$daemon"
t lmsfs umount /mnt/audit
cd "${page%/*}" || bail "the folder"
check "the daemon ends with its last mount" wait_until 20 pid_gone "$daemon"
t lmsfs mount "$CONF" /mnt/lms </dev/null
DAEMON_PID=$(<"$CACHE/lmsfs.pid")
pid_record "$DAEMON_PID"
as_shown "When a save fails" "When a save fails"
printf '{"user_type": "Emperor"}' >"$T/emperor.json"
file=/mnt/lms/hownow/users/EXT-e-000003.json
eq "a save that is refused" EINVAL "$(errno_of save "$file" <"$T/emperor.json")"
while IFS= read -r line; do
    check "$line" t sh -c "${line/FILE/$file} </dev/null"
done <"$T/commands"
t lmsfs umount /mnt/lms
done_testing
