#!/usr/bin/env bash
# The commands that stand in the sentences of docs/troubleshooting.md, semantics.md and upgrades.md, each run as it is written, with a file in the place of
# FILE. Their blocks, README and start.md are mount/readme's and mount/docs's. Not run from here: `lmsfs mount` alone and `kill -9`, which are names of
# what mount/cli and fault/crashes do, and performance.md's `make bench`, which takes hours.
# timeout: 120
. tests/lib/lib.sh

sandbox_start --users 30 --learningpool-users 4 --job-seconds 0.2
conf_hownow 'trickle = no' 'removal_grace = 30' 'max_removals = 3' 'crawl_limit = 0'
conf_learningpool 'trickle = no'
config_write hownow learningpool
mount_start
users=$MNT/hownow/users taken=$MNT/learningpool/users
mkdir "$T/bin"
ln -s "$(realpath "$LMSFS_BIN")" "$T/bin/lmsfs"
PATH=$T/bin:$PATH
refuse() { # a save that is refused, as number $N
    errno_of save "$file" <<<'{"user_type": "Emperor"}' >/dev/null
    N=$(t ls "$MNT/.lmsfs/rejected" | sort -n | tail -n 1)
}
trip() { # the guard
    t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json | tail -n 5 | while read -r one; do errno_of unlink "$one" >/dev/null; done
}
file=$(t grep -l '"user_type": "ReadOnly"' "$users"/EXT-*.json | head -n 1)
t cat "$file" >"$T/yesterday.json"
printf 'EMP1001\nEMP1002\n' >"$T/ids"
# Learning Pool isn't asked for a URL, HowNow is: of a lesson.
lesson=$(curl -s -H "Authorization: Bearer $(hownow_token)" \
    "$URL/external/v1/contents/search?per_page=100" | jq -r '[.data[] | select(.content_type == "course")][0].id * 8')

commands() { # PAGE
    grep -oE '`[^`]+`' "docs/$1" | tr -d '`' | grep -E '^(lmsfs [a-z]|fuser |grep -l |jq .*>)' | awk '!seen[$0]++'
}
run_as_written() { # COMMAND - a placeholder is what it stands for
    local line=$1 path=$file
    case $line in
    *' <ids') line=${line/DIR/$taken} ;;
    'lmsfs resend '* | 'lmsfs forget '*) path=$taken/EXT-EMP1001.json ;;
    'lmsfs url'*) path=$MNT/hownow/lessons/$lesson.json ;;
    esac
    case $line in
    'lmsfs retry N' | 'lmsfs drop N' | 'lmsfs rejected') refuse ;;
    'lmsfs pending' | 'lmsfs release' | 'lmsfs drop') trip ;;
    esac
    line=${line//CONFIG/$CONF} line=${line//MOUNTPOINT/$MNT} line=${line//DIR/$users} line=${line//FILE/$path} line=${line//PATH/$path}
    line=${line/% N/ $N} line=${line/users\/EXT-1.json/$file}
    case $line in # those that stand without what they are about
    'lmsfs fetch' | 'lmsfs refresh' | 'lmsfs why' | 'lmsfs url') line="$line $path" ;;
    esac
    local at=$MNT # other mounts may be on this machine: lmsfs means the one it stands in
    case $line in jq* | *' <ids' | *' umount '*) at=$T ;; esac
    (cd "$at" && t 30 sh -c "$line" "$T") >"$T/out" 2>"$T/err" <"$T/ids" && return
    case $line in grep*) [ -s "$T/out" ] && return ;; esac # a process that ends meanwhile is a failure to grep
    cat "$T/out" "$T/err"
    return 1
}

N=0
: >"$T/run"
for page in troubleshooting.md semantics.md upgrades.md; do
    commands $page >"$T/commands"
    within "$page names commands" 2 60 "$(wc -l <"$T/commands")"
    while IFS= read -r command; do
        echo "$command" >>"$T/run"
        case $command in
        'lmsfs mount' | 'lmsfs umount '*) continue ;; # the last ones below
        'fuser '*) ( cd "$users" && exec sleep 60 ) & standing=$! && pid_record $! ;;
        esac
        if [ "$command" = 'lmsfs retry N' ]; then # what is refused again is told so
            refuse
            check "$page: $command, refused again" not run_as_written "$command"
        else
            check "$page: $command" run_as_written "$command"
        fi
        case $command in
        'fuser '*)
            like "… names who stands in it" "\\b$standing" "$(cat "$T/out")"
            kill $standing
            wait_until 10 pid_gone $standing
            ;;
        'grep -l '*) like "… names the daemon" "/proc/$DAEMON_PID/mountinfo" "$(cat "$T/out")" ;;
        'jq '*) eq "… the LMS has yesterday's" "$(jq -r .name "$T/yesterday.json")" "$(state "hownow/users/$(basename "$file" .json)" | jq -r .name)" ;;
        esac
    done <"$T/commands"
done
eq "every command of lmsfs that they name was run" "" "$(for name in check status why pending release drop fetch rejected retry wait refresh url adopt resend forget log; do
    grep -qE "^lmsfs $name( |$)" "$T/run" || echo $name; done)"
check "troubleshooting.md: lmsfs umount MOUNTPOINT" run_as_written "lmsfs umount MOUNTPOINT"
mounted "$MNT" && not_ok "… it is gone" || ok "… it is gone"
check "… and its daemon" wait_until 20 pid_gone "$DAEMON_PID"
done_testing
