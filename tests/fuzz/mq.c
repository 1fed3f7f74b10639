/* SPDX-License-Identifier: ISC */
/*
 * Any bytes, as a field table of a message: what is taken becomes JSON.
 */
#include <stdlib.h>

#include "json.h"
#include "mq/conn.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf out = { .max = 8 << 20 };
	const char *why;

	buf_clear(&out);
	if (mq_table_decode(&out, (struct str){ (const char *)data, size }) &&
	    !json_check(buf_str(&out), &why))
		abort();
	return 0;
}
