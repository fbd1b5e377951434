// The stretch that is shown: zoom and move.

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
