// The panels: each an example, or a map of it.

function panel([which, source]) {
  const canvas = make("canvas", { tabindex: "0", role: "img", "data-panel": which });
  const parts = {
    which,
    source,
    canvas,
    heading: make("h3", {}),
    note: make("p", { class: "quiet" }),
    readout: make("output", { class: "readout", "aria-live": "polite" }),
    bar: make("canvas", { class: "bar", "aria-hidden": "true" }),
    drawn: document.createElement("canvas"),
  };
  parts.figure = make("div", { class: "panel" }, parts.heading, parts.note, canvas, parts.bar, parts.readout);
  listen(parts);
  return parts;
}

function fit(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

function valuesOf({ which, source: { explorer, maps }, source }) {
  const place = which === "left" ? state.left : state.right;
  return { about: explorer.explanations[place], values: maps[place](exampleAt({ source })), channels: explorer.maps[place].shape.at(-1) };
}

// Which panels there are: of images also the example itself, as its map covers it.
function shownPanels() {
  const [left, right] = [[["left", own]], state.right >= 0 ? [["right", rightSource()]] : []];
  if (own.image) left.unshift(["input", own]);
  if (right.length && state.other && state.other.image) right.unshift(["input", state.other]);
  return [...left, ...right];
}

function update() {
  follow();
  for (const source of [own, rightSource()]) source.axes.view = source.axes.view || whole(source);
  const shown = shownPanels();
  if (panels.length !== shown.length || shown.some(([which, source], place) => panels[place].which !== which || panels[place].source !== source)) {
    panels = shown.map(panel);
    controls.panels.replaceChildren(...panels.map((one) => one.figure));
    controls.panels.dataset.count = String(shown.length);
  }
  const nothing = !state.order.length;
  controls.panels.hidden = nothing;
  controls.facts.replaceChildren(...(nothing ? ["No explained example is like this."] : facts(own, current())));
  describeBeside(nothing);
  if (nothing) return;
  for (const one of panels) describe(one);
  for (const one of panels) draw(one);
  point();
}

function draw(one) {
  const width = Math.max(220, one.figure.clientWidth - 2);
  if (one.source.image) drawImage(one, Math.min(width, 460));
  else drawSeries(one, width);
  one.canvas.dataset.ready = String(exampleAt(one));
}
