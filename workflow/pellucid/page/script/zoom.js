// The stretch that is shown: zoom and move.

function zoomTo(one, { from, to }) {
  const { image, axes: shown } = one.source;
  if (image) {
    const [first, last] = [cursorAt(one, Math.min(from[0], to[0]), Math.min(from[1], to[1])), cursorAt(one, Math.max(from[0], to[0]), Math.max(from[1], to[1]))];
    shown.view = [first.column, last.column + 1, first.row, last.row + 1];
  } else {
    const at = place(one);
    const ends = [at.sample(from[0]), at.sample(to[0])].sort((a, b) => a - b);
    shown.view = bounded(ends, ...whole(one.source), 3);
  }
  update();
}

function bounded([first, last], low, high, least) {
  const length = Math.min(high - low, Math.max(least, last - first));
  const begin = Math.min(high - length, Math.max(low, (first + last - length) / 2));
  return [begin, begin + length];
}

// A factor below 1 comes nearer; 0 shows all again.
function zoom(factor, sources = unlinked(), about = null) {
  for (const source of sources) {
    const ends = whole(source);
    const spot = about || source.axes.cursor;
    const change = (first, last, low, high, centre, least) => {
      const middle = Math.min(last, Math.max(first, centre));
      return bounded([middle - (middle - first) * factor, middle + (last - middle) * factor], low, high, least);
    };
    const [x0, x1, y0, y1] = source.axes.view;
    if (!factor) source.axes.view = ends;
    else if (source.image) {
      source.axes.view = [
        ...change(x0, x1, ends[0], ends[1], spot ? spot.column + 0.5 : (x0 + x1) / 2, 2),
        ...change(y0, y1, ends[2], ends[3], spot ? spot.row + 0.5 : (y0 + y1) / 2, 2),
      ];
    } else source.axes.view = change(x0, x1, ...ends, spot ? spot.sample : (x0 + x1) / 2, 3);
  }
  update();
}

function pan(share) {
  for (const source of unlinked()) {
    const [ends, { view }] = [whole(source), source.axes];
    const length = view[1] - view[0];
    const moved = bounded([view[0] + share * length, view[1] + share * length], ends[0], ends[1], length);
    source.axes.view = [...moved, ...view.slice(2)];
  }
  update();
}
