// What both canvases share. Texts reach the page through textContent and attributes, never as HTML.

const bytes = (view) =>
  view && view.byteLength ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array();
const floats = (view) => new Float32Array(bytes(view).slice().buffer);
const signed = (view) => new Int8Array(bytes(view).slice().buffer);

// A data address, not a blob's: it is what every front end's content policy lets through.
function jpeg(view) {
  const data = bytes(view);
  if (!data.length) return "";
  let text = "";
  for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
  return "data:image/jpeg;base64," + btoa(text);
}

function make(tag, name, parent, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const percent = (value) => (100 * value).toFixed(value < 0.0995 ? 1 : 0) + " %";
const number = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : Number(value.toPrecision(2)).toString());
const clock = (seconds) => {
  const whole = Math.floor(seconds);
  const two = (value) => String(value).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
};

// Colours of modalities come from Python; light or dark is read off the page's own ink.
function dress(root, model) {
  for (const [name, value] of Object.entries(model.get("colors"))) root.style.setProperty(`--sv-${name}`, value);
  const ink = getComputedStyle(root.parentElement || root).color.match(/[\d.]+/g) || [0, 0, 0];
  root.classList.toggle("sv-dark", 0.3 * ink[0] + 0.6 * ink[1] + 0.1 * ink[2] > 140);
}

const color = (root, name) => getComputedStyle(root).getPropertyValue(`--sv-${name}`).trim();

// A canvas fitted to its box at the screen's own resolution; gives back its pen, in CSS pixels.
function pen(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

// Thumbnails, fetched as they come into sight: one question at a time, always about what is seen now.
class Thumbs {
  constructor(model, arrived) {
    this.model = model;
    this.arrived = arrived;
    this.held = new Map();
    this.wanted = [];
    this.asked = 0;
    this.listener = (content, buffers) => this.take(content, buffers);
    model.on("msg:custom", this.listener);
  }
  put(shot, picture, caption) {
    this.held.set(shot, { picture: jpeg(picture), caption: caption || "" });
    // The oldest go first; a screen full is far less than what stays.
    while (this.held.size > 1500) this.held.delete(this.held.keys().next().value);
  }
  want(shots) {
    this.wanted = shots;
    this.ask();
  }
  ask() {
    // A question that nobody answers (no kernel, or a new one) does not keep the next ones back for ever.
    if (this.asked && performance.now() - this.asked < 5000) return;
    const missing = this.wanted.filter((shot) => !this.held.has(shot)).slice(0, 64);
    if (!missing.length) return;
    this.asked = performance.now();
    try {
      this.model.send({ kind: "thumbs", shots: missing });
    } catch {
      this.asked = 0;
    }
  }
  take(content, buffers) {
    if (!content || content.kind !== "thumbs") return;
    content.shots.forEach((shot, i) => this.put(shot, buffers[i], content.captions[i]));
    this.asked = 0;
    this.arrived(content.shots);
    this.ask();
  }
  stop() {
    this.model.off("msg:custom", this.listener);
  }
}

// Run once before the next picture is drawn, however often it was asked for.
function soon(act) {
  let waiting = 0;
  return () => {
    if (!waiting)
      waiting = requestAnimationFrame(() => {
        waiting = 0;
        act();
      });
  };
}

// Follow traits and the element's size until the view goes; gives back what lets go.
function follow(model, root, traits, draw) {
  const again = soon(draw);
  for (const trait of traits) model.on(`change:${trait}`, again);
  let width = root.clientWidth;
  const observer = new ResizeObserver(() => {
    // What is drawn sets the height itself.
    if (width !== (width = root.clientWidth)) again();
  });
  observer.observe(root);
  return () => {
    observer.disconnect();
    for (const trait of traits) model.off(`change:${trait}`, again);
  };
}
