#!/usr/bin/env bash
# vim as it comes, and with each of its ways to keep a backup: one upsert a :w, and never a word about a file that changed.
. tests/lib/lib.sh
. tests/lib/editors.sh
needs vim tmux

# vim leaves out the backup of what stands in /tmp, where this mount is: as if it stood elsewhere, backupskip is emptied.
zoo_start
complaints='E[0-9]+:|W1[0-9]|warning|changed since|swap file'
renames() { # NAME
    types Escape ":%s/^  \"name\": .*/  \"name\": \"$1\",/" Enter
}

vim_session() { # TEXT VIM-OPTION…
    local text=$1 file before
    shift
    file=$(somebody) before=$(kept "$file")
    t cat "$file" >/dev/null
    zoo_mark
    keyboard vim --cmd 'set backupskip=' "$@" "$file"
    sees "$text shows the file" '"name":'
    renames "$text 1"
    types ':w' Enter
    sees "$text says that it was written" 'written'
    renames "$text 2"
    types ':w' Enter
    sees "$text writes again while the job runs" 'name": "'"$text 2"
    wait_until 10 eval '[ "$(sent)" = "$(names "$text 1" "$text 2")" ]'
    job_over
    renames "$text 3"
    types ':w' Enter
    wait_until 10 eval '[ "$(sent)" = "$(names "$text 1" "$text 2" "$text 3")" ]'
    job_over
    sleep 1
    types ':checktime' Enter ':w' Enter
    types ':q' Enter
    sees "$text ends" 'ended 0'
    never_saw "$text complained of nothing" "$complaints"
    came_to "$text" "$file" "$before" "$text 1" "$text 2" "$text 3"
}
vim_session "vim"
for way in yes no auto auto,breaksymlink no,breaksymlink; do
    vim_session "vim $way" -c "set backupcopy=$way"
done

# ---- undo files and lasting backups, which stay until the unmount because vim was told to leave them ----
LEFT=
vim_keeping() { # backupcopy
    local text="vim $1 with undofile and backup" file before name
    file=$(somebody) before=$(kept "$file") name=$(basename "$file")
    zoo_mark
    keyboard vim --cmd 'set backupskip=' -c "set undofile backup backupcopy=$1" "$file"
    sees "$text shows the file" '"name":'
    renames "$text 1"
    types ':w' Enter
    wait_until 10 eval '[ "$(sent)" = "$(names "$text 1")" ]'
    renames "$text 2"
    types ':wq' Enter
    sees "$text ends" 'ended 0'
    never_saw "$text complained of nothing" "$complaints"
    LEFT=$(printf '%s\n' ".$name.un~" "$name~")
    came_to "$text" "$file" "$before" "$text 1" "$text 2"
    check "the undo file can be read back" vim -es -u NONE -c "rundo $users/.$name.un~" -c 'q!' "$file"
    eq "the backup is what stood there before the last save" "$text 1" "$(t jq -r .name "$users/$name~")"
    check "what was left can be removed" rm "$users/.$name.un~" "$users/$name~"
    LEFT=
    nothing_left "$text"
}
for way in auto yes no,breaksymlink; do
    vim_keeping $way
done

# ---- by another of its names ----
for way in auto no,breaksymlink; do
    file=$(somebody) before=$(kept "$file") id=$(t jq -r ._readonly.id "$file")
    zoo_mark
    keyboard vim --cmd 'set backupskip=' -c "set backupcopy=$way" "$users/ID-$id.json"
    sees "vim $way by the ID name shows the file" '"name":'
    renames "Alias $way"
    types ':wq' Enter
    sees "vim $way by the ID name ends" 'ended 0'
    never_saw "vim $way by the ID name complained of nothing" "$complaints"
    came_to "vim $way by the ID name" "$file" "$before" "Alias $way"
done

# ---- nothing changed ----
file=$(somebody)
zoo_mark
keyboard vim --cmd 'set backupskip=' "$file"
sees "vim again" '"name":'
types ':w' Enter ':w' Enter ':q' Enter
sees "… ends" 'ended 0'
came_to_nothing "writing what was read"

# ---- killed in the middle: the swap file stays, and the next vim finds it ----
file=$(somebody) name=$(basename "$file")
keyboard vim --cmd 'set backupskip=' "$file"
sees "vim once more" '"name":'
renames "Never"
types ':preserve' Enter
sees "… preserves its buffer" 'preserved'
zoo_mark
kill -KILL "$(pgrep -f -- "^vim .*$name")"
sees "… and is killed" 'ended 137'
came_to_nothing_but() {
    eq "nothing was sent" '[]' "$(sent)"
    check "the swap file is there" test -s "$users/.$name.swp"
}
came_to_nothing_but
t vim -es -u NONE -r "$file" -c "write! $T/recovered" -c 'q!' >/dev/null 2>&1
eq "the next vim recovers what was typed" Never "$(jq -r .name "$T/recovered")"
rm -f "$users/.$name.swp"

# ---- what vim shows when the LMS refuses: the error, and the text is still there ----
refusal() { # TEXT LEFT VIM-OPTION… - a backup that vim copied stays where the write failed; the next one has another name then
    local text=$1 left=$2 file before
    shift 2
    file=$(somebody) before=$(t jq -r .name "$file")
    fault '{"path": "* /external/v1/users/upsert", "status": 422, "body": {"error_message": "No more of those"}}'
    keyboard vim --cmd 'set backupskip=' "$@" "$file"
    sees "$text: vim" '"name":'
    renames "Refused once"
    types ':wq' Enter
    sees "$text: an error stands on the screen" 'E512|E667|E514'
    eq "$text: the file shows the LMS's version" "$before" "$(t jq -r .name "$file")"
    like "$text: why has the LMS's words" 'No more of those' "$(t "$LMSFS_BIN" why "$file")"
    types Enter ':f' Enter
    sees "$text: the buffer is kept" 'Refused once|Modified'
    faults_clear
    zoo_mark
    types ':w!' Enter
    wait_until 10 eval '[ "$(sent)" = "$(names "Refused once")" ]'
    types ':q' Enter
    sees "$text: the same text is written when the LMS takes it" 'ended 0'
    eq "$text: by one upsert" "$(names "Refused once")" "$(sent)"
    job_over
    LEFT=${left:+$(basename "$file")$left}
    nothing_left "$text"
    [ -z "$left" ] || rm -f "$users/$LEFT"
    LEFT=
}
refusal "refused" ''
refusal "refused with backupcopy=yes" '~' -c 'set backupcopy=yes'
refusal "refused with backupcopy=no" '' -c 'set backupcopy=no'
keyboard_end
zoo_end 32
done_testing
