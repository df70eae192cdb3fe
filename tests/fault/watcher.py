#!/usr/bin/env python3
"""Lists and reads a directory of people again and again while it changes, and says what should never be seen.

  watcher.py DIR STOP THROUGHOUT SEED - until the file STOP is there; THROUGHOUT has the names of those who never leave, a line each.

Each line of the output is a thing that should not be. The last line is `rounds N reads N`.
"""
import json
import os
import random
import sys

directory, stop, throughout, seed = sys.argv[1:5]
stay = set(open(throughout, encoding="utf-8").read().split())
rng = random.Random(int(seed))
rounds = reads = 0
key_of = {}  # name: id, as first seen


def wrong(text):
    print(text, flush=True)


def look_at(name):
    path = os.path.join(directory, name)
    try:
        with open(path, "rb", buffering=0) as f:
            size = os.fstat(f.fileno()).st_size
            text = f.read(1 << 20)  # in one call: between two the file may become another, here as anywhere
            if rng.random() < 0.5:  # so that the next one gets it from the daemon, not from the kernel
                os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    except FileNotFoundError:
        if name in stay:
            wrong(f"{name} was there throughout and can't be opened")
        return
    try:
        document = json.loads(text)
    except ValueError as e:
        wrong(f"{name} is torn: {len(text)} bytes, {size} by fstat: {e}")
        return
    if not text.endswith(b"\n}\n"):
        wrong(f"{name} has no end: {len(text)} bytes, {size} by fstat")
    ext, number = document.get("external_user_id"), document["_readonly"]["id"]
    if name not in (f"EXT-{ext}.json", f"ID-{number}.json"):
        wrong(f"{name} holds {ext}, {number}")
    if key_of.setdefault(name, number) != number:
        wrong(f"{name} was {key_of[name]} and is {number}")


while not os.path.exists(stop):
    names = os.listdir(directory)
    rounds += 1
    if len(names) != len(set(names)):
        twice = sorted(n for n in set(names) if names.count(n) > 1)
        wrong(f"listed twice: {twice[:5]}")
    missing = stay.difference(names)
    if missing:
        wrong(f"not listed, though there throughout: {sorted(missing)[:5]}")
    for name in rng.sample(names, min(40, len(names))):
        look_at(name)
        reads += 1
people = {}
for name, number in key_of.items():
    if people.setdefault(number, name) != name:
        wrong(f"{number} is both {people[number]} and {name}")
print(f"rounds {rounds} reads {reads}")
