# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# nginx.bash: a real nginx before what is tested.  After `load lib` and `load
# nginx`:
#
#   nginx_start         starts it with what standard input says inside of
#                       http {}, and returns when it listens; a server in there
#                       has `listen unix:$NGINX_SOCK`

NGINX_SOCK=$RK_TEST/nginx.sock

nginx_start() {
	need nginx
	cat >"$RK_TEST/nginx.conf" <<-END
		daemon off;
		pid $RK_TEST/nginx.at;
		error_log stderr warn;
		events {}
		http {
		    access_log off;
		    client_body_temp_path $RK_TEST/body;
		    proxy_temp_path $RK_TEST/proxy;
		    fastcgi_temp_path $RK_TEST/fastcgi;
		    uwsgi_temp_path $RK_TEST/uwsgi;
		    scgi_temp_path $RK_TEST/scgi;
		    $(cat)
		}
	END
	start nginx nginx -c "$RK_TEST/nginx.conf" -p "$RK_TEST"
	wait_for test -S "$NGINX_SOCK"
}
