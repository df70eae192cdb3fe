# The help of each command: it fits a screen, wrong use leads to it, and manual and completions know the same commands and options.
. tests/lib/lib.sh

COMMANDS=$("$LMSFS_BIN" help | sed -n 's/^  lmsfs \([a-z]*\) .*/\1/p')
words() { tr ' ' '\n' <<<"$*" | sort -u; }

# Status, and whether each stream has something: "0 out" is help, "2 err" is misuse.
spoken() { # CMD…
    local status
    t 20 "$@" >"$T/out" 2>"$T/err" </dev/null
    status=$?
    printf '%s%s%s\n' "$status" "$([ -s "$T/out" ] && echo ' out')" "$([ -s "$T/err" ] && echo ' err')"
}

fits() { # TEXT FILE
    within "$1: 24 lines at most" 2 24 "$(wc -l <"$2")"
    within "$1: 80 columns at most" 10 80 "$(wc -L <"$2")"
}

# ---- help ----

within "there are commands" 15 40 "$(wc -w <<<"$COMMANDS")"
eq "the commands, on stdout" "0 out" "$(spoken "$LMSFS_BIN" help)"
fits "the commands" "$T/out"
for command in $COMMANDS; do
    eq "help $command is help" "0 out" "$(spoken "$LMSFS_BIN" help "$command")"
    fits "help $command" "$T/out"
    like "help $command names the usage" "^usage: lmsfs $command " "$(<"$T/out")"
    [ "$command" = sandbox ] || cp "$T/out" "$T/same"
    eq "$command --help is help" "0 out" "$(spoken "$LMSFS_BIN" "$command" --help)"
    fits "$command --help" "$T/out"
    like "$command --help names the usage" "^usage: lmsfs.$command " "$(<"$T/out")"
    [ "$command" = sandbox ] || check "… and is the same text" cmp "$T/same" "$T/out"
done

# ---- wrong use ----

status_of() { # the number of the manual's paragraph that has this word
    awk -v word="$1" '
        /^\.SH/ { there = /EXIT STATUS/ }
        there && /^\.B [0-9]+$/ { n = $2 }
        there && $0 ~ word { print n; exit }' docs/lmsfs.1
}
MISUSE=$(status_of '^Misuse') FAILURE=$(status_of '^It failed') SUCCESS=$(status_of '^It did')
eq "the manual has the statuses" "0 1 2" "$SUCCESS $FAILURE $MISUSE"

misuse() { # COMMAND ARGUMENT…
    eq "misuse, on stderr: $*" "$MISUSE err" "$(spoken "$LMSFS_BIN" "$@")"
    eq "… in a line" 1 "$(wc -l <"$T/err")"
    like "… that names the help" "lmsfs help|--help" "$(<"$T/err")"
}
for command in $COMMANDS; do
    misuse "$command" --frob
    misuse "$command" a b c
done
for command in mount umount check why wait refresh fetch url retry adopt resend forget; do
    misuse "$command"
done
misuse
misuse frob
misuse help frob
misuse help why wait
misuse sandbox --users
misuse sandbox --users many
misuse sandbox --job-seconds -1
misuse sandbox all

fails() { # COMMAND ARGUMENT…
    eq "a failure, on stderr: $*" "$FAILURE err" "$(spoken "$LMSFS_BIN" "$@")"
}
for command in status why wait refresh fetch url pending rejected drop release adopt resend forget; do
    fails "$command" /usr
done
fails retry 1 /usr
fails mount "$T/no.conf" "$T"
fails umount /usr
fails check "$T/no.conf"
eq "a failure: demo, after what it had to tell" "$FAILURE out err" "$(spoken "$LMSFS_BIN" demo "$T/none/there")"
fails sandbox --port-file "$T/none/there"
eq "success is the manual's too" "$SUCCESS out" "$(spoken "$LMSFS_BIN" --version)"

# ---- the manual, the completions ----

eq "the manual has these commands and no other" "$(words $COMMANDS help)" "$(words $(awk '
    /^\.SH/ { there = /COMMANDS/ }
    there && tagged && /^\.BR? / { gsub(/["]|^\.BR? /, ""); gsub(/,/, ""); print }
    { tagged = /^\.TP/ }' docs/lmsfs.1))"
synopsis=$(awk '/^\.SH/ { there = /SYNOPSIS/ } there && /^\.B / { sub(/^\.B (lmsfs )?/, ""); print }' docs/lmsfs.1)
eq "and so has its synopsis" "$(words $COMMANDS help)" "$(words $synopsis)"
eq "the completion of zsh likewise" "$(words $COMMANDS help)" \
    "$(words $(sed -n "/commands=(/,/)/s/^ *'\([a-z]*\):.*/\1/p" packaging/completions/lmsfs.zsh))"

# The completion of bash as a shell asks it, in an empty folder: complete lmsfs status --
complete_bash() { # WORD… - the last of them is being written
    (
        mkdir -p "$T/empty"
        . packaging/completions/lmsfs.bash
        cd "$T/empty" || exit
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        _lmsfs 2>/dev/null
        printf '%s\n' ${COMPREPLY[@]+"${COMPREPLY[@]}"}
    )
}
eq "the completion of bash likewise" "$(words $COMMANDS help)" "$(complete_bash lmsfs '' | sort -u)"
eq "after help too" "$(words $COMMANDS help)" "$(complete_bash lmsfs help '' | sort -u)"
eq "it completes" "refresh rejected release resend retry" "$(complete_bash lmsfs re | sort | xargs)"
options() { # FILE - the long options it names
    grep -oE -- '--[a-z][-a-z]*' "$1" | sort -u
}
for command in $COMMANDS; do
    "$LMSFS_BIN" "$command" --help >"$T/out"
    echo --help >>"$T/out"
    eq "bash completes the options of $command" "$(options "$T/out")" "$(complete_bash lmsfs "$command" -- | sort -u)"
done

# ---- the sandbox ----

"$SANDBOX_BIN" --help all >"$T/all"
within "the sandbox's whole text isn't wider" 10 80 "$(wc -L <"$T/all")"
"$SANDBOX_BIN" --help >"$T/out"
eq "its screen names the same options" "$(options "$T/all")" "$(options "$T/out")"
sed 's/\\-/-/g' docs/lmsfs-sandbox.1 >"$T/manual"
eq "and so does its manual" "$(options "$T/all")" "$(options "$T/manual")"
sed -n '/^    sandbox)/,/;;/p' packaging/completions/lmsfs.zsh >"$T/zsh"
eq "and the completion of zsh" "$(options "$T/all")" "$(options "$T/zsh")"
done_testing
