# SPDX-License-Identifier: ISC
#
# For rk-log, between rk-listen and the rules of robots.jq: they say in the
# member `keep` of a frame what is to be written because of it.

.keep // empty | open[] | {type: "keep"} + open
