"""A reader at a desk: a unit put before them, the page opened, keys and clicks counted."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, Response

from domain.boxes import Box
from domain.taxonomy import Plane
from labeling_configs.codec import SliceSize
from tests.label_studio import PASSWORD, LabelStudio, project_of, reader
from tests.waiting import until

SIZE = SliceSize(400, 520)
COUNT = 7
MIDLINE = 3
SLICES = (SIZE,) * COUNT
WINDOW = {"width": 1280, "height": 800}
DISCS = tuple(Box(x1=150 + 5 * i, y1=430 - 90 * i, x2=250 + 5 * i, y2=465 - 90 * i) for i in range(5))
"""The discs painted on every slice, the lowest first."""

COUNTING = """
window.pressed = 0;
const count = (event) => { if (!/^(Control|Shift|Alt|Meta)$/.test(event.key ?? "")) window.pressed += 1; };
addEventListener("keydown", count, true);
addEventListener("mousedown", count, true);
"""


@dataclass
class Desk:
    """One unit before one reader."""

    site: LabelStudio
    page: Page
    plane: Plane
    task: int

    @property
    def pressed(self) -> int:
        """Key presses and mouse clicks since the page was opened; a key with Ctrl is one."""
        pressed: int = self.page.evaluate("window.pressed")
        return pressed

    @property
    def shown_slice(self) -> int:
        """The slice before the reader, from 0."""
        index: int = self.page.evaluate("Htx.annotationStore.selected.names.get('slices').currentImage")
        return index

    @property
    def selected(self) -> str | None:
        """The id of the selected box."""
        script = "Htx.annotationStore.selected?.highlightedNode?.cleanId ?? null"
        identity: str | None = self.page.evaluate(script)
        return identity

    def wait_selected(self, identity: str) -> None:
        """Wait until a box is the selected one."""
        until(
            lambda: self.selected == identity, within_s=10, what=f"{identity} selected, not {self.selected}"
        )

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def drag(self, box: Box, *, halfway: Callable[[], object] = lambda: None) -> None:
        """Drag the mouse over a box given in pixels of the slice; waits for the new box to be selected."""
        before = self.count()
        stage = self.page.locator(".dl-stack canvas").first.bounding_box()
        assert stage is not None
        scale = stage["width"] / SIZE.width
        self.page.mouse.move(stage["x"] + box.x1 * scale, stage["y"] + box.y1 * scale)
        self.page.mouse.down()
        x, y = box.center
        self.page.mouse.move(stage["x"] + x * scale, stage["y"] + y * scale)
        halfway()
        self.page.mouse.move(stage["x"] + box.x2 * scale, stage["y"] + box.y2 * scale)
        self.page.mouse.up()
        until(
            lambda: self.count() == before + 1 and self.selected, within_s=10, what="the drawn box selected"
        )

    def count(self) -> int:
        """How many boxes there are."""
        count: int = self.page.evaluate("Htx.annotationStore.selected.regions.length")
        return count

    def labels(self) -> list[str]:
        """The words beside the boxes on the slice shown."""
        return self.page.locator(".dl-answer").all_inner_texts()

    def submit(self) -> Response:
        """Press Ctrl+Enter and wait for the answer."""
        # Against double clicks the editor takes no submit within a fifth of a second after the last.
        until(lambda: not self.page.evaluate("Htx.isSubmitting"), within_s=10, what="the last submit over")
        with self.page.expect_response(_is_submit) as answer:
            self.press("Control+Enter")
        return answer.value

    def kept(self) -> list[dict[str, Any]]:
        """The result of this task's only revision in the outbox."""
        entries = [entry for entry in self.site.outbox() if entry["task"] == self.task]
        assert [entry["event"] for entry in entries] == ["created"]
        result: list[dict[str, Any]] = entries[0]["result"]
        return result


def _is_submit(response: Response) -> bool:
    request = response.request
    return request.method == "POST" and f"{response.url}?".split("?")[0].rstrip("/").endswith("/annotations")


def paint_unit(site: LabelStudio, key: str, plane: Plane, picture: Image.Image | None = None) -> None:
    """Put slices (five painted discs or this picture) and a scout where the guard finds them under a key."""
    folder = site.store / "studies" / key
    folder.mkdir(parents=True)
    for index in range(COUNT):
        slice_ = Image.new("L", SIZE, 40)
        draw = ImageDraw.Draw(slice_)
        for disc in DISCS:
            draw.rectangle([disc.x1, disc.y1, disc.x2, disc.y2], fill=120 + 10 * index)
        (picture or slice_).save(folder / f"{index:03d}.png")
    names = [f"studies/{key}/{index:03d}.png" for index in range(COUNT)]
    scout = names[MIDLINE] if plane is Plane.AXIAL else None
    (site.keys / f"{key}.json").write_text(
        json.dumps({"slices": names, "scout": scout, "plane": plane, "smart_box": True}), encoding="utf-8"
    )


@contextmanager
def desk(
    site: LabelStudio,
    browser: Browser,
    *,
    config: str,
    plane: Plane = Plane.SAGITTAL,
    result: Sequence[dict[str, Any]] = (),
    kind: str = "reading",
    table: str | None = None,
    ml_backend: str | None = None,
    picture: Image.Image | None = None,
) -> Iterator[Desk]:
    """A new person with one unit, signed in, with the page opened on it."""
    person = f"p-{secrets.token_hex(4)}"
    role = "adjudicator" if kind == "adjudication" else "reader"
    project = project_of(person, plane=plane, kind=kind, label_config=config)
    site.put_projection(people=[reader(person, role=role)], projects=[project])
    site.set_password(person)
    number, key = site.projects[project["key"]], secrets.token_urlsafe(18).replace("-", "_")
    paint_unit(site, key, plane, picture)
    address = f"/discloop/slices/{number}/{key}"
    data: dict[str, Any] = {"key": key, "slices": [f"{address}/{i}" for i in range(COUNT)], "open": MIDLINE}
    if plane is Plane.AXIAL:
        data["scout"] = f"{address}/scout"
    if table is not None:
        data["table"] = table
    predictions = [{"result": list(result), "model_version": "m"}] if result else []
    if ml_backend is not None:
        attached = {"url": ml_backend, "project": number, "title": "smart box", "is_interactive": True}
        with site.service() as service:
            assert service.post("/api/ml/", json=attached).status_code == 201
    (task,) = site.import_tasks(number, [{"data": data, "predictions": predictions}])
    with list_of(site, browser, person, number) as page:
        opened = Desk(site, page, plane, task)
        page.wait_for_selector(".dl-stack canvas")
        until(lambda: _ready(page), within_s=20, what="the unit opened on its midline")
        page.evaluate(COUNTING)
        yield opened


@contextmanager
def list_of(site: LabelStudio, browser: Browser, person: str, project: int) -> Iterator[Page]:
    """A page of a person who signs in and starts on a project's list."""
    context = browser.new_context(viewport=WINDOW)  # type: ignore[arg-type]
    try:
        page = context.new_page()
        page.goto(f"{site.url}/user/login/")
        page.fill("input[name=email]", f"{person}@discloop.example")
        page.fill("input[name=password]", PASSWORD)
        page.click("[type=submit]")
        page.wait_for_url(lambda url: "login" not in url)
        page.goto(f"{site.url}/projects/{project}/data?labeling=1")
        yield page
    finally:
        context.close()


def _ready(page: Page) -> bool:
    stack = "Htx.annotationStore.selected?.names?.get('slices')"
    return bool(page.evaluate(f"{stack}?.currentImage === {MIDLINE} && {stack}.imageIsLoaded"))
