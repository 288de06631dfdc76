"""focus-run --serve."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from argparse import Namespace

import numpy as np
import pytest

from focus.runtime.commands._serve_options import serving
from focus.runtime.commands.run import _parser, main
from focus.runtime.cubes import write_npz
from focus.runtime.serve import DEFAULT_ADDRESS
from support.scenes import cube
from support.toy_model import Toy


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    """A run of a few seconds."""
    from focus.runtime.outputs import _pictures

    monkeypatch.setattr(_pictures, "DPI", 50)
    monkeypatch.delenv("FOCUS_SERVE_TOKEN", raising=False)
    model = Toy().save(tmp_path / "toy.onnx")
    write_npz(cube(90, 37), tmp_path / "leaf.npz")
    camera = f"replay:{tmp_path / 'leaf.npz'},rate=30"
    return ["--engine", str(model), "--camera", camera, "--out", str(tmp_path / "out"), "--threads", "1"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def ask(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read()
    except OSError:  # not there yet, not well yet, or gone
        return None


def test_a_run_is_served_while_it_lasts(tmp_path, arguments, capsys):
    url, seen, over = f"http://127.0.0.1:{free_port()}", {}, threading.Event()

    def watch():
        while not over.is_set():
            for name in ("healthz", "metrics", "api/plan", "api/rows"):
                seen[name] = ask(f"{url}/{name}") or seen.get(name)
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert main([*arguments, "--serve", url.removeprefix("http://")]) == 0
    finally:
        over.set()
        watcher.join()
    assert json.loads(seen["healthz"])["status"] == "ok"
    assert b"focus_lines_received_total" in seen["metrics"]
    assert json.loads(seen["api/plan"])["model"] == "toy"
    assert len(seen["api/rows"]) > 1000
    assert ask(f"{url}/healthz") is None
    assert (tmp_path / "out" / "overview.png").exists()
    assert f"live page: {url}/\n" in capsys.readouterr().err


def test_the_files_are_the_same_with_and_without_a_page(tmp_path, arguments):
    arguments[3] = arguments[3].removesuffix(",rate=30")
    assert main(arguments) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.dat")}
    assert main([*arguments, "--overwrite", "--quiet", "--serve", f":{free_port()}"]) == 0
    assert before and {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.dat")} == before
    assert np.frombuffer(before["saliency.dat"], np.float32).std() > 0


def test_a_port_in_use_is_said_before_anything_is_done(tmp_path, arguments, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main([*arguments, "--serve", f"127.0.0.1:{port}"]) == 2
    said = capsys.readouterr().err
    assert said == (
        f"focus-run: cannot serve on 127.0.0.1:{port}: address already in use; choose another address with --serve\n"
    )
    assert not (tmp_path / "out").exists()


def test_a_service_whose_address_is_not_there_yet_is_to_be_started_again(tmp_path, arguments, capsys):
    assert main([*arguments, "--serve", "192.0.2.1:8765", "--wait"]) == 1
    assert "cannot serve on 192.0.2.1:8765" in capsys.readouterr().err
    assert main([*arguments, "--serve", "192.0.2.1:8765"]) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--serve-token", "correct-horse-battery"], "--serve-token goes with --serve; add --serve"),
        (["--serve", "127.0.0.1:0", "--serve-token", "1234"], "must be 12 or more letters, digits"),
        (["--serve", "127.0.0.1:web"], "the port must be 0 to 65535"),
        (["--serve", "fe80::1:80"], "write an IPv6 address in brackets"),
    ],
)
def test_options_that_make_no_sense(tmp_path, arguments, capsys, options, words):
    assert main([*arguments, *options]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1 and not (tmp_path / "out").exists()


def test_serve_alone_is_the_default_address(arguments):
    assert _parser().parse_args([*arguments, "--serve"]).serve == DEFAULT_ADDRESS


def served(tmp_path, serve, token=None, quiet=False):
    return serving(Namespace(serve=serve, serve_token=token, out=tmp_path, quiet=quiet))


def test_a_new_token_is_said_once_and_a_given_one_never(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("FOCUS_SERVE_TOKEN", raising=False)
    with served(tmp_path, "0.0.0.0:0", quiet=True):
        made = capsys.readouterr().err
    assert made.count("?token=") == 1 and len(made.strip().partition("?token=")[2]) >= 20
    with served(tmp_path, "0.0.0.0:0", "correct-horse-battery"):
        assert "correct" not in capsys.readouterr().err
    monkeypatch.setenv("FOCUS_SERVE_TOKEN", "from-the-environment")
    with served(tmp_path, "127.0.0.1:0"):
        said = capsys.readouterr().err
    assert "from-the-environment" not in said and "the one you gave" in said


def test_the_page_hears_why_a_run_failed(tmp_path):
    with pytest.raises(OSError), served(tmp_path, "127.0.0.1:0", quiet=True) as run:
        raise OSError("no space")
    assert (run.live.phase, run.live.reason) == ("failed", "no space")


def test_without_serve_there_is_nothing(tmp_path):
    with served(tmp_path, None) as run:
        assert run.live is None and run.sinks == ()


def test_names_the_extra(tmp_path, arguments, capsys, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main([*arguments, "--serve"]) == 2
    assert 'run pip install "focus-hsi[serve]"' in capsys.readouterr().err
