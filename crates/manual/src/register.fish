# Completion of register(1) for fish.
function __register_is
    set -l words (commandline -opc)
    set -l side before
    contains -- -- $words; and set side after
    test "$side" = "$argv[1]"; or return
    test (count $argv) -eq 1; or contains -- $words[-1] $argv[2..]
end
