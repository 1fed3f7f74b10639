/* SPDX-License-Identifier: ISC */
/* Which functions a rule finds when libjq compiles it: those of jq 1.6 and of
 * the prelude, without what is impure or not for rules.  One that is missing
 * here is only compiled earlier; tests/unit/native.c compiles each. */
#include "parse.h"

const char *const builtin_names[] = {
	"IN/1", "IN/2", "INDEX/1", "INDEX/2", "add/0", "all/0", "all/1",
	"all/2", "any/0", "any/1", "any/2", "arrays/0", "ascii_downcase/0",
	"ascii_upcase/0", "booleans/0", "bsearch/1", "capture/1", "capture/2",
	"ceil/0", "combinations/0", "combinations/1", "contains/1", "debug/0",
	"del/1", "delpaths/1", "empty/0", "endswith/1", "error/0", "error/1",
	"exp/0", "exp10/0", "exp2/0", "explode/0", "fabs/0", "finites/0",
	"first/0", "first/1", "flatten/0", "flatten/1", "floor/0", "format/1",
	"from_entries/0", "fromdate/0", "fromdateiso8601/0", "fromjson/0",
	"fromstream/1", "getpath/1", "gmtime/0", "group_by/1", "gsub/2",
	"gsub/3", "has/1", "implode/0", "in/1", "index/1", "indices/1",
	"infinite/0", "inside/1", "isempty/1", "isfinite/0", "isinfinite/0",
	"isnan/0", "isnormal/0", "iterables/0", "join/1", "keys/0",
	"keys_unsorted/0", "last/0", "last/1", "leaf_paths/0", "length/0",
	"limit/2", "log/0", "log10/0", "log2/0", "ltrimstr/1", "map/1",
	"map_values/1", "match/1", "match/2", "max/0", "max_by/1", "min/0",
	"min_by/1", "mktime/0", "nan/0", "normals/0", "not/0", "nth/1",
	"nth/2", "nulls/0", "numbers/0", "objects/0", "open/0", "path/1",
	"paths/0", "paths/1", "payload/0", "pow/2", "range/1", "range/2",
	"range/3", "recurse/0", "recurse/1", "recurse/2", "refuse/1",
	"repeat/1", "reverse/0", "rindex/1", "round/0", "rtrimstr/1",
	"scalars/0", "scan/1", "select/1", "setpath/2", "sort/0", "sort_by/1",
	"split/1", "split/2", "splits/1", "splits/2", "sqrt/0", "startswith/1",
	"strftime/1", "strings/0", "strptime/1", "sub/2", "sub/3", "take/1",
	"test/1", "test/2", "to_entries/0", "todate/0", "todateiso8601/0",
	"tojson/0", "tonumber/0", "tostream/0", "tostring/0", "transpose/0",
	"trunc/0", "truncate_stream/1", "type/0", "unique/0", "unique_by/1",
	"until/2", "utf8bytelength/0", "values/0", "walk/1", "while/2",
	"with_entries/1",
	NULL
};

int
name_is_builtin(struct str name, size_t n)
{
	const char *const *at;

	for (at = builtin_names; *at != NULL; at++)
		if (strncmp(*at, name.p, name.n) == 0 &&
		    (*at)[name.n] == '/' && (*at)[name.n + 1] - '0' == (int)n)
			return 1;
	return 0;
}
