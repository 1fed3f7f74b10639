#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# make install and uninstall: what goes in comes out, and works where it is.
# asan: no, it is about files

load lib

teardown() {
	stop_all
}

installed() {
	(cd "$DESTDIR" && find . -type f | sort)
}

setup() {
	export DESTDIR=$RK_TEST/root
	mkdir "$DESTDIR"
	unset MAKEFLAGS MAKELEVEL
	make -s -C "$ROOT" install PREFIX=/usr
}

@test "install puts every file in its place, and only under DESTDIR" {
	local want=$RK_TEST/want

	cd "$ROOT"
	{
		find bin -name 'rk-*' -printf './usr/bin/%f\n'
		find man -name '*.[157]' -printf '%f\n' |
			sed 's|.*\(.\)$|./usr/share/man/man\1/&|'
		find lib/{rules,demo,service,shell} -type f -printf './usr/%p\n' |
			sed s/lib/lib\\/rouket/
		find bin -name 'rk-*' -printf '%f\n' | sed \
			-e 'h; s|^|./usr/share/bash-completion/completions/|p' \
			-e 'g; s|.*|./usr/share/fish/vendor_completions.d/&.fish|'
		echo ./usr/share/zsh/site-functions/_rk
	} | sort >"$want"
	installed | diff -u "$want" -
}

@test "programs can be executed, the rest is plain" {
	[ -z "$(find "$DESTDIR/usr/bin" -type f ! -perm 755)" ]
	[ -z "$(find "$DESTDIR/usr/share" -type f ! -perm 644)" ]
}

@test "what is installed runs, from there alone" {
	local program

	PATH=/usr/bin:/bin
	for program in "$DESTDIR"/usr/bin/rk-*; do
		run_status 0 "$program" --version
		[[ $output == "$(basename "$program") "* ]]
	done
}

@test "a router that is installed finds its programs and rules" {
	PATH=/usr/bin:/bin
	start_ready layer "$DESTDIR/usr/bin/rk-layer" -p 0
	stop layer
}

@test "uninstall leaves nothing, and nobody else's files alone" {
	echo theirs >"$DESTDIR/usr/bin/theirs"
	make -s -C "$ROOT" uninstall PREFIX=/usr
	assert_eq "$(installed)" ./usr/bin/theirs
	[ ! -e "$DESTDIR/usr/lib/rouket" ]
}
