// The panels: each an example, or a map of it.

function panel(which) {
  const canvas = make("canvas", { tabindex: "0", role: "img", "data-panel": which });
  const parts = {
    which,
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

function valuesOf(which) {
  const place = which === "left" ? state.left : state.right;
  return { about: explorer.explanations[place], values: maps[place](current()), channels: explorer.maps[place].shape.at(-1) };
}

function update() {
  state.view = state.view || whole();
  const shown = ["left", ...(state.right >= 0 ? ["right"] : [])];
  if (image) shown.unshift("input");
  if (panels.map((one) => one.which).join() !== shown.join()) {
    panels = shown.map(panel);
    controls.panels.replaceChildren(...panels.map((one) => one.figure));
    controls.panels.dataset.count = String(shown.length);
  }
  const nothing = !state.order.length;
  controls.panels.hidden = nothing;
  controls.facts.replaceChildren(...(nothing ? ["No explained example is like this."] : facts()));
  if (nothing) return;
  for (const one of panels) describe(one);
  for (const one of panels) draw(one);
  point();
}

function draw(one) {
  const width = Math.max(220, one.figure.clientWidth - 2);
  if (image) drawImage(one, Math.min(width, 460));
  else drawSeries(one, width);
  one.canvas.dataset.ready = String(current());
}
