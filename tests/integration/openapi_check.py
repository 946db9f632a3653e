"""docs/openapi.yaml as a judge: every JSON reply that any test gets is validated against it."""
import functools
import json
import os
import re
import urllib.parse

import jsonschema
import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATH = os.path.join(ROOT, "docs", "openapi.yaml")


@functools.lru_cache(maxsize=None)
def document():
    with open(PATH, encoding="utf-8") as file:
        return yaml.safe_load(file)


@functools.lru_cache(maxsize=None)
def operations():
    """(method, regular expression of the path, template, operation), literal paths first."""
    found = []
    for template, item in document()["paths"].items():
        pattern = re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part)
                                     for part in re.split(r"(\{\w+\})", template)) + r"\Z")
        for method, operation in item.items():
            if method != "parameters":
                found.append((method.upper(), pattern, template, operation))
    return sorted(found, key=lambda each: each[2].count("{"))


def resolve(node):
    while "$ref" in node:
        target = document()
        for part in node["$ref"].split("/")[1:]:
            target = target[part]
        node = target
    return node


def operation_of(method, path):
    path = urllib.parse.urlsplit(path).path
    method = "GET" if method == "HEAD" else method
    for known, pattern, template, operation in operations():
        if known == method and pattern.match(path):
            return template, operation
    return None, None


def check(method, path, reply):
    """Fails when the reply is not what the document says for this path, method and status."""
    template, operation = operation_of(method, path)
    if operation is None:
        assert reply.status in (400, 401, 404, 405), ("not described", method, path, reply)
        return
    if reply.status in (413, 415) or (reply.status == 400 and "%" in path):
        return  # told before the route is asked
    described = operation["responses"].get(str(reply.status))
    assert described is not None, ("status is not described", method, template, reply)
    content = resolve(described).get("content", {})
    media = reply.content_type.split(";")[0]
    assert media in content, ("content type is not described", method, template, reply)
    if media in ("application/json", "application/problem+json") and method != "HEAD":
        schema = dict(content[media]["schema"], components=document()["components"])
        jsonschema.Draft202012Validator(schema).validate(json.loads(reply.body))
