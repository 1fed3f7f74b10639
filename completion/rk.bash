# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Completion for bash: source it, or install it under the name of each
# program, which is how bash-completion(7) finds it.
#
#  - The options are those of PROGRAM --help, so they cannot disagree with it;
#    so is what the value of one is, and whether it is a file.
#  - After "--" comes a command, with completion of its own.

# "-s --socket PATH": letter (or -), option, value (or -) of each.
_rk_options() {
	"$1" --help 2>/dev/null </dev/null | sed -nE \
		's/^  (-.|  )[, ] (--[a-zA-Z0-9-]+)(\[?=?([^] ]*)\]?)( .*)?$/\1 \2 \4 -/p' |
		sed 's/^  /-/'
}

# What the value of an option is called; fails when it has none.
_rk_value() {
	local letter long value rest

	while read -r letter long value rest; do
		if [[ $2 == "$letter" || $2 == "$long" ]]; then
			printf '%s\n' "$value"
			[[ $value != - ]]
			return
		fi
	done < <(_rk_options "$1")
	return 1
}

_rk_candidates() {
	case $1 in
	PATH | FILE | *=PATH | *=FILE) compgen -f -- "$2" ;;
	DIR) compgen -d -- "$2" ;;
	FORMAT) compgen -W 'pretty lines json' -- "$2" ;;
	esac
}

# The values of one word of candidates: names with spaces survive.
_rk_reply() {
	mapfile -t COMPREPLY < <("$@")
}

# The option that the current word is the value of: bash cuts --link=a=b into
# five words, and -s b is two.
_rk_option() {
	local i=$1

	while ((i > 2)) && [[ ${COMP_WORDS[i - 1]} == = ]]; do
		i=$((i - 2))
	done
	((i < $1)) || i=$((i - 1))
	[[ ${COMP_WORDS[i]} == -* ]] && printf '%s\n' "${COMP_WORDS[i]}"
}

# Where the program begins whose words these are: behind the last "--".
_rk_begin() {
	local i from=0

	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -- ]] && from=$((i + 1))
	done
	printf '%s\n' "$from"
}

_rk() {
	local cur=$2 at=$COMP_CWORD from program value

	from=$(_rk_begin)
	if ((from == at)); then
		_rk_reply compgen -c -- "$cur"
		return
	fi
	program=${COMP_WORDS[from]}
	[[ $program == *rk-* ]] || return
	if [[ $cur == = ]]; then
		cur='' at=$((at + 1))
	fi
	if [[ $cur == -* ]]; then
		_rk_reply compgen -W "$(_rk_options "$program" |
			cut -d ' ' -f 2)" -- "$cur"
	elif value=$(_rk_value "$program" "$(_rk_option "$at")"); then
		compopt -o filenames
		_rk_reply _rk_candidates "$value" "$cur"
	else
		compopt -o filenames
		_rk_reply compgen -f -- "$cur"
	fi
}

complete -F _rk rk-listen rk-route rk-publish rk-client rk-amqp-bridge \
	rk-store rk-jobs rk-log rk-piped rk-layer rk-robots rk-rouket rk-cluster
