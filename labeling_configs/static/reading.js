// What Label Studio's editor cannot be configured to do, for the labelling pages of labeling_configs:
//   - a stack opens on the slice the task names, and pages with the mouse wheel and the up and down arrows;
//   - the lowest undecided disc is selected; deciding it by key or click selects the next one upwards;
//   - 1 to 9 answer the selected disc only, and the same key again confirms instead of taking back;
//   - the keys and buttons for disc, herniation and HIZ start a new box; the editor would relabel the selected one;
//   - a lesion can be drawn over a disc's box, for which the editor wants Ctrl held;
//   - each box shows its level and answer beside it, levels that follow from a named one in brackets;
//   - a disc is drawn with the smart tool where a model is attached, so that a rough box snaps to it;
//   - a refused submit says why (the editor itself only says that it was not saved).
// It uses `window.Htx`, the editor's own store. Where that is missing or differs, the page works without it.
(() => {
  "use strict";
  const LANGUAGE = document.currentScript?.dataset.language ?? "en";
  const FINDING = "finding";
  const IMAGE = "slices";
  const READERS = ["reader_1", "reader_2"];
  const DECISIONS = ["pfirrmann", "not_gradable"];
  const WHEEL_STEP = 60; // pixels of scrolling a slice
  const WATCH_MS = 120;
  const LINE = 20; // height of a label beside a box, pixels
  const SAME_DISC = 0.3; // shared part of the smaller box
  // As domain.taxonomy.COLUMNS, which a test holds this to: lowest disc first, the ordinary column first.
  const UPWARDS = ["L4/5", "L3/4", "L2/3", "L1/2", "T12/L1", "T11/12"];
  const COLUMNS = [
    ["L5/S1", ...UPWARDS],
    ["L6/S1", "L5/6", ...UPWARDS],
    ["S1/2", "L5/S1", ...UPWARDS],
  ];

  const selected = () => window.Htx?.annotationStore?.selected ?? null;
  const image = (annotation) => annotation?.names?.get(IMAGE) ?? null;
  const kindOf = (region) => region.labeling?.from_name?.name === FINDING && region.labeling.mainValue?.[0];
  const answer = (region, control) =>
    region.results.find((result) => result.from_name?.name === control)?.mainValue?.[0] ?? null;
  const middle = (region) => (region.bboxCoords.top + region.bboxCoords.bottom) / 2;

  const isDecided = (region) => DECISIONS.some((control) => answer(region, control) !== null);

  const isAxial = () => Boolean(document.querySelector(".dl-axial"));
  const lowestFirst = (a, b) => (isAxial() ? a.item_index - b.item_index : middle(b) - middle(a));
  const discs = (annotation) => annotation.regions.filter((region) => kindOf(region) === "disc").sort(lowestFirst);

  const idOf = (region) => String(region.cleanId ?? region.id);

  // Which boxes on different slices are one disc: as grouping.py tells them.
  const covered = (a, b) => {
    const [p, q] = [a.bboxCoords, b.bboxCoords];
    const width = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const height = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    const area = (box) => (box.right - box.left) * (box.bottom - box.top);
    return width > 0 && height > 0 ? (width * height) / Math.min(area(p), area(q)) : 0;
  };
  const shownAs = (box) => idOf(box).match(/^((?:asked-|open-)*(?:disc|herniation|hiz)-\d+)-\d+$/)?.[1];
  const sameDisc = (a, b) => {
    if (a.item_index === b.item_index) return false;
    if (!isAxial()) return covered(a, b) >= SAME_DISC;
    const names = [answer(a, "level"), answer(b, "level")];
    if (names[0] && names[1]) return names[0] === names[1];
    if (shownAs(a) && shownAs(a) === shownAs(b)) return true;
    return Math.abs(a.item_index - b.item_index) === 1 && covered(a, b) >= SAME_DISC;
  };
  const columnOf = (annotation) => {
    const column = [];
    for (const box of discs(annotation)) {
      const known = column.find((boxes) => boxes.some((other) => sameDisc(box, other)));
      if (known) known.push(box);
      else column.push([box]);
    }
    return column;
  };
  const decidingBox = (boxes) => boxes.find(isDecided) ?? boxes[0];

  const asksForGrades = (annotation) => Boolean(annotation.names?.get("pfirrmann"));
  const asksForReasons = (annotation) => Boolean(annotation.names?.get("reason"));

  // What an adjudicator is asked is told by how the codec begins a box's id.
  const isAsked = (region) => idOf(region).startsWith("asked-");
  const isDisputed = (region) => isAsked(region) || idOf(region).startsWith("open-");

  // Everything that can ask for a decision: the discs from the lowest up, then lesions only one reader marked.
  const items = (annotation) => {
    const lesions = new Map();
    for (const region of annotation.regions) {
      if (!kindOf(region) || kindOf(region) === "disc" || !isAsked(region)) continue;
      const name = shownAs(region);
      lesions.set(name, [...(lesions.get(name) ?? []), region]);
    }
    return [...columnOf(annotation), ...lesions.values()];
  };

  const isOpen = (annotation, boxes) => {
    const given = (control) => boxes.some((box) => answer(box, control) !== null);
    if (boxes.some(isDisputed) && asksForReasons(annotation) && !given("reason")) return true;
    if (boxes.some(isAsked) && !given("verdict")) return true;
    const absent = boxes.some((box) => answer(box, "verdict") === "absent");
    if (kindOf(boxes[0]) !== "disc" || absent) return false;
    return isAxial() ? !given("level") : !boxes.some(isDecided);
  };

  const select = (annotation, region) => {
    if (region && !region.inSelection) annotation.selectArea(region);
  };

  const selectNext = (annotation, from) => {
    const all = items(annotation);
    const here = all.findIndex((boxes) => boxes.includes(from));
    const upwards = [...all.slice(here + 1), ...all.slice(0, Math.max(here, 0))];
    const next = upwards.find((boxes) => isOpen(annotation, boxes)) ?? all[here + 1];
    if (next) select(annotation, decidingBox(next));
  };

  const selectFirst = (annotation) => {
    const first = items(annotation).find((boxes) => isOpen(annotation, boxes));
    if (first) select(annotation, decidingBox(first));
  };

  const choose = (annotation, region, control, code) => {
    const tag = annotation.names.get(control);
    const choice = tag?.children?.find((child) => child.alias === code);
    if (!choice) return;
    for (const other of DECISIONS) {
      const given = other !== control && annotation.names.get(other)?.children?.find((child) => child.sel);
      if (DECISIONS.includes(control) && given) given.toggleSelected();
    }
    if (answer(region, control) !== code) choice.toggleSelected();
  };

  const labelOf = (annotation, key) => annotation.names.get(FINDING)?.children?.find((label) => label.hotkey === key);
  const letGo = (annotation) => {
    if (annotation.highlightedNode) annotation.unselectAll();
  };

  const typing = (target) =>
    target?.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target?.tagName ?? "") && target.type !== "checkbox";

  const digit = (annotation, key) => {
    const region = annotation.highlightedNode;
    if (!region || kindOf(region) !== "disc" || !asksForGrades(annotation)) return;
    const reasons = annotation.names.get("not_gradable")?.children ?? [];
    const [control, code] = key <= 5 ? ["pfirrmann", String(key)] : ["not_gradable", reasons[key - 6]?.alias];
    if (code === undefined) return;
    const confirmed = answer(region, control) === code;
    choose(annotation, region, control, code);
    if (confirmed) selectNext(annotation, region);
    else look();
  };

  // The editor's own handler would take back the label that letting go of a box may leave chosen for a moment.
  const startBox = (annotation, label) => {
    letGo(annotation);
    const choose = () => {
      if (selected() === annotation && !annotation.highlightedNode && !label.selected) label.toggleSelected();
    };
    choose();
    setTimeout(() => {
      choose();
      chooseTool();
    }, 0);
  };

  const page = (annotation, step) => {
    const stack = image(annotation);
    const to = (stack?.currentImage ?? 0) + step;
    if (stack && to >= 0 && to < stack.imageEntities.length) stack.setCurrentImage(to);
  };

  document.addEventListener(
    "keydown",
    (event) => {
      const annotation = selected();
      if (!image(annotation) || typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      const label = event.shiftKey ? null : labelOf(annotation, event.key);
      if (label) startBox(annotation, label);
      else if (!event.shiftKey && /^[0-9]$/.test(event.key)) digit(annotation, Number(event.key || 0));
      else if (event.key === "ArrowUp") page(annotation, -1);
      else if (event.key === "ArrowDown") page(annotation, 1);
      else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );

  document.addEventListener(
    "click",
    (event) => {
      const annotation = selected();
      if (!image(annotation) || !event.target.closest?.(".dl-draw .lsf-label")) return;
      letGo(annotation);
      setTimeout(chooseTool, 0);
    },
    true,
  );

  // --- the smart box: only discs, only where the project has an interactive model -------------------------------
  const isSmart = () => Boolean(window.Htx.interfaces?.includes("auto-annotation"));
  // A tool changed in the middle of a stroke would leave the editor drawing for ever.
  let stroking = false;
  const chooseTool = () => {
    const annotation = selected();
    if (stroking || !isSmart() || !image(annotation) || !drawing(annotation)) return;
    const wanted = annotation.names.get(FINDING).selectedLabels[0].alias === "disc";
    const manager = image(annotation).getToolsManager();
    const tool = manager.allTools().find((t) => t.toolName === "RectangleTool" && Boolean(t.dynamic) === wanted);
    if (!tool) return;
    if (!window.Htx.autoAnnotation) window.Htx.setAutoAnnotation(true);
    if (!window.Htx.autoAcceptSuggestions) window.Htx.setAutoAcceptSuggestions(true);
    if (!tool.selected) manager.selectTool(tool, true);
  };

  // The snapped box takes the drawn one's place, and the selection with it is lost.
  let snapping = false;
  const selectSnapped = (annotation) => {
    if (annotation.regions.some((region) => region.dynamic)) snapping = true;
    else if (snapping) {
      snapping = false;
      const newest = annotation.regions.filter((region) => kindOf(region) === "disc").at(-1);
      if (newest && !annotation.highlightedNode) select(annotation, newest);
    }
  };

  const drawing = (annotation) =>
    !annotation.highlightedNode && annotation.names.get(FINDING)?.selectedLabels?.length > 0;
  for (const press of ["mousedown", "pointerdown"]) {
    document.addEventListener(
      press,
      (event) => {
        const annotation = selected();
        if (event.button !== 0 || !image(annotation) || !event.target.closest?.(".dl-stack .konvajs-content")) return;
        if (!drawing(annotation)) return;
        chooseTool(); // the key's own choice may still be waiting its turn
        stroking = true;
        Object.defineProperty(event, "ctrlKey", { value: true });
      },
      true,
    );
  }
  for (const end of ["mouseup", "pointercancel", "blur"]) window.addEventListener(end, () => (stroking = false), true);

  let scrolled = 0;
  document.addEventListener(
    "wheel",
    (event) => {
      const annotation = selected();
      if (event.ctrlKey || event.metaKey || !image(annotation) || !event.target.closest?.(".dl-stack")) return;
      event.preventDefault();
      event.stopPropagation();
      scrolled += event.deltaY;
      if (Math.abs(scrolled) < WHEEL_STEP) return;
      page(annotation, Math.sign(scrolled));
      scrolled = 0;
    },
    { capture: true, passive: false },
  );

  // As domain.taxonomy.name_column; index 1 is the lowest disc.
  const nameColumn = (count, index, level) => {
    const column = COLUMNS.find((c) => c[index - 1] === level) ?? COLUMNS.find((c) => c.includes(level));
    const shift = column.indexOf(level) - (index - 1);
    return Array.from({ length: count }, (_, i) => column[i + shift] ?? null);
  };

  // Level of each disc box that the reader did not name, where one name decides it.
  const followingLevels = (annotation) => {
    const follows = new Map();
    if (isAxial()) return follows;
    const column = columnOf(annotation);
    const named = column.map((boxes) => boxes.map((box) => answer(box, "level")).find(Boolean) ?? null);
    const index = named.findIndex(Boolean);
    if (index < 0) return follows;
    const levels = nameColumn(column.length, index + 1, named[index]);
    column.forEach((boxes, i) => boxes.forEach((box) => follows.set(box.id, named[i] ? null : levels[i])));
    return follows;
  };

  // --- answers beside the boxes ---------------------------------------------------------------------------
  const words = (annotation, region, follows) => {
    const grade = answer(region, "pfirrmann");
    const shown = (control) => {
      const code = answer(region, control);
      return code && annotation.names.get(control)?.children?.find((child) => child.alias === code)?.value;
    };
    const following = follows.get(region.id);
    const level = shown("level") ?? (following && `(${following})`);
    const lesion = kindOf(region) === "disc" ? null : shown(FINDING);
    const parts = [lesion, level, grade, shown("not_gradable"), shown("herniation_type"), shown("hiz_side"), shown("verdict")];
    return parts.filter(Boolean).join(" · ");
  };

  // Each label after the first ones moves down until it covers none of them.
  const clearOfEachOther = (labels) => {
    const covers = (a, b) => Math.abs(a.top - b.top) < LINE && Math.abs(a.left - b.left) < 10 * LINE;
    labels.forEach((label, i) => {
      const placed = labels.slice(0, i).filter((other) => other.text);
      while (label.text && placed.some((other) => covers(label, other))) label.top += LINE / 2;
    });
    return labels;
  };

  const layerIn = (stack) => {
    const host = stack.querySelector(".lsf-image")?.parentElement;
    if (!host) return null;
    let layer = host.querySelector(".dl-answers");
    if (!layer) {
      layer = document.createElement("div");
      layer.className = "dl-answers";
      host.append(layer);
    }
    return layer;
  };

  const draw = (annotation) => {
    const stack = document.querySelector(".dl-stack");
    const layer = stack && layerIn(stack);
    const shown = image(annotation);
    if (!layer) return;
    const here = annotation.regions.filter((region) => region.item_index === shown.currentImage && !region.hidden);
    const across = (percent) => (percent / 100) * shown.stageWidth * shown.zoomScale + shown.zoomingPositionX;
    const down = (percent) => (percent / 100) * shown.stageHeight * shown.zoomScale + shown.zoomingPositionY;
    const follows = followingLevels(annotation);
    const openIds = new Set(items(annotation).filter((boxes) => isOpen(annotation, boxes)).flat().map((box) => box.id));
    const isDisc = (region) => region.labeling.mainValue?.[0] === "disc";
    // A lesion touches its disc: its words stand below it, clear of the disc's.
    const besides = (region) => (isDisc(region) ? middle(region) : region.bboxCoords.bottom + 2);
    const discsFirst = (a, b) => (kindOf(b) === "disc") - (kindOf(a) === "disc");
    const final = here.filter(kindOf).sort(discsFirst).map((region) => {
      const open = openIds.has(region.id);
      const text = [words(annotation, region, follows), open ? "?" : ""].filter(Boolean).join(" · ");
      const style = open ? "dl-answer dl-answer-open" : "dl-answer";
      return { text, style, left: across(region.bboxCoords.right), top: down(besides(region)) };
    });
    const readers = here.filter((region) => READERS.includes(region.labeling?.from_name?.name));
    const locked = readers.sort((a, b) => isDisc(b) - isDisc(a)).map((region) => {
      const reader = region.labeling.from_name.name;
      const text = [region.meta?.text].flat().filter(Boolean).join(", ");
      const top = down(besides(region)) - (reader === READERS[0] ? LINE : 0);
      return { text, style: `dl-answer dl-answer-${reader}`, left: across(region.bboxCoords.left), top };
    });
    const labels = clearOfEachOther(final).concat(clearOfEachOther(locked));
    const state = JSON.stringify(labels);
    if (layer.dataset.state === state) return;
    layer.dataset.state = state;
    layer.replaceChildren(
      ...labels.filter((label) => label.text).map((label) => {
        const element = document.createElement("span");
        element.className = label.style;
        element.textContent = label.text;
        element.style.left = `${label.left}px`;
        element.style.top = `${label.top}px`;
        return element;
      }),
    );
  };

  // --- a new unit, and what changed since the last look ---------------------------------------------------------
  let opened = null;
  let before = new Map();
  const snapshot = (annotation) =>
    new Map(items(annotation).flatMap((boxes) => boxes.map((box) => [box.id, isOpen(annotation, boxes)])));

  // What is said while a slice loads the editor does not count as a change: a correction could not be submitted.
  let asOpened = null;
  const countChange = (annotation) => {
    const { history } = annotation;
    if (!annotation.pk || history.canUndo || history.isFrozen) return;
    if (JSON.stringify(annotation.serializeAnnotation()) !== asOpened) history.recordNow();
  };

  const open = (annotation) => {
    asOpened = JSON.stringify(annotation.serializeAnnotation());
    const settings = window.Htx.settings;
    if (settings && !settings.selectAfterCreate) settings.toggleSelectAfterCreate();
    const slice = window.Htx.task?.dataObj?.open;
    if (Number.isInteger(slice) && slice < image(annotation).imageEntities.length) image(annotation).setCurrentImage(slice);
    selectFirst(annotation);
  };

  // --- why a submit was refused -------------------------------------------------------------------------------
  // The editor draws the panel anew after a submit, so the text is kept here and put back by `watch`.
  let refusal = null;
  let reselect = false;
  const showRefusal = () => {
    const panel = document.querySelector(".dl-panel");
    const shown = panel?.querySelector(".dl-refused");
    if (!panel || (shown?.dataset.text ?? null) === refusal) return;
    shown?.remove();
    if (refusal === null) return;
    const banner = document.createElement("div");
    banner.className = "dl-refused";
    banner.dataset.text = refusal;
    banner.setAttribute("role", "alert");
    for (const line of refusal.split("; ")) {
      const paragraph = document.createElement("p");
      paragraph.textContent = line;
      banner.append(paragraph);
    }
    panel.prepend(banner);
  };

  const submits = (url, method) =>
    /^(POST|PATCH|PUT)$/i.test(method ?? "") && /\/api\/(tasks\/\d+\/annotations|annotations\/\d+)\b/.test(url);

  // Without an answer the editor would take the drawn box for a suggestion, and drop it with the next one.
  const SILENT = { en: "The smart box does not answer: boxes stay as you draw them", zh: "智能框没有响应：框保持您所画的样子" }[LANGUAGE];
  // To the guard a unit that was taken back is like anybody else's: it says no more.
  const GONE = {
    en: "This unit is no longer open to you: it was taken back, as when a reading of it is corrected. Go on from your worklists. What is still to be decided comes back to you.",
    zh: "此单元已不再对您开放：它已被收回，例如其读数被更正。请从工作列表继续；仍需判定的内容会再次交给您。",
  }[LANGUAGE];
  const snaps = (url) => /\/api\/ml\/\d+\/interactive-annotating\b/.test(url);
  const orAsDrawn = async (response, sent) => {
    const body = await response.clone().json().catch(() => null);
    const answered = response.ok && body?.data?.result;
    if (!answered || refusal === SILENT) refusal = answered ? null : SILENT;
    return Response.json({ ...body, data: { result: onlyDrawn(answered || JSON.parse(sent).context.result) } });
  };
  // The editor sends every box and takes the answer for all of them: what was said or moved since would be undone.
  const onlyDrawn = (result) => {
    const annotation = selected();
    const drawn = new Set(annotation.regions.filter((region) => region.dynamic).map(idOf));
    const boxes = result.filter((entry) => drawn.has(entry.id) && entry.from_name === FINDING);
    const said = annotation.serializeAnnotation().filter((entry) => drawn.has(entry.id) && entry.from_name !== FINDING);
    const edges = (id) => {
      const { x, y, width, height } = boxes.find((entry) => entry.id === id)?.value ?? {};
      return { x, y, width, height };
    };
    return [...boxes, ...said.map((entry) => ({ ...entry, value: { ...entry.value, ...edges(entry.id) } }))];
  };

  const plainFetch = window.fetch;
  window.fetch = async (input, options) => {
    const url = String(input?.url ?? input);
    if (snaps(url)) return orAsDrawn(await plainFetch(input, options).catch(() => Response.error()), options?.body);
    const response = await plainFetch(input, options);
    if (!submits(url, options?.method ?? input?.method)) return response;
    refusal = null;
    const gone = response.status === 403 || response.status === 404;
    if (!gone && response.status !== 400 && response.status !== 409) return response;
    const body = await response.clone().json().catch(() => null);
    if (!gone && !body?.detail) return response;
    refusal = gone ? GONE : String(body.detail);
    reselect = true;
    // With this reason the editor leaves out its own message, which asks to contact its makers.
    const quiet = JSON.stringify({ ...body, display_context: { reason: "PAUSED" } });
    return new Response(quiet, { status: response.status, headers: response.headers });
  };

  const watch = () => {
    const annotation = selected();
    if (!image(annotation) || !document.querySelector(".dl-stack")) return;
    const key = `${window.Htx.task?.id}/${annotation.id}`;
    if (key !== opened) {
      if (!image(annotation).imageEntities?.length) return;
      opened = key;
      refusal = null;
      open(annotation);
      before = snapshot(annotation);
    }
    const now = snapshot(annotation);
    const region = annotation.highlightedNode;
    if (region && before.get(region.id) === true && now.get(region.id) === false) {
      selectNext(annotation, region);
    }
    before = now;
    countChange(annotation);
    selectSnapped(annotation);
    if (reselect && !annotation.highlightedNode) {
      reselect = false;
      selectFirst(annotation);
    }
    draw(annotation);
    showRefusal();
  };

  window.discloopReading = { nameColumn, COLUMNS };

  const look = () => {
    try {
      watch();
    } catch (error) {
      console.warn("reading page:", error);
    }
  };
  setInterval(look, WATCH_MS);
  // At once after an answer, so that two quick keys never answer the same disc.
  for (const event of ["keydown", "click"]) document.addEventListener(event, () => setTimeout(look, 0), true);
})();
