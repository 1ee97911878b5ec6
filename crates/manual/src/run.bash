# Completion of qus-run(1) for bash.
# shellcheck shell=bash
_qus_run() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} place word
    COMPREPLY=()
    for ((place = 1; place < COMP_CWORD; place++)); do
        word=${COMP_WORDS[place]}
        case $word in
            @valued@) ((place++)); continue ;;
            --) ((place++)) ;;
            -*) continue ;;
        esac
        if ((place < COMP_CWORD)) && declare -F _command_offset > /dev/null; then
            _command_offset "$place"
            return
        fi
        break
    done
    if ((place >= COMP_CWORD)); then
        case $prev in
            @folder@) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
@words@        esac
        if [[ $cur == -* && $prev != -- ]]; then
            mapfile -t COMPREPLY < <(compgen -W '@plain@ @all@' -- "$cur")
        else
            mapfile -t COMPREPLY < <(compgen -c -- "$cur")
        fi
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}
complete -o filenames -F _qus_run qus-run
