// The axes of series.

function niceTicks(low, high, most) {
  const raw = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => power * factor >= raw);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + 1e-9 * step; tick += step) ticks.push(tick);
  return [ticks, Math.max(0, -Math.floor(Math.log10(step) + 1e-9))];
}

function axes(context, one, at, signal) {
  const { left, top, width, height } = one.area;
  const { data, depth, block, axes: { view } } = one.source;
  context.strokeStyle = colours.quiet;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(left + 0.5, top);
  context.lineTo(left + 0.5, top + height + 4.5);
  context.lineTo(left + width, top + height + 4.5);
  context.stroke();
  context.fillStyle = colours.ink;
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  const unit = (block / (data.rate || 1));
  const [ticks, digits] = niceTicks(view[0] * unit, view[1] * unit, Math.max(2, width / 80));
  for (const tick of ticks) {
    const x = at.x(tick / unit);
    context.fillRect(x, top + height + 4, 1, 4);
    context.fillText(tick.toFixed(digits).replace(/^-0(\.0*)?$/, "0").replace("-", "−"), x, top + height + 20);
  }
  context.fillText(data.rate ? "time (s)" : "sample", left + width / 2, top + height + 35);
  context.textAlign = "right";
  if (depth === 1) {
    const { y, low, high } = yOf(one, at, signal, 0);
    const [levels, places] = niceTicks(low, high === low ? low + 1 : high, 4);
    for (const level of levels) {
      if (level <= high) context.fillText(level.toFixed(places).replace("-", "−"), left - 6, y(level) + 4);
    }
    return;
  }
  const step = Math.ceil(14 / at.lane);
  for (let channel = 0; channel < depth; channel += step) {
    context.fillText(data.channels[channel], left - 6, at.top + at.lane * (channel + 0.5) + 4, left - 8);
  }
}
