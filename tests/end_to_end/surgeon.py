"""A surgeon in Chromium: signs in, opens a list, corrects or draws boxes, grades by key, submits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Browser, Page, Request, Response

from domain.boxes import Box
from tests.end_to_end.stack import SignIn
from tests.waiting import appears, until

WINDOW = {"width": 1280, "height": 800}


class Surgeon:
    """Signed in at Label Studio, with one page."""

    def __init__(self, browser: Browser, address: str, who: SignIn) -> None:
        self.address = address
        self.context = browser.new_context(viewport=WINDOW)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self._unanswered: set[Request] = set()
        """Boxes that the smart box is looking at: its answer replaces the drawn one."""
        self.page.on(
            "request", lambda r: self._unanswered.add(r) if "interactive-annotating" in r.url else None
        )
        self.page.on("requestfinished", lambda request: self._unanswered.discard(request))
        self.page.on("requestfailed", lambda request: self._unanswered.discard(request))
        self.page.goto(f"{address}/user/login/")
        self.page.fill("input[name=email]", who.email)
        self.page.fill("input[name=password]", who.password)
        self.page.click("[type=submit]")
        self.page.wait_for_url(lambda url: "login" not in url)

    def ask(self, path: str) -> Any:
        """What the page's own session gets from the API."""
        answer = self.context.request.get(f"{self.address}{path}")
        return answer.json() if answer.ok else answer.status

    def status(self, path: str) -> int:
        """How a page or route answers this session."""
        return self.context.request.get(f"{self.address}{path}", max_redirects=0).status

    def open_list(self, project: int) -> None:
        """Open the project's labelling stream on its next unit."""
        self.page.goto(f"{self.address}/projects/{project}/data?labeling=1")
        self.wait_unit()

    def wait_unit(self) -> None:
        """Until the unit is shown, opened on its midline, that slice loaded: no box can be drawn before."""
        self.page.wait_for_selector(".dl-stack canvas")
        until(lambda: self._is_open(), within_s=30, what="the unit opened on its midline")

    def _is_open(self) -> bool:
        script = """() => {
          const store = window.Htx?.annotationStore?.selected, images = store?.names?.get('slices');
          const open = window.Htx?.task?.dataObj?.open;
          return Boolean(images && open !== undefined && images.currentImage === Number(open)
                         && images.imageIsLoaded && images.stageWidth > 1);
        }"""
        return bool(self.page.evaluate(script))

    @property
    def task(self) -> int:
        """Label Studio's number of the task shown."""
        number: int = self.page.evaluate("Number(Htx.task.id)")
        return number

    @property
    def key(self) -> str:
        """Our key of the task shown."""
        key: str = self.page.evaluate("Htx.task.dataObj.key")
        return key

    def boxes(self) -> list[dict[str, Any]]:
        """The boxes of the slice shown: id and edges in percent, from the lowest up."""
        found: list[dict[str, Any]] = self.page.evaluate(
            """() => {
              const store = Htx.annotationStore.selected, now = store.names.get('slices').currentImage;
              return store.regions.filter((r) => (r.item_index ?? 0) === now)
                .map((r) => ({id: r.cleanId, x: r.x, y: r.y, width: r.width, height: r.height}))
                .sort((a, b) => b.y - a.y);
            }"""
        )
        return found

    def select(self, identity: str) -> None:
        """Select a box as a click on it does, unless it is selected."""
        self.page.evaluate(
            """(id) => {
              const store = Htx.annotationStore.selected;
              if (store.highlightedNode?.cleanId !== id)
                store.selectArea(store.regions.find((r) => r.cleanId === id));
            }""",
            identity,
        )
        script = "Htx.annotationStore.selected.highlightedNode?.cleanId"
        until(lambda: self.page.evaluate(script) == identity, within_s=10, what=f"{identity} selected")

    def grade_of(self, identity: str) -> str | None:
        """The grade a box has on the page."""
        grade: str | None = self.page.evaluate(
            """(id) => Htx.annotationStore.selected.regions.find((r) => r.cleanId === id)
                 .results.find((r) => r.from_name.name === "pfirrmann")?.mainValue?.[0] ?? null""",
            identity,
        )
        return grade

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag the mouse from one point to another, in shares (0 to 1) of the slice shown."""
        stage = self.page.locator(".dl-stack canvas").first.bounding_box()
        assert stage is not None
        points = [
            (stage["x"] + x * stage["width"], stage["y"] + y * stage["height"]) for x, y in (start, end)
        ]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        self.page.mouse.move(*points[1], steps=4)
        self.page.mouse.up()

    def draw(self, box: Box, size: tuple[int, int]) -> None:
        """Draw a disc's box, given in pixels of the slice."""
        before = len(self.boxes())
        self.page.keyboard.press("d")
        width, height = size
        self.drag((box.x1 / width, box.y1 / height), (box.x2 / width, box.y2 / height))
        until(lambda: len(self.boxes()) == before + 1, within_s=30, what="the drawn box")
        # Asking the page lets its events in.
        until(lambda: self.boxes() and not self._unanswered, within_s=30, what="the smart box's answer")

    def correct(self, identity: str) -> None:
        """Move a box by a hundredth of the slice's width, as a reader does who finds it off."""
        self.select(identity)
        (box,) = [box for box in self.boxes() if box["id"] == identity]
        middle = ((box["x"] + box["width"] / 2) / 100, (box["y"] + box["height"] / 2) / 100)
        self.drag(middle, (middle[0] + 0.01, middle[1]))

        def moved() -> bool:
            (now,) = [one for one in self.boxes() if one["id"] == identity]
            return bool(abs(now["x"] - box["x"]) > 0.2)

        until(moved, within_s=10, what="the corrected box")

    def grade(self, grades: Sequence[int]) -> None:
        """Grade the discs of the slice from the lowest up, by keys."""
        for place, grade in enumerate(grades):
            identity = self.boxes()[place]["id"]
            self.select(identity)
            self.page.keyboard.press(str(grade))
            until(
                lambda identity=identity: self.grade_of(identity) is not None,  # type: ignore[misc]
                within_s=30,
                what=f"a grade on {identity}",
            )

    @property
    def selected(self) -> str:
        """The id of the selected box, empty if there is none."""
        script = "Htx.annotationStore.selected?.highlightedNode?.cleanId ?? ''"
        identity: str = self.page.evaluate(script)
        return identity

    def decide(self, *keys: str) -> int:
        """Press the same keys for each disc that asks for a decision; how many there were."""
        decided = 0
        while (asked := self.selected).startswith("open-disc-"):
            for key in keys:
                self.page.keyboard.press(key)
            decided += 1
            if not appears(lambda asked=asked: self.selected != asked, within_s=3):  # type: ignore[misc]
                return decided
        return decided

    def name_lowest(self) -> None:
        """Call the lowest disc L5/S1 by its key; the others follow."""
        self.select(self.boxes()[0]["id"])
        self.page.keyboard.press("s")

    def answers(self) -> list[str]:
        """The words beside the boxes of the slice shown."""
        return self.page.locator(".dl-answer").all_inner_texts()

    def submit(self) -> Response:
        """Press Ctrl+Enter and wait for the answer."""
        # Against double clicks the editor takes no submit within a fifth of a second after the last.
        until(lambda: not self.page.evaluate("Htx.isSubmitting"), within_s=10, what="the last submit over")
        with self.page.expect_response(_is_submit) as answer:
            self.page.keyboard.press("Control+Enter")
        return answer.value


def _is_submit(response: Response) -> bool:
    path = response.url.split("?")[0].rstrip("/")
    return response.request.method in {"POST", "PATCH"} and path.endswith("/annotations")
