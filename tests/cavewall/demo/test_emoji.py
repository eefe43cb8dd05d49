from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cavewall.demo.emoji import (
    CATEGORIES,
    CREDIT,
    TWEMOJI,
    EmojiSet,
    caption,
    classes_of,
    identical_pairs,
    load_emoji,
    on_white,
    single_code_points,
)
from cavewall.demo.packages import package_folder
from registry.errors import InputError
from tests.cavewall.demo.installing import put_in_front


@cache
def items() -> EmojiSet:
    return load_emoji()


def put_changed_pictures_in_front(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Install a copy of the pictures, as links that a test may replace."""
    installed = package_folder(TWEMOJI) / "assets" / "72x72"
    pictures = put_in_front(TWEMOJI, monkeypatch, folder) / "assets" / "72x72"
    pictures.mkdir(parents=True)
    for path in installed.iterdir():
        (pictures / path.name).symlink_to(path)
    return pictures


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (":alarm_clock:", "alarm clock"),
        (":T-Rex:", "t rex"),
        (":Mrs._Claus:", "mrs. claus"),
        (":piñata:", "piñata"),
        (":woman\u2019s_hat:", "woman\u2019s hat"),
    ],
)
def test_a_caption_is_the_name_in_words(name: str, words: str) -> None:
    assert caption(name) == words


def test_only_fully_qualified_single_code_points_are_named() -> None:
    entries = {
        "⌚": {"status": 2, "en": ":watch:"},
        "☀️": {"status": 2, "en": ":sun:"},
        "☀": {"status": 3, "en": ":sun_unqualified:"},
        "👍🏽": {"status": 2, "en": ":thumbs_up_medium_skin_tone:"},
        "🇦": {"status": 2, "en": ":regional_indicator_A:"},
        "🏽": {"status": 1, "en": ":medium_skin_tone:"},
    }
    assert single_code_points(entries, 2) == {0x231A: ":watch:", 0x2600: ":sun:"}


def test_classes_are_kept_by_code_point() -> None:
    entries = [
        {"unified": "2600-FE0F", "category": "Travel & Places", "subcategory": "sky & weather"},
        {"unified": "1F44D-1F3FD", "category": "People & Body", "subcategory": "hand"},
    ]
    assert classes_of(entries) == {0x2600: ("Travel & Places", "sky & weather")}


def test_a_picture_is_laid_over_the_middle_of_a_white_square() -> None:
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0] = [[10, 20, 30, 255], [10, 20, 30, 0], [0, 101, 255, 128]]
    square = on_white(pixels, side=5)
    assert square[2, 1:4].tolist() == [[10, 20, 30], [255, 255, 255], [127, 178, 255]]
    square[2, 1:4] = 255
    assert (square == 255).all()


def test_compositing_equals_the_definition_to_the_nearest_byte() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (20, 20, 4), dtype=np.uint8)
    opacity = pixels[..., 3:] / 255
    expected = pixels[..., :3] * opacity + 255 * (1 - opacity)
    assert np.abs(on_white(pixels, side=20) - expected).max() <= 0.5


def test_a_picture_larger_than_its_square_is_refused() -> None:
    with pytest.raises(ValueError, match="81 x 3"):
        on_white(np.zeros((81, 3, 4), np.uint8), side=80)


def test_identical_pictures_are_found() -> None:
    images = np.zeros((4, 2, 2, 3), np.uint8)
    images[1, 0, 0, 0] = 1
    images[3, 0, 0, 0] = 1
    assert identical_pairs(images) == [(0, 2), (1, 3)]
    assert identical_pairs(images[:2]) == []


def test_the_data_set_has_its_items_in_the_order_of_their_code_points() -> None:
    points = [int(item, 16) for item in items().ids]
    assert points == sorted(set(points))
    assert len(points) == 1001
    assert items().images.shape == (1001, 80, 80, 3)
    assert items().images.dtype == np.uint8
    assert all(len(field) == 1001 for field in (items().names, items().categories, items().subcategories))


def test_the_items_are_of_the_six_categories() -> None:
    assert set(items().categories) == CATEGORIES
    assert Counter(items().categories) == {
        "Activities": 85,
        "Animals & Nature": 148,
        "Food & Drink": 133,
        "Objects": 261,
        "People & Body": 156,
        "Travel & Places": 218,
    }


def test_names_and_pictures_belong_together() -> None:
    place = items().ids.index("1f34e")
    assert items().names[place] == "red apple"
    assert (items().categories[place], items().subcategories[place]) == ("Food & Drink", "food-fruit")
    red, green, blue = items().images[place, 30:50, 30:50].reshape(-1, 3).mean(axis=0)
    assert red > 200 > 100 > max(green, blue)
    green_place = items().ids.index("1f34f")
    assert items().names[green_place] == "green apple"
    assert items().images[green_place, 40, 40].argmax() == 1


def test_every_picture_has_a_white_margin_and_something_in_it() -> None:
    images = items().images
    margin = np.ones((80, 80), bool)
    margin[4:76, 4:76] = False
    assert (images[:, margin] == 255).all()
    assert (images < 255).any(axis=(1, 2, 3)).all()


def test_no_two_names_are_the_same() -> None:
    assert len(set(items().names)) == 1001


def test_a_missing_picture_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pictures = put_changed_pictures_in_front(monkeypatch, tmp_path)
    (pictures / "1f34e.png").unlink()
    with pytest.raises(InputError, match="1390 pictures and 1000 items, emoji-1001 has 1391 and 1001"):
        load_emoji()


def test_two_items_with_one_picture_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pictures = put_changed_pictures_in_front(monkeypatch, tmp_path)
    (pictures / "1f34f.png").unlink()
    (pictures / "1f34f.png").symlink_to(pictures / "1f34e.png")
    with pytest.raises(InputError, match="1f34e and 1f34f are the same picture"):
        load_emoji()


def test_a_broken_picture_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pictures = put_changed_pictures_in_front(monkeypatch, tmp_path)
    half = (pictures / "1f34e.png").read_bytes()[:200]
    (pictures / "1f34e.png").unlink()
    (pictures / "1f34e.png").write_bytes(half)
    with pytest.raises(InputError, match=r"1f34e\.png cannot be read"):
        load_emoji()


def test_the_credit_names_the_artists_and_the_licence() -> None:
    assert "Twemoji" in CREDIT
    assert "CC-BY 4.0" in CREDIT
