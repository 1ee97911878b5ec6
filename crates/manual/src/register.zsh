#compdef register
# Completion of register(1) for zsh.
local side=before
local -a options targets
targets=(@targets@)
(( ${words[(ie)--]} < CURRENT )) && side=after
case $side,$words[CURRENT-1] in
    @folder@) _files -/; return ;;
    @command@) _command_names -e; return ;;
    @anything@) return 1 ;;
    @yes_no@) targets=(yes no $targets) ;;
esac
if [[ $side == before ]]; then
    options=(
@before@    )
else
    options=(
@after@    )
fi
if [[ $PREFIX == -* ]]; then
    _describe -o option options
else
    compset -P '*,'
    compadd -a targets
fi
