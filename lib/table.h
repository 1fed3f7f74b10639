/* SPDX-License-Identifier: ISC */
#ifndef TABLE_H
#define TABLE_H

/*
 * Hash tables of nodes that live inside what they find.  Names come from
 * outsiders, so the hash is keyed (SipHash-1-3 under a key drawn at start).
 */

#include <stdint.h>

#include "buf.h"

struct node {
	struct node *next;
	uint64_t hash;
};

struct table {
	struct node **slots;
	size_t cap;
	uint64_t n;
};

uint64_t table_hash(struct str);
uint64_t table_hash_number(uint64_t);

/* The first node with this hash, and the next one after a node. */
struct node *table_find(const struct table *, uint64_t);
struct node *table_again(const struct node *);
void	 table_add(struct table *, struct node *, uint64_t);
void	 table_remove(struct table *, struct node *);

#endif
