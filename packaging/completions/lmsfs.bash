# bash completion for lmsfs

_lmsfs() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]:-}
    local commands='mount umount status check refresh fetch url why wait pending rejected retry release drop adopt resend forget
        sandbox demo help'
    COMPREPLY=()
    compopt -o filenames 2>/dev/null

    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W "$commands" -- "$cur") $(compgen -f -- "$cur"))
        return
    fi
    case $prev in
    -o)
        compopt +o filenames 2>/dev/null
        COMPREPLY=($(compgen -W 'ro rw dry_run allow_other default_permissions uid= gid=' -- "$cur"))
        return
        ;;
    esac
    case $command in
    umount)
        COMPREPLY=($(compgen -W "$(awk '$9 ~ /lmsfs/ || $10 ~ /lmsfs/ { print $5 }' /proc/self/mountinfo)" -- "$cur"))
        ;;
    mount)
        case $cur in
        -*) COMPREPLY=($(compgen -W '-f -o' -- "$cur")) ;;
        *) COMPREPLY=($(compgen -f -- "$cur")) ;;
        esac
        ;;
    sandbox)
        COMPREPLY=($(compgen -W '--port --port-file --users --synap-users --thrive-users --seed --latency --job-seconds --rate
            --token-seconds --seat-limit --client-id --client-secret --org-id --org-secret --api-key --thrive-tenant --thrive-secret --help' -- "$cur"))
        ;;
    status)
        COMPREPLY=($(compgen -W '--json --watch --verbose' -- "$cur") $(compgen -f -- "$cur"))
        ;;
    pending | rejected)
        COMPREPLY=($(compgen -W '--json' -- "$cur"))
        ;;
    adopt | resend | forget | check | refresh | fetch | url | why | wait | demo)
        COMPREPLY=($(compgen -f -- "$cur"))
        ;;
    esac
}
complete -F _lmsfs lmsfs
