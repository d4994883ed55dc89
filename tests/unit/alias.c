/* unit alias: words of cluster.exe become those of rueda, and nothing that a user names becomes an option.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/alias/alias.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/test.h"
#include <stdlib.h>

/* Words are divided by '|'. */
static int translate(const char *line, char text[1024], struct error *error)
{
	_cleanup_alias_ struct alias a = { 0 };
	char copy[512], *words[64];
	int count = 0, r;
	size_t len = 0;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (char *at = copy; count < 64 && line[0] != 0; at += strlen(at) + 1) {
		char *bar = strchr(at, '|');

		if (bar != NULL)
			*bar = 0;
		words[count++] = at;
		if (bar == NULL)
			break;
	}
	r = alias_translate(count, words, &a, error);
	text[0] = 0;
	for (size_t i = 0; i < a.count && r == 0; i++)
		len += (size_t)snprintf(text + len, 1024 - len, "%s%s", i > 0 ? "|" : "", a.words[i]);
	if (a.help)
		(void)snprintf(text, 1024, "help");
	return r;
}

static const struct {
	const char *line, *rueda;
} good[] = {
	{ "/list", "cluster|ls|--" },
	{ "/cluster:one|/ver", "--cluster=one|cluster|show|--common|--" },
	{ "One|/PROP", "--cluster=One|cluster|show|--common|--" },
	{ "/prop|Description=a b", "cluster|set|--common|--|Description=a b" },
	{ "/priv:A=1:DWORD|B=c", "cluster|set|--private|--type=A=dword|--|A=1|B=c" },
	{ "/ren:two", "cluster|rename|--|two" },
	{ "/quorum", "cluster|quorum|--" },
	{ "/quorumresource:Disk Q|/path:\\MSCS|/maxlogsize:64",
	    "cluster|quorum|--path=\\MSCS|--max-log-size=64K|--|Disk Q" },
	{ "node", "node|ls" },
	{ "one|node|/status", "--cluster=one|node|ls" },
	{ "node|n1", "node|show|--|n1" },
	{ "node|n1|/pause", "node|pause|--|n1" },
	{ "node|n1|/evict", "node|rm|--yes|--|n1" },
	{ "GROUP|Web|/On:n2|/WAIT", "group|online|--wait|--|Web|n2" },
	{ "group|Web|/online", "group|online|--wait=10|--|Web" },
	{ "group|Web|-offline|-wait:3", "group|offline|--wait=3|--|Web" },
	{ "group|Web|/move", "group|move|--wait=10|--|Web" },
	{ "group|Web|/setowners:n1,n2", "group|owners|--|Web|n1|n2" },
	{ "group|Web|/delete", "group|rm|--if-empty|--yes|--|Web" },
	{ "res", "resource|ls" },
	{ "resource|R|/stat", "resource|show|--|R" },
	{ "reso|R|/create|/group:G g|/type:IP Address|/sep", "resource|create|--separate|--|R|G g|IP Address" },
	{ "res|R|/online|/wait:60", "resource|online|--wait=60|--|R" },
	{ "res|R|/move:G", "resource|move|--|R|G" },
	{ "res|R|/adddep:--yes", "resource|depend|--add=--yes|--|R" },
	{ "res|R|/removeowner:n1", "resource|owners|--remove=n1|--|R" },
	{ "res|R|/priv", "resource|show|--private|--|R" },
	{ "res|R|/priv|Address=fe80::1|PrefixLength=64:dword",
	    "resource|set|--private|--type=PrefixLength=dword|--|R|Address=fe80::1|PrefixLength=64" },
	{ "res|R|/priv|L=a,b:multistr|S=a,b:str",
	    "resource|set|--private|--type=L=multi_sz|--type=S=sz|--|R|L=a|L=b|S=a,b" },
	{ "res|R|/priv|L=:multistr", "resource|set|--private|--type=L=multi_sz|--|R|L=" },
	{ "res|R|/prop|RestartAction|/usedefault", "resource|set|--common|--|R|RestartAction" },
	{ "res|R|/check", "checkpoint|ls|--|R" },
	{ "res|R|/addcheck:Software\\x", "checkpoint|add|--|R|Software\\x" },
	{ "res|R|/removecheckpoints:--file", "checkpoint|rm|--yes|--|R|--file" },
	{ "res|R|/addcryptocheck:1\\Provider\\k", "checkpoint|add|--crypto=1\\Provider\\k|--|R" },
	{ "restype|T|/create|/dll:t.so", "type|create|--|T|t.so" },
	{ "net|N|/listint", "network|show|--|N" },
	{ "netint|/status", "interface|ls" },
	{ "netinterface|I|/prop|Description=x", "interface|set|--common|--|I|Description=x" },
	{ "res|R|/delete|/?", "help" },
	{ "/help", "help" },
};

TEST(each_command_has_its_counterpart)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct error error = { 0 };
		char text[1024];
		int r = translate(good[i].line, text, &error);

		if (r != 0)
			test_fail(__FILE__, __LINE__, "%s: %s", good[i].line, error.text);
		CHECK_STR(text, good[i].rueda);
	}
}

static const struct {
	const char *line, *story;
} bad[] = {
	{ "", "what is to be done" },
	{ "/nonsense", "rueda --help" },
	{ "res|R|/nonsense:1", "/nonsense:1 is not known for res" },
	{ "res|R|/o", "/o is not known" },
	{ "res|R|/onlinex", "/onlinex is not known" },
	{ "one|two|/list", "'two' is none of node" },
	{ "/cluster:|/list", "the cluster has no name" },
	{ "res|/online", "needs the name of a res" },
	{ "res|R|/online:n1", "/online takes no value" },
	{ "res|R|/rename", "/rename needs a value" },
	{ "res|R|/rename:", "/rename needs a value" },
	{ "res|R|/create|/group:G", "needs /type:VALUE as well" },
	{ "res|R|/offline|/group:G", "/group has no meaning here" },
	{ "res|R|/wait", "/wait has no meaning here" },
	{ "res|R|/online|/wait|/wait:3", "there twice" },
	{ "res|R|/online|/offline", "one thing at a time" },
	{ "res|R|/online|more", "'more' is one word too many" },
	{ "res|R|/priv|Address", "is no NAME=VALUE" },
	{ "res|R|/priv|Address=1|/usedefault", "has a value besides" },
	{ "res|R|/priv|/usedefault", "/usedefault needs" },
	{ "res|R|/addcheck:a,b", "one at a time" },
	{ "res|R|/maint:on", "there is no maintenance" },
	{ "node|n1|/start|/wait", "systemctl start rueda" },
	{ "node|n1|/forcecleanup", "rueda node rm" },
	{ "log|/gen", "rueda trace" },
};

TEST(what_cannot_be_done_is_said)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error error = { 0 };
		char text[1024];

		if (translate(bad[i].line, text, &error) != -EINVAL || strstr(error.text, bad[i].story) == NULL)
			test_fail(__FILE__, __LINE__, "%s: '%s' is said", bad[i].line, error.text);
	}
}

TEST(there_is_an_end_to_words)
{
	char *words[ALIAS_WORDS_MAX] = { "res", "R", "/priv" };
	_cleanup_alias_ struct alias a = { 0 }, more = { 0 };
	char lists[4 * ALIAS_WORDS_MAX] = "L=";

	for (size_t i = 3; i < ALIAS_WORDS_MAX; i++)
		words[i] = "a=1:dword";
	CHECK_INT(alias_translate(ALIAS_WORDS_MAX, words, &a, NULL), -E2BIG);
	memset(lists + 2, ',', sizeof(lists) - 20);
	memcpy(lists + sizeof(lists) - 18, ":multistr", 10);
	words[3] = lists;
	CHECK_INT(alias_translate(4, words, &more, NULL), -E2BIG);
}

TEST(without_memory_it_says_so)
{
	FAIL_EACH_ALLOCATION
	{
		char text[1024];
		int r = translate("one|res|R|/priv|A=1:dword|B=a,b:multistr", text, NULL);

		CHECK(r == (failalloc_hit() ? -ENOMEM : 0));
	}
}
