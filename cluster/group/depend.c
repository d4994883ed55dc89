/* depend: dependency expressions: which of its providers a resource needs.
 *
 * Why      a plain list says "all of them"; a name that is served by any of two addresses needs an "or".
 * How      one parser by recursive descent writes postfix, which everything else walks with a small stack.  "and" binds
 *          tighter than "or"; operators are words in any case; a term is a name or an id in brackets:
 *
 *             expression = conjunction { "or" conjunction }
 *             conjunction = operand { "and" operand }          operand = "[" name "]" | "(" expression ")"
 *
 *          The database keeps the text with ids, so that it survives renaming.
 * Limits   DEPEND_TERMS_MAX terms, DEPEND_DEPTH_MAX parentheses within each other.
 * Rules    SetClusterResourceDependencyExpression and its relatives in clusapi.h.
 * Threads  any.             Tests  tests/unit/depend.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/group/depend.h"
#include "base/error.h"
#include <string.h>

struct parser {
	struct u16 text;
	size_t at;
	unsigned depth;
	depend_resolve *resolve;
	void *data;
	struct depend *d;
};

static int parse_expression(struct parser *p);

static void skip_space(struct parser *p)
{
	while (p->at < p->text.len && (p->text.units[p->at] == ' ' || p->text.units[p->at] == '\t'))
		p->at++;
}

static bool take(struct parser *p, char16_t unit)
{
	skip_space(p);
	if (p->at == p->text.len || p->text.units[p->at] != unit)
		return false;
	p->at++;
	return true;
}

/* Operands end with a bracket, so that an operator's end needs no check: "andx" fails as an operand. */
static bool take_word(struct parser *p, struct u16 word)
{
	skip_space(p);
	if (p->text.len - p->at < word.len || !u16_equal((struct u16){ p->text.units + p->at, word.len }, word))
		return false;
	p->at += word.len;
	return true;
}

static int put(struct parser *p, enum depend_kind kind, const struct guid *id)
{
	if (p->d->count == ARRAY_SIZE(p->d->items) || (kind == DEPEND_TERM && p->d->terms == DEPEND_TERMS_MAX))
		return ERR_INVALID_PARAMETER;
	if (kind == DEPEND_TERM)
		p->d->terms++;
	p->d->items[p->d->count] = (struct depend_item){ .kind = kind };
	if (id != NULL)
		p->d->items[p->d->count].id = *id;
	p->d->count++;
	return 0;
}

static int parse_term(struct parser *p)
{
	struct u16 name = { p->text.units + p->at, 0 };
	struct guid id;
	int r;

	while (p->at < p->text.len && p->text.units[p->at] != ']') {
		p->at++;
		name.len++;
	}
	if (!take(p, ']') || name.len == 0)
		return ERR_INVALID_PARAMETER;
	if (p->resolve == NULL)
		r = guid_parse(name, &id) ? 0 : ERR_INVALID_PARAMETER;
	else
		r = p->resolve(p->data, name, &id);
	return r < 0 ? r : put(p, DEPEND_TERM, &id);
}

static int parse_operand(struct parser *p)
{
	int r;

	if (take(p, '['))
		return parse_term(p);
	if (!take(p, '(') || p->depth == DEPEND_DEPTH_MAX)
		return ERR_INVALID_PARAMETER;
	p->depth++;
	r = parse_expression(p);
	p->depth--;
	return r == 0 && !take(p, ')') ? ERR_INVALID_PARAMETER : r;
}

static int parse_conjunction(struct parser *p)
{
	int r = parse_operand(p);

	while (r == 0 && take_word(p, U16("and"))) {
		r = parse_operand(p);
		if (r == 0)
			r = put(p, DEPEND_AND, NULL);
	}
	return r;
}

static int parse_expression(struct parser *p)
{
	int r = parse_conjunction(p);

	while (r == 0 && take_word(p, U16("or"))) {
		r = parse_conjunction(p);
		if (r == 0)
			r = put(p, DEPEND_OR, NULL);
	}
	return r;
}

int depend_parse(struct u16 text, depend_resolve *resolve, void *data, struct depend *ret)
{
	struct depend d = { 0 };
	struct parser p = { .text = text, .resolve = resolve, .data = data, .d = &d };
	int r = 0;

	skip_space(&p);
	if (p.at < text.len)
		r = parse_expression(&p);
	skip_space(&p);
	if (r == 0 && p.at < text.len)
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		*ret = d;
	return r;
}

/* Where the operand that ends just before item *end* begins. */
static unsigned operand_begin(const struct depend *d, unsigned end)
{
	for (unsigned open = 1; open > 0; end--)
		open = d->items[end - 1].kind == DEPEND_TERM ? open - 1 : open + 1;
	return end;
}

static void put_text(struct buf *out, const char *text)
{
	while (*text != 0)
		buf_u16(out, (unsigned char)*text++);
}

/* The operand that ends just before item *end*; an "or" within an "and" needs parentheses. */
static void format_operand(const struct depend *d, unsigned end, enum depend_kind around, struct buf *out)
{
	const struct depend_item *last = &d->items[end - 1];
	bool wrap = last->kind == DEPEND_OR && around == DEPEND_AND;
	char id[GUID_TEXT_LEN + 1];

	if (last->kind == DEPEND_TERM) {
		guid_format(&last->id, id);
		put_text(out, "[");
		put_text(out, id);
		put_text(out, "]");
		return;
	}
	put_text(out, wrap ? "(" : "");
	format_operand(d, operand_begin(d, end - 1), last->kind, out);
	put_text(out, last->kind == DEPEND_AND ? " and " : " or ");
	format_operand(d, end - 1, last->kind, out);
	put_text(out, wrap ? ")" : "");
}

void depend_format(const struct depend *d, struct buf *out)
{
	if (d->count > 0)
		format_operand(d, d->count, DEPEND_OR, out);
}

bool depend_holds(const struct depend *d, depend_value *value, void *data)
{
	bool stack[DEPEND_TERMS_MAX + 1] = { true }; /* Nothing is true. */
	unsigned top = 0;

	for (unsigned i = 0; i < d->count; i++) {
		const struct depend_item *item = &d->items[i];

		if (item->kind == DEPEND_TERM) {
			stack[top++] = value(data, &item->id);
			continue;
		}
		top--;
		stack[top - 1] = item->kind == DEPEND_AND ? stack[top - 1] && stack[top] : stack[top - 1] || stack[top];
	}
	return stack[0];
}

bool depend_has(const struct depend *d, const struct guid *id)
{
	for (unsigned i = 0; i < d->count; i++)
		if (d->items[i].kind == DEPEND_TERM && guid_equal(&d->items[i].id, id))
			return true;
	return false;
}

int depend_add(struct depend *d, const struct guid *id)
{
	struct parser p = { .d = d };

	if (depend_has(d, id))
		return ERR_DEPENDENCY_ALREADY_EXISTS;
	if (d->terms == DEPEND_TERMS_MAX)
		return ERR_INVALID_PARAMETER;
	(void)put(&p, DEPEND_TERM, id);
	if (d->count > 1)
		(void)put(&p, DEPEND_AND, NULL);
	return 0;
}

static void cut(struct depend *d, unsigned at, unsigned count)
{
	memmove(d->items + at, d->items + at + count, (size_t)(d->count - at - count) * sizeof(d->items[0]));
	d->count -= (uint8_t)count;
}

/* The operator that takes the operand which ends just before item *end*: the first whose other end is not within it. */
static unsigned operator_of(const struct depend *d, unsigned begin)
{
	unsigned i = begin + 1;

	while (d->items[i].kind == DEPEND_TERM || operand_begin(d, i + 1) > begin)
		i++;
	return i;
}

int depend_remove(struct depend *d, const struct guid *id)
{
	if (!depend_has(d, id))
		return ERR_DEPENDENCY_NOT_FOUND;
	for (unsigned i = 0; i < d->count;) {
		if (d->items[i].kind != DEPEND_TERM || !guid_equal(&d->items[i].id, id)) {
			i++;
			continue;
		}
		if (d->count > 1) {
			/* Its operator is the first behind it that begins at it or before. */
			unsigned operator= operator_of(d, i);

			cut(d, operator, 1);
		}
		cut(d, i, 1);
		d->terms--;
		i = 0;
	}
	return 0;
}
