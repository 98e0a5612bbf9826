// The picked shot: its frames under the decision's attention, its texts, its decision, and where that looked.

const LOOKS = ["shot_id", "visual", "subtitle", "character", "answer"];
// Attention over a frame, dark to bright, as matplotlib's inferno has it.
const HEAT = [[0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164]];
// A map of layers and heads, as matplotlib's cividis has it.
const GRID = [[0, 34, 78], [53, 69, 108], [102, 105, 112], [148, 142, 119], [200, 184, 102], [254, 232, 56]];
const UNITS = { mass: "share of attention", token: "attention on a token", lift: "attention over uniform" };

function shade(ramp, value) {
  const place = clamp(value, 0, 1) * (ramp.length - 1);
  const low = Math.min(Math.floor(place), ramp.length - 2);
  return ramp[low].map((each, i) => Math.round(each + (ramp[low + 1][i] - each) * (place - low)));
}

// The heat of one frame as a small canvas, a pixel a token; the page smooths it as it stretches it.
function heatmap(values, high, wide) {
  const canvas = make("canvas", "sv-heat");
  canvas.width = wide;
  canvas.height = high;
  const context = canvas.getContext("2d");
  const image = context.createImageData(wide, high);
  for (let i = 0; i < values.length; i += 1) {
    const heat = values[i] / 255;
    // The ramp's darkest colours would hide what little was looked at.
    image.data.set([...shade(HEAT, 0.3 + 0.7 * heat), Math.round(255 * 0.8 * heat ** 0.75)], 4 * i);
  }
  context.putImageData(image, 0, 0);
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

function render({ model, el }) {
  const root = make("section", "sv sv-shot", el);
  root.setAttribute("aria-label", "The picked shot");
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  const status = make("p", "sv-status", root);
  status.setAttribute("role", "status");
  const tried = make("div", "sv-card sv-tried", root);
  tried.setAttribute("aria-live", "polite");
  const top = make("div", "sv-top", root);
  const frames = make("div", "sv-frames", top);
  const told = make("div", "sv-told", top);
  const cards = make("div", "sv-cards", top);
  const long = make("div", "sv-long", root);
  const thumbs = new Thumbs(model, () => drawWindow());
  const names = model.get("names");
  let bars = null;

  const pick = (shot) => {
    model.set("selected", shot);
    model.save_changes();
  };
  const label = (name) => names[name] || name;

  function heatOf(shot) {
    const facts = model.get("heat");
    const place = facts.shots ? facts.shots.indexOf(shot) : -1;
    if (place < 0 || !model.get("show_heat")) return null;
    const [count, high, wide] = facts.shape;
    const all = bytes(model.get("heat_bytes"));
    const of = (frame) => {
      const start = (place * count + frame) * high * wide;
      return all.subarray(start, start + high * wide);
    };
    return { count, high, wide, of, share: facts.by_shot[place] };
  }

  function drawFrames() {
    const facts = model.get("facts");
    const pictures = model.get("pictures");
    const heat = heatOf(facts.shot);
    frames.replaceChildren();
    frames.hidden = !pictures.length;
    pictures.forEach((data, i) => {
      const figure = make("figure", "sv-frame", frames);
      // A frame that was hardly looked at stays as it is.
      const seen = heat && i < heat.count && heat.of(i).some((value) => value > 50);
      const image = make("img", seen ? "sv-dimmed" : "", figure);
      image.src = jpeg(data);
      image.alt = `frame ${i + 1} of shot ${facts.shot}`;
      if (seen) figure.append(heatmap(heat.of(i), heat.high, heat.wide));
    });
  }

  function drawTold() {
    const facts = model.get("facts");
    told.replaceChildren();
    if (facts.shot === undefined) return;
    const title = make("h3", "", told, `Shot ${facts.shot}`);
    title.setAttribute("aria-live", "polite");
    make("p", "sv-muted", told, `${facts.start} to ${facts.end} · ${facts.length}`);
    const [scene, scenes, first, last] = facts.scene;
    make("p", "sv-muted", told, `scene ${scene} of ${scenes} · shots ${first} to ${last}`);
    drawDecision(facts);
    if (facts.subtitle) make("blockquote", "sv-said", told, facts.subtitle);
    else make("p", "sv-said sv-muted", told, "no words");
    const cast = make("ul", "sv-cast", told);
    for (const name of facts.names) make("li", "", cast, name);
    cast.hidden = !facts.names.length;
  }

  function drawDecision(facts) {
    const box = make("div", "sv-decision", told);
    if (facts.confidence === null) {
      make("p", "", box, "The last shot: nothing is decided here.");
      return;
    }
    const line = make("p", "sv-verdict", box);
    make("strong", facts.ends ? "sv-ends" : "", line, facts.ends ? "A scene ends here" : "The scene goes on");
    make("span", "", line, ` confidence ${facts.confidence.toFixed(3)}`);
    const meter = make("div", "sv-meter", box);
    meter.setAttribute("role", "img");
    meter.setAttribute("aria-label", `confidence ${facts.confidence.toFixed(3)}, threshold ${facts.threshold.toFixed(2)}`);
    const fill = make("div", facts.ends ? "sv-fill sv-ends" : "sv-fill", meter);
    fill.style.width = `${100 * facts.confidence}%`;
    make("div", "sv-tick", meter).style.left = `${100 * facts.threshold}%`;
    if (facts.after !== null && Math.abs(facts.after - facts.confidence) >= 0.0005) {
      make("div", "sv-after", meter).style.left = `${100 * facts.after}%`;
      make("p", "sv-moved", box, `what if: ${facts.after.toFixed(3)}`);
    }
    const words = [`answered ${facts.answer}`, `decision ${facts.place} of ${facts.focus} in its window`];
    words.push(`which shows shots ${facts.context[0]} to ${facts.context[1]}`);
    if (facts.label) words.push(`labelled: ${facts.label}`);
    make("p", "sv-muted", box, words.join(" · "));
  }

  function drawTried() {
    const changes = model.get("changes");
    tried.replaceChildren();
    tried.hidden = !changes.tried || !changes.tried.length;
    if (tried.hidden) return;
    make("h4", "", tried, "What if");
    const list = make("ul", "sv-changes", tried);
    for (const words of changes.tried) make("li", "", list, words);
    make("p", "sv-summary", tried, changes.summary);
    const rows = make("div", "sv-moves", tried);
    for (const row of changes.rows) {
      const move = make("button", `sv-move${row.crossed ? " sv-crossed" : ""}`, rows);
      move.type = "button";
      move.dataset.shot = row.shot;
      make("span", "sv-where", move, `shot ${row.shot}`);
      const meter = make("span", "sv-meter", move);
      make("span", "sv-fill", meter).style.width = `${100 * row.before}%`;
      make("span", "sv-tick", meter).style.left = `${100 * model.get("facts").threshold}%`;
      make("span", "sv-after", meter).style.left = `${100 * row.after}%`;
      make("span", "sv-numbers", move, `${row.before.toFixed(2)} → ${row.after.toFixed(2)}`);
      move.addEventListener("click", () => pick(row.shot));
    }
  }

  function card(parent, title, note, name) {
    const box = make("div", `sv-card ${name}`, parent);
    make("h4", "", box, title);
    if (note) make("p", "sv-muted", box, note);
    return box;
  }

  function drawLook() {
    const look = model.get("look");
    cards.replaceChildren();
    long.replaceChildren();
    bars = null;
    cards.hidden = long.hidden = !look.modalities;
    if (cards.hidden) return;
    drawModalities(look);
    drawGrid(look);
    const facts = model.get("heat");
    const heat = facts.total === undefined ? "" : `; over the frames, which hold ${percent(facts.total)} with their sinks: the brighter, the more`;
    const note = `${UNITS[look.per]}, without the decision's own line${heat}`;
    bars = { box: card(long, "Attention by shot", note, "sv-by-shot"), look };
    bars.chart = make("canvas", "sv-chart", bars.box);
    bars.chart.setAttribute("role", "img");
    bars.strip = make("div", "sv-strip", bars.box);
    drawWindow();
  }

  function drawModalities(look) {
    const box = card(cards, "Attention by modality", UNITS[look.per], "sv-by-modality");
    const most = Math.max(...look.modalities.map((each) => each.value), 1e-12);
    for (const each of look.modalities) {
      const row = make("div", "sv-bar", box);
      make("span", "sv-name", row, label(each.name));
      const track = make("span", "sv-track", row);
      const fill = make("span", "sv-fill", track);
      fill.style.width = `${(100 * each.value) / most}%`;
      fill.style.background = `var(--sv-${each.name})`;
      make("span", "sv-value", row, look.per === "mass" ? percent(each.value) : number(each.value));
      row.title = `${each.tokens} tokens`;
    }
  }

  // Bars and frames of the window's shots, one above the other; the frames under the attention they got.
  function drawWindow() {
    if (!bars || !bars.box.clientWidth) return;
    const shots = bars.look.shots;
    const room = bars.box.clientWidth - 24;
    const step = room / shots.length;
    drawChart(shots, room, step);
    bars.strip.replaceChildren();
    const aspect = model.get("aspect");
    shots.forEach(({ shot }) => {
      const one = make("button", "sv-mini", bars.strip);
      one.type = "button";
      one.dataset.shot = shot;
      one.style.width = `${step - 2}px`;
      one.setAttribute("aria-label", `pick shot ${shot}`);
      if (shot === model.get("facts").shot) one.classList.add("sv-here");
      one.addEventListener("click", () => pick(shot));
      const held = thumbs.held.get(shot);
      if (aspect) {
        const box = make("span", "sv-small", one);
        box.style.height = `${(step - 2) / aspect}px`;
        const heat = heatOf(shot);
        if (held && held.picture) Object.assign(make("img", heat ? "sv-dimmed" : "", box), { src: held.picture, alt: "" });
        if (heat) {
          const mean = new Float32Array(heat.high * heat.wide);
          for (let frame = 0; frame < heat.count; frame += 1) heat.of(frame).forEach((value, i) => (mean[i] += value / heat.count));
          box.append(heatmap(mean, heat.high, heat.wide));
          one.title = `shot ${shot}: its frames got ${percent(heat.share)}`;
        }
      }
      make("span", "sv-number", one, step > 22 || shot === model.get("facts").shot || shot % 5 === 0 ? String(shot) : "");
    });
    if (aspect) thumbs.want(shots.map((each) => each.shot));
  }

  function drawChart(shots, room, step) {
    const high = 110;
    const context = pen(bars.chart, room, high + 4);
    const ink = getComputedStyle(root);
    const stacked = bars.look.per === "mass";
    const total = (parts) => LOOKS.reduce((sum, name) => sum + (parts[name] || 0), 0);
    const most = Math.max(...shots.map(({ parts }) => (stacked ? total(parts) : Math.max(...LOOKS.map((name) => parts[name] || 0)))), 1e-12);
    const scale = (high - 14) / most;
    context.fillStyle = color(root, "faint");
    context.fillRect(0, high, room, 1);
    shots.forEach(({ shot, parts }, i) => {
      let y = high;
      for (const name of LOOKS) {
        const tall = (parts[name] || 0) * scale;
        if (!(name in parts)) continue;
        context.fillStyle = color(root, name);
        if (stacked) context.fillRect(i * step + 1, (y -= tall), step - 4, tall);
        else context.fillRect(i * step + 1, high - tall - 1.5, step - 4, 3);
      }
    });
    context.font = `11px ${ink.fontFamily}`;
    context.fillStyle = color(root, "muted");
    context.fillText(`${stacked ? percent(most) : number(most)}`, 2, 10);
    if (bars.look.per === "lift" && most > 1) {
      context.fillRect(0, high - scale, room, 1);
      context.fillText("uniform", room - 42, high - scale - 3);
    }
    const largest = shots.reduce((best, each) => (total(each.parts) > total(best.parts) ? each : best), shots[0]);
    bars.chart.setAttribute("aria-label", `${UNITS[bars.look.per]} by shot of the window; most on shot ${largest.shot}`);
  }

  function drawGrid(look) {
    const { layers, heads, values } = look.grid;
    const box = card(cards, "Layers and heads", `${label(look.part)}: ${UNITS[look.per]}`, "sv-by-head");
    if (!values.length) {
      make("p", "sv-muted", box, `no ${label(look.part)} in this window`);
      return;
    }
    const most = Math.max(...values.flat(), 1e-12);
    const grid = make("div", "sv-grid", box);
    grid.style.gridTemplateColumns = `auto repeat(${heads.length}, minmax(3px, 1fr))`;
    grid.setAttribute("role", "img");
    const at = values.flat().indexOf(Math.max(...values.flat()));
    const top = [layers[Math.floor(at / heads.length)], heads[at % heads.length]];
    grid.setAttribute("aria-label", `layers by heads; most in layer ${top[0]}, head ${top[1]}`);
    values.forEach((row, y) => {
      const every = Math.ceil(layers.length / 14);
      make("span", "sv-axis", grid, y % every ? "" : String(layers[y]));
      row.forEach((value, x) => {
        const cell = make("span", "sv-cellule", grid);
        cell.style.background = `rgb(${shade(GRID, value / most).join(",")})`;
        cell.style.height = `${clamp(150 / layers.length, 4, 20)}px`;
        cell.title = `layer ${layers[y]}, head ${heads[x]}: ${number(value)}`;
      });
    });
    make("span", "", grid);
    const every = Math.ceil(heads.length / 10);
    heads.forEach((head, x) => make("span", "sv-axis", grid, x % every ? "" : String(head)));
    const scale = make("p", "sv-scale", box);
    make("span", "", scale, "0");
    const ramp = make("span", "sv-ramp", scale);
    ramp.style.background = `linear-gradient(90deg, ${GRID.map((each) => `rgb(${each.join(",")})`).join(",")})`;
    make("span", "", scale, look.per === "mass" ? percent(most) : number(most));
  }

  function draw() {
    // Drawn anew, a button that was reached by the keyboard is still the one that is reached.
    const held = root.contains(document.activeElement) ? document.activeElement : null;
    const box = held && held.parentElement ? held.parentElement.className : "";
    dress(root, model);
    status.textContent = model.get("status");
    status.hidden = !model.get("status");
    drawTried();
    drawFrames();
    drawTold();
    drawLook();
    if (!held || held.isConnected || !held.dataset.shot) return;
    const again = [...root.querySelectorAll("button")].find(
      (button) => button.dataset.shot === held.dataset.shot && button.parentElement.className === box,
    );
    if (again) again.focus({ preventScroll: true });
  }

  const traits = ["facts", "pictures", "look", "heat", "heat_bytes", "show_heat", "changes", "status"];
  const stop = follow(model, root, traits, draw);
  draw();
  return () => {
    stop();
    thumbs.stop();
  };
}

export default { render };
