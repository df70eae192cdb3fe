#!/usr/bin/env bash
# timeout: 600
# emacs in a terminal and in batch: its lock, its auto-save and its backup stay its own, each save is one upsert.
. tests/lib/lib.sh
. tests/lib/editors.sh
needs emacs tmux

# emacs keeps no backup of what stands in /tmp, where this mount is: as if it stood elsewhere.
elsewhere='(setq backup-enable-predicate (lambda (name) t))'
zoo_start
complaints='error|changed on disk|has changed since|really edit|steal|warning|invalid argument'
set_name() { # NAME - by hand: from the top to the name's line, which is killed and typed anew
    types 'M-<' M-x 're-search-forward' Enter '^ *"name": ' Enter C-k "\"$1\","
}
write_it() { # TEXT NAME…
    types C-x C-s
    wait_until 10 eval '[ "$(sent)" = "$(names "${@:2}")" ]'
    sees "$1 says that it wrote ${*: -1}" 'Wrote '
}

# ---- a session with three saves, the second while the first one's job runs ----
emacs_session() { # TEXT EMACS-OPTION…
    local text=$1 file before name
    shift
    file=$(somebody) before=$(kept "$file") name=$(basename "$file")
    zoo_mark
    keyboard emacs -nw --eval "$elsewhere" "$@" "$file"
    sees "$text shows the file" '"name":'
    set_name "$text 1"
    wait_until 5 test -L "$users/.#$name"
    like "$text has its lock there" '@' "$(t readlink "$users/.#$name")"
    types M-x 'do-auto-save' Enter
    wait_until 5 test -s "$users/#$name#"
    like "$text has its auto-save there" "$text 1" "$(t cat "$users/#$name#")"
    eq "$text: neither of them is sent" '[]' "$(sent)"
    write_it "$text" "$text 1"
    set_name "$text 2"
    write_it "$text" "$text 1" "$text 2"
    job_over
    sleep 1
    set_name "$text 3"
    write_it "$text" "$text 1" "$text 2" "$text 3"
    types C-x C-c
    sees "$text ends" 'ended 0'
    never_saw "$text complained of nothing" "$complaints"
    LEFT=$name~
    came_to "$text" "$file" "$before" "$text 1" "$text 2" "$text 3"
    LEFT=
}
emacs_session "emacs"
file=$(sed -n "$(cat "$T/somebody")p" "$T/people") name=$(basename "$file")
like "the backup is what stood there before" '^[^0-9]*$' "$(t jq -r .name "$file~")"

# ---- the same person again, where a backup stands already ----
before=$(kept "$file")
zoo_mark
keyboard emacs -nw --eval "$elsewhere" "$file"
sees "emacs again" '"name":'
set_name "Again"
write_it "emacs again" "Again"
types C-x C-c
sees "emacs again ends" 'ended 0'
never_saw "emacs again complained of nothing" "$complaints"
LEFT=$name~
came_to "emacs again" "$file" "$before" "Again"
eq "the backup is the newer one" "emacs 3" "$(t jq -r .name "$file~")"
t rm "$file~"
LEFT=

emacs_session "emacs by copying" --eval '(setq backup-by-copying t)'
t rm "$(sed -n "$(cat "$T/somebody")p" "$T/people")~"

# ---- precious: written beside and renamed; no backups; a symlink's target ----
variant() { # TEXT FILE LEFT EMACS-OPTION…
    local text=$1 at=$2 left=$3 file before
    shift 3
    file=$users/$(basename "$(t readlink -f "$at")") before=$(kept "$file")
    zoo_mark
    keyboard emacs -nw --eval "$elsewhere" "$@" "$at"
    sees "$text shows the file" '"name":'
    set_name "$text"
    write_it "$text" "$text"
    types C-x C-c
    sees "$text ends" 'ended 0'
    never_saw "$text complained of nothing" "$complaints"
    LEFT=${left:+$(basename "$file")$left}
    came_to "$text" "$file" "$before" "$text"
    [ -z "$left" ] || t rm "$users/$LEFT"
    LEFT=
}
variant "precious" "$(somebody)" '~' --eval '(setq file-precious-flag t)'
variant "without backups" "$(somebody)" '' --eval '(setq make-backup-files nil)'
file=$(somebody)
variant "by the ID name" "$users/ID-$(t jq -r ._readonly.id "$file").json" '~' --eval '(setq vc-follow-symlinks t)'

# ---- batch ----
file=$(somebody) before=$(kept "$file")
zoo_mark
batch='(progn (goto-char (point-min)) (re-search-forward "^  \"name\": .*") (replace-match "  \"name\": \"Batch\"," t t) (save-buffer))'
check "emacs --batch saves" emacs --batch --eval "$elsewhere" "$file" --eval "$batch"
LEFT=$(basename "$file")~
came_to "emacs --batch" "$file" "$before" Batch
t rm "$file~"
LEFT=

# ---- nothing changed ----
file=$(somebody)
zoo_mark
check "saving what was read" emacs --batch --eval "$elsewhere" "$file" --eval '(progn (set-buffer-modified-p t) (save-buffer))'
LEFT=$(basename "$file")~
came_to_nothing "emacs, unchanged"
t rm "$file~"
LEFT=

# ---- left without saving ----
file=$(somebody)
zoo_mark
keyboard emacs -nw --eval "$elsewhere" "$file"
sees "emacs once more" '"name":'
set_name "Never"
types C-x C-c
sees "… asks" 'Save file'
types n
types yes Enter
sees "… ends" 'ended 0'
LEFT="#$(basename "$file")#"
came_to_nothing "emacs, not saved"
t rm "$users/$LEFT"
LEFT=

# ---- killed: the lock and the auto-save stay, the next one is told and recovers ----
file=$(somebody) before=$(kept "$file") name=$(basename "$file")
zoo_mark
keyboard emacs -nw --eval "$elsewhere" "$file"
sees "emacs to be killed" '"name":'
set_name "Recovered"
types M-x 'do-auto-save' Enter
wait_until 5 test -s "$users/#$name#"
kill -KILL "$(pgrep -f -- "^emacs .*$name")"
sees "… is" 'ended 137'
eq "nothing was sent" '[]' "$(sent)"
keyboard emacs -nw --eval "$elsewhere" "$file"
sees "the next one speaks of the auto-save" 'auto.save|recover'
types M-x 'recover-this-file' Enter
sees "… asks" 'Recover|recover'
types yes Enter
sees "… has what was typed" '"Recovered"'
types C-x C-s
wait_until 10 eval '[ "$(sent)" = "$(names Recovered)" ]'
types C-x C-c
sees "… ends" 'ended 0'
LEFT=$name~
came_to "recovered" "$file" "$before" Recovered
t rm -f "$file~"
LEFT=

# ---- what emacs shows when the LMS refuses ----
# A backup made by renaming is renamed back, and emacs remembers the time of what it failed to write: then it asks, on any file system.
refusal() { # TEXT ASKS EMACS-OPTION…
    local text=$1 asks=$2 file before
    shift 2
    file=$(somebody) before=$(t jq -r .name "$file")
    fault '{"path": "* /external/v1/users/upsert", "status": 422, "body": {"error_message": "No more of those"}}'
    keyboard emacs -nw --eval "$elsewhere" "$@" "$file"
    sees "$text: emacs" '"name":'
    set_name "Refused once"
    types C-x C-s
    sees "$text: an error stands on the screen" 'Invalid argument'
    eq "$text: the file shows the LMS's version" "$before" "$(t jq -r .name "$file")"
    sees "$text: the buffer is kept, and changed" '\*\*-'
    faults_clear
    zoo_mark
    types C-x C-s
    if [ "$asks" = asks ]; then
        sees "$text: emacs asks" 'Save anyway'
        types yes Enter
    fi
    wait_until 10 eval '[ "$(sent)" = "$(names "Refused once")" ]'
    sees "$text: the same text is written when the LMS takes it" 'Wrote '
    types C-x C-c
    sees "$text: emacs ends" 'ended 0'
    [ "$asks" = asks ] || never_saw "$text: no word of a file that changed" 'changed on disk|has changed since|steal'
    eq "$text: by one upsert" "$(names "Refused once")" "$(sent)"
    job_over
    t rm -f "$file~"
    nothing_left "$text"
}
refusal "refused" asks
refusal "refused, by copying" '' --eval '(setq backup-by-copying t)'
keyboard_end
zoo_end 16
done_testing
