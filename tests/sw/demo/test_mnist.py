"""Where MNIST is looked for, in what order, and what happens when each place is bad."""

import gzip
import http.server
import threading
import time
from contextlib import contextmanager, suppress

import numpy as np
import pytest

from celosia.demo import load_mnist, mnist, scaled
from celosia.demo.fetch import md5
from celosia.support.cache import cache_dir
from celosia.support.errors import CelosiaError

DEAD = "http://127.0.0.1:9/"
LABELS, IMAGES = "idx1-ubyte", "idx3-ubyte"


def idx(array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@pytest.fixture
def small(monkeypatch):
    """Twelve training and ten test images in MNIST's format, taken for the genuine ones."""
    rng = np.random.default_rng(1)
    files = {}
    for half, count in (("train", 12), ("t10k", 10)):
        images = rng.integers(0, 256, (count, 28, 28), np.uint8)
        files[f"{half}-images-{IMAGES}"] = idx(images)
        files[f"{half}-labels-{LABELS}"] = idx(np.arange(count, dtype=np.uint8) % 10)
    monkeypatch.setattr(mnist, "MD5", {name: md5(files[name]) for name in mnist.MD5})
    return files


def zipped(files):
    return {f"{name}.gz": gzip.compress(data) for name, data in files.items()}


def store(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@contextmanager
def mirror(files, *, cut=0, delay=0.0):
    """Serve `files` under /mnist/; yields the base URL and the list of names asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.removeprefix("/mnist/")
            asked.append(name)
            time.sleep(delay)
            if name not in files:
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Length", str(len(files[name])))
            with suppress(ConnectionError):  # a client that gave up
                self.end_headers()
                self.wfile.write(files[name][: len(files[name]) - cut])

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/mnist/", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def use(monkeypatch, *mirrors):
    monkeypatch.setenv("CELOSIA_MNIST_MIRRORS", " ".join(mirrors))


def check_small(data, files):
    assert (data.name, len(data.x_train), len(data.x_test)) == ("mnist", 12, 10)
    assert data.x_train.tobytes() == files[f"train-images-{IMAGES}"][16:]
    assert data.y_test.tobytes() == files[f"t10k-labels-{LABELS}"][8:]


# --- a folder ---


def test_real_mnist(mnist_dir, tmp_path):
    for file in mnist_dir.iterdir():
        (tmp_path / file.name).symlink_to(file.resolve())
    data = load_mnist(tmp_path)
    assert data.name == "mnist" and data.source == str(tmp_path)  # known by content, not by name
    assert data.x_train.shape == (60000, 28, 28) and data.x_test.shape == (10000, 28, 28)
    assert data.x_train.dtype == data.y_train.dtype == np.uint8
    assert data.y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(data.y_test).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009
    ]  # fmt: skip
    x = scaled(data.x_test)
    assert x.dtype == np.float32 and x.shape == (10000, 784) and (x.min(), x.max()) == (0, 1)


def test_folder_plain_or_gzipped(small, tmp_path, cache):
    check_small(load_mnist(store(tmp_path / "plain", small)), small)
    check_small(load_mnist(store(tmp_path / "gz", zipped(small))), small)
    assert not cache.exists()


def test_folder_from_environment_and_explicit_first(small, tmp_path, cache, monkeypatch):
    monkeypatch.setenv("CELOSIA_DATA", str(store(tmp_path / "env", small)))
    assert load_mnist().source == str(tmp_path / "env")
    store(tmp_path / "named", small)
    assert load_mnist(tmp_path / "named").source == str(tmp_path / "named")


def test_other_data_keeps_its_folders_name(small, tmp_path):
    small[f"t10k-labels-{LABELS}"] = idx(np.zeros(10, np.uint8))
    assert load_mnist(store(tmp_path / "fashion", small)).name == "fashion"


@pytest.mark.parametrize("name", list(mnist.MD5))
def test_folder_without_a_file_is_an_error_not_a_fallback(
    small, tmp_path, cache, monkeypatch, name
):
    del small[name]
    folder = store(tmp_path / "data", small)
    monkeypatch.setenv("CELOSIA_DATA", str(folder))
    with pytest.raises(CelosiaError, match=f"data: no {name}.gz and no {name}; name a folder"):
        load_mnist()


def test_no_such_folder(tmp_path):
    with pytest.raises(CelosiaError, match="nowhere: no such folder"):
        load_mnist(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(CelosiaError, match="cannot read: Not a directory"):
        load_mnist(tmp_path / "file")


@pytest.mark.parametrize(
    "name, content, words",
    [
        (f"train-labels-{LABELS}", idx(np.zeros(11, np.uint8)), "12 images but 11 labels"),
        (f"t10k-labels-{LABELS}", idx(np.full(10, 10, np.uint8)), "label 0 is 10, outside 0..9"),
        (f"t10k-images-{IMAGES}", idx(np.zeros((10, 28, 27), np.uint8)), r"uint8 \[10, 28, 27\]"),
        (f"t10k-images-{IMAGES}", idx(np.zeros(10, np.uint8)), "1 axes, not 3"),
        (f"train-labels-{LABELS}", idx(np.zeros(12, np.uint8))[:-3], "17 bytes"),
        (f"train-labels-{LABELS}", gzip.compress(bytes(99), mtime=0)[:-4], "cut short"),
        (f"train-labels-{LABELS}", b"", "starts with nothing"),
    ],
)
def test_bad_file_in_a_folder(small, tmp_path, name, content, words):
    small[name] = content
    with pytest.raises(CelosiaError, match=words) as caught:
        load_mnist(store(tmp_path, small))
    assert caught.value.where.startswith(str(tmp_path / name.split("-")[0]))
    assert "\n" not in str(caught.value)


def test_empty_half(small, tmp_path):
    small[f"t10k-images-{IMAGES}"] = idx(np.zeros((0, 28, 28), np.uint8))
    small[f"t10k-labels-{LABELS}"] = idx(np.zeros(0, np.uint8))
    with pytest.raises(CelosiaError, match="no images"):
        load_mnist(store(tmp_path, small))


# --- mirrors and the cache ---


def test_download_once(small, cache, monkeypatch):
    reports = []
    with mirror(zipped(small)) as (url, asked):
        use(monkeypatch, url)
        check_small(load_mnist(progress=lambda *report: reports.append(report)), small)
        check_small(load_mnist(), small)
    assert len(asked) == 4
    assert sorted(p.name for p in (cache / "mnist").iterdir()) == sorted(zipped(small))
    text, done, total = reports[-1]
    assert text.startswith("downloading http://127.0.0.1") and done == total > 0


def test_download_the_real_files(mnist_dir, cache, monkeypatch):
    files = {}
    for name in mnist.MD5:
        packed = mnist_dir / f"{name}.gz"
        plain = mnist_dir / name
        files[packed.name] = (
            packed.read_bytes() if packed.exists() else gzip.compress(plain.read_bytes(), 1)
        )
    with mirror(files) as (url, _):
        use(monkeypatch, url)
        data = load_mnist()
    assert data.name == "mnist", data.source
    assert data.x_train.shape == (60000, 28, 28)


def bad_files(small):
    other = zipped(small) | {f"train-images-{IMAGES}.gz": gzip.compress(b"other")}
    html = dict.fromkeys(zipped(small), b"<html>please log in</html>")
    return {"checksum": other, "html": html, "404": {}}


@pytest.mark.parametrize("kind", ["checksum", "html", "404"])
def test_second_mirror_when_the_first_serves_other_content(small, cache, monkeypatch, kind):
    with mirror(bad_files(small)[kind]) as (first, _), mirror(zipped(small)) as (second, asked):
        use(monkeypatch, first, second)
        check_small(load_mnist(), small)
        assert len(asked) == (1 if kind == "checksum" else 4)


def test_second_mirror_when_the_first_is_down_or_cuts(small, cache, monkeypatch):
    with mirror(zipped(small), cut=5) as (first, _), mirror(zipped(small)) as (second, _):
        use(monkeypatch, DEAD, first, second)
        check_small(load_mnist(), small)


def test_second_mirror_when_the_first_is_slow(small, cache, monkeypatch):
    monkeypatch.setattr("celosia.demo.fetch._SECONDS", 0.3)
    with mirror(zipped(small), delay=1) as (first, _), mirror(zipped(small)) as (second, asked):
        use(monkeypatch, first, second)
        check_small(load_mnist(), small)
        assert len(asked) == 4


def test_name_look_up_that_never_ends(cache, monkeypatch):
    end = threading.Event()
    monkeypatch.setattr("celosia.demo.fetch._SECONDS", 0.1)
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: end.wait(30))
    start = time.monotonic()
    data = load_mnist()
    end.set()
    assert time.monotonic() - start < 20
    assert data.name == "digits" and "no answer in 0.1 s" in data.source


@pytest.mark.parametrize("kind", ["checksum", "html", "404"])
def test_digits_when_no_mirror_is_good(small, cache, monkeypatch, kind):
    with mirror(bad_files(small)[kind]) as (url, _):
        use(monkeypatch, DEAD, url)
        data = load_mnist()
    reason = {"checksum": "wrong checksum", "html": "wrong checksum", "404": "Not Found"}[kind]
    assert data.name == "digits" and reason in data.source and "refused" in data.source
    assert "\n" not in data.source


def test_digits_without_network(cache, monkeypatch):
    use(monkeypatch, DEAD, DEAD)
    data = load_mnist()
    assert data.name == "digits" and "Connection refused" in data.source
    assert not cache.exists()


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b", gzip.compress(b"other", mtime=0)])
def test_damaged_cache_is_fetched_again(small, cache, monkeypatch, damage):
    store(cache / "mnist", zipped(small))
    bad = cache / f"mnist/t10k-labels-{LABELS}.gz"
    bad.write_bytes(damage)
    with mirror(zipped(small)) as (url, asked):
        use(monkeypatch, url)
        check_small(load_mnist(), small)
    assert asked == [bad.name] and md5(gzip.decompress(bad.read_bytes())) in mnist.MD5.values()


def test_cache_that_cannot_be_written(small, cache, monkeypatch):
    cache.write_bytes(b"a file where the folder should be")
    with mirror(zipped(small)) as (url, asked):
        use(monkeypatch, url)
        with pytest.raises(CelosiaError, match=f"{cache}.*cannot write.*set CELOSIA_CACHE"):
            load_mnist()
    assert len(asked) == 1  # the smallest file: noticed before the long download


def test_interrupted_download_leaves_nothing_half_written(small, cache, monkeypatch):
    def stop(text, done, total):
        if "train-images" in text:
            raise KeyboardInterrupt

    with mirror(zipped(small)) as (url, _):
        use(monkeypatch, url)
        with pytest.raises(KeyboardInterrupt):
            load_mnist(progress=stop)
    names = sorted(p.name for p in (cache_dir() / "mnist").iterdir())
    assert names == sorted(set(zipped(small)) - {f"train-images-{IMAGES}.gz"})


@pytest.mark.parametrize("value", ["ftp://host/mnist/", "host/mnist", "file:///tmp/"])
def test_mirror_that_is_not_http(cache, monkeypatch, value):
    use(monkeypatch, value)
    with pytest.raises(CelosiaError, match="CELOSIA_MNIST_MIRRORS.*not an http or https URL"):
        load_mnist()


@pytest.mark.parametrize("value", ["http://", "http://[", "http://127.0.0.1:no/", "http://a..b/"])
def test_mirror_that_makes_no_sense_is_only_a_failure(cache, monkeypatch, value):
    use(monkeypatch, value)
    assert load_mnist().name == "digits"
