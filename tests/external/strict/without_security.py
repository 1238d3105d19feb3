"""Copies an OpenAPI document without its security schemes: without_security.py FROM TO."""

import pathlib
import sys

import yaml


def main(source: str, target: str) -> None:
    document = yaml.safe_load(pathlib.Path(source).read_text(encoding="utf-8"))
    document.pop("security", None)
    document["components"].pop("securitySchemes", None)
    for methods in document["paths"].values():
        for operation in methods.values():
            if isinstance(operation, dict):
                operation.pop("security", None)
    pathlib.Path(target).write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
