// The page of an experiment: an explorer of its explanations, and its tables. All texts enter as text, never as HTML.
"use strict";
(() => {
  const content = JSON.parse(document.getElementById("content").textContent);
  const { data, colours, explorer, ranking } = content;
  const image = data.kind === "image";
  const LANES = 24; // channels with a trace of their own; more become rows of colour
  const WHEEL = 1.25;

  // ---------------------------------------------------------------- texts and elements

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  function say(text) {
    document.getElementById("status").textContent = text;
  }

  function number(value, digits = 4) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    const size = Math.abs(value);
    let text;
    if (value === 0) text = "0";
    else if (size >= 1e6 || size < 1e-4) text = value.toExponential(digits - 1);
    else text = String(Number(value.toPrecision(digits)));
    return text.replace("-", "−");
  }

  function percent(p) {
    if (p > 0.9995) return "> 99.9%";
    if (p < 0.0005) return "< 0.1%";
    return `${(100 * p).toFixed(1)}%`;
  }

  function download(name, text, type) {
    const address = URL.createObjectURL(new Blob([text], { type }));
    const link = make("a", { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  async function copy(text, what) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Pages in a frame, and some browsers for files, have no clipboard.
      const area = make("textarea", { "aria-hidden": "true" });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say(`${what} copied.`);
  }

  // ---------------------------------------------------------------- arrays

  function bytesOf(text) {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let place = 0; place < binary.length; place += 1) bytes[place] = binary.charCodeAt(place);
    return bytes;
  }

  // Returns a function that gives the values of one example; nothing is decoded before it is shown, and the example that
  // was asked for last is kept.
  function reader(block) {
    if (!block) return null;
    const size = block.shape.slice(1).reduce((product, length) => product * length, 1);
    const kinds = { float32: Float32Array, int16: Int16Array, int8: Int8Array, bits: Uint8Array };
    let numbers = null;
    let last = -1;
    let values = null;
    return (example) => {
      if (example === last) return values;
      numbers = numbers || new kinds[block.dtype](bytesOf(block.data).buffer);
      last = example;
      const first = example * size;
      if (block.dtype === "bits") {
        values = new Uint8Array(size);
        for (let place = 0; place < size; place += 1) {
          const bit = first + place;
          values[place] = (numbers[bit >> 3] >> (7 - (bit & 7))) & 1;
        }
      } else {
        values = new Float64Array(size);
        const [offset, scale] = [block.offset[example], block.scale[example]];
        for (let place = 0; place < size; place += 1) values[place] = offset + scale * numbers[first + place];
      }
      return values;
    };
  }

  // The lowest and the highest value of every channel of one example.
  function ranges(values) {
    const found = Array.from({ length: depth }, () => [Infinity, -Infinity]);
    for (let place = 0, channel = 0; place < values.length; place += 1) {
      const range = found[channel];
      if (values[place] < range[0]) range[0] = values[place];
      if (values[place] > range[1]) range[1] = values[place];
      channel = channel + 1 === depth ? 0 : channel + 1;
    }
    return found;
  }

  function extremes(values) {
    let low = Infinity;
    let high = -Infinity;
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return low <= high ? [low, high] : [0, 0];
  }

  function percentile(sorted, share) {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
  }

  // The colour scale of one map: up to the 99.5th percentile, so that one spike does not pale all the rest.
  function scaleOf(values, signed) {
    const sizes = new Float64Array(values.length);
    for (let place = 0; place < values.length; place += 1) sizes[place] = Math.abs(values[place]);
    sizes.sort();
    const [low, high] = extremes(values);
    const largest = sizes.length ? sizes[sizes.length - 1] : 0;
    const top = (sizes.length && percentile(sizes, 0.995)) || largest || 1;
    const steps = signed ? colours.diverging : colours.sequential;
    const place = (value) => {
      const share = signed ? (value + top) / (2 * top) : value / top;
      return Math.min(255, Math.max(0, Math.floor(share * 256)));
    };
    return { top, low, high, largest, signed, steps, place };
  }

  // ---------------------------------------------------------------- the explorer's state

  const state = { order: [], at: 0, left: 0, right: -1, sort: "order", which: "all", class: "all", view: null, cursor: null };
  const inputs = explorer && reader(explorer.inputs);
  const truth = explorer && reader(explorer.truth);
  const measured = explorer && reader(explorer.measured);
  const similar = explorer && reader(explorer.similar);
  const maps = explorer ? explorer.maps.map(reader) : [];
  const shape = explorer ? explorer.inputs.shape.slice(1) : [];
  const depth = shape[shape.length - 1];
  const spreads = [];
  let rangesOf = null; // the example whose ranges are `lanes`
  let lanes = null;
  const controls = {};
  let panels = [];

  const current = () => state.order[state.at];
  const block = explorer ? explorer.block : 1;

  function whole() {
    return image ? [0, shape[1], 0, shape[0]] : [-0.5, shape[0] - 0.5];
  }

  function wrong(example) {
    return example.label !== null && example.label !== example.predicted;
  }

  function pairDisagreement(example) {
    const count = explorer.explanations.length;
    return 1 - similar(example)[state.left * count + state.right];
  }

  const SORTS = {
    order: ["in the order of the results", () => 0],
    unsure: ["least confident first", (example) => example.p],
    sure: ["most confident first", (example) => -example.p],
    error: ["most wrong first (least p of the true class)", (example) => example.p_true],
    disagree: ["methods disagree most first", (example) => -example.disagreement],
    agree: ["methods agree most first", (example) => example.disagreement],
    pair: ["left and right disagree most first", (_, place) => (state.right < 0 ? 0 : -pairDisagreement(place))],
  };

  function reorder(keep) {
    const kept = current();
    const places = explorer.examples.map((_, place) => place).filter((place) => {
      const example = explorer.examples[place];
      if (state.which === "wrong" && !wrong(example)) return false;
      if (state.which === "right" && (wrong(example) || example.label === null)) return false;
      return state.class === "all" || String(example.label ?? example.predicted) === state.class;
    });
    const key = SORTS[state.sort][1];
    const keys = new Map(places.map((place) => [place, key(explorer.examples[place], place)]));
    places.sort((one, other) => keys.get(one) - keys.get(other) || one - other);
    state.order = places;
    state.at = keep ? Math.max(0, places.indexOf(kept)) : 0;
    controls.example.replaceChildren(
      ...places.map((place, position) => make("option", { value: position }, exampleName(place))),
    );
    if (places.length) controls.example.value = String(state.at);
  }

  function exampleName(place) {
    const example = explorer.examples[place];
    const predicted = data.classes[example.predicted];
    const label = example.label === null ? "no label" : data.classes[example.label];
    const told = wrong(example) ? `${label}, taken for ${predicted}` : label;
    return `${example.index}: ${told} (${percent(example.p)})`;
  }

  // ---------------------------------------------------------------- panels

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

  function facts() {
    const example = explorer.examples[current()];
    const names = example.best.map(([name, p]) => `${data.classes[name]}: ${percent(p)}`);
    const judged = example.label === null ? "" : wrong(example) ? "The model is wrong. " : "The model is right. ";
    const label = example.label === null ? "no label" : `true class ${data.classes[example.label]}`;
    const parts = [
      make("strong", {}, `Test example ${example.index}: ${label}. `),
      make("span", { class: wrong(example) ? "doubtful" : "" }, judged),
      `Probabilities: ${names.join(", ")}. Explained: ${data.classes[example.target]}. `,
    ];
    if (example.disagreement !== null) {
      parts.push(`The ${explorer.compared} explanations without the controls disagree by ${number(example.disagreement, 3)} `);
      parts.push("(1 less the mean rank correlation; 0: all alike)");
      if (similar && state.right >= 0) parts.push(`, left and right by ${number(pairDisagreement(current()), 3)}`);
      parts.push(".");
    }
    return parts;
  }

  function describe(one) {
    const example = explorer.examples[current()];
    if (one.which === "input") {
      one.heading.textContent = "The example itself";
      one.note.textContent = [data.channels.join(", "), ...(data.channels[0] === data.unit ? [] : [`in ${data.unit}`])].join(", ");
      one.bar.hidden = true;
      one.canvas.setAttribute("aria-label", `Test example ${example.index} itself`);
      return;
    }
    const { about, values } = valuesOf(one.which);
    const seen = measured ? values.filter((_, place) => isMeasured(place, values.length)) : values;
    one.scale = scaleOf(seen, about.signed);
    const { low, high, top, largest } = one.scale;
    let told = about.signed ? `values from ${number(low)} to ${number(high)}` : `largest value ${number(high)}`;
    if (!largest) told = "this map is zero everywhere";
    else if (high <= 0) told += "; no value is above zero: nothing counts for the class";
    else if (largest > top) told += `; the colours end at ${number(top)}, the 99.5th percentile`;
    const failed = ranking && ranking.failed[about.label];
    one.heading.replaceChildren(
      about.label,
      ...(failed ? [make("span", { class: "doubtful" }, ` ✗ failed ${failed}`)] : []),
    );
    const kind = about.family === "control" ? "a control, which does not look at the model" : about.title;
    one.note.textContent = `${kind}${about.settings ? ` (${about.settings})` : ""}; ${about.unit}: ${told}.`;
    one.canvas.setAttribute(
      "aria-label",
      `${about.label} on test example ${example.index}: ${told}. Arrow keys read the values.`,
    );
    one.bar.hidden = !largest;
    if (largest) drawBar(one);
  }

  function isMeasured(place, length) {
    const known = measured(current());
    return known[Math.floor((place * known.length) / length)];
  }

  function drawBar(one) {
    const width = 220;
    const context = fit(one.bar, width, 28);
    const { steps, signed, top } = one.scale;
    steps.forEach((colour, place) => {
      context.fillStyle = colour;
      context.fillRect((place * width) / 256, 0, width / 256 + 1, 10);
    });
    context.fillStyle = getComputedStyle(document.body).color;
    context.font = "12px system-ui, sans-serif";
    const texts = signed ? [`−${number(top, 3)} against`, "0", `for ${number(top, 3)}`] : ["0", "", number(top, 3)];
    ["left", "center", "right"].forEach((align, place) => {
      context.textAlign = align;
      context.fillText(texts[place], (place * width) / 2, 24);
    });
  }

  function draw(one) {
    const width = Math.max(220, one.figure.clientWidth - 2);
    if (image) drawImage(one, Math.min(width, 460));
    else drawSeries(one, width);
    one.canvas.dataset.ready = String(current());
  }

  // ---------------------------------------------------------------- series

  function place(one) {
    const { left, top, width, height } = one.area;
    const [first, last] = state.view;
    return {
      x: (sample) => left + ((sample - first) / (last - first)) * width,
      sample: (x) => first + ((x - left) / width) * (last - first),
      lane: height / one.lanes,
      top,
    };
  }

  function niceTicks(low, high, most) {
    const raw = (high - low) / Math.max(1, most);
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((factor) => power * factor >= raw);
    const ticks = [];
    for (let tick = Math.ceil(low / step) * step; tick <= high + 1e-9 * step; tick += step) ticks.push(tick);
    return [ticks, Math.max(0, -Math.floor(Math.log10(step) + 1e-9))];
  }

  function drawSeries(one, width) {
    const { about, values, channels } = valuesOf(one.which);
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
    const signal = inputs(current());
    const known = measured && measured(current());
    const planted = truth && truth(current());
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
    axes(context, one, at, signal, about);
  }

  function yOf(one, at, signal, channel) {
    if (rangesOf !== signal) [rangesOf, lanes] = [signal, ranges(signal)];
    const [low, high] = lanes[channel];
    const spread = depth === 1 ? high - low || 1 : spreads[channel];
    const middle = (low + high) / 2;
    const reach = at.lane * (truth ? 0.78 : 0.86);
    const centre = at.top + at.lane * (channel + (truth ? 0.45 : 0.5));
    return { y: (value) => centre - ((value - middle) / spread) * reach, low, high, bottom: at.top + at.lane * (channel + 1) };
  }

  // A trace that takes the colour of its attribution, weak parts first. Where several samples share a column of pixels,
  // the column shows their range and their strongest attribution.
  function drawTrace({ context, one, at, signal, values, channels, channel, known, planted }) {
    const [first, last] = [Math.max(0, Math.floor(state.view[0])), Math.min(shape[0] - 1, Math.ceil(state.view[1]))];
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
    const [first, last] = [Math.max(0, Math.floor(state.view[0])), Math.min(shape[0] - 1, Math.ceil(state.view[1]))];
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
    context.fillStyle = colours.unmeasured;
    for (let channel = 0; channel < depth; channel += 1) {
      for (let sample = 0; sample < shape[0]; sample += 1) {
        if (known[sample * depth + channel]) continue;
        const x = at.x(sample - 0.5);
        context.fillRect(x, at.top + at.lane * channel, at.x(sample + 0.5) - x + 0.5, at.lane);
      }
    }
  }

  function axes(context, one, at, signal) {
    const { left, top, width, height } = one.area;
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
    const [ticks, digits] = niceTicks(state.view[0] * unit, state.view[1] * unit, Math.max(2, width / 80));
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

  // ---------------------------------------------------------------- images

  function drawImage(one, width) {
    const [rows, columns] = shape;
    const [x0, x1, y0, y1] = state.view;
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
    if (one.which !== "input" && truth) frame(context, side, truth(current()));
  }

  function paint(one, target) {
    const signal = inputs(current());
    const count = shape[0] * shape[1];
    const grey = new Float64Array(count);
    for (let place = 0; place < signal.length; place += 1) grey[Math.floor(place / depth)] += signal[place] / depth;
    const [low, high] = one.which === "input" && depth === 3 ? extremes(signal) : extremes(grey);
    const values = one.which === "input" ? null : valuesOf(one.which).values;
    const known = measured && measured(current());
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

  function frame(context, side, planted) {
    const [rows, columns] = shape;
    const inside = (row, column) =>
      row >= 0 && column >= 0 && row < rows && column < columns && planted[(row * columns + column) * depth];
    context.strokeStyle = colours.truth;
    context.lineWidth = 2;
    context.beginPath();
    const line = (x0, y0, x1, y1) => {
      context.moveTo((x0 - state.view[0]) * side, (y0 - state.view[2]) * side);
      context.lineTo((x1 - state.view[0]) * side, (y1 - state.view[2]) * side);
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

  // ---------------------------------------------------------------- cursor and values

  function point(dragged) {
    for (const one of panels) {
      if (!one.area) continue;
      const ratio = window.devicePixelRatio || 1;
      const context = fit(one.canvas, one.drawn.width / ratio, one.drawn.height / ratio);
      context.drawImage(one.drawn, 0, 0, one.drawn.width / ratio, one.drawn.height / ratio);
      one.readout.textContent = state.cursor ? readout(one) : "";
      if (dragged && dragged.panel === one) selection(context, one, dragged);
      if (state.cursor) mark(context, one);
    }
  }

  function mark(context, one) {
    const { left, top, width, height } = one.area;
    context.strokeStyle = colours.ink;
    context.lineWidth = 1;
    if (image) {
      const [x0, x1, y0] = state.view;
      const side = width / (x1 - x0);
      context.lineWidth = 2;
      context.strokeRect((state.cursor.column - x0) * side, (state.cursor.row - y0) * side, side, side);
      return;
    }
    const at = place(one);
    const x = at.x(state.cursor.sample);
    if (x < left || x > left + width) return;
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x, top + height + 4);
    context.stroke();
    const lane = at.top + at.lane * state.cursor.channel;
    if (depth > LANES) context.strokeRect(x - 3, lane, 6, at.lane);
    else {
      const signal = inputs(current());
      const { y } = yOf(one, at, signal, state.cursor.channel);
      context.beginPath();
      context.arc(x, y(signal[state.cursor.sample * depth + state.cursor.channel]), 4.5, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  function readout(one) {
    const { cursor } = state;
    const signal = inputs(current());
    const known = measured && measured(current());
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
      const { values: map, channels } = valuesOf(one.which);
      const index = image ? spot.place : spot.sample * channels + (channels > 1 ? cursor.channel : 0);
      values.push(`attribution ${number(map[index])}${explorer.dtype === "float32" ? "" : " (rounded)"}`);
    }
    return [position, ...values].join(" · ");
  }

  function cursorAt(one, x, y) {
    const clip = (value, most) => Math.min(most - 1, Math.max(0, value));
    if (image) {
      const [x0, x1, y0, y1] = state.view;
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
    if (image) context.fillRect(x, Math.min(from[1], to[1]), width, Math.abs(from[1] - to[1]));
    else context.fillRect(x, one.area.top, width, one.area.height);
  }

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
      } else state.cursor = cursorAt(one, ...spot(event));
      point();
    });
    one.canvas.addEventListener("pointermove", (event) => {
      state.cursor = cursorAt(one, ...spot(event));
      if (drag) drag.to = spot(event);
      point(drag && Math.abs(drag.to[0] - drag.from[0]) > 5 ? drag : null);
    });
    one.canvas.addEventListener("pointerup", () => {
      const done = drag;
      drag = null;
      if (done && Math.abs(done.to[0] - done.from[0]) > 5) zoomTo(one, done);
    });
    one.canvas.addEventListener("pointerleave", () => {
      if (document.activeElement !== one.canvas) state.cursor = null;
      point();
    });
    one.canvas.addEventListener("dblclick", () => zoom(0));
    one.canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1 / WHEEL : WHEEL, cursorAt(one, ...spot(event)));
    }, { passive: false });
    one.canvas.addEventListener("keydown", keys);
  }

  function zoomTo(one, { from, to }) {
    if (image) {
      const [first, last] = [cursorAt(one, Math.min(from[0], to[0]), Math.min(from[1], to[1])), cursorAt(one, Math.max(from[0], to[0]), Math.max(from[1], to[1]))];
      state.view = [first.column, last.column + 1, first.row, last.row + 1];
    } else {
      const at = place(one);
      const ends = [at.sample(from[0]), at.sample(to[0])].sort((a, b) => a - b);
      state.view = bounded(ends, ...whole(), 3);
    }
    update();
  }

  function bounded([first, last], low, high, least) {
    const length = Math.min(high - low, Math.max(least, last - first));
    const begin = Math.min(high - length, Math.max(low, (first + last - length) / 2));
    return [begin, begin + length];
  }

  // A factor below 1 comes nearer; 0 shows all again.
  function zoom(factor, about) {
    const ends = whole();
    if (!factor) state.view = ends;
    else {
      const spot = about || state.cursor;
      const change = (first, last, low, high, centre, least) => {
        const middle = Math.min(last, Math.max(first, centre));
        return bounded([middle - (middle - first) * factor, middle + (last - middle) * factor], low, high, least);
      };
      if (image) {
        const [x0, x1, y0, y1] = state.view;
        state.view = [
          ...change(x0, x1, ends[0], ends[1], spot ? spot.column + 0.5 : (x0 + x1) / 2, 2),
          ...change(y0, y1, ends[2], ends[3], spot ? spot.row + 0.5 : (y0 + y1) / 2, 2),
        ];
      } else {
        const [first, last] = state.view;
        state.view = change(first, last, ...ends, spot ? spot.sample : (first + last) / 2, 3);
      }
    }
    update();
  }

  function pan(share) {
    const ends = whole();
    const length = state.view[1] - state.view[0];
    const moved = bounded([state.view[0] + share * length, state.view[1] + share * length], ends[0], ends[1], length);
    state.view = [...moved, ...state.view.slice(2)];
    update();
  }

  function keys(event) {
    const step = event.shiftKey ? 10 : 1;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (moves[event.key]) {
      const [along, across] = moves[event.key];
      const clip = (value, most) => Math.min(most - 1, Math.max(0, value));
      if (image) {
        const { row, column } = state.cursor || { row: -across, column: -along };
        state.cursor = { row: clip(row + across, shape[0]), column: clip(column + along, shape[1]) };
      } else {
        const start = Math.max(0, Math.ceil(state.view[0]));
        const { sample, channel } = state.cursor || { sample: start - along, channel: 0 };
        state.cursor = { sample: clip(sample + along, shape[0]), channel: clip(channel + across, depth) };
      }
      point();
    } else if (event.key === "+" || event.key === "=") zoom(1 / WHEEL);
    else if (event.key === "-") zoom(WHEEL);
    else if (event.key === "0") zoom(0);
    else if (event.key === "Escape") {
      state.cursor = null;
      point();
    } else return;
    event.preventDefault();
  }

  // ---------------------------------------------------------------- controls

  function chooser(label, options, value, change) {
    const select = make("select", { onchange: () => change(select.value) }, ...options);
    select.value = String(value);
    return [make("label", {}, `${label} `, select), select];
  }

  function methodOptions(none) {
    const groups = new Map();
    explorer.explanations.forEach(({ label, family }, place) => {
      const first = ranking && ranking.first.includes(label) ? "★ " : "";
      const failed = ranking && ranking.failed[label] && family !== "control" ? " ✗" : "";
      const group = groups.get(family) || make("optgroup", { label: family });
      groups.set(family, group);
      group.append(make("option", { value: place }, `${first}${label}${failed}`));
    });
    return [...(none ? [make("option", { value: -1 }, "nothing")] : []), ...groups.values()];
  }

  function step(by) {
    if (!state.order.length) return;
    state.at = (state.at + by + state.order.length) % state.order.length;
    controls.example.value = String(state.at);
    update();
    say(exampleName(current()));
  }

  function stepMethod(by) {
    state.left = (state.left + by + explorer.explanations.length) % explorer.explanations.length;
    controls.left.value = String(state.left);
    changedMethod();
    say(explorer.explanations[state.left].label);
  }

  function changedMethod() {
    if (state.sort === "pair") reorder(true);
    update();
  }

  function explore() {
    const body = document.getElementById("explorer-body");
    if (!explorer) {
      body.append(make("p", {}, "No method was run: there is nothing to explore."));
      return;
    }
    const places = explorer.explanations.map((_, place) => place);
    const wanted = ranking ? ranking.first.map((label) => places.find((place) => explorer.explanations[place].label === label)) : [];
    state.left = wanted[0] ?? 0;
    state.right = wanted[1] ?? (places.length > 1 ? places.find((place) => place !== state.left) : -1);
    explorer.examples.forEach((_, example) => {
      if (image) return;
      ranges(inputs(example)).forEach(([low, high], channel) => {
        spreads[channel] = Math.max(spreads[channel] ?? 1e-12, high - low);
      });
    });
    body.append(...toolbar());
    reorder(false);
    update();
    let waiting = 0;
    let width = body.clientWidth;
    new ResizeObserver(() => {
      if (body.clientWidth === width) return;
      width = body.clientWidth;
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(update);
    }).observe(body);
    document.getElementById("explorer").addEventListener("keydown", (event) => {
      if (/^(SELECT|INPUT|TEXTAREA)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
      const actions = { n: () => step(1), p: () => step(-1), m: () => stepMethod(1), M: () => stepMethod(-1) };
      if (actions[event.key]) actions[event.key]();
    });
  }

  function toolbar() {
    const { examples } = explorer;
    const count = (test) => examples.filter(test).length;
    const labelled = examples.some(({ label }) => label !== null);
    const sorts = Object.entries(SORTS).filter(([name]) => {
      if (name === "error") return labelled;
      if (name === "pair") return similar && explorer.explanations.length > 1;
      return !/agree/.test(name) || examples.some(({ disagreement }) => disagreement !== null);
    });
    const option = ([value, text]) => make("option", { value }, text);
    const classes = [...new Set(examples.map(({ label, predicted }) => label ?? predicted))].sort((a, b) => a - b);
    const refilter = (key) => (value) => {
      state[key] = value;
      reorder(false);
      update();
    };
    const rows = [
      chooser("Sort", sorts.map(([name, [text]]) => option([name, text])), "order", refilter("sort")),
      chooser("Show", [
        ["all", `all (${examples.length})`],
        ["wrong", `wrong ones (${count(wrong)})`],
        ["right", `right ones (${count((one) => one.label !== null && !wrong(one))})`],
      ].map(option), "all", refilter("which")),
      chooser("Class", [["all", "all"], ...classes.map((name) => [name, data.classes[name]])].map(option), "all", refilter("class")),
      chooser("Example", [], 0, (value) => {
        state.at = Number(value);
        update();
      }),
      chooser(image ? "Method" : "First method", methodOptions(false), state.left, (value) => {
        state.left = Number(value);
        changedMethod();
      }),
      chooser("Beside it", methodOptions(true), state.right, (value) => {
        state.right = Number(value);
        changedMethod();
      }),
    ];
    [, , , [, controls.example], [, controls.left], [, controls.right]] = rows;
    ["sort", "which", "class", "example", "left", "right"].forEach((name, place) => {
      rows[place][1].id = `choose-${name}`;
    });
    const button = (text, label, action) => make("button", { type: "button", "aria-label": label, title: label, onclick: action }, text);
    controls.panels = make("div", { class: "panels" });
    controls.facts = make("p", { class: "facts", "aria-live": "polite" });
    const [sort, which, classChoice, example, left, right] = rows.map(([label]) => label);
    const marks = ranking ? "★: to look at first. ✗: failed a check. " : "";
    const evidence = truth ? (image ? "Green frame: where the evidence was planted. " : "Green bar: where the evidence was planted. ") : "";
    const rounded = explorer.dtype === "float32" ? "" : "Values are rounded, so that the page stays small: each to a share of its map's largest value (1/127 for int8, 1/32767 for int16). ";
    return [
      make("div", { class: "controls" }, sort, which, classChoice),
      make("div", { class: "controls" }, example,
        make("span", { class: "buttons" }, button("‹", "Previous example (p)", () => step(-1)), button("›", "Next example (n)", () => step(1))),
        left, right),
      make("div", { class: "controls buttons" },
        button("+", "Zoom in (+)", () => zoom(1 / WHEEL ** 2)), button("−", "Zoom out (-)", () => zoom(WHEEL ** 2)),
        button("←", "Move left", () => pan(-0.5)), button("→", "Move right", () => pan(0.5)),
        button("all", "Show all (0)", () => zoom(0)),
        make("details", {}, make("summary", {}, "Mouse and keyboard"),
          make("p", {}, "Point at a panel to read its values; drag to zoom in; double-click to see all again; Ctrl and the wheel zoom. ",
            "Keys in a panel: arrows read the values (Shift: ten at a time), + and − zoom, 0 shows all, Escape ends. ",
            "n and p: next and previous example; m and M: next and previous method. Both panels show the same stretch."))),
      controls.facts,
      controls.panels,
      make("p", { class: "quiet" }, `${marks}${evidence}${rounded}Each map has its own colour scale, with the same colours as the figures.`),
    ];
  }

  // ---------------------------------------------------------------- tables

  function parse(text) {
    const rows = [[]];
    let cell = "";
    let quoted = false;
    for (let place = 0; place < text.length; place += 1) {
      const letter = text[place];
      if (quoted) {
        if (letter !== '"') cell += letter;
        else if (text[place + 1] === '"') {
          cell += '"';
          place += 1;
        } else quoted = false;
      } else if (letter === '"') quoted = true;
      else if (letter === "," || letter === "\n") {
        rows[rows.length - 1].push(cell);
        cell = "";
        if (letter === "\n") rows.push([]);
      } else cell += letter;
    }
    rows.pop();
    // An apostrophe stands before what a spreadsheet would take for a formula.
    const plain = (text) => (/^''*\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(text) ? text.slice(1) : text);
    return rows.map((row) => row.map(plain));
  }

  const isNumber = (text) => text.trim() !== "" && Number.isFinite(Number(text));

  function headline(header) {
    const about = content.tables.find(({ name }) => name === "metrics");
    if (!about) return null;
    const [keys, ...rows] = parse(about.csv);
    const of = (row, key) => row[keys.indexOf(key)];
    const kept = ["explanation", "family", "mean rank", "failed checks"].map((name) => [header.indexOf(name), name]);
    for (const row of rows) {
      if (of(row, "first") !== "True" || of(row, "better") === "neither") continue;
      const variant = of(row, "variant") ? `, ${of(row, "variant")}` : "";
      const arrow = of(row, "better") === "higher" ? "↑" : "↓";
      kept.push([header.indexOf(`${of(row, "metric")} mean`), `${of(row, "title")}${variant} ${arrow}`]);
    }
    return kept.filter(([place]) => place >= 0);
  }

  function table({ name, title, csv }) {
    const [header, ...rows] = parse(csv);
    const every = header.map((text, place) => [place, text]);
    const short = name === "leaderboard" ? headline(header) : null;
    const shown = { columns: short || every, by: null, down: false, rows };
    const grid = make("table", {}, make("caption", {}, title));
    const render = () => {
      const head = shown.columns.map(([place, text]) => {
        const sorted = shown.by === place;
        const order = sorted ? (shown.down ? "descending" : "ascending") : "none";
        const sort = () => {
          shown.down = sorted && !shown.down;
          shown.by = place;
          arrange();
          render();
          grid.querySelectorAll("thead button")[shown.columns.findIndex(([other]) => other === place)].focus();
        };
        const mark = sorted ? (shown.down ? " ▼" : " ▲") : "";
        return make("th", { scope: "col", "aria-sort": order }, make("button", { type: "button", onclick: sort }, `${text}${mark}`));
      });
      const body = shown.rows.map((row) => make("tr", {}, ...shown.columns.map(([place], column) => {
        const text = row[place] ?? "";
        const numeric = isNumber(text);
        const value = numeric ? number(Number(text)) : text;
        return make(column ? "td" : "th", { scope: column ? false : "row", class: numeric ? "number" : false, title: numeric ? text : false }, value);
      })));
      grid.replaceChildren(grid.caption, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
    };
    const arrange = () => {
      const cells = rows.map((row) => row[shown.by] ?? "");
      const numeric = cells.every((text) => text === "" || isNumber(text));
      const compare = (one, other) => {
        const [a, b] = [one[shown.by] ?? "", other[shown.by] ?? ""];
        if (a === "" || b === "") return (a === "") - (b === ""); // empty cells come last, whatever the order
        const difference = numeric ? Number(a) - Number(b) : a.localeCompare(b);
        return shown.down ? -difference : difference;
      };
      shown.rows = [...rows].sort(compare);
    };
    render();
    const lines = () => [shown.columns.map(([, text]) => text), ...shown.rows.map((row) => shown.columns.map(([place]) => row[place] ?? ""))];
    const tidy = (text) => text.replace(/[\t\r\n]+/g, " ");
    const asText = () => lines().map((row) => row.map(tidy).join("\t")).join("\n");
    const box = make("input", { type: "checkbox", onchange: () => {
      shown.columns = box.checked ? every : short;
      render();
    } });
    const tools = make("p", { class: "buttons" },
      make("button", { type: "button", onclick: () => copy(asText(), title) }, "Copy"),
      make("button", { type: "button", onclick: () => download(`${content.experiment}-${name}.csv`, csv, "text/csv") }, "Download CSV"),
      ...(short ? [make("label", {}, box, ` all ${header.length} columns`)] : []));
    const scroll = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, grid);
    return make("details", { class: "table", id: `table-${name}`, open: name !== "metrics" && rows.length < 200 }, make("summary", {}, title), tools, scroll);
  }

  explore();
  const tables = document.getElementById("tables-body");
  tables.append(...content.tables.map(table));
  if (!content.tables.length) tables.append(make("p", {}, "Nothing was evaluated or scored: there are no tables."));
  document.getElementById("copy-methods").addEventListener("click", () => {
    const text = document.getElementById("methods-text");
    const references = [...text.querySelectorAll("li")].map((item, place) => `[${place + 1}] ${item.textContent}`);
    copy([text.querySelector("p").textContent, "", ...references].join("\n"), "The methods text");
  });
  document.documentElement.dataset.ready = "true";
})();
