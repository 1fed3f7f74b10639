/* SPDX-License-Identifier: ISC */
#include "source.h"

/*
 * What a rule finds defined.  The text is jq; each line that is wrapped in D()
 * is one of it.
 *
 *  - $__rk and $__rk_end are the least strings below and above all handles'
 *    labels, so two comparisons tell a handle, and most often one: labels
 *    sort above nearly all text.
 *  - _rk(OP) asks filter.c: it hands [OP, .] to the debug callback and gets
 *    the answer from the input callback.
 *  - Places in arrays are found here: jq 1.6's own .[[x]] loses a reference to
 *    each element it looks at.
 *  - A function that would take a handle for text is refused here where jq
 *    would go on with a wrong answer.  Where jq fails by itself (.x of a
 *    string, .[], +1) it may; where a string is made (+, "\()", join) the
 *    printer sees it.
 */

#define D(text)		text "\n"
#define OLD(f, args)	"def _rk_" f args ": " f args "; "
#define GUARD(f, args)	D(OLD(f, args) "def " f args ": _rk_text" \
	" | _rk_" f args ";")
#define OPENS(f, args)	D(OLD(f, args) "def " f args ": if _rk_held" \
	" then open | _rk_" f args " else _rk_" f args " end;")
#define BARES(f, args)	D(OLD(f, args) "def " f args ": _rk_bare" \
	" | _rk_" f args ";")

const char filter_prelude[] =
	D("def _rk($op): [$op, .] | debug | _input;")
	D("def _rk_held: . >= $__rk and . < $__rk_end;")
	D("def _rk_text: if _rk_held then error(\"a handle is no text\")"
	    " else . end;")
	D("def _rk_bare: if . < $__rk then . else _rk(\"bare\") end;")

	D("def open: if . < $__rk then . else _rk(\"open\") end;")
	D("def debug: _rk(\"debug\");")
	D(OLD("type", "") "def type: if _rk_held then _rk(\"type\")"
	    " else _rk_type end;")
	OPENS("length", "") OPENS("keys", "") OPENS("keys_unsorted", "")
	OPENS("has", "(f)")
	D("def take(f): [open, f] | _rk(\"take\");")
	D("def payload: take(\"data\", \"text\", \"base64\","
	    " \"args\", \"attachments\");")
	D("def refuse(f): {type: \"refuse\", why: f};")

	D("def _rk_places($i): . as $in | ($i | if _rk_type == \"array\" then ."
	    " else [.] end) as $s | ($s | _rk_length) as $n"
	    " | [range(0; if $n > 0 then _rk_length - $n + 1 else 0 end)"
	    " | select($in[.:. + $n] == $s)];")
	GUARD("explode", "") GUARD("utf8bytelength", "")
	GUARD("ascii_downcase", "") GUARD("ascii_upcase", "")
	GUARD("startswith", "(a)") GUARD("endswith", "(a)")
	GUARD("ltrimstr", "(a)") GUARD("rtrimstr", "(a)")
	GUARD("split", "(a)") GUARD("split", "(a; b)")
	GUARD("splits", "(a)") GUARD("splits", "(a; b)")
	GUARD("test", "(a)") GUARD("test", "(a; b)")
	GUARD("match", "(a)") GUARD("match", "(a; b)")
	GUARD("capture", "(a)") GUARD("capture", "(a; b)")
	GUARD("scan", "(a)") GUARD("contains", "(a)") GUARD("inside", "(a)")
	GUARD("sub", "(a; b)") GUARD("sub", "(a; b; c)")
	GUARD("gsub", "(a; b)") GUARD("gsub", "(a; b; c)")
	D(OLD("indices", "(a)") "def indices($i): _rk_text | if _rk_type =="
	    " \"array\" then _rk_places($i) else _rk_indices($i) end;")
	D("def index($i): indices($i) | .[0];")
	D("def rindex($i): indices($i) | .[-1:][0];")
	BARES("tostring", "") BARES("tojson", "") BARES("format", "(a)");

/* Nothing of these is defined, and the compiler says so, when it is used. */
#define NONE(f, args)	D("def " f args ": " PURE_NAME f ";")

const char filter_pure[] =
	NONE("now", "") NONE("localtime", "") NONE("strflocaltime", "(f)")
	NONE("env", "") NONE("input", "") NONE("inputs", "") NONE("_input", "")
	NONE("input_filename", "") NONE("input_line_number", "")
	NONE("halt", "") NONE("halt_error", "") NONE("halt_error", "(f)")
	NONE("stderr", "") NONE("modulemeta", "") NONE("get_search_list", "")
	NONE("get_prog_origin", "") NONE("get_jq_origin", "");
