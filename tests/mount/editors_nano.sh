#!/usr/bin/env bash
# nano with and without backups: each ^S is one upsert, and the next one is not told of a file that changed.
. tests/lib/lib.sh
. tests/lib/editors.sh
needs nano tmux

zoo_start
complaints='error|on disk has changed|invalid|warning|locked'
set_name() { # NAME - from the top to the name's line, which is cut and typed anew; nano indents it
    types 'M-\' C-w '"name":' Enter Home C-k "  \"name\": \"$1\"," Enter
}

nano_session() { # TEXT LEFT OPTION…
    local text=$1 left=$2 file before
    shift 2
    file=$(somebody) before=$(kept "$file")
    zoo_mark
    keyboard nano "$@" "$file"
    sees "$text shows the file" '"name":'
    set_name "$text 1"
    types C-s
    sees "$text says that it wrote" 'Wrote [0-9]+ lines'
    set_name "$text 2"
    types C-s
    wait_until 10 eval '[ "$(sent)" = "$(names "$text 1" "$text 2")" ]'
    job_over
    sleep 1
    set_name "$text 3"
    types C-o Enter
    wait_until 10 eval '[ "$(sent)" = "$(names "$text 1" "$text 2" "$text 3")" ]'
    types C-x
    sees "$text ends" 'ended 0'
    never_saw "$text complained of nothing" "$complaints"
    LEFT=${left:+$(basename "$file")$left}
    came_to "$text" "$file" "$before" "$text 1" "$text 2" "$text 3"
    [ -z "$left" ] || eq "$text: its backup is what stood there before" "$text 2" "$(t jq -r .name "$file~")"
    LEFT=
    [ -z "$left" ] || t rm "$file~"
}
nano_session "nano" ''
nano_session "nano -B" '~' -B
nano_session "nano -G" '' -G # with its lock file

file=$(somebody)
zoo_mark
keyboard nano "$file"
sees "nano again" '"name":'
types C-o Enter
sees "… writes what was read" 'Wrote [0-9]+ lines'
types C-x
sees "… ends" 'ended 0'
came_to_nothing "nano, unchanged"

refusal() { # TEXT LEFT OPTION…
    local text=$1 left=$2 file before
    shift 2
    file=$(somebody) before=$(t jq -r .name "$file")
    fault '{"path": "* /external/v1/users/upsert", "status": 422, "body": {"error_message": "No more of those"}}'
    keyboard nano "$@" "$file"
    sees "$text: nano" '"name":'
    set_name "Refused once"
    types C-s
    sees "$text: an error stands on the screen" 'Error writing.*Invalid argument'
    eq "$text: the file shows the LMS's version" "$before" "$(t jq -r .name "$file")"
    sees "$text: the buffer is kept" 'Refused once'
    faults_clear
    zoo_mark
    sleep 2
    types C-s
    wait_until 10 eval '[ "$(sent)" = "$(names "Refused once")" ]'
    sees "$text: the same text is written when the LMS takes it" 'Wrote [0-9]+ lines'
    types C-x
    sees "$text: nano ends" 'ended 0'
    eq "$text: by one upsert" "$(names "Refused once")" "$(sent)"
    job_over
    [ -z "$left" ] || t rm -f "$file$left"
    nothing_left "$text"
}
refusal "refused" ''
refusal "refused with -B" '~' -B
keyboard_end
zoo_end 13
done_testing
