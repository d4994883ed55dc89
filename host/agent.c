/* agent: what a resource agent (OCF) says of itself, read from its XML.
 *
 * Why      a parameter whose name is misspelt is passed on like any other, and the agent runs without it: nobody notices until
 *          it matters.  The agent knows its parameters; so people can be shown them, and told.
 * How      expat hands over the elements one by one; only these are looked at, wherever they stand:
 *
 *            resource-agent name= version=    parameter name= required=    content type= default=
 *            shortdesc: text of the agent, or of the parameter that is open    action name= timeout= interval= depth=
 *
 * Promise  whatever the bytes are, it ends, and takes no more memory than the limits say: AGENT_XML_MAX bytes, DEPTH_MAX
 *          levels, the numbers in agent.h.  A document that declares entities is refused before one is used.
 * Threads  all functions.      Format  OCF resource agent API 1.1, section 4       Tests  tests/unit/agent.c, tests/fuzz/agent.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/agent.h"
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16, MS_MAX = 1000000000 };

struct reader {
	XML_Parser parser;
	struct agent *agent;
	struct agent_parameter *parameter; /* The one that is open. */
	char text[AGENT_TEXT_MAX];         /* Of the shortdesc that is open. */
	size_t text_len;
	bool in_text;
	unsigned depth;
	bool is_agent; /* There is an element resource-agent. */
	int error;
	const char *why;
};

static void stop(struct reader *r, int error, const char *why)
{
	if (r->error == 0) {
		r->error = error;
		r->why = why;
	}
	(void)XML_StopParser(r->parser, XML_FALSE);
}

static const char *attribute(const XML_Char **all, const char *name)
{
	for (; all[0] != NULL; all += 2)
		if (strcmp(all[0], name) == 0)
			return all[1];
	return "";
}

static char *keep(struct reader *r, const char *text)
{
	size_t len = strnlen(text, AGENT_TEXT_MAX);
	char *copy = malloc(len + 1);

	if (copy == NULL) {
		stop(r, -ENOMEM, "there is no memory for it");
		return NULL;
	}
	memcpy(copy, text, len);
	copy[len] = 0;
	return copy;
}

static void replace(struct reader *r, char **text, const char *by)
{
	free(*text);
	*text = keep(r, by);
}

/* "20s", "20", "500ms", "2min", "1h": what OCF and Pacemaker write. */
static uint32_t milliseconds(const char *text)
{
	static const struct {
		const char *unit;
		uint32_t ms;
	} units[] = { { "", 1000 }, { "s", 1000 }, { "sec", 1000 }, { "ms", 1 }, { "msec", 1 }, { "m", 60000 },
		{ "min", 60000 }, { "h", 3600000 }, { "hr", 3600000 } };
	char *end;
	double number = strtod(text, &end);

	for (size_t i = 0; end != text && i < ARRAY_SIZE(units); i++)
		if (strcmp(end, units[i].unit) == 0 && number > 0 && number * units[i].ms < MS_MAX)
			return (uint32_t)(number * units[i].ms);
	return 0;
}

static void begin_parameter(struct reader *r, const XML_Char **attributes)
{
	struct agent *a = r->agent;
	const char *required = attribute(attributes, "required");

	if (a->parameter_count == AGENT_PARAMETERS_MAX) {
		stop(r, -E2BIG, "it has too many parameters");
		return;
	}
	r->parameter = &a->parameters[a->parameter_count++];
	*r->parameter = (struct agent_parameter){ .name = keep(r, attribute(attributes, "name")),
		.type = keep(r, ""),
		.standard = keep(r, ""),
		.about = keep(r, ""),
		.required = strcmp(required, "1") == 0 || strcmp(required, "true") == 0 };
}

static void add_action(struct reader *r, const XML_Char **attributes)
{
	struct agent *a = r->agent;

	if (a->action_count == AGENT_ACTIONS_MAX) {
		stop(r, -E2BIG, "it has too many actions");
		return;
	}
	a->actions[a->action_count++] = (struct agent_action){ .name = keep(r, attribute(attributes, "name")),
		.timeout_ms = milliseconds(attribute(attributes, "timeout")),
		.interval_ms = milliseconds(attribute(attributes, "interval")),
		.depth = (uint32_t)strtoul(attribute(attributes, "depth"), NULL, 10) };
}

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = data;

	if (++r->depth > DEPTH_MAX) {
		stop(r, -EBADMSG, "its elements are nested too deeply");
	} else if (strcmp(name, "resource-agent") == 0) {
		r->is_agent = true;
		replace(r, &r->agent->name, attribute(attributes, "name"));
		replace(r, &r->agent->version, attribute(attributes, "version"));
	} else if (strcmp(name, "parameter") == 0) {
		begin_parameter(r, attributes);
	} else if (strcmp(name, "content") == 0 && r->parameter != NULL) {
		replace(r, &r->parameter->type, attribute(attributes, "type"));
		replace(r, &r->parameter->standard, attribute(attributes, "default"));
	} else if (strcmp(name, "action") == 0) {
		add_action(r, attributes);
	} else if (strcmp(name, "shortdesc") == 0) {
		r->in_text = true;
		r->text_len = 0;
	}
}

static void on_end(void *data, const XML_Char *name)
{
	struct reader *r = data;

	r->depth--;
	if (strcmp(name, "parameter") == 0) {
		r->parameter = NULL;
	} else if (strcmp(name, "shortdesc") == 0) {
		while (r->text_len > 0 && r->text[r->text_len - 1] == ' ')
			r->text_len--;
		r->text[r->text_len] = 0;
		r->in_text = false;
		replace(r, r->parameter != NULL ? &r->parameter->about : &r->agent->about, r->text);
	}
}

/* On one line: blanks of any kind and number are one. */
static void on_text(void *data, const XML_Char *text, int len)
{
	struct reader *r = data;

	for (int i = 0; i < len && r->in_text && r->text_len < sizeof(r->text) - 1; i++) {
		bool blank = (unsigned char)text[i] <= ' ';

		if (!blank || (r->text_len > 0 && r->text[r->text_len - 1] != ' '))
			r->text[r->text_len++] = blank ? ' ' : text[i];
	}
}

static void on_entity(void *data, const XML_Char *name, int is_parameter, const XML_Char *value, int len,
    const XML_Char *base, const XML_Char *system, const XML_Char *public, const XML_Char *notation)
{
	stop(data, -EBADMSG, "it declares entities");
}

static int parse(struct reader *r, const void *xml, size_t len)
{
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetEntityDeclHandler(r->parser, on_entity);
	if (XML_Parse(r->parser, xml, (int)len, XML_TRUE) != XML_STATUS_OK && r->error == 0) {
		r->error = XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY ? -ENOMEM : -EBADMSG;
		r->why = XML_ErrorString(XML_GetErrorCode(r->parser));
	}
	if (r->error == 0 && !r->is_agent) {
		r->error = -EBADMSG;
		r->why = "it is not about a resource agent";
	}
	return r->error;
}

int agent_parse(const void *xml, size_t len, struct agent *ret, struct error *e)
{
	struct reader r = { .agent = ret };
	unsigned long line;

	*ret = (struct agent){ 0 };
	if (len > AGENT_XML_MAX)
		return error_set(e, -E2BIG, "the meta-data is too long");
	r.parser = XML_ParserCreate(NULL);
	ret->name = strdup("");
	ret->version = strdup("");
	ret->about = strdup("");
	if (r.parser == NULL || ret->name == NULL || ret->version == NULL || ret->about == NULL) {
		XML_ParserFree(r.parser);
		return error_set_code(e, -ENOMEM, "cannot read the meta-data");
	}
	(void)parse(&r, xml, len);
	line = XML_GetCurrentLineNumber(r.parser);
	XML_ParserFree(r.parser);
	return r.error == 0 ? 0 : error_set(e, r.error, "the meta-data cannot be read: line %lu: %s", line, r.why);
}

void agent_done(struct agent *a)
{
	for (size_t i = 0; i < a->parameter_count; i++) {
		free(a->parameters[i].name);
		free(a->parameters[i].type);
		free(a->parameters[i].standard);
		free(a->parameters[i].about);
	}
	for (size_t i = 0; i < a->action_count; i++)
		free(a->actions[i].name);
	free(a->name);
	free(a->version);
	free(a->about);
	*a = (struct agent){ 0 };
}

const struct agent_parameter *agent_parameter(const struct agent *a, const char *name)
{
	for (size_t i = 0; i < a->parameter_count; i++)
		if (strcmp(a->parameters[i].name, name) == 0)
			return &a->parameters[i];
	return NULL;
}

const struct agent_action *agent_action(const struct agent *a, const char *name, uint32_t depth)
{
	for (size_t i = 0; i < a->action_count; i++)
		if (strcmp(a->actions[i].name, name) == 0 && a->actions[i].depth == depth)
			return &a->actions[i];
	return NULL;
}
