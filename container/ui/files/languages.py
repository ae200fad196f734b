"""Which language a file is in, by its name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nicegui.elements.codemirror.constants import SUPPORTED_LANGUAGES as LANGUAGE

_NAMES: Mapping[str, LANGUAGE] = MappingProxyType(
    {
        "cargo.lock": "TOML",
        "cmakelists.txt": "CMake",
        "containerfile": "Dockerfile",
        "dockerfile": "Dockerfile",
        "gemfile": "Ruby",
        "jenkinsfile": "Groovy",
        "nginx.conf": "Nginx",
        "poetry.lock": "TOML",
        "rakefile": "Ruby",
        "uv.lock": "TOML",
        ".bash_profile": "Shell",
        ".bashrc": "Shell",
        ".editorconfig": "Properties files",
        ".env": "Properties files",
        ".gitconfig": "Properties files",
        ".profile": "Shell",
        ".zshrc": "Shell",
    }
)
_SUFFIXES: Mapping[str, LANGUAGE] = MappingProxyType(
    {
        "bash": "Shell",
        "c": "C",
        "cc": "C++",
        "cfg": "Properties files",
        "cjs": "JavaScript",
        "clj": "Clojure",
        "cmake": "CMake",
        "conf": "Properties files",
        "cpp": "C++",
        "cs": "C#",
        "css": "CSS",
        "cts": "TypeScript",
        "cxx": "C++",
        "dart": "Dart",
        "diff": "diff",
        "elm": "Elm",
        "erl": "Erlang",
        "fs": "F#",
        "go": "Go",
        "gradle": "Groovy",
        "groovy": "Groovy",
        "h": "C",
        "hpp": "C++",
        "hs": "Haskell",
        "htm": "HTML",
        "html": "HTML",
        "ini": "Properties files",
        "j2": "Jinja2",
        "java": "Java",
        "jl": "Julia",
        "js": "JavaScript",
        "json": "JSON",
        "jsonc": "JSON",
        "jsx": "JSX",
        "kt": "Kotlin",
        "kts": "Kotlin",
        "less": "LESS",
        "lua": "Lua",
        "m": "Objective-C",
        "markdown": "Markdown",
        "md": "Markdown",
        "mjs": "JavaScript",
        "ml": "OCaml",
        "mts": "TypeScript",
        "patch": "diff",
        "php": "PHP",
        "pl": "Perl",
        "properties": "Properties files",
        "proto": "ProtoBuf",
        "ps1": "PowerShell",
        "pug": "Pug",
        "py": "Python",
        "pyi": "Python",
        "pyx": "Cython",
        "r": "R",
        "rb": "Ruby",
        "rs": "Rust",
        "sass": "Sass",
        "scala": "Scala",
        "scss": "SCSS",
        "sh": "Shell",
        "sql": "SQL",
        "svelte": "HTML",
        "svg": "XML",
        "swift": "Swift",
        "tcl": "Tcl",
        "tex": "LaTeX",
        "toml": "TOML",
        "ts": "TypeScript",
        "tsx": "TSX",
        "vue": "Vue",
        "webmanifest": "JSON",
        "xml": "XML",
        "xsd": "XML",
        "xsl": "XML",
        "yaml": "YAML",
        "yml": "YAML",
        "zsh": "Shell",
    }
)


def language_of(path: str) -> LANGUAGE | None:
    """The editor's name of it; None where it knows none."""
    name = path.rpartition("/")[2].lower()
    if name in _NAMES:
        return _NAMES[name]
    if name.startswith("dockerfile."):
        return "Dockerfile"
    return _SUFFIXES.get(name.rpartition(".")[2]) if "." in name else None
