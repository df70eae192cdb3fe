#!/usr/bin/env bash
# The pages that say what holds name the tests that hold it: each of those exists.
. tests/lib/lib.sh

named() { grep -oE 'tests/(mount|fault|unit|fuzz|bench)/[A-Za-z0-9_]+(\.[a-z]+)?' docs/semantics.md docs/coverage.md | sed 's/^[^:]*://' | sort -u; }
missing=$(named | while read -r file; do [ -e "$file" ] || echo "$file"; done)
eq "every test that semantics.md and coverage.md name is there" "" "$missing"
within "… and they are many" 20 500 "$(named | wc -l)"
headings=$(sed -n '/^## Which test holds what/,$p' docs/semantics.md | grep -c '^| .*tests/')
within "semantics.md names the test of each of its promises" 20 500 "$headings"
done_testing
