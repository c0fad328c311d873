"""A collection as its users have it: add, find, update, remove, open again."""

from __future__ import annotations

import os
import shutil
import threading
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sensorium import SentenceTransformer
from sensorium.collection import Collection
from sensorium.errors import InputError, MissingMediaError, StoreError, StoreNotFoundError
from sensorium.hub.builtin import BUILTIN_ID
from sensorium.ingest import IngestSettings
from sensorium.media.decode import DecodeSpec, load_sample
from sensorium.media.limits import MediaSettings


def keys(results) -> list[str]:
    return [result.key for result in results]


def all_keys(collection: Collection) -> set[str]:
    return {entry.key for entry in collection.store.entries()}


class TestAdd:
    def test_every_kind_of_file(self, full: Collection) -> None:
        stats = full.stats()
        assert stats.modalities == {"audio": 1, "image": 4, "text": 2, "video": 1}
        assert stats.files == 6
        assert stats.unreadable == 0
        assert stats.model_id == BUILTIN_ID
        assert stats.bytes_on_disk > 1000

    def test_again_costs_nothing(self, full: Collection, folder: Path) -> None:
        report = full.add(folder)
        assert (report.files, report.unchanged, report.records, report.computed) == (6, 6, 0, 0)

    def test_vectors_are_those_of_the_encoder(self, full: Collection, folder: Path, model: SentenceTransformer) -> None:
        row = next(row for row in full.store.scan(with_vectors=True) if row.key == "pictograms/pictures/glasses.png")
        np.testing.assert_allclose(row.vector, model.encode(str(folder / row.key)), atol=1e-6)
        row = next(row for row in full.store.scan(with_vectors=True) if row.key == "notes/wolf.txt")
        np.testing.assert_allclose(row.vector, model.encode((folder / row.key).read_text().strip()), atol=1e-5)

    def test_pictures_have_thumbnails(self, full: Collection) -> None:
        pictured = {row.modality for row in full.store.scan(with_thumbnails=True) if row.thumbnail}
        assert pictured == {"image", "video"}

    def test_a_bad_file_costs_only_itself(self, empty: Collection, folder: Path) -> None:
        (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"no picture" * 20)
        (folder / "late.png").write_bytes((folder / "pictograms/pictures/glasses.png").read_bytes()[:-400])
        report = empty.add(folder)
        assert {one.key for one in report.unreadable} == {"broken.png", "late.png"}
        assert report.records == 8
        assert {one.key: bool(one.reason) for one in empty.unreadable()} == {"broken.png": True, "late.png": True}
        again = empty.add(folder)
        assert again.unchanged == 8
        shutil.copy(folder / "pictograms/pictures/glasses.png", folder / "broken.png")
        mended = empty.add(folder)
        assert (mended.records, mended.computed) == (1, 0), "its content was there under another path"
        assert {one.key for one in empty.unreadable()} == {"late.png"}

    def test_a_changed_file_loses_what_it_no_longer_holds(self, empty: Collection, tmp_path: Path) -> None:
        file = tmp_path / "texts" / "long.txt"
        file.parent.mkdir()
        file.write_text("\n\n".join(f"Paragraph {number} about rivers. " * 12 for number in range(12)))
        assert empty.add(file.parent).records > 3
        file.write_text("Only one sentence is left.")
        report = empty.add(file.parent)
        assert report.records == 1
        assert report.removed > 2
        assert [row.text for row in empty.store.scan()] == ["Only one sentence is left."]

    def test_loose_items(self, empty: Collection, folder: Path) -> None:
        sound = {"array": np.sin(np.arange(16000) / 9).astype(np.float32), "sampling_rate": 16000}
        report = empty.add(
            [
                {"text": "The hut has sixteen beds.", "id": "hut", "metadata": {"year": 2024}},
                Image.new("RGB", (40, 30), "red"),
                {"audio": sound, "id": 7},
                {"text": "nothing.png"},
            ],
            metadata={"owner": "Ada"},
        )
        assert report.unreadable == ()
        rows = {row.key: row for row in empty.store.scan()}
        assert rows["hut"].metadata["year"] == 2024
        assert {row.metadata["owner"] for row in rows.values()} == {"Ada"}
        assert rows["7"].modality == "audio"
        assert "nothing.png" in {row.text for row in rows.values()}

    def test_an_item_is_replaced_by_its_id(self, empty: Collection) -> None:
        empty.add([{"text": "One. " * 600, "id": "a"}])
        assert empty.store.count() > 1
        report = empty.add([{"text": "Two.", "id": "a"}])
        assert report.removed > 0
        assert [row.text for row in empty.store.scan()] == ["Two."]

    def test_paths_and_items_in_one_call(self, empty: Collection, folder: Path) -> None:
        report = empty.add([folder / "notes", {"text": "loose"}, str(folder / "papers")])
        assert report.unreadable == ()
        assert len(all_keys(empty)) == 4

    def test_a_missing_path_is_reported(self, empty: Collection, tmp_path: Path) -> None:
        report = empty.add(tmp_path / "nowhere")
        assert report.unreadable_count == 1
        assert "no such file" in report.unreadable[0].reason

    @pytest.mark.parametrize("items", [[], ""])
    def test_nothing_is_an_error(self, empty: Collection, items) -> None:
        with pytest.raises(InputError):
            empty.add(items)

    def test_metadata_changes_without_a_new_vector(self, full: Collection, folder: Path) -> None:
        when = datetime(2026, 1, 2, tzinfo=timezone.utc)
        report = full.add(folder, metadata={"trip": "Harz", "when": when})
        assert (report.records, report.computed) == (8, 0)
        assert full.search("wolf", where={"trip": "Harz"})
        assert {row.metadata["when"] for row in full.store.scan()} == {when}

    @pytest.mark.parametrize("metadata", [{"a b": 1}, {"year": object()}, {"width": "wide"}, [("a", 1)]])
    def test_metadata_that_cannot_be_stored_is_refused_at_once(self, full: Collection, folder: Path, metadata) -> None:
        before = full.stats().records
        with pytest.raises(InputError):
            full.add(folder, metadata=metadata)
        assert full.stats().records == before

    def test_the_collections_own_folder_is_not_read(self, folder: Path, model: SentenceTransformer) -> None:
        with Collection.create(folder / "index", model) as collection:
            collection.add(folder)
            collection.add(folder)
            assert not [key for key in all_keys(collection) if key.startswith("index")]

    def test_two_folders_with_files_of_one_name(self, empty: Collection, tmp_path: Path) -> None:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "read.txt").write_text(f"This is {name}.")
        empty.add([tmp_path / "a", tmp_path / "b"])
        assert all_keys(empty) == {"read.txt", "b/read.txt"}
        assert empty.add(tmp_path / "b" / "read.txt").unchanged == 1

    def test_odd_names(self, empty: Collection, tmp_path: Path) -> None:
        made = tmp_path / "odd"
        made.mkdir()
        for number, name in enumerate(("O'Brien.txt", 'a "b".txt', "[x] 100%.txt", "two\nlines.txt", "ü.txt")):
            (made / name).write_text(f"text number {number}")
        with open(os.fsencode(made) + b"/\xff.txt", "wb") as file:
            file.write(b"a name that is no text")
        report = empty.add(made)
        assert (report.unreadable, report.records) == ((), 6)
        assert empty.add(made).unchanged == 6
        assert empty.delete(path=made / "O'Brien.txt") == 1

    def test_progress_is_told_and_its_errors_come_out(self, empty: Collection, folder: Path) -> None:
        seen = []
        empty.add(folder, on_progress=seen.append)
        assert seen[-1].files == 6
        assert seen[-1].records == 8
        before = threading.active_count()

        def fail(progress) -> None:
            raise RuntimeError("no more")

        (folder / "new.txt").write_text("new")
        with pytest.raises(RuntimeError, match="no more"):
            empty.add(folder, on_progress=fail)
        assert threading.active_count() <= before + 1  # the counting thread may be at its end

    def test_interrupted_and_called_again(self, empty: Collection, folder: Path) -> None:
        def stop(progress) -> None:
            if progress.files >= 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            empty.add(folder, on_progress=stop)
        kept = {row.id: row.digest for row in empty.store.scan()}
        report = empty.add(folder)
        assert report.unchanged >= 2
        assert len(kept) + report.records == 8
        assert kept.items() <= {row.id: row.digest for row in empty.store.scan()}.items()


class TestUpdate:
    def test_only_what_changed(self, full: Collection, folder: Path) -> None:
        (folder / "notes" / "new.txt").write_text("A new note about an owl.")
        (folder / "notes" / "wolf.txt").unlink()
        report = full.update()
        assert (report.files, report.unchanged, report.records, report.removed) == (6, 5, 1, 1)
        assert "notes/wolf.txt" not in all_keys(full)

    def test_a_moved_file_keeps_its_vector(self, full: Collection, folder: Path) -> None:
        (folder / "pictograms/pictures/glasses.png").rename(folder / "seen.png")
        report = full.update()
        assert (report.records, report.computed, report.removed) == (1, 0, 1)
        assert "seen.png" in all_keys(full)

    def test_a_missing_folder_proves_nothing(self, full: Collection, folder: Path) -> None:
        folder.rename(folder.parent / "elsewhere")
        report = full.update()
        assert report.removed == 0
        assert full.stats().records == 8
        assert any("stay" in one.reason for one in report.unreadable)

    def test_an_emptied_folder_proves_nothing(self, full: Collection, folder: Path) -> None:
        shutil.rmtree(folder)
        folder.mkdir()
        report = full.update()
        assert (report.removed, full.stats().records) == (0, 8)

    def test_a_folder_that_moved(self, full: Collection, folder: Path) -> None:
        ids = {row.id for row in full.store.scan()}
        new = folder.parent / "elsewhere"
        folder.rename(new)
        full.relocate(folder, new)
        report = full.update()
        assert (report.computed, report.removed) == (0, 0)
        assert {row.id for row in full.store.scan()} == ids
        assert all(row.path.startswith(str(new)) for row in full.store.scan())

    def test_files_that_are_left_out_now(self, full: Collection, folder: Path) -> None:
        (folder / ".gitignore").write_text("papers/\n")
        report = full.update()
        assert report.removed == 3
        assert not [key for key in all_keys(full) if key.startswith("papers")]

    def test_a_single_file(self, empty: Collection, folder: Path) -> None:
        empty.add(folder / "notes" / "wolf.txt", metadata={"animal": True})
        (folder / "notes" / "wolf.txt").write_text("No wolves at all.")
        assert empty.update().records == 1
        assert [row.metadata["animal"] for row in empty.store.scan()] == [True]
        (folder / "notes" / "wolf.txt").unlink()
        assert empty.update().removed == 1
        assert empty.update().files == 0

    def test_metadata_is_put_on_what_is_new(self, empty: Collection, folder: Path) -> None:
        empty.add(folder / "notes", metadata={"trip": "Harz"})
        (folder / "notes" / "new.txt").write_text("new")
        empty.update()
        assert {row.metadata["trip"] for row in empty.store.scan()} == {"Harz"}


class TestDelete:
    def test_what_is_deleted_stays_out_of_updates_until_it_changes(self, full: Collection, folder: Path) -> None:
        assert full.delete(path=folder / "papers" / "travel-report.pdf") == 3
        assert full.update().records == 0
        assert full.add(folder).records == 3
        assert full.delete(where={"modality": "audio"}) == 1
        assert full.update().records == 0

    def test_exactly_one_way(self, full: Collection) -> None:
        for given in ({}, {"path": "x", "ids": ["y"]}, {"where": ""}):
            with pytest.raises(InputError):
                full.delete(**given)
        assert full.delete(ids=["none such"]) == 0
        assert full.delete(ids=[]) == 0
        assert full.stats().records == 8


class TestSearch:
    def test_any_to_any(self, full: Collection, folder: Path) -> None:
        picture = folder / "pictograms/pictures/glasses.png"
        assert keys(full.search("glasses", 1, modality="image")) == ["pictograms/pictures/glasses.png"]
        assert keys(full.search("glasses", 1, modality="audio")) == ["pictograms/words/glasses.flac"]
        assert keys(full.search(picture, 1, modality="text")) == ["notes/glasses.txt"]
        with Image.open(picture) as image:
            assert full.search(image, 1, modality="image")[0].parts.cosine > 0.999
        clip = full.search(folder / "pictograms/clips/peach.mp4", 1, balance="off")[0]
        assert (clip.key, clip.parts.cosine > 0.999) == ("pictograms/clips/peach.mp4", True)
        vector = full.encoder.encode("glasses")
        assert keys(full.search(vector, 1, modality="image")) == ["pictograms/pictures/glasses.png"]

    def test_a_text_that_reads_like_a_path_stays_a_text(self, full: Collection, folder: Path) -> None:
        path = str(folder / "pictograms/pictures/glasses.png")
        assert full.search(path, 1, hybrid=False)[0].parts.cosine < 0.99

    def test_an_id_leaves_itself_out(self, full: Collection) -> None:
        best = full.search("glasses", 1, modality="image")[0]
        for results in (full.similar(best.id), full.search({"id": best.id})):
            assert best.id not in [result.id for result in results]
            assert len(results) == 7

    def test_words_in_a_page(self, full: Collection) -> None:
        found = full.search("How much did the train tickets cost?", 3)
        assert ("papers/travel-report.pdf", 2) in [(one.key, one.place.page) for one in found]
        page = next(one for one in found if one.place.page == 2)
        assert page.parts.text > 0
        assert "Train tickets" in page.snippet
        assert full.search("How much did the train tickets cost?", 3, hybrid=False)[0].parts.text is None

    def test_conditions(self, full: Collection) -> None:
        found = full.search("anything", 10, where={"page": (2, None)})
        assert {one.place.page for one in found} == {2, 3}
        found = full.search("anything", 10, where="key LIKE 'notes/%'", modality=["text", "image"])
        assert {one.modality for one in found} == {"text"}
        for wrong in ({"colour": "red"}, "page = = 2", {"page": "two"}):
            with pytest.raises((InputError, StoreError)):
                full.search("anything", where=wrong)

    def test_balance(self, full: Collection) -> None:
        plain = full.search("glasses", 8, balance="off", hybrid=False)
        assert [one.score for one in plain] == [one.parts.cosine for one in plain]
        assert plain == sorted(plain, key=lambda one: -one.score)
        fair = full.search("glasses", 8, hybrid=False)
        assert [one.score for one in fair] == [one.parts.balanced for one in fair]
        assert {one.id for one in fair} == {one.id for one in plain}

    @pytest.mark.parametrize(
        ("query", "error"),
        [
            ("", InputError),
            (" \n", InputError),
            (np.zeros(7), InputError),
            ({"id": "none"}, InputError),
            ({"id": 3}, InputError),
        ],
    )
    def test_what_cannot_be_asked(self, full: Collection, query, error) -> None:
        with pytest.raises(error):
            full.search(query)

    def test_a_file_that_is_not_there(self, full: Collection, tmp_path: Path) -> None:
        with pytest.raises(MissingMediaError):
            full.search(tmp_path / "gone.png")

    @pytest.mark.parametrize("options", [{"top_k": 0}, {"top_k": "3"}, {"balance": "fair"}, {"modality": "smell"}])
    def test_wrong_options(self, full: Collection, options) -> None:
        with pytest.raises(InputError):
            full.search("x", **options)

    def test_an_empty_collection_finds_nothing(self, empty: Collection) -> None:
        assert empty.search("anything") == []
        assert empty.stats().records == 0
        assert list(empty.unreadable()) == []

    def test_from_several_threads(self, full: Collection) -> None:
        expected = keys(full.search("glasses", 4))
        found: list[list[str]] = []
        threads = [threading.Thread(target=lambda: found.append(keys(full.search("glasses", 4)))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [expected] * 8

    def test_content_is_what_was_encoded(self, full: Collection, model: SentenceTransformer) -> None:
        for row in full.store.scan(with_vectors=True):
            sample = full.content(row)
            assert sample is not None
            load_sample(sample, DecodeSpec(), MediaSettings())
            np.testing.assert_allclose(model.encode_document(sample), row.vector, atol=1e-5)


class TestOpening:
    def test_again(self, full: Collection, model: SentenceTransformer) -> None:
        expected = keys(full.search("glasses", 3))
        full.close()
        with Collection.open(full.path, model) as again:
            assert keys(again.search("glasses", 3)) == expected
        with Collection.open(full.path) as by_name:
            assert by_name.is_builtin_model
            assert by_name.stats().records == 8

    def test_where_nothing_is(self, tmp_path: Path) -> None:
        with pytest.raises(StoreNotFoundError):
            Collection.open(tmp_path / "nothing")

    def test_over_something(self, full: Collection, folder: Path, model: SentenceTransformer) -> None:
        for path in (full.path, folder):
            with pytest.raises(StoreError):
                Collection.create(path, model)

    def test_another_model_is_refused(self, full: Collection, tiny, tmp_path: Path) -> None:
        other = tiny("bert")
        with pytest.raises(StoreError, match=rf"{BUILTIN_ID}[\s\S]*{other.name}"):
            Collection.open(full.path, str(other))
        with pytest.raises(StoreError, match="compared"):
            Collection.open(full.path, SentenceTransformer(str(other)))

    def test_the_same_model_elsewhere(self, tiny, tmp_path: Path) -> None:
        folder = tiny("bert")
        with Collection.create(tmp_path / "c", str(folder)) as made:
            made.add([{"text": "one"}])
        shutil.copytree(folder, tmp_path / "copy")
        with Collection.open(tmp_path / "c", str(tmp_path / "copy")) as opened:
            assert len(opened.search("one")) == 1

    def test_other_prompts_are_refused(self, tiny, tmp_path: Path) -> None:
        folder = str(tiny("bert"))
        Collection.create(tmp_path / "c", folder).close()
        with pytest.raises(StoreError, match="prompts"):
            Collection.open(tmp_path / "c", SentenceTransformer(folder, prompts={"query": "search: "}))

    def test_a_text_model_reads_pages_by_their_words(self, tiny, tmp_path: Path, folder: Path) -> None:
        with Collection.create(tmp_path / "c", str(tiny("bert"))) as texts:
            report = texts.add(folder)
            assert texts.stats().modalities == {"text": 5}
            assert {one.key for one in report.unreadable} == {
                "pictograms/pictures/glasses.png",
                "pictograms/words/glasses.flac",
                "pictograms/clips/peach.mp4",
            }
            assert "does not take" in report.unreadable[0].reason

    def test_half_precision_and_settings(self, model: SentenceTransformer, tmp_path: Path) -> None:
        settings = IngestSettings(passage_characters=80, passage_overlap=10)
        with Collection.create(tmp_path / "c", model, dtype="float16", settings=settings) as made:
            made.add([{"text": "A sentence about the sea. " * 10}])
            assert made.store.count() > 2
        with Collection.open(tmp_path / "c", model) as opened:
            assert opened.settings.passage_characters == 80
            assert opened.search("sea")[0].score > 0

    def test_another_process_adds_a_modality(
        self, full: Collection, model: SentenceTransformer, tmp_path: Path
    ) -> None:
        with Collection.create(tmp_path / "c", model) as first:
            first.add([{"text": "a wolf"}])
            assert len(first.search("wolf")) == 1
            with Collection.open(tmp_path / "c", model) as second:
                second.add(Path(full.stats().roots[0]) / "pictograms")
            assert {one.modality for one in first.search("wolf")} == {"text", "image", "audio", "video"}
