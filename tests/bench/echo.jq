# SPDX-License-Identifier: ISC
#
# A back end that knows no frames answers each line with the same line: the
# token goes with it.
if .from == "up" then
  if .type == "message" then
    {type: "publish", data: {token: .user, message: .data}}
  else empty end
elif .type == "message" then
  {type: "send", user: .data.token, data: .data.message}
else empty end
