# Completion of register(1) for bash.
# shellcheck shell=bash
_register() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local side=before word options list
    local targets='@targets@'
    for word in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
        [[ $word == -- ]] && side=after
    done
    COMPREPLY=()
    case $side,$prev in
        @folder@) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
        @command@) mapfile -t COMPREPLY < <(compgen -c -- "$cur"); return ;;
        @anything@) return ;;
        @yes_no@) targets="yes no $targets" ;;
    esac
    case $side in
        before) options='-- @before@' ;;
        after) options='@after@' ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
    else
        list=${cur%"${cur##*,}"}
        mapfile -t COMPREPLY < <(compgen -P "$list" -W "$targets" -- "${cur##*,}")
    fi
}
complete -F _register register
