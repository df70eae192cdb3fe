# bash completion for lmsfs

_lmsfs() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]:-}
    local commands='mount umount status check refresh fetch url why wait pending rejected retry release drop adopt resend forget
        log sandbox demo help'
    COMPREPLY=()
    compopt -o filenames 2>/dev/null

    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W "$commands" -- "$cur") $(compgen -f -- "$cur"))
        return
    fi
    case $prev in
    -o)
        compopt +o filenames 2>/dev/null
        COMPREPLY=($(compgen -W 'ro rw dry_run allow_other default_permissions uid= gid= file_mode= dir_mode= workers= debug' -- "$cur"))
        return
        ;;
    esac
    case $command in
    umount)
        COMPREPLY=($(compgen -W "--help $(awk '$9 ~ /lmsfs/ || $10 ~ /lmsfs/ { print $5 }' /proc/self/mountinfo)" -- "$cur"))
        ;;
    mount)
        COMPREPLY=($(compgen -W '-f -o --help' -- "$cur") $(compgen -f -- "$cur"))
        ;;
    sandbox)
        COMPREPLY=($(compgen -W '--port --port-file --die-with-parent --users --synap-users --thrive-users --avia-users
            --learningpool-users --seed --latency --job-seconds --token-seconds --rate --learningpool-rate --seat-limit
            --client-id --client-secret --org-id --org-secret --api-key --learningpool-tenant --learningpool-key
            --thrive-tenant --thrive-secret --avia-token --help' -- "$cur"))
        ;;
    status)
        COMPREPLY=($(compgen -W '--json --watch --verbose --help' -- "$cur") $(compgen -f -- "$cur"))
        ;;
    log)
        COMPREPLY=($(compgen -W '--json -f --follow -n --help' -- "$cur") $(compgen -f -- "$cur"))
        ;;
    check | why | wait | refresh | fetch | url | pending | rejected | retry | drop | release | adopt | resend | forget)
        COMPREPLY=($(compgen -W '--json --help' -- "$cur") $(compgen -f -- "$cur"))
        ;;
    demo)
        COMPREPLY=($(compgen -W '--help' -- "$cur") $(compgen -d -- "$cur"))
        ;;
    help)
        COMPREPLY=($(compgen -W "$commands" -- "$cur"))
        ;;
    esac
}
complete -F _lmsfs lmsfs
