# SPDX-License-Identifier: ISC
#
# Completion for fish: source it, or install it under the name of each
# program.
#
#  - The options are those of PROGRAM --help, so they cannot disagree with it;
#    so is what the value of one is, and whether it is a file.
#  - After "--" comes a command, with completion of its own.

# "--socket=<tab>put frames in there" of each; an option that takes no value
# comes without "=".
function __rk_options
    $argv[1] --help 2>/dev/null </dev/null | string replace -rf \
        '^  (?:-.,|   ) (--[a-zA-Z0-9-]+)(?:\[?(=)[^ ]*)?(?: +(.*))?$' '$1$2\t$3'
end

# The metavariable of an option's value.
function __rk_value
    $argv[1] --help 2>/dev/null </dev/null | string replace -rf \
        "^  (?:-.,|   ) $argv[2]\[?=([^] ]*).*" '$1'
end

function __rk_candidates -a kind prefix text
    switch $kind
        case PATH FILE DIR
            printf "$prefix%s\n" (__fish_complete_path $text)
        case NAME=PATH
            set -l parts (string split -m 1 = -- $text)
            test (count $parts) = 2
            and printf "$prefix$parts[1]=%s\n" (__fish_complete_path $parts[2])
        case FORMAT
            printf "$prefix%s\n" pretty lines json
    end
end

function __rk
    set -l words (commandline -opc)
    set -l cur (commandline -ct)
    set -l cut (contains -i -- -- $words[-1..1])
    if test -n "$cut"
        set -l rest $words[(math (count $words) - $cut + 2)..-1]
        test $cut = 1; and set rest
        complete -C (string join ' ' -- (string escape -- $rest) $cur)
        return
    end
    if string match -qr -- '^--[a-zA-Z0-9-]+=' $cur
        set -l option (string split -m 1 = -- $cur)
        __rk_candidates (__rk_value $words[1] $option[1]) \
            "$option[1]=" "$option[2]"
    else if string match -q -- '-*' $cur
        __rk_options $words[1]
    else
        __fish_complete_path $cur
    end
end

for program in rk-listen rk-route rk-publish rk-client rk-amqp-bridge \
        rk-store rk-jobs rk-log rk-piped rk-layer rk-robots rk-rouket rk-cluster
    complete -c $program -f -a '(__rk)'
end
