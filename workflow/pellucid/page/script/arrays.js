// Arrays as the page holds them, and what is known of their values.

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
function ranges(values, depth) {
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

// The colour scale of one map, as figures have it: up to the largest value, or to the 99.5th percentile where a spike would
// pale all the rest.
function scaleOf(values, signed) {
  const sizes = new Float64Array(values.length);
  for (let place = 0; place < values.length; place += 1) sizes[place] = Math.abs(values[place]);
  sizes.sort();
  const [low, high] = extremes(values);
  const largest = sizes.length ? sizes[sizes.length - 1] : 0;
  const most = sizes.length ? percentile(sizes, 0.995) : 0;
  const top = (most > 0 && largest > SPIKE * most ? most : largest) || 1;
  const steps = signed ? colours.diverging : colours.sequential;
  const place = (value) => {
    const share = signed ? (value + top) / (2 * top) : value / top;
    return Math.min(255, Math.max(0, Math.floor(share * 256)));
  };
  return { top, low, high, largest, signed, steps, place };
}
