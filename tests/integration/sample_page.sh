#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs from Windows, built against an installed tree with the flags of pkg-config: one of ours, run with both widths
# of wchar_t; and, if RUEDA_SAMPLE_PAGE names a page of the documentation, the code block in it, unmodified, as C and as
# C++.  Prints TAP.
#
# Usage: sample_page.sh SOURCE_ROOT BUILD_ROOT RUEDAD
set -u
source=$1 build=$2 ruedad=$3
directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT
number=0 failed=0

result() { # result STATUS NAME [# SKIP WHY]
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number - $2 ${3:-}"
	else
		failed=1
		echo "not ok $number - $2"
		sed 's/^/# /' "$directory/log"
	fi
}

DESTDIR=$directory/root meson install -C "$build" --no-rebuild --quiet >"$directory/log" 2>&1
result $? "the tree installs"
pc=$(find "$directory/root" -name clusapi.pc | head -n 1)
export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$directory/root
flags=$(pkg-config --cflags --libs clusapi 2>"$directory/log")
case " $flags " in
*" -fshort-wchar "*) result 0 "pkg-config asks for 16-bit wchar_t" ;;
*) echo "$flags" >>"$directory/log"; result 1 "pkg-config asks for 16-bit wchar_t" ;;
esac
export LD_LIBRARY_PATH=${PKG_CONFIG_PATH%/pkgconfig}

compile() { # compile COMPILER SOURCE PROGRAM FLAGS…
	local compiler=$1 from=$2 to=$3 language=c
	shift 3
	case $compiler in *++) language=c++ ;; esac
	# shellcheck disable=SC2046 # the flags are meant to be split
	"$compiler" -x "$language" -Wall -Wextra $(pkg-config --cflags resutils) "$@" "$from" -x none -o "$to" \
		$(pkg-config --libs resutils) >"$directory/log" 2>&1
}

cat >"$directory/expected" <<-'END'
	name école of 5, line Grüße 😀
	narrow text, code 5087, -1
	formatted É-13DF, equal 1
	narrow again, strcmpi 0
	0 4 1

	debug
	END

for compiler in gcc g++ clang clang++; do
	if ! command -v $compiler >/dev/null; then
		result 0 "a wide program with $compiler" "# SKIP $compiler is not there"
		continue
	fi
	for options in "-fshort-wchar -O0" "-fshort-wchar -O2 -D_FORTIFY_SOURCE=2" "-fno-short-wchar -O2"; do
		# shellcheck disable=SC2086 # the options are meant to be split
		compile $compiler "$source/tests/integration/wide_program.c" "$directory/program" $options &&
			printf 'Grüße 😀\n' | "$directory/program" école >"$directory/out" 2>>"$directory/log" &&
			head -n 7 "$directory/out" | diff "$directory/expected" - >>"$directory/log" &&
			grep -q '^Error 5087: The backup set is damaged' "$directory/out" &&
			grep -q '^DF 13 00 00$' "$directory/out"
		result $? "a wide program: $compiler $options"
	done
done

page=${RUEDA_SAMPLE_PAGE:-}
if [ -z "$page" ]; then
	result 0 "the sample of the documentation" "# SKIP RUEDA_SAMPLE_PAGE does not name the page"
else
	sed -n '/^```cpp/,/^```$/{/^```/!p}' "$page" >"$directory/sample.c"
	[ -s "$directory/sample.c" ]
	result $? "the page has a code block"
	for compiler in gcc g++ clang clang++; do
		if command -v $compiler >/dev/null; then
			compile $compiler "$directory/sample.c" "$directory/sample-$compiler" -include ClusDocEx.h
			result $? "the sample of the documentation compiles unmodified: $compiler"
		fi
	done
	python3 "$source/tests/integration/sample_run.py" "$ruedad" "$LD_LIBRARY_PATH/libclusapi.so.0" \
		"$directory"/sample-[gc]* >"$directory/log" 2>&1
	result $? "the sample of the documentation backs up a cluster, and says why it cannot"
fi
echo "1..$number"
exit $failed
