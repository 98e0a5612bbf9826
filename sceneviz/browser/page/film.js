// The film: a strip of thumbnails, under each shot its scenes and its confidence, and the whole movie below.

const HIGH = 68; // of a thumbnail
const GAP = 4;
const STEMS = 44; // height of the confidences under the strip, and
const STEMS_WHOLE = 30; // in the whole movie
const ABOVE = 26; // the highest: a number, and over it what the shade means
let serial = 0;

function render({ model, el }) {
  const id = `sv-film-${(serial += 1)}`;
  const root = make("div", "sv sv-film", el);
  root.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab leaves the arrow keys to us
  const head = make("div", "sv-head", root);
  make("strong", "", head, model.get("title"));
  make("span", "sv-muted", head, model.get("about"));
  const hover = make("span", "sv-hover", head);
  const status = make("p", "sv-status", root);
  status.setAttribute("role", "alert");
  const scroller = make("div", "sv-scroller", root);
  scroller.tabIndex = 0;
  scroller.setAttribute("role", "listbox");
  scroller.setAttribute("aria-orientation", "horizontal");
  scroller.setAttribute("aria-label", "Shots. Arrow keys pick one, page up and down go from scene to scene");
  const reel = make("div", "sv-reel", scroller);
  const key = make("p", "sv-key", root);
  const lane = make("canvas", "sv-lane", root);
  const whole = make("canvas", "sv-whole", root);
  for (const canvas of [lane, whole]) canvas.setAttribute("role", "img");
  const spoken = make("div", "sv-spoken", root);
  spoken.setAttribute("aria-live", "polite");

  const count = model.get("count");
  const aspect = model.get("aspect");
  const wide = aspect ? clamp(Math.round(HIGH * aspect), 44, 132) : 118;
  const pitch = wide + GAP;
  const starts = floats(model.get("starts"));
  const confidence = floats(model.get("confidence"));
  const labels = signed(model.get("labels"));
  const cells = new Map();
  let picked = model.get("selected");
  let pending = 0;
  reel.style.width = `${count * pitch}px`;
  reel.style.height = `${HIGH + 18}px`;

  const thumbs = new Thumbs(model, (shots) => shots.forEach((shot) => cells.has(shot) && fill(shot)));
  const first = model.get("opening_first");
  model.get("opening").forEach((data, i) => thumbs.put(first + i, data, model.get("opening_captions")[i]));

  const gutter = () => (root.clientWidth < 640 ? 0 : 84);
  const ends = () => bytes(model.get("ends"));

  // Cells

  function fill(shot) {
    const cell = cells.get(shot);
    const held = thumbs.held.get(shot);
    if (!held || cell.filled) return;
    cell.filled = true;
    cell.face.remove();
    cell.face = make(held.picture ? "img" : "span", "sv-face", null, held.picture ? undefined : held.caption || "no words");
    if (held.picture) Object.assign(cell.face, { src: held.picture, alt: "", draggable: false });
    if (!held.picture && !held.caption) cell.face.classList.add("sv-muted");
    cell.box.prepend(cell.face);
    if (held.caption) cell.box.title = held.caption;
  }

  function cell(shot) {
    const box = make("div", "sv-cell", reel);
    box.id = `${id}-${shot}`;
    box.setAttribute("role", "option");
    box.dataset.shot = shot;
    box.style.cssText = `left:${shot * pitch}px;width:${wide}px;`;
    const face = make("span", "sv-face sv-waiting", box);
    make("span", "sv-number", box, String(shot));
    cells.set(shot, { box, face, filled: false });
    fill(shot);
  }

  function cut() {
    const first = Math.max(0, Math.floor(scroller.scrollLeft / pitch) - 1);
    const last = Math.min(count - 1, Math.ceil((scroller.scrollLeft + scroller.clientWidth) / pitch) + 1);
    for (const [shot, { box }] of cells)
      if (shot < first || shot > last) {
        box.remove();
        cells.delete(shot);
      }
    const seen = [];
    const [from, to] = model.get("window");
    for (let shot = first; shot <= last; shot += 1) {
      if (!cells.has(shot)) cell(shot);
      const { box } = cells.get(shot);
      box.classList.toggle("sv-outside", from !== undefined && (shot < from || shot > to));
      box.setAttribute("aria-selected", String(shot === picked));
      box.setAttribute("aria-label", words(shot));
      seen.push(shot);
    }
    // What stands in the middle is looked at first.
    const middle = (first + last) / 2;
    thumbs.want([...seen].sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle)));
    scroller.setAttribute("aria-activedescendant", `${id}-${picked}`);
  }

  function words(shot) {
    const sure = confidence[shot];
    const said = Number.isNaN(sure) ? "last shot" : `confidence ${sure.toFixed(2)}${ends()[shot] ? ", a scene ends here" : ""}`;
    return `shot ${shot}, ${clock(starts[shot])}, ${said}`;
  }

  // Picking

  function pick(shot, { centre = false } = {}) {
    picked = clamp(shot, 0, count - 1);
    show(picked, centre);
    draw();
    spoken.textContent = words(picked);
    clearTimeout(pending);
    // A key that is held down asks for the shot that it ends on.
    pending = setTimeout(() => {
      pending = 0;
      model.set("selected", picked);
      model.save_changes();
    }, 80);
  }

  function show(shot, centre) {
    const left = shot * pitch;
    const room = scroller.clientWidth;
    const margin = Math.min(pitch, Math.max(0, (room - pitch) / 2));
    if (centre) scroller.scrollLeft = left - (room - pitch) / 2;
    else if (left < scroller.scrollLeft + margin) scroller.scrollLeft = left - margin;
    else if (left + pitch > scroller.scrollLeft + room - margin) scroller.scrollLeft = left + pitch - room + margin;
  }

  function scene(step) {
    const marks = ends();
    let shot = picked;
    if (step > 0) {
      while (shot < count - 1 && !marks[shot]) shot += 1;
      return shot + 1;
    }
    shot -= 1;
    while (shot > 0 && !marks[shot - 1]) shot -= 1;
    return shot;
  }

  const KEYS = {
    ArrowLeft: () => picked - 1,
    ArrowRight: () => picked + 1,
    ArrowUp: () => picked - 1,
    ArrowDown: () => picked + 1,
    PageUp: () => scene(-1),
    PageDown: () => scene(1),
    Home: () => 0,
    End: () => count - 1,
  };
  scroller.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    pick(KEYS[event.key]());
  });
  reel.addEventListener("click", (event) => {
    const box = event.target.closest(".sv-cell");
    if (!box) return;
    scroller.focus({ preventScroll: true });
    pick(Number(box.dataset.shot));
  });
  scroller.addEventListener("scroll", soon(draw));

  const across = (canvas, event) => event.clientX - canvas.getBoundingClientRect().left - gutter();
  const inWhole = (event) => clamp(Math.floor((across(whole, event) / (root.clientWidth - gutter())) * count), 0, count - 1);
  const inLane = (event) => clamp(Math.floor((across(lane, event) + scroller.scrollLeft) / pitch), 0, count - 1);
  lane.addEventListener("click", (event) => pick(inLane(event)));
  lane.addEventListener("pointermove", (event) => (hover.textContent = words(inLane(event))));
  whole.addEventListener("pointerdown", (event) => {
    whole.setPointerCapture(event.pointerId);
    pick(inWhole(event), { centre: true });
  });
  whole.addEventListener("pointermove", (event) => {
    hover.textContent = words(inWhole(event));
    if (event.buttons) scroller.scrollLeft = (inWhole(event) + 0.5) * pitch - scroller.clientWidth / 2;
  });
  for (const canvas of [lane, whole]) canvas.addEventListener("pointerleave", () => (hover.textContent = ""));

  // Drawing

  function rows() {
    const found = [["predicted", ends(), ["predicted", "predicted2"], 8]];
    if (labels.length) found.unshift(["labelled", labels.map((value) => Number(value === 1)), ["true", "true2"], 6]);
    const after = bytes(model.get("ends_after"));
    if (after.length) found.push(["what if", after, ["moved", "moved2"], 6]);
    return found;
  }

  // at(shot): the left edge of a shot; from, to: the shots that are seen.
  function drawScenes(context, y, high, marks, colors, at, from, to, gap) {
    let odd = 0;
    for (let shot = 0; shot < from; shot += 1) odd ^= marks[shot];
    let first = from;
    for (let shot = from; shot <= to; shot += 1)
      if (marks[shot] || shot === to) {
        context.fillStyle = color(root, colors[odd]);
        context.beginPath();
        context.roundRect(at(first), y, Math.max(0.5, at(shot + 1) - at(first) - gap), high, gap ? 2 : 0);
        context.fill();
        odd ^= 1;
        first = shot + 1;
      }
  }

  function drawRows(context, width, left, at, from, to, gap, scale, named) {
    let y = 3;
    context.save();
    context.font = `11px ${getComputedStyle(root).fontFamily}`;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const [name, marks, colors, high] of rows()) {
      if (left && named) {
        context.fillStyle = color(root, name === "what if" ? "moved" : "muted");
        context.fillText(name, left - 8, y + (high * scale) / 2 + 0.5);
      }
      context.save();
      context.beginPath();
      context.rect(left, 0, width - left, 400);
      context.clip();
      drawScenes(context, y, high * scale, marks, colors, at, from, to, gap);
      context.restore();
      y += high * scale + 5;
    }
    context.restore();
    return y;
  }

  function drawThreshold(context, left, width, bottom, high, name) {
    const y = bottom - high * model.get("threshold");
    context.save();
    context.strokeStyle = color(root, "ink");
    context.globalAlpha = 0.7;
    context.setLineDash([4, 3]);
    context.beginPath();
    context.moveTo(left, y);
    context.lineTo(width, y);
    context.stroke();
    context.restore();
    if (!left) return;
    context.font = `11px ${getComputedStyle(root).fontFamily}`;
    context.fillStyle = color(root, "muted");
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillText(model.get("threshold").toFixed(2), left - 8, clamp(y, bottom - high + 4, bottom - 4));
    // The name stands where the number does not.
    context.fillText(name, left - 8, y > bottom - high / 2 ? bottom - high + 2 : bottom - 5);
  }

  function drawWindow(context, at, bottom, low, words) {
    const [from, to, first, last] = model.get("window");
    if (from === undefined) return;
    context.fillStyle = color(root, "shade");
    context.fillRect(at(from), low, at(to + 1) - at(from), bottom - low);
    context.fillRect(at(first), low, at(last + 1) - at(first), bottom - low);
    if (!words) return;
    context.font = `10px ${getComputedStyle(root).fontFamily}`;
    context.fillStyle = color(root, "muted");
    context.textAlign = "left";
    context.fillText(`what the decision on shot ${picked} sees`, Math.max(at(from), gutter()) + 5, low + 10);
  }

  function drawLane() {
    const left = gutter();
    const width = root.clientWidth;
    const high = 3 + rows().reduce((sum, row) => sum + row[3] + 5, 0) + ABOVE + STEMS + 7;
    const context = pen(lane, width, high);
    const at = (shot) => left + shot * pitch - scroller.scrollLeft;
    const from = Math.max(0, Math.floor(scroller.scrollLeft / pitch) - 1);
    const to = Math.min(count - 1, Math.ceil((scroller.scrollLeft + scroller.clientWidth) / pitch));
    const top = drawRows(context, width, left, at, from, to, GAP, 1, true) + ABOVE;
    const bottom = top + STEMS;
    context.save();
    context.beginPath();
    context.rect(left, 0, width - left, high);
    context.clip();
    drawWindow(context, at, bottom, top - ABOVE, true);
    context.fillStyle = color(root, "faint");
    context.fillRect(left, bottom, Math.min(width, at(to + 1)) - left, 1);
    const after = floats(model.get("after"));
    const marks = ends();
    const thick = clamp(pitch * 0.14, 4, 14);
    context.font = `11px ${getComputedStyle(root).fontFamily}`;
    context.textAlign = "center";
    for (let shot = from; shot <= to; shot += 1) {
      if (Number.isNaN(confidence[shot])) continue;
      const x = at(shot + 1) - GAP / 2;
      const tall = confidence[shot] * STEMS;
      context.fillStyle = color(root, marks[shot] ? "predicted" : "predicted2");
      context.beginPath();
      context.roundRect(x - thick / 2, bottom - Math.max(1, tall), thick, Math.max(1, tall), [2, 2, 0, 0]);
      context.fill();
      let peak = tall;
      const moved = after.length && Math.abs(after[shot] - confidence[shot]) >= 0.005;
      if (moved) {
        const there = after[shot] * STEMS;
        context.fillStyle = color(root, "moved");
        context.fillRect(x - thick / 2 - 3, bottom - there - 1, thick + 6, 2.5);
        context.fillRect(x + thick / 2 + 1.5, bottom - Math.max(tall, there), 1.5, Math.abs(there - tall));
        peak = Math.max(tall, there);
      } else context.fillStyle = color(root, shot === picked ? "ink" : "muted");
      if (shot === picked || moved || confidence[shot] >= 0.1)
        context.fillText((moved ? after : confidence)[shot].toFixed(2), x, bottom - peak - (moved ? 6 : 4));
    }
    drawPicked(context, at, bottom);
    context.restore();
    drawThreshold(context, left, width, bottom, STEMS, "confidence");
    lane.setAttribute("aria-label", `Scenes and confidence of shots ${from} to ${to}`);
  }

  function drawPicked(context, at, bottom) {
    context.fillStyle = color(root, "accent");
    context.fillRect(at(picked), bottom, Math.max(2, at(picked + 1) - at(picked) - GAP), 3);
  }

  function drawWhole() {
    const left = gutter();
    const width = root.clientWidth;
    const room = width - left;
    const high = 3 + rows().reduce((sum, row) => sum + row[3] * 0.7 + 5, 0) + STEMS_WHOLE + 22;
    const context = pen(whole, width, high);
    const at = (shot) => left + (shot / count) * room;
    const top = drawRows(context, width, left, at, 0, count - 1, room / count > 6 ? 1 : 0, 0.7, false) + 2;
    const bottom = top + STEMS_WHOLE;
    drawWindow(context, at, bottom, top);
    const marks = ends();
    const after = floats(model.get("after"));
    const thick = clamp((room / count) * 0.6, 0.75, 4);
    for (const wanted of [0, 1]) {
      context.fillStyle = color(root, wanted ? "predicted" : "predicted2");
      for (let shot = 0; shot < count - 1; shot += 1)
        if (marks[shot] === wanted) {
          const tall = Math.max(0.5, confidence[shot] * STEMS_WHOLE);
          context.fillRect(at(shot + 1) - thick / 2, bottom - tall, thick, tall);
        }
    }
    if (after.length) {
      context.fillStyle = color(root, "moved");
      for (let shot = 0; shot < count - 1; shot += 1)
        if (Math.abs(after[shot] - confidence[shot]) >= 0.005)
          context.fillRect(at(shot + 1) - thick / 2 - 1, bottom - after[shot] * STEMS_WHOLE - 1, thick + 2, 2);
    }
    drawThreshold(context, left, width, bottom, STEMS_WHOLE, "whole movie");
    context.fillStyle = color(root, "faint");
    context.fillRect(left, bottom, room, 1);
    drawClock(context, left, room, bottom);
    context.fillStyle = color(root, "accent");
    context.fillRect(at(picked), bottom, Math.max(3, room / count), 3);
    context.strokeStyle = color(root, "accent");
    context.lineWidth = 1.25;
    const from = at(scroller.scrollLeft / pitch);
    const to = at(Math.min(count, (scroller.scrollLeft + scroller.clientWidth) / pitch));
    context.beginPath();
    context.roundRect(from + 0.5, 0.5, Math.max(4, to - from - 1), bottom + 3, 3);
    context.stroke();
    whole.setAttribute(
      "aria-label",
      `The whole movie: ${marks.reduce((sum, mark) => sum + mark, 1)} scenes at threshold ${model.get("threshold").toFixed(2)}`,
    );
  }

  function drawClock(context, left, room, bottom) {
    context.font = `11px ${getComputedStyle(root).fontFamily}`;
    context.fillStyle = color(root, "muted");
    context.textAlign = "left";
    context.textBaseline = "top";
    const most = Math.max(1, Math.floor(room / 90));
    let step = 1;
    for (const each of [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]) {
      step = each;
      if (count <= each * most) break;
    }
    for (let shot = 0; shot < count && left + (shot / count) * room < left + room - 60; shot += step)
      context.fillText(`${shot} · ${clock(starts[shot])}`, left + (shot / count) * room, bottom + 6);
  }

  // Where there is no room beside the rows, their names stand above them.
  function drawKey() {
    key.hidden = gutter() > 0;
    if (key.hidden) return;
    key.replaceChildren();
    for (const [name, , [main]] of rows()) make("span", "", key, name).style.borderColor = color(root, main);
  }

  let drawn = 0; // the width that was drawn last
  function draw() {
    const width = root.clientWidth;
    if (!width) return;
    dress(root, model);
    scroller.style.marginLeft = `${gutter()}px`;
    // At first, and when the page is made much narrower or wider, the picked shot is seen.
    if (Math.abs(drawn - width) > 40) show(picked, true);
    drawn = width;
    status.textContent = model.get("status");
    cut();
    drawKey();
    drawLane();
    drawWhole();
  }

  const taken = () => {
    if (pending || model.get("selected") === picked) return;
    picked = model.get("selected");
    show(picked, false);
  };
  model.on("change:selected", taken);
  const traits = ["selected", "ends", "ends_after", "after", "threshold", "window", "status"];
  const stop = follow(model, root, traits, draw);
  draw();
  return () => {
    stop();
    thumbs.stop();
    clearTimeout(pending);
    model.off("change:selected", taken);
  };
}

export default { render };
