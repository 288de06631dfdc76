import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from repository.tree import ROOT, repository_files

# Written backwards, so that this file does not hold them itself.
REGISTRY_HOSTS = [
    name[::-1]
    for name in [
        "gro.ipyp",
        "gro.detsohnohtyp",
        "moc.aidivn.ipyp",
        "moc.aidivn.cgn.ipyp",
        "gro.hcrotyp.daolnwod",
        "gro.sjmpn.yrtsiger",
        "gro.adnocana",
    ]
]
DOCUMENTS = [path for path in repository_files() if path.suffix == ".md"]
LINK = re.compile(r"""!?\[[^\]]*\]\(\s*<?([^)\s>]+)|\b(?:src|href)=["']([^"']+)["']""")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def prose(document: Path):
    return re.sub(r"`[^`\n]+`", "", FENCE.sub("", document.read_text(encoding="utf-8")))


def local_links(document: Path):
    """Targets of the document's links and images that lie in this repository, as (file, anchor)."""
    targets = [first or second for first, second in LINK.findall(prose(document))]
    for target in targets:
        if not re.match(r"[a-z][a-z0-9+.-]*:", target):
            name, _, anchor = unquote(target).partition("#")
            yield (document.parent / name).resolve() if name else document, anchor


def anchors(document: Path):
    """Names that a heading of the document gets on the usual hosting sites."""
    headings = re.findall(r"^#+ +(.+?)\s*#*$", FENCE.sub("", document.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_no_file_names_a_package_registry():
    named = {
        f"{path.relative_to(ROOT)}: {host}"
        for path in repository_files()
        for host in REGISTRY_HOSTS
        if host.encode() in path.read_bytes()
    }
    assert not named, f"registries are the user's own setting; remove {sorted(named)}"


def test_readme_links_to_the_documents():
    assert {path for path, _ in local_links(ROOT / "README.md")} & set(DOCUMENTS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_local_links_and_images_resolve(document):
    files = set(repository_files())
    folders = {folder for path in files for folder in path.parents}
    for path, anchor in local_links(document):
        assert path in files | folders, f"{document.name} links to {path}, which is not in the repository"
        assert not anchor or anchor in anchors(path), (
            f"{document.name} links to #{anchor}, {path.name} has no such heading"
        )
