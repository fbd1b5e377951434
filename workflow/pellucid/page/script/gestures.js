// Mouse and keyboard in a panel.

function listen(one) {
  let drag = null;
  const spot = (event) => {
    const box = one.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  one.canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0) {
      drag = { panel: one, from: spot(event), to: spot(event) };
      one.canvas.setPointerCapture(event.pointerId);
    } else one.source.axes.cursor = cursorAt(one, ...spot(event));
    point();
  });
  one.canvas.addEventListener("pointermove", (event) => {
    one.source.axes.cursor = cursorAt(one, ...spot(event));
    if (drag) drag.to = spot(event);
    point(drag && Math.abs(drag.to[0] - drag.from[0]) > 5 ? drag : null);
  });
  one.canvas.addEventListener("pointerup", () => {
    const done = drag;
    drag = null;
    if (done && Math.abs(done.to[0] - done.from[0]) > 5) zoomTo(one, done);
  });
  one.canvas.addEventListener("pointerleave", () => {
    if (document.activeElement !== one.canvas) one.source.axes.cursor = null;
    point();
  });
  one.canvas.addEventListener("dblclick", () => zoom(0, [one.source]));
  one.canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1 / WHEEL : WHEEL, [one.source], cursorAt(one, ...spot(event)));
  }, { passive: false });
  one.canvas.addEventListener("keydown", (event) => keys(one.source, event));
}

function keys(source, event) {
  const { image, shape, depth, axes: shown } = source;
  const step = event.shiftKey ? 10 : 1;
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (moves[event.key]) {
    const [along, across] = moves[event.key];
    const clip = (value, most) => Math.min(most - 1, Math.max(0, value));
    if (image) {
      const { row, column } = shown.cursor || { row: -across, column: -along };
      shown.cursor = { row: clip(row + across, shape[0]), column: clip(column + along, shape[1]) };
    } else {
      const start = Math.max(0, Math.ceil(shown.view[0]));
      const { sample, channel } = shown.cursor || { sample: start - along, channel: 0 };
      shown.cursor = { sample: clip(sample + along, shape[0]), channel: clip(channel + across, depth) };
    }
    point();
  } else if (event.key === "+" || event.key === "=") zoom(1 / WHEEL, [source]);
  else if (event.key === "-") zoom(WHEEL, [source]);
  else if (event.key === "0") zoom(0, [source]);
  else if (event.key === "Escape") {
    shown.cursor = null;
    point();
  } else return;
  event.preventDefault();
}
