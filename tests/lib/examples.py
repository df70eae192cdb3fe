#!/usr/bin/env python3
"""Sends the vendors' documented requests to the sandbox and holds its replies against what the vendors document.

  examples.py URL EXAMPLES NAMES - EXAMPLES has a JSON object a line, NAMES is a JSON object of what stands for {name} in them. For each example a
  line goes to standard output: "ok" or "not ok", and what it is.

An example: what, vendor, method, path, status; json, form or parts and file: the body; anonymous: without credentials; headers;
shape: an object has these members and no other, an array begins with such a one, a scalar has this type or is null; open: paths of objects whose
members are the customer's own; keep: {name: path}, of the reply for later examples; until: [member, value], asked again until it has that;
undocumented: nobody says what the reply holds, and any will do.
"""
import base64
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

url, examples, names = sys.argv[1:4]
names = json.load(open(names, encoding="utf-8"))
TYPES = {"string": str, "boolean": bool, "number": (int, float), "null": type(None)}


def fill(value):
    if isinstance(value, dict):
        return {fill(k): fill(v) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(v) for v in value]
    if isinstance(value, str) and re.fullmatch(r"\{\w+\}", value):
        return names[value[1:-1]]
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda m: str(names[m[1]]), value)
    return value


def multipart(parts, files):
    border = "border-of-an-example"
    body = b""
    for name, value in parts.items():
        body += f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    for name, value in files.items():
        body += (f'--{border}\r\nContent-Disposition: form-data; name="{name}"; filename="a.pdf"\r\n'
                 f"Content-Type: application/pdf\r\n\r\n{value}\r\n").encode()
    return body + f"--{border}--\r\n".encode(), f"multipart/form-data; boundary={border}"


def credentials(vendor):
    if vendor == "synap":
        return {"X-Syn-Org-Id": names["org_id"], "X-Syn-Org-Secret": names["org_secret"], "X-Api-Key": names["api_key"]}
    if vendor == "learningpool":
        return {"x-api-key": names["learningpool_key"], "x-tenant-id": names["learningpool_tenant"]}
    if vendor == "thrive":
        pair = f'{names["thrive_tenant"]}:{names["thrive_secret"]}'
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    return {"Authorization": "Bearer " + names["token" if vendor == "hownow" else "avia_token"]}


def send(e):
    headers, body = {}, None
    if "json" in e:
        headers["Content-Type"], body = "application/json", json.dumps(fill(e["json"])).encode()
    elif "form" in e:
        body = urllib.parse.urlencode(fill(e["form"])).encode()
    elif "parts" in e:
        body, headers["Content-Type"] = multipart(fill(e["parts"]), fill(e.get("file", {})))
    if not e.get("anonymous"):
        headers.update(credentials(e["vendor"]))
    headers.update(fill(e.get("headers", {})))
    request = urllib.request.Request(url + fill(e["path"]), data=body, headers=headers, method=e["method"])
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as reply:
        return reply.code, reply.read()


def differences(shape, have, opened, at=""):
    if isinstance(shape, dict):
        if have is None:
            return
        if not isinstance(have, dict):
            yield f"{at or 'the reply'} is no object"
            return
        if at in opened:
            return
        for name in shape:
            if name not in have:
                yield f"{at}.{name} is missing"
            else:
                yield from differences(shape[name], have[name], opened, f"{at}.{name}".lstrip("."))
        for name in have:
            if name not in shape:
                yield f"{at}.{name} is not documented"
    elif isinstance(shape, list):
        if have is None:
            return
        if not isinstance(have, list):
            yield f"{at} is no array"
        elif shape and not have:
            yield f"{at} is empty"
        elif shape:
            yield from differences(shape[0], have[0], opened, at)
    elif have is not None and shape != "null":
        if not isinstance(have, TYPES[shape]) or (shape == "number" and isinstance(have, bool)):
            yield f"{at} is no {shape}"


def look(e):
    end = time.monotonic() + 20
    while True:
        status, body = send(e)
        reply = json.loads(body) if body.strip() else None
        if "until" not in e or (reply or {}).get(e["until"][0]) == e["until"][1] or time.monotonic() > end:
            break
        time.sleep(0.05)
    if status != e["status"]:
        yield f"{status} instead of {e['status']}: {body[:200].decode()}"
        return
    if "until" in e and reply.get(e["until"][0]) != e["until"][1]:
        yield f"{e['until'][0]} stayed {reply.get(e['until'][0])}"
    if "shape" in e:
        yield from differences(e["shape"], reply, e.get("open", []))
    elif body.strip() and not e.get("undocumented"):
        yield f"a body where none is documented: {body[:200].decode()}"
    for name, path in e.get("keep", {}).items():
        value = reply
        for member in path.split("."):
            value = value[member]
        names[name] = value


for line in open(examples, encoding="utf-8"):
    example = json.loads(line)
    try:
        wrong = list(look(example))
    except (ValueError, KeyError, TypeError) as error:
        wrong = [f"{type(error).__name__}: {error}"]
    print("not ok" if wrong else "ok", f"{example['what']}: {example['status']}", flush=True)
    for text in wrong:
        print("#", text, flush=True)
