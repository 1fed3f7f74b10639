# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# examples.bash: runs the EXAMPLES of a man page as they are printed.
#
#  - A literal block that begins with "$ " is a session: after "$ " a command,
#    which "> " continues, then what it prints.  "..." in that stands for
#    anything within a line.
#  - A command that ends in "&" goes on; the next one waits until the sockets
#    it serves (-s, --serve) and port 8080, when it names it, answer.
#  - Blocks of a page run in order, in one empty directory where lib is the
#    tree's, so that they can meet at a socket or a port.
#  - Port 8080 is whichever is free; nobody else's gets in the way.
#  - Any other block is no session (a configuration, a program for a browser):
#    a comment .\" tested: FILE.bats: NAME before it says which test has it.

# blocks PAGE: the literal blocks, unescaped; a line of \x1e before each, with
# the comment that precedes it.
blocks() {
	awk '
	/^\.Sh/ { on = $2 == "EXAMPLES" }
	!on { next }
	/^\.\\" tested: / { told = substr($0, 13) }
	/^\.Bd -literal/ { inside = 1; print "\036" told; told = ""; next }
	/^\.Ed/ { inside = 0 }
	inside' "$1" |
		sed -e 's/^\\&//' -e 's/\\(dq/"/g' -e 's/\\-/-/g' \
			-e 's/\\(ti/~/g' -e 's/\\(ha/^/g' -e 's/\\e/\\/g'
}

a_free_port() {
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1,
	    LocalAddr => "127.0.0.1")->sockport'
}

answers() {
	(exec 4<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# The paths after -s, and after --serve NAME=.
served() {
	grep -oE -- '(-s |--socket[ =]|--serve [^= ]*=)[^ ]+' <<<"$1" |
		sed 's/.*[ =]//'
}

# COMMAND: in the background until the end of the test; returns when what it
# serves is there.
goes_on() {
	local path

	services=$((services + 1))
	start "service$services" bash -c "${1%&}"
	for path in $(served "$1"); do
		wait_for test -S "$path" || return
	done
	[[ $1 != *"$port"* ]] || wait_for answers "$port"
}

matches() {
	local got=$1 want

	want=$(sed -e 's/[][\\*?]/\\&/g' -e 's/\.\.\./*/g' <<<"$2")
	# shellcheck disable=SC2053 # a pattern
	[[ $got == $want ]]
}

# COMMAND WANT: runs it to its end.
prints() {
	local got

	say "\$ $1"
	if [[ $1 == *'&' ]]; then
		goes_on "$1"
		return
	fi
	got=$(timeout $((10 * RK_SLOW)) bash -o pipefail -c "$1" 3>&-) || {
		say "exit status $?"
		return 1
	}
	matches "$got" "$2" || assert_eq "$got" "$2"
}

# The lines of one session.
session() {
	local line command='' want=''

	while IFS= read -r line <&5; do
		case $line in
		'$ '*)
			[ -z "$command" ] || prints "$command" "$want" || return
			command=${line#'$ '} want='' ;;
		'> '*) command+=$'\n'${line#'> '} ;;
		*) want+=${want:+$'\n'}$line ;;
		esac
	done 5<<<"$1"
	prints "$command" "$want"
}

# "FILE.bats: NAME": such a test is there.
tested() {
	grep -qF "@test \"${1#*: }\"" "$TESTS/${1%%: *}" ||
		{ say "no such test: $1"; return 1; }
}

examples() {
	local block told ran=0

	services=0 port=$(a_free_port)
	cd "$RK_TEST" && ln -s "$ROOT/lib" lib || return
	while IFS= read -r -d $'\036' block <&6; do
		[ -n "$block" ] || continue
		told=${block%%$'\n'*} block=${block#*$'\n'}
		block=${block%$'\n'} block=${block//8080/$port}
		case $block in
		'$ '*) session "$block" || return ;;
		*) tested "$told" || return ;;
		esac
		ran=$((ran + 1))
	done 6< <(blocks "$ROOT/man/$1"; printf '\036')
	[ "$ran" -gt 0 ]
}
