// Images: the example in grey below its map.

function drawImage(one, width) {
  const { shape: [rows, columns], truth, axes: { view } } = one.source;
  const [x0, x1, y0, y1] = view;
  const side = Math.min(width / (x1 - x0), 460 / (y1 - y0));
  one.area = { left: 0, top: 0, width: (x1 - x0) * side, height: (y1 - y0) * side };
  const pixels = new ImageData(columns, rows);
  paint(one, pixels.data);
  const small = document.createElement("canvas");
  small.width = columns;
  small.height = rows;
  small.getContext("2d").putImageData(pixels, 0, 0);
  const context = fit(one.drawn, one.area.width, one.area.height);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, x0, y0, x1 - x0, y1 - y0, 0, 0, one.area.width, one.area.height);
  if (one.which !== "input" && truth) frame(context, one.source, side, truth(exampleAt(one)));
}

function paint(one, target) {
  const { shape, depth, inputs, measured } = one.source;
  const signal = inputs(exampleAt(one));
  const count = shape[0] * shape[1];
  const grey = new Float64Array(count);
  for (let place = 0; place < signal.length; place += 1) grey[Math.floor(place / depth)] += signal[place] / depth;
  const [low, high] = one.which === "input" && depth === 3 ? extremes(signal) : extremes(grey);
  const values = one.which === "input" ? null : valuesOf(one).values;
  const known = measured && measured(exampleAt(one));
  const rgb = values && one.scale.steps.map((text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));
  for (let pixel = 0; pixel < count; pixel += 1) {
    const share = (grey[pixel] - low) / (high - low || 1);
    const ink = depth === 1 ? share : 1 - share;
    for (let part = 0; part < 3; part += 1) {
      let level = 255 * (1 - ink);
      if (!values && depth === 3) level = (255 * (signal[pixel * 3 + part] - low)) / (high - low || 1);
      if (values) {
        const strength = Math.min(0.9, 0.25 + (0.65 * Math.abs(values[pixel])) / one.scale.top);
        const hidden = known && !known[pixel * depth];
        level = 255 * (1 - 0.55 * ink);
        if (!hidden) level += strength * (rgb[one.scale.place(values[pixel])][part] - level);
      }
      target[4 * pixel + part] = level;
    }
    target[4 * pixel + 3] = 255;
  }
}

function frame(context, { shape: [rows, columns], depth, axes: { view } }, side, planted) {
  const inside = (row, column) =>
    row >= 0 && column >= 0 && row < rows && column < columns && planted[(row * columns + column) * depth];
  context.strokeStyle = colours.truth;
  context.lineWidth = 2;
  context.beginPath();
  const line = (x0, y0, x1, y1) => {
    context.moveTo((x0 - view[0]) * side, (y0 - view[2]) * side);
    context.lineTo((x1 - view[0]) * side, (y1 - view[2]) * side);
  };
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      if (!inside(row, column)) continue;
      if (!inside(row - 1, column)) line(column, row, column + 1, row);
      if (!inside(row + 1, column)) line(column, row + 1, column + 1, row + 1);
      if (!inside(row, column - 1)) line(column, row, column, row + 1);
      if (!inside(row, column + 1)) line(column + 1, row, column + 1, row + 1);
    }
  }
  context.stroke();
}
