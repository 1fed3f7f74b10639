# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# tls.bash: certificates for the tests of one file, made in setup_file by
# `certificates`, in $TLS:
#
#	ca.pem other-ca.pem      two roots that trust nobody else
#	NAME.pem NAME.key        of ca: good (localhost, 127.0.0.1), again (the
#	                         same, another key), wrong (elsewhere.example),
#	                         expired, client

# NAME SUBJECT: a key, and a root for it.
certify_root() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$TLS/$1.key" -out "$TLS/$1.pem" -days 2 \
		-subj "/CN=$2" 2>/dev/null
}

# NAME ALTERNATIVE-NAMES DAYS: a key, and a certificate of ca for it.
certify() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$TLS/$1.key" -out "$TLS/$1.csr" -subj "/CN=$1" \
		2>/dev/null
	openssl x509 -req -in "$TLS/$1.csr" -CA "$TLS/ca.pem" \
		-CAkey "$TLS/ca.key" -CAcreateserial -days "$3" \
		-extfile <(echo "subjectAltName=$2") -out "$TLS/$1.pem" \
		2>/dev/null
}

certificates() {
	export TLS=$BATS_FILE_TMPDIR/tls

	need openssl
	mkdir -p "$TLS"
	certify_root ca 'a root'
	certify_root other-ca 'another root'
	certify good DNS:localhost,IP:127.0.0.1 2
	certify again DNS:localhost,IP:127.0.0.1 2
	certify wrong DNS:elsewhere.example 2
	certify expired DNS:localhost,IP:127.0.0.1 -1
	certify client DNS:client 2
}
