// Series: a trace for each channel, or rows of colour where there are many.

function place(one) {
  const { left, top, width, height } = one.area;
  const [first, last] = one.source.axes.view;
  return {
    x: (sample) => left + ((sample - first) / (last - first)) * width,
    sample: (x) => first + ((x - left) / width) * (last - first),
    lane: height / one.lanes,
    top,
  };
}

function drawSeries(one, width) {
  const { depth, inputs, measured, truth } = one.source;
  const { values, channels } = valuesOf(one);
  const rows = depth > LANES;
  const narrow = width < 420;
  one.lanes = depth;
  const height = depth === 1 ? 230 : Math.max(260, Math.min(rows ? 560 : 64 * depth, rows ? 14 * depth : 900));
  const context = fit(one.drawn, width, height + 50);
  one.area = { left: depth === 1 ? 46 : narrow ? 58 : 84, top: 8, height };
  one.area.width = width - one.area.left - 10;
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height + 50);
  const at = place(one);
  const signal = inputs(exampleAt(one));
  const known = measured && measured(exampleAt(one));
  const planted = truth && truth(exampleAt(one));
  context.save();
  context.beginPath();
  context.rect(one.area.left, 0, one.area.width, height + 12);
  context.clip();
  if (known) shade(context, one, at, known);
  for (let channel = 0; channel < depth; channel += 1) {
    const lane = { context, one, at, signal, values, channels, channel, known, planted };
    if (rows) drawRow(lane);
    else drawTrace(lane);
  }
  context.restore();
  axes(context, one, at, signal);
}

function yOf(one, at, signal, channel) {
  const { source } = one;
  const { depth, truth } = source;
  if (source.rangesOf !== signal) [source.rangesOf, source.lanes] = [signal, ranges(signal, depth)];
  const [low, high] = source.lanes[channel];
  const spread = depth === 1 ? high - low || 1 : source.spreads[channel];
  const middle = (low + high) / 2;
  const reach = at.lane * (truth ? 0.78 : 0.86);
  const centre = at.top + at.lane * (channel + (truth ? 0.45 : 0.5));
  return { y: (value) => centre - ((value - middle) / spread) * reach, low, high, bottom: at.top + at.lane * (channel + 1) };
}

// A trace that takes the colour of its attribution, weak parts first. Where several samples share a column of pixels,
// the column shows their range and their strongest attribution.
function drawTrace({ context, one, at, signal, values, channels, channel, known, planted }) {
  const { shape, depth, axes: { view } } = one.source;
  const [first, last] = [Math.max(0, Math.floor(view[0])), Math.min(shape[0] - 1, Math.ceil(view[1]))];
  const { y, bottom } = yOf(one, at, signal, channel);
  const value = (sample) => values[sample * channels + (channels > 1 ? channel : 0)];
  const stride = Math.max(1, Math.floor(((last - first + 1) / one.area.width) * 1));
  const paths = new Map();
  let before = null;
  for (let start = first; start <= last; start += stride) {
    let [low, high, strong, sum, count] = [Infinity, -Infinity, 0, 0, 0];
    for (let sample = start; sample < Math.min(start + stride, last + 1); sample += 1) {
      if (known && !known[sample * depth + channel]) continue;
      const height = signal[sample * depth + channel];
      low = Math.min(low, height);
      high = Math.max(high, height);
      if (Math.abs(value(sample)) >= Math.abs(strong)) strong = value(sample);
      sum += height;
      count += 1;
    }
    if (!count) {
      before = null;
      continue;
    }
    const here = { x: at.x(start + (stride - 1) / 2), y: y(sum / count), colour: one.scale.place(strong) };
    const path = paths.get(here.colour) || new Path2D();
    paths.set(here.colour, path);
    if (before) {
      const middle = [(before.x + here.x) / 2, (before.y + here.y) / 2];
      paths.get(before.colour).moveTo(before.x, before.y);
      paths.get(before.colour).lineTo(...middle);
      path.moveTo(...middle);
      path.lineTo(here.x, here.y);
    } else {
      path.moveTo(here.x - 0.5, here.y);
      path.lineTo(here.x + 0.5, here.y);
    }
    if (stride > 1) {
      path.moveTo(here.x, y(low));
      path.lineTo(here.x, y(high));
    }
    before = here;
  }
  context.lineCap = "round";
  context.lineWidth = depth === 1 ? 3.2 : 2.4;
  const strength = (colour) => (one.scale.signed ? Math.abs(colour - 127.5) : colour);
  for (const colour of [...paths.keys()].sort((a, b) => strength(a) - strength(b))) {
    context.strokeStyle = one.scale.steps[colour];
    context.stroke(paths.get(colour));
  }
  if (planted) {
    context.fillStyle = colours.truth;
    for (let sample = first; sample <= last; sample += 1) {
      if (!planted[sample * depth + channel]) continue;
      context.fillRect(at.x(sample - 0.5), bottom - 5, at.x(sample + 0.5) - at.x(sample - 0.5) + 0.5, 4);
    }
  }
}

function drawRow({ context, one, at, values, channels, channel, known }) {
  const { shape, depth, axes: { view } } = one.source;
  const [first, last] = [Math.max(0, Math.floor(view[0])), Math.min(shape[0] - 1, Math.ceil(view[1]))];
  const stride = Math.max(1, Math.floor((last - first + 1) / one.area.width));
  for (let start = first; start <= last; start += stride) {
    let strong = null;
    for (let sample = start; sample < Math.min(start + stride, last + 1); sample += 1) {
      if (known && !known[sample * depth + channel]) continue;
      const value = values[sample * channels + (channels > 1 ? channel : 0)];
      if (strong === null || Math.abs(value) > Math.abs(strong)) strong = value;
    }
    if (strong === null) continue;
    context.fillStyle = one.scale.steps[one.scale.place(strong)];
    const x = at.x(start - 0.5);
    context.fillRect(x, at.top + at.lane * channel, at.x(start + stride - 0.5) - x + 0.5, at.lane + 0.5);
  }
}

function shade(context, one, at, known) {
  const { shape, depth } = one.source;
  context.fillStyle = colours.unmeasured;
  for (let channel = 0; channel < depth; channel += 1) {
    for (let sample = 0; sample < shape[0]; sample += 1) {
      if (known[sample * depth + channel]) continue;
      const x = at.x(sample - 0.5);
      context.fillRect(x, at.top + at.lane * channel, at.x(sample + 0.5) - x + 0.5, at.lane);
    }
  }
}
