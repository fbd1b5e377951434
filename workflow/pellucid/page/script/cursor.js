// The cursor, and the values that it points at.

function point(dragged) {
  for (const one of panels) {
    if (!one.area) continue;
    const ratio = window.devicePixelRatio || 1;
    const context = fit(one.canvas, one.drawn.width / ratio, one.drawn.height / ratio);
    context.drawImage(one.drawn, 0, 0, one.drawn.width / ratio, one.drawn.height / ratio);
    const { cursor } = one.source.axes;
    one.readout.textContent = cursor ? readout(one, cursor) : "";
    if (dragged && dragged.panel === one) selection(context, one, dragged);
    if (cursor) mark(context, one, cursor);
  }
}

function mark(context, one, cursor) {
  const { image, depth, inputs, axes: { view } } = one.source;
  const { left, top, width, height } = one.area;
  context.strokeStyle = colours.ink;
  context.lineWidth = 1;
  if (image) {
    const [x0, x1, y0] = view;
    const side = width / (x1 - x0);
    context.lineWidth = 2;
    context.strokeRect((cursor.column - x0) * side, (cursor.row - y0) * side, side, side);
    return;
  }
  const at = place(one);
  const x = at.x(cursor.sample);
  if (x < left || x > left + width) return;
  context.beginPath();
  context.moveTo(x, top);
  context.lineTo(x, top + height + 4);
  context.stroke();
  const lane = at.top + at.lane * cursor.channel;
  if (depth > LANES) context.strokeRect(x - 3, lane, 6, at.lane);
  else {
    const signal = inputs(exampleAt(one));
    const { y } = yOf(one, at, signal, cursor.channel);
    context.beginPath();
    context.arc(x, y(signal[cursor.sample * depth + cursor.channel]), 4.5, 0, 2 * Math.PI);
    context.stroke();
  }
}

function readout(one, cursor) {
  const { image, shape, depth, block, data, explorer, inputs, measured } = one.source;
  const signal = inputs(exampleAt(one));
  const known = measured && measured(exampleAt(one));
  let position;
  let values;
  let spot;
  if (image) {
    const pixel = cursor.row * shape[1] + cursor.column;
    const name = block > 1 ? `mean of ${block} × ${block} pixels from row` : "row";
    position = `${name} ${cursor.row * block}, column ${cursor.column * block}`;
    values = data.channels.slice(0, 4).map((name, channel) => `${name} ${number(signal[pixel * depth + channel])}`);
    spot = { place: pixel, known: pixel * depth };
  } else {
    const sample = cursor.sample * block;
    const label = block > 1 ? `mean of ${block} samples from ${sample}` : `sample ${sample}`;
    position = data.rate ? `${number(sample / data.rate)} s (${label})` : label;
    const own = cursor.sample * depth + cursor.channel;
    values = [`${data.channels[cursor.channel]} ${number(signal[own])}`];
    spot = { sample: cursor.sample, known: own };
  }
  if (known && !known[spot.known]) values = ["nothing was measured here"];
  else if (one.which !== "input") {
    const { values: map, channels } = valuesOf(one);
    const index = image ? spot.place : spot.sample * channels + (channels > 1 ? cursor.channel : 0);
    values.push(`attribution ${number(map[index])}${explorer.dtype === "float32" ? "" : " (rounded)"}`);
  }
  return [position, ...values].join(" · ");
}

function cursorAt(one, x, y) {
  const { image, shape, depth, axes: { view } } = one.source;
  const clip = (value, most) => Math.min(most - 1, Math.max(0, value));
  if (image) {
    const [x0, x1, y0, y1] = view;
    const column = Math.floor(x0 + (x / one.area.width) * (x1 - x0));
    const row = Math.floor(y0 + (y / one.area.height) * (y1 - y0));
    return { row: clip(row, shape[0]), column: clip(column, shape[1]) };
  }
  const at = place(one);
  return {
    sample: clip(Math.round(at.sample(x)), shape[0]),
    channel: clip(Math.floor((y - at.top) / at.lane), depth),
  };
}

function selection(context, one, { from, to }) {
  context.fillStyle = "rgba(0, 114, 178, 0.18)";
  const [x, width] = [Math.min(from[0], to[0]), Math.abs(from[0] - to[0])];
  if (one.source.image) context.fillRect(x, Math.min(from[1], to[1]), width, Math.abs(from[1] - to[1]));
  else context.fillRect(x, one.area.top, width, one.area.height);
}
