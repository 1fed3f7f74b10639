# SPDX-License-Identifier: ISC
#
# What lib/rules/piped.jq uses of rk-route(1), for jq and gojq, so that they run
# the same rules.
def take(f): . as $in | reduce f as $key ({};
  if $in | has($key) then .[$key] = $in[$key] else . end);
def payload: take("data", "text", "base64");
def open: .;
def refuse(f): {type: "refuse", why: f};
