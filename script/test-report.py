#!/usr/bin/env python3
"""Reads what ctest wrote of a run: prints the end of what each failed test said, and a line of those that this machine could not do.

With --require-labs, a lab that was not run is a failure.

usage: test-report.py [--require-labs] TESTS.XML
"""
import argparse
import sys
import xml.etree.ElementTree

LINES = 30


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--require-labs", action="store_true")
    parser.add_argument("results")
    arguments = parser.parse_args()

    try:
        tests = list(xml.etree.ElementTree.parse(arguments.results).iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        sys.exit(f"{arguments.results}: no results of ctest: {error}")
    # Others are skipped on purpose, for a sanitizer or a type of build; what is tried against other programs is not.
    skipped = [test.get("name") for test in tests if test.get("status") == "notrun" and test.get("name").startswith("interop.")]
    if skipped:
        print(f"NOT RUN, as this machine cannot: {' '.join(skipped)}")
    for test in tests:
        if test.get("status") == "fail":
            said = (test.findtext("system-out") or "").rstrip().splitlines()
            print(f"\nFAILED: {test.get('name')}")
            print("\n".join(f"  {line}" for line in said[-LINES:]))
    labs = [name for name in skipped if name.endswith("_lab")]
    if arguments.require_labs and labs:
        print(f"these may not be skipped here: {' '.join(labs)}")
        return 1
    return 0


sys.exit(main())
